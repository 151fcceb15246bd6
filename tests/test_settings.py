"""What an operator may set, and what is refused at the start."""

import json

import pytest

from chalicelib.protocol.vocabulary import Dialect, Provider
from chalicelib.services.webhooks.visits import SCHEDULE_SECONDS
from chalicelib.settings import DEVELOPMENT_TRTC, InvalidSettings, parse
from tests.attacks import VARIABLES as ISSUED
from tests.attacks import key_set

SECRET = "s" * 32
LEAST = {"PARLEY_JWT_SECRET": SECRET}
LIVEKIT = {"LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": SECRET}
DEVELOPMENT = {
    **LEAST,
    **LIVEKIT,
    "LIVEKIT_URL": "ws://server",
    "PARLEY_ENV": "development",
}


def test_defaults_are_those_of_production() -> None:
    settings = parse(LEAST)
    assert not settings.is_development
    assert settings.open_dialects == frozenset()
    assert settings.ring_seconds == 30
    assert settings.max_participants == 32
    assert settings.endpoints == ()
    assert settings.livekit is None


@pytest.mark.parametrize(
    ("client_url", "found"), [("wss://clients", "wss://clients"), ("", "ws://server")]
)
def test_livekit_clients_are_sent_to_the_server_unless_told_elsewhere(
    client_url: str, found: str
) -> None:
    settings = parse({**DEVELOPMENT, "LIVEKIT_CLIENT_URL": client_url})
    assert settings.livekit is not None
    assert settings.livekit.client_url == found


def test_dialects_are_opened_in_development() -> None:
    settings = parse({**DEVELOPMENT, "PARLEY_OPEN_DIALECTS": "tgortc, activecall"})
    assert settings.open_dialects == {Dialect.TGORTC, Dialect.ACTIVE_CALL}


def test_endpoints_from_a_list() -> None:
    text = json.dumps(
        [
            {"url": "https://a.example", "secret": "x", "timeout": 3},
            {"url": "https://b.example"},
        ]
    )
    first, second = parse({**LEAST, "BUSINESS_WEBHOOK_ENDPOINTS": text}).endpoints
    assert (first.url, first.secret, first.timeout_seconds) == (
        "https://a.example",
        "x",
        3,
    )
    assert (second.secret, second.timeout_seconds) == ("", 10)
    assert first.id != second.id


def test_endpoints_from_urls_and_one_secret() -> None:
    settings = parse(
        {
            **LEAST,
            "BUSINESS_WEBHOOK_URLS": "https://a.example, https://b.example,",
            "BUSINESS_WEBHOOK_SECRET": "shared",
            "BUSINESS_WEBHOOK_TIMEOUT": "4",
        }
    )
    assert [(e.url, e.secret, e.timeout_seconds) for e in settings.endpoints] == [
        ("https://a.example", "shared", 4),
        ("https://b.example", "shared", 4),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARLEY_ENV", "staging"),
        ("PARLEY_JWT_SECRET", "short"),
        ("LIVEKIT_API_SECRET", ""),
        ("LIVEKIT_URL", ""),
        ("LIVEKIT_URL", "livekit.example"),
        ("PARLEY_RING_SECONDS", "4"),
        ("PARLEY_RING_SECONDS", "181"),
        ("PARLEY_RING_SECONDS", "soon"),
        ("PARLEY_MAX_PARTICIPANTS", "91"),
        ("PARLEY_OPEN_DIALECTS", "klingon"),
        ("BUSINESS_WEBHOOK_ENDPOINTS", "not json"),
        ("BUSINESS_WEBHOOK_ENDPOINTS", "{}"),
        ("BUSINESS_WEBHOOK_ENDPOINTS", "[7]"),
        ("BUSINESS_WEBHOOK_ENDPOINTS", '[{"url":""}]'),
        ("BUSINESS_WEBHOOK_ENDPOINTS", '[{"url":"https://a","timeout":"5s"}]'),
        ("BUSINESS_WEBHOOK_ENDPOINTS", '[{"url":"https://a","timeout":31}]'),
    ],
)
def test_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        parse({**DEVELOPMENT, name: value})


def test_open_dialects_refuse_to_start_outside_development() -> None:
    with pytest.raises(InvalidSettings, match="development"):
        parse({**LEAST, "PARLEY_OPEN_DIALECTS": "tgortc"})


def test_secrets_are_not_printed() -> None:
    text = repr(
        parse(
            {
                **LEAST,
                "BUSINESS_WEBHOOK_URLS": "https://a.example",
                "BUSINESS_WEBHOOK_SECRET": "hush",
            }
        )
    )
    assert SECRET not in text and "hush" not in text


def hearing(*events: object) -> dict[str, str]:
    endpoint = {"url": "https://shop.example", "secret": "s", "events": list(events)}
    return {**LEAST, "BUSINESS_WEBHOOK_ENDPOINTS": json.dumps([endpoint])}


def test_endpoint_hears_of_the_contract_s_events_unless_it_asks() -> None:
    (endpoint,) = parse({**LEAST, "BUSINESS_WEBHOOK_URLS": "https://a"}).endpoints
    assert endpoint.wants("room.finished")
    assert not endpoint.wants("session.ended")
    (endpoint,) = parse(hearing("session.*", "room.started")).endpoints
    assert endpoint.wants("session.ended")
    assert endpoint.wants("room.started")
    assert not endpoint.wants("room.finished")


@pytest.mark.parametrize("events", [["sesion.*"], ["*"], [7], [["room.*"]]])
def test_events_that_nobody_tells_are_refused(events: list[object]) -> None:
    with pytest.raises(InvalidSettings, match="events"):
        parse(hearing(*events))
    variables = hearing()
    text = variables["BUSINESS_WEBHOOK_ENDPOINTS"].replace("[]", '"room.*"')
    with pytest.raises(InvalidSettings, match="events"):
        parse({**variables, "BUSINESS_WEBHOOK_ENDPOINTS": text})


def test_ice_servers_that_are_none_stop_the_start() -> None:
    with pytest.raises(InvalidSettings, match="STUN_URLS"):
        parse({**LEAST, "STUN_URLS": "http://stun"})


def test_workers_are_out_of_reach_unless_it_is_said() -> None:
    assert not parse(LEAST).reaches_workers
    assert parse({**LEAST, "PARLEY_REACHES_WORKERS": "true"}).reaches_workers
    with pytest.raises(InvalidSettings, match="PARLEY_REACHES_WORKERS"):
        parse({**LEAST, "PARLEY_REACHES_WORKERS": "maybe"})


class TestProviders:
    TRTC = {"TRTC_SDK_APP_ID": "1400000001", "TRTC_SECRET_KEY": SECRET}

    def test_every_dialect_has_its_provider(self) -> None:
        settings = parse(LEAST)
        assert settings.provider_of(Dialect.TGORTC) is Provider.LIVEKIT
        assert settings.provider_of(Dialect.DTALK) is Provider.TRTC
        assert settings.provider_of(Dialect.OPENCHAT) is Provider.P2P
        assert settings.provider_of(Dialect.V1) is Provider.P2P

    def test_provider_of_a_dialect_is_changed(self) -> None:
        settings = parse({**LEAST, "PARLEY_PROVIDER_DTALK": " livekit "})
        assert settings.provider_of(Dialect.DTALK) is Provider.LIVEKIT
        assert settings.provider_of(Dialect.TGORTC) is Provider.LIVEKIT

    def test_provider_that_nobody_knows_is_refused(self) -> None:
        with pytest.raises(InvalidSettings, match="PARLEY_PROVIDER_DTALK knows live"):
            parse({**LEAST, "PARLEY_PROVIDER_DTALK": "zoom"})

    def test_trtc_is_the_environments(self) -> None:
        trtc = parse({**LEAST, **self.TRTC}).trtc
        assert trtc is not None
        assert (trtc.sdk_app_id, trtc.secret_key) == (1400000001, SECRET)
        assert SECRET not in repr(trtc)

    def test_trtc_of_development_opens_nothing(self) -> None:
        assert parse(DEVELOPMENT).trtc == DEVELOPMENT_TRTC
        assert parse(LEAST).trtc is None

    @pytest.mark.parametrize(
        ("name", "value", "needs"),
        [
            ("TRTC_SDK_APP_ID", "x", "TRTC_SDK_APP_ID must be a number"),
            ("TRTC_SDK_APP_ID", "0", "TRTC_SDK_APP_ID must be a number"),
            ("TRTC_SDK_APP_ID", str(2**32), "TRTC_SDK_APP_ID must be a number"),
            ("TRTC_SECRET_KEY", "short", "TRTC_SECRET_KEY needs at least"),
        ],
    )
    def test_half_of_trtc_is_refused(self, name: str, value: str, needs: str) -> None:
        with pytest.raises(InvalidSettings, match=needs):
            parse({**LEAST, **self.TRTC, name: value})


def test_connections_url_is_kept_without_its_last_slash() -> None:
    assert parse(LEAST).connections_url == ""
    given = {**LEAST, "PARLEY_CONNECTIONS_URL": "https://a.example/live/"}
    assert parse(given).connections_url == "https://a.example/live"


def test_issuer_is_taken_with_its_keys() -> None:
    assert parse(LEAST).issuer is None
    issuer = parse({**LEAST, **ISSUED, "PARLEY_JWKS": key_set()}).issuer
    assert issuer is not None and issuer.keys is not None
    with pytest.raises(InvalidSettings, match="PARLEY_JWT_ISSUER"):
        parse({**LEAST, "PARLEY_JWKS_URL": "https://issuer.example/keys"})


def test_rates_are_limited_unless_it_is_said() -> None:
    settings = parse(LEAST)
    assert (settings.rate_limit, settings.rate_limit_servers) == (300, 6000)
    off = {"PARLEY_RATE_LIMIT": "0", "PARLEY_RATE_LIMIT_SERVERS": "0"}
    settings = parse({**LEAST, **off})
    assert (settings.rate_limit, settings.rate_limit_servers) == (0, 0)
    for name in off:
        with pytest.raises(InvalidSettings, match=name):
            parse({**LEAST, name: "-1"})


def test_schedule_of_webhooks_is_the_standard_s_unless_it_is_set() -> None:
    assert parse(LEAST).webhook_schedule == SCHEDULE_SECONDS
    short = parse({**LEAST, "PARLEY_WEBHOOK_SCHEDULE": " 0, 5,86400"})
    assert short.webhook_schedule == (0, 5, 86400)


@pytest.mark.parametrize(
    "text", ["5", "0,,5", "0,-5", "0,x", "0,86401", "0,9999999", ",".join("5" * 21)]
)
def test_schedule_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(InvalidSettings, match="PARLEY_WEBHOOK_SCHEDULE needs"):
        parse({**LEAST, "PARLEY_WEBHOOK_SCHEDULE": text})


def test_schedule_that_outlasts_the_events_stops_the_start() -> None:
    days = ",".join(["86400"] * 11)
    with pytest.raises(InvalidSettings, match="ten days"):
        parse({**LEAST, "PARLEY_WEBHOOK_SCHEDULE": days})
