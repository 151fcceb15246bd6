"""Whatever can be said reads back as it was said; the rest is refused precisely."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.call_events import Answered, Incoming
from chalicelib.protocol.session.codec import (
    COMMANDS,
    EVENTS,
    MAX_COMMAND_BYTES,
    MalformedCommand,
    MalformedEvent,
    as_text,
    parse_command,
    parse_event,
    redacted,
    render_command,
    render_event,
)
from chalicelib.protocol.session.commands import Command, Custom, Invite, Play, Tts
from chalicelib.protocol.session.events import Dtmf, Event
from chalicelib.protocol.session.kinds import Hidden
from chalicelib.protocol.session.options import CallOption, SipOption
from chalicelib.protocol.session.records import Nested, Record, entries_of
from chalicelib.protocol.session.speech import TranscriptionOption
from tests.protocol.session.strategies import JSON, patient, records_of


@pytest.mark.parametrize("name", COMMANDS)
@patient
@given(data=st.data())
def test_command_goes_both_ways(name: str, data: st.DataObject) -> None:
    command: Command = data.draw(records_of(COMMANDS[name]))
    text = as_text(render_command(command))
    assert parse_command(text) == command
    assert parse_command(text.encode()) == command


@pytest.mark.parametrize("name", EVENTS)
@patient
@given(data=st.data())
def test_event_goes_both_ways(name: str, data: st.DataObject) -> None:
    event: Event = data.draw(records_of(EVENTS[name]))
    rendered = json.loads(as_text(render_event(event)))
    assert parse_event(rendered) == event
    assert None not in rendered.values()


@patient
@given(text=st.text() | st.binary() | JSON.map(json.dumps))
def test_whatever_is_received_is_a_command_or_malformed(text: str | bytes) -> None:
    try:
        parse_command(text)
    except MalformedCommand as error:
        assert str(error)


@patient
@given(name=st.sampled_from(sorted(COMMANDS)), fields=st.data())
def test_fields_of_any_type_are_read_or_named(name: str, fields: st.DataObject) -> None:
    keys = [entry.keys[0] for entry in entries_of(COMMANDS[name])] or ["extra"]
    drawn = fields.draw(st.fixed_dictionaries({key: JSON for key in keys}))
    try:
        parse_command(json.dumps({**drawn, "command": name}))
    except MalformedCommand as error:
        assert error.name == name
        assert error.field and error.field.partition(".")[0] in keys


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe", "a command is UTF-8 text"),
        ("", "a command is JSON, which this is not from character 0"),
        ('{"command":', "a command is JSON, which this is not from character 11"),
        ('"hangup"', "the command must stand in a JSON object"),
        ("[]", "the command must stand in a JSON object"),
        ("null", "the command must stand in a JSON object"),
        ("{}", "command is required, and is a string"),
        ('{"command":7}', "command is required, and is a string"),
        ('{"command":"start"}', "the command start is not known"),
        ('{"command":"an offer\\r\\n"}', "the command is not known"),
        (f'{{"command":"{"x" * 33}"}}', "the command is not known"),
        ('{"a":NaN}', "a command must hold finite numbers only"),
        ('{"a":-Infinity}', "a command must hold finite numbers only"),
        ('{"a":1e999}', "a command must hold finite numbers only"),
        ('{"a":"\\ud800"}', "a command must be Unicode text without lone surrogates"),
        ('{"\\ud800":1}', "a command must name its fields with Unicode text"),
        (f'{{"a":{"9" * 5000}}}', "a command has numbers of ordinary length"),
        ("[" * 40 + "]" * 40, "a command must be nested at most 32 deep"),
        ("[" * 70_000, "a command must be nested at most 32 deep"),
        ("[" * 100_000, "a command must have at most 75536 of ,[{"),
        (f"[{'0,' * 10_000}0]", "a command must hold at most 10000 values"),
        (" " * (MAX_COMMAND_BYTES + 1), "a command has at most 1048576 bytes"),
        (b" " * (MAX_COMMAND_BYTES + 1), "a command has at most 1048576 bytes"),
    ],
)
def test_refuse_what_is_no_command(text: str | bytes, sentence: str) -> None:
    with pytest.raises(MalformedCommand) as caught:
        parse_command(text)
    assert str(caught.value) == sentence
    assert caught.value.name is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"command": "tts"}, "text", "tts: text is required"),
        ({"command": "tts", "text": None}, "text", "tts: text is required"),
        ({"command": "tts", "text": 5}, "text", "tts: text must be a string"),
        (
            {"command": "tts", "text": "x" * 10_001},
            "text",
            "tts: text must have at most 10000 characters",
        ),
        (
            {"command": "tts", "text": "???", "base64": True},
            "text",
            "tts: text must be base64",
        ),
        (
            {"command": "tts", "text": "", "streaming": "yes"},
            "streaming",
            "tts: streaming must be true or false",
        ),
        (
            {"command": "play", "url": "x", "offsetMs": 1.5},
            "offsetMs",
            "play: offsetMs must be a whole number from 0 to 9007199254740991",
        ),
        ({"command": "invite"}, "option", "invite: option is required"),
        (
            {"command": "invite", "option": []},
            "option",
            "invite: option must be an object",
        ),
        (
            {"command": "invite", "option": {"asr": {"samplerate": True}}},
            "option.asr.samplerate",
            "invite: option.asr.samplerate must be a whole number from 8000 to 48000",
        ),
        (
            {"command": "accept", "option": {"codec": "g729"}},
            "option.codec",
            "accept: option.codec must be one of pcmu, pcma, g722, pcm, opus",
        ),
        (
            {"command": "accept", "option": {"recorder": {}}},
            "option.recorder.recorderFile",
            "accept: option.recorder.recorderFile is required",
        ),
        (
            {"command": "accept", "option": {"sip": {"headers": {"X": "a\r\nB: c"}}}},
            "option.sip.headers",
            "accept: option.sip.headers must hold headers whose value must be one line"
            " without control characters",
        ),
        (
            {"command": "bridge", "targetSessionId": "../a"},
            "targetSessionId",
            "bridge: targetSessionId must be 1 to 256 letters, digits and"
            " . _ @ : + ~ = -",
        ),
    ],
)
def test_refuse_a_field_that_is_wrong(
    fields: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(MalformedCommand) as caught:
        parse_command(json.dumps(fields))
    assert (caught.value.name, caught.value.field) == (fields["command"], field)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("secret", ["sk-1\n234", 1234])
def test_sentence_never_quotes_what_was_sent(secret: Any) -> None:
    fields = {"command": "invite", "option": {"asr": {"secretKey": secret}}}
    with pytest.raises(MalformedCommand) as caught:
        parse_command(json.dumps(fields))
    assert "34" not in str(caught.value)


def test_fields_that_nobody_knows_are_ignored() -> None:
    text = '{"command":"play","url":"a","play_id":"b","more":[1]}'
    assert parse_command(text) == Play("a")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "the event must stand in a JSON object"),
        ({}, "event is required, and is a string"),
        ({"event": "start"}, "the event start is not known"),
        ({"event": "ping"}, "ping: timestamp is required"),
        (
            {"event": "dtmf", "trackId": "t", "timestamp": 0, "digit": "E"},
            "dtmf: digit must be one of 0 to 9, *, # and A to D",
        ),
    ],
)
def test_refuse_what_is_no_event(value: Any, sentence: str) -> None:
    with pytest.raises(MalformedEvent) as caught:
        parse_event(value)
    assert str(caught.value) == sentence


def all_records() -> list[type[Record]]:
    """The commands, the events, and all that stands in them."""
    found: list[type[Record]] = [*COMMANDS.values(), *EVENTS.values()]
    for record in found:
        for entry in entries_of(record):
            if isinstance(entry.kind, Nested) and entry.kind.record not in found:
                found.append(entry.kind.record)
    return found


@pytest.mark.parametrize("record", all_records(), ids=lambda r: r.__name__)
def test_what_is_hidden_is_in_no_repr(record: type[Record]) -> None:
    for entry in entries_of(record):
        field = record.__dataclass_fields__[entry.attribute]
        assert not (isinstance(entry.kind, Hidden) and field.repr), entry.attribute


SECRETIVE = Invite(
    CallOption(
        offer="v=0 hush",
        callee="bob",
        sip=SipOption(username="alice", password="hush", headers={"X": "hush"}),
        asr=TranscriptionOption(
            provider="tencent",
            app_id="hush",
            secret_id="hush",
            secret_key="hush",
            endpoint="wss://me:hush@asr.example/v1?key=hush",
            extra={"token": "hush"},
        ),
    )
)


def test_secrets_and_sdp_are_not_shown() -> None:
    assert "hush" not in json.dumps(redacted(SECRETIVE))
    assert "hush" in json.dumps(render_command(SECRETIVE))
    option = redacted(SECRETIVE)["option"]
    assert option["sip"] == {"username": "alice"}
    assert option["asr"]["endpoint"] == "wss://asr.example/v1"
    assert (option["callee"], redacted(SECRETIVE)["command"]) == ("bob", "invite")


@pytest.mark.covers(
    "VADOption.secretKey",
    "VADOption.secretId",
    "TranscriptionOption.appId",
    "TranscriptionOption.secretId",
    "TranscriptionOption.secretKey",
    "SynthesisOption.appId",
    "SynthesisOption.secretId",
    "SynthesisOption.secretKey",
)
@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ("vad", ["secretKey", "secretId"]),
        ("asr", ["appId", "secretId", "secretKey"]),
        ("tts", ["appId", "secretId", "secretKey"]),
    ],
)
def test_keys_of_providers_are_read_and_not_shown(part: str, keys: list[str]) -> None:
    given = {part: dict.fromkeys(keys, "hush")}
    text = json.dumps({"command": "invite", "option": given})
    invite = parse_command(text)
    assert render_command(invite)["option"][part].items() >= given[part].items()
    assert not {*keys} & {*redacted(invite)["option"][part]}


def test_redacted_events_keep_what_is_no_secret() -> None:
    incoming = Incoming("t", 1, "alice", "bob", "v=0", {"X-Tenant": "7"})
    assert redacted(incoming) == {
        "event": "incoming",
        "trackId": "t",
        "timestamp": 1,
        "caller": "alice",
        "callee": "bob",
        "headers": {"X-Tenant": "7"},
    }


def test_repr_shows_no_sdp_digit_or_secret() -> None:
    shown = repr((SECRETIVE.option.sip, Answered("t", 1, "hush"), Dtmf("t", 1, "7")))
    assert "hush" not in shown and "digit" not in shown


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://me:hush@s3.example/a.wav?key=hush#hush", "https://s3.example/a.wav"),
        ("http://[hush", ""),
        ("sounds/why?.wav", "sounds/why?.wav"),
        ("", ""),
    ],
)
def test_credentials_in_a_url_are_not_kept(sent: str, kept: str) -> None:
    fields = redacted(Play(sent, play_id=sent))
    assert (fields["url"], fields["playId"]) == (kept, kept)


def test_text_frame_is_compact_and_legible() -> None:
    assert as_text(render_command(Custom("é"))) == '{"command":"custom","data":"é"}'


def test_audio_in_a_text_is_decoded() -> None:
    assert Tts("AAE=", base64=True).audio() == b"\x00\x01"
    assert Tts("AAE=").audio() is None


def test_refuse_a_megabyte_of_empty_objects_unparsed() -> None:
    text = '{"command":"custom","data":[' + ",".join(["{}"] * 300_000) + "]}"
    with pytest.raises(MalformedCommand, match="at most .* of"):
        parse_command(text)


def test_take_a_text_of_many_commas() -> None:
    text = json.dumps({"command": "history", "speaker": "x", "text": "," * 60_000})
    assert parse_command(text).command == "history"
