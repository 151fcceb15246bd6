"""What makes and reads tokens, for functions that do so in most of their runs.

Wherever else a token is met, PyJWT and the cryptography under it are imported then:
they are a sixth of a start.
"""

from chalicelib.protocol import tokens

tokens.prepare()
