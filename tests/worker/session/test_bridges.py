"""Two sessions that hear each other."""

import pytest

from chalicelib.protocol.session.events import MessageReceived, Other
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.session.effects import JoinSession, PartSession, PassMessage
from tests.worker.session.stage import SESSION_ID, Stage


def live(**option: object) -> Stage:
    stage = Stage().invite(**option)
    stage.told()
    return stage


def test_bridge_is_asked_for_and_told_when_it_stands() -> None:
    stage = live().send("bridge", targetSessionId="s2")
    assert stage.told() == [] and stage.wanted(JoinSession) == [JoinSession("s2")]
    for _ in range(2):
        stage.session.joined("s2", stage.now)
    assert stage.settle().told() == ["other"]
    other = stage.last(Other)
    assert (other.track_id, other.sender) == (SESSION_ID, "bridge")
    assert other.extra == {"bridged": "s2"}


def test_end_of_a_bridge_is_told_once() -> None:
    stage = live()
    stage.session.parted("s2", stage.now)
    stage.session.joined("s2", stage.now)
    stage.send("unbridge", targetSessionId="s2")
    assert stage.wanted(PartSession) == [PartSession("s2")]
    for _ in range(2):
        stage.session.parted("s2", stage.now)
    assert stage.settle().told() == ["other", "other"]
    assert stage.last(Other).extra == {"unbridged": "s2"}


def test_bridge_that_cannot_be_had_is_an_error() -> None:
    stage = live().send("bridge", targetSessionId="s2")
    stage.session.notice("bridge", "there is no such session", 404, stage.now)
    assert stage.settle().told() == ["error bridge 404"]


@pytest.mark.parametrize("name", ["bridge", "unbridge"])
def test_session_is_not_bridged_with_itself(name: str) -> None:
    assert live().send(name, targetSessionId=SESSION_ID).told() == ["error command 400"]


def test_nobody_is_inactive_while_bridged() -> None:
    stage = live(inactivityTimeout=5)
    stage.session.joined("s2", stage.now)
    stage.session.joined("s3", stage.now)
    stage.session.parted("s2", stage.now)
    assert stage.settle().wait(20).told() == ["other", "other", "other"]
    stage.session.parted("s3", stage.now)
    assert "inactivity" in stage.settle().wait(6).told()


@pytest.mark.parametrize("call_type", list(CallType))
def test_session_that_is_not_connected_is_not_bridged(call_type: CallType) -> None:
    stage = Stage(call_type)
    stage.session.joined("s2", stage.now)
    stage.session.parted("s2", stage.now)
    assert stage.settle().told() == []
    stage.send("hangup").told()
    stage.session.joined("s2", stage.now)
    assert stage.settle().told() == []


def test_message_is_passed_on_and_told_at_the_other_end() -> None:
    stage = live().send("message", body="Hello", contentType="text/plain")
    assert stage.told() == []
    assert stage.wanted(PassMessage) == [PassMessage("Hello", "text/plain")]
    other = live()
    other.session.message("Hello", "text/plain", other.now)
    assert other.settle().told() == ["message"]
    told = other.last(MessageReceived)
    assert (told.track_id, told.body) == (SESSION_ID, "Hello")
    assert told.content_type == "text/plain"


def test_message_to_a_transferred_leg_or_before_the_call_is_an_error() -> None:
    assert live().send("message", body="x", refer=True).told() == ["error command 404"]
    stage = Stage().send("message", body="x")
    assert stage.told() == ["error command 409"]
    stage.session.message("x", None, stage.now)
    assert stage.settle().told() == []
