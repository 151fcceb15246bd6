"""Answers to browsers (RFC 8829)."""

from dataclasses import replace

import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import sdp, sdp_attributes
from mediaworker.rtp.negotiation import (
    Agreement,
    BrowserSide,
    NotAcceptable,
    OurMedia,
    answer,
)
from mediaworker.rtp.sdp_attributes import (
    Candidate,
    Direction,
    Fingerprint,
    IceCredentials,
    Setup,
)
from tests.worker.rtp.descriptions import audio_of, described

ALL = (Codec.PCMU, Codec.PCMA, Codec.G722, Codec.OPUS)
ICE = IceCredentials("abcd", "0123456789abcdefghijkl")
PRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))
HOST = Candidate("1", 1, "udp", 2_113_937_151, "192.0.2.1", 5_000, "host")
SIDE = BrowserSide(ICE, (PRINT,), (HOST,), stream_id="stream", track_id="track")
OURS = OurMedia(ALL, 42, ssrc=77, cname="parley", browser=SIDE)


def agreed(name: str, *changes: tuple[str, str], ours: OurMedia = OURS) -> Agreement:
    return answer(described(name, *changes), ours)


def test_answer_chrome() -> None:
    agreement = agreed("chrome")
    assert agreement.text == (
        "v=0\r\n"
        "o=- 42 1 IN IP4 0.0.0.0\r\n"
        "s=-\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "t=0 0\r\n"
        "a=group:BUNDLE 0\r\n"
        "a=ice-options:trickle\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 110 126\r\n"
        "a=sendrecv\r\n"
        "a=mid:0\r\n"
        "a=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\n"
        "a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0"
        ";maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=32000\r\n"
        "a=rtpmap:110 telephone-event/48000\r\n"
        "a=fmtp:110 0-15\r\n"
        "a=rtpmap:126 telephone-event/8000\r\n"
        "a=fmtp:126 0-15\r\n"
        "a=ptime:20\r\n"
        "a=msid:stream track\r\n"
        "a=ssrc:77 cname:parley\r\n"
        "a=ice-ufrag:abcd\r\n"
        "a=ice-pwd:0123456789abcdefghijkl\r\n"
        f"a=fingerprint:sha-256 {PRINT.value}\r\n"
        "a=setup:active\r\n"
        "a=candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host\r\n"
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
        "a=mid:1\r\n"
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "a=mid:2\r\n"
    )
    terms, remote = agreement.terms, agreement.remote
    assert (terms.codec, terms.keys_type, terms.keys_rate) == (Codec.OPUS, 110, 48_000)
    assert terms.keys_receive == {110: 48_000, 126: 8_000}
    assert (remote.mid, remote.index) == ("0", 0)
    assert remote.is_rtcp_mux
    assert remote.ice == IceCredentials("4cXp", "nVGk7Qh0m3Jc2Zt1yWm8sDxA")
    assert [c.type for c in remote.candidates] == ["host", "srflx"]
    assert (remote.has_all_candidates, remote.is_ice_lite) == (False, False)
    assert remote.setup is Setup.ACTPASS
    assert agreement.setup is Setup.ACTIVE
    assert not agreement.is_on_hold


def test_answer_firefox() -> None:
    """Its fingerprint is the session's."""
    side = replace(SIDE, has_all_candidates=True)
    agreement = agreed("firefox", ours=replace(OURS, browser=side))
    assert (agreement.terms.codec, agreement.terms.payload_type) == (Codec.OPUS, 109)
    assert agreement.remote.fingerprints[0].value.startswith("8B:4C")
    assert agreement.remote.has_all_candidates
    assert "a=end-of-candidates\r\n" in agreement.text
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 109 101\r\n" in agreement.text


def test_answer_safari_that_begins_dtls_itself() -> None:
    agreement = agreed("safari")
    assert agreement.setup is Setup.PASSIVE
    assert "a=setup:passive\r\n" in agreement.text
    assert "a=group:BUNDLE audio\r\n" in agreement.text
    assert agreement.terms.max_bitrate == 20_000
    assert agreement.terms.keys_receive == {110: 48_000, 126: 8_000}


def test_answer_in_a_bundle_whose_transport_is_the_video_s() -> None:
    """RFC 9143 section 7.1.3, RFC 8829 section 4.1.1: max-bundle."""
    agreement = agreed("chrome_bundle_only")
    assert agreement.remote.ice == IceCredentials("Qx7b", "Zq9rT2mK5vB8nC1xL4pW7sDf")
    assert (agreement.remote.index, agreement.remote.port) == (1, 9)
    assert agreement.remote.mid == "a"
    assert "a=group:BUNDLE v a\r\n" in agreement.text
    assert audio_of(sdp.parse(agreement.text)).port == 9


def test_keep_the_first_of_a_bundle_idle() -> None:
    """Chromium fails when it is refused."""
    answered = sdp.parse(agreed("chrome_bundle_only").text)
    video = answered.media[0]
    assert (video.port, video.formats) == (9, ("96",))
    assert sdp_attributes.direction_of(video, answered) is Direction.INACTIVE
    assert sdp_attributes.mid_of(video) == "v"
    assert sdp_attributes.ice_of(video, answered) == ICE
    assert sdp.Attribute("rtpmap", "96 VP8/90000") in video.attributes


@pytest.mark.parametrize(
    ("change", "bundle"),
    [
        (("BUNDLE 1 0 2", "BUNDLE 1 0"), "1 0"),
        (("BUNDLE 1 0 2", "BUNDLE 2 0"), "0"),
        (("m=video 9", "m=video 0"), "0"),
        (("a=mid:1", "a=mid:7"), "0"),
    ],
)
def test_refuse_the_first_of_a_bundle_that_cannot_be_had(
    change: tuple[str, str], bundle: str
) -> None:
    agreement = agreed("chrome", ("BUNDLE 0 1 2", "BUNDLE 1 0 2"), change)
    assert f"a=group:BUNDLE {bundle}\r\n" in agreement.text


@pytest.mark.parametrize(
    ("offered", "setup"), [("passive", Setup.ACTIVE), ("actpass", Setup.ACTIVE)]
)
def test_begin_dtls_unless_they_do(offered: str, setup: Setup) -> None:
    assert agreed("chrome", ("setup:actpass", f"setup:{offered}")).setup is setup


def test_begin_dtls_where_they_say_nothing() -> None:
    assert agreed("chrome", ("a=setup:actpass\r\n", "")).setup is Setup.ACTIVE


def test_answer_without_a_bundle_and_without_names() -> None:
    agreement = agreed("chrome", ("a=group:BUNDLE 0 1 2\r\n", ""), ("a=mid:0\r\n", ""))
    assert "BUNDLE" not in agreement.text
    assert agreement.remote.mid is None


def test_bundle_nothing_with_a_group_that_has_no_audio() -> None:
    assert "BUNDLE" not in agreed("chrome", ("BUNDLE 0 1 2", "BUNDLE 1 2")).text


def test_know_a_lite_agent_and_the_end_of_its_candidates() -> None:
    agreement = agreed(
        "chrome", ("t=0 0", "t=0 0\r\na=ice-lite\r\na=end-of-candidates")
    )
    assert agreement.remote.is_ice_lite
    assert agreement.remote.has_all_candidates


@pytest.mark.parametrize(
    "protocol", ["UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF"]
)
def test_answer_under_the_protocol_s_other_names(protocol: str) -> None:
    """RFC 8829 section 5.1.2."""
    agreement = agreed("safari", ("UDP/TLS/RTP/SAVPF", protocol))
    assert f"m=audio 9 {protocol} 96" in agreement.text


def test_speak_to_who_only_listens_and_hear_who_only_speaks() -> None:
    listening = agreed("firefox", ("a=sendrecv", "a=recvonly"))
    assert listening.direction is Direction.SENDONLY
    assert not listening.is_on_hold
    speaking = agreed("firefox", ("a=sendrecv", "a=sendonly"))
    assert speaking.direction is Direction.RECVONLY
    assert speaking.is_on_hold


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("sipp", [], "DTLS"),
        ("chrome", [("a=rtcp-mux\r\n", "")], "rtcp-mux"),
        ("chrome", [("setup:actpass", "setup:holdconn")], "holds"),
        ("chrome", [("m=audio 9", "m=audio 0")], "refused"),
        ("chrome", [("fingerprint:sha-256", "x")], "fingerprint"),
        ("safari", [("ice-pwd", "x")], "ICE"),
        ("chrome_bundle_only", [("BUNDLE v a", "BUNDLE v")], "ICE"),
        ("chrome_bundle_only", [("BUNDLE v a", "BUNDLE x a")], "ICE"),
        ("chrome_bundle_only", [("ice-ufrag:Qx7b", "x")], "ICE"),
    ],
)
def test_refuse_what_cannot_be_had(
    name: str, changes: list[tuple[str, str]], sentence: str
) -> None:
    with pytest.raises(NotAcceptable, match=sentence):
        answer(described(name, *changes), OURS)


def test_write_what_we_can_read() -> None:
    """Our own answer, turned round, is an offer like any other."""
    answered = sdp.parse(agreed("chrome").text)
    audio = audio_of(answered)
    assert sdp_attributes.ice_of(audio, answered) == ICE
    assert sdp_attributes.fingerprints_of(audio, answered) == (PRINT,)
    assert sdp_attributes.candidates_of(audio, answered) == (HOST,)
    assert answer(answered, OURS).setup is Setup.PASSIVE


def test_tell_no_secrets_in_logs() -> None:
    assert ICE.password not in repr(OURS) + repr(SIDE)
    assert "nVGk7Qh0m3Jc2Zt1yWm8sDxA" not in repr(agreed("chrome"))
