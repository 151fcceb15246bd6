"""Who may call whom, how often, and how settings say so."""

from collections.abc import Mapping

import pytest

from mediaworker.telephony import defences
from mediaworker.telephony.defences import Bucket, Defences, Leniency, is_within
from mediaworker.telephony.keys import key_of, relay_of
from mediaworker.telephony.outbound import (
    Caps,
    Destination,
    Outbound,
    Refused,
    callee_of,
    caller_of,
    destinations_of,
)
from mediaworker.telephony.settings import BadPhoneSetting, PhoneSettings

DAY_MS = 86_400_000
ANSWER = b"SIP/2.0 %d Whatever\r\n\r\n"


# Destinations


@pytest.mark.parametrize(
    ("rule", "host", "port", "is_allowed"),
    [
        ("10.0.0.0/8", "10.1.2.3", 5060, True),
        ("10.0.0.0/8", "11.1.2.3", 5060, False),
        ("10.1.2.3:5070", "10.1.2.3", 5070, True),
        ("10.1.2.3:5070", "10.1.2.3", 5060, False),
        ("::1", "::1", 5060, True),
        ("[::1]:5070", "::1", 5070, True),
        ("sip.example.com", "sip.example.com", 5999, True),
        ("SIP.example.com:5060", "sip.example.com", 5060, True),
        ("sip.example.com", "evil-sip.example.com", 5060, False),
        ("*.example.com", "a.example.com", 5060, True),
        ("*.example.com", "example.com", 5060, False),
        ("*", "anything", 5060, True),
        ("10.0.0.0/8", "a-name", 5060, False),
    ],
)
def test_allow_destinations(rule: str, host: str, port: int, is_allowed: bool) -> None:
    assert Destination.parse(rule).takes(host, port) is is_allowed


@pytest.mark.parametrize("text", ["", "a b", "host:port", "host:70000", "x/y", "a:1:2"])
def test_refuse_a_destination_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        destinations_of([text])


@pytest.mark.parametrize(
    ("text", "uri", "host", "port", "transport"),
    [
        ("sip:bob@Example.com", "sip:bob@Example.com", "example.com", 5060, "UDP"),
        ("bob@127.0.0.1:5070", "sip:bob@127.0.0.1:5070", "127.0.0.1", 5070, "UDP"),
        ('"Bob" <sip:b@a.b>', "sip:b@a.b", "a.b", 5060, "UDP"),
        ("sip:a@b.c;transport=TCP", "sip:a@b.c;transport=TCP", "b.c", 5060, "TCP"),
        ("sip:a@[::1]:5070", "sip:a@[::1]:5070", "::1", 5070, "UDP"),
    ],
)
def test_understand_a_callee(
    text: str, uri: str, host: str, port: int, transport: str
) -> None:
    callee = callee_of(text)
    assert (callee.host, callee.port, callee.transport) == (host, port, transport)
    assert callee.uri.lower() == uri.lower()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 400),
        ("sip:", 400),
        ("sip:a@b\r\nX: y", 400),
        ("sip:a@b;maddr=10.0.0.1", 400),
        ("tel:+4930123", 501),
        ("sips:a@b", 501),
        ("sip:a@b;transport=ws", 501),
    ],
)
def test_refuse_a_callee(text: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        callee_of(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (None, "sip:parley@10.0.0.1"),
        ("alice", "sip:alice@10.0.0.1"),
        ("sip:alice", "sip:alice@10.0.0.1"),
        ("sip:alice@example.com", "sip:alice@example.com"),
        ("sip:192.168.3.197:3050", "sip:192.168.3.197:3050"),
        ("alice@example.com", "sip:alice@example.com"),
    ],
)
def test_understand_a_caller(text: str | None, uri: str) -> None:
    assert caller_of(text, "10.0.0.1") == uri


def test_refuse_a_caller() -> None:
    with pytest.raises(Refused):
        caller_of("sip:a b@c", "10.0.0.1")


# Caps


def outbound(*rules: str, caps: Caps | None = None, loopback: bool = False) -> Outbound:
    return Outbound(
        destinations_of(rules), caps or Caps(100, 100, 100), allows_loopback=loopback
    )


def begin(
    out: Outbound, host: str = "a.b", *, tenant: str = "t", now: float = 0, ms: int = 0
) -> int:
    """The code of the refusal; 0 without one."""
    try:
        out.begin(tenant, callee_of(f"sip:x@{host}"), now, ms)
    except Refused as refused:
        return refused.code
    return 0


def test_call_nobody_unless_it_is_allowed() -> None:
    assert begin(outbound()) == begin(outbound(), "127.0.0.1") == 403
    assert begin(outbound(loopback=True), "127.0.0.1") == 0
    assert begin(outbound(loopback=True), "localhost") == 0
    assert begin(outbound(loopback=True), "a.b") == 403
    assert begin(outbound("a.b")) == 0


def test_count_calls_at_once_by_tenant() -> None:
    out = outbound("*", caps=Caps(100, 2, 100))
    assert [begin(out) for _ in range(3)] == [0, 0, 403]
    assert begin(out, tenant="other") == 0
    out.end("t")
    assert begin(out) == 0
    assert out.refused == 1


def test_count_calls_of_a_day() -> None:
    out = outbound("*", caps=Caps(100, 100, 2))
    assert [begin(out, ms=5) for _ in range(3)] == [0, 0, 403]
    assert begin(out, ms=DAY_MS) == 0


def test_count_calls_of_a_second() -> None:
    out = outbound("*", caps=Caps(2, 100, 100))
    assert [begin(out) for _ in range(3)] == [0, 0, 403]
    assert begin(out, now=0.5) == 0
    assert begin(out, now=0.5) == 403


@pytest.mark.parametrize(
    ("rules", "address", "is_allowed"),
    [
        (("*",), "93.184.216.34", True),
        (("*",), "10.0.0.1", False),
        (("*",), "127.0.0.1", False),
        (("*",), "169.254.169.254", False),
        (("10.0.0.0/8",), "10.0.0.1", True),
    ],
)
def test_look_where_a_name_leads(
    rules: tuple[str, ...], address: str, is_allowed: bool
) -> None:
    out, callee = outbound(*rules), callee_of("sip:x@a.b")
    if is_allowed:
        out.check(callee, address)
    else:
        with pytest.raises(Refused):
            out.check(callee, address)


# Defences


def test_let_a_stranger_say_so_much() -> None:
    guard = Defences(leniency=Leniency(10, 20, 1, 5, 30, 3_600))
    assert sum(guard.admits("9.9.9.9", 0.0) for _ in range(22)) == 20
    assert guard.admits("9.9.9.9", 1.0)
    assert guard.admits("8.8.8.8", 0.0)
    assert guard.dropped == 2


def test_ban_who_goes_on_and_longer_each_time() -> None:
    guard = Defences(leniency=Leniency(10, 20, 0, 5, 30, 50))
    for _ in range(40):
        guard.admits("9.9.9.9", 0.0)
    assert guard.bans == 1
    assert not guard.admits("9.9.9.9", 29.0)
    assert guard.admits("9.9.9.9", 31.0)
    for _ in range(40):
        guard.admits("9.9.9.9", 31.0)
    assert guard.bans == 2
    assert not guard.admits("9.9.9.9", 80.0)
    assert guard.admits("9.9.9.9", 82.0)


def test_ban_who_is_refused_again_and_again() -> None:
    guard = Defences(leniency=Leniency(1_000, 1_000, 0, 5, 30, 3_600))
    for _ in range(5):
        guard.saw_answer(ANSWER % 404, "9.9.9.9", 0.0)
        guard.saw_answer(ANSWER % 486, "9.9.9.9", 0.0)
        guard.saw_answer(b"INVITE sip:a@b SIP/2.0\r\n", "9.9.9.9", 0.0)
        guard.saw_answer(b"SIP/2.0 ", "9.9.9.9", 0.0)
    assert guard.admits("9.9.9.9", 0.0)
    guard.saw_answer(ANSWER % 403, "9.9.9.9", 0.0)
    assert not guard.admits("9.9.9.9", 0.0)


def test_never_ban_a_friend() -> None:
    (peers,) = [PhoneSettings.parse({"PARLEY_SIP_PEERS": "10.0.0.0/8"}, **DEV).peers]
    guard = Defences(peers, Leniency(1, 1, 0, 1, 30, 30))
    for _ in range(50):
        guard.saw_answer(ANSWER % 404, "10.1.1.1", 0.0)
        assert guard.admits("10.1.1.1", 0.0)


def test_remember_so_many_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defences, "MOST_SOURCES", 2)
    guard = Defences(leniency=Leniency(0, 1, 0, 100, 30, 30))
    assert [guard.admits(host, 0.0) for host in "aab"] == [True, False, True]
    assert guard.admits("c", 0.0)
    assert guard.admits("a", 0.0)


def test_take_a_site_of_ipv6_for_one_source() -> None:
    guard = Defences(leniency=Leniency(0, 1, 0, 100, 30, 30))
    assert guard.admits("2001:db8::1", 0.0)
    assert not guard.admits("2001:db8::2", 0.0)
    assert guard.admits("2001:db8:0:1::1", 0.0)
    assert guard.admits("fe80::1:2:3:4:5:6:7%eth0", 0.0)


def test_know_an_address_of_ipv4_in_ipv6() -> None:
    peers = PhoneSettings.parse({"PARLEY_SIP_PEERS": "10.0.0.0/8"}, **DEV).peers
    assert is_within("::ffff:10.0.0.1", peers)
    assert not is_within("a-name", peers)


def test_fill_a_bucket_up_to_its_brim() -> None:
    bucket = Bucket(1.0, 2.0, 0.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(50.0)
    assert bucket.take(101.0)


# Digits


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160", "5"),
        ("application/dtmf-relay", b"Duration=160\n signal = a \n", "A"),
        ("application/dtmf-relay", b"Signal=11", "#"),
        ("application/dtmf-relay", b"Signal=16", None),
        ("application/dtmf-relay", b"Signal=", None),
        ("application/dtmf-relay", b"Signal=5" + b" " * 300, None),
        ("application/dtmf", b"*\r\n", "*"),
        ("application/dtmf", b"12345", None),
        ("text/plain", b"5", None),
    ],
)
def test_read_digits(content_type: str, body: bytes, digit: str | None) -> None:
    assert key_of(content_type, body) == digit


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_read_digits_that_were_written(digit: str) -> None:
    assert key_of("application/dtmf-relay", relay_of(digit, 100)) == digit


# Settings

DEV: Mapping[str, bool] = {"is_development": True}
PRODUCTION: Mapping[str, bool] = {"is_development": False}


def test_listen_by_default_in_development_alone() -> None:
    assert PhoneSettings.parse({}, **DEV).port == 5_060
    assert not PhoneSettings.parse({}, **DEV).is_port_asked_for
    assert PhoneSettings.parse({}, **PRODUCTION).port == 0


def test_read_settings() -> None:
    given = PhoneSettings.parse(
        {
            "PARLEY_SIP_PORT": "5070",
            "PARLEY_RTP_PORTS": "20000-20099",
            "PARLEY_SIP_TENANT": "acme",
            "SIP_WEBHOOK_URL": "https://a.example/x, https://b.example/",
            "SIP_WEBHOOK_SECRET": "whsec_x",
            "PARLEY_SIP_DESTINATIONS": "10.0.0.0/8, *.example.com",
            "PARLEY_SIP_RATE": "5",
            "PARLEY_SIP_CONCURRENT": "6",
            "PARLEY_SIP_DAILY": "7",
            "PARLEY_RING_SECONDS": "20",
        },
        **PRODUCTION,
    )
    assert given.is_port_asked_for and given.port == 5_070
    assert given.rtp_ports == range(20_000, 20_100)
    assert given.webhook_urls == ("https://a.example/x", "https://b.example/")
    assert len(given.destinations) == 2
    assert given.caps == Caps(5, 6, 7)
    assert "whsec" not in repr(given) and "a.example" not in repr(given)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PARLEY_SIP_PORT", "70000"),
        ("PARLEY_SIP_PORT", "sip"),
        ("PARLEY_RTP_PORTS", "20000"),
        ("PARLEY_RTP_PORTS", "20000-20000"),
        ("PARLEY_RTP_PORTS", "80-90"),
        ("PARLEY_RTP_PORTS", "a-b"),
        ("PARLEY_RTP_PORTS", "1000000-2000000"),
        ("PARLEY_SIP_TENANT", "a tenant"),
        ("SIP_WEBHOOK_URL", "ftp://x"),
        ("SIP_WEBHOOK_URL", ",".join(["https://x.example"] * 17)),
        ("PARLEY_SIP_PEERS", "a-name"),
        ("PARLEY_SIP_DESTINATIONS", "a b"),
        ("PARLEY_SIP_DAILY", "0"),
        ("PARLEY_RING_SECONDS", "0"),
    ],
)
def test_refuse_a_setting(name: str, text: str) -> None:
    with pytest.raises(BadPhoneSetting, match=name):
        PhoneSettings.parse({name: text}, **DEV)


def test_tell_calls_unsigned_in_development_alone() -> None:
    given = {"SIP_WEBHOOK_URL": "https://a.example"}
    assert PhoneSettings.parse(given, **DEV).webhook_secret is None
    with pytest.raises(BadPhoneSetting, match="SIP_WEBHOOK_SECRET"):
        PhoneSettings.parse(given, **PRODUCTION)
