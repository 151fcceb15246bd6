"""Push tokens as their owners give them, and see them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.wire import InvalidRequest
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.mobile_push import Environment, Platform, PushToken
from chalicelib.services.devices.push_tokens import UnknownDevice

PATH = f"{wire.PREFIX}/devices"
DEVICE_MAX_LENGTH = 64
APP_MAX_LENGTH = 155
"""Apple's limit for a bundle id, with room for what follows it in a topic."""
TOKEN_MAX_LENGTH = 4096
APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
APNS_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{2}){8,100}\Z")
"""Hexadecimal; Apple says that its length may change."""
FCM_TOKEN = re.compile(r"[A-Za-z0-9_:.\-/+=]+\Z")
FORBIDDEN = frozenset("/%")
"""A device's name is part of a path."""
SHOWN_CHARACTERS = 6


def parse_token(principal: Principal, body: Mapping[str, Any]) -> PushToken:
    """Raises `InvalidRequest`."""
    wire.known(body, "device", "platform", "token", "app", "environment")
    device = wire.text(body, "device", DEVICE_MAX_LENGTH)
    if not device.isprintable() or not FORBIDDEN.isdisjoint(device):
        raise InvalidRequest("device must be printable, without / or %")
    app = wire.text(body, "app", APP_MAX_LENGTH)
    if not APP.match(app):
        raise InvalidRequest("app must be a bundle id or the name of a package")
    platform = _platform(body)
    return PushToken(
        tenant=principal.tenant,
        uid=principal.uid,
        device=device,
        platform=platform,
        token=_token(body, platform),
        app=app,
        environment=_environment(body, platform),
    )


def _platform(body: Mapping[str, Any]) -> Platform:
    given = body.get("platform")
    if not isinstance(given, str) or given not in tuple(Platform):
        raise InvalidRequest(f"platform must be one of {', '.join(Platform)}")
    return Platform(given)


def _environment(body: Mapping[str, Any], platform: Platform) -> Environment:
    given = body.get("environment", Environment.PRODUCTION.value)
    if not isinstance(given, str) or given not in tuple(Environment):
        raise InvalidRequest(f"environment must be one of {', '.join(Environment)}")
    if platform is Platform.FCM and given != Environment.PRODUCTION:
        raise InvalidRequest("environment is Apple's: leave it out for fcm")
    return Environment(given)


def _token(body: Mapping[str, Any], platform: Platform) -> str:
    token = wire.text(body, "token", TOKEN_MAX_LENGTH)
    if platform is Platform.FCM:
        if not FCM_TOKEN.match(token):
            raise InvalidRequest("token must be what FCM gave to the app")
        return token
    if not APNS_TOKEN.match(token):
        raise InvalidRequest("token must be APNs' own, in hexadecimal digits")
    return token.lower()


def parse_device(device: str) -> str:
    """Raises `UnknownDevice` for what no device is called."""
    if not (1 <= len(device) <= DEVICE_MAX_LENGTH and device.isprintable()):
        raise UnknownDevice(device)
    return device


def render_registered(token: PushToken, carrier: str) -> dict[str, Any]:
    """``sender`` is null where nothing is set up that would carry a push to it."""
    return {**_shown(token), "sender": carrier or None}


def render_devices(tokens: Iterable[PushToken]) -> dict[str, Any]:
    """As a page, which has all of them."""
    shown = [
        {**_shown(token), "registered_at_ms": token.registered_at_ms}
        for token in tokens
    ]
    return wire.page("devices", shown, "")


def _shown(token: PushToken) -> dict[str, Any]:
    return {
        "device": token.device,
        "platform": token.platform.value,
        "token": f"…{token.token[-SHOWN_CHARACTERS:]}",
        "app": token.app,
        "environment": token.environment.value,
    }
