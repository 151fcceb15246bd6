"""A thousand calls in, a thousand out: nothing of them is left."""

import asyncio
import gc
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from mediaworker.rtp.stream import MediaStream
from mediaworker.session.legs import (
    Answered,
    CallCame,
    Declined,
    DropLeg,
    LegEnded,
    LegEvent,
    LegLost,
    PlaceCall,
    TakeCall,
)
from mediaworker.sip.calls import Call
from mediaworker.sip.dialogs import Dialog
from mediaworker.telephony.call import PhoneCall
from mediaworker.telephony.leg import PhoneLeg
from mediaworker.telephony.media import CallMedia
from mediaworker.telephony.outbound import Caps
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.settings import PhoneSettings
from tests.e2e.voice.forgetful import forgetful
from tests.e2e.voice.phones import PhoneWorker, accept, agents, phone_worker, play
from tests.peers.sipp import needs_sipp, sipp
from tests.worker.telephony.stage import Seat, settings
from tests.worker.telephony.stage import phones as running_phones

pytestmark = [pytest.mark.laptop, pytest.mark.alone, needs_sipp]

IS_BRIEF = "CI" in os.environ
CALLS = 300 if IS_BRIEF else 1_000
WARM_UP, MORE = (60, 140) if IS_BRIEF else (150, 350)
"""Of a worker that is a process of its own."""
RATE = 50
LISTENERS = 40
LAST = (Declined, LegEnded, LegLost)
KINDS = (Call, Dialog, PhoneCall, PhoneLeg, CallMedia, MediaStream)
KEPT = ("sip_transactions", "sip_dialogs")
GONE = ("sessions", "legs_sip", "sip_listeners", "sip_calls_waiting", "sip_rtp_ports")
FORGOTTEN_SECONDS = 45
"""64*T1, and a little, at its longest."""
MOST_GROWTH_KIB = 16 * 1_024
"""Calls are remembered for half a minute."""


def left() -> Counter[str]:
    """What is there of calls, and of the process's sockets and tasks."""
    gc.collect()
    kinds = [type(each) for each in gc.get_objects() if isinstance(each, KINDS)]
    counts = Counter(kind.__name__ for kind in kinds)
    counts["descriptors"] = len(os.listdir("/proc/self/fd"))
    counts["tasks"] = len(asyncio.all_tasks())
    return counts


class Switchboard:
    """Takes every call that comes, as so many applications would."""

    def __init__(self, made: Phones) -> None:
        self.taken = 0
        self._made = made
        self._seats: set[Seat] = set()

    def open(self) -> None:
        for _ in range(LISTENERS):
            self._listen()

    def close(self) -> None:
        for seat in self._seats:
            seat.leg.obey(DropLeg())
        self._seats.clear()

    def _listen(self) -> None:
        seat = Seat(self._made, listen="*")
        self._seats.add(seat)
        told = seat.told
        seat.told = Heard(lambda event: self._hear(seat, event))
        assert not told

    def _hear(self, seat: Seat, event: LegEvent) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(event, CallCame):
            self.taken += 1
            self._listen()
            loop.call_soon(seat.leg.obey, TakeCall())
        elif isinstance(event, LAST):
            self._seats.discard(seat)
            loop.call_soon(seat.leg.obey, DropLeg())


class Heard(list[LegEvent]):
    """What a holder is told, passed on."""

    def __init__(self, hear: Callable[[LegEvent], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, event: LegEvent) -> None:
        self._hear(event)


async def place_one(made: Phones, uri: str, number: int) -> None:
    seat = Seat(made, f"out-{number}")
    seat.leg.obey(PlaceCall(uri))
    await seat.until(Answered)
    await asyncio.sleep(0.1)
    seat.leg.obey(DropLeg())


async def place_all(made: Phones, uri: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(CALLS):
            tasks.create_task(place_one(made, uri, number))
            await asyncio.sleep(1 / RATE)


async def forgotten(made: Phones) -> None:
    async with asyncio.timeout(FORGOTTEN_SECONDS):
        while any(made.readings()[name] for name in KEPT):  # noqa: ASYNC110 - timers
            await asyncio.sleep(0.5)


def resident_kib(phones: PhoneWorker) -> int:
    status = Path(f"/proc/{phones.worker.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


def wait_until_zero(phones: PhoneWorker, *names: str) -> None:
    ends_at = time.monotonic() + FORGOTTEN_SECONDS
    while any((left := phones.worker.readings())[name] for name in names):
        assert time.monotonic() < ends_at, left
        time.sleep(0.5)


def resident_after(phones: PhoneWorker, calls: int) -> int:
    """In KiB, when so many have come and are over."""

    async def act() -> None:
        async with agents(phones, accept, LISTENERS) as served:
            options = ("-r", str(RATE))
            async with sipp(
                "uac_patient", phones.target, *options, calls=calls, seconds=120
            ) as caller:
                await caller.done()
        assert len(served) >= calls

    play(act, seconds=150)
    wait_until_zero(phones, *GONE)
    return resident_kib(phones)


@pytest.fixture(scope="module")
def warmed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PhoneWorker, int]]:
    """A worker that has had many calls, and what it kept of memory; it forgets them
    while others are tested."""
    folder = tmp_path_factory.mktemp("phones")
    module = "tests.e2e.voice.forgetful" if IS_BRIEF else "mediaworker"
    with phone_worker(folder, module=module, PARLEY_SIP_PEERS="127.0.0.1") as phones:
        yield phones, resident_after(phones, WARM_UP)
    assert phones.worker.lines("error") == phones.worker.lines("critical") == []


@pytest.mark.usefixtures("warmed")
def test_nothing_is_left_of_so_many_calls_each_way() -> None:
    peers = PhoneSettings.parse(
        {"PARLEY_SIP_PEERS": "127.0.0.1"}, is_development=True
    ).peers
    given = settings(peers=peers, caps=Caps(1_000, 1_000, 10_000))

    async def act() -> None:
        async with running_phones(given, seconds=150) as made:
            before = left()
            board = Switchboard(made)
            board.open()
            target = f"127.0.0.1:{made.port}"
            rate = ("-r", str(RATE), "-d", "100")
            async with (
                sipp("uac", target, *rate, calls=CALLS, seconds=60) as caller,
                sipp("uas", calls=CALLS, seconds=90) as callee,
            ):
                await place_all(made, callee.uri)
                await caller.done()
                await callee.done()
            board.close()
            assert board.taken == CALLS
            await forgotten(made)
            assert made.readings()["sip_rtp_ports"] == 0
            assert made.readings()["sip_calls_ended_total"] == 2 * CALLS
            assert left() == before

    with forgetful() if IS_BRIEF else nullcontext():
        asyncio.run(act())


def test_hundreds_of_calls_take_no_more_memory_than_they_may(
    warmed: tuple[PhoneWorker, int],
) -> None:
    phones, before = warmed
    wait_until_zero(phones, *KEPT)
    after = resident_after(phones, MORE)
    readings = phones.worker.readings()
    assert readings["sip_invites_total"] >= WARM_UP + MORE
    assert readings["sip_calls_ended_total"] >= WARM_UP + MORE
    assert readings["legs_webrtc"] == 0
    assert after - before < MOST_GROWTH_KIB, (before, after)
