"""Malformed, reordered and hostile commands: no session dies of them, and no other
session hears of it."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

import aiohttp
import pytest

from chalicelib.protocol.session.codec import MalformedCommand, parse_command
from fuzz.campaign import corpus_of
from fuzz.gateway import bytes_of
from fuzz.mutation import inputs
from tests.e2e.voice.attack import answer_of, close_code, told
from tests.e2e.voice.caller import Caller, call, connected
from tests.e2e.voice.files import noise, served, wav
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.gateway.fakes import BINARY, CONTINUATION, PING, TEXT, masked

pytestmark = pytest.mark.laptop

SESSIONS = 20
COMMANDS_EACH = 100
GARBAGE_EVERY = 5
RAW_CONNECTIONS = 120
SECONDS_PLAYED = 240
FRAME_MS = 20
LATE_SLOTS = 3
"""A tick may be two slots late before its slot is skipped, at either end."""
MEGABYTE = 1_048_576
ENDING = b'"hangup"'
UNINVITED = b'"accept"'
"""Who accepts what nobody offered is hung up, too."""
FETCHING = (b'"play"', b'"ringing"')
"""Mutated, their addresses could be anybody's: no test talks with strangers."""
FORBIDDEN = (
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/a.wav",
    "http://0.0.0.0/a.wav",
    "gopher://127.0.0.1/a.wav",
    "http://user:password@127.0.0.1/a.wav",
    "http://[::ffff:169.254.169.254]/a.wav",
    "\\\\server\\a.wav",
)
LARGE = (
    b"[" * MEGABYTE,
    b'{"command":"custom","data":{"a":[' + b"{}," * 300_000 + b"1]}}",
    b'{"command":"tts","text":"a","option":{"speed":' + b"9" * 900_000 + b"}}",
    b'{"command":"history","speaker":"a","text":"' + b"a" * 1_000_000 + b'"}',
)
STRANGE = (
    b"",
    b"null",
    b"\xff\xfe\x00",
    b'{"command":"invite"}',
    b'{"command":"HANGUP"}',
    b'{"command":["hangup"]}',
    b'{"command":"tts","text":"\\ud800"}',
    b'{"command":"tts","text":1e400}',
    b'{"command":"resume","command":"pause"}',
    b'{"command":"candidate","candidates":["a","b"]}',
    b'{"command":"bridge","sessionId":"../../etc"}',
    b'{"command":"accept","option":{"recorder":{"recorderFile":"../../x.wav"}}}',
)


@dataclass(frozen=True, slots=True)
class Victim:
    """A session, and what it is sent."""

    caller: Caller
    messages: list[bytes] = field(repr=False)

    @property
    def malformed(self) -> int:
        """How many of them are no command."""
        return sum(not _is_command(message) for message in self.messages)

    async def suffer(self, draws: Random) -> None:
        for number, message in enumerate(self.messages):
            try:
                await self.caller.socket.send_frame(message, aiohttp.WSMsgType.TEXT)
                if number % GARBAGE_EVERY == 0:
                    garbage = draws.randbytes(draws.randint(1, 3_000))
                    await self.caller.socket.send_bytes(garbage)
            except (aiohttp.ClientError, ConnectionError):
                return

    async def still_answers(self, word: str) -> None:
        await self.caller.command("history", speaker="user", text=word)
        await self.caller.until(
            lambda record: any(
                event["text"] == word for event in record.events("addHistory")
            )
        )


def _is_command(message: bytes) -> bool:
    try:
        parse_command(message)
    except MalformedCommand:
        return False
    return True


def _messages(seed: int, unwanted: Sequence[bytes]) -> list[bytes]:
    corpus = [
        data
        for data in corpus_of("commands")
        if not any(word in data for word in unwanted)
    ]
    plays = [json.dumps({"command": "play", "url": url}).encode() for url in FORBIDDEN]
    made = list(islice(inputs(seed, corpus), COMMANDS_EACH))
    draws = Random(seed)
    for message in draws.sample(plays, 2) + draws.sample(STRANGE, 6):
        made.insert(draws.randint(len(corpus), len(made)), message)
    # At the end: they make ticks late, and then a worker takes nobody for a while.
    return [*made, LARGE[seed % len(LARGE)]]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    folder = tmp_path_factory.mktemp("worker")
    with media_worker(folder, PARLEY_RESUME_SECONDS="0") as running:
        yield running
    # picows tells of every wrong frame as of an error.
    errors = [e for e in running.lines("error") if "WS parser" not in e["message"]]
    assert errors == running.lines("critical") == []


async def _victim(worker: MediaWorker, number: int, exits: AsyncExitStack) -> Victim:
    """Every fourth is invited by what it is sent; every tenth may be hung up."""
    option: dict[str, Any] = {
        "codec": "pcm" if number % 2 else "pcmu",
        "vad": {},
        "asr": {},
        "tts": {},
    }
    url = worker.url(f"victim-{number}")
    is_invited = number % 4 != 3
    place = call(url, option) if is_invited else connected(url)
    caller = await exits.enter_async_context(place)
    kept = () if number % 10 == 9 else (ENDING,)
    early = () if is_invited else (UNINVITED,)
    return Victim(caller, _messages(number, (*FETCHING, *kept, *early)))


async def _calm(worker: MediaWorker, url: str, exits: AsyncExitStack) -> Caller:
    place = call(worker.url("calm"), {"codec": "pcm"})
    caller = await exits.enter_async_context(place)
    await caller.command("play", url=url)
    await caller.until(lambda record: record.playbacks())
    return caller


async def _break_in(worker: MediaWorker) -> None:
    """Connections of every kind of wrong."""
    made = islice(inputs(7, corpus_of("gateway")), RAW_CONNECTIONS)
    for data in made:
        answer = await answer_of(worker.port, bytes_of(data))
        assert not answer or answer.startswith(b"HTTP/1."), answer[:40]


async def _break_frames(worker: MediaWorker) -> None:
    """A session that breaks RFC 6455 is closed, and told why."""
    invite = masked(TEXT, b'{"command":"invite","option":{}}')
    half = masked(TEXT, b"{" * (MEGABYTE // 2 + 1), first=0)
    rest = masked(CONTINUATION, b"{" * (MEGABYTE // 2 + 1))
    wrong: list[tuple[int, Sequence[bytes]]] = [
        (1_009, [masked(TEXT, b"{" * (2 * MEGABYTE))]),
        (1_009, [half, rest]),
        (1_002, [masked(CONTINUATION, b"late")]),
        (1_002, [masked(TEXT, b"{", first=0), masked(TEXT, b"}")]),
        (1_002, [masked(TEXT, b"{}", first=0xC0)]),
        (1_002, [masked(3, b"{}")]),
    ]
    answers = await asyncio.gather(
        *(told(worker.port, invite, *frames) for _, frames in wrong)
    )
    assert [close_code(each) for each in answers] == [code for code, _ in wrong]


async def _flood(worker: MediaWorker) -> None:
    """Too much of what is right, or in too many pieces, is worked off or dropped."""
    invite = masked(TEXT, b'{"command":"invite","option":{}}')
    history = b'{"command":"history","speaker":"user","text":"in pieces"}'
    pieces = [bytes([byte]) for byte in history]
    fragments = [
        masked(TEXT, pieces[0], first=0),
        *(masked(CONTINUATION, piece, first=0) for piece in pieces[1:-1]),
        masked(PING, b"between"),
        masked(CONTINUATION, pieces[-1]),
    ]
    answered = await told(
        worker.port,
        invite,
        masked(TEXT, b"{}") * 2_000,
        masked(PING, b"p") * 2_000,
        masked(BINARY, bytes(4_000)) * 100,
        *fragments,
        until=b"addHistory",
    )
    events = [json.loads(payload) for opcode, payload in answered if opcode == TEXT]
    sentences = [event["error"] for event in events if event["event"] == "error"]
    assert len(sentences) == 2_001
    assert "audio comes faster" in " ".join(set(sentences))
    assert [e["text"] for e in events if e["event"] == "addHistory"] == ["in pieces"]


def test_outlive_what_strangers_send(worker: MediaWorker) -> None:
    sound = noise(SECONDS_PLAYED, seed=1)

    async def attack() -> None:
        async with AsyncExitStack() as exits:
            url = await exits.enter_async_context(served(wav(sound)))
            calm = await _calm(worker, url, exits)
            victims = await asyncio.gather(
                *(_victim(worker, number, exits) for number in range(SESSIONS))
            )
            assert sum(len(victim.messages) for victim in victims) > 1_000
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_flood(worker))
                tasks.create_task(_break_frames(worker))
                tasks.create_task(_break_in(worker))
                for number, victim in enumerate(victims):
                    tasks.create_task(victim.suffer(Random(number)))
            await _look_at_victims(worker, victims, calm)
            await _look_at_calm(worker, calm, sound)

    asyncio.run(attack())


async def _look_at_victims(
    worker: MediaWorker, victims: Sequence[Victim], calm: Caller
) -> None:
    living = [victim for victim in victims if not victim.caller.is_closed]
    for number, victim in enumerate(living):
        await victim.still_answers(f"here is {number}")
    for victim in victims:
        record = victim.caller.record
        if victim in living:
            assert len(record.events("error")) >= victim.malformed
        else:
            assert any(ENDING in message for message in victim.messages), (
                victim.caller.socket.close_code,
                [str(x)[:200] for x in record.entries[-6:]],
            )
            assert record.events()[-1]["event"] == "hangup"
            assert victim.caller.socket.close_code == 1_000
    assert SESSIONS - len(living) <= SESSIONS // 10
    lists = await asyncio.to_thread(worker.ask, "call/lists")
    assert len(lists["calls"]) == len(living) + 1
    assert calm.session_id in [one["id"] for one in lists["calls"]]


async def _look_at_calm(worker: MediaWorker, calm: Caller, sound: bytes) -> None:
    """It heard each frame once, in each slot that the machine had time for."""
    await calm.command("interrupt")
    await calm.until(lambda record: len(record.events("trackEnd")) == 1)
    (play_id,) = calm.record.playbacks()
    played = b"".join(calm.record.frames(play_id))
    assert 0 < len(played) < len(sound), "the file was shorter than the attack"
    assert played == sound[: len(played)]
    assert calm.record.events("error") == []
    readings = await asyncio.to_thread(worker.readings)
    assert readings["frames_dropped_total"] == 0
    slots = calm.record.ended(play_id)["duration"] / FRAME_MS
    frames = len(calm.record.frames(play_id))
    assert slots - frames <= readings["slots_skipped_total"] + LATE_SLOTS
