"""A call by linphonec: it speaks, presses keys, and hangs up."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from tests.e2e.voice.phones import listening, phone_worker, reason_of
from tests.peers.baresip import save
from tests.peers.linphone import linphone
from tests.worker.speech.test_engines import recorded, words

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.skipif(
        shutil.which("linphonec") is None, reason="linphonec is missing"
    ),
]

RATE = 8_000
HEARING: dict[str, Any] = {"vad": {}, "asr": {}, "tts": {}}


def test_a_call_with_speech_and_digits(tmp_path: Path) -> None:
    microphone = tmp_path / "in.wav"
    speech = soxr.resample(recorded(6).astype(np.int16), 16_000, RATE)
    quiet = np.zeros(RATE * 3)
    samples = np.concatenate([speech, quiet]).astype(np.int16)
    save(microphone, samples.tobytes())

    async def act() -> None:
        async with (
            asyncio.timeout(60),
            listening(phones) as app,
            linphone(tmp_path) as phone,
        ):
            await phone.type(f"record {tmp_path / 'out.wav'}")
            await phone.type(f"call sip:agent@{phones.target}")
            await app.until(lambda record: record.events("incoming"))
            await app.command("accept", option=HEARING)
            await app.until(lambda record: record.events("answer"))
            await asyncio.sleep(0.5)
            await phone.type(f"play {microphone}")
            await app.until(lambda record: record.events("mediaReady"))
            await app.until(lambda record: record.events("asrFinal"))
            await phone.type("5")
            await app.until(lambda record: record.events("dtmf"))
            await phone.type("terminate")
            await app.until(lambda record: record.events("hangup"))
        assert reason_of(app) == ("byCaller", "caller")
        assert app.record.events("dtmf")[0]["digit"] == "5"
        text = " ".join(event["text"] for event in app.record.events("asrFinal"))
        assert {"best", "times"} & set(words(text)), text

    (tmp_path / "worker").mkdir()
    with phone_worker(tmp_path / "worker") as phones:
        asyncio.run(act())
