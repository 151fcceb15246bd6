"""Calls as pure values: what may happen to them, and what is told of it.

Imports the protocol's vocabulary and the standard library; no clock, no
randomness, no I/O.
"""
