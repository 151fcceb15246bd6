"""Phones that are to ring while their apps sleep: each user's own."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import devices_wire
from chalicelib.dialects.v1.endpoint import endpoints_of, identify

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)


@endpoint("POST", devices_wire.PATH, 201)
def register_device(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    token = devices_wire.parse_token(principal, request.json_object())
    return devices_wire.render_registered(token, plane.devices.register(token))


@endpoint("GET", devices_wire.PATH)
def list_devices(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    held = plane.devices.of_user(principal.tenant, principal.uid)
    return devices_wire.render_devices(held)


@endpoint("DELETE", f"{devices_wire.PATH}/{{device}}")
def forget_device(request: Request, device: str) -> None:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    name = devices_wire.parse_device(device)
    plane.devices.forget(principal.tenant, principal.uid, name)
