"""A worker of the release before, at this control plane; and of two versions."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.memory_fleet import MemoryFleet
from chalicelib.protocol.fleet import Facts, Heartbeat
from chalicelib.protocol.lease import EXPIRY_MS, EndSession, Lease, Neighbour
from tests.adapters.fleet_contract import ended, lease, order, started
from tests.builders import NOW_MS
from tests.dialects.conftest import Api
from tests.dialects.fleet.test_routes import W1, W2, ask, told
from tests.protocol.releases import come_to_version_2, recorded

OLD_HEARTBEAT = {"v", "suspects", "orders"}
"""What the release before looks at."""


def test_worker_of_the_release_before_lives_and_dies_here(api: Api) -> None:
    messages = recorded()
    reply = ask(api, "PUT", f"{W1}/lease", messages["lease"])
    assert reply.status == 200
    assert reply.json.keys() >= OLD_HEARTBEAT
    assert (reply.json["v"], reply.json["suspects"], reply.json["orders"]) == (
        1,
        [],
        [],
    )
    begun, over = messages["facts"]["facts"]
    for facts in ([begun], [begun, over]):
        body = {**messages["facts"], "facts": facts}
        assert ask(api, "POST", f"{W1}/facts", body).status == 204
    assert told(api) == ["session.started", "session.ended"]
    end = EndSession("w1-0001", "bySystem", "system", "k1")
    MemoryFleet(api.store).keep_order("w1", 7, end)
    orders = ask(api, "PUT", f"{W1}/lease", messages["lease"]).json["orders"]
    assert orders == messages["heartbeat"]["orders"][:1]
    assert ask(api, "POST", f"{W1}/orders/k1/done").status == 204
    # A silent neighbour of this release is a suspect, and a witness is believed.
    silent = replace(lease("w2", 3), sip_address="10.0.0.8:5060", release="r9")
    ask(api, "PUT", f"{W2}/lease", silent.render(), "w2")
    api.clock.pass_ms(EXPIRY_MS)
    (suspect,) = ask(api, "PUT", f"{W1}/lease", messages["lease"]).json["suspects"]
    assert suspect.keys() >= messages["heartbeat"]["suspects"][0].keys()
    seen = {**messages["witness"], "seen_at_ms": NOW_MS + EXPIRY_MS}
    assert ask(api, "POST", f"{W1}/witnesses", seen).status == 204
    assert ask(api, "PUT", f"{W2}/lease", silent.render(), "w2").status == 409


def test_workers_of_two_versions_live_side_by_side(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enrolled, with a session and an order, before the control plane is replaced.
    ask(api, "PUT", f"{W1}/lease", lease().render())
    MemoryFleet(api.store).keep_order("w1", 1, order())
    come_to_version_2(monkeypatch)

    def old(value: Any, **changes: Any) -> Any:
        """As version 1 has it in `come_to_version_2`."""
        return {**value.render(1), **changes}

    second = lease("w2", protocol_version=2)
    reply = ask(api, "PUT", f"{W2}/lease", second.render(), "w2")
    heartbeat = Heartbeat.parse(reply.json)
    assert reply.json["v"] == 2
    assert {one.worker_id for one in heartbeat.workers} == {"w1", "w2"}
    reply = ask(api, "PUT", f"{W1}/lease", old(lease()))
    assert reply.json["v"] == 1
    assert [one["v"] for one in reply.json["workers"]] == [1, 1]
    assert {one["host_port"] for one in reply.json["workers"]} == {"10.0.0.7:8080"}
    assert [one["why"] for one in reply.json["commands"]] == ["bySystem"]
    body = {"v": 1, "told": [old(started()), ended().render()]}
    assert ask(api, "POST", f"{W1}/facts", body).status == 204
    facts = Facts((started("s2", worker_id="w2"),))
    assert ask(api, "POST", f"{W2}/facts", facts.render(), "w2").status == 204
    assert sorted(told(api)) == ["session.ended", "session.started", "session.started"]
    found = ask(api, "GET", "/internal/workers", worker_id="edge")
    assert {Lease.parse(one).worker_id for one in found.json["workers"]} == {"w1", "w2"}
    assert Neighbour.parse(heartbeat.workers[0].render(1)) == heartbeat.workers[0]
