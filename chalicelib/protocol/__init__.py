"""What the control plane and the media worker share: words, envelopes, claims.

Standard library only; imports nothing else of Parley.
"""
