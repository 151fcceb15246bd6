"""The example agent's talk with a recorded person, and all that was said in it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from examples.agent.agent import GOODBYE, GREETING, INVITE, Agent
from examples.agent.person import RATE, Recording
from examples.agent.talk import NoCall, talk
from examples.agent.tape import Tape
from mediaworker.audio import g711
from tests.e2e.voice.caller import (
    BUSY,
    LATER_SECONDS,
    OPEN_SECONDS,
    Caller,
    Record,
    call,
)
from tests.e2e.voice.hearing import Samples
from tests.e2e.voice.worker import MediaWorker
from tests.worker.gateway.fakes import token
from tests.worker.models import MODELS

TURNS = 2
TELEPHONE_RATE = 8_000
LONGEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Talk:
    """One that is over."""

    codec: str
    rate: int
    record: Record
    agent: Agent

    def texts(self) -> dict[str, str]:
        """What the agent had said, by its playbacks."""
        answers = [
            event["text"]
            for event in self.record.events("addHistory")
            if event["speaker"] == "bot"
        ]
        numbered = {f"answer-{n}": text for n, text in enumerate(answers, 1)}
        return {"greeting": GREETING, **numbered, "goodbye": GOODBYE}

    def interrupted(self) -> list[str]:
        return [e["playId"] for e in self.record.events("interruption")]

    def whole(self) -> list[str]:
        """The playbacks that were heard to their end."""
        interrupted = self.interrupted()
        return [one for one in self.record.playbacks() if one not in interrupted]

    def samples(self, play_id: str) -> Samples:
        """What was heard of a playback."""
        audio = b"".join(self.record.frames(play_id))
        if self.codec == "pcmu":
            return g711.decode(np.frombuffer(audio, np.uint8))
        return np.frombuffer(audio, np.int16)


async def talk_as_the_example_does(worker: MediaWorker) -> Talk:
    """In ``pcm``, by `examples.agent` alone."""
    url = f"ws://127.0.0.1:{worker.port}/call"
    async with asyncio.timeout(OPEN_SECONDS + LONGEST_SECONDS):
        while True:
            record, agent, person = Record(), Agent(turns=TURNS), _person()
            tape = _Tape(record)
            try:
                await talk(url, token("alice"), agent, person, tape, record.hear)
            except NoCall as refusal:
                assert str(BUSY) in str(refusal)
                await asyncio.sleep(LATER_SECONDS)
            else:
                assert tape.agent_audio
                return Talk("pcm", RATE, record, agent)


async def talk_by_telephone(worker: MediaWorker) -> Talk:
    """In ``pcmu``: the same agent, the same person, over a narrow line."""
    agent, person = Agent(turns=TURNS), _person()
    option = {**INVITE["option"], "codec": "pcmu"}
    async with (
        call(worker.url("bob"), option) as caller,
        asyncio.TaskGroup() as tasks,
    ):
        orders: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        caller.heard = _to_both(agent, person, orders)
        for event in caller.record.events():
            caller.heard(event)
        speaking = tasks.create_task(_speak(caller, person))
        ordering = tasks.create_task(_order(caller, orders))
        async with asyncio.timeout(LONGEST_SECONDS):
            await caller.until(lambda record: record.events("hangup"))
        await caller.until_closed()
        speaking.cancel()
        ordering.cancel()
    return Talk("pcmu", TELEPHONE_RATE, caller.record, agent)


async def play_again(worker: MediaWorker, codec: str, text: str) -> Record:
    """The text once more, in a session of its own."""
    async with call(worker.url("carol"), {"codec": codec, "tts": {}}) as caller:
        await caller.command("tts", text=text, playId="again", autoHangup=True)
        await caller.until_closed()
    return caller.record


def _person() -> Recording:
    return Recording(MODELS / "speech-samples" / "two_cities.wav")


class _Tape(Tape):
    """Tells the record of the agent's audio as it comes."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def agent(self, audio: bytes) -> None:
        super().agent(audio)
        self._record.hear(audio)


def _to_both(
    agent: Agent, person: Recording, orders: asyncio.Queue[Mapping[str, Any]]
) -> Callable[[Mapping[str, Any]], None]:
    def hear(event: Mapping[str, Any]) -> None:
        person.notice(event)
        for command in agent.hear(event):
            orders.put_nowait(command)

    return hear


async def _order(caller: Caller, orders: asyncio.Queue[Mapping[str, Any]]) -> None:
    while True:
        command = dict(await orders.get())
        await caller.command(command.pop("command"), **command)


async def _speak(caller: Caller, person: Recording) -> None:
    narrow = soxr.ResampleStream(RATE, TELEPHONE_RATE, 1, dtype="int16")
    async for frame in person.frames():
        samples = narrow.resample_chunk(np.frombuffer(frame, np.int16))
        if caller.is_closed:
            return
        await caller.socket.send_bytes(g711.encode(samples).tobytes())
