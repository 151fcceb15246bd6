"""Digits apart from the audio: telephone-event (RFC 4733)."""

from collections import deque
from struct import Struct
from typing import NamedTuple

_EVENT = Struct("!BBH")

DIGITS = "0123456789*#ABCD"
"""By their event codes, RFC 4733 section 3.2."""
SLOTS_A_SECOND = 50
SLOT_MS = 20
END_BIT = 0x80
VOLUME = 10
"""Below 0 dBm0; what most senders say."""
VOLUME_MASK = 0x3F
MOST_DURATION = 0xFFFF
MOST_TIMESTAMP = 0xFFFFFFFF
ENDS = 3
"""How often the last packet of an event is sent, section 2.5.1.4."""
LEAST_SLOTS = 2
"""Of an event, and of the pause after it; receivers may overlook shorter ones."""
MOST_WAITING = 256
"""Digits that have not been sent yet."""
REMEMBERED = 32
SEGMENT_SLACK = 2_400
"""How much shorter than the longest duration a segment of an event may be: 50 ms of
the fastest clock."""


class MalformedTelephoneEvent(ValueError):
    """It is no telephone-event."""


class TelephoneEvent(NamedTuple):
    """What one packet tells of an event."""

    code: int
    has_ended: bool
    duration: int
    """Since the packet's timestamp, in units of its clock."""
    volume: int = VOLUME

    @property
    def digit(self) -> str | None:
        """None for what is no key: a hook flash, tones of the line."""
        return DIGITS[self.code] if self.code < len(DIGITS) else None


class KeyPacket(NamedTuple):
    """What goes out in a slot instead of audio."""

    payload: bytes
    timestamp: int
    """When the event, or this segment of it, began; of 32 bits."""
    has_marker: bool


def parse(payload: bytes) -> TelephoneEvent:
    """What follows the first four bytes is not looked at.

    Raises `MalformedTelephoneEvent`.
    """
    if len(payload) < _EVENT.size:
        raise MalformedTelephoneEvent("it is shorter than an event")
    code, flags, duration = _EVENT.unpack_from(payload)
    return TelephoneEvent(code, flags >= END_BIT, duration, flags & VOLUME_MASK)


def render(event: TelephoneEvent) -> bytes:
    flags = event.volume | END_BIT if event.has_ended else event.volume
    return _EVENT.pack(event.code, flags, event.duration)


class KeyReceiver:
    """Which keys were pressed: each is told by the first packet that comes of it."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        """Timestamps and codes of what was told, or belongs to it."""
        self._last = TelephoneEvent(0, has_ended=True, duration=0)
        """As far as it is known."""
        self._began = 0

    def receive(self, payload: bytes, timestamp: int, has_marker: bool) -> str | None:
        """The digit, if the packet is the first that came of its event.

        Raises `MalformedTelephoneEvent`.
        """
        event = parse(payload)
        if event.digit is None:
            return None
        if (timestamp, event.code) in self._seen:
            self._learn(event, timestamp)
            return None
        is_next_segment = not has_marker and self._is_continued_by(event, timestamp)
        self._seen.append((timestamp, event.code))
        self._last, self._began = event, timestamp
        return None if is_next_segment else event.digit

    def _learn(self, event: TelephoneEvent, timestamp: int) -> None:
        last = self._last
        if timestamp == self._began and event.code == last.code:
            self._last = last._replace(
                has_ended=last.has_ended or event.has_ended,
                duration=max(last.duration, event.duration),
            )

    def _is_continued_by(self, event: TelephoneEvent, timestamp: int) -> bool:
        """A long event goes on under a new timestamp, section 2.5.1.3."""
        last = self._last
        if last.has_ended or event.code != last.code:
            return False
        distance = timestamp - self._began & MOST_TIMESTAMP
        is_full = MOST_DURATION - SEGMENT_SLACK <= distance <= MOST_DURATION
        return is_full or distance == last.duration


class _Event(NamedTuple):
    """A digit that waits."""

    code: int
    slots: int
    pause: int
    """Slots from its end to the next one's beginning."""


class KeySender:
    """Digits in their order, a packet in each slot while an event lasts."""

    def __init__(self, clock_rate: int) -> None:
        """Of the payload type; a multiple of 50."""
        self._step = clock_rate // SLOTS_A_SECOND
        self._most_slots = MOST_DURATION // self._step
        self._waiting: deque[_Event] = deque()
        self._event: _Event | None = None
        self._slots = 0
        """Of the event, so far; its last packet's repetitions too."""
        self._began = 0
        self._pause = 0

    @property
    def is_idle(self) -> bool:
        """Nothing is to be sent, and the pause after the last digit is over."""
        return self._event is None and not self._waiting and not self._pause

    def press(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Send them after those that wait.

        Raises `ValueError` for what is no digit, and for too many of them.
        """
        if not set(digits) <= set(DIGITS):
            raise ValueError("there is something that is no digit")
        if len(self._waiting) + len(digits) > MOST_WAITING:
            raise ValueError("too many digits wait")
        slots, pause = (
            max(-(-ms // SLOT_MS), LEAST_SLOTS) for ms in (duration_ms, gap_ms)
        )
        self._waiting.extend(_Event(DIGITS.index(d), slots, pause) for d in digits)

    def take(self, timestamp: int) -> KeyPacket | None:
        """Once in every slot, with its timestamp; None when audio may go."""
        event = self._event or self._next()
        if event is None:
            return None
        segment = min(self._slots, event.slots - 1) % self._most_slots
        if segment == 0 and self._slots < event.slots:
            self._began = timestamp & MOST_TIMESTAMP
        has_marker = self._slots == 0
        self._slots += 1
        has_ended = self._slots >= event.slots
        if self._slots == event.slots + ENDS - 1:
            self._event, self._pause = None, event.pause - (ENDS - 1)
        told = TelephoneEvent(event.code, has_ended, (segment + 1) * self._step)
        return KeyPacket(render(told), self._began, has_marker)

    def _next(self) -> _Event | None:
        """What begins in this slot."""
        if self._pause:
            self._pause -= 1
        elif self._waiting:
            self._event, self._slots = self._waiting.popleft(), 0
        return self._event
