"""Aliyun's DashScope listens with Paraformer, and speaks with CosyVoice.

`aliyun_wire` names the documents.
"""

from collections.abc import AsyncIterator, Callable, Mapping

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.runtime import clock
from mediaworker.speech.providers import aliyun_wire as wire
from mediaworker.speech.providers.addresses import as_socket, located
from mediaworker.speech.providers.exchange import (
    Samples,
    Sending,
    answer,
    chunks,
    hung_up,
    keys,
    not_understood,
    parsed,
)
from mediaworker.speech.providers.ports import Net, Phrase, Sound, Spoken

CHUNK_MS = 100
"""What it wants to be sent at once."""
NAMES = {"secret_key": "DASHSCOPE_API_KEY"}


def make(environment: Mapping[str, str], net: Net) -> "Aliyun":
    return Aliyun(environment, net)


class Aliyun:
    """A `Recognizer` and a `Synthesizer`."""

    name = "aliyun"

    def __init__(
        self,
        environment: Mapping[str, str],
        net: Net,
        new_task: Callable[[], str] = clock.new_uuid,
    ) -> None:
        self._environment = environment
        self._net = net
        self._new_task = new_task

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Until the audio ends; raises `Failure`."""
        headers, task = self._headers(option), self._new_task()
        model, to_rate, asked = wire.listening(option, rate)
        pieces = chunks(audio, rate, to_rate, CHUNK_MS)
        async with self._net.connect(_url(option), headers) as socket:
            await socket.send(wire.run_listening(task, model, asked))
            answers = aiter(socket)
            await _started(answers)
            async with Sending(socket, pieces, wire.finish(task)):
                while wire.event(heard := await answer(answers)) != wire.FINISHED:
                    phrase = wire.phrase(heard)
                    if phrase is not None:
                        yield phrase

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        return wire.nearest_rate(wanted)

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Samples at that rate, as soon as there are some; raises `Failure`."""
        headers, task = self._headers(option), self._new_task()
        sentences, samples = wire.Sentences(text), Samples()
        async with self._net.connect(_url(option), headers) as socket:
            await socket.send(wire.run_speaking(task, *wire.speaking(option, rate)))
            answers = aiter(socket)
            await _started(answers)
            for part in wire.parts(text):
                await socket.send(wire.go_on(task, part))
            await socket.send(wire.finish(task))
            async for message in answers:
                if isinstance(message, bytes):
                    yield Sound(samples.whole(message))
                    continue
                told = parsed(message)
                if wire.event(told) == wire.FINISHED:
                    return
                for mark in sentences.marks(told):
                    yield mark
            raise hung_up()

    def _headers(self, option: SynthesisOption | TranscriptionOption) -> dict[str, str]:
        (key,) = keys(self.name, option, self._environment, NAMES)
        return {"Authorization": f"Bearer {key}"}


def _url(option: SynthesisOption | TranscriptionOption) -> str:
    return located(as_socket(option.endpoint or wire.ENDPOINT), wire.PATH, ())


async def _started(answers: AsyncIterator[str | bytes]) -> None:
    if wire.event(await answer(answers)) != wire.STARTED:
        raise not_understood()
