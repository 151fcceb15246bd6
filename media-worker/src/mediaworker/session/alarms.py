"""What a session waits for, and until when."""

from enum import Enum, auto


class Alarm(Enum):
    """What is due when the time has come."""

    PING = auto()
    INVITE = auto()
    """Nobody has said yet what the session is for."""
    INPUT = auto()
    """Nobody has said or pressed anything since the playback's end."""
    INACTIVITY = auto()
    """Nobody has been heard for long."""
    TEXT = auto()
    """What was heard should have become text by now."""
    TURN = auto()
    """A pause has lasted long enough to be the end of the turn."""
    STARVED = auto()
    """A playback has waited long for its audio."""
    IDLE = auto()
    """A stream has had nothing to say for long."""
    FLUSH = auto()
    """A stream's unfinished sentence is as good as finished."""


class Alarms:
    """At most one instant for each `Alarm`."""

    def __init__(self) -> None:
        self._at: dict[Alarm, float] = {}
        self.next_at: float | None = None
        """When the first is due."""
        self.has_changed = False
        """It may be due at another time than it was."""

    def set(self, alarm: Alarm, at: float) -> None:
        """Instead of the instant that it had."""
        self._at[alarm] = at
        self.has_changed = True
        self.next_at = min(self._at.values())

    def is_set(self, alarm: Alarm) -> bool:
        return alarm in self._at

    def clear(self, alarm: Alarm) -> None:
        if self._at.pop(alarm, None) is not None:
            self.has_changed = True
            self.next_at = min(self._at.values(), default=None)

    def clear_all(self) -> None:
        self._at.clear()
        self.has_changed = True
        self.next_at = None

    def take_due(self, now: float) -> list[Alarm]:
        """Those whose time has come, the earliest first; they are no longer set."""
        due = [alarm for alarm, at in self._at.items() if at <= now]
        due.sort(key=self._at.__getitem__)
        for alarm in due:
            self.clear(alarm)
        return due
