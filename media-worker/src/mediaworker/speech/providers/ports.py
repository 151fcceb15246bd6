"""What a provider of speech must do, and what it may use.

Each adapter lives in the speech process, on its loop; it never waits for anything but
its network, and raises `mediaworker.speech.ports.Failure` with a sentence that holds
neither a secret nor an address.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a provider has heard so far of one utterance, or has heard for good."""

    text: str = field(repr=False)
    is_final: bool
    from_ms: int | None = None
    """Of the audio that it was sent; None where the provider does not say."""
    to_ms: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """The next samples: signed 16-bit, one channel, little-endian."""

    samples: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """A word of the text begins to be heard."""

    at_ms: int
    position: int
    """Its first character in the text."""


Spoken = Sound | Mark


class Socket(Protocol):
    """A WebSocket to a provider."""

    async def send(self, message: str | bytes) -> None:
        """Raises `Failure`."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Until it is closed; raises `Failure` when it breaks."""


class Net(Protocol):
    """The one way out: addresses are checked and pinned, sizes and times bounded."""

    def connect(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Socket]:
        """Raises `Failure`."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The body of a 2xx answer, piece by piece; raises `Failure` else."""


class Recognizer(Protocol):
    """Makes text of a stream of audio, and finds the ends of utterances itself."""

    name: str

    def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Until the audio ends; raises `Failure`.

        The audio is signed 16-bit samples, one channel, at ``rate`` (8,000 or 16,000),
        in pieces of 20 ms as they are heard, silence included.
        """


class Synthesizer(Protocol):
    """Makes speech of a text."""

    name: str

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        """Of the samples that `speak` will bring, as near to ``wanted`` as it can."""

    def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Samples at that rate, as soon as there are some; raises `Failure`."""
