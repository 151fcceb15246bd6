"""What a stream has seen of its media, as the runtime wants to know it."""

from mediaworker.rtp.stream import MediaStream
from mediaworker.runtime.legs import LegStatistics


def statistics_of(stream: MediaStream) -> LegStatistics:
    seen = stream.statistics
    return LegStatistics(
        packets_received=seen.packets_received,
        packets_sent=seen.packets_sent,
        packets_lost=seen.packets_lost,
        packets_late=seen.packets_late,
        frames_concealed=seen.frames_concealed,
        jitter_ms=seen.jitter_ms,
        round_trip_ms=seen.round_trip_ms,
        mos=seen.mos or None,
    )
