"""What a session was to its application. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.demo_fleet import audio

HANGUP = "hangup"
CLEAN = 1000


@dataclass
class Record:
    """All that was said and heard on one session's socket, or sockets."""

    name: str
    expected: int = 0
    """Frames of audio that are to be heard."""
    session_id: str = ""
    port: int = 0
    """Of its worker, as far as the application knows."""
    sent: int = 0
    """Frames of audio."""
    heard: list[bytes] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    noted: int = 0
    """Messages that were sent, each of which is to be answered."""
    notes: list[int] = field(default_factory=list)
    """The answers, as they came."""
    errors: list[str] = field(default_factory=list)
    close_code: int | None = None
    resumed_at: int = 0
    """Port of the worker through which it went on after a cut; 0: it never did."""

    def hear(self, event: Mapping[str, Any]) -> None:
        name = event["event"]
        self.events.append(name)
        if name == "error":
            self.errors.append(event["error"])

    @property
    def has_ended_well(self) -> bool:
        """By its own hang-up, told once and last, before a clean close."""
        is_last = self.events[-1:] == [HANGUP] and self.events.count(HANGUP) == 1
        return is_last and self.close_code == CLEAN

    @property
    def holes(self) -> int:
        """Frames that did not come once and in order."""
        return audio.holes(audio.numbers_in(self.heard), self.expected)

    @property
    def is_in_order(self) -> bool:
        """No frame and no answer came twice, or after a later one."""
        heard = audio.numbers_in(self.heard)
        return all(numbers == sorted(set(numbers)) for numbers in (heard, self.notes))
