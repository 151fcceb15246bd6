"""Every route, with every kind of credentials: who is let in, and what others hear."""

import importlib
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from app import app
from chalicelib import bootstrap
from infra import wiring
from infra.laptop.socket_events import Happening, Visitor, connect_event
from tests.dialects.access import ROWS
from tests.dialects.access_sockets import SOCKET_ROWS, SocketRow
from tests.dialects.conftest import VARIABLES, Reply, install
from tests.dialects.gates import Row
from tests.dialects.scenes import FOREIGN, RIVAL, TENANT, Ask, Scene, Who
from tests.dialects.snapshots import snapshot, without

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
PASSING = re.compile(r'"timestamp": "[^"]*"|"path": "[^"]*"|key_[0-9a-f]{16}')
"""What OpenChat's errors say of the request itself, and the asking keys' own ids."""
HAPPENING = Happening("r", 1_790_000_000_000)
LOOKING = {
    "POST /api/v1/participants/calling",
    "POST /app/check-call",
    "POST /call/app/check-call",
    "POST /im/api/v1/rtc/rooms/{room_id}/connection",
    "POST /im/api/v1/rtc/tokens",
    "POST /im/api/v1/rtc/tokens/validate",
    "POST /v1/tokens",
}
"""They change nothing, whatever their method."""


def set_up(patch: pytest.MonkeyPatch, row: Row) -> Scene:
    return Scene(install(patch, VARIABLES), row.subject)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    routes = {
        f"{method} {route}" for route in app.routes for method in app.routes[route]
    }
    known = {row.name for row in ROWS}
    assert not routes - known, (
        f"add to tests/dialects/access.py, or to access_v1.py, a Row for each of "
        f"{sorted(routes - known)}: with a request for something that is there, "
        "and who is let in"
    )
    assert not known - routes, f"there is no route for {sorted(known - routes)}"


@rows
def test_route_lets_in_whom_it_is_for_and_nobody_else(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in Who:
        scene = set_up(monkeypatch, row)
        ask = row.ask(scene, True)
        proof = scene.credentials(who, ask)
        before = snapshot(scene.plane)
        reply = scene.send(ask, proof)
        assert_heard(row, who, reply)
        if row.expected(who) is not None:
            assert snapshot(scene.plane) == before, f"{who} has changed something"
        elif who in FOREIGN:
            ours = without(RIVAL, snapshot(scene.plane))
            assert ours == without(RIVAL, before), f"{who} has changed ours"


def assert_heard(row: Row, who: Who, reply: Reply) -> None:
    expected = row.expected(who)
    said = f"{who}: {reply.status} {reply.text}"
    if expected is None:
        assert reply.status in (200, 201, 202, 204), said
        assert not reply.text or row.manner.is_success(reply), said
        return
    assert reply.status >= 400 or not row.manner.is_success(reply), said
    row.manner.check(reply)
    assert row.manner.code_of(reply) == expected, said


@rows
def test_other_tenants_cannot_tell_what_is_there(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in FOREIGN:
        heard = [told(row, who, is_there, monkeypatch) for is_there in (True, False)]
        assert heard[0] == heard[1], who


def told(
    row: Row, who: Who, is_there: bool, patch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """What it hears, but for the names that it has given itself."""
    scene = set_up(patch, row)
    ask = row.ask(scene, is_there)
    reply = scene.send(ask, scene.credentials(who, ask))
    text = PASSING.sub("", reply.text)
    for name in scene.names:
        text = text.replace(name, "?")
    return reply.status, text


def test_snapshot_shows_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing of the above would mean anything."""
    changing = [row for row in ROWS if row.method != "GET"]
    silent = {row.name for row in changing if not changes(monkeypatch, row)}
    late = {row.name for row in ROWS if row.is_late}
    assert silent - late == LOOKING


def changes(patch: pytest.MonkeyPatch, row: Row) -> bool:
    """Whether it does something for anybody."""
    for who in row.gate:
        scene = set_up(patch, row)
        ask = row.ask(scene, True)
        proof = scene.credentials(who, ask)
        before = snapshot(scene.plane)
        scene.send(ask, proof)
        if snapshot(scene.plane) != before:
            return True
    return False


def test_every_socket_has_a_row_and_every_row_a_socket() -> None:
    names = {api.name for api in wiring.WEB_SOCKETS}
    assert {row.name for row in SOCKET_ROWS} == names, (
        "tests/dialects/access_sockets.py has a row for each of wiring.WEB_SOCKETS"
    )


@pytest.mark.parametrize("row", SOCKET_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("place", ["header", "query"])
def test_socket_lets_in_whom_it_is_for_and_nobody_else(
    row: SocketRow, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(install(monkeypatch, VARIABLES))
    monkeypatch.setattr(bootstrap, "settings", lambda: scene.plane.settings)
    (api,) = (one for one in wiring.WEB_SOCKETS if one.name == row.name)
    handler = handler_of(api.function)
    for who in Who:
        door = row.install(monkeypatch)
        proof = scene.credentials(who, Ask("GET", "/"))
        answer = handler(connect_event(visitor(row, proof, place), HAPPENING), None)
        if who in row.gate:
            assert answer == {"statusCode": 200}, who
            (principal,) = door.came
            assert principal.tenant == (RIVAL if who in FOREIGN else TENANT)
        else:
            assert answer["statusCode"] == 401, who
            assert json.loads(answer["body"])["code"] in (401, "unauthenticated")
            assert door.came == []


def handler_of(name: str) -> Any:
    (function,) = (one for one in wiring.FUNCTIONS if one.name == name)
    module, _, attribute = function.handler.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def visitor(row: SocketRow, proof: Mapping[str, str], place: str) -> Visitor:
    """Whoever comes, with what it has in the header, or in the address."""
    headers, query = {"Host": "h", **proof}, dict(row.query)
    if place == "query" and proof:
        (text,) = proof.values()
        headers, query = {"Host": "h"}, {**query, "token": text.removeprefix("Bearer ")}
    return Visitor(
        "c1", "live", "h", "192.0.2.1", tuple(headers.items()), tuple(query.items()), 1
    )
