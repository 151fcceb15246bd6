"""By what name a client may call its device."""

import re

DEVICE_MAX = 64
DEVICE = re.compile(r"[!-~]{1,64}\Z")


def is_device(text: str) -> bool:
    """Printable ASCII without spaces, 1 to `DEVICE_MAX` characters."""
    return DEVICE.match(text) is not None
