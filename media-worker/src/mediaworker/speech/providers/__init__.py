"""Speech by others: one file for each provider, over the guarded `net`.

A provider turns its own protocol into `ports`, and nothing else of the worker knows it.
"""
