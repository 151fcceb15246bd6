"""Tencent Cloud listens in real time, and speaks text as it flows.

`tencent_wire` names the documents.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.runtime import clock
from mediaworker.speech.providers import tencent_wire as wire
from mediaworker.speech.providers.exchange import (
    Samples,
    Sending,
    Words,
    answer,
    chunks,
    hung_up,
    keys,
    parsed,
)
from mediaworker.speech.providers.ports import Net, Phrase, Socket, Sound, Spoken

CHUNK_MS = 40
"""What it wants to be sent at once."""
NAMES = {
    "app_id": "TENCENT_APPID",
    "secret_id": "TENCENT_SECRET_ID",
    "secret_key": "TENCENT_SECRET_KEY",
}


def make(environment: Mapping[str, str], net: Net) -> "Tencent":
    return Tencent(environment, net)


def now() -> wire.Instant:
    seconds = clock.epoch_ms() // 1_000
    return wire.Instant(seconds, max(1, clock.new_ssrc()), clock.new_uuid())


class Tencent:
    """A `Recognizer` and a `Synthesizer`."""

    name = "tencent"

    def __init__(
        self,
        environment: Mapping[str, str],
        net: Net,
        now: Callable[[], wire.Instant] = now,
    ) -> None:
        self._environment = environment
        self._net = net
        self._now = now

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Until the audio ends; raises `Failure`."""
        account = self._account(option)
        url = wire.listening_url(account, option, rate, self._now())
        _, to_rate = wire.engine(option, rate)
        pieces = chunks(audio, rate, to_rate, CHUNK_MS)
        async with self._net.connect(url) as socket:
            answers = aiter(socket)
            await _answer(answers)
            async with Sending(socket, pieces, wire.END):
                while not (heard := await _answer(answers)).get("final"):
                    phrase = wire.phrase(heard)
                    if phrase is not None:
                        yield phrase

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        return wire.nearest_rate(wanted)

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Samples at that rate, as soon as there are some; raises `Failure`."""
        instant = self._now()
        url = wire.speaking_url(self._account(option), option, rate, instant)
        words, samples, is_sent = Words(text), Samples(), False
        async with self._net.connect(url) as socket:
            async for message in socket:
                if isinstance(message, bytes):
                    yield Sound(samples.whole(message))
                    continue
                told = parsed(message)
                wire.check(told)
                if told.get("ready") and not is_sent:
                    is_sent = True
                    await _say(socket, instant.uuid, text)
                for mark in wire.marks(wire.subtitles(told), words):
                    yield mark
                if told.get("final"):
                    return
            raise hung_up()

    def _account(self, option: SynthesisOption | TranscriptionOption) -> wire.Account:
        return wire.Account(*keys(self.name, option, self._environment, NAMES))


async def _say(socket: Socket, session: str, text: str) -> None:
    actions = (("ACTION_SYNTHESIS", text), ("ACTION_COMPLETE", ""))
    for action, data in actions:
        await socket.send(wire.spoken(action, session, clock.new_uuid(), data))


async def _answer(answers: AsyncIterator[str | bytes]) -> Mapping[str, Any]:
    """The next, if all is well; raises `Failure`."""
    found = await answer(answers)
    wire.check(found)
    return found
