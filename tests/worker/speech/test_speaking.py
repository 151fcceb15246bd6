"""Jobs of the speech process, from the request to the last reply."""

from pathlib import Path

import pytest

from chalicelib.protocol.session.speech import DEFAULTS, SynthesisOption
from mediaworker.speech import helper
from mediaworker.speech.ports import Failure, NotInstalled
from mediaworker.speech.replies import Broken, Made
from mediaworker.speech.requests import CREDIT_MS, Cancel, Consumed, Synthesize
from mediaworker.speech.voices import Voices, installed
from tests.worker.speech.fakes import PER_MS, RATE, Bench, FakeEngine, settle


def say(job: int, text: str, **given: object) -> Synthesize:
    scope = str(given.pop("scope", ""))
    key = given.pop("cache_key", None)
    option = SynthesisOption(**given).over(DEFAULTS)  # type: ignore[arg-type]
    return Synthesize(job, text, RATE, option, key, scope)  # type: ignore[arg-type]


def test_say_a_text_in_sentences(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Abc. De."))
        assert await bench.told.end(1) == Made(1, "embedded", 700, 0, 0, False, "fake")
        assert bench.engine.voice.said == ["Abc.", "De."]
        assert len(bench.told.samples(1)) == 700 * PER_MS * 2

    Bench(tmp_path).run(talk)


def test_say_nothing(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "😀"))
        assert await bench.told.end(1) == Made(1, "embedded", 0, 0, 0, False, "fake")

    Bench(tmp_path).run(talk)


def test_say_what_was_said_before_out_of_the_cache(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Hello", scope="a"))
        await bench.told.end(1)
        bench.helper.receive(say(2, "Hello", scope="a"))
        made = await bench.told.end(2)
        assert isinstance(made, Made) and made.is_cached and made.speaker == "fake"
        assert bench.told.samples(2) == bench.told.samples(1)
        for job, scope, volume in ((3, "b", 5), (4, "a", 6)):
            bench.helper.receive(say(job, "Hello", scope=scope, volume=volume))
            made = await bench.told.end(job)
            assert isinstance(made, Made) and not made.is_cached

    async def later(bench: Bench) -> None:
        bench.helper.receive(say(1, "Hello", scope="a"))
        made = await bench.told.end(1)
        assert isinstance(made, Made) and made.is_cached
        assert bench.engine.voice.said == []

    Bench(tmp_path).run(talk)
    Bench(tmp_path).run(later)


def test_keep_under_the_applications_name(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        for job, text, scope in ((1, "One", "a"), (2, "Two", "a"), (3, "Two", "b")):
            bench.helper.receive(say(job, text, scope=scope, cache_key="../greeting"))
            made = await bench.told.end(job)
            assert isinstance(made, Made) and made.is_cached == (job == 2)
        assert bench.told.samples(1) == bench.told.samples(2)
        assert bench.told.samples(3) != bench.told.samples(2)

    Bench(tmp_path).run(talk)


def test_wait_for_credit_and_keep_nobody_else_waiting(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        long = " ".join(["Twenty letters here."] * 20)
        bench.helper.receive(say(1, long))
        await settle()
        # What there is credit for, and one sentence that waits for more.
        assert len(bench.engine.voice.said) == CREDIT_MS // 2_000 + 1
        assert len(bench.told.samples(1)) == CREDIT_MS * PER_MS * 2
        bench.helper.receive(say(2, "Short."))
        assert isinstance(await bench.told.end(2), Made)
        for _ in range(20):
            bench.helper.receive(Consumed(1, 2_000))
            await settle()
        assert await bench.told.end(1) == Made(
            1, "embedded", 40_000, 0, 0, False, "fake"
        )
        bench.helper.receive(Consumed(1, 1))

    Bench(tmp_path).run(talk)


def test_stop_when_it_is_cancelled(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Never begun."))
        bench.helper.receive(Cancel(1))
        bench.helper.receive(say(2, "Twenty letters here. " * 20))
        await settle()
        told = len(bench.told.all)
        bench.helper.receive(Cancel(2))
        bench.helper.receive(Cancel(2))
        bench.helper.receive(Consumed(2, 5_000))
        await settle()
        assert len(bench.told.all) == told
        assert bench.told.samples(1) == b""
        bench.helper.receive(say(3, "Next."))
        assert isinstance(await bench.told.end(3), Made)

    Bench(tmp_path).run(talk)


def test_break_one_job_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Fine. Then boom."))
        bench.helper.receive(say(2, "Fine."))
        broken = await bench.told.end(1)
        assert broken == Broken(1, "embedded", "the speech engine failed", 500)
        assert len(bench.told.samples(1)) == 500 * PER_MS * 2
        assert isinstance(await bench.told.end(2), Made)
        bench.helper.receive(say(3, "Fine. Then boom."))
        assert isinstance(await bench.told.end(3), Broken)

    Bench(tmp_path).run(talk)
    assert "a bug of the engine" in caplog.text


def test_refuse_an_unknown_provider(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Hello", provider="tencent"))
        broken = await bench.told.end(1)
        assert isinstance(broken, Broken) and broken.code == 501
        assert "'tencent'" in broken.sentence

    Bench(tmp_path).run(talk)


def test_refuse_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(say(1, "Hello"))
        bench.helper.receive(say(2, "Hello"))
        broken = await bench.told.next()
        assert isinstance(broken, Broken) and (broken.job, broken.code) == (2, 503)
        await bench.told.end(1)

    monkeypatch.setattr(helper, "JOBS_MAX", 1)
    Bench(tmp_path).run(talk)


def test_notice_an_engine_that_does_not_come_back(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        assert not bench.helper.is_stuck()
        bench.speaking.busy_since = bench.clock.now
        bench.clock.now += helper.STUCK_SECONDS
        assert not bench.helper.is_stuck()
        bench.clock.now += 1
        assert bench.helper.is_stuck()
        bench.speaking.busy_since = None
        assert not bench.helper.is_stuck()

    Bench(tmp_path).run(talk)


@pytest.mark.covers("SynthesisOption.speaker")
def test_choose_a_voice() -> None:
    best, other = FakeEngine("best", ["en"], "amy"), FakeEngine("other", ["en", "zh"])
    voices = Voices([best, other])
    assert voices.names == ("best", "other")

    def chosen(text: str = "Hello", **given: str) -> str:
        return voices.choose(SynthesisOption(**given), text).name  # type: ignore[arg-type]

    assert chosen() == "amy"
    assert chosen("你好") == "other"
    assert chosen(speaker="other") == "other"
    assert chosen(model="other") == "other"
    assert chosen(speaker="nobody") == "amy"
    assert chosen("你好", speaker="amy") == "other"
    assert chosen(language="zh-CN", speaker="amy") == "other"
    assert chosen(language="xx") == "amy"
    assert chosen(provider="Other") == "other"
    assert chosen(provider="embedded", language="en-GB") == "amy"
    with pytest.raises(Failure, match="no voice is installed"):
        Voices([]).choose(DEFAULTS, "Hello")


def test_find_what_is_installed() -> None:
    def missing() -> FakeEngine:
        raise NotInstalled("a library")

    engine = FakeEngine()
    assert installed([missing, lambda: engine]) == [engine]
