"""A conformance kit for any server of the session protocol.

An application of its own: aiohttp and the standard library, and nothing of Parley's, so
that what is wrong in Parley cannot be wrong here in the same way. ``python -m
conformance ws://host:8080``; docs/conformance.md tells the rest.
"""
