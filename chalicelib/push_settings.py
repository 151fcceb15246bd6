"""Who carries pushes to phones, as an operator names it in variables."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.protocol.mobile_push import Environment, Platform

SNS_APPS = "PARLEY_PUSH_SNS_APPS"
WEBHOOK_URL = "PARLEY_PUSH_WEBHOOK_URL"
WEBHOOK_SECRET = "PARLEY_PUSH_WEBHOOK_SECRET"
MIN_SECRET_LENGTH = 24
ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/([A-Z_]+)/[\w.-]{1,256}\Z")
SNS_NAMES: Mapping[Platform, str] = {
    Platform.APNS_VOIP: "APNS_VOIP",
    Platform.APNS: "APNS",
    Platform.FCM: "GCM",
}


class InvalidPushSettings(ValueError):
    """A variable has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Neither of both: phones register, and nothing is sent."""

    sns_apps: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(app, SNS's name of the platform) -> the platform application's ARN."""
    webhook_url: str = ""
    """Where pushes go that SNS does not carry; empty for nowhere."""
    webhook_secret: str = field(default="", repr=False)


def sns_name(platform: Platform, environment: Environment) -> str:
    """What SNS calls the platform, in ARNs and in messages."""
    is_sandbox = environment is Environment.SANDBOX
    return SNS_NAMES[platform] + ("_SANDBOX" if is_sandbox else "")


def parse(variables: Mapping[str, str]) -> PushSettings:
    """Raises `InvalidPushSettings` with the variable's name and what it needs."""
    url = variables.get(WEBHOOK_URL, "").strip()
    secret = variables.get(WEBHOOK_SECRET, "")
    if url and not url.startswith(("http://", "https://")):
        raise InvalidPushSettings(f"{WEBHOOK_URL} must be an http or https URL")
    if url and len(secret) < MIN_SECRET_LENGTH:
        raise InvalidPushSettings(
            f"{WEBHOOK_SECRET} needs at least {MIN_SECRET_LENGTH} characters"
        )
    return PushSettings(sns_apps(variables), url, secret)


def sns_apps(variables: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The platform applications of ``PARLEY_PUSH_SNS_APPS``.

    A JSON object ``{"<app>/<platform>": ARN}``; the platform is ``apns_voip``,
    ``apns`` or ``fcm``, Apple's with ``/sandbox`` behind it where that is meant.
    Raises `InvalidPushSettings`.
    """
    text = variables.get(SNS_APPS, "").strip() or "{}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidPushSettings(f"{SNS_APPS} must be a JSON object")
    return {_key(name): _arn(name, arn) for name, arn in found.items()}


def _key(name: str) -> tuple[str, str]:
    app, _, rest = name.partition("/")
    platform, _, environment = rest.partition("/")
    try:
        wanted = Environment(environment or Environment.PRODUCTION)
        key = (app, sns_name(Platform(platform), wanted))
    except ValueError:
        key = ("", "")
    if not all(key) or key[1] == "GCM_SANDBOX":
        raise InvalidPushSettings(
            f"{SNS_APPS}: each name is an app and a platform, as in "
            "com.example.app/apns_voip or com.example.app/apns/sandbox"
        )
    return key


def _arn(name: str, arn: object) -> str:
    match = ARN.match(arn) if isinstance(arn, str) else None
    if match is None or match[1] != _key(name)[1]:
        raise InvalidPushSettings(
            f"{SNS_APPS}: {name} needs the ARN of a platform application of "
            f"{_key(name)[1]}"
        )
    return match[0]
