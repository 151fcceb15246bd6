"""Credit, and whose turn it is."""

import asyncio

import pytest

from mediaworker.speech.outgoing import CHUNK_MS, Outgoing
from mediaworker.speech.replies import Chunk, Reply
from mediaworker.speech.requests import CREDIT_MS
from mediaworker.speech.turns import Turns
from tests.worker.speech.fakes import RATE, Clock, settle

MS = RATE // 1_000 * 2


def test_send_no_more_than_there_is_credit_for() -> None:
    async def run() -> None:
        told: list[Reply] = []
        clock = Clock()
        outgoing = Outgoing(7, RATE, told.append, clock)
        clock.now += 0.02
        outgoing.offer(bytes((CREDIT_MS + 1_000) * MS))
        sizes = [len(each.samples) for each in told if isinstance(each, Chunk)]
        assert sizes == [CHUNK_MS * MS] * (CREDIT_MS // CHUNK_MS)
        assert outgoing.first_chunk_ms == 20
        waiting = asyncio.ensure_future(outgoing.drained())
        outgoing.consume(400)
        await settle()
        assert told[-1] == Chunk(7, bytes(400 * MS))
        assert not waiting.done()
        outgoing.consume(600)
        await waiting
        assert outgoing.total_ms == CREDIT_MS + 1_000
        assert outgoing.ahead_ms == CREDIT_MS
        outgoing.is_wanted = False
        outgoing.offer(bytes(MS))
        assert sum(len(each.samples) for each in told if isinstance(each, Chunk)) == (
            (CREDIT_MS + 1_000) * MS
        )

    asyncio.run(run())


def test_serve_first_who_would_fall_silent_first() -> None:
    async def run() -> None:
        turns, served = Turns(), list[str]()

        async def work(name: str, ahead_ms: int) -> None:
            async with turns.turn(lambda: ahead_ms):
                served.append(name)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            for name, ahead_ms in (("a", 500), ("b", 400), ("c", 0), ("d", 0)):
                tasks.create_task(work(name, ahead_ms))
        assert served == ["a", "c", "d", "b"]

    asyncio.run(run())


@pytest.mark.parametrize("is_next", [True, False])
def test_pass_the_turn_of_one_that_is_cancelled_on(is_next: bool) -> None:
    async def run() -> None:
        turns, served, gate = Turns(), list[str](), asyncio.Event()

        async def work(name: str, ahead_ms: int) -> None:
            async with turns.turn(lambda: ahead_ms):
                served.append(name)
                await gate.wait()

        async def first() -> None:
            await work("a", 0)
            # The turn is b's already, which does not know it yet.
            second.cancel()

        begun = asyncio.ensure_future(first() if is_next else work("a", 0))
        await settle()
        second = asyncio.ensure_future(work("b", 0))
        last = asyncio.ensure_future(work("c", 1))
        await settle()
        if not is_next:
            second.cancel()
        gate.set()
        await asyncio.gather(begun, last)
        assert served == ["a", "c"]
        async with turns.turn(lambda: 0):
            pass

    asyncio.run(run())
