"""What has come from one source, as RFC 3550 counts it (appendix A.1, A.3, A.8)."""

from mediaworker.rtp.rtcp import ReportBlock, middle_of

SEQUENCES = 1 << 16
MOST_DROPOUT = 3_000
"""So far ahead a sequence number is a loss, and not another sequence."""
MOST_MISORDER = 100
"""So far behind it is late."""
TIMESTAMPS = 1 << 32
NTP_UNITS = 1 << 16
"""Of reports' times, in a second."""


class Reception:
    """Of one source, believed from its first packet."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.packets_received = 0
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._base = 0
        """The first sequence number; its cycle is 0."""
        self._highest = 0
        """With its cycles."""
        self._bad: int | None = None
        """The sequence number that would confirm a jump."""
        self._transit: int | None = None
        """When the last packet came, less its timestamp, by its clock."""
        self._jitter = 0.0
        self._expected_before = 0
        self._received_before = 0
        self._sender_ntp = 0
        self._sender_at = 0.0

    @property
    def packets_expected(self) -> int:
        return self._highest - self._base + 1 if self.packets_received else 0

    @property
    def packets_lost(self) -> int:
        """Duplicates may make it negative."""
        return self.packets_expected - self.packets_received

    @property
    def jitter(self) -> int:
        """In units of the clock."""
        return int(self._jitter)

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1_000 / self._clock_rate

    def receive(self, sequence: int, timestamp: int, now: float) -> int | None:
        """The extended sequence number; None for a jump that the next packet has to
        confirm, in which case the count begins anew (A.1)."""
        extended = self._extended(sequence)
        if extended is None:
            return None
        self.packets_received += 1
        self._measure(timestamp, now)
        return extended

    def _extended(self, sequence: int) -> int | None:
        if not self.packets_received:
            return self._begin(sequence)
        ahead = (sequence - self._highest) % SEQUENCES
        if ahead < MOST_DROPOUT:
            self._highest += ahead
            self._bad = None
            return self._highest
        if ahead > SEQUENCES - MOST_MISORDER:
            # One before the first was there in truth, so the count begins with it.
            extended = self._highest + ahead - SEQUENCES
            self._base = min(self._base, extended)
            return extended
        if sequence == self._bad:
            return self._begin(sequence)
        self._bad = (sequence + 1) % SEQUENCES
        return None

    def _begin(self, sequence: int) -> int:
        """In a higher cycle than whatever came before."""
        cycles = 0 if not self.packets_received else self._highest // SEQUENCES + 1
        self._base = self._highest = cycles * SEQUENCES + sequence
        self._bad = self._transit = None
        self.packets_received = self._expected_before = self._received_before = 0
        return self._highest

    def _measure(self, timestamp: int, now: float) -> None:
        transit = int(now * self._clock_rate) - timestamp
        if self._transit is not None:
            change = (transit - self._transit) % TIMESTAMPS
            change = min(change, TIMESTAMPS - change)
            self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def hear_sender(self, ntp: int, now: float) -> None:
        """A sender report of the source came."""
        self._sender_ntp, self._sender_at = middle_of(ntp), now

    def report(self, now: float) -> ReportBlock:
        """For the time since the last one."""
        expected, received = self.packets_expected, self.packets_received
        due = expected - self._expected_before
        lost = due - (received - self._received_before)
        self._expected_before, self._received_before = expected, received
        since = (now - self._sender_at) * NTP_UNITS if self._sender_ntp else 0
        return ReportBlock(
            self._ssrc,
            min(lost * 256 // due, 255) if lost > 0 and due > 0 else 0,
            self.packets_lost,
            self._highest % TIMESTAMPS,
            self.jitter,
            self._sender_ntp,
            int(since) % TIMESTAMPS,
        )


def round_trip_seconds(block: ReportBlock, ntp: int) -> float | None:
    """By a block about us that came at the time; None when it tells nothing."""
    if not block.last_report:
        return None
    units = (middle_of(ntp) - block.last_report - block.since_last_report) % TIMESTAMPS
    # The two clocks run apart, so that a short trip may come out below zero.
    return 0.0 if units > TIMESTAMPS // 2 else units / NTP_UNITS
