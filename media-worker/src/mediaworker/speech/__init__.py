"""Hearing and speaking: the ports, one module per provider, the process they run in.

``messages`` is all that the rest of the worker knows of them.
"""
