"""The worker's TCP port: sockets of applications, REST, and what operators ask.

May import everything of the worker that is not a machine's inside.
"""
