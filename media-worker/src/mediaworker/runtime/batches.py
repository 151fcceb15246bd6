"""Frames of many sessions that go through a step of the tick together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.wires import Samples, Wire

FRAMES_A_SECOND = 50


class WrongFrame(Exception):
    """A frame is not as long as its wire says."""


@dataclass(slots=True)
class Batch:
    """A frame each of many sessions, all in one codec or all in samples."""

    wire: Wire
    seats: list[Occupant] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    over: dict[int, bytes] = field(default_factory=dict)
    """Of members: samples that are heard together with their frames."""

    def add(self, seat: Occupant, frame: bytes, over: bytes | None = None) -> None:
        if over is not None:
            self.over[len(self.seats)] = over
        self.seats.append(seat)
        self.frames.append(frame)

    def decoded(self, members: Sequence[int]) -> Samples:
        """Frames in the codec, as a row of samples each."""
        frames, size = self._frames(members), self.wire.frame_bytes
        if {*map(len, frames)} != {size}:
            raise WrongFrame(f"each must have {size} octets")
        octets = np.frombuffer(b"".join(frames), np.uint8)
        return self.wire.decode(octets.reshape(len(members), size))

    def encoded(self, members: Sequence[int]) -> list[bytes]:
        """Frames of samples, in the codec."""
        return self.in_codec(self.samples(members))

    def samples(self, members: Sequence[int]) -> Samples:
        """Frames of samples, as a row each of all that is heard together."""
        samples = np.frombuffer(b"".join(self._frames(members)), np.int16)
        rows = samples.reshape(len(members), self.wire.rate // FRAMES_A_SECOND)
        return self._mixed(rows, members) if self.over else rows

    def in_codec(self, rows: Samples) -> list[bytes]:
        """A frame for each row."""
        octets = self.wire.encode(rows).tobytes()
        size = self.wire.frame_bytes
        return [octets[at : at + size] for at in range(0, len(octets), size)]

    def _mixed(self, rows: Samples, members: Sequence[int]) -> Samples:
        """As loud as can be where two frames are too loud together."""
        first = members[0]
        over = {
            member - first: self.over[member]
            for member in members
            if member in self.over
        }
        if not over:
            return rows
        places = list(over)
        total = rows[places].astype(np.int32)
        samples = np.frombuffer(b"".join(over.values()), np.int16)
        total += samples.reshape(total.shape)
        made = rows.copy()
        made[places] = np.clip(total, -32_768, 32_767)
        return made

    def _frames(self, members: Sequence[int]) -> list[bytes]:
        return self.frames[members[0] : members[-1] + 1]

    def fail(self, member: int, error: Exception) -> None:
        self.seats[member].fail(error)


Batches = dict[Wire, Batch]


def batch_of(batches: Batches, wire: Wire) -> Batch:
    """That of the wire, perhaps a new one."""
    if wire not in batches:
        batches[wire] = Batch(wire)
    return batches[wire]
