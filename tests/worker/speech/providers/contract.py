"""What every provider's adapter does, against a fake of its documented protocol.

A subclass says which fake and which option; the fake's recognizer tells at least one
delta, and then `HEARD` as a final, once it has heard a second of audio; the
synthesizer's answer is `SPEECH`, at the rate that it was asked for.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.speech.guard import Guard
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.net import Patience, Pool
from mediaworker.speech.providers.ports import (
    Mark,
    Net,
    Phrase,
    Recognizer,
    Sound,
    Spoken,
    Synthesizer,
)
from tests.worker.speech.providers.fakes.server import SECRET, FakeProvider, Fault

RATE = 16_000
FRAME = bytes(range(1, 161)) * 4
"""20 ms at that rate, which is no silence."""
FRAMES = 100
HEARD = "hello world"
TEXT = "Hello there, world."
SPEECH = bytes(range(256)) * 64
HASTE = Patience(connect_seconds=2.0, answer_seconds=1.0, idle_seconds=0.5)
LONGEST_SECONDS = 10.0

FAULTS = (Fault.REFUSE, Fault.ERROR, Fault.CUT, Fault.SILENT, Fault.GARBAGE)


async def frames(count: int = FRAMES) -> AsyncIterator[bytes]:
    """A phrase; quicker than it is spoken."""
    for _ in range(count):
        await asyncio.sleep(0.001)
        yield FRAME


async def endless() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0.002)
        yield FRAME


def run(talk: Callable[[Net], Awaitable[None]]) -> None:
    """With a net as in development, whose pool is closed in the end."""

    async def bounded() -> None:
        pool = Pool(Guard(UrlPolicy(allows_loopback=True)), patience=HASTE)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await talk(pool.net())
        finally:
            await pool.close()

    asyncio.run(bounded())


def check_harmless(failure: Failure) -> None:
    """It tells neither a secret nor an address."""
    assert SECRET not in failure.sentence
    assert "127.0.0.1" not in failure.sentence and "http" not in failure.sentence
    assert failure.sentence and 400 <= failure.code < 600


async def until(is_so: Callable[[], object]) -> None:
    for _ in range(300):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never was")


async def until_closed(fake: FakeProvider) -> None:
    await until(lambda: not fake.open)


class RecognizerContract(ABC):
    @abstractmethod
    def fake(self, fault: Fault | None = None) -> FakeProvider: ...

    @abstractmethod
    def make(self, net: Net) -> Recognizer:
        """With an environment that holds nothing."""

    @abstractmethod
    def option(self, fake: FakeProvider) -> TranscriptionOption:
        """The fake's endpoint, and keys that it takes: `SECRET` as the secret one."""

    def test_transcribe_a_phrase(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake() as fake:
                phrases = await self.heard(net, fake)
                assert fake.wrongs == []
                assert FRAME * (FRAMES // 2) in bytes(fake.audio) or not fake.audio
                await until_closed(fake)
            *deltas, final = phrases
            assert final.is_final and final.text == HEARD
            assert deltas and not any(each.is_final for each in deltas)
            for each in phrases:
                if each.from_ms is not None and each.to_ms is not None:
                    assert 0 <= each.from_ms <= each.to_ms <= 20 * FRAMES

        run(talk)

    def test_end_when_the_audio_ends_at_once(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake() as fake:
                recognizer, option = self.make(net), self.option(fake)
                async for phrase in recognizer.transcribe(option, RATE, frames(0)):
                    assert not phrase.text
                await until_closed(fake)

        run(talk)

    @pytest.mark.parametrize("fault", FAULTS)
    def test_fail_harmlessly(self, fault: Fault) -> None:
        async def talk(net: Net) -> None:
            async with self.fake(fault) as fake:
                with pytest.raises(Failure) as failed:
                    await self.heard(net, fake)
                check_harmless(failed.value)
                await until_closed(fake)

        run(talk)

    def test_fail_without_credentials(self) -> None:
        self.check_refused(TranscriptionOption(provider=self.name()))

    def check_refused(self, option: TranscriptionOption) -> None:
        async def talk(net: Net) -> None:
            with pytest.raises(Failure) as failed:
                async for _ in self.make(net).transcribe(option, RATE, frames()):
                    raise AssertionError
            assert failed.value.code == 401
            assert "has no credentials" in failed.value.sentence

        run(talk)

    def test_close_when_cancelled(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake(Fault.SLOW) as fake:
                recognizer, option = self.make(net), self.option(fake)
                phrases = recognizer.transcribe(option, RATE, endless())
                listening = asyncio.ensure_future(_drain(phrases))
                await until(lambda: fake.audio)
                listening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await listening
                await until_closed(fake)

        run(talk)

    def name(self) -> str:
        return self.make(None).name  # type: ignore[arg-type]

    async def heard(self, net: Net, fake: FakeProvider) -> list[Phrase]:
        phrases = self.make(net).transcribe(self.option(fake), RATE, frames())
        return [phrase async for phrase in phrases if phrase.text]


class SynthesizerContract(ABC):
    @abstractmethod
    def fake(self, fault: Fault | None = None) -> FakeProvider: ...

    @abstractmethod
    def make(self, net: Net) -> Synthesizer:
        """With an environment that holds nothing."""

    @abstractmethod
    def option(self, fake: FakeProvider) -> SynthesisOption:
        """The fake's endpoint, and keys that it takes: `SECRET` as the secret one."""

    def test_speak_a_text(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake() as fake:
                spoken = await self.spoken(net, fake)
                assert fake.wrongs == []
                assert fake.texts == [TEXT]
                await until_closed(fake)
            assert _samples(spoken) == SPEECH
            marks = [each for each in spoken if isinstance(each, Mark)]
            assert all(0 <= mark.position < len(TEXT) for mark in marks)
            assert [mark.at_ms for mark in marks] == sorted(m.at_ms for m in marks)

        run(talk)

    def test_take_a_rate_that_it_has(self) -> None:
        synthesizer = self.make(None)  # type: ignore[arg-type]
        for wanted in (8_000, 16_000):
            assert synthesizer.rate(SynthesisOption(), wanted) >= 8_000

    def test_speak_before_all_has_come(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake(Fault.SLOW) as fake:
                synthesizer, option = self.make(net), self.option(fake)
                spoken: list[Spoken] = []
                async for each in _speech(synthesizer, option):
                    spoken.append(each)
                    if isinstance(each, Sound):
                        fake.go_on.set()
                assert _samples(spoken) == SPEECH

        run(talk)

    @pytest.mark.parametrize("fault", FAULTS)
    def test_fail_harmlessly(self, fault: Fault) -> None:
        async def talk(net: Net) -> None:
            async with self.fake(fault) as fake:
                with pytest.raises(Failure) as failed:
                    await self.spoken(net, fake)
                check_harmless(failed.value)
                fake.go_on.set()
                await until_closed(fake)

        run(talk)

    def test_fail_without_credentials(self) -> None:
        async def talk(net: Net) -> None:
            with pytest.raises(Failure) as failed:
                async for _ in _speech(self.make(net), SynthesisOption()):
                    raise AssertionError
            assert failed.value.code == 401
            assert "has no credentials" in failed.value.sentence

        run(talk)

    def test_close_when_cancelled(self) -> None:
        async def talk(net: Net) -> None:
            async with self.fake(Fault.SLOW) as fake:
                speaking = asyncio.ensure_future(self.spoken(net, fake))
                await until(lambda: fake.open)
                speaking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await speaking
                fake.go_on.set()
                await until_closed(fake)

        run(talk)

    async def spoken(self, net: Net, fake: FakeProvider) -> list[Spoken]:
        speech = _speech(self.make(net), self.option(fake))
        return [each async for each in speech]


async def _speech(
    synthesizer: Synthesizer, option: SynthesisOption
) -> AsyncIterator[Spoken]:
    rate = synthesizer.rate(option, RATE)
    async for each in synthesizer.speak(option, TEXT, rate):
        yield each


async def _drain(phrases: AsyncIterator[Phrase]) -> None:
    async for _ in phrases:
        pass


def _samples(spoken: list[Spoken]) -> bytes:
    return b"".join(each.samples for each in spoken if isinstance(each, Sound))
