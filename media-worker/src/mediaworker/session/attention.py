"""How long a session waits for its caller."""

from enum import Enum, auto

from chalicelib.protocol.session.events import Inactivity, Silence
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.outbox import Outbox


class Activity(Enum):
    """Why nobody is waited for at the moment."""

    SPEECH = auto()
    """The caller speaks."""
    PLAYBACK = auto()
    """The caller listens."""
    HOLD = auto()
    """The caller has put the call on hold."""
    BRIDGE = auto()
    """The caller hears another session."""
    PASS = auto()
    """The caller hears a media server."""


class Attention:
    """After a playback for an answer, and all the while for any sign of life."""

    def __init__(self, outbox: Outbox, alarms: Alarms) -> None:
        self._outbox = outbox
        self._alarms = alarms
        self._activities: set[Activity] = set()
        self._inactivity_seconds = 0.0
        self._waits_from_ms = 0
        self._wait_ms = 0

    def watch(self, inactivity_seconds: float | None, now: float) -> None:
        """From now on nobody may be quiet for so long; 0 and None are for ever."""
        self._inactivity_seconds = inactivity_seconds or 0
        self.notice(now)

    def begin(self, activity: Activity) -> None:
        self._activities.add(activity)
        self._alarms.clear(Alarm.INPUT)
        self._alarms.clear(Alarm.INACTIVITY)

    def end(self, activity: Activity, now: float) -> None:
        self._activities.discard(activity)
        self._postpone(now)

    def notice(self, now: float) -> None:
        """There was a sign of life."""
        self._alarms.clear(Alarm.INPUT)
        self._postpone(now)

    def wait(self, wait_ms: int, now: float) -> None:
        """An answer is expected within so long; 0 is off. It may have begun."""
        if wait_ms and not self._activities:
            self._waits_from_ms, self._wait_ms = self._outbox.at_ms(now), wait_ms
            self._alarms.set(Alarm.INPUT, now + wait_ms / 1_000)

    def stop_waiting(self) -> None:
        """The application has the word again."""
        self._alarms.clear(Alarm.INPUT)

    def tell_silence(self, now: float) -> None:
        """No answer came."""
        track, at_ms = self._outbox.server_side_track, self._outbox.at_ms(now)
        self._outbox.tell(Silence(track, at_ms, self._waits_from_ms, self._wait_ms))

    def tell_inactivity(self, now: float) -> None:
        """No sign of life came."""
        outbox = self._outbox
        outbox.tell(Inactivity(outbox.session_id, outbox.at_ms(now)))

    def _postpone(self, now: float) -> None:
        if self._inactivity_seconds and not self._activities:
            self._alarms.set(Alarm.INACTIVITY, now + self._inactivity_seconds)
