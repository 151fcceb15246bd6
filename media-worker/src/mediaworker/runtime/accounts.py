"""What went through sessions, for their records and for Prometheus."""

from dataclasses import dataclass, fields, replace
from typing import Self

from chalicelib.protocol.lease import Counts, SessionEnded
from mediaworker.runtime.legs import LegStatistics


@dataclass(slots=True)
class Account:
    """What one session's socket brought and took, and its leg did not take."""

    messages_heard: int = 0
    frames_sent: int = 0
    frames_dropped: int = 0
    """In either direction."""

    def counted(
        self, fact: SessionEnded, statistics: LegStatistics | None
    ) -> SessionEnded:
        """With these, or with those of its leg, if it had one."""
        counts = replace(
            fact.counts,
            packets_received=self.messages_heard,
            packets_sent=self.frames_sent,
            frames_dropped=self.frames_dropped,
        )
        if statistics is not None:
            counts = _with_leg(counts, statistics)
        return replace(fact, counts=counts)


def _with_leg(counts: Counts, statistics: LegStatistics) -> Counts:
    return replace(
        counts,
        packets_received=statistics.packets_received,
        packets_sent=statistics.packets_sent,
        packets_lost=max(0, statistics.packets_lost),
        packets_late=statistics.packets_late,
        jitter_ms=round(statistics.jitter_ms),
        round_trip_ms=_whole(statistics.round_trip_ms),
        mos_hundredths=_whole(statistics.mos, 100),
    )


def _whole(value: float | None, times: int = 1) -> int | None:
    return None if value is None else round(value * times)


@dataclass(frozen=True, slots=True)
class LegTotals:
    """Of all legs since the worker began."""

    packets_received: int = 0
    packets_sent: int = 0
    packets_lost: int = 0
    packets_late: int = 0
    frames_concealed: int = 0

    def plus(self, statistics: LegStatistics) -> Self:
        sums = {
            name: getattr(self, name) + max(0, getattr(statistics, name))
            for name in _TOTALS
        }
        return replace(self, **sums)

    def at_least(self, former: Self) -> Self:
        """What was told once never gets less, though a leg may have lost less now."""
        highest = {
            name: max(getattr(self, name), getattr(former, name)) for name in _TOTALS
        }
        return replace(self, **highest)


_TOTALS = tuple(field.name for field in fields(LegTotals))
