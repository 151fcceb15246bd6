"""Texts that providers speak: sound, marks, the cache, failures."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.protocol.session.speech import DEFAULTS, SynthesisOption
from mediaworker.audio.wav import wav_bytes
from mediaworker.speech.cache import ENTRY_BYTES
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.ports import Mark, Sound
from mediaworker.speech.replies import Broken, Made, Marks, Reply
from mediaworker.speech.requests import Cancel, Consumed, Synthesize
from tests.worker.speech.fakes import RATE, settle
from tests.worker.speech.providers.bench import (
    FakeRegistry,
    FakeSynthesizer,
    RemoteBench,
)

TONE = (8_000 * np.sin(np.arange(RATE) / 5)).astype("<i2")
SOUND = TONE.tobytes()
OPTION = replace(DEFAULTS, provider="Tencent", speaker="xiaoyan")


def said(
    folder: Path, synthesizer: FakeSynthesizer | None, *requests: Synthesize
) -> tuple[list[Reply], RemoteBench]:
    bench = RemoteBench(folder, FakeRegistry(synthesizer))
    ends: list[Reply] = []

    async def talk(bench: RemoteBench) -> None:
        for request in requests:
            bench.helper.receive(request)
            bench.helper.receive(Consumed(request.job, 60_000))
            ends.append(await bench.told.end(request.job))

    return ends, bench.run(talk)


def say(job: int = 1, text: str = "Hello there", **fields: Any) -> Synthesize:
    option = replace(OPTION, **fields)
    return Synthesize(job, text, RATE, option, scope="acme")


def test_hand_on_what_comes(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND[:1_001]), Sound(SOUND[1_001:]))
    (made,), bench = said(tmp_path, fake, say())
    assert isinstance(made, Made)
    assert (made.provider, made.speaker, made.is_cached) == (
        "tencent",
        "xiaoyan",
        False,
    )
    assert (made.total_ms, bench.told.samples(1)) == (1_000, SOUND)
    assert fake.asked == [(say().option, "Hello there", RATE)]


def test_bring_it_to_the_calls_rate_and_take_its_header_off(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND), rate=16_000)
    (made,), _ = said(tmp_path / "a", fake, say())
    assert isinstance(made, Made) and made.total_ms == pytest.approx(500, abs=2)
    file = wav_bytes(np.repeat(TONE, 2), 16_000)
    fake = FakeSynthesizer(Sound(file[:3]), Sound(file[3:30]), Sound(file[30:]))
    (made,), _ = said(tmp_path / "b", fake, say())
    assert isinstance(made, Made) and made.total_ms == pytest.approx(1_000, abs=2)


def test_make_it_louder_where_the_provider_cannot(tmp_path: Path) -> None:
    for provider, times in (("deepgram", 2), ("tencent", 1)):
        option: dict[str, Any] = {"provider": provider, "volume": 10}
        fake = FakeSynthesizer(Sound(SOUND))
        _, bench = said(tmp_path / provider, fake, say(**option))
        heard = np.frombuffer(bench.told.samples(1), "<i2")
        assert np.array_equal(heard, times * TONE)


@pytest.mark.covers("SynthesisOption.subtitle")
def test_tell_marks_when_subtitles_are_wanted(tmp_path: Path) -> None:
    script = (Mark(0, 0), Sound(SOUND), Mark(500, 6))
    _, bench = said(tmp_path, FakeSynthesizer(*script), say())
    assert not [each for each in bench.told.all if isinstance(each, Marks)]
    fake = FakeSynthesizer(*script)
    wanted = say(1, subtitle=True), say(2, subtitle=True)
    _, bench = said(tmp_path, fake, *wanted)
    marks = [each for each in bench.told.all if isinstance(each, Marks)]
    assert marks == [
        Marks(1, ((0, 0),)),
        Marks(1, ((500, 6),)),
        Marks(2, ((0, 0), (500, 6))),
    ]
    assert len(fake.asked) == 1


def test_keep_what_was_said(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND))
    changes: list[dict[str, Any]] = [
        {"speaker": "other"},
        {"speed": 1.5},
        {"volume": 7},
        {"model": "big"},
        {"endpoint": "https://a.example"},
        {"extra": {"a": 1}},
    ]
    requests = [say(9 + at, **change) for at, change in enumerate(changes)]
    ends, bench = said(tmp_path, fake, say(1), say(2), *requests)
    assert [end.is_cached for end in ends if isinstance(end, Made)] == [
        False,
        True,
        *[False] * len(changes),
    ]
    assert bench.told.samples(2) == SOUND
    other = replace(say(1), scope="other")
    (made,), _ = said(tmp_path, fake, other)
    assert isinstance(made, Made) and not made.is_cached
    named = replace(say(1), cache_key="greeting"), replace(say(2), cache_key="greeting")
    ends, _ = said(tmp_path, fake, *named)
    assert [end.is_cached for end in ends if isinstance(end, Made)] == [False, True]


def test_keep_nothing_that_is_too_long(tmp_path: Path) -> None:
    minute = bytes(RATE * 2 * 60)
    script = [Sound(minute)] * (ENTRY_BYTES // len(minute) + 2)
    bench = RemoteBench(tmp_path, FakeRegistry(FakeSynthesizer(*script)))

    async def talk(bench: RemoteBench) -> None:
        for job in (1, 2):
            bench.helper.receive(say(job))
            bench.helper.receive(Consumed(job, 3_600_000))
            end = await bench.told.end(job)
            assert isinstance(end, Made) and not end.is_cached
            assert end.total_ms == len(script) * 60_000

    bench.run(talk)


@pytest.mark.parametrize(
    ("script", "sentence", "code"),
    [
        ((Failure("no", 429),), "tencent: no", 429),
        ((ValueError("bug"),), "the speech engine failed", 500),
        ((None,), "tencent: the provider did not speak in time", 504),
        ((), "tencent: the provider sent no sound", 502),
        ((Sound(b"RIFFxx"),), "tencent: the provider sent no sound", 502),
        (
            (Sound(b"RIFF" + bytes(99)),),
            "tencent: the provider's WAV file is broken",
            502,
        ),
    ],
)
def test_fail_with_the_providers_name(
    tmp_path: Path, script: tuple[Sound | Exception | None], sentence: str, code: int
) -> None:
    (broken,), _ = said(tmp_path, FakeSynthesizer(*script), say())
    assert broken == Broken(1, "tencent", sentence, code)


def test_fail_after_what_was_said(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND), Failure("no", 502))
    (broken, again), bench = said(tmp_path, fake, say(1), say(2))
    assert isinstance(broken, Broken) and isinstance(again, Broken)
    assert bench.told.samples(1) == SOUND


def test_fail_without_credentials(tmp_path: Path) -> None:
    (broken,), _ = said(tmp_path, None, say())
    sentence = "tencent: the provider fake has no credentials"
    assert broken == Broken(1, "tencent", sentence, 401)


def test_close_when_cancelled(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND), None)

    async def talk(bench: RemoteBench) -> None:
        bench.helper.receive(say())
        await settle()
        bench.helper.receive(Cancel(1))
        await settle()
        assert fake.is_closed

    bench = RemoteBench(tmp_path, FakeRegistry(fake)).run(talk)
    assert not [each for each in bench.told.all if isinstance(each, Broken | Made)]


def test_speak_several_at_once(tmp_path: Path) -> None:
    fake = FakeSynthesizer(Sound(SOUND))

    async def talk(bench: RemoteBench) -> None:
        for job in range(1, 5):
            bench.helper.receive(say(job, text=f"text {job}"))
        await asyncio.gather(*(bench.told.end(job) for job in range(1, 5)))

    RemoteBench(tmp_path, FakeRegistry(fake)).run(talk)
    assert len(fake.asked) == 4


def test_leave_to_the_worker_what_is_its_own(tmp_path: Path) -> None:
    option = SynthesisOption(provider="embedded")
    (broken,), _ = said(tmp_path, None, Synthesize(1, "Hello", RATE, option))
    assert isinstance(broken, Broken) and broken.provider == "embedded"
