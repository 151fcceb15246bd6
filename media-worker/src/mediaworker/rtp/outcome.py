"""What a slot of 20 ms is made of."""

from enum import Enum
from typing import NamedTuple


class Lost(NamedTuple):
    """A packet that did not come, although later ones did."""

    next_payload: bytes | None
    """Of the packet right after it, which is handed out next; None unless it came."""


class Pause(Enum):
    """Slots that no packet is handed out for, and none was lost."""

    REST = "the packet of an earlier slot lasts for this one"
    NOTHING = "the sender sends no audio"
    STARVED = "nothing came, and nobody knows why"


Outcome = bytes | Lost | Pause
"""A payload, or why there is none."""
