"""What a stream has seen of its media."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What was seen of the media; zeros where nothing came."""

    packets_received: int = 0
    packets_sent: int = 0
    packets_lost: int = 0
    """As RFC 3550 section 6.4.1 counts them; duplicates may make it negative."""
    packets_late: int = 0
    """Came after they were to be heard."""
    frames_concealed: int = 0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    """By RTCP; None until it was measured."""
    mos: float | None = None
    """An estimate of how the far end is heard, from 1.0 to 4.5; None while nothing
    has come."""
    packets_lost_remote: int = 0
    """Of ours, as the far end counts them."""
    jitter_ms_remote: float = 0.0
    """Of ours, where the far end is."""
    delay_ms: float = 0.0
    """What the jitter buffer adds."""
    packets_foreign: int = 0
    """Malformed, or of another kind or source than agreed; of RTCP too."""
