"""Speech and silence, told apart from the detector's probabilities.

    QUIET --voiced--> RISING --voiced for the padding--> SPEAKING
      ^                  |                                   |
      +--quiet again-----+        +---silent for the padding-+
      ^                           |
      +---------------------------+

A window is voiced from ``voiceThreshold`` on, and stays so down to the threshold less
the hysteresis. Speech begins at its first voiced window and ends at its last one.
Instants are milliseconds of the caller's audio.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from chalicelib.protocol.session.speech import VadOption

LEAST_THRESHOLD = 0.01


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Speech has lasted for the padding."""

    start_ms: int
    confidence: float = field(default=0.0, compare=False)
    """The mean probability of the windows of the padding."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Silence has lasted for the padding."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SilenceLasts:
    """Silence has lasted for another timeout."""

    start_ms: int


Turn = SpeechBegan | SpeechEnded | SilenceLasts


class _State(Enum):
    QUIET = auto()
    RISING = auto()
    SPEAKING = auto()


class Gate:
    """One caller's turns."""

    def __init__(self, option: VadOption, hysteresis: float) -> None:
        self._option = option
        self._threshold = option.voice_threshold
        self._release = self._threshold - hysteresis
        if self._release < LEAST_THRESHOLD:
            self._release = min(LEAST_THRESHOLD, self._threshold)
        self._state = _State.QUIET
        self._to_ms = 0
        self._start_ms = 0
        """Of the speech, or of what may become speech."""
        self._silent_from_ms = 0
        self._voiced_to_ms = 0
        self._is_voiced = False
        self._windows: deque[tuple[int, int, bool, float]] = deque()
        """From, to, whether it was voiced and the probability of that, since what may
        become speech began."""
        self._repeats_at_ms = option.silence_timeout or None

    @property
    def rising_from_ms(self) -> int | None:
        """When what may become speech began, if there is such a thing."""
        return self._start_ms if self._state is _State.RISING else None

    @property
    def speaking_to_ms(self) -> int | None:
        """How far what is speech already was heard."""
        return self._to_ms if self._state is _State.SPEAKING else None

    def hear(self, probability: float, to_ms: int) -> Turn | None:
        """A window that ends at ``to_ms``; one that is no news is ignored."""
        from_ms = self._to_ms
        if to_ms <= from_ms:
            return None
        self._to_ms = to_ms
        if self._state is _State.QUIET and probability < self._threshold:
            return self._repeat(to_ms)
        voiced_from = self._release if self._is_voiced else self._threshold
        is_voiced = self._is_voiced = probability >= voiced_from
        if self._state is _State.SPEAKING:
            return self._go_on(from_ms, to_ms, is_voiced)
        return self._rise(from_ms, to_ms, is_voiced, probability)

    def _repeat(self, to_ms: int) -> Turn | None:
        if self._repeats_at_ms is None or to_ms < self._repeats_at_ms:
            return None
        timeout = self._option.silence_timeout or to_ms
        lasted_ms = to_ms - self._silent_from_ms
        self._repeats_at_ms = to_ms - lasted_ms % timeout + timeout
        return SilenceLasts(self._silent_from_ms)

    def _rise(
        self, from_ms: int, to_ms: int, is_voiced: bool, probability: float
    ) -> Turn | None:
        if self._state is _State.QUIET:
            self._state = _State.RISING
            self._start_ms = from_ms
        if is_voiced:
            self._voiced_to_ms = to_ms
        elif to_ms - self._voiced_to_ms >= self._option.silence_padding:
            self._fall_quiet()
            return None
        self._windows.append((from_ms, to_ms, is_voiced, probability))
        while to_ms - self._start_ms >= self._option.speech_padding:
            if self._is_speech():
                return self._begin()
            self._forget_oldest()
            if not self._windows:
                self._fall_quiet()
                break
        return None

    def _is_speech(self) -> bool:
        voiced_ms = sum(
            to - from_ for from_, to, is_voiced, _ in self._windows if is_voiced
        )
        span_ms = self._windows[-1][1] - self._start_ms
        return voiced_ms >= self._option.ratio * span_ms

    def _forget_oldest(self) -> None:
        """What may become speech begins at its next voiced window."""
        self._windows.popleft()
        while self._windows and not self._windows[0][2]:
            self._windows.popleft()
        if self._windows:
            self._start_ms = self._windows[0][0]

    def _fall_quiet(self) -> None:
        self._state = _State.QUIET
        self._is_voiced = False
        self._windows.clear()

    def _begin(self) -> Turn:
        self._state = _State.SPEAKING
        probabilities = [window[3] for window in self._windows]
        self._windows.clear()
        confidence = sum(probabilities) / len(probabilities)
        return SpeechBegan(self._start_ms, confidence)

    def _go_on(self, from_ms: int, to_ms: int, is_voiced: bool) -> Turn | None:
        if is_voiced:
            self._voiced_to_ms = to_ms
            return None
        if to_ms - self._voiced_to_ms < self._option.silence_padding:
            return None
        self._silent_from_ms = self._voiced_to_ms
        if self._option.silence_timeout:
            self._repeats_at_ms = self._silent_from_ms + self._option.silence_timeout
        self._fall_quiet()
        return SpeechEnded(self._start_ms, self._silent_from_ms)
