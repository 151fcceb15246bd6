"""The rows of our own dialect's routes."""

from typing import Any

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import Wanted
from tests.adapters.fleet_contract import lease
from tests.dialects.gates import (
    ADMINS_EACH,
    ANY_PRINCIPAL,
    PARTIES_OR_ADMINS,
    SERVERS_EACH,
    V1,
    Maker,
    Row,
    on_call,
    plain,
)
from tests.dialects.scenes import ADMINS, TENANT, Ask, Scene, Who

ENDPOINTS = "/v1/webhooks/endpoints"
NEW_ENDPOINT = {"url": "https://shop.example/hook"}
NO_ENDPOINT = "ep_" + "0" * 24
NO_KEY = "key_" + "0" * 16
PHONE = {
    "device": "phone-1",
    "platform": "fcm",
    "token": "c7:APA91b-x_Y",
    "app": "com.example.app",
}
FORBIDDEN, UNKNOWN = "forbidden", "not_found"


def rows() -> list[Row]:
    return [*_webhooks(), *_keys(), *_workers(), *_calls(), *_devices(), *_users()]


def _webhooks() -> list[Row]:
    return [
        _of_admins("POST", ENDPOINTS, NEW_ENDPOINT),
        _of_admins("GET", ENDPOINTS, is_listing=True),
        _of_endpoint("GET"),
        _of_endpoint("PATCH", body={"description": "new"}),
        _of_endpoint("DELETE"),
        _of_endpoint("POST", "/rotate", {}),
        _of_endpoint("POST", "/test", {}),
        _of_endpoint("POST", "/enable", {}),
        _of_endpoint("POST", "/disable", {}),
        _of_endpoint("POST", "/replay", {"call_id": "call-of-alice"}),
        _of_endpoint("GET", "/attempts"),
        _of_admins("GET", "/v1/webhooks/stats", is_listing=True),
        _of_admins("POST", "/v1/webhooks/cleanup", {"retention_days": 1}),
    ]


def _of_admins(
    method: str, path: str, body: Any = None, *, is_listing: bool = False
) -> Row:
    def ask(scene: Scene, is_there: bool) -> Ask:
        scene.tell()
        if is_listing and is_there:
            _endpoint(scene)
        return Ask(method, path, body)

    return Row(V1, method, path, ask, ADMINS_EACH, FORBIDDEN)


def _of_endpoint(method: str, rest: str = "", body: Any = None) -> Row:
    def ask(scene: Scene, is_there: bool) -> Ask:
        scene.ring()
        endpoint_id = _endpoint(scene) if is_there else NO_ENDPOINT
        if rest == "/enable":
            path = f"{ENDPOINTS}/{endpoint_id}/disable"
            scene.api.post(path, {}, "root", role=Role.ADMIN)
        return Ask(method, f"{ENDPOINTS}/{endpoint_id}{rest}", body)

    return _of_admins_own(method, f"{ENDPOINTS}/{{endpoint_id}}{rest}", ask)


def _of_admins_own(method: str, route: str, ask: Maker) -> Row:
    users = {Who.FOREIGN_USER: FORBIDDEN}
    return Row(V1, method, route, ask, ADMINS, FORBIDDEN, UNKNOWN, more=users)


def _endpoint(scene: Scene) -> str:
    reply = scene.api.post(ENDPOINTS, NEW_ENDPOINT, "root", role=Role.ADMIN)
    return scene.named(reply.json["id"])


def _keys() -> list[Row]:
    def revoke(scene: Scene, is_there: bool) -> Ask:
        return Ask("DELETE", f"/v1/keys/{_key(scene) if is_there else NO_KEY}")

    def listed(scene: Scene, is_there: bool) -> Ask:
        if is_there:
            _key(scene)
        return Ask("GET", "/v1/keys")

    tokens = plain("POST", "/v1/tokens", {"uid": "erin"})
    return [
        _of_admins("POST", "/v1/keys", {"name": "shop"}),
        Row(V1, "GET", "/v1/keys", listed, ADMINS_EACH, FORBIDDEN),
        _of_admins_own("DELETE", "/v1/keys/{key_id}", revoke),
        Row(V1, "POST", "/v1/tokens", tokens, SERVERS_EACH, FORBIDDEN),
        Row(V1, "POST", "/v1/tickets", plain("POST", "/v1/tickets"), ANY_PRINCIPAL),
    ]


def _workers() -> list[Row]:
    """They are the operator's, and no tenant's: other tenants' administrators are let
    in nowhere."""

    def listed(scene: Scene, is_there: bool) -> Ask:
        if is_there:
            _worker(scene)
        return Ask("GET", "/v1/workers")

    def drain(scene: Scene, is_there: bool) -> Ask:
        worker_id = _worker(scene) if is_there else "w9"
        return Ask("POST", f"/v1/workers/{worker_id}/drain", {})

    route = "/v1/workers/{worker_id}/drain"
    return [
        Row(V1, "GET", "/v1/workers", listed, ADMINS, FORBIDDEN),
        Row(V1, "POST", route, drain, ADMINS, FORBIDDEN),
    ]


def _worker(scene: Scene) -> str:
    scene.plane.fleet.renew(lease())
    return scene.named("w1")


def _key(scene: Scene) -> str:
    admin = Principal(TENANT, "root", Role.ADMIN)
    key, _ = scene.plane.keys.create(admin, Wanted("of another"))
    return scene.named(key.id)


def _calls() -> list[Row]:
    def call(rest: str) -> Row:
        route, path = f"/v1/calls/{{call_id}}{rest}", f"/v1/calls/{{}}{rest}"
        ask = on_call("GET", path)
        return Row(V1, "GET", route, ask, PARTIES_OR_ADMINS, UNKNOWN, UNKNOWN)

    listed = on_call("GET", "/v1/calls")
    return [
        Row(V1, "GET", "/v1/calls", listed, ANY_PRINCIPAL),
        call(""),
        call("/timeline"),
    ]


def _devices() -> list[Row]:
    """Each has its own, and there are no others to it."""

    def listed(scene: Scene, is_there: bool) -> Ask:
        if is_there:
            scene.api.post("/v1/devices", PHONE, "alice")
        return Ask("GET", "/v1/devices")

    def forget(scene: Scene, is_there: bool) -> Ask:
        scene.api.post("/v1/devices", PHONE, "alice")
        return Ask("DELETE", f"/v1/devices/{'phone-1' if is_there else 'phone-2'}")

    register = plain("POST", "/v1/devices", PHONE)
    owner = frozenset({Who.CREATOR})
    return [
        Row(V1, "POST", "/v1/devices", register, ANY_PRINCIPAL),
        Row(V1, "GET", "/v1/devices", listed, ANY_PRINCIPAL),
        Row(V1, "DELETE", "/v1/devices/{device}", forget, owner, UNKNOWN, UNKNOWN),
    ]


def _users() -> list[Row]:
    """Who there is not is erased as well."""

    def erase(scene: Scene, is_there: bool) -> Ask:
        if is_there:
            scene.api.post("/v1/devices", PHONE, "zoe")
        return Ask("DELETE", "/v1/users/zoe")

    return [Row(V1, "DELETE", "/v1/users/{uid}", erase, ADMINS_EACH, FORBIDDEN)]
