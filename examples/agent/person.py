"""The other end of the talk: a recording that is played, or whoever sits here.

All audio here is 16-bit, one channel, at 16 kHz, in frames of 20 ms.
"""

import array
import asyncio
import wave
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

from examples.agent.agent import Event

RATE = 16_000
FRAME_BYTES = RATE // 50 * 2
FRAME_SECONDS = 0.02
SILENCE = bytes(FRAME_BYTES)
PAUSE_FRAMES = 18
"""Of quiet, and an utterance of a recording is over."""
QUIET = 400
"""A frame whose peak is below this is quiet."""
SHORTEST_FRAMES = 40
BREATH_FRAMES = 25
"""From the end of what the agent said to the person's next word."""
PATIENCE_FRAMES = 75
"""How long the person listens before it interrupts."""


class Person(Protocol):
    """Whoever the agent talks with."""

    def frames(self) -> AsyncIterator[bytes]:
        """What the person says, a frame every 20 ms, silence included."""

    def hear(self, audio: bytes) -> None:
        """What the agent says."""

    def notice(self, event: Event) -> None:
        """What the session tells."""


class Recording:
    """Says a recording's utterances in turn, and cuts in on every other answer."""

    def __init__(self, path: Path) -> None:
        self._utterances = utterances(frames_of(path))
        self._rest: Iterator[bytes] = iter(())
        self._wait: int | None = None
        """Frames until the next utterance; None: not before the agent speaks."""
        self._answers = 0
        self.said = 0

    async def frames(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            yield self.next_frame()
            due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))

    def hear(self, audio: bytes) -> None:
        """It says what it has to say, whatever it hears."""

    def notice(self, event: Event) -> None:
        match event["event"]:
            case "trackStart" if "playId" in event:
                self._answers += 1
                self._wait = PATIENCE_FRAMES if self._answers % 2 == 0 else None
            case "trackEnd" if "playId" in event and self._wait is None:
                self._wait = BREATH_FRAMES

    def next_frame(self) -> bytes:
        """The next 20 ms."""
        frame = next(self._rest, None)
        if frame is not None:
            return frame
        if self._wait is not None:
            self._wait -= 1
            if self._wait <= 0 and self.said < len(self._utterances):
                self._rest = iter(self._utterances[self.said])
                self._wait = None
                self.said += 1
        return SILENCE


class Microphone:
    """Whoever sits before this machine, by ALSA's ``arecord`` and ``aplay``."""

    def __init__(self) -> None:
        self._speaker: asyncio.subprocess.Process | None = None

    async def frames(self) -> AsyncIterator[bytes]:
        form = ("-q", "-t", "raw", "-f", "S16_LE", "-r", str(RATE), "-c", "1")
        microphone = await asyncio.create_subprocess_exec("arecord", *form, stdout=PIPE)
        self._speaker = await asyncio.create_subprocess_exec("aplay", *form, stdin=PIPE)
        assert microphone.stdout is not None
        try:
            while True:
                yield await microphone.stdout.readexactly(FRAME_BYTES)
        finally:
            for process in (microphone, self._speaker):
                process.terminate()

    def hear(self, audio: bytes) -> None:
        if self._speaker is not None and self._speaker.stdin is not None:
            self._speaker.stdin.write(audio)

    def notice(self, event: Event) -> None:
        """A person needs no telling."""


def frames_of(path: Path) -> list[bytes]:
    """A WAV file's samples in frames; raises ValueError for another form of audio."""
    with wave.open(str(path)) as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path} has to be 16-bit and of one channel")
        samples = array.array("h", file.readframes(file.getnframes()))
        rate = file.getframerate()
    if rate % RATE:
        raise ValueError(f"{path} has to be of {RATE} Hz, or a multiple of it")
    step = rate // RATE
    # A mean of neighbours keeps what is too high out of a lower rate, well enough.
    means = [
        sum(samples[at : at + step]) // step
        for at in range(0, len(samples) - step + 1, step)
    ]
    audio = array.array("h", means).tobytes()
    return [
        audio[at : at + FRAME_BYTES]
        for at in range(0, len(audio) - FRAME_BYTES + 1, FRAME_BYTES)
    ]


def utterances(frames: list[bytes]) -> list[list[bytes]]:
    """Parted at the recording's pauses; what is too short joins the next."""
    found: list[list[bytes]] = [[]]
    quiet = 0
    for frame in frames:
        is_quiet = max(map(abs, array.array("h", frame))) < QUIET
        quiet = quiet + 1 if is_quiet else 0
        found[-1].append(frame)
        if quiet >= PAUSE_FRAMES and len(found[-1]) - quiet >= SHORTEST_FRAMES:
            found.append([])
            quiet = 0
    loud = [
        part
        for part in found
        if any(max(map(abs, array.array("h", frame))) >= QUIET for frame in part)
    ]
    return [[SILENCE] * 5 + part for part in loud]
