"""Parley's media worker.

May import ``chalicelib.protocol``, which its image carries, and nothing else of
the control plane.
"""
