"""What an edge says of a message's sender, and nobody else can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.sip.fields import Via
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop
from tests.worker.edge.stage import CALLER, SECRET, Stage, answer_to, message, roster

SEAL = Seal(SECRET)
(PLAIN,) = Via.parse_list("SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKx;rport")

hops = st.builds(
    Hop,
    st.sampled_from(["UDP", "TCP"]),
    st.sampled_from(["192.0.2.1", "2001:db8::7", "fe80::1%eth0"]),
    st.integers(1, 65_535),
    st.sampled_from([None, "1", "77"]),
)


@given(hops, st.text("abc-@.123", min_size=1, max_size=20))
def test_tell_the_sender_and_read_it_again(origin: Hop, call_id: str) -> None:
    via = SEAL.via(PLAIN, origin, call_id)
    (again,) = Via.parse_list(str(via))
    assert SEAL.origin_of(again, call_id) == origin


def test_read_it_off_the_wire_without_its_flow() -> None:
    source = Hop("TCP", "203.0.113.7", 6060, "12")
    sent = Stage(roster(1)).one(message(transport="TCP"), source)
    assert SEAL.sender_of(sent.data) == Hop("TCP", "203.0.113.7", 6060)


def test_read_it_off_the_answer_too() -> None:
    sent = Stage(roster(1)).one(message())
    assert SEAL.sender_of(answer_to(sent)) == CALLER


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"INVITE sip:a@b SIP/2.0",
        message(),
        message(via="1.2.3.4:5;origin=UDP/9.9.9.9/5060//0123456789abcdef01234567"),
        b"INVITE sip:a@b SIP/2.0\r\nVia: x;origin=\r\nCall-ID: a\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: x;origin=////\xff\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\nVia: " + b"x" * 2_000 + b";origin=a\r\n\r\n",
    ],
)
def test_believe_no_stranger(data: bytes) -> None:
    assert SEAL.sender_of(data) is None


def test_believe_what_was_said_of_this_call_alone() -> None:
    sent = Stage(roster(1)).one(message(call_id="call-1"))
    assert SEAL.sender_of(sent.data) == CALLER
    stolen = sent.data.replace(b"Call-ID: call-1", b"Call-ID: call-2")
    assert SEAL.sender_of(stolen) is None
    moved = sent.data.replace(b"/203.0.113.7/", b"/203.0.113.8/")
    assert moved != sent.data
    assert SEAL.sender_of(moved) is None
    decoy = stolen.replace(
        b"\r\nContent-Length", b"\r\nSubject: a\r\n Call-ID: call-1\r\nContent-Length"
    )
    assert SEAL.sender_of(decoy) is None
    assert SEAL.sender_of(stolen + b"\r\nCall-ID: call-1\r\n") is None
    branch = sent.data.index(b"branch=") + 20
    other = sent.data[:branch] + b"0" + sent.data[branch + 1 :]
    assert other == sent.data or SEAL.sender_of(other) is None


def test_believe_no_fleet_with_another_secret() -> None:
    sent = Stage(roster(1)).one(message())
    assert Seal("another secret of thirty-two bytes").sender_of(sent.data) is None
    assert SEAL.origin_of(PLAIN, "call-1") is None
    assert "secret" not in repr(vars(SEAL))
