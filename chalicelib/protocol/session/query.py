"""What an application asks for in the address of its socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from chalicelib.protocol.session import records
from chalicelib.protocol.session.fields import Name, SessionId
from chalicelib.protocol.session.kinds import Flag, Unfit, Whole
from chalicelib.protocol.session.records import Keys, Record
from chalicelib.protocol.session.vocabulary import CallType, Codec

SERVER_SIDE_TRACK = "serverSideTrack"
SERVER_SIDE_TRACKS = frozenset({SERVER_SIDE_TRACK, "server-side-track"})
"""The contract's name for it and the one that real servers use."""

ANYBODY = "*"
"""Whom to `SessionQuery.listen` for: any user."""

WORDS = {"true": True, "1": True, "false": False, "0": False}


class MalformedQuery(ValueError):
    """A parameter that means nothing; the sentence names it."""


class BinaryForm(StrEnum):
    """How audio comes over the socket."""

    FRAME = "frame"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class SpeltFlag(Flag):
    """True or false, spelt out."""

    def read(self, value: Any) -> bool:
        word = WORDS.get(str(value).lower())
        self.check(word)
        return bool(word)

    def write(self, value: Any) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class SpeltWhole(Whole):
    """A whole number in decimal digits."""

    def read(self, value: Any) -> int:
        digits = str(value)
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
        self.check(int(digits) if is_number else None)
        return int(digits)

    def write(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class SessionQuery(Record):
    """The parameters of ``/call``, ``/call/webrtc`` and ``/call/sip``."""

    id: SessionId | None = None
    """None: the worker chooses one."""
    is_dumped: Annotated[bool, SpeltFlag(), Keys("dump", "dump_events")] = True
    ping_seconds: Annotated[
        int, SpeltWhole(0, 3_600), Keys("pingInterval", "ping", "ping_interval")
    ] = 20
    """0 is off."""
    server_side_track: Annotated[Name, Keys("serverSideTrack", "server_side_track")] = (
        SERVER_SIDE_TRACK
    )
    codec: Codec | None = None
    """Of a WebSocket call, unless its invite names one."""
    binary: BinaryForm = BinaryForm.FRAME
    type: CallType | None = None
    """Where the address has no path to tell it by."""
    listen: Name | None = None
    """The user whose next incoming SIP call is wanted, or `ANYBODY`."""

    @classmethod
    def parse(
        cls, parameters: Mapping[str, str], server_side_track: str = SERVER_SIDE_TRACK
    ) -> Self:
        """Read decoded parameters; empty ones count as absent, strange ones as nothing.

        ``server_side_track`` is the track's name for who does not choose one. Raises
        `MalformedQuery`.
        """
        given = {name: value for name, value in parameters.items() if value}
        if "server_side_track" not in given:
            given.setdefault("serverSideTrack", server_side_track)
        try:
            return records.read(cls, given)
        except Unfit as error:
            raise MalformedQuery(str(error)) from None

    def render(self) -> dict[str, str]:
        """The parameters that `parse` reads back."""
        return records.write(self)

    def is_server_side(self, track_id: str) -> bool:
        """Whether a command's ``trackId`` means what the application plays."""
        return track_id == self.server_side_track or track_id in SERVER_SIDE_TRACKS
