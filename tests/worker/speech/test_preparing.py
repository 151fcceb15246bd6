"""Texts made into speech before anybody says them."""

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.protocol.session.speech import DEFAULTS
from mediaworker.speech import preparing
from mediaworker.speech.replies import Broken, Chunk, Made, Prepared
from mediaworker.speech.requests import Prepare
from tests.worker.speech.fakes import RATE, Bench
from tests.worker.speech.test_speaking import say

BOTH = 700 * (8 + 16) * 2
"""Bytes of seven letters, at both rates."""


async def prepared(bench: Bench, job: int, **fields: str) -> Prepared:
    bench.helper.receive(Prepare(job, "Hello a", DEFAULTS, **fields))
    while not isinstance(reply := await bench.told.next(), Prepared):
        assert not isinstance(reply, Broken | Chunk), reply
    assert reply.job == job
    return reply


def test_make_a_text_once_for_calls_of_all_rates(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        first = await prepared(bench, 1, scope="acme")
        assert not first.was_there
        assert first.size == pytest.approx(BOTH, rel=0.1)
        again = await prepared(bench, 2, scope="acme")
        assert again.was_there
        assert (again.cache_key, again.size) == (first.cache_key, first.size)
        for job, rate in ((3, RATE), (4, 2 * RATE)):
            asked = say(job, "Hello a", scope="acme")
            bench.helper.receive(replace(asked, rate=rate))
            made = await bench.told.end(job)
            assert isinstance(made, Made) and made.is_cached
        bench.helper.receive(say(5, "Hello a", scope="evil"))
        other = await bench.told.end(5)
        assert isinstance(other, Made) and not other.is_cached

    Bench(tmp_path).run(talk)


def test_find_it_by_the_key_that_was_told(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        assert (await prepared(bench, 1, cache_key="mine")).cache_key == "mine"
        told = await prepared(bench, 2)
        for job, key in ((3, "mine"), (4, told.cache_key)):
            bench.helper.receive(say(job, "Whatever", cache_key=key))
            made = await bench.told.end(job)
            assert isinstance(made, Made) and made.is_cached
            assert made.total_ms == 700

    Bench(tmp_path).run(talk)


def test_refuse_what_is_too_long_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "ENTRY_BYTES", 1_000)

    async def talk(bench: Bench) -> None:
        bench.helper.receive(Prepare(1, "Hello", DEFAULTS))
        broken = await bench.told.end(1)
        assert isinstance(broken, Broken) and broken.code == 413

    Bench(tmp_path).run(talk)


def test_let_what_is_heard_go_before(tmp_path: Path) -> None:
    async def talk(bench: Bench) -> None:
        bench.helper.receive(Prepare(1, "One. Two.", DEFAULTS))
        bench.helper.receive(say(2, "Three. Four."))
        await bench.told.end(2)
        while not any(isinstance(each, Prepared) for each in bench.told.all):
            await bench.told.next()
        said = bench.engine.voice.said
        assert said.index("Three.") < said.index("Two.")

    Bench(tmp_path).run(talk)
