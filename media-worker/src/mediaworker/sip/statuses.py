"""The statuses that the machines themselves give, or heed (RFC 3261 section 21)."""

TRYING = 100
RINGING = 180
PROGRESS = 183
OK = 200
BAD_REQUEST = 400
TIMED_OUT = 408
UNKNOWN_CALL = 481
MERGED = 482
TERMINATED = 487
PENDING = 491
OUT_OF_ORDER = BUSY = 500
UNAVAILABLE = 503
DECLINED = 603

LOST = (TIMED_OUT, UNKNOWN_CALL)
"""Those that end the dialog in which the request was made (12.2.1.2)."""
