"""What the relay function and a worker tell each other."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.lease import MalformedMessage
from chalicelib.protocol.relay import (
    LAST_NUMBER,
    MAX_MESSAGE,
    MAX_PARAMETERS,
    Frame,
    Gone,
    Open,
    RelayMessages,
    cseq_of,
    parse_relayed,
)
from chalicelib.protocol.session.kinds import Unfit
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.vocabulary import Role

OPEN = Open(
    "L0SM9cOFvHcCIhw=",
    "https://a1b2.execute-api.eu-west-1.amazonaws.com/live",
    "default",
    "alice",
    Role.ADMIN,
    CallType.WEBRTC,
    {"id": "s1", "dump": ""},
)
FRAME = Frame("c", '{"command":"hangup","cseq":3}', 3)


@pytest.mark.parametrize(
    "message",
    [OPEN, FRAME, replace(FRAME, cseq=None), Gone("c", True), Gone("c", False)],
)
def test_read_what_was_rendered(message: RelayMessages) -> None:
    assert parse_relayed(message.render()) == message


def test_tell_for_whom_a_socket_is_opened() -> None:
    assert OPEN.principal == Principal("default", "alice", Role.ADMIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "relay.close"},
        {"type": None},
        {"connection_id": "a b"},
        {"connection_id": ""},
        {"call_type": "websocket"},
        {"role": "king"},
        {"uid": 1},
        {"query": []},
        {"query": {"a": 1}},
        {"query": {"a": "b" * 2_049}},
        {"query": {str(number): "" for number in range(MAX_PARAMETERS + 1)}},
    ],
)
def test_refuse_what_opens_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        parse_relayed({**OPEN.render(), **changes})


@pytest.mark.parametrize("cseq", [0, -1, 1.5, "1", LAST_NUMBER + 1, True])
def test_refuse_a_number_that_is_none(cseq: Any) -> None:
    with pytest.raises(MalformedMessage):
        parse_relayed({**FRAME.render(), "cseq": cseq})
    assert cseq_of(f'{{"cseq":{str(cseq).lower()}}}') is None or cseq == "1"


def test_refuse_a_text_that_is_too_long() -> None:
    with pytest.raises(Unfit):
        Frame("c", "a" * (MAX_MESSAGE + 1))


@pytest.mark.parametrize("value", [{}, {"v": 99, "type": "relay.gone"}])
def test_refuse_another_version(value: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersion):
        parse_relayed(value)


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ('{"command":"hangup","cseq":1}', 1),
        ('{"cseq":2.0}', 2),
        ('{"command":"hangup"}', None),
        ("[1]", None),
        ("{", None),
        ("[" * 100_000, None),
        ("1" * 5_000, None),
    ],
)
def test_find_the_number_of_a_message(text: str, cseq: int | None) -> None:
    assert cseq_of(text) == cseq


@given(st.text())
def test_find_no_number_in_anything(text: str) -> None:
    found = cseq_of(text)
    assert found is None or found >= 1
