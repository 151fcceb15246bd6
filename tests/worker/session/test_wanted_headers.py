"""Headers of the far end's that an application asks for."""

from chalicelib.protocol.session.events import HungUp
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session.legs import (
    Answered,
    CallCame,
    LegEnded,
    MediaAgreed,
    TakeCall,
)
from tests.worker.session.stage import Stage

CAME = CallCame("sip:alice@example.com", "sip:bob@parley.example", "v=0")


def test_tell_them_when_the_call_is_over() -> None:
    stage = Stage(CallType.SIP).tell(CAME)
    stage.send("accept", option={"sip": {"extract_headers": ["User-Agent", "X-A"]}})
    assert stage.leg_was_asked() == [TakeCall(("User-Agent", "X-A"))]
    named = {"User-Agent": "a\r\nphone", "X-A": "1", "no name": "", "session_id": "x"}
    stage.tell(MediaAgreed(Codec.PCMA, has_keys=True), Answered("v=0", named))
    stage.tell(LegEnded("byCaller", "caller", {"X-A": "2"}))
    extra = stage.last(HungUp).extra
    assert extra is not None
    assert (extra["User-Agent"], extra["X-A"]) == ("a  phone", "2")
    assert "no name" not in extra and extra["session_id"] != "x"


def test_ask_for_none_without_the_option() -> None:
    stage = Stage(CallType.SIP).tell(CAME)
    stage.send("accept", option={"sip": {"username": "a"}})
    assert stage.leg_was_asked() == [TakeCall()]
