"""The fleet, as its operators see it."""

from typing import Any

import pytest

from chalicelib.adapters.memory_fleet import MemoryFleet
from chalicelib.protocol.lease import EXPIRY_MS, Drain
from chalicelib.protocol.vocabulary import Role
from tests.adapters.fleet_contract import lease
from tests.builders import NOW_MS
from tests.dialects.conftest import Api, Reply

WORKERS = "/v1/workers"


def enrol(api: Api, *worker_ids: str, **changes: Any) -> None:
    for worker_id in worker_ids:
        MemoryFleet(api.store).renew(lease(worker_id, **changes))


def listed(api: Api, query: str = "") -> Any:
    reply = api.get(WORKERS, "root", role=Role.ADMIN, query=query)
    assert reply.status == 200, reply.text
    return reply.json


def drain(api: Api, worker_id: str, body: Any = None, **how: Any) -> Reply:
    given: dict[str, Any] = {"uid": "root", "role": Role.ADMIN, **how}
    return api.post(f"{WORKERS}/{worker_id}/drain", body or {}, **given)


def test_worker_is_shown_as_its_lease_says(api: Api) -> None:
    enrol(api, release="1.4.0", renewed_at_ms=NOW_MS - 2_000)
    enrol(api, "w1", release="1.4.0", renewed_at_ms=NOW_MS - 2_000)
    assert listed(api) == {
        "workers": [
            {
                "worker_id": "w1",
                "address": "10.0.0.7:8080",
                "sessions": 1,
                "capacity": 100,
                "is_draining": False,
                "release": "1.4.0",
                "lease_age_ms": 2_000,
                "is_alive": True,
            }
        ],
        "next": None,
    }


def test_silent_and_dead_workers_are_shown_as_such(api: Api) -> None:
    fleet = MemoryFleet(api.store)
    enrol(api, "silent", renewed_at_ms=NOW_MS - EXPIRY_MS)
    enrol(api, "dead")
    fleet.fence(lease("dead"))
    enrol(api, "early", renewed_at_ms=NOW_MS + 500)
    found = {one["worker_id"]: one for one in listed(api)["workers"]}
    assert not found["silent"]["is_alive"]
    assert not found["dead"]["is_alive"]
    assert (found["early"]["is_alive"], found["early"]["lease_age_ms"]) == (True, 0)


def test_pages_follow_each_other(api: Api) -> None:
    enrol(api, "w3", "w1", "w2")
    first = listed(api, "limit=2")
    assert [one["worker_id"] for one in first["workers"]] == ["w1", "w2"]
    second = listed(api, f"limit=2&cursor={first['next']}")
    assert [one["worker_id"] for one in second["workers"]] == ["w3"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("body", "deadline_at_ms"),
    [({}, None), ({"seconds": None}, None), ({"seconds": 90}, NOW_MS + 90_000)],
)
def test_worker_is_told_to_drain(api: Api, body: Any, deadline_at_ms: Any) -> None:
    enrol(api, "w1")
    for _ in range(2):
        reply = drain(api, "w1", body)
        assert reply.status == 202
        assert reply.json["worker_id"] == "w1"
        assert reply.json["is_draining"]
        assert reply.json["deadline_at_ms"] == deadline_at_ms
    kept = MemoryFleet(api.store).orders("w1", 1)
    assert kept == (Drain("w1", 1, deadline_at_ms),)


@pytest.mark.parametrize(
    "body",
    [{"seconds": -1}, {"seconds": 86_401}, {"seconds": "1"}, {"minutes": 1}],
)
def test_bad_seconds_are_refused(api: Api, body: Any) -> None:
    enrol(api, "w1")
    reply = drain(api, "w1", body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")
    assert MemoryFleet(api.store).orders("w1", 1) == ()


def test_worker_that_is_unknown_or_dead_is_not_found(api: Api) -> None:
    enrol(api, "w1")
    MemoryFleet(api.store).fence(lease())
    for worker_id in ("w1", "w9", "no worker's id"):
        reply = drain(api, worker_id)
        assert (reply.status, reply.json["code"]) == (404, "not_found")
        assert reply.json["message"] == "there is no such worker alive"


def test_administrators_of_other_tenants_operate_nothing(api: Api) -> None:
    enrol(api, "w1")
    assert drain(api, "w1", tenant="acme").status == 403
    reply = api.get(WORKERS, "root", role=Role.ADMIN, tenant="acme")
    assert (reply.status, reply.json["message"]) == (403, "an operator is needed")
