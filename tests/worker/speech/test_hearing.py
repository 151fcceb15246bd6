"""What is transcribed, when, and what becomes of the rest."""

from pathlib import Path

import numpy as np
import pytest

from mediaworker.speech.cutting import LONGEST, parts
from mediaworker.speech.ear import KEPT_MS, SLACK_MS, Ear, hearable
from mediaworker.speech.hearing import LATEST_SECONDS, Hearing
from mediaworker.speech.replies import Misheard, Reply, Text
from mediaworker.speech.requests import Deafen, Heard, Listen, Transcribe
from mediaworker.speech.transcriber import Transcriber
from tests.worker.speech.fakes import Bench, Clock, FakeRecogniser, Inline, settle

FRAME = np.full(160, 1_000, "<i2").tobytes()
LOUD = np.full(160, 32_767, "<i2").tobytes()


def ask(
    request: int, to_ms: int = 100, *, stream: int = 1, utterance: int = 1, last: bool
) -> Transcribe:
    return Transcribe(stream, request, utterance, 0, to_ms, last)


def hear(bench: Bench, streams: int, frames: int = 10) -> None:
    numbers = tuple(range(1, streams + 1))
    for stream in numbers:
        bench.helper.receive(Listen(stream, 8_000, "en-US"))
    for _ in range(frames):
        bench.helper.receive(Heard(8_000, numbers, FRAME * streams))


def answers(bench: Bench) -> list[tuple[int, str]]:
    return [
        (each.request, each.text) for each in bench.told.all if isinstance(each, Text)
    ]


def test_hear_what_was_asked_for(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 1)
        bench.helper.receive(ask(5, 140, last=True))
        bench.clock.now += 0.07
        reply = await bench.told.next()
        assert reply == Text(1, 5, 1, "140 ms", "embedded", True, 70)

    Bench(tmp_path).run(talk)


def test_hear_the_last_before_the_others_and_drop_what_is_superseded(
    tmp_path: Path,
) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 7)
        for stream in range(1, 7):
            bench.helper.receive(ask(stream, 60, stream=stream, last=False))
        bench.helper.receive(ask(11, 80, stream=1, last=False))
        bench.helper.receive(ask(12, 100, stream=2, last=True))
        bench.helper.receive(ask(17, 100, stream=7, last=True))
        await settle()
        assert [request for request, _ in answers(bench)] == [12, 17, 11, 3, 4, 5, 6]
        assert bench.recogniser.batches == [[100, 100], [80, 60], [60, 60], [60]]

    Bench(tmp_path).run(talk)


def test_forget_a_stream_that_has_ended(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 2)
        bench.helper.receive(ask(1, stream=1, last=False))
        bench.helper.receive(ask(2, stream=1, last=True))
        bench.helper.receive(ask(3, stream=2, last=True))
        bench.helper.receive(Deafen(1))
        bench.helper.receive(Heard(8_000, (1, 2), FRAME * 2))
        bench.helper.receive(ask(4, stream=1, last=True))
        await settle()
        assert answers(bench) == [(3, "100 ms")]

    Bench(tmp_path).run(talk)


def test_answer_the_others_when_one_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 3)
        bench.helper.receive(Heard(8_000, (2,), LOUD))
        for stream in (1, 2, 3):
            bench.helper.receive(ask(stream, 220, stream=stream, last=True))
        await settle()
        assert answers(bench) == [(1, "200 ms"), (3, "200 ms")]
        (broken,) = [each for each in bench.told.all if isinstance(each, Misheard)]
        assert (broken.stream, broken.code) == (2, 500)

    Bench(tmp_path).run(talk)
    assert "a bug of the engine" in caplog.text


def test_keep_the_time_of_frames_that_were_lost(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 1, frames=2)
        bench.helper.receive(Heard(8_000, (1,), b""))
        bench.helper.receive(ask(1, 60, last=True))
        await settle()
        assert answers(bench) == [(1, "60 ms")]

    Bench(tmp_path).run(talk)


def test_say_what_it_does_not_understand_once_an_utterance(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(Listen(1, 8_000, "de_DE"))
        bench.helper.receive(ask(1, last=False))
        bench.helper.receive(ask(2, last=True))
        reply = await bench.told.next()
        assert isinstance(reply, Misheard)
        assert (reply.request, reply.code) == (2, 501)
        assert "'de-de'" in reply.sentence

    Bench(tmp_path).run(talk)


def test_say_that_it_comes_too_late(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 1)
        bench.helper.receive(ask(1, last=True))
        bench.clock.now += LATEST_SECONDS + 1
        reply = await bench.told.next()
        assert isinstance(reply, Misheard) and reply.code == 503

    Bench(tmp_path).run(talk)


def test_transcribe_the_parts_of_a_long_utterance_once(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        hear(bench, 1, frames=1_300)
        bench.helper.receive(ask(1, 25_000, last=False))
        await settle()
        bench.helper.receive(ask(2, 26_000, last=True))
        await settle()
        first, second = bench.recogniser.batches
        assert sum(first) == 25_000 and len(first) == 2
        assert second == [26_000 - first[0]]
        assert answers(bench)[1] == (2, f"{first[0]} ms {second[0]} ms")
        bench.helper.receive(ask(3, 0, utterance=2, last=True))
        await settle()
        assert answers(bench)[2] == (3, "0 ms")

    Bench(tmp_path).run(talk)


def test_cut_where_it_is_quiet() -> None:
    audio = np.full(LONGEST + 5 * 16_000, 0.1, np.float32)
    quiet = 12 * 16_000
    audio[quiet : quiet + 1_600] = 0
    (first, end), (start, last) = parts(audio)
    assert (first, last) == (0, len(audio))
    assert quiet <= end == start <= quiet + 1_600
    assert parts(audio[:100]) == [(0, 100)]


def test_keep_the_last_minute() -> None:
    ear = Ear(8_000, None)
    second = bytes(16_000)
    for _ in range(KEPT_MS // 1_000 + SLACK_MS // 1_000):
        ear.hear(second)
    ear.hear(b"\x01\x00" * 8_000)
    assert ear.between(5_500, 7_000) == (6_000, second)
    assert ear.between(65_999, 90_000) == (65_999, b"\x01\x00" * 8)
    assert ear.between(90_000, 91_000) == (90_000, b"")


def test_hear_at_the_recognisers_rate() -> None:
    assert len(hearable(bytes(1_600), 8_000)) == 1_600
    assert hearable(b"\x00\x80", 16_000).tolist() == [-1.0]


def test_say_that_nobody_hears() -> None:
    told: list[Reply] = []
    deaf = Hearing(None, told.append, Clock(), Inline())
    deaf.listen(Listen(1, 8_000))
    deaf.ask(ask(1, last=True))
    (reply,) = told
    assert isinstance(reply, Misheard) and reply.code == 503


def test_warm_a_recogniser_up() -> None:
    recogniser = FakeRecogniser()
    Transcriber(recogniser).warm_up()
    assert recogniser.batches == [[1_000]]
