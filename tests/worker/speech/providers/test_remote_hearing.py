"""Streams that providers hear: what they are sent, what they say, and how they fail."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from chalicelib.protocol.session.speech import TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.ports import Phrase
from mediaworker.speech.replies import Beep, Judged, Remark, Reply, Unheard
from mediaworker.speech.requests import Deafen, Heard, Judge, Listen, Transcribe
from tests.worker.speech.fakes import settle
from tests.worker.speech.providers.bench import (
    AT_ONCE,
    FakeRecognizer,
    FakeRegistry,
    RemoteBench,
)

RATE = 8_000
FRAME = np.arange(160, dtype="<i2").tobytes()
OPTION = TranscriptionOption("Deepgram", samplerate=8_000)
NO = Failure("no", 502)


def listening(bench: RemoteBench, option: TranscriptionOption = OPTION) -> None:
    bench.helper.receive(Listen(7, RATE, option.language, option))


async def hear(bench: RemoteBench, frames: int, samples: bytes = FRAME) -> None:
    for _ in range(frames):
        bench.helper.receive(Heard(RATE, (7,), samples))
        await settle()


def told(bench: RemoteBench) -> list[Reply]:
    return bench.told.all


def test_send_what_is_heard_and_tell_what_is_said(tmp_path: Path) -> None:
    said = [
        Phrase("hel", False, 0, 20, 0.5),
        Phrase("hello", True, 20, 60, 0.9),
        Phrase("so", False),
    ]
    fake = FakeRecognizer(said, ())

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        await hear(bench, 5)
        await hear(bench, 1, b"")

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    assert told(bench) == [
        Remark(7, "hel", False, "deepgram", 0, 20, 0.5),
        Remark(7, "hello", True, "deepgram", 20, 60, 0.9),
        Remark(7, "so", False, "deepgram"),
    ]
    assert fake.heard == [FRAME] * 5 + [bytes(320)]
    assert fake.asked == [(OPTION, RATE)]


def test_judge_turns_and_seek_beeps_of_what_a_provider_hears(tmp_path: Path) -> None:
    time = np.arange(RATE // 50 * 10) / RATE
    beep = (8_000 * np.sin(2 * np.pi * 1_000 * time)).astype("<i2").reshape(10, -1)
    fake = FakeRecognizer((), ())

    async def talk(bench: RemoteBench) -> None:
        wanted = Listen(7, RATE, None, OPTION, judges=True, seeks_beeps=True)
        bench.helper.receive(wanted)
        for frame in beep:
            await hear(bench, 1, frame.tobytes())
        bench.helper.receive(Judge(7, 3, 200))
        await settle()
        bench.helper.receive(Deafen(7))
        bench.helper.receive(Judge(7, 4, 200))
        await settle()

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    assert told(bench) == [Beep(7, 0, 180), Judged(7, 3, 1.0, 0)]
    assert len(fake.heard) == 10


@pytest.mark.covers("TranscriptionOption.bufferSize", "TranscriptionOption.samplerate")
def test_send_the_rate_and_the_pieces_that_are_wanted(tmp_path: Path) -> None:
    fake = FakeRecognizer((), ())
    option = TranscriptionOption("deepgram", buffer_size=3_200)

    async def talk(bench: RemoteBench) -> None:
        listening(bench, option)
        await hear(bench, 30)

    RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    assert fake.asked == [(option, 16_000)]
    assert all(3_200 <= len(piece) <= 4_000 for piece in fake.heard)
    assert len(b"".join(fake.heard)) > 25 * 640


def test_open_again_where_it_left_off(tmp_path: Path) -> None:
    fake = FakeRecognizer([NO], [Phrase("hi", True, 0, 20)], ())

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        await hear(bench, 10)
        await asyncio.sleep(0.05)
        await hear(bench, 1)

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    assert told(bench)[:2] == [
        Unheard(7, "deepgram", "deepgram: no", 502),
        Remark(7, "hi", True, "deepgram", 20, 40),
    ]
    assert fake.heard == [FRAME] * 11


def test_stay_off_after_too_many_failures(tmp_path: Path) -> None:
    fake = FakeRecognizer([NO], [ValueError("bug")], [Phrase("x", True)])

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        for _ in range(20):
            await hear(bench, 1)
            await asyncio.sleep(0.005)
        await hear(bench, 300)

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    sentences = [each.sentence for each in told(bench) if isinstance(each, Unheard)]
    assert sentences == [
        "deepgram: no",
        "deepgram: the adapter failed",
        "deepgram: the provider ended the stream",
        "deepgram: it failed too often, and stays off",
    ]


def test_count_anew_after_a_long_while(tmp_path: Path) -> None:
    life: list[Phrase | Exception] = [*[Phrase("a", False)] * 12, NO]
    fake = FakeRecognizer(*[life] * 5, ())

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        for _ in range(120):
            bench.clock.now += 20
            await hear(bench, 1)

    registry = FakeRegistry(recognizer=fake)
    bench = RemoteBench(tmp_path, registry, AT_ONCE).run(talk)
    failed = [each for each in told(bench) if isinstance(each, Unheard)]
    assert [each.sentence for each in failed] == ["deepgram: no"] * 5


@pytest.mark.parametrize("has_provider", [True, False])
def test_give_up_at_once_where_nothing_helps(
    tmp_path: Path, has_provider: bool
) -> None:
    failure = Failure("the provider answered 401", 401)
    fake = FakeRecognizer([failure], [NO]) if has_provider else None

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        await hear(bench, 3)
        await asyncio.sleep(0.05)
        await hear(bench, 3)

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    (only,) = told(bench)
    assert isinstance(only, Unheard) and only.code == 401


def test_lose_the_oldest_of_what_is_not_taken(tmp_path: Path) -> None:
    fake = FakeRecognizer((), [Phrase("x", True, 40, 60)])

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        fake.takes.clear()
        await hear(bench, 400)
        assert len(told(bench)) == 1
        fake.takes.set()
        await hear(bench, 1)
        fake.takes.clear()
        await hear(bench, 300)

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    sentence = "deepgram: the provider takes the audio too slowly"
    assert told(bench) == [Unheard(7, "deepgram", sentence, 503)] * 2
    assert len(fake.heard) == 1 + 250 + 1 + 0


def test_stop_when_the_call_is_over(tmp_path: Path) -> None:
    fake = FakeRecognizer((), ())

    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        await hear(bench, 2)
        bench.helper.receive(Deafen(7))
        bench.helper.receive(Deafen(8))
        await hear(bench, 2)
        bench.helper.receive(Transcribe(7, 1, 1, 0, 20, True))

    bench = RemoteBench(tmp_path, FakeRegistry(recognizer=fake)).run(talk)
    assert len(fake.heard) == 2 and told(bench) == []


def test_ask_nothing_of_a_stream_that_another_hears(tmp_path: Path) -> None:
    async def talk(bench: RemoteBench) -> None:
        listening(bench)
        bench.helper.receive(Transcribe(7, 1, 1, 0, 20, True))
        await settle()

    registry = FakeRegistry(recognizer=FakeRecognizer((), ()))
    assert told(RemoteBench(tmp_path, registry).run(talk)) == []
