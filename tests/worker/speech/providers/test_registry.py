"""Which provider is asked, with whose credentials, and where it may go."""

import pytest

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.composition import KNOWN, speech_environment
from mediaworker.settings import Settings
from mediaworker.speech.guard import Guard
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import names
from mediaworker.speech.providers.deepgram import Deepgram
from mediaworker.speech.providers.net import Pool
from mediaworker.speech.providers.registry import Registry
from mediaworker.speech.providers.voiceapi import VoiceApi
from tests.worker.speech.providers.contract import frames, run

OURS = {
    "DEEPGRAM_API_KEY": "s3cr3t",
    "VOICEAPI_ENDPOINT": "ws://10.0.0.5:8000",
    "PARLEY_JWT_SECRET": "another",
    "PATH": "/bin",
}


def registry(environment: dict[str, str] = OURS) -> Registry:
    return Registry(environment, Pool(Guard(UrlPolicy())))


@pytest.mark.parametrize("name", [None, "embedded", "Flite", "nobody"])
def test_leave_to_the_worker_what_is_no_providers(name: str | None) -> None:
    assert registry().synthesizer(SynthesisOption(name)) is None
    assert registry().recognizer(TranscriptionOption(name)) is None


def test_make_each_once_whatever_it_is_asked_as() -> None:
    ours = registry()
    speaker = ours.synthesizer(SynthesisOption("DEEPGRAM"))
    assert isinstance(speaker, Deepgram)
    assert ours.recognizer(TranscriptionOption("deepgram")) is speaker
    elsewhere = TranscriptionOption("deepgram", endpoint="https://a.example")
    assert ours.recognizer(elsewhere) is not speaker


@pytest.mark.parametrize("name", sorted({*names.SPEAKS, *names.HEARS}))
def test_have_an_adapter_for_every_name(name: str) -> None:
    ours = registry()
    if name in names.SPEAKS:
        speaker = ours.synthesizer(SynthesisOption(name))
        assert speaker is not None and speaker.name
        assert speaker.rate(SynthesisOption(), 8_000) >= 8_000
    if name in names.HEARS:
        recognizer = ours.recognizer(TranscriptionOption(name))
        assert recognizer is not None and recognizer.name


@pytest.mark.covers("TranscriptionOption.endpoint")
def test_bring_no_credentials_of_ours_to_an_endpoint_of_theirs() -> None:
    option = TranscriptionOption("deepgram", endpoint="https://a.example")
    recognizer = registry().recognizer(option)
    assert recognizer is not None

    async def talk(_: object) -> None:
        with pytest.raises(Failure, match="has no credentials"):
            async for _ in recognizer.transcribe(option, 16_000, frames()):
                raise AssertionError

    run(talk)


def test_lead_to_the_operators_own_network_and_nobody_else_there() -> None:
    ours = registry().synthesizer(SynthesisOption("voiceapi"))
    assert isinstance(ours, VoiceApi)
    url = "ws://10.0.0.5:8000/tts"
    ours._net.connect(url)
    theirs = registry().synthesizer(SynthesisOption("voiceapi", endpoint=url))
    assert isinstance(theirs, VoiceApi)
    with pytest.raises(Failure, match="not allowed"):
        theirs._net.connect(url)


def test_fail_where_an_adapter_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(names.SPEAKS, "deepgram", "not_there")
    with pytest.raises(Failure) as failed:
        registry().synthesizer(SynthesisOption("deepgram"))
    assert failed.value.code == 501


def test_give_the_speech_process_the_providers_credentials_only() -> None:
    settings = Settings.parse({"PARLEY_JWT_SECRET": "s" * 32})
    given = speech_environment(OURS, settings, "w1")
    assert given["DEEPGRAM_API_KEY"] == "s3cr3t"
    assert given["VOICEAPI_ENDPOINT"] and given["PATH"] == "/bin"
    assert "PARLEY_JWT_SECRET" not in given
    # The recording process is given those, too.
    assert not set(KNOWN) & set(names.CREDENTIALS)
