"""What workers tell the control plane, and that nobody else can."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.memory_fleet import MemoryFleet
from chalicelib.protocol.fleet import MOST_FACTS, Facts, Heartbeat, Workers
from chalicelib.protocol.lease import EXPIRY_MS, Neighbour, Sight, Witness
from chalicelib.protocol.tokens import worker_token
from chalicelib.protocol.vocabulary import Role
from tests.adapters.fleet_contract import ended, lease, order, started
from tests.builders import NOW_MS
from tests.dialects.conftest import JWT_SECRET, VARIABLES, Api, Reply, install

W1 = "/internal/workers/w1"
W2 = "/internal/workers/w2"
PUBLIC = ("/health", "/asyncapi.json", "/protocol.schema.json")
ROUTES = [
    ("PUT", f"{W1}/lease"),
    ("POST", f"{W1}/facts"),
    ("POST", f"{W1}/witnesses"),
    ("POST", f"{W1}/orders/k1/done"),
    ("GET", f"{W1}/sessions/s1"),
]


def ask(
    api: Api, method: str, path: str, body: Any = None, worker_id: str = "w1"
) -> Reply:
    now = SystemClock().now_ms() // 1000
    headers = {"authorization": f"Bearer {worker_token(JWT_SECRET, worker_id, now)}"}
    return api.request(method, path, body, uid=None, headers=headers)


def tell(api: Api, *facts: Any) -> Reply:
    return ask(api, "POST", f"{W1}/facts", Facts(facts).render())


def told(api: Api) -> list[str]:
    return [one.type for events in api.store.events.values() for one in events.values()]


def test_life_of_a_worker(api: Api) -> None:
    reply = ask(api, "PUT", f"{W1}/lease", lease().render())
    assert reply.status == 200
    assert Heartbeat.parse(reply.json) == Heartbeat(workers=(lease().neighbour,))
    reply = tell(api, started())
    assert (reply.status, reply.text) == (204, "")
    MemoryFleet(api.store).keep_order("w1", 1, order())
    reply = ask(api, "PUT", f"{W1}/lease", lease().render())
    assert Heartbeat.parse(reply.json).orders == (order(),)
    for _ in range(2):
        assert ask(api, "POST", f"{W1}/orders/k1/done").status == 204
    assert tell(api, started(), ended()).status == 204
    assert told(api) == ["session.started", "session.ended"]


def test_neighbour_tells_of_a_silent_worker(api: Api) -> None:
    ask(api, "PUT", f"{W1}/lease", lease().render())
    tell(api, started())
    api.clock.pass_ms(EXPIRY_MS)
    reply = ask(api, "PUT", f"{W2}/lease", lease("w2").render(), "w2")
    (suspect,) = Heartbeat.parse(reply.json).suspects
    assert suspect == lease()
    seen = Witness("w1", 1, Sight.UNREACHABLE, NOW_MS + EXPIRY_MS, by="w2")
    assert ask(api, "POST", f"{W2}/witnesses", seen.render(), "w2").status == 204
    assert told(api) == ["session.started", "session.ended"]
    for reply in (
        ask(api, "PUT", f"{W1}/lease", lease().render()),
        tell(api, started("s2")),
        ask(api, "POST", f"{W1}/orders/k1/done"),
        ask(api, "POST", f"{W1}/witnesses", _witness(of="w2", by="w1")),
    ):
        assert (reply.status, reply.json["code"]) == (409, 409)


def test_workers_hear_of_each_other_while_they_live(api: Api) -> None:
    ask(api, "PUT", f"{W1}/lease", lease(sip_address="10.0.0.7:5060").render())
    api.clock.pass_ms(EXPIRY_MS // 2)
    second = lease("w2", is_draining=True)
    reply = ask(api, "PUT", f"{W2}/lease", second.render(), "w2")
    told = {one.worker_id: one for one in Heartbeat.parse(reply.json).workers}
    assert told["w1"] == Neighbour("w1", "10.0.0.7:8080", False, "10.0.0.7:5060")
    assert told["w2"].is_draining
    api.clock.pass_ms(EXPIRY_MS // 2)
    reply = ask(api, "PUT", f"{W2}/lease", second.render(), "w2")
    assert [one.worker_id for one in Heartbeat.parse(reply.json).workers] == ["w2"]


def test_list_workers_that_live(api: Api) -> None:
    path = "/internal/workers"
    assert ask(api, "GET", path, worker_id="edge1").json == {"v": 1, "workers": []}
    ask(api, "PUT", f"{W1}/lease", lease(release="r7").render())
    ask(api, "PUT", f"{W2}/lease", lease("w2", is_draining=True).render(), "w2")
    found = Workers.parse(ask(api, "GET", path, worker_id="edge1").json).workers
    told = sorted((one.worker_id, one.release, one.is_draining) for one in found)
    assert told == [("w1", "r7", False), ("w2", None, True)]
    api.clock.pass_ms(EXPIRY_MS)
    assert ask(api, "GET", path).json["workers"] == []
    assert api.request("GET", path, uid="w1", role=Role.ADMIN).status == 401
    assert api.request("GET", path, uid=None).status == 401


def test_find_a_session_s_worker(api: Api) -> None:
    def find(session_id: str, query: str = "tenant=default") -> Reply:
        path = f"{W2}/sessions/{session_id}"
        now = SystemClock().now_ms() // 1000
        token = worker_token(JWT_SECRET, "w2", now)
        headers = {"authorization": f"Bearer {token}"}
        return api.request("GET", path, uid=None, query=query, headers=headers)

    ask(api, "PUT", f"{W1}/lease", lease().render())
    tell(api, started())
    assert Neighbour.parse(find("s1").json) == lease().neighbour
    assert find("s1", "tenant=other").status == 404
    assert find("s2").json["code"] == 404
    assert find("a%23b").status == 404
    assert find("s1", "").status == 400
    api.clock.pass_ms(EXPIRY_MS)
    assert find("s1").status == 404


def _witness(**who: str) -> dict[str, Any]:
    witness = Witness(who["of"], 1, Sight.UNREACHABLE, NOW_MS, by=who["by"])
    return witness.render()


@pytest.mark.parametrize(("method", "path"), ROUTES)
class TestAccess:
    @pytest.mark.parametrize("role", [r for r in Role if r is not Role.WORKER])
    def test_nobody_but_workers(
        self, api: Api, method: str, path: str, role: Role
    ) -> None:
        reply = api.request(method, path, lease().render(), uid="w1", role=role)
        assert (reply.status, reply.json["code"]) == (401, 401)

    def test_nobody_without_a_token_or_with_one_in_the_query(
        self, api: Api, method: str, path: str
    ) -> None:
        good = worker_token(JWT_SECRET, "w1", SystemClock().now_ms() // 1000)
        for query in ("", f"token={good}"):
            reply = api.request(method, path, {}, uid=None, query=query)
            assert reply.status == 401

    def test_no_worker_for_another(self, api: Api, method: str, path: str) -> None:
        reply = ask(api, method, path, lease().render(), "w2")
        assert (reply.status, reply.json["code"]) == (403, 403)

    def test_not_where_dialects_are_open(
        self, monkeypatch: pytest.MonkeyPatch, method: str, path: str
    ) -> None:
        opened = {"PARLEY_OPEN_DIALECTS": "activecall,tgortc"}
        api = install(monkeypatch, {**VARIABLES, **opened})
        assert api.request(method, path, {}, uid=None).status == 401


def test_worker_s_token_is_refused_by_every_other_route(api: Api) -> None:
    from app import app

    now = SystemClock().now_ms() // 1000
    headers = {"authorization": f"Bearer {worker_token(JWT_SECRET, 'w1', now)}"}
    for route, methods in app.routes.items():
        if route in PUBLIC or route.startswith("/internal/"):
            continue
        path = route.replace("{", "").replace("}", "")
        for method in methods:
            body = {"creator": "w1", "uid": "w1", "device_type": "app", "uids": ["w1"]}
            reply = api.request(method, path, body, uid=None, headers=headers)
            # dtalk says so in its envelope.
            told = dict(reply.json).get("result", reply.status)
            assert told in (401, -1010), route


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("lease", "nonsense"),
        ("lease", []),
        ("lease", {}),
        ("lease", {**lease().render(), "v": 99}),
        ("lease", {**lease().render(), "epoch": "one"}),
        ("lease", lease("w2").render()),
        ("facts", {"v": 1}),
        ("facts", {"v": 1, "facts": 7}),
        ("facts", {"v": 1, "facts": {"a": 1}}),
        ("facts", {"v": 1, "facts": [7]}),
        ("facts", {"v": 1, "facts": [order().render()]}),
        ("facts", {"v": 1, "facts": [started().render()] * (MOST_FACTS + 1)}),
        ("facts", Facts((started(worker_id="w2"),)).render()),
        ("facts", Facts((started(tenant="a#b"),)).render()),
        ("witnesses", {}),
        ("witnesses", _witness(of="w2", by="w3")),
        ("witnesses", _witness(of="w1", by="w1")),
        (
            "witnesses",
            replace(Witness("w2", 1, Sight.TASK_STOPPED, NOW_MS), by="w1").render(),
        ),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(
    api: Api, path: str, body: Any
) -> None:
    MemoryFleet(api.store).renew(lease())
    method = "PUT" if path == "lease" else "POST"
    reply = ask(api, method, f"{W1}/{path}", body)
    assert (reply.status, reply.json["code"]) == (400, 400)
    assert reply.json["message"]
    assert api.store.sessions == {}


def test_order_with_an_endless_name_is_refused(api: Api) -> None:
    MemoryFleet(api.store).renew(lease())
    assert ask(api, "POST", f"{W1}/orders/{'k' * 300}/done").status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(["lease", "facts", "witnesses"]), data=st.data())
def test_no_body_breaks_a_route(api: Api, path: str, data: st.DataObject) -> None:
    bodies = {
        "lease": lease().render(),
        "facts": Facts((started(),)).render(),
        "witnesses": _witness(of="w2", by="w1"),
    }
    body: Any = bodies[path]
    key = data.draw(st.sampled_from(sorted(body)))
    body = data.draw(st.just({**body, key: data.draw(JSON)}) | JSON)
    method = "PUT" if path == "lease" else "POST"
    reply = ask(api, method, f"{W1}/{path}", json.dumps(body))
    assert reply.status in (200, 204, 400, 409)
