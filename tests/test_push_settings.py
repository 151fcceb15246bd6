"""Who carries pushes, as an operator's variables name it."""

import json

import pytest

from chalicelib import settings
from chalicelib.push_settings import InvalidPushSettings, parse
from chalicelib.settings import InvalidSettings

SECRET = "a-secret-of-twenty-four-bytes"


def arn(platform: str) -> str:
    return f"arn:aws:sns:eu-central-1:123456789012:app/{platform}/calls"


def test_nothing_is_set_up_by_default() -> None:
    read = parse({})
    assert (read.sns_apps, read.webhook_url) == ({}, "")


def test_apps_are_known_by_platform_and_environment() -> None:
    apps = {
        "com.example.app/apns_voip": arn("APNS_VOIP"),
        "com.example.app/apns_voip/sandbox": arn("APNS_VOIP_SANDBOX"),
        "com.example.app/apns/production": arn("APNS"),
        "com.example.droid/fcm": arn("GCM"),
    }
    read = parse({"PARLEY_PUSH_SNS_APPS": json.dumps(apps)})
    assert read.sns_apps == {
        ("com.example.app", "APNS_VOIP"): arn("APNS_VOIP"),
        ("com.example.app", "APNS_VOIP_SANDBOX"): arn("APNS_VOIP_SANDBOX"),
        ("com.example.app", "APNS"): arn("APNS"),
        ("com.example.droid", "GCM"): arn("GCM"),
    }


@pytest.mark.parametrize(
    "apps",
    [
        "[]",
        "{",
        "[" * 100_000,
        '{"com.example.app": "arn"}',
        json.dumps({"com.example.app/pager": arn("APNS")}),
        json.dumps({"/fcm": arn("GCM")}),
        json.dumps({"com.example.app/fcm/sandbox": arn("GCM")}),
        json.dumps({"com.example.app/apns/moon": arn("APNS")}),
        json.dumps({"com.example.app/apns_voip": arn("APNS")}),
        json.dumps({"com.example.app/apns": "not an ARN"}),
        json.dumps({"com.example.app/apns": 7}),
    ],
)
def test_apps_that_cannot_be_are_refused(apps: str) -> None:
    with pytest.raises(InvalidPushSettings, match="PARLEY_PUSH_SNS_APPS"):
        parse({"PARLEY_PUSH_SNS_APPS": apps})


def test_webhook_needs_a_secret_and_an_address() -> None:
    url = {"PARLEY_PUSH_WEBHOOK_URL": "https://push.example"}
    with pytest.raises(InvalidPushSettings, match="PARLEY_PUSH_WEBHOOK_SECRET"):
        parse(url)
    read = parse({**url, "PARLEY_PUSH_WEBHOOK_SECRET": SECRET})
    assert read.webhook_url == "https://push.example"
    assert SECRET not in repr(read)
    with pytest.raises(InvalidPushSettings, match="PARLEY_PUSH_WEBHOOK_URL"):
        parse({"PARLEY_PUSH_WEBHOOK_URL": "ftp://push.example"})


def test_settings_refuse_what_is_refused_here() -> None:
    variables = {"PARLEY_JWT_SECRET": "s" * 32, "PARLEY_PUSH_SNS_APPS": "[]"}
    with pytest.raises(InvalidSettings, match="PARLEY_PUSH_SNS_APPS"):
        settings.parse(variables)
