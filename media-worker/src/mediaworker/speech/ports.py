"""What an engine that speaks or hears must do, and how a job fails."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Heard = NDArray[np.float32]
"""16 kHz, one channel, from -1 to 1."""

Hear = Callable[[Samples], bool]
"""Takes the next samples; False when no more are wanted."""

EMBEDDED = "embedded"
"""What the providers that are part of the worker are called."""
HEARING_RATE = 16_000


class Failure(Exception):
    """A job failed for a reason that the application may know."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        """As HTTP has it."""


class NotInstalled(Exception):
    """The engine's library or its data is not on this machine."""


class Voice(Protocol):
    """One way to speak one language. Used by one thread at a time."""

    @property
    def name(self) -> str: ...

    @property
    def rate(self) -> int:
        """Of its samples."""

    def speak(self, text: str, speed: float, hear: Hear) -> None:
        """Call ``hear`` with samples as soon as there are some, until the end."""


class Engine(Protocol):
    """A family of voices."""

    @property
    def name(self) -> str: ...

    def named(self, speaker: str) -> Voice | None:
        """The voice that is called so."""

    def speaks(self, language: str) -> Voice | None:
        """The best voice for a language tag in lower case, as ``en`` or ``zh-cn``."""


class TurnJudge(Protocol):
    """Tells whether who fell silent has finished. Used by one thread at a time."""

    def judge(self, heard: Heard) -> float:
        """The probability; the speech comes first, then some silence."""


class Recogniser(Protocol):
    """Turns speech into text. Used by one thread at a time."""

    def understands(self, language: str) -> bool:
        """A language tag in lower case."""

    def transcribe(self, utterances: Sequence[Heard]) -> list[str]:
        """A text for each; empty where nobody speaks."""
