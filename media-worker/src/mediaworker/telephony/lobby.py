"""Where calls that came wait for an application, and applications for a call."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chalicelib.protocol.session.query import ANYBODY
from mediaworker.telephony.incoming import IncomingCall
from mediaworker.telephony.leg import PhoneLeg


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application that waits for a call."""

    leg: PhoneLeg
    user: str
    """Or `ANYBODY`."""


class Lobby:
    def __init__(self) -> None:
        self._calls: dict[str, IncomingCall] = {}
        self._listeners: list[Waiting] = []

    def __len__(self) -> int:
        """Calls that wait."""
        return len(self._calls)

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    # Calls

    def admit(self, call: IncomingCall) -> None:
        """Until it is taken, or over."""
        self._calls[call.record.session_id] = call

    def holds(self, session_id: str) -> bool:
        call = self._calls.get(session_id)
        return call is not None and not call.is_over

    def take(self, session_id: str) -> IncomingCall | None:
        """The call that waits under that name."""
        call = self._calls.pop(session_id, None)
        return None if call is None or call.is_over else call

    def overdue(self, came_before: float) -> Iterable[IncomingCall]:
        """Those that nobody took in time; they and those that are over are gone."""
        for session_id, call in tuple(self._calls.items()):
            if call.is_over or call.came_at <= came_before:
                del self._calls[session_id]
                if not call.is_over:
                    yield call

    # Applications

    def listen(self, waiting: Waiting) -> None:
        self._listeners.append(waiting)

    def forget(self, leg: PhoneLeg) -> None:
        """It waits no more."""
        self._listeners = [each for each in self._listeners if each.leg is not leg]

    def match(self, user: str, fits: Callable[[PhoneLeg], bool]) -> PhoneLeg | None:
        """Who has waited longest for such a call, and waits no more."""
        for waiting in self._listeners:
            if waiting.user in (ANYBODY, user) and fits(waiting.leg):
                self._listeners.remove(waiting)
                return waiting.leg
        return None
