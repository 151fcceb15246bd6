"""What real clients send is understood as they mean it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.codec import (
    MalformedCommand,
    parse_command,
    redacted,
)
from chalicelib.protocol.session.commands import (
    AddIceCandidate,
    Hangup,
    Invite,
    Play,
    SendDigits,
    Tts,
    wait_input_ms,
)
from chalicelib.protocol.session.options import CallOption, SipOption
from chalicelib.protocol.session.speech import (
    DEFAULTS,
    EouOption,
    SynthesisOption,
    TranscriptionOption,
    VadOption,
)
from chalicelib.protocol.session.vocabulary import Codec, VadType
from tests.protocol.session.strategies import patient, records_of


def invited(option: dict[str, Any]) -> CallOption:
    command = parse_command(json.dumps({"command": "invite", "option": option}))
    assert isinstance(command, Invite)
    return command.option


@pytest.mark.parametrize("key", ["sdpMLineIndex", "sdpMlineIndex", "sdpmLineIndex"])
def test_line_of_a_candidate_is_read_in_any_spelling(key: str) -> None:
    text = json.dumps({"command": "addIceCandidate", "candidate": "", key: 0.0})
    assert parse_command(text) == AddIceCandidate("", sdp_m_line_index=0)


def test_first_spelling_wins() -> None:
    assert invited({"asr": {"secretKey": "a", "apiKey": "b"}}).asr == (
        TranscriptionOption(secret_key="a")
    )


@pytest.mark.parametrize(
    ("sent", "handshake_ms"),
    [
        ("30s", 30_000),
        (" 1.5s ", 1_500),
        ("500ms", 500),
        ("2m", 120_000),
        ("30", 30_000),
        (30, 30_000),
        (0.25, 250),
        (None, None),
    ],
)
def test_handshake_timeout_is_text_or_seconds(sent: Any, handshake_ms: int) -> None:
    assert invited({"handshakeTimeout": sent}).handshake_timeout_ms == handshake_ms


@pytest.mark.parametrize(
    "sent", ["soon", "", "-1s", "2h", "61m", True, [], -1, 10**400]
)
def test_handshake_timeout_that_is_no_time_is_refused(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"handshakeTimeout must be seconds or text"):
        invited({"handshakeTimeout": sent})


def test_sip_option_is_read_in_both_spellings() -> None:
    expected = SipOption(
        hangup_headers={"X": "1"}, extract_headers=("X",), enable_srtp=True
    )
    camel = {"hangupHeaders": {"X": "1"}, "extractHeaders": ["X"], "enableSrtp": True}
    snake = {
        "hangup_headers": {"X": "1"},
        "extract_headers": ["X"],
        "enable_srtp": True,
    }
    assert invited({"sip": camel}).sip == invited({"sip": snake}).sip == expected


def test_aliases_of_models_voices_and_keys_are_read() -> None:
    option = invited(
        {
            "asr": {"model": "16k_zh", "apiKey": "k"},
            "tts": {"voice": "cosy", "apiKey": "k"},
            "eou": {"apiKey": "k"},
        }
    )
    assert option.asr == TranscriptionOption(model_type="16k_zh", secret_key="k")
    assert option.tts == SynthesisOption(model="cosy", secret_key="k")
    assert option.eou == EouOption(secret_key="k")


def test_codec_is_read_in_any_case() -> None:
    assert invited({"codec": "PCMA"}).codec is Codec.PCMA


def test_null_is_as_good_as_absent() -> None:
    assert invited({"denoise": None, "vad": {"type": None}}) == CallOption(
        vad=VadOption()
    )


@pytest.mark.parametrize(
    ("type_", "known"),
    [("silero", VadType.SILERO), ("WebRTC", VadType.WEBRTC), ("nop", None)],
)
def test_unknown_vad_type_is_read_and_told_apart(
    type_: str, known: VadType | None
) -> None:
    option = invited({"vad": {"type": type_}}).vad
    assert option is not None
    assert option.known_type is known


@pytest.mark.parametrize(
    ("timeout", "wait_ms"),
    [
        (None, 0),
        (0, 0),
        (0.5, 500),
        (30, 30_000),
        (999, 999_000),
        (1_000, 1_000),
        (5_000, 5_000),
    ],
)
def test_wait_for_input_is_seconds_or_milliseconds(
    timeout: float | None, wait_ms: int
) -> None:
    assert wait_input_ms(timeout) == wait_ms


def test_playback_is_named_by_its_url_or_by_choice() -> None:
    assert Play("http://a").playback_id == "http://a"
    assert Play("http://a", play_id="b").playback_id == "b"


def test_hangup_reason_is_kept_as_it_was_sent() -> None:
    text = '{"command":"hangup","reason":"user_requested","initiator":"user"}'
    assert parse_command(text) == Hangup("user_requested", "user")


def test_keys_to_press_have_the_lengths_of_a_keypad() -> None:
    sent = '{"command":"dtmf","digits":"12#d","durationMs":40}'
    assert parse_command(sent) == SendDigits("12#d", 40, 60)
    assert parse_command('{"command":"dtmf","digits":"1"}') == SendDigits("1", 100, 60)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "digits is required"),
        ({"digits": ""}, "digits must be 1 to 64 of 0 to 9, *, # and A to D"),
        ({"digits": "1" * 65}, "digits must be 1 to 64 of 0 to 9, *, # and A to D"),
        ({"digits": "1e"}, "digits must be 1 to 64 of 0 to 9, *, # and A to D"),
        (
            {"digits": "1", "durationMs": 39},
            "durationMs must be a whole number from 40 to 5000",
        ),
        ({"digits": "1", "gapMs": 19}, "gapMs must be a whole number from 20 to 5000"),
    ],
)
def test_keys_that_are_none_are_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MalformedCommand) as caught:
        parse_command(json.dumps({"command": "dtmf", **fields}))
    assert str(caught.value) == f"dtmf: {sentence}"


def test_keys_to_press_are_kept_nowhere() -> None:
    command = SendDigits("4929")
    assert "4929" not in repr(command)
    assert redacted(command) == {"command": "dtmf", "durationMs": 100, "gapMs": 60}


@patient
@given(option=records_of(SynthesisOption), base=records_of(SynthesisOption))
def test_option_laid_over_another_keeps_what_it_says(
    option: SynthesisOption, base: SynthesisOption
) -> None:
    laid = option.over(base)
    assert laid.volume == (base.volume if option.volume is None else option.volume)
    assert laid.over(base) == laid
    assert option.over(option) == option


def test_option_of_a_command_lies_over_the_calls_and_the_defaults() -> None:
    call = SynthesisOption(provider="tencent", volume=8)
    laid = SynthesisOption(speed=1.5).over(call).over(DEFAULTS)
    assert (laid.provider, laid.volume, laid.speed) == ("tencent", 8, 1.5)
    assert laid.samplerate == 16_000


@patient
@given(text=st.text(max_size=20))
def test_text_that_is_no_audio_is_refused_as_audio(text: str) -> None:
    try:
        assert Tts(text, base64=True).audio() is not None
    except ValueError as error:
        assert str(error).startswith("text must")
