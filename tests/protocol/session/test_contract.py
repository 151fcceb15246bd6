"""What the contract prints is read, and comes back as it was printed."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.protocol.session import call_events, options, records, speech
from chalicelib.protocol.session.codec import (
    COMMANDS,
    EVENTS,
    as_text,
    parse_command,
    parse_event,
    render_command,
    render_event,
)
from chalicelib.protocol.session.records import Record, entries_of
from chalicelib.protocol.session.speech import DEFAULTS
from chalicelib.protocol.session.vocabulary import DEFAULT_CODEC
from tests.protocol.session import contract_examples as contract

RECORDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        options.CallOption,
        options.RecorderOption,
        options.MediaPassOption,
        options.ReferOption,
        options.SipOption,
        speech.TranscriptionOption,
        speech.SynthesisOption,
        speech.VadOption,
        call_events.Attendee,
    )
}


def contains(whole: Any, part: Any) -> bool:
    """Whether an object says all that another does, and perhaps defaults besides."""
    if isinstance(part, Mapping):
        return all(contains(whole.get(key), value) for key, value in part.items())
    return bool(whole == part)


@pytest.mark.parametrize("example", contract.COMMANDS, ids=lambda e: e["command"])
def test_parse_and_render_the_printed_command(example: dict[str, Any]) -> None:
    command = parse_command(json.dumps(example))
    assert contains(render_command(command), example)
    assert parse_command(as_text(render_command(command))) == command


@pytest.mark.covers(
    "event.ping.payload",
    "event.other.event",
    "event.other.trackId",
    "event.other.timestamp",
    "event.other.sender",
    "event.other.extra",
)
@pytest.mark.parametrize("example", contract.EVENTS, ids=lambda e: e["event"])
def test_parse_and_render_the_printed_event(example: dict[str, Any]) -> None:
    assert render_event(parse_event(example)) == example


@pytest.mark.covers(
    "refer.options",
    "ReferOption.denoise",
    "ReferOption.timeout",
    "ReferOption.moh",
    "ReferOption.asr",
    "ReferOption.autoHangup",
    "ReferOption.sip",
)
@pytest.mark.parametrize("name", contract.OPTIONS)
def test_read_and_write_the_printed_option(name: str) -> None:
    example = contract.OPTIONS[name]
    assert contains(records.write(records.read(RECORDS[name], example)), example)


@pytest.mark.parametrize("name", contract.DEFAULTS)
def test_absent_keys_have_the_defaults_of_the_contract(name: str) -> None:
    required = {
        "RecorderOption": {"recorderFile": ""},
        "MediaPassOption": {
            "url": "ws://a",
            "inputSampleRate": 8000,
            "outputSampleRate": 8000,
        },
    }
    read = records.read(RECORDS[name], required.get(name, {}))
    assert contains(records.write(read), contract.DEFAULTS[name])


@pytest.mark.covers("SynthesisOption.maxConcurrentTasks", "CallOption.codec")
def test_defaults_of_speaking_and_of_the_codec_are_the_contracts() -> None:
    assert records.write(DEFAULTS) == {
        "volume": 5,
        "speed": 1.0,
        "samplerate": 16000,
        "subtitle": False,
        "maxConcurrentTasks": 1,
    }
    assert DEFAULT_CODEC == "pcmu"


@pytest.mark.parametrize("name", contract.FIELDS)
def test_every_field_is_known(name: str) -> None:
    entries = entries_of(RECORDS.get(name) or COMMANDS[name])
    missing = set(contract.FIELDS[name].split()) - {e.keys[0] for e in entries}
    assert not missing


def test_no_command_is_missing_or_unwritten() -> None:
    assert set(COMMANDS) == set(contract.FIELDS) - set(RECORDS)


@pytest.mark.parametrize("name", contract.EVENT_FIELDS)
def test_event_has_exactly_its_keys(name: str) -> None:
    keys = {
        entry.keys[0] + ("?" if entry.is_optional else "")
        for entry in entries_of(EVENTS[name])
    }
    assert keys == set(contract.EVENT_FIELDS[name].split())


def test_no_event_is_missing_or_unwritten() -> None:
    assert set(EVENTS) == set(contract.EVENT_FIELDS)
