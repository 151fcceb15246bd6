"""Every POST of every dialect, sent twice: one effect, one answer."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.calls import CallService
from chalicelib.services.repetition import KEPT_MS, Reply, StillRunning
from chalicelib.services.retries import Unavailable
from tests.dialects import conftest
from tests.dialects.access import ROWS
from tests.dialects.conftest import VARIABLES, Api, install
from tests.dialects.gates import DTALK, Row
from tests.dialects.scenes import FOREIGN, UNPROVEN, Ask, Scene, Who
from tests.dialects.snapshots import Snapshot, snapshot

POSTS = [row for row in ROWS if row.method == "POST"]
KEYED = [row for row in POSTS if not (row.has_own_record or row.is_late)]
posts = pytest.mark.parametrize("row", POSTS, ids=lambda row: row.name)
keyed = pytest.mark.parametrize("row", KEYED, ids=lambda row: row.name)

BEST = (Who.CALLEE, Who.CREATOR, Who.STRANGER, Who.ADMIN, Who.WORKER, Who.LIVEKIT)
"""Who asks, of those who are let in: the first of them."""
KEY = {"idempotency-key": "k"}
CALLING = "/api/v1/participants/calling"
ALICE = {"uids": ["alice"]}
REPLAYED = "Idempotent-Replayed"


class Sender:
    """One who is let in, with a valid request and a key for it."""

    def __init__(self, patch: pytest.MonkeyPatch, row: Row) -> None:
        self.scene = Scene(install(patch, VARIABLES), row.subject)
        self.ask = row.ask(self.scene, True)
        self.who = next(who for who in BEST if who in row.gate)

    def send(
        self, ask: Ask | None = None, who: Who | None = None, key: str = "k"
    ) -> conftest.Reply:
        asked = ask or self.ask
        proof = self.scene.credentials(who or self.who, asked)
        return self.scene.send(asked, {**proof, "idempotency-key": key})

    def snapshot(self) -> Snapshot:
        return snapshot(self.scene.plane)


@posts
def test_post_that_comes_again_has_one_effect_and_one_answer(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(monkeypatch, row)
    first = sender.send()
    assert first.status == 204 or row.manner.is_success(first), first
    after = sender.snapshot()
    for _ in range(2):
        again = sender.send()
        assert (again.status, again.text) == (first.status, first.text)
    assert sender.snapshot() == after


@keyed
def test_key_of_another_request_is_refused(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(monkeypatch, row)
    sender.send()
    after = sender.snapshot()
    other = replace(sender.ask, body=json.dumps(sender.ask.body or {}) + " ")
    refused = sender.send(other)
    row.manner.check(refused)
    assert row.manner.code_of(refused) == row.manner.reused
    assert sender.snapshot() == after


@keyed
def test_answer_is_nobody_else_s(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(monkeypatch, row)
    sender.send()
    for who in (UNPROVEN | FOREIGN | {Who.PARTY, Who.SERVER}) - {sender.who}:
        reply = sender.send(who=who)
        assert REPLAYED not in reply.headers
        if who in UNPROVEN:
            assert row.manner.code_of(reply) == row.expected(who)


@keyed
@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"], ids=["empty", "long", "lines"])
def test_key_that_nobody_should_use_is_refused(
    row: Row, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(monkeypatch, row)
    before = sender.snapshot()
    reply = sender.send(key=key)
    row.manner.check(reply)
    assert not row.manner.is_success(reply)
    assert sender.snapshot() == before


class Stubborn:
    """`Repetitions` of which the first is always still running."""

    def once(self, key: str, fingerprint: str, act: Callable[[], Reply]) -> Reply:
        raise StillRunning(key)


@keyed
def test_post_is_refused_while_its_like_runs(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for commands on calls, which wait for each other."""
    sender = Sender(monkeypatch, row)
    plane = replace(sender.scene.plane, repetitions=Stubborn())
    monkeypatch.setattr(bootstrap, "control_plane", lambda: plane)
    before = sender.snapshot()
    reply = sender.send()
    if not row.manner.is_success(reply):
        assert row.manner.code_of(reply) == row.manner.running
        assert reply.status == (200 if row.manner is DTALK else 409)
        assert reply.headers["Retry-After"] == "1"
        assert sender.snapshot() == before
    else:
        assert row.name in RECORDED


RECORDED = {
    *(
        f"POST /api/v1/rooms{rest}"
        for rest in (
            "",
            *(
                f"/{{room_id}}/{verb}"
                for verb in ("invite", "kick", "join", "leave", "end")
            ),
        )
    ),
    *(
        f"POST {prefix}/{name}"
        for prefix in ("/app", "/call/app")
        for name in ("start-call", "handle-call", "reply-busy")
    ),
    *(
        f"POST /im/api/v1/rtc/rooms{rest}"
        for rest in ("", *(f"/{{room_id}}/{verb}" for verb in ("join", "leave", "end")))
    ),
}
"""What becomes of these is stored with the call that they change."""


def calling(api: Api, uid: str = "alice", key: str = "k", **how: Any) -> conftest.Reply:
    body = {"uids": [uid]}
    return api.post(CALLING, body, uid, headers={"idempotency-key": key}, **how)


def ring(api: Api) -> None:
    body = {"creator": "alice", "device_type": "PC", "uids": ["bob"]}
    assert api.post("/api/v1/rooms", body).status == 200


def test_answer_is_replayed_as_it_was(api: Api) -> None:
    assert calling(api).json == []
    ring(api)
    again = calling(api)
    assert (again.json, again.headers[REPLAYED]) == ([], "true")
    other = calling(api, key="l")
    assert len(other.json) == 1 and REPLAYED not in other.headers


def test_answer_is_kept_for_a_day(api: Api) -> None:
    calling(api)
    api.clock.pass_ms(KEPT_MS - 1)
    assert REPLAYED in calling(api).headers
    api.clock.pass_ms(1)
    assert REPLAYED not in calling(api).headers


def test_refusal_is_an_answer_too(api: Api) -> None:
    for is_replayed in (False, True):
        reply = api.post("/call/kill/nobody", None, headers=KEY)
        assert reply.status == 404
        assert (REPLAYED in reply.headers) == is_replayed


@pytest.mark.parametrize("error", [Unavailable("Throttled"), ZeroDivisionError()])
@pytest.mark.parametrize(
    ("path", "body"), [(CALLING, ALICE), ("/app/check-call", {"traceId": 1})]
)
def test_failure_of_ours_is_no_answer(
    api: Api,
    path: str,
    body: Any,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even in dtalk, where it has the status of a success."""

    def fail(*asked: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(CallService, "active_call_of", fail)
        patch.setattr(CallService, "find_by_trace", fail)
        failed = api.post(path, body, headers=KEY)
    assert failed.status >= 500 or failed.json["result"] == -1000
    repaired = api.post(path, body, headers=KEY)
    assert REPLAYED not in repaired.headers
    assert repaired.status == 200 and repaired.text != failed.text


def test_limit_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    api = install(monkeypatch, {**VARIABLES, "PARLEY_RATE_LIMIT": "1"})
    heard = [calling(api, key=f"k{number}").status for number in range(4)]
    assert heard[-1] == 429
    api.clock.pass_ms(60_000)
    assert calling(api, key="k3").status == 200


def test_names_with_the_same_ending_do_not_share_keys(api: Api) -> None:
    """A user's name may have a # in it, and so may a key."""
    assert calling(api, "alice#b", "k").status == 200
    ours = calling(api, "alice", "b#k")
    assert ours.status == 200 and REPLAYED not in ours.headers
    rooms = "/im/api/v1/rtc/rooms"
    room = {"calleeId": "carol"}
    theirs = api.post(rooms, room, "dave#b", headers={"idempotency-key": "c"})
    mine = api.post(
        rooms, {"calleeId": "carol"}, "dave", headers={"idempotency-key": "b#c"}
    )
    assert theirs.status == 201 and mine.status == 409


def test_methods_that_are_repeatable_by_nature_need_no_key(api: Api) -> None:
    how: dict[str, Any] = {"uid": "root", "role": Role.ADMIN, "headers": KEY}
    path = "/v1/webhooks/endpoints"
    made = api.request("POST", path, {"url": "https://shop.example/hook"}, **how)
    path = f"{path}/{made.json['id']}"
    for text in ("one", "two"):
        changed = api.request("PATCH", path, {"description": text}, **how)
        assert changed.json["description"] == text
        assert REPLAYED not in changed.headers
