"""What the media process and the recording process say to each other.

Audio is in the ring: `Advanced` says how far it may be read, and `Consumed` how far it
may be written over. All else is in order with it: what comes before an `End` in the
ring is in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Begin:
    """Record from a slot on, in a file of its own."""

    recording: int
    """Never used again, not even for another session."""
    session_id: str
    path: str
    """Relative to where recordings are kept; its suffix says what the file is."""
    rate: int
    """Of the file, whatever the session's is."""
    flush_ms: int
    slot: int


@dataclass(frozen=True, slots=True)
class Advanced:
    """The ring was written so far, counted from the process's start."""

    position: int


@dataclass(frozen=True, slots=True)
class End:
    """The file ends with this slot: make it whole, and keep it."""

    recording: int
    slot: int


@dataclass(frozen=True, slots=True)
class Dump:
    """A line of a session's dump: what it was told, or has told."""

    session_id: str
    path: str
    kind: str
    """``command`` or ``event``."""
    at_ms: int
    content: str = field(repr=False)
    """JSON as it went over the socket: secrets are left out when it is written."""


@dataclass(frozen=True, slots=True)
class DumpEnd:
    """Nothing more of that session."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A session's detail record, whose recording is added to it when it is whole."""

    session_id: str
    path: str
    fields: Mapping[str, Any] = field(repr=False)


Request = Begin | Advanced | End | Dump | DumpEnd | Detail


@dataclass(frozen=True, slots=True)
class Ready:
    """The process works."""

    has_opus: bool


@dataclass(frozen=True, slots=True)
class Consumed:
    """The ring was read so far."""

    position: int


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no such recording, or no more of it; what there is of it is kept."""

    recording: int
    sentence: str
    code: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A recording is whole, and where it is to be kept."""

    recording: int
    url: str
    """Of the object, or the file's path."""
    key: str
    """Relative to where recordings are kept."""
    size: int
    duration_ms: int
    form: str
    """``wav`` or ``opus``."""


Reply = Ready | Consumed | Failed | Stored
