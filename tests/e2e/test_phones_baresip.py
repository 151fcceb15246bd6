"""Calls with baresip: both ways, heard both ways, held, with digits."""

import asyncio
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from tests.e2e.voice.caller import connected
from tests.e2e.voice.hearing import Samples, understood
from tests.e2e.voice.phones import (
    PhoneWorker,
    listening,
    phone_worker,
    play,
    reason_of,
)
from tests.peers.baresip import Baresip, baresip, save
from tests.worker.speech.test_engines import error_rate, recorded, words

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is missing"),
]

RATE = 8_000
TEXT = "The quick brown fox jumps over the lazy dog."
HEARING: dict[str, Any] = {"vad": {}, "asr": {}, "tts": {}}


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneWorker]:
    with phone_worker(tmp_path_factory.mktemp("phones")) as running:
        yield running
    assert running.worker.lines("error") == running.worker.lines("critical") == []


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of nothing, a recorded sentence, and quiet for a while."""
    speech = soxr.resample(recorded(6).astype(np.int16), 16_000, RATE)
    samples = np.concatenate(
        [np.zeros(RATE // 2, np.int16), speech, np.zeros(RATE * 12, np.int16)]
    )
    path = tmp_path_factory.mktemp("microphone") / "in.wav"
    save(path, samples.astype(np.int16).tobytes())
    return path


def test_both_hear_each_other_and_the_phone_hangs_up(
    phones: PhoneWorker, microphone: Path, tmp_path: Path
) -> None:
    async def act() -> None:
        async with listening(phones) as app, baresip(tmp_path, microphone) as phone:
            await phone.command("dial", f"sip:agent@{phones.target}")
            await app.until(lambda record: record.events("incoming"))
            await app.command("accept", option=HEARING)
            await phone.until("CALL_ESTABLISHED")
            await app.until(lambda record: record.events("asrFinal"))
            await app.command("tts", text=TEXT, playId="fox")
            await app.until(
                lambda r: any(e.get("playId") for e in r.events("trackEnd"))
            )
            await phone.command("sndcode", "5")
            await phone.command("sndcode", "#")
            await app.until(lambda record: len(record.events("dtmf")) == 2)
            await phone.command("hangup")
            await app.until(lambda record: record.events("hangup"))
        assert reason_of(app) == ("byCaller", "caller")
        assert [event["digit"] for event in app.record.events("dtmf")] == ["5", "#"]
        assert app.record.events("mediaReady")
        heard = " ".join(event["text"] for event in app.record.events("asrFinal"))
        assert {"best", "times"} & set(words(heard)), heard
        told = understood(heard_by(phone), RATE)
        assert error_rate(words(TEXT), words(told)) <= 0.4, told

    play(act)


def test_the_phone_holds_the_call_and_takes_it_back(
    phones: PhoneWorker, microphone: Path, tmp_path: Path
) -> None:
    async def act() -> None:
        async with listening(phones) as app, baresip(tmp_path, microphone) as phone:
            await phone.command("dial", f"sip:agent@{phones.target}")
            await app.until(lambda record: record.events("incoming"))
            await app.command("accept", option={})
            await phone.until("CALL_ESTABLISHED")
            await phone.command("hold")
            await app.until(lambda record: len(record.events("hold")) == 1)
            await phone.command("resume")
            await app.until(lambda record: len(record.events("hold")) == 2)
            held = [event["onHold"] for event in app.record.events("hold")]
            assert held == [True, False]
            await app.command("hangup")
            await phone.until("CALL_CLOSED")

    play(act)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_a_call_goes_out_to_the_phone(
    phones: PhoneWorker, microphone: Path, tmp_path: Path, codec: str
) -> None:
    async def act() -> None:
        async with (
            baresip(tmp_path, microphone, answers=True, codecs=codec) as phone,
            connected(phones.url()) as app,
        ):
            await app.command("invite", option={"callee": phone.uri, **HEARING})
            await app.until(lambda record: record.events("answer"))
            await app.command("tts", text=TEXT, playId="fox")
            await app.until(
                lambda r: any(e.get("playId") for e in r.events("trackEnd"))
            )
            await asyncio.sleep(0.3)
            await app.command("hangup")
            await phone.until("CALL_CLOSED")
        told = understood(heard_by(phone), rate_of(phone))
        assert error_rate(words(TEXT), words(told)) <= 0.4, told

    play(act)


def heard_by(phone: Baresip) -> Samples:
    """Of its last call."""
    with wave.open(str(phone.heard()[-1])) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def rate_of(phone: Baresip) -> int:
    with wave.open(str(phone.heard()[-1])) as file:
        return int(file.getframerate())
