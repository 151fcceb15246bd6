"""Headers that applications ask for, and endpoints that get another name."""

import itertools

from mediaworker.sip.endpoint import Endpoint
from mediaworker.sip.headers import Headers, named_headers
from mediaworker.sip.routing import TRANSPORTS
from mediaworker.sip.station import MOST_NAMES, Identity, Limits, Station
from mediaworker.sip.timers import Timers

FIELDS = Headers(
    [
        ("Via", "SIP/2.0/UDP a;branch=z9hG4bK1"),
        ("v", "SIP/2.0/UDP b;branch=z9hG4bK2"),
        ("X-Order", "7"),
        ("x-order", "8"),
        ("Authorization", "Digest secret"),
        ("Subject", ""),
    ]
)


def test_name_headers_as_they_were_asked_for() -> None:
    assert named_headers(FIELDS, ["x-ORDER", "s", "X-None"]) == {
        "x-ORDER": "7, 8",
        "s": "",
    }
    assert named_headers(FIELDS, ["via"]) == {
        "via": "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2"
    }
    assert named_headers(FIELDS, []) == {}


def test_name_no_header_that_proves_who_somebody_is() -> None:
    assert named_headers(FIELDS, ["Authorization", "Proxy-Authorization"]) == {}


IDENTITY = Identity("10.0.0.1", dict.fromkeys(TRANSPORTS.values(), 5060), "test")


def station() -> Station:
    return Station(IDENTITY, lambda: "1", Timers(), Limits())


def test_name_itself_anew() -> None:
    tokens = map(str, itertools.count())
    endpoint = Endpoint(IDENTITY, lambda: next(tokens))
    endpoint.rename("10.0.0.9")
    endpoint.invite("sip:bob@10.0.0.2", "sip:a@b.example", None, 0.0)
    (sent,) = endpoint.transmissions()
    assert b"Via: SIP/2.0/UDP 10.0.0.9:5060;" in sent.data
    assert b"Contact: <sip:parley@10.0.0.9:5060;" in sent.data
    assert b"10.0.0.1" not in sent.data


def test_answer_to_former_names() -> None:
    ours = station()
    ours.rename("[2001:db8::7]")
    assert ours.identity.via("UDP", "b").startswith("SIP/2.0/UDP [2001:db8::7]:5060;")
    assert all(map(ours.is_named, ("10.0.0.1", "2001:db8::7", "[2001:db8::7]")))
    assert not ours.is_named("10.0.0.2")


def test_forget_names_of_long_ago() -> None:
    ours = station()
    for number in range(MOST_NAMES):
        ours.rename(f"192.0.2.{number}")
    assert not ours.is_named("10.0.0.1") and ours.is_named("192.0.2.0")
