"""The ports of the services, against the world and in memory.

Imports services, domain and protocol; only `chalicelib.bootstrap` names these.
"""
