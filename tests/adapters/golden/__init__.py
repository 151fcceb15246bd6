"""Items as releases have written them, a file each: read by the code for ever.

A file of a version that was released is never written again; what is new gets a new
file, by ``python -m tests.adapters.golden``.
"""
