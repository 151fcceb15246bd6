"""Offers to phones, and what their answers mean (RFC 3264)."""

from dataclasses import replace

import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import sdp
from mediaworker.rtp.negotiation import (
    Agreement,
    NotAcceptable,
    OurMedia,
    accept_answer,
    answer,
    offer,
)
from mediaworker.rtp.sdp_attributes import Direction
from tests.worker.rtp.descriptions import described

PHONE = (Codec.PCMU, Codec.PCMA, Codec.G722)
OURS = OurMedia(PHONE, 42, address="198.51.100.1", port=40_000)
THEIRS = OurMedia((Codec.G722, Codec.OPUS), 7, address="192.0.2.9", port=5_000)


def accepted(name: str, *changes: tuple[str, str], ours: OurMedia = OURS) -> Agreement:
    return accept_answer(ours, described(name, *changes))


def test_offer_our_codecs_in_their_order() -> None:
    assert offer(OURS) == (
        "v=0\r\n"
        "o=- 42 1 IN IP4 198.51.100.1\r\n"
        "s=-\r\n"
        "c=IN IP4 198.51.100.1\r\n"
        "t=0 0\r\n"
        "m=audio 40000 RTP/AVP 0 8 9 101\r\n"
        "a=sendrecv\r\n"
        "a=rtpmap:0 PCMU/8000\r\n"
        "a=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:9 G722/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\n"
        "a=ptime:20\r\n"
    )


def test_offer_keys_at_the_clock_rate_of_each_codec() -> None:
    codecs = (Codec.OPUS, Codec.PCM, Codec.PCMU, Codec.OPUS)
    text = offer(replace(OURS, codecs=codecs, address="2001:db8::1"))
    assert "m=audio 40000 RTP/AVP 111 0 110 101\r\n" in text
    assert "c=IN IP6 2001:db8::1\r\n" in text


def test_accept_an_answer() -> None:
    agreement = accepted("baresip", ("RTP/AVP 0 8", "RTP/AVP 8 0"))
    terms = agreement.terms
    assert (terms.codec, terms.payload_type) == (Codec.PCMA, 8)
    assert (terms.keys_type, terms.keys_rate) == (101, 8_000)
    assert (agreement.remote.address, agreement.remote.port) == ("127.0.0.1", 16_384)
    assert (agreement.direction, agreement.is_on_hold) == (Direction.SENDRECV, False)
    assert agreement.text == ""


def test_hear_keys_that_were_not_agreed_to() -> None:
    terms = accepted("sipp").terms
    assert terms.keys_type is None
    assert terms.keys_receive == {101: 8_000}


def test_accept_numbers_that_are_not_ours() -> None:
    """They send under ours, RFC 3264 section 6.1, or, wrongly, under theirs."""
    agreement = accepted("linphone", ours=replace(OURS, codecs=(Codec.OPUS,)))
    terms = agreement.terms
    assert terms.payload_type == 96
    assert terms.receive_types == {96, 111}
    assert terms.keys_type == 101
    assert terms.keys_receive == {101: 48_000, 100: 8_000, 110: 48_000}


def test_take_their_codec_where_it_has_the_number_of_our_keys() -> None:
    ours = replace(OURS, codecs=(Codec.OPUS,))
    change = ("96", "110")
    terms = accepted("linphone", change, ours=ours).terms
    assert terms.receive_types == {110, 111}
    assert 110 not in terms.keys_receive


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("sipp", [("m=audio", "m=video")], "no audio"),
        (
            "sipp",
            [("m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", "")],
            "no audio",
        ),
        ("sipp", [("6000", "0")], "refused"),
        ("sipp", [("RTP/AVP", "UDP/TLS/RTP/SAVP")], "plain RTP"),
        ("sipp", [("c=IN IP4 127.0.0.1\r\n", "")], "address"),
        ("sipp", [("RTP/AVP 0", "RTP/AVP 3")], "codec"),
    ],
)
def test_refuse_an_answer_that_is_none(
    name: str, changes: list[tuple[str, str]], sentence: str
) -> None:
    with pytest.raises(NotAcceptable, match=sentence):
        accepted(name, *changes)


@pytest.mark.parametrize(
    ("ours", "theirs", "direction", "is_on_hold"),
    [
        ("sendrecv", "sendrecv", "sendrecv", False),
        ("sendrecv", "sendonly", "recvonly", True),
        ("sendrecv", "recvonly", "sendonly", False),
        ("sendonly", "recvonly", "sendonly", False),
        ("sendonly", "inactive", "inactive", True),
        ("inactive", "inactive", "inactive", False),
        ("inactive", "sendrecv", "inactive", False),
    ],
)
def test_understand_the_direction_of_an_answer(
    ours: str, theirs: str, direction: str, is_on_hold: bool
) -> None:
    """What they do because we hold the call is no hold of theirs."""
    holding = replace(OURS, direction=Direction(ours))
    agreement = accepted("baresip", ("sendrecv", theirs), ours=holding)
    assert agreement.direction == direction
    assert agreement.is_on_hold is is_on_hold


def test_take_no_address_in_an_answer_for_a_hold() -> None:
    assert accepted("held").is_on_hold


def test_offer_anew_what_is_in_use() -> None:
    """RFC 3264 section 8: the same session, a higher version, no line elsewhere."""
    current = answer(described("several"), OURS)
    again = replace(OURS, version=2, direction=Direction.SENDONLY)
    text = offer(again, current)
    media = sdp.parse(text).media
    assert "o=- 42 2 IN" in text
    assert [m.port for m in media] == [0, 0, 0, 40_000]
    assert media[3].formats == ("8", "101")
    assert media[3].attributes[0].name == "sendonly"
    held = described("several", ("RTP/AVPF", "RTP/AVP"), ("a=ptime:60", "a=recvonly"))
    agreement = accept_answer(again, held, current)
    assert agreement.remote.index == 3
    assert agreement.terms.codec is Codec.PCMA
    assert agreement.direction is Direction.SENDONLY
    assert not agreement.is_on_hold
    assert agreement.lines == current.lines


def test_refuse_an_answer_that_lacks_the_line_in_use() -> None:
    current = answer(described("several"), OURS)
    with pytest.raises(NotAcceptable, match="no audio"):
        accept_answer(OURS, described("sipp"), current)


def test_agree_on_both_sides_about_the_same() -> None:
    for codec, payload_type in ((Codec.G722, 9), (Codec.OPUS, 111)):
        ours = replace(OURS, codecs=(Codec.PCMU, codec))
        there = answer(sdp.parse(offer(ours)), THEIRS)
        here = accept_answer(ours, sdp.parse(there.text))
        assert (here.terms.codec, there.terms.codec) == (codec, codec)
        assert here.terms.payload_type == there.terms.payload_type == payload_type
        assert here.terms.keys_type == there.terms.keys_type
        assert (here.remote.port, there.remote.port) == (5_000, 40_000)
        again = answer(sdp.parse(offer(ours, here)), THEIRS, there.terms)
        assert again.terms.codec is codec
