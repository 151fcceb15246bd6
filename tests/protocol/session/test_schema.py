"""The published schema and the parser are of one mind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.protocol.session import records, schema
from chalicelib.protocol.session.codec import (
    COMMANDS,
    EVENTS,
    MalformedCommand,
    MalformedEvent,
    as_text,
    parse_command,
    parse_event,
    render_command,
    render_event,
)
from chalicelib.protocol.session.kinds import Kind, Unfit
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.records import entries_of
from infra.wiring import ROOT
from tests.protocol.session import contract_examples as contract
from tests.protocol.session.drawn_from_schema import Drawing
from tests.protocol.session.schema_faults import DOCUMENT, faults
from tests.protocol.session.strategies import JSON, patient, records_of

DRAWING = Drawing(DOCUMENT)
few = settings(patient, max_examples=12)
"""Of each type, of which there are fifty."""
FORMLESS = ("lone surrogates", "at most 3600 s", "ISO 8601")
"""What the parser refuses for a reason that no schema can say."""


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    stands = (ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8")
    assert json.loads(stands) == DOCUMENT, "run `make docs`"


def test_schema_has_every_command_and_event() -> None:
    for tag, known in (("command", COMMANDS), ("event", EVENTS)):
        union = DOCUMENT["$defs"][tag.capitalize()]
        named = {name: f"#/$defs/{kind.__name__}" for name, kind in known.items()}
        assert union["discriminator"] == {"propertyName": tag, "mapping": named}
        assert [one["$ref"] for one in union["oneOf"]] == list(named.values())


@pytest.mark.parametrize("example", contract.COMMANDS, ids=lambda e: e["command"])
def test_schema_takes_the_printed_command(example: dict[str, Any]) -> None:
    assert faults("Command", example) == []
    assert faults("Event", example)


@pytest.mark.parametrize("example", contract.EVENTS, ids=lambda e: e["event"])
def test_schema_takes_the_printed_event(example: dict[str, Any]) -> None:
    assert faults("Event", example) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_parser_takes_what_the_schema_draws(name: str) -> None:
    definition = COMMANDS[name].__name__

    @few
    @given(DRAWING.of(definition))
    def check(value: dict[str, Any]) -> None:
        assert faults(definition, value) == []
        command = parse_command(json.dumps(value))
        assert faults("Command", render_command(command)) == []

    check()


@pytest.mark.parametrize("name", EVENTS)
def test_schema_takes_what_is_rendered(name: str) -> None:
    definition = EVENTS[name].__name__

    @few
    @given(DRAWING.of(definition), records_of(EVENTS[name]))
    def check(drawn: dict[str, Any], event: Any) -> None:
        assert faults(definition, render_event(event)) == []
        assert faults(definition, drawn) == []
        parse_event(drawn)

    check()


@patient
@given(
    st.sampled_from(contract.COMMANDS + contract.EVENTS),
    st.text(max_size=4),
    JSON,
    st.randoms(use_true_random=False),
)
def test_schema_refuses_what_the_parser_refuses(
    example: dict[str, Any], key: str, value: Any, chance: Any
) -> None:
    spoilt = spoil(example, key, value, chance)
    try:
        if "command" in example:
            parse_command(as_text(spoilt))
        else:
            parse_event(spoilt)
    except (MalformedCommand, MalformedEvent) as error:
        if not any(reason in str(error) for reason in FORMLESS):
            assert faults("Command", spoilt) and faults("Event", spoilt), str(error)


def spoil(example: dict[str, Any], key: str, value: Any, chance: Any) -> dict[str, Any]:
    """The example with one value, anywhere in it, replaced or taken away."""
    whole: dict[str, Any] = json.loads(json.dumps(example))
    inside = whole
    name = chance.choice(list(inside))
    while isinstance(inside[name], dict) and inside[name] and chance.random() < 0.8:
        inside = inside[name]
        name = chance.choice(list(inside))
    if chance.random() < 0.3:
        del inside[name]
    else:
        inside[key if chance.random() < 0.1 else name] = value
    return whole


@pytest.mark.parametrize(
    "query",
    [{"dump": "maybe"}, {"ping": "soon"}, {"id": "a/b"}, {"codec": "x"}],
    ids=str,
)
def test_schema_refuses_a_strange_query(query: Mapping[str, str]) -> None:
    assert faults("SessionQuery", query)
    with pytest.raises(ValueError):
        SessionQuery.parse(query)


@patient
@given(records_of(SessionQuery).map(lambda query: query.render()))
def test_schema_takes_a_rendered_query(query: dict[str, str]) -> None:
    assert faults("SessionQuery", query) == []


@pytest.mark.parametrize(
    ("text", "is_base64", "is_good"),
    [
        ("A" * 10_001, False, False),
        ("A" * 10_000, False, True),
        ("A" * 12_000, True, True),
        ("AAA", True, False),
        ("AA==", True, True),
    ],
)
def test_text_of_tts_is_bounded_by_what_it_is(
    text: str, is_base64: bool, is_good: bool
) -> None:
    command = {"command": "tts", "text": text, "base64": is_base64}
    assert (faults("Tts", command) == []) is is_good
    try:
        parse_command(json.dumps(command))
    except MalformedCommand:
        assert not is_good


@pytest.mark.parametrize("text", ["30s\n", "one\ntwo", "line\n"])
def test_line_end_is_no_part_of_a_line(text: str) -> None:
    assert faults("Hangup", {"command": "hangup", "reason": text})
    assert faults("CallOption", {"handshakeTimeout": text})


def test_secrets_are_written_and_never_read() -> None:
    secrets = {
        (name, key)
        for name, one in DOCUMENT["$defs"].items()
        for key, field in one.get("properties", {}).items()
        if field.get("writeOnly")
    }
    for key in ("secretKey", "apiKey", "secretId"):
        for option in ("VadOption", "EouOption", "RealtimeOption"):
            assert (option, key) in secrets
    assert {
        ("SipOption", "password"),
        ("SipOption", "headers"),
        ("TranscriptionOption", "appId"),
        ("SynthesisOption", "apiKey"),
        ("CallOption", "offer"),
    } <= secrets
    assert not {(kind.__name__, "sdp") for kind in EVENTS.values()} & secrets


def test_both_spellings_are_taken_and_defaults_are_told() -> None:
    option = DOCUMENT["$defs"]["TranscriptionOption"]["properties"]
    assert option["model"]["description"] == "The same as `modelType`."
    assert option["samplerate"]["default"] == 16_000
    spoken = DOCUMENT["$defs"]["SynthesisOption"]["properties"]
    assert (spoken["volume"]["default"], spoken["speed"]["default"]) == (5, 1.0)
    assert DOCUMENT["$defs"]["CallOption"]["properties"]["codec"]["default"] == "pcmu"
    said = DOCUMENT["$defs"]["TrackEnded"]["properties"]["timestamp"]["description"]
    assert said == "When it was told.", "inherited"


def test_required_keys_have_one_spelling() -> None:
    for kind in (*COMMANDS.values(), *EVENTS.values()):
        for entry in entries_of(kind):
            assert not entry.is_required or len(entry.keys) == 1


def test_unknown_kind_has_no_schema() -> None:
    @dataclass(frozen=True, slots=True)
    class Strange(Kind):
        def check(self, value: Any) -> None:
            raise Unfit("is strange")

    with pytest.raises(TypeError, match="Strange"):
        schema.schema_of(Strange())
    with pytest.raises(Unfit):
        records.read(SessionQuery, {"id": ""})
