"""How long packets had better wait, from how unevenly they come."""

SLOT_MS = 20
START_SLOTS = 2
LEAST_SLOTS = 1
MOST_SLOTS = 10
TOLERATED = 50
"""One packet of so many may come later than the wait covers."""
WINDOW_PACKETS = 50
"""Judged together: a second, as packets mostly are."""
REMEMBERED_PACKETS = 500
"""After so many the older ones count half."""
BASE_PACKETS = 250
"""Whose fastest tells how long the way is without any waiting on it."""
FAR_MS = 1e15


class PlayoutDelay:
    """One stream's. Times are in ms; those of the sender's clock begin anywhere."""

    def __init__(self) -> None:
        self.target_slots = START_SLOTS
        self.surplus = 0
        """Slots by which what is heard lies further back than it need; below nothing
        when it ought to lie further back."""
        self.delay_ms = float(START_SLOTS * SLOT_MS)
        """As it was lately."""
        self._counts = [0] * (MOST_SLOTS + 1)
        """Packets by the whole slots that they came later than the fastest."""
        self._counted = 0
        self._window_packets = 0
        self._least = FAR_MS
        """The shortest delay of the window."""
        self._base = FAR_MS
        self._base_before = FAR_MS
        self._base_packets = 0

    def restart(self) -> None:
        """The sender's clock, or the way, is another; it may be as uneven as before."""
        self.surplus = 0
        self._window_packets = self._base_packets = 0
        self._least = self._base = self._base_before = FAR_MS

    def arrive(self, now_ms: float, sent_ms: float, heard_ms: float) -> None:
        """A packet came: where its audio begins, and how far they were heard, both by
        the sender's clock."""
        transit = now_ms - sent_ms
        if transit < self._base:
            self._base = transit
        base = self._base if self._base < self._base_before else self._base_before
        late = transit - base
        slots = int(late / SLOT_MS) if late < MOST_SLOTS * SLOT_MS else MOST_SLOTS
        self._counts[slots] += 1
        delay = now_ms - base - heard_ms
        if delay < self._least:
            self._least = delay
        self._window_packets += 1
        if self._window_packets == WINDOW_PACKETS:
            self._judge()

    def _judge(self) -> None:
        self.target_slots = self._wanted()
        self.delay_ms = self._least
        self.surplus = int(self._least // SLOT_MS) - self.target_slots
        if self._least < MOST_SLOTS * SLOT_MS:
            self.surplus = min(self.surplus, 1)
        self._least = FAR_MS
        self._window_packets = 0
        self._base_packets += WINDOW_PACKETS
        if self._base_packets == BASE_PACKETS:
            self._base_before, self._base = self._base, FAR_MS
            self._base_packets = 0

    def _wanted(self) -> int:
        """Slots that are enough for all but a few."""
        self._counted += WINDOW_PACKETS
        tolerated = self._counted // TOLERATED
        slots, beyond = MOST_SLOTS, self._counts[MOST_SLOTS]
        while slots > LEAST_SLOTS and beyond + self._counts[slots - 1] <= tolerated:
            slots -= 1
            beyond += self._counts[slots]
        if self._counted >= REMEMBERED_PACKETS:
            self._counts = [count // 2 for count in self._counts]
            self._counted = sum(self._counts)
        return slots
