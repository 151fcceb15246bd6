"""What providers of speech answer: understood, or refused in one harmless sentence.

The first byte says which adapter it is for; the rest are its messages, each behind a
byte that says whether it is a text.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.speech.guard import Guard
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.names import HEARS, SPEAKS
from mediaworker.speech.providers.net import Pool
from mediaworker.speech.providers.ports import (
    Mark,
    Net,
    Phrase,
    Recognizer,
    Socket,
    Sound,
    Synthesizer,
)
from mediaworker.speech.providers.registry import Registry

END = b"\x1e"
"""Between two messages."""
BINARY = b"b"
SECRET = "s3cr3t-of-the-app"
RATE = 16_000
FRAME = bytes(range(1, 161)) * 4
TEXT = "Hello there, world."
MOST_SENTENCE = 400

ADAPTERS = (
    *((name, "hears") for name in sorted(HEARS)),
    *((name, "speaks") for name in sorted(SPEAKS)),
)


class Scripted(Pool):
    """Whoever is asked, this is the answer."""

    def __init__(self, messages: list[bytes]) -> None:
        super().__init__(Guard(UrlPolicy()))
        self.messages = messages

    def net(self, trusted: str | None = None) -> Net:
        return ScriptedNet(self.messages)


class ScriptedNet:
    """A `Net`."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages = messages

    @asynccontextmanager
    async def connect(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Socket]:
        yield ScriptedSocket(self._messages)

    @asynccontextmanager
    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            for message in self._messages:
                yield message[1:]

        yield pieces()


class ScriptedSocket:
    """A `Socket`."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages = messages

    async def send(self, message: str | bytes) -> None:
        await asyncio.sleep(0)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        for message in self._messages:
            for _ in range(10):
                await asyncio.sleep(0)
            yield _as_sent(message)


def _as_sent(message: bytes) -> str | bytes:
    """Without the byte that says what it is."""
    if message.startswith(BINARY):
        return message[1:]
    return message[1:].decode(errors="replace")


@contextmanager
def world() -> Iterator[None]:
    """Nobody needs to read what is logged."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def one_input(data: bytes) -> None:
    name, does = ADAPTERS[(data[0] if data else 0) % len(ADAPTERS)]
    registry = Registry({}, Scripted(data[1:].split(END)))
    asyncio.run(_hear(registry, name) if does == "hears" else _speak(registry, name))


async def _hear(registry: Registry, name: str) -> None:
    option = TranscriptionOption(
        name,
        app_id="1",
        secret_id="AK",
        secret_key=SECRET,
        endpoint="https://a.example",
        extra={"region": "eu-west-1"},
    )
    recognizer = registry.recognizer(option)
    assert recognizer is not None
    with _harmless():
        await _check_phrases(recognizer, option)


async def _check_phrases(recognizer: Recognizer, option: TranscriptionOption) -> None:
    async for phrase in recognizer.transcribe(option, RATE, _audio()):
        assert isinstance(phrase, Phrase) and isinstance(phrase.text, str)
        assert isinstance(phrase.is_final, bool)
        for at_ms in (phrase.from_ms, phrase.to_ms):
            assert at_ms is None or (isinstance(at_ms, int) and at_ms >= 0)
        confidence = phrase.confidence
        assert confidence is None or isinstance(confidence, float | int)


async def _speak(registry: Registry, name: str) -> None:
    option = SynthesisOption(
        name,
        app_id="1",
        secret_id="AK",
        secret_key=SECRET,
        endpoint="https://a.example",
        subtitle=True,
        extra={"region": "eu-west-1"},
    )
    synthesizer = registry.synthesizer(option)
    assert synthesizer is not None
    with _harmless():
        await _check_spoken(synthesizer, option)


async def _check_spoken(synthesizer: Synthesizer, option: SynthesisOption) -> None:
    rate = synthesizer.rate(option, RATE)
    async for each in synthesizer.speak(option, TEXT, rate):
        if isinstance(each, Mark):
            assert each.at_ms >= 0 and 0 <= each.position < len(TEXT)
        else:
            assert isinstance(each, Sound) and isinstance(each.samples, bytes)


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Failure as failure:
        assert SECRET not in failure.sentence
        assert 0 < len(failure.sentence) <= MOST_SENTENCE
        assert 400 <= failure.code < 600


async def _audio() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield FRAME
