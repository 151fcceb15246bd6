"""The sessions that a session is bridged with."""

from chalicelib.protocol.session.events import Other
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.outbox import Outbox

BRIDGE = "bridge"


class Bridges:
    """While there is one, nobody is waited for: two people may be talking."""

    def __init__(self, outbox: Outbox, attention: Attention) -> None:
        self._outbox = outbox
        self._attention = attention
        self._joined: set[str] = set()

    def join(self, session_id: str, now: float) -> None:
        if session_id not in self._joined:
            self._joined.add(session_id)
            self._attention.begin(Activity.BRIDGE)
            self._tell("bridged", session_id, now)

    def part(self, session_id: str, now: float) -> None:
        if session_id in self._joined:
            self._joined.discard(session_id)
            if not self._joined:
                self._attention.end(Activity.BRIDGE, now)
            self._tell("unbridged", session_id, now)

    def _tell(self, what: str, session_id: str, now: float) -> None:
        outbox = self._outbox
        at_ms, extra = outbox.at_ms(now), {what: session_id}
        outbox.tell(Other(outbox.session_id, at_ms, BRIDGE, extra))
