"""What LiveKit's JSON may look like, and what it may not."""

from enum import IntEnum
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import models
from livekit.protocol.models import ParticipantInfo

from chalicelib.adapters.providers import livekit_json
from chalicelib.adapters.providers.livekit_json import (
    DisconnectReason,
    NotLiveKit,
    Participant,
    ParticipantKind,
    ParticipantState,
)
from tests.builders import NOW_MS


@given(
    identity=st.text(),
    sid=st.text(),
    joined_at_ms=st.integers(0, 2**63 - 1),
    state=st.sampled_from(ParticipantState),
    kind=st.sampled_from(ParticipantKind),
    disconnect_reason=st.sampled_from(DisconnectReason),
    is_snake=st.booleans(),
    is_verbose=st.booleans(),
    has_numbers=st.booleans(),
)
def test_participant_is_read_however_protobuf_writes_it(
    is_snake: bool, is_verbose: bool, has_numbers: bool, **fields: Any
) -> None:
    text = json_format.MessageToJson(
        ParticipantInfo(**fields, metadata='{"device_type":"web"}'),
        preserving_proto_field_name=is_snake,
        always_print_fields_with_no_presence=is_verbose,
        use_integers_for_enums=has_numbers,
    )
    participant = Participant.parse(livekit_json.parse(text.encode()))
    assert participant == Participant(**fields, device_type="web")


@pytest.mark.parametrize(
    ("message", "state", "kind"),
    [
        ({"state": 2, "kind": 4}, ParticipantState.ACTIVE, ParticipantKind.AGENT),
        (
            {"state": "JOINED", "kind": "SIP"},
            ParticipantState.JOINED,
            ParticipantKind.SIP,
        ),
        ({"state": None}, ParticipantState.JOINING, ParticipantKind.STANDARD),
        ({}, ParticipantState.JOINING, ParticipantKind.STANDARD),
        ({"state": 9, "kind": "ROBOT"}, None, None),
    ],
)
def test_enum_has_a_name_or_a_number(
    message: dict[str, object],
    state: ParticipantState | None,
    kind: ParticipantKind | None,
) -> None:
    participant = Participant.parse(message)
    assert (participant.state, participant.kind) == (state, kind)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ParticipantState, ParticipantInfo.State),
        (ParticipantKind, ParticipantInfo.Kind),
        (DisconnectReason, models.DisconnectReason),
    ],
)
def test_enums_are_livekits(ours: type[IntEnum], theirs: Any) -> None:
    assert {one.name: one.value for one in ours} == dict(theirs.items())


@pytest.mark.parametrize("reason", DisconnectReason)
def test_handover_is_no_departure(reason: DisconnectReason) -> None:
    handovers = ("DUPLICATE_IDENTITY", "MIGRATION")
    assert reason.is_handover is (reason.name in handovers)


def test_what_a_newer_livekit_says_counts_as_there() -> None:
    participant = Participant.parse({"state": 9, "kind": "HOLOGRAM"})
    assert participant.is_party and participant.is_connected


@pytest.mark.parametrize(
    ("message", "joined_at_ms"),
    [
        ({"joined_at_ms": "1700000000123", "joined_at": "1700000000"}, NOW_MS + 123),
        ({"joinedAtMs": 1700000000123}, NOW_MS + 123),
        ({"joined_at": 1700000000}, NOW_MS),
        ({"joinedAt": "1700000000", "joinedAtMs": "0"}, NOW_MS),
        ({}, 0),
    ],
)
def test_int64_is_a_number_or_a_string(
    message: dict[str, object], joined_at_ms: int
) -> None:
    assert Participant.parse(message).joined_at_ms == joined_at_ms


@pytest.mark.parametrize(
    "value", [True, 1.5, -1, 2**63, "-1", "9" * 20, "9" * 5000, "٣", "", [], {}]
)
def test_int64_is_nothing_else(value: object) -> None:
    with pytest.raises(NotLiveKit, match="joined_at_ms"):
        Participant.parse({"joined_at_ms": value})


@pytest.mark.parametrize("value", [1, ["alice"], {}, "\ud800"])
def test_identity_is_a_string(value: object) -> None:
    with pytest.raises(NotLiveKit, match="identity"):
        Participant.parse({"identity": value})


@pytest.mark.parametrize(
    ("metadata", "device_type"),
    [
        ('{"device_type":"web"}', "web"),
        ('{"device_type":"web","more":[]}', "web"),
        ('{"device_type":7}', ""),
        ('{"device_type":"w\\neb"}', ""),
        ('{"device_type":"' + "w" * 65 + '"}', ""),
        ('{"deviceType":"web"}', ""),
        ('["device_type"]', ""),
        ("web", ""),
        ("", ""),
        ("7", ""),
        ("[" * 100_000, ""),
        (None, ""),
        (7, ""),
        ({"device_type": "web"}, ""),
    ],
)
def test_device_type_is_told_or_empty(metadata: object, device_type: str) -> None:
    assert Participant.parse({"metadata": metadata}).device_type == device_type


@pytest.mark.parametrize("value", ["alice", {"a": 1}, [1], [["alice"]]])
def test_list_is_of_messages(value: object) -> None:
    with pytest.raises(NotLiveKit, match="participants"):
        livekit_json.messages({"participants": value}, "participants")
