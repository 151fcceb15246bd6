"""What attributes say (RFC 8839, RFC 8122, RFC 4145, RFC 3605 and others)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import sdp_attributes as attributes
from mediaworker.rtp.sdp import Attribute, Media, Origin, SessionDescription
from mediaworker.rtp.sdp_attributes import (
    MOST_CANDIDATES,
    Candidate,
    Direction,
    Fingerprint,
    IceCredentials,
    Setup,
    parse_candidate,
    render_candidate,
)
from mediaworker.rtp.sdp_formats import (
    RtpMap,
    parameters_of,
    render_rtp_map,
    rtp_maps,
)
from tests.worker.rtp.descriptions import described

ORIGIN = Origin("-", "1", "1", "192.0.2.1")
HOST = Candidate("1", 1, "udp", 2_113_937_151, "192.0.2.1", 5_000, "host")
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
LOWER = WORDS.map(str.lower)
CANDIDATES = st.builds(
    Candidate,
    WORDS.filter(lambda word: not word.startswith(("a=", "candidate:"))),
    st.integers(0, 256),
    LOWER,
    st.integers(0, (1 << 32) - 1),
    WORDS,
    st.integers(0, 65_535),
    LOWER,
    st.none() | WORDS,
    st.none() | st.integers(0, 65_535),
    st.none() | WORDS,
)


def media_of(*lines: str, formats: str = "0") -> Media:
    pairs = (line.partition(":") for line in lines)
    found = tuple(Attribute(name, value if c else None) for name, c, value in pairs)
    return Media("audio", 9, "RTP/AVP", tuple(formats.split()), attributes=found)


def session_of(*lines: str, media: tuple[Media, ...] = ()) -> SessionDescription:
    return SessionDescription(
        ORIGIN, attributes=media_of(*lines).attributes, media=media
    )


EMPTY = session_of()


@pytest.mark.parametrize("direction", Direction)
def test_tell_a_direction_by_its_two_ways(direction: Direction) -> None:
    assert Direction.of(direction.has_send, direction.has_receive) is direction


def test_prefer_the_medium_s_direction_to_the_session_s() -> None:
    session = session_of("recvonly")
    assert attributes.direction_of(media_of("sendonly"), session) == "sendonly"
    assert attributes.direction_of(media_of("sendonly:1"), session) == "recvonly"
    assert attributes.direction_of(media_of(), EMPTY) is Direction.SENDRECV


def test_read_what_a_browser_says_of_its_transport() -> None:
    chrome = described("chrome")
    audio = chrome.media[0]
    assert attributes.ice_of(audio, chrome) == IceCredentials(
        "4cXp", "nVGk7Qh0m3Jc2Zt1yWm8sDxA"
    )
    (fingerprint,) = attributes.fingerprints_of(audio, chrome)
    assert fingerprint.algorithm == "sha-256"
    assert attributes.setup_of(audio, chrome) is Setup.ACTPASS
    assert attributes.mid_of(audio) == "0"
    assert attributes.bundles_of(chrome) == [["0", "1", "2"]]
    assert attributes.rtcp_of(audio) == (9, "0.0.0.0")
    assert attributes.ssrcs_of(audio) == (2_231_627_014,)
    local, reflexive = attributes.candidates_of(audio, chrome)
    assert local.address.endswith(".local")
    assert (reflexive.type, reflexive.related_address) == ("srflx", "0.0.0.0")


def test_read_what_firefox_says_for_the_whole_session() -> None:
    firefox = described("firefox")
    (fingerprint,) = attributes.fingerprints_of(firefox.media[0], firefox)
    assert fingerprint.value.startswith("8B:4C")
    udp, tcp = attributes.candidates_of(firefox.media[0], firefox)
    assert (udp.transport, tcp.transport, tcp.tcp_type) == ("udp", "tcp", "active")


@given(CANDIDATES)
def test_go_both_ways_with_a_candidate(candidate: Candidate) -> None:
    text = render_candidate(candidate)
    for before in ("", "candidate:", "a=candidate:", " "):
        assert parse_candidate(before + text + "\r\n") == candidate


def test_leave_out_what_a_candidate_says_besides() -> None:
    text = render_candidate(HOST) + " generation 0 ufrag abcd network-cost"
    assert parse_candidate(text) == HOST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 1 udp 2113937151 192.0.2.1 5000 typ",
        "1 1 udp 2113937151 192.0.2.1 5000 type host",
        "1 x udp 2113937151 192.0.2.1 5000 typ host",
        "1 1 udp -1 192.0.2.1 5000 typ host",
        "1 1 udp 2113937151 192.0.2.1 65536 typ host",
        "1 1 udp 2113937151 192.0.2.1 5000 typ host" + " a b" * 4_000,
    ],
)
def test_refuse_what_is_no_candidate(text: str) -> None:
    assert parse_candidate(text) is None
    assert attributes.candidates_of(media_of(f"candidate:{text}"), EMPTY) == ()


def test_read_a_bounded_number_of_candidates() -> None:
    media = media_of(*[f"candidate:{render_candidate(HOST)}"] * 100)
    assert len(attributes.candidates_of(media, EMPTY)) == MOST_CANDIDATES


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("ice-ufrag:abcd",),
        ("ice-ufrag:abc", "ice-pwd:0123456789012345678901"),
        ("ice-ufrag:abcd", "ice-pwd:012345678901234567890"),
        ("ice-ufrag:ab cd", "ice-pwd:0123456789012345678901"),
        ("ice-ufrag", "ice-pwd"),
    ],
)
def test_find_no_credentials_in_what_is_none(lines: tuple[str, ...]) -> None:
    assert attributes.ice_of(media_of(*lines), EMPTY) is None


def test_write_fingerprints_in_one_way() -> None:
    media = media_of(
        "fingerprint:SHA-256 ab:cd", "fingerprint:sha-1 xy", "fingerprint:sha-1"
    )
    assert attributes.fingerprints_of(media, EMPTY) == (
        Fingerprint("sha-256", "AB:CD"),
    )


def test_find_nothing_in_what_is_malformed() -> None:
    media = media_of(
        "setup:both", "rtcp", "rtcp:x", "ssrc:x cname:y", "mid:", "ptime:0"
    )
    assert attributes.setup_of(media, EMPTY) is None
    assert attributes.rtcp_of(media) is None
    assert attributes.rtcp_of(media_of("rtcp: ")) is None
    assert attributes.ssrcs_of(media) == ()
    assert attributes.mid_of(media) is None
    assert attributes.mid_of(media_of("mid:a b")) is None
    assert attributes.milliseconds_of(media, "ptime") is None
    assert attributes.bundles_of(session_of("group:", "group:LS 1")) == []


def test_read_times_and_ports() -> None:
    assert attributes.milliseconds_of(media_of("ptime:20.0"), "ptime") == 20
    assert attributes.rtcp_of(media_of("rtcp:5001")) == (5_001, None)


def test_fill_in_the_static_payload_types() -> None:
    """RFC 3551 section 6."""
    assert rtp_maps(described("static_types").media[0]) == (
        RtpMap(8, "pcma", 8_000),
        RtpMap(0, "pcmu", 8_000),
        RtpMap(9, "g722", 8_000),
    )


def test_read_each_payload_type_once_by_its_first_line() -> None:
    assert rtp_maps(described("odd_numbers").media[0]) == (
        RtpMap(120, "g729", 8_000),
        RtpMap(121, "pcma", 8_000),
        RtpMap(122, "telephone-event", 8_000),
    )


def test_prefer_what_is_said_of_a_static_payload_type_if_it_says_something() -> None:
    media = media_of("rtpmap:0 PCMA/8000", "rtpmap:8 PCMA", formats="0 8")
    assert rtp_maps(media) == (RtpMap(0, "pcma", 8_000), RtpMap(8, "pcma", 8_000))


@pytest.mark.parametrize(
    "text", ["", "/8000", "x", "x/", "x/0", "x/8000/0", "x/8000/y"]
)
def test_leave_out_formats_that_say_nothing(text: str) -> None:
    assert rtp_maps(media_of(f"rtpmap:96 {text}", formats="96")) == ()


def test_go_both_ways_with_a_format() -> None:
    opus = RtpMap(96, "opus", 48_000, 2, "minptime=10; useinbandfec=1;x")
    pcmu = RtpMap(0, "pcmu", 8_000)
    found = render_rtp_map(opus) + render_rtp_map(pcmu)
    media = Media("audio", 9, "RTP/AVP", ("96", "0"), attributes=found)
    assert rtp_maps(media) == (opus, pcmu)
    assert parameters_of(opus) == {"minptime": "10", "useinbandfec": "1", "x": ""}
