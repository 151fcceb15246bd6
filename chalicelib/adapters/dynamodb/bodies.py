"""What items carry as JSON with ``v``: calls, events, command records."""

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from chalicelib.domain.call import Call, Participant
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    ParticipantState,
    Provider,
)
from chalicelib.services.ports import CommandRecord, OutboxEvent

CALL, EVENT, RECORD = "call", "event", "command"
_EMPTY = (None, "")


def known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    """What of a value that was read a dataclass has: a later release may say more."""
    names = _names_of(kind)
    return {name: field for name, field in value.items() if name in names}


@functools.cache
def _names_of(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))


def dump_record(record: CommandRecord) -> str:
    said = {
        "fingerprint": record.fingerprint,
        "call": _call_fields(record.call),
        "refusal": record.refusal,
        "refusal_subject": record.refusal_subject,
    }
    return _dump(stamped(said, RECORD))


def parse_record(tenant: str, command_id: str, body: str) -> CommandRecord:
    value = _versioned(RECORD, body)
    return CommandRecord(
        tenant=tenant,
        command_id=command_id,
        fingerprint=value["fingerprint"],
        call=_parse_call_fields(value["call"]),
        refusal=value["refusal"],
        refusal_subject=value["refusal_subject"],
    )


def dump_event(event: OutboxEvent) -> str:
    return _dump(stamped(asdict(event), EVENT))


def parse_event(body: str) -> OutboxEvent:
    return OutboxEvent(**known(OutboxEvent, _versioned(EVENT, body)))


def dump_call(call: Call) -> str:
    return _dump(stamped(_call_fields(call), CALL))


def parse_call(body: str) -> Call:
    return _parse_call_fields(_versioned(CALL, body))


def _call_fields(call: Call) -> dict[str, Any]:
    """The fields that say something: None and the defaults of a member go without."""
    said = asdict(replace(call, participants=()))
    said["participants"] = [
        {name: value for name, value in asdict(member).items() if value not in _EMPTY}
        for member in call.participants
    ]
    return {name: value for name, value in said.items() if value not in (None, {})}


def _parse_call_fields(value: Mapping[str, Any]) -> Call:
    said = known(Call, value)
    reason, initiator = said.get("end_reason"), said.get("initiator")
    said.update(
        dialect=Dialect(said["dialect"]),
        provider=Provider(said["provider"]),
        media_type=MediaType(said["media_type"]),
        state=CallState(said["state"]),
        end_reason=reason and EndReason(reason),
        initiator=initiator and Initiator(initiator),
        participants=tuple(map(_parse_participant, said["participants"])),
    )
    return Call(**said)


def _parse_participant(value: dict[str, Any]) -> Participant:
    reason = value.get("end_reason")
    said = {
        **known(Participant, value),
        "state": ParticipantState(value["state"]),
        "end_reason": reason and EndReason(reason),
    }
    return Participant(**said)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _versioned(kind: str, body: str) -> Mapping[str, Any]:
    return upcast(kind, json.loads(body))
