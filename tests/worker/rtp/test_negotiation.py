"""Answers to phones (RFC 3264)."""

from dataclasses import replace

import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import sdp
from mediaworker.rtp.negotiation import (
    Agreement,
    NotAcceptable,
    OurMedia,
    Terms,
    answer,
)
from mediaworker.rtp.sdp_attributes import Direction, direction_of
from tests.worker.rtp.descriptions import audio_of, described

ALL = (Codec.PCMU, Codec.PCMA, Codec.G722, Codec.OPUS)
OURS = OurMedia(ALL, 42, 3, address="198.51.100.1", port=40_000)


def agreed(name: str, *changes: tuple[str, str], ours: OurMedia = OURS) -> Agreement:
    return answer(described(name, *changes), ours)


def test_answer_baresip() -> None:
    agreement = agreed("baresip", ours=replace(OURS, ssrc=5, cname="p"))
    assert agreement.text == (
        "v=0\r\n"
        "o=- 42 3 IN IP4 198.51.100.1\r\n"
        "s=-\r\n"
        "c=IN IP4 198.51.100.1\r\n"
        "t=0 0\r\n"
        "m=audio 40000 RTP/AVP 0 101\r\n"
        "a=sendrecv\r\n"
        "a=rtpmap:0 PCMU/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\n"
        "a=ptime:20\r\n"
        "a=ssrc:5 cname:p\r\n"
    )
    assert agreement.terms == Terms(
        Codec.PCMU, 0, frozenset({0}), 101, {101: 8_000}, 20, None, 8_000
    )
    remote = agreement.remote
    assert (remote.address, remote.port) == ("127.0.0.1", 16_384)
    assert (remote.rtcp_address, remote.rtcp_port) == ("127.0.0.1", 16_385)
    assert (remote.index, remote.mid, remote.is_rtcp_mux) == (0, None, False)
    assert remote.ssrcs == (1_846_331_267,)
    assert agreement.direction is Direction.SENDRECV
    assert not agreement.is_on_hold
    assert agreement.setup is None


@pytest.mark.parametrize(
    ("name", "codec", "payload_type", "keys_type", "keys_rate"),
    [
        ("linphone", Codec.OPUS, 96, 101, 48_000),
        ("asterisk", Codec.G722, 9, 101, 8_000),
        ("sipp", Codec.PCMU, 0, None, None),
        ("static_types", Codec.PCMA, 8, None, None),
        ("odd_numbers", Codec.PCMA, 121, 122, 8_000),
        ("several", Codec.PCMA, 8, 101, 8_000),
    ],
)
def test_choose_by_the_order_of_the_offer(
    name: str,
    codec: Codec,
    payload_type: int,
    keys_type: int | None,
    keys_rate: int | None,
) -> None:
    terms = agreed(name).terms
    assert (terms.codec, terms.payload_type) == (codec, payload_type)
    assert terms.receive_types == {payload_type}
    assert (terms.keys_type, terms.keys_rate) == (keys_type, keys_rate)


def test_take_keys_at_both_clock_rates() -> None:
    """Those of the codec's own clock are sent."""
    assert agreed("linphone").terms.keys_receive == {101: 48_000, 100: 8_000}
    ours = replace(OURS, codecs=(Codec.PCMA,))
    terms = agreed("linphone", ours=ours).terms
    assert (terms.codec, terms.keys_type) == (Codec.PCMA, 100)
    assert list(terms.keys_receive) == [100, 101]


def test_send_keys_at_another_clock_rate_rather_than_none() -> None:
    terms = agreed("linphone", ("101 telephone-event/48000", "101 CN/48000")).terms
    assert (terms.codec, terms.keys_type, terms.keys_rate) == (Codec.OPUS, 100, 8_000)


def test_answer_with_one_codec() -> None:
    media = audio_of(sdp.parse(agreed("asterisk").text))
    assert media.formats == ("9", "101")


def test_take_g722_under_the_wrong_clock_rate() -> None:
    """RFC 3551 section 4.5.2 explains why it is 8000."""
    agreement = agreed("asterisk", ("G722/8000", "G722/16000"))
    assert agreement.terms.codec is Codec.G722
    assert "a=rtpmap:9 G722/8000\r\n" in agreement.text


def test_refuse_other_media_in_their_place() -> None:
    """RFC 3264 section 6."""
    offered, agreement = described("several"), agreed("several")
    answered = sdp.parse(agreement.text)
    assert [(m.kind, m.port > 0) for m in answered.media] == [
        ("image", False),
        ("audio", False),
        ("audio", False),
        ("audio", True),
    ]
    assert [m.protocol for m in answered.media] == [m.protocol for m in offered.media]
    assert agreement.lines == answered.media
    remote = agreement.remote
    assert (remote.index, remote.is_rtcp_mux) == (3, True)
    assert (remote.port, remote.rtcp_port) == (5_008, 5_008)
    assert "a=rtcp-mux\r\n" in agreement.text


def test_find_their_rtcp_where_they_say() -> None:
    """RFC 3605."""
    remote = agreed("static_types").remote
    assert (remote.address, remote.port) == ("2001:db8::5", 20_000)
    assert (remote.rtcp_address, remote.rtcp_port) == ("2001:db8::6", 30_000)
    usual = agreed("sipp").remote
    assert (usual.rtcp_address, usual.rtcp_port) == ("127.0.0.1", 6_001)
    assert agreed("sipp", ("6000", "65535")).remote.rtcp_port == 65_535


@pytest.mark.parametrize(
    ("lines", "ptime_ms"),
    [
        ("", 20),
        ("a=ptime:10\r\n", 20),
        ("a=ptime:30\r\n", 20),
        ("a=ptime:40\r\n", 40),
        ("a=ptime:60\r\na=maxptime:50\r\n", 40),
        ("a=ptime:200\r\n", 60),
    ],
)
def test_learn_how_long_their_packets_should_be(lines: str, ptime_ms: int) -> None:
    mapped = "a=rtpmap:0 PCMU/8000\r\n"
    assert agreed("sipp", (mapped, mapped + lines)).terms.ptime_ms == ptime_ms


@pytest.mark.parametrize(
    ("fmtp", "bitrate"),
    [
        ("useinbandfec=1", None),
        ("maxaveragebitrate=16000; stereo=1", 16_000),
        ("MaxAverageBitrate=1", 6_000),
        ("maxaveragebitrate=999999", None),
    ],
)
def test_learn_how_much_opus_may_take(fmtp: str, bitrate: int | None) -> None:
    """RFC 7587 section 6.1."""
    agreement = agreed("linphone", ("useinbandfec=1", fmtp))
    assert agreement.terms.max_bitrate == bitrate
    assert "useinbandfec=1;stereo=0;sprop-stereo=0;" in agreement.text


@pytest.mark.parametrize(
    ("offered", "answered", "is_on_hold"),
    [
        ("sendrecv", Direction.SENDRECV, False),
        ("sendonly", Direction.RECVONLY, True),
        ("recvonly", Direction.SENDONLY, False),
        ("inactive", Direction.INACTIVE, True),
    ],
)
def test_answer_each_direction(
    offered: str, answered: Direction, is_on_hold: bool
) -> None:
    """RFC 3264 sections 6.1 and 8.4."""
    agreement = agreed("baresip", ("sendrecv", offered))
    assert agreement.direction is answered
    assert agreement.is_on_hold is is_on_hold
    text = sdp.parse(agreement.text)
    assert direction_of(audio_of(text), text) is answered


@pytest.mark.parametrize("address", ["IP4 0.0.0.0", "IP6 ::"])
def test_take_no_address_for_a_hold(address: str) -> None:
    """RFC 3264 section 8.4, as RFC 2543 had it."""
    agreement = agreed("held", ("IP4 0.0.0.0", address))
    assert agreement.is_on_hold
    assert agreement.direction is Direction.RECVONLY
    resumed = agreed("held", ("IP4 0.0.0.0", "IP4 192.0.2.20"))
    assert not resumed.is_on_hold
    assert resumed.direction is Direction.SENDRECV


def test_keep_our_own_hold_in_an_answer() -> None:
    for ours, answered in (
        (Direction.SENDONLY, Direction.SENDONLY),
        (Direction.INACTIVE, Direction.INACTIVE),
    ):
        agreement = agreed("baresip", ours=replace(OURS, direction=ours))
        assert agreement.direction is answered
        assert not agreement.is_on_hold


def test_keep_the_codec_in_use_when_they_offer_anew() -> None:
    current = agreed("sipp").terms
    again = answer(described("asterisk"), replace(OURS, version=4), current)
    assert again.terms.codec is Codec.PCMU
    assert "o=- 42 4 IN" in again.text


def test_agree_to_nothing_when_the_codec_in_use_is_gone() -> None:
    current = agreed("several").terms
    with pytest.raises(NotAcceptable, match="codec"):
        answer(described("sipp"), OURS, current)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("sipp", [("audio", "video")], "no audio"),
        (
            "sipp",
            [("m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", "")],
            "no audio",
        ),
        ("sipp", [("6000", "0")], "refused"),
        ("sipp", [("RTP/AVP", "RTP/SAVP")], "plain RTP"),
        ("sipp", [("c=IN IP4 127.0.0.1\r\n", "")], "address"),
        ("sipp", [("RTP/AVP 0", "RTP/AVP 18 13 101")], "codec"),
        ("sipp", [("PCMU/8000", "PCMU/16000")], "codec"),
        ("chrome", [], "plain RTP"),
    ],
)
def test_refuse_what_cannot_be_had(
    name: str, changes: list[tuple[str, str]], sentence: str
) -> None:
    """SIP's 488."""
    with pytest.raises(NotAcceptable, match=sentence):
        answer(described(name, *changes), OURS)


def test_refuse_codecs_that_are_not_ours() -> None:
    for codecs in ((), (Codec.PCM, Codec.OPUS)):
        with pytest.raises(NotAcceptable, match="codec"):
            agreed("asterisk", ours=replace(OURS, codecs=codecs))


def test_tell_no_secrets_and_no_description_in_logs() -> None:
    agreement = agreed("baresip")
    assert "a=" not in repr(agreement)
