"""What is done to the audio of callers before anybody hears it, all at once.

Each session that asks for it has a row in a processor of its rate; what a processor
does to one row depends on no other.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from chalicelib.protocol.session.options import AgcOption
from mediaworker.audio.arrays import Rows as Places
from mediaworker.audio.denoising import Denoiser
from mediaworker.audio.gain import GainControl, GainRule
from mediaworker.runtime.detectors import Rows
from mediaworker.runtime.isolation import by_halves
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.wires import Samples
from mediaworker.session.effects import Treatment

SHORT_FRAMES = 2
"""To one of ours: the option counts frames of 10 ms."""


class Processor(Protocol):
    """Rows, one for each session whose audio goes through it."""

    def reserve(self, capacity: int) -> None: ...

    def clear(self, row: int) -> None:
        """As if nothing had ever been heard on it."""

    def process(self, frames: Samples, rows: Places) -> Samples:
        """A frame of each of the rows; what raises has changed nothing."""


class Bench:
    """One processor, and who is on it."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._numbers = Rows()
        self._rows: dict[Occupant, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def join(self, seat: Occupant) -> int | None:
        """Its row, in which nothing of any other session is left; None: it has one."""
        if seat in self._rows:
            return None
        row = self._rows[seat] = self._numbers.take()
        self._processor.reserve(row + 1)
        self._processor.clear(row)
        return row

    def leave(self, seat: Occupant) -> None:
        """Keep nothing of it; nothing if it is not here."""
        row = self._rows.pop(seat, None)
        if row is not None:
            self._processor.clear(row)
            self._numbers.give_back(row)

    def process(self, seats: Sequence[Occupant], samples: Samples) -> Samples:
        """The rows of those who are here; who fails at it is ended, and no other."""
        members = [place for place, seat in enumerate(seats) if seat in self._rows]
        made = samples
        for chosen, processed in by_halves(
            members,
            lambda chosen: (chosen, self._step(chosen, seats, samples)),
            lambda member, error: seats[member].fail(error),
        ):
            if len(chosen) == len(seats):
                return processed
            made = samples.copy() if made is samples else made
            made[list(chosen)] = processed
        return made

    def _step(
        self, chosen: Sequence[int], seats: Sequence[Occupant], samples: Samples
    ) -> Samples:
        rows = np.array([self._rows[seats[member]] for member in chosen], np.intp)
        frames = samples if len(chosen) == len(seats) else samples[list(chosen)]
        return self._processor.process(frames, rows)


class Enhancers:
    """Of all sessions."""

    def __init__(self) -> None:
        self._denoisers: dict[int, Bench] = {}
        self._gains: dict[int, tuple[GainControl, Bench]] = {}

    def join(self, seat: Occupant, rate: int, treatment: Treatment) -> None:
        """From now on; what is done already goes on as it is."""
        if treatment.denoises:
            if rate not in self._denoisers:
                self._denoisers[rate] = Bench(Denoiser(rate))
            self._denoisers[rate].join(seat)
        if treatment.gain is not None:
            if rate not in self._gains:
                control = GainControl(rate)
                self._gains[rate] = (control, Bench(control))
            control, bench = self._gains[rate]
            row = bench.join(seat)
            if row is not None:
                control.begin(row, rule_of(treatment.gain))

    def leave(self, seat: Occupant, rate: int) -> None:
        """Keep nothing of a session that is over."""
        if rate in self._denoisers:
            self._denoisers[rate].leave(seat)
        if rate in self._gains:
            self._gains[rate][1].leave(seat)

    def denoise(
        self, rate: int, seats: Sequence[Occupant], samples: Samples
    ) -> Samples:
        """A row for each seat, without the noise of who asked for it; 20 ms late."""
        bench = self._denoisers.get(rate)
        return bench.process(seats, samples) if bench else samples

    def level(self, rate: int, seats: Sequence[Occupant], samples: Samples) -> Samples:
        """The same, of their loudness, at once."""
        found = self._gains.get(rate)
        return found[1].process(seats, samples) if found and found[1] else samples


def rule_of(option: AgcOption) -> GainRule:
    """What the option leaves open is as in `GainRule`."""
    usual = GainRule()
    frames = option.adjacent_speech_frames_threshold
    return GainRule(
        headroom_db=_given(option.headroom_db, usual.headroom_db),
        most_gain_db=_given(option.max_gain_db, usual.most_gain_db),
        initial_gain_db=_given(option.initial_gain_db, usual.initial_gain_db),
        most_change_db=_given(
            option.max_gain_change_db_per_second, usual.most_change_db
        ),
        most_noise_dbfs=_given(
            option.max_output_noise_level_dbfs, usual.most_noise_dbfs
        ),
        speech_frames=(
            usual.speech_frames if frames is None else -(-frames // SHORT_FRAMES)
        ),
        has_limiter=option.enable_limiter,
    )


def _given(value: float | None, usual: float) -> float:
    return usual if value is None else value
