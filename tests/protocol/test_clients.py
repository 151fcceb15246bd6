"""What goes over devices' sockets: read and written, or refused in one sentence."""

import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.client_document import document, schema_of
from chalicelib.protocol.client_events import (
    EVENTS,
    Answered,
    AnsweredElsewhere,
    Beat,
    Cancelled,
    Ended,
    Error,
    Member,
    Missed,
    Rejected,
    Reply,
    Ringing,
    Signalled,
    Snapshot,
    Welcome,
    parse_event,
    render,
)
from chalicelib.protocol.client_fields import (
    MOST_COMMAND_BYTES,
    MOST_PAYLOAD_BYTES,
    Code,
    Direction,
    Media,
    SignalType,
    as_text,
)
from chalicelib.protocol.clients import (
    COMMANDS,
    Heartbeat,
    Hello,
    Refused,
    Signal,
    parse_command,
    render_command,
)
from chalicelib.protocol.device_names import is_device
from chalicelib.protocol.session.kinds import Flag, Unfit
from chalicelib.protocol.session.records import redact
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    Initiator,
    ParticipantState,
    Provider,
)

COMMON = (
    "call-1",
    3,
    1_700_000_000_000,
    Dialect.TGORTC,
    Provider.LIVEKIT,
    Media.VIDEO,
    "alice",
    ("alice", "bob"),
)
SNAPSHOT = Snapshot(
    call_id="call-1",
    seq=3,
    state=CallState.ACTIVE,
    dialect=Dialect.V1,
    provider=Provider.P2P,
    media_type=Media.AUDIO,
    caller="alice",
    uids=("alice", "bob"),
    direction=Direction.INCOMING,
    own_state=ParticipantState.JOINED,
    members=(Member("bob", ParticipantState.JOINED, "web", joined_at_ms=5),),
    created_at_ms=1,
    media={"provider": "p2p"},
)
REPLIES: list[Reply] = [
    Welcome(1, "conn=", "phone", call=SNAPSHOT, id=7),
    Welcome(1, "conn=", "phone"),
    Beat(1, "mine"),
    Signalled("call-1", "alice", "phone", SignalType.OFFER, {"sdp": "v=0"}, 1),
    Error(Code.FORBIDDEN, "no", "signal", 3),
    Ringing(*COMMON, Direction.OUTGOING, 9, 30),
    Answered(*COMMON, "bob", "phone", "app", {"token": "t"}),
    Answered(*COMMON, "bob"),
    AnsweredElsewhere(*COMMON, "bob", "phone", "app"),
    Rejected(*COMMON, "bob"),
    Missed(*COMMON, "bob"),
    Cancelled(*COMMON, "alice"),
    Ended(*COMMON, EndReason.HANGUP, 12, Initiator.CALLEE),
    Ended(*COMMON, EndReason.MISSED, 0),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.event))
def test_read_what_was_written(reply: Reply) -> None:
    assert parse_event(json.loads(as_text(render(reply)))) == reply


def test_write_null_where_something_is_always_told() -> None:
    assert render(Welcome(1, "c", "phone"))["call"] is None
    assert render(Ended(*COMMON, EndReason.MISSED, 0))["initiator"] is None
    assert "media" not in render(Answered(*COMMON, "bob"))


@pytest.mark.parametrize(
    "command",
    [
        Hello(),
        Hello(3, "call-1", 9, "mine"),
        Heartbeat("call-1", 0),
        Signal("c", "bob", SignalType.RESTART, {}, "phone", 1),
    ],
    ids=lambda command: str(command.command),
)
def test_read_a_command_that_was_written(command: Hello | Heartbeat | Signal) -> None:
    assert parse_command(as_text(render_command(command))) == command


def test_pass_over_fields_that_are_not_known() -> None:
    assert parse_command('{"command":"hello","new":[1]}') == Hello()


SIGNAL: dict[str, Any] = {
    "command": "signal",
    "call_id": "c",
    "to": "bob",
    "type": "offer",
    "payload": {},
}


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("", Code.INVALID_COMMAND, "a command is JSON"),
        ("[" * 30_000, Code.INVALID_COMMAND, "commas and brackets"),
        ("[" * 10_000, Code.INVALID_COMMAND, "a command is JSON"),
        ('{"a":NaN}', Code.INVALID_COMMAND, "a command is JSON"),
        ('{"a":"\\ud800"}', Code.INVALID_COMMAND, "Unicode"),
        ("[]", Code.INVALID_COMMAND, "a command is a JSON object"),
        ("{}", Code.INVALID_COMMAND, "command is required"),
        ('{"command":1}', Code.INVALID_COMMAND, "command is required"),
        ('{"command":"fly"}', Code.UNKNOWN_COMMAND, "the command fly is not known"),
        ('{"command":"a b"}', Code.UNKNOWN_COMMAND, "the command is not known"),
        (json.dumps({**SIGNAL, "to": ""}), Code.INVALID_COMMAND, "to must be the id"),
        (json.dumps({**SIGNAL, "type": "bye"}), Code.INVALID_COMMAND, "type must be"),
        (json.dumps({**SIGNAL, "payload": []}), Code.INVALID_COMMAND, "payload must"),
        (
            json.dumps({**SIGNAL, "payload": {"sdp": "x" * MOST_PAYLOAD_BYTES}}),
            Code.TOO_LARGE,
            f"at most {MOST_PAYLOAD_BYTES} bytes",
        ),
        (" " * (MOST_COMMAND_BYTES + 1), Code.TOO_LARGE, "32768 bytes"),
        ('{"command":"hello","last_seq":-1}', Code.INVALID_COMMAND, "last_seq"),
    ],
)
def test_refuse_with_a_code_and_a_sentence(
    text: str, code: Code, sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        parse_command(text)
    assert refused.value.error.code is code
    assert sentence in refused.value.error.message


def test_echo_the_id_of_what_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        parse_command('{"command":"signal","id":"mine"}')
    assert (refused.value.error.command, refused.value.error.id) == ("signal", "mine")
    for bad in ([1], "x" * 65, -1, True, 2**60, "a\nb"):
        with pytest.raises(Refused) as refused:
            parse_command(json.dumps({"command": "hello", "id": bad}))
        assert refused.value.error.id is None


@given(st.text())
def test_answer_any_text_with_a_command_or_a_refusal(text: str) -> None:
    try:
        command = parse_command(text)
    except Refused as refused:
        render(refused.error)
    else:
        assert parse_command(as_text(render_command(command))) == command


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("phone-1", True), ("", False), ("a b", False), ("x" * 65, False), ("é", False)],
)
def test_know_what_a_device_can_be_called(name: str, is_one: bool) -> None:
    assert is_device(name) is is_one


def test_keep_no_payload() -> None:
    kept = redact(Signal("c", "bob", SignalType.OFFER, {"sdp": "secret"}))
    assert "payload" not in kept


def test_describe_every_command_and_event() -> None:
    described = document()
    messages = described["components"]["messages"]
    names = {*(f"command.{name}" for name in COMMANDS), *(f"event.{n}" for n in EVENTS)}
    assert set(messages) == names
    assert set(described["channels"]["clients"]["messages"]) == names
    assert len(EVENTS) == len(get_args(Reply))
    assert json.loads(json.dumps(described)) == described
    for operation in described["operations"].values():
        for one in operation["messages"]:
            *_, key = one["$ref"].split("/")
            assert key in names
    for reply in REPLIES:
        schema = messages[f"event.{reply.event}"]["payload"]
        written = render(reply)
        assert set(written) <= set(schema["properties"])
        assert set(schema["required"]) <= set(written)


def test_describe_no_kind_that_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        schema_of(Flag())
    payload = document()["components"]["messages"]["command.signal"]["payload"]
    pattern = payload["properties"]["to_device"]["pattern"]
    assert re.match(pattern, "phone") and not re.match(pattern, "a b")


def test_refuse_to_be_built_wrong() -> None:
    with pytest.raises(Unfit, match="call_id"):
        Heartbeat("")
