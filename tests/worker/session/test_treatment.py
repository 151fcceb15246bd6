"""What is asked to be done to the caller's audio, and when it was said then."""

import pytest

from chalicelib.protocol.session.events import Speaking
from chalicelib.protocol.session.options import AgcOption
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.audio.denoising import DELAY_MS
from mediaworker.session.effects import Connect, Listen, Treatment
from mediaworker.session.legs import Answered, CallCame, MediaAgreed
from tests.worker.session.stage import EPOCH_MS, Stage

CAME = CallCame("sip:alice@example.com", "sip:bob@parley.example", "v=0", {})
AGREED = MediaAgreed(Codec.PCMU, has_keys=True)
OFFER = "v=0\r\n"


@pytest.mark.parametrize(
    ("option", "treatment"),
    [
        ({}, Treatment()),
        ({"denoise": True}, Treatment(denoises=True)),
        ({"agc": {}}, Treatment(gain=AgcOption())),
        (
            {"denoise": True, "agc": {"headroomDb": 3, "enableLimiter": False}},
            Treatment(True, AgcOption(headroom_db=3, enable_limiter=False)),
        ),
    ],
)
def test_ask_for_it_with_the_audio(
    option: dict[str, object], treatment: object
) -> None:
    stage = Stage().invite(**option)
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.wanted(Connect)[0].treatment == treatment


def test_ask_for_it_once_a_call_that_rings_is_accepted() -> None:
    stage = Stage(CallType.SIP).tell(CAME).send("ringing", earlyMedia=True)
    stage.tell(AGREED)
    assert stage.wanted(Connect)[0].treatment == Treatment()
    stage.send("accept", option={"denoise": True, "subscribe": True})
    (listen,) = stage.wanted(Listen)
    assert listen == Listen(
        None, False, None, treatment=Treatment(True), subscribes=True
    )
    stage.tell(Answered("v=0"))
    assert stage.wanted(Listen) == [listen], "it is asked for once"


def test_show_both_sides_of_a_call_that_has_a_leg() -> None:
    stage = Stage(CallType.WEBRTC).invite(offer=OFFER, subscribe=True)
    stage.tell(MediaAgreed(Codec.OPUS, True), Answered("v=0"))
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.wanted(Connect)[0].subscribes


def test_show_nothing_where_the_socket_carries_the_audio_itself() -> None:
    stage = Stage().invite(subscribe=True)
    assert stage.told()[2:] == ["error subscribe 501"]
    assert not stage.wanted(Connect)[0].subscribes


@pytest.mark.parametrize(("denoise", "earlier_ms"), [(False, 0), (True, DELAY_MS)])
def test_speech_began_when_it_was_said(denoise: bool, earlier_ms: int) -> None:
    stage = Stage().invite(denoise=denoise, vad={"speechPadding": 64})
    stage.hush(320).hear(320)
    assert stage.last(Speaking).start_time == EPOCH_MS + 100_320 - earlier_ms
