"""Bytes from nowhere, for what reads bytes of strangers: ``python -m fuzz``.

A target is a module with ``one_input(data: bytes) -> None``, which raises when the
product did what it must never do.
"""
