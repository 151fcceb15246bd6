"""Batch signal processing over arrays of calls, and the codecs that have a state.

Pure: may import numpy and codecs; no asyncio, socket, time.
"""
