"""Ours: what no other dialect has, below ``/v1``."""
