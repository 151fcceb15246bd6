"""Whether somebody speaks, by loudness alone, and the tone that answers."""

from dataclasses import dataclass

import numpy as np

LOUD = 500
"""Of a packet's loudest sample."""
PAUSE_MS = 600
TONE_MS = 400
TONE_HZ = 660
SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody has begun to speak, or has been silent for a pause."""

    is_speaking: bool


class Listener:
    """To 16-bit samples at one rate."""

    def __init__(self, rate: int) -> None:
        self._bytes_a_ms = rate * SAMPLE_BYTES / 1_000
        self._is_speaking = False
        self._silent_ms = 0.0

    def hear(self, packet: bytes) -> Turn | None:
        """None where nothing has changed."""
        samples = np.frombuffer(packet[: len(packet) // 2 * 2], "<i2").astype(np.int32)
        if samples.size and np.abs(samples).max() >= LOUD:
            return self._speak()
        self._silent_ms += len(packet) / self._bytes_a_ms
        if not self._is_speaking or self._silent_ms < PAUSE_MS:
            return None
        self._is_speaking = False
        return Turn(False)

    def _speak(self) -> Turn | None:
        self._silent_ms = 0.0
        if self._is_speaking:
            return None
        self._is_speaking = True
        return Turn(True)


def tone(rate: int) -> bytes:
    """All of it at once: the call plays it out."""
    places = np.arange(rate * TONE_MS // 1_000)
    samples = 8_000 * np.sin(2 * np.pi * TONE_HZ * places / rate)
    return samples.astype("<i2").tobytes()
