"""The SIP edge: fixed addresses before a fleet of workers, and nothing of a call.

`forwarding`, with `answers`, `hops`, `placements`, `retries` and `roster`, is pure. It
may import all of the worker but `composition`.
"""
