"""Lambda handlers of everything that is not a request: thin, and idempotent.

Import bootstrap and below; never a dialect.
"""
