"""The kit passes a sound server, and tells each fault of one that is not."""

import ast
import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from conformance import __main__ as program
from conformance import client, report, runner, sound
from conformance.bench import Bench
from conformance.case import Case, Level, Outcome, Verdict
from conformance.cases import every
from conformance.client import NotOk, Skip
from conformance.dialects import DIALECTS, Dialect
from conformance.peers import peers
from tests.conformance.fake_server import serving

SHOWN = (
    "call-is-answered",
    "id-is-chosen",
    "ping-comes-every-interval",
    "track-is-named",
    "codec-pcm",
    "bad-commands-are-survived",
    "bad-command-is-told",
    "unknown-fields-are-ignored",
    "same-play-id-is-one-playback",
    "call-ends-with-its-last-word",
    "interrupt-stops-at-once",
    "hangup-is-told-as-it-was-given",
    "hangup-tells-the-times",
    "hangup-is-the-last-event",
    "closing-ends-the-session",
    "calls-are-listed",
    "call-is-killed",
    "unknown-call-is-not-killed",
    "ice-servers-are-told",
)
"""What the fake server can do."""

MUTANTS: dict[str, set[str]] = {
    "no answer": {"call-is-answered"},
    "seconds": {"call-is-answered", "ping-comes-every-interval"},
    "seconds of audio": {"codec-pcm"},
    "noise": {"codec-pcm"},
    "no playId": {"codec-pcm", "interrupt-stops-at-once"},
    "no ping": {"ping-comes-every-interval"},
    "touchy": {"bad-commands-are-survived"},
    "deaf": {"interrupt-stops-at-once"},
    "interruption after the end": {"interrupt-stops-at-once"},
    "no hangup": {"hangup-is-the-last-event", "call-ends-with-its-last-word"},
    "hangup first": {"hangup-is-the-last-event"},
    "no reason": {"hangup-is-told-as-it-was-given"},
    "open": {"hangup-is-told-as-it-was-given", "call-is-killed"},
    "forgetful": {"closing-ends-the-session"},
    "empty list": {"calls-are-listed", "id-is-chosen"},
    "yes to all": {"unknown-call-is-not-killed"},
    "one url": {"ice-servers-are-told"},
}
"""By fault, the cases that have to fail."""

ALWAYS = {"ice-servers-are-told", "unknown-call-is-not-killed"}


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    """What does not come from a server beside us in four seconds never does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("expect", "until", "closed"):
            method = getattr(client.Call, name)
            patch.setattr(method, "__defaults__", (4.0, *method.__defaults__[1:]))
        yield


def named(*names: str) -> list[Case]:
    return [case for case in every() if case.name in names]


Verdicts = dict[str, Verdict]


async def played(
    cases: list[Case], *faults: str, dialect: Dialect = DIALECTS["contract"]
) -> Verdicts:
    async with (
        serving(*faults) as url,
        aiohttp.ClientSession() as http,
        peers("127.0.0.1") as others,
    ):
        bench = Bench(url, dialect, http, others)
        verdicts = await runner.play(bench, cases, lambda verdict: None, 20)
    return {one.case.name: one for one in verdicts}


def verdicts_of(
    cases: list[Case], *faults: str, dialect: Dialect = DIALECTS["contract"]
) -> Verdicts:
    return asyncio.run(played(cases, *faults, dialect=dialect))


@pytest.fixture(scope="module")
def of_mutants(impatient: None) -> dict[str, Verdicts]:
    """Of all of them, which run at the same time."""

    async def all_of_them() -> list[Verdicts]:
        return await asyncio.gather(
            *(played(named(*MUTANTS[fault], *ALWAYS), fault) for fault in MUTANTS)
        )

    return dict(zip(MUTANTS, asyncio.run(all_of_them()), strict=True))


def test_sound_server_passes_all_that_it_can_do() -> None:
    verdicts = verdicts_of(named(*SHOWN))
    assert set(verdicts) == set(SHOWN)
    assert {v.case.name: v.why for v in verdicts.values() if v.why} == {}
    assert {v.outcome for v in verdicts.values()} == {Outcome.OK}


@pytest.mark.parametrize("fault", MUTANTS)
def test_fault_is_told_by_its_cases(
    fault: str, of_mutants: dict[str, Verdicts]
) -> None:
    wanted, verdicts = MUTANTS[fault], of_mutants[fault]
    failed = {v.case.name for v in verdicts.values() if v.outcome is Outcome.NOT_OK}
    assert failed == wanted
    assert all(verdicts[name].why for name in wanted)
    assert not report.conforms(list(verdicts.values()))


def test_silence_to_bad_commands_is_beyond_the_contract() -> None:
    verdicts = verdicts_of(named("bad-command-is-told"), "silent")
    verdict = verdicts["bad-command-is-told"]
    assert verdict.outcome is Outcome.BEYOND
    assert report.conforms([verdict])
    assert not report.conforms([verdict], with_extras=True)


def test_dialect_of_the_real_server_asks_less() -> None:
    dialect = DIALECTS["active-call"]
    cases = named("hangup-is-told-as-it-was-given")
    verdicts = verdicts_of(cases, "no hangup", dialect=dialect)
    assert {v.outcome for v in verdicts.values()} == {Outcome.SKIPPED}


Play = Callable[[Bench], Awaitable[None]]


def _raising(error: Exception) -> Play:
    async def play(bench: Bench) -> None:
        raise error

    return play


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotOk("no"), Outcome.NOT_OK),
        (Skip("why"), Outcome.SKIPPED),
        (TimeoutError(), Outcome.NOT_OK),
        (KeyError("sdp"), Outcome.NOT_OK),
        (aiohttp.ClientConnectionError("gone"), Outcome.NOT_OK),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_of_the_servers_making_stops_the_kit(
    error: Exception, outcome: Outcome
) -> None:
    case = Case("one", "few", "It is.", ("tts.text",), Level.CONTRACT, _raising(error))
    verdicts = verdicts_of([case])
    assert verdicts["one"].outcome is outcome
    told = report.line(verdicts["one"], 3).splitlines()
    is_bad = outcome is Outcome.NOT_OK
    state = "not ok 3 - few: one" if is_bad else "ok 3 - few: one # SKIP"
    assert told[0] == state
    assert '  lines: ["tts.text"]' in told


def test_program_prints_its_plan_and_its_sum(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_it(*arguments: str) -> int:
        async with serving("yes to all") as url:
            return await asyncio.to_thread(program.main, [url, *arguments])

    monkeypatch.setenv("CONFORMANCE_TOKEN", "t")
    assert asyncio.run(run_it("ice-servers-are-told")) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == ["TAP version 14", "1..1", "ok 1 - web: ice-servers-are-told"]
    assert told[-2].startswith("# contract: 1 ok, 0 not ok")
    asked = ("unknown-call-is-not-killed", "--server-side-track", "x", "--extras")
    assert asyncio.run(run_it(*asked)) == 1
    assert "not ok 1" in capsys.readouterr().out


def test_program_lists_its_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["ws://nowhere", "--list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(every())
    assert program.main(["ws://nowhere", "no-such-case"]) == 2
    with pytest.raises(SystemExit):
        program.main(["ws://nowhere", "--tts", "[]"])
    assert "--tts" in capsys.readouterr().err


def test_every_case_says_what_it_asks() -> None:
    cases = every()
    assert not [name for name, n in Counter(c.name for c in cases).items() if n > 1]
    for case in cases:
        assert case.sentence.endswith("."), case.name
        assert case.lines or case.level is Level.EXTRAS, case.name


def test_run_ends_in_time_whatever_the_server_does() -> None:
    async def play() -> list[Verdict]:
        async with aiohttp.ClientSession() as http, peers("127.0.0.1") as others:
            bench = Bench("ws://127.0.0.1:9", DIALECTS["contract"], http, others)
            few = named("call-is-answered", "codec-opus")
            unbegun = await runner.play(bench, few, lambda verdict: None, 1, 0.0)
            return unbegun + await runner.play(bench, few, lambda verdict: None)

    outcomes = [verdict.outcome for verdict in asyncio.run(play())]
    assert outcomes == [Outcome.NOT_OK, Outcome.BEYOND] * 2


def test_kit_knows_nothing_of_parley() -> None:
    ours = {"chalicelib", "infra", "mediaworker", "tests"}
    for path in Path(program.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [getattr(node, "module", None) or ""]
            assert not {name.partition(".")[0] for name in names} & ours, path.name


def test_sound_goes_through_its_codecs() -> None:
    tone = sound.tone(0.2, 440)
    for codec in ("pcm", "pcmu"):
        heard = sound.decoded(b"".join(sound.frames(tone, codec)), codec)
        assert sound.share_of(440, heard, sound.RATES[codec]) > 0.99
        assert sound.share_of(1_000, heard, sound.RATES[codec]) < 0.01
    assert abs(sound.DECODERS["pcma"][0xD5]) == 8
    assert sound.share_of(440, sound.silence(0.1), sound.RATE) == 0.0
    assert sound.level(sound.silence(0.0)) == 0.0
    assert json.dumps(list(sound.voice(0.3)))


def test_decoders_are_those_of_g711() -> None:
    """ITU-T G.711, tables 1a and 2a: the ends of the scale."""
    assert sound.DECODERS["pcmu"][0x80] == 32_124
    assert sound.DECODERS["pcmu"][0x00] == -32_124
    assert sound.DECODERS["pcmu"][0xFF] == 0
    assert sound.DECODERS["pcma"][0xAA] == 32_256
    assert sound.DECODERS["pcma"][0x2A] == -32_256
