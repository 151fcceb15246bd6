import asyncio

import pytest

from mediaworker.webrtc.gate import Full, Gate


def test_let_in_one_after_another() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def enter(gate: Gate) -> None:
        async with gate.turn():
            pass

    async def run() -> None:
        now = [100.0]
        gate = Gate(lambda: now[0], spacing_seconds=0.5, sleep=sleep)
        for _ in range(4):
            await enter(gate)
        now[0] = 101.75
        await enter(gate)
        now[0] = 110.0
        await enter(gate)
        assert gate.inside == 0

    asyncio.run(run())
    assert slept == [0.5, 1.0, 1.5, 0.25]


def test_be_full() -> None:
    async def run() -> None:
        gate = Gate(lambda: 0.0, spacing_seconds=0.0, most=1)
        async with gate.turn():
            with pytest.raises(Full):
                async with gate.turn():
                    pass
        async with gate.turn():
            assert gate.inside == 1

    asyncio.run(run())


def test_give_the_place_back_of_one_that_is_cancelled() -> None:
    async def run() -> None:
        gate = Gate(lambda: 0.0, spacing_seconds=60.0)

        async def set_up() -> None:
            async with gate.turn():
                await asyncio.Event().wait()

        waiting = [asyncio.ensure_future(set_up()) for _ in range(3)]
        await asyncio.sleep(0)
        assert gate.inside == 3
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert gate.inside == 0

    asyncio.run(run())
