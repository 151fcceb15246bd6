"""The Active Call machine: commands in, events and audio out.

``machine`` is the way in. Pure: may import ``chalicelib.protocol``, the standard
library's values, the speech process's messages, and array code that computes values.
"""
