"""Both sides of the talk on one tape, the person left and the agent right."""

import wave
from pathlib import Path

from examples.agent.person import RATE


class Tape:
    """The person's audio never stops, so it tells when the agent's came."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._right = bytearray()

    def person(self, frame: bytes) -> None:
        self._left += frame

    def agent(self, audio: bytes) -> None:
        self._right += bytes(max(0, len(self._left) - len(self._right)))
        self._right += audio

    @property
    def agent_audio(self) -> bytes:
        """With the silences between what it said."""
        return bytes(self._right)

    def save(self, path: Path) -> None:
        length = max(len(self._left), len(self._right))
        both = bytearray(2 * length)
        for side, samples in enumerate((self._left, self._right)):
            samples = samples + bytes(length - len(samples))
            both[2 * side :: 4] = samples[0::2]
            both[2 * side + 1 :: 4] = samples[1::2]
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(both)
