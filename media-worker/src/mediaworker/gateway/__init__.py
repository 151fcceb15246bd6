"""The worker's HTTP port: REST and, to come, its sockets.

May import everything of the worker that is not a machine's inside.
"""
