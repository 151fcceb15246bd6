"""How servers spell what the contract leaves open, or do otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server's ways; the defaults are the contract's."""

    ping: str = "pingInterval"
    """The query's parameter."""
    is_ping_a_frame: bool = False
    """Of WebSocket, instead of a JSON event."""
    server_side_track: str = "serverSideTrack"
    """The track's name where the query gives none."""
    lists: tuple[str, str] = ("/call/lists", "calls")
    """The path, and the key of the list."""
    kill: str = "/call/kill"
    wait_input: float = 1.0
    """A second, as ``waitInputTimeout`` counts it."""
    tells_hangup_on_sockets: bool = True
    """Whether `hangup` is told on /call and /call/webrtc."""


DIALECTS: Mapping[str, Dialect] = {
    "contract": Dialect(),
    "active-call": Dialect(
        ping="ping",
        is_ping_a_frame=True,
        server_side_track="server-side-track",
        lists=("/list", "active_calls"),
        kill="/kill",
        wait_input=1_000.0,
        tells_hangup_on_sockets=False,
    ),
}
"""The contract as it is written, and the server that others run, as it was measured."""
