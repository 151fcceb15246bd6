"""Batch signal processing over arrays of calls.

Pure: may import numpy; no asyncio, socket, time.
"""
