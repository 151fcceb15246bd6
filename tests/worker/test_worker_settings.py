"""What the worker takes from its environment."""

from pathlib import Path

import pytest

from mediaworker.settings import BadSetting, Settings
from tests.attacks import KID, key_set
from tests.attacks import VARIABLES as ISSUED

SECRET = {"PARLEY_JWT_SECRET": "s" * 32}
DEVELOPMENT = {**SECRET, "PARLEY_ENV": "development"}


def test_need_nothing_but_the_secret() -> None:
    settings = Settings.parse(SECRET)
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.address == "127.0.0.1:8080"
    assert settings.ws_url == "ws://127.0.0.1:8080"
    assert settings.control_url is settings.worker_id is settings.task_id is None
    assert (settings.capacity, settings.resume_seconds) == (250, 5)
    assert settings.models == Path(".parley/models")
    assert settings.server_side_track == "serverSideTrack"
    assert not settings.is_development and not settings.is_open
    assert "s" * 32 not in repr(settings)
    assert Settings.parse({**SECRET, "PARLEY_CAPACITY": " "}) == settings


def test_take_what_is_said() -> None:
    settings = Settings.parse(
        {
            **DEVELOPMENT,
            "PARLEY_BIND": "0.0.0.0",
            "PARLEY_WORKER_PORT": "9090",
            "PARLEY_WORKER_ID": "Worker7",
            "PARLEY_LOG_LEVEL": "debug",
            "PARLEY_CONTROL_URL": "http://127.0.0.1:8000",
            "PARLEY_OPEN_DIALECTS": "tgortc, activecall",
            "PARLEY_SERVER_SIDE_TRACK": "server-side-track",
            "PARLEY_PUBLIC_ADDRESS": " 203.0.113.9",
            "PARLEY_MEDIA_TIMEOUT_SECONDS": "12",
            "PARLEY_CONNECT_SECONDS": "7",
            "PARLEY_METRICS": "emf",
        }
    )
    assert settings.has_metric_lines and not Settings.parse(SECRET).has_metric_lines
    assert settings.address == "127.0.0.1:9090"
    assert (settings.worker_id, settings.log_level) == ("Worker7", "DEBUG")
    assert settings.is_open and settings.is_development
    assert settings.control_url == "http://127.0.0.1:8000"
    assert settings.server_side_track == "server-side-track"
    assert settings.public_address == "203.0.113.9"
    assert (settings.media_timeout_seconds, settings.connect_seconds) == (12, 7)
    assert Settings.parse({**SECRET, "PARLEY_BIND": "::1"}).address == "[::1]:8080"
    given = {**SECRET, "PARLEY_ADVERTISED_ADDRESS": "10.0.0.7:80"}
    assert Settings.parse(given).address == "10.0.0.7:80"
    outside = {**given, "PARLEY_WS_URL": "wss://media.example.com"}
    assert Settings.parse(outside).ws_url == "wss://media.example.com"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PARLEY_JWT_SECRET": ""}, "PARLEY_JWT_SECRET is the secret"),
        ({"PARLEY_JWT_SECRET": "short"}, "PARLEY_JWT_SECRET is the secret"),
        ({"PARLEY_WORKER_PORT": "0"}, "PARLEY_WORKER_PORT is a port"),
        ({"PARLEY_WORKER_PORT": "http"}, "PARLEY_WORKER_PORT is a port"),
        ({"PARLEY_CAPACITY": "-1"}, "PARLEY_CAPACITY is a whole number"),
        ({"PARLEY_LOG_LEVEL": "loud"}, "PARLEY_LOG_LEVEL is one of"),
        ({"PARLEY_ENV": "test"}, "PARLEY_ENV is one of"),
        ({"PARLEY_WORKER_ID": "a-b"}, "PARLEY_WORKER_ID is 1 to 16"),
        ({"PARLEY_WORKER_ID": "a" * 17}, "PARLEY_WORKER_ID is 1 to 16"),
        ({"PARLEY_OPEN_DIALECTS": "tgortc"}, "PARLEY_OPEN_DIALECTS is for"),
        ({**DEVELOPMENT, "PARLEY_OPEN_DIALECTS": "x"}, "PARLEY_OPEN_DIALECTS knows"),
        ({"PARLEY_CONTROL_URL": "ftp://x"}, "PARLEY_CONTROL_URL is an http"),
        ({"PARLEY_CONTROL_URL": "http://["}, "PARLEY_CONTROL_URL is an http"),
        ({"PARLEY_ADVERTISED_ADDRESS": "host"}, "PARLEY_ADVERTISED_ADDRESS is host"),
        ({"PARLEY_ADVERTISED_ADDRESS": "u@h:1"}, "PARLEY_ADVERTISED_ADDRESS is host"),
        ({"PARLEY_ADVERTISED_ADDRESS": "h:x"}, "PARLEY_ADVERTISED_ADDRESS is host"),
        (
            {"PARLEY_BIND": "0.0.0.0", "PARLEY_CONTROL_URL": "http://c"},
            "PARLEY_ADVERTISED_ADDRESS is the host:port by which",
        ),
        ({"PARLEY_SERVER_SIDE_TRACK": "a\nb"}, "PARLEY_SERVER_SIDE_TRACK is one"),
        ({"PARLEY_RELEASE": "a\nb"}, "PARLEY_RELEASE is one line of at most"),
        ({"ECS_AGENT_URI": "agent"}, "ECS_AGENT_URI is an http or https URL"),
        ({"PARLEY_CORS_ORIGINS": "example.com"}, "PARLEY_CORS_ORIGINS is \\*"),
        ({"PARLEY_CORS_ORIGINS": "http://a/b"}, "PARLEY_CORS_ORIGINS is \\*"),
        ({"PARLEY_PUBLIC_ADDRESS": "host"}, "PARLEY_PUBLIC_ADDRESS is an IP address"),
        ({"PARLEY_MEDIA_TIMEOUT_SECONDS": "0"}, "PARLEY_MEDIA_TIMEOUT_SECONDS is a"),
        ({"PARLEY_WS_URL": "https://media.example.com"}, "PARLEY_WS_URL is like wss:"),
        ({"PARLEY_WS_URL": "wss://media.example.com/x"}, "PARLEY_WS_URL is like wss:"),
        ({"ICE_SERVERS": "{"}, "ICE_SERVERS must be a JSON list."),
    ],
)
def test_refuse_bad_settings(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSetting, match=sentence):
        Settings.parse({**SECRET, **variables})


def test_let_any_page_read_in_development_and_named_ones_else() -> None:
    name = "PARLEY_CORS_ORIGINS"
    assert Settings.parse({**SECRET, **DEVELOPMENT}).cors_origins == {"*"}
    assert Settings.parse(SECRET).cors_origins == frozenset()
    origins = "https://a.example, http://127.0.0.1:8000,"
    found = Settings.parse({**SECRET, name: origins}).cors_origins
    assert found == {"https://a.example", "http://127.0.0.1:8000"}


def test_tell_where_phones_reach_it_once_the_port_is_sure() -> None:
    address = {"PARLEY_ADVERTISED_ADDRESS": "[fd00::7]:8080"}
    found = Settings.parse({**SECRET, **address, "PARLEY_SIP_PORT": "5060"})
    assert found.sip_address == "[fd00::7]:5060"
    # In development another port will do, and which is known too late.
    for given in (DEVELOPMENT, SECRET, {**DEVELOPMENT, "PARLEY_SIP_PORT": "0"}):
        assert Settings.parse(given).sip_address is None


def test_know_where_ecs_gives_credentials() -> None:
    name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    assert Settings.parse(SECRET).credentials_path is None
    assert Settings.parse({**SECRET, name: "/v2/x"}).credentials_path == "/v2/x"


def test_issuer_s_keys_are_taken_as_the_control_plane_takes_them() -> None:
    assert Settings.parse(SECRET).issuer is None
    issuer = Settings.parse({**SECRET, **ISSUED, "PARLEY_JWKS": key_set()}).issuer
    assert issuer is not None and issuer.keys is not None
    assert issuer.keys.find(KID) is not None
    url = {"PARLEY_JWKS_URL": "http://127.0.0.1/keys"}
    assert Settings.parse({**DEVELOPMENT, **url}).issuer is not None
    with pytest.raises(BadSetting, match=r"PARLEY_JWKS_URL must be .*\.$"):
        Settings.parse({**SECRET, **ISSUED, **url})
