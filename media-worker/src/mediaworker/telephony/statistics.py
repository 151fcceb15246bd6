"""What a phone's media has seen, over all the streams that it had."""

from dataclasses import fields, replace

from mediaworker.rtp.stream import MediaStream
from mediaworker.runtime.legs import LegStatistics

SUMS = (
    "packets_received",
    "packets_sent",
    "packets_lost",
    "packets_late",
    "frames_concealed",
)


def seen_by(stream: MediaStream) -> LegStatistics:
    seen = stream.statistics
    known = {field.name for field in fields(LegStatistics)}
    return LegStatistics(
        **{
            field.name: getattr(seen, field.name)
            for field in fields(seen)
            if field.name in known
        }
    )


def plus(before: LegStatistics, now: LegStatistics) -> LegStatistics:
    """Counts of both; what is measured is as it is now."""
    sums = {name: getattr(before, name) + getattr(now, name) for name in SUMS}
    return replace(now, **sums)
