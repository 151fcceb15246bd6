import pytest
from aioice import Candidate as IceCandidate
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp.sdp_attributes import Candidate, render_candidate
from mediaworker.session.legs import AddCandidate
from mediaworker.webrtc.candidates import (
    BadCandidate,
    as_ice,
    as_sdp,
    is_usable,
    parse,
    with_public,
)
from mediaworker.webrtc.remote import MOST, RemoteCandidates
from mediaworker.webrtc.stack import host_candidate

HOST = "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host"


def test_parse_a_candidate_of_a_browser() -> None:
    candidate = parse(HOST)
    assert (candidate.address, candidate.port, candidate.type) == (
        "192.0.2.7",
        50_000,
        "host",
    )
    assert parse(f"candidate:{render_candidate(candidate)}") == candidate
    hidden = parse(HOST.replace("192.0.2.7", "0f3d5a5c-1b1c-4f35-9d11-aa.local"))
    assert hidden.address.endswith(".local")


@pytest.mark.parametrize(
    "text",
    [
        "candidate:",
        "candidate:1 1 udp",
        HOST.replace("50000", "x"),
        HOST.replace("192.0.2.7", "example.com"),
        HOST + " " + "x" * 600,
        "\x00",
    ],
)
def test_refuse_what_is_no_candidate(text: str) -> None:
    with pytest.raises(BadCandidate, match="^the candidate "):
        parse(text)


@given(st.text(max_size=200))
def test_refuse_anything_with_one_error(text: str) -> None:
    try:
        parse(text)
    except BadCandidate:
        return


@pytest.mark.parametrize(
    ("old", "new", "allows_ipv6", "is_good"),
    [
        ("", "", False, True),
        ("192.0.2.7", "abc.local", False, True),
        ("192.0.2.7", "2001:db8::7", True, True),
        ("192.0.2.7", "2001:db8::7", False, False),
        ("192.0.2.7", "169.254.169.254", False, False),
        ("192.0.2.7", "224.0.0.251", False, False),
        ("192.0.2.7", "0.0.0.0", False, False),
        ("1 udp", "1 tcp", False, False),
        ("1 1 udp", "1 2 udp", False, False),
        ("50000", "0", False, False),
    ],
)
def test_use_what_checks_can_be_sent_to(
    old: str, new: str, allows_ipv6: bool, is_good: bool
) -> None:
    candidate = parse(HOST.replace(old, new))
    assert is_usable(candidate, allows_ipv6=allows_ipv6) is is_good


def test_convert_both_ways() -> None:
    text = "1 1 udp 1677721855 203.0.113.5 40000 typ srflx raddr 10.0.0.1 rport 5000"
    candidate = parse(text)
    assert as_sdp(as_ice(candidate)) == candidate
    assert as_ice(candidate).to_sdp() == text


def test_advertise_the_public_address_too() -> None:
    ours = [host_candidate("10.0.0.5", 4_000), host_candidate("fd00::5", 4_001)]
    assert with_public(ours, None) == ours
    told = with_public(ours, "203.0.113.9")
    assert told[:2] == ours
    assert [(c.host, c.port, c.type) for c in told[2:]] == [
        ("203.0.113.9", 4_000, "host")
    ]
    assert told[2].priority < told[0].priority
    assert [(c.host, c.port) for c in with_public(ours, "2001:db8::9")[2:]] == [
        ("2001:db8::9", 4_001)
    ]
    assert with_public(ours[:1], "10.0.0.5") == ours[:1]


class Taken:
    """What came of candidates."""

    def __init__(self) -> None:
        self.used: list[Candidate] = []
        self.troubles: list[tuple[str, int]] = []
        self.remote = RemoteCandidates(lambda *trouble: self.troubles.append(trouble))

    def open(self, *offered: Candidate) -> None:
        self.remote.open(offered, "audio", 1, allows_ipv6=False, use=self.used.append)

    @property
    def ports(self) -> list[int]:
        return [candidate.port for candidate in self.used]


def at(port: int, mid: str | None = None, index: int | None = None) -> AddCandidate:
    return AddCandidate(HOST.replace("50000", str(port)), mid, index)


def test_keep_candidates_until_the_offer_is_known() -> None:
    taken = Taken()
    taken.remote.add(at(1, "audio"))
    assert taken.used == []
    taken.open(parse(HOST))
    taken.remote.add(at(3))
    assert taken.ports == [50_000, 1, 3]


def test_pass_over_candidates_of_other_media() -> None:
    taken = Taken()
    taken.remote.add(at(1, "video", 1))
    taken.remote.add(at(2, None, 0))
    taken.remote.add(at(3, "", 1))
    taken.open()
    taken.remote.add(at(4, "video"))
    assert taken.ports == [3]


def test_take_an_end_of_candidates_for_nothing() -> None:
    taken = Taken()
    taken.remote.add(AddCandidate(""))
    taken.remote.add(AddCandidate(" "))
    assert taken.troubles == []


def test_tell_of_a_malformed_candidate() -> None:
    taken = Taken()
    taken.remote.add(AddCandidate("candidate:nothing"))
    assert taken.troubles == [("the candidate is malformed", 400)]


def test_take_no_more_than_so_many() -> None:
    taken = Taken()
    for port in range(1, MOST // 2 + 1):
        taken.remote.add(at(port))
    taken.open()
    for port in range(1, 3 * MOST):
        taken.remote.add(at(port))
    assert len(taken.used) == MOST
    assert [code for _, code in taken.troubles] == [429]


def test_use_none_after_it_was_closed() -> None:
    taken = Taken()
    taken.open()
    taken.remote.close()
    taken.remote.add(at(1))
    assert taken.used == []


def test_name_our_own_candidates_by_the_base() -> None:
    one, two = host_candidate("10.0.0.5", 1), host_candidate("10.0.0.5", 2)
    assert isinstance(one, IceCandidate)
    assert one.foundation == two.foundation
