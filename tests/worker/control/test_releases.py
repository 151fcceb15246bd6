"""A worker at a control plane of the release before."""

import asyncio
from dataclasses import replace

import pytest

from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import Drain, EndSession, Lease, Sight
from mediaworker.control import fleet as module
from mediaworker.control.fleet import Member
from tests.protocol.releases import recorded
from tests.worker.control.builders import ended, started
from tests.worker.control.test_fleet import Life, live

ASKED = {
    "worker_id",
    "epoch",
    "address",
    "ws_url",
    "sessions",
    "capacity",
    "is_draining",
    "renewed_at_ms",
}
"""What the release before must find in a lease."""


def test_live_with_a_control_plane_of_the_release_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.02)

    async def talk(life: Life, member: Member) -> None:
        control = life.control
        control.is_of_the_release_before = True
        await control.until(lambda: control.renewals >= 2)
        assert member.may_take_sessions()
        written = control.leases["w1"].render()
        assert written.keys() >= ASKED
        assert written["v"] == recorded()["lease"]["v"]
        for fact in (started(1), ended(1)):
            member.tell(fact)
        await control.until(lambda: len(control.facts) == 2)
        suspect = Lease.parse(recorded()["heartbeat"]["suspects"][0])
        gone = replace(suspect, address="127.0.0.1:1")
        end, drain = Heartbeat.parse(recorded()["heartbeat"]).orders
        control.answers = Heartbeat((gone,), (end, drain))
        await control.until(lambda: control.done and control.witnesses)
        assert isinstance(end, EndSession)
        assert isinstance(drain, Drain)
        assert {type(order) for order in life.orders} == {EndSession, Drain}
        (witness, *_) = control.witnesses
        assert (witness.worker_id, witness.sight) == ("w2", Sight.UNREACHABLE)
        control.statuses["lease"] = [409]
        async with asyncio.timeout(5):
            await life.fenced.wait()

    live(talk)
