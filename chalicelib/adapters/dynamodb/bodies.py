"""What items carry as JSON with ``v``: calls, events, command records."""

import json
from dataclasses import asdict, replace
from typing import Any

from chalicelib.domain.call import Call, Participant
from chalicelib.protocol.envelope import stamped, version_of
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

_EMPTY = (None, "")


def dump_record(record: CommandRecord) -> str:
    fields = {
        "fingerprint": record.fingerprint,
        "call": _call_fields(record.call),
        "refusal": record.refusal,
        "refusal_subject": record.refusal_subject,
    }
    return _dump(stamped(fields))


def parse_record(tenant: str, command_id: str, body: str) -> CommandRecord:
    value = _versioned(body)
    return CommandRecord(
        tenant=tenant,
        command_id=command_id,
        fingerprint=value["fingerprint"],
        call=_parse_call_fields(value["call"]),
        refusal=value["refusal"],
        refusal_subject=value["refusal_subject"],
    )


def dump_event(event: OutboxEvent) -> str:
    return _dump(stamped(asdict(event)))


def parse_event(body: str) -> OutboxEvent:
    value = _versioned(body)
    del value["v"]
    return OutboxEvent(**value)


def dump_call(call: Call) -> str:
    return _dump(stamped(_call_fields(call)))


def parse_call(body: str) -> Call:
    return _parse_call_fields(_versioned(body))


def _call_fields(call: Call) -> dict[str, Any]:
    """The fields that say something: None and the defaults of a member go without."""
    fields = asdict(replace(call, participants=()))
    fields["participants"] = [
        {name: value for name, value in asdict(member).items() if value not in _EMPTY}
        for member in call.participants
    ]
    return {name: value for name, value in fields.items() if value not in (None, {})}


def _parse_call_fields(value: dict[str, Any]) -> Call:
    fields = {name: field for name, field in value.items() if name != "v"}
    reason, initiator = fields.get("end_reason"), fields.get("initiator")
    fields.update(
        dialect=Dialect(fields["dialect"]),
        provider=Provider(fields["provider"]),
        media_type=MediaType(fields["media_type"]),
        state=CallState(fields["state"]),
        end_reason=reason and EndReason(reason),
        initiator=initiator and Initiator(initiator),
        participants=tuple(map(_parse_participant, fields["participants"])),
    )
    return Call(**fields)


def _parse_participant(value: dict[str, Any]) -> Participant:
    reason = value.get("end_reason")
    fields = {
        **value,
        "state": ParticipantState(value["state"]),
        "end_reason": reason and EndReason(reason),
    }
    return Participant(**fields)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _versioned(body: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(body)
    version_of(value)
    return value
