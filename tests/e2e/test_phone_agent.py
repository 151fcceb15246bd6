"""``make run``, and a telephone: baresip dials the example agent and talks with it."""

import os
import shutil
import signal
import subprocess
import time
import wave
from collections.abc import Callable
from pathlib import Path

import jwt
import numpy as np
import pytest
import soxr

from examples.agent.agent import GREETING
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.test_laptop import (
    SECRET,
    START_SECONDS,
    STOP_SECONDS,
    Laptop,
    children_of,
    free_ports,
    get,
    laptop,
    wait_until_gone,
)
from tests.e2e.voice.hearing import Samples, understood
from tests.worker.models import MODELS
from tests.worker.speech.test_engines import error_rate, words

BARESIP = shutil.which("baresip")

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.alone,
    pytest.mark.skipif(BARESIP is None, reason="baresip is not installed"),
]

RATE = 8_000
SPOKEN = "It was the best of times, it was the worst of times"
SPOKEN_FROM_SECONDS, SPOKEN_SECONDS = 1.1, 3.5
"""Where it stands in the recording."""
GREETING_SECONDS, ANSWER_SECONDS = 5.5, 6.5
"""More than they take."""
CALL_SECONDS = GREETING_SECONDS + SPOKEN_SECONDS + ANSWER_SECONDS + 5
MOST_WRONG = 0.4
"""Share of words: a telephone line is narrow, and this one is gone through twice."""
MODULES = (
    "module g711.so",
    "module aufile.so",
    "module sndfile.so",
    "module_app account.so",
    "module_app contact.so",
    "module_app menu.so",
)


class Baresip:
    """A telephone that says a file, and keeps what it hears."""

    def __init__(self, folder: Path, port: int, said: Path) -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "contacts").touch()
        (folder / "accounts").write_text(
            f"<sip:tester@127.0.0.1:{port};transport=udp>;regint=0;audio_codecs=PCMU\n"
        )
        lines = (
            "module_path /usr/lib/baresip/modules",
            f"sip_listen 127.0.0.1:{port}",
            f"audio_source aufile,{said}",
            f"audio_player aufile,{folder / 'player.wav'}",
            f"ausrc_srate {RATE}",
            f"auplay_srate {RATE}",
            f"snd_path {folder}",
            *MODULES,
        )
        (folder / "config").write_text("\n".join(lines) + "\n")
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def dial(self, uri: str) -> None:
        """It hangs up at the end of its file."""
        assert BARESIP is not None
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [BARESIP, "-f", str(self._folder), "-e", f"d {uri}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_told(self, text: str, seconds: float) -> None:
        wait_until(lambda: text in self._log.read_text(errors="replace"), seconds)

    def heard(self) -> Samples:
        """From the answer on, once it has been put down."""
        self.put_down()
        (dump,) = self._folder.glob("dump-*-dec.wav")
        with wave.open(str(dump)) as file:
            assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)

    def put_down(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.05)


def wait_for_sessions(stack: Laptop, count: int) -> None:
    """Of the agent: it talks in some and waits in others."""
    wanted = Wanted("root", "admin", "default", hours=1)
    token = jwt.encode(claims_of(wanted, int(now_seconds())), SECRET)
    url = f"http://127.0.0.1:{stack.worker_port}/call/lists?token={token}"

    def are_there() -> bool:
        status, answer = get(url)
        return status == 200 and len(answer["calls"]) == count

    wait_until(are_there, START_SECONDS)


def agent_of(stack: Laptop) -> int | None:
    """Its process."""
    for pid in children_of(stack.process.pid):
        try:
            if b"examples.agent" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            continue
    return None


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """Recorded speech, once the greeting is over, and time for an answer."""
    with wave.open(str(MODELS / "speech-samples" / "two_cities.wav")) as file:
        rate = file.getframerate()
        file.setpos(int(SPOKEN_FROM_SECONDS * rate))
        frames = file.readframes(int(SPOKEN_SECONDS * rate))
    speech = soxr.resample(np.frombuffer(frames, np.int16), rate, RATE)
    before, after = (
        np.zeros(int(seconds * RATE), np.int16)
        for seconds in (GREETING_SECONDS, ANSWER_SECONDS)
    )
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate([before, speech, after]).tobytes())
    return path


def test_dial_the_agent_and_talk_with_it_two_at_a_time(
    said: Path, tmp_path: Path
) -> None:
    sip_port, *ports = free_ports(3)
    variables = {"PARLEY_AGENT": "on", "PARLEY_SIP_PORT": str(sip_port)}
    phones = [
        Baresip(tmp_path / f"phone-{number}", port, said)
        for number, port in enumerate(ports)
    ]
    with laptop(**variables) as stack:
        stack.wait_until_ready()
        try:
            for others, phone in enumerate(phones):
                wait_for_sessions(stack, others + 1)
                phone.dial(f"sip:agent@127.0.0.1:{sip_port}")
                phone.wait_until_told("Call established", STOP_SECONDS)
            for phone in phones:
                phone.wait_until_told("terminated (duration", CALL_SECONDS)
            heard = [phone.heard() for phone in phones]
        finally:
            for phone in phones:
                phone.put_down()
        children = children_of(stack.process.pid)
        assert len(children) == 2
        status, _, errors = stack.stop()
        assert status == 0
        assert "Traceback" not in errors
        assert "best of times" not in errors
        for child in children:
            wait_until_gone(child)
    for samples in heard:
        is_greeted(samples[: int(GREETING_SECONDS * RATE)])
        is_answered(samples[int((GREETING_SECONDS + SPOKEN_SECONDS) * RATE) :])


def is_greeted(samples: Samples) -> None:
    text = understood(samples, RATE)
    assert error_rate(words(GREETING), words(text)) <= MOST_WRONG, text


def is_answered(samples: Samples) -> None:
    text = understood(samples, RATE)
    heard, _, repeated = text.lower().partition("said")
    assert {"i", "heard", "words"} <= set(words(heard)), text
    assert error_rate(words(SPOKEN), words(repeated)) <= MOST_WRONG, text


def test_start_the_agent_again_and_leave_none_when_killed() -> None:
    (sip_port,) = free_ports(1)
    with laptop(PARLEY_AGENT="on", PARLEY_SIP_PORT=str(sip_port)) as stack:
        stack.wait_until_ready()
        wait_for_sessions(stack, 1)
        agent = agent_of(stack)
        assert agent is not None
        os.kill(agent, signal.SIGKILL)
        wait_until_gone(agent)
        wait_until(lambda: agent_of(stack) is not None, START_SECONDS)
        second = agent_of(stack)
        assert second is not None
        stack.process.kill()
        wait_until_gone(second)
