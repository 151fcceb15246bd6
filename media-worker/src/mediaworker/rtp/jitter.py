"""Packets in any order and at any pace; what each slot of 20 ms is made of.

While nothing is there, what is heard stands still, so that a late packet is heard later
and not lost; what is behind is made up for a slot at a time (`take_more`). A packet is
lost when a later one is there, and its slot has come.
"""

from mediaworker.rtp.outcome import Lost, Outcome, Pause
from mediaworker.rtp.playout_delay import MOST_SLOTS, PlayoutDelay

SLOTS_A_SECOND = 50
MOST_AHEAD_SLOTS = 50
"""A packet so far from what is heard begins another count of time."""
MOST_BEHIND_PACKETS = 128
"""So many behind is another count of packets."""
MOST_BEHIND_IN_A_ROW = 10
MOST_PACKETS = 128
"""That wait."""
MOST_GIVEN_UP = 128
"""That are remembered, to tell late packets from doubled ones."""
SHORTAGE_SLOTS = -2
STARVED_SLOTS = 3
"""Who sent nothing for so long is silent."""
TIMESTAMPS = 1 << 32
HALF_OF_TIMESTAMPS = 1 << 31


_Held = tuple[int, int, bytes]
"""A packet that waits: its timestamp without wraps, its duration, its payload. One
that carries no audio lasts for nothing."""


class JitterBuffer:
    """One stream's; durations and timestamps are in units of its clock."""

    def __init__(self, clock_rate: int) -> None:
        self.packets_late = 0
        self.packets_doubled = 0
        self.starved_slots = 0
        """The last ones, for which nothing was there."""
        self.excused_slots = 0
        """Starved ones, of those before silence, in which nothing was sent."""
        self.delay = PlayoutDelay()
        self._slot = clock_rate // SLOTS_A_SECOND
        self._half_slot = self._slot // 2
        self._ms = 1_000 / clock_rate
        self._far = MOST_SLOTS * self._slot
        self._held: dict[int, _Held] = {}
        self._given_up: set[int] = set()
        self._is_running = False
        self._is_paused = False
        """What came last carries no audio."""
        self._next = 0
        """The sequence number of the packet to be handed out."""
        self._cursor = 0
        """Where its audio ought to begin."""
        self._left = 0
        """What of the last packet lasts beyond its slot."""
        self._newest = 0
        """The timestamp, without wraps, of the last packet that came."""
        self._duration = self._slot
        """Of the last packet handed out."""
        self._behind = 0
        """Packets in a row that were not to be heard any more."""
        self._newest_behind = 0
        """What was newest as the last of them came."""

    @property
    def packets(self) -> int:
        """How many wait."""
        return len(self._held)

    def restart(self) -> None:
        """The next packet begins another stream; what waits is forgotten."""
        self._is_running = False
        self._held.clear()

    def push(
        self,
        sequence: int,
        timestamp: int,
        payload: bytes,
        duration: int,
        has_marker: bool,
        now: float,
    ) -> None:
        """A packet came. The sequence number is without wraps, the duration no more
        than 120 ms."""
        if not self._is_running:
            self._begin(sequence, timestamp)
        ahead = timestamp - self._newest & TIMESTAMPS - 1
        if ahead >= HALF_OF_TIMESTAMPS:
            ahead -= TIMESTAMPS
        extended = self._newest + ahead
        if sequence < self._next:
            if self._is_behind(sequence, extended, now):
                return
            self._begin(sequence, extended)
        elif (
            not -self._far <= extended - self._cursor <= self._far
            or len(self._held) >= MOST_PACKETS
        ):
            self._reach(sequence, extended)
        if sequence in self._held:
            self.packets_doubled += 1
            return
        self._newest = extended
        self._held[sequence] = (extended, duration, payload)
        if self.starved_slots:
            self._feed(sequence, extended, has_marker)
        self._measure(extended, now)

    def skip(self, sequence: int) -> None:
        """A packet of the stream came that carries no audio."""
        if not self._is_running or sequence < self._next:
            return
        if sequence == self._next:
            self._next += 1
            self._is_paused = True
        elif len(self._held) < MOST_PACKETS:
            self._held.setdefault(sequence, (self._newest, 0, b""))

    def take(self) -> Outcome:
        """What the next slot is made of."""
        if self._left >= self._slot:
            self._left -= self._slot
            return Pause.REST
        held = self._held.get(self._next)
        if held is None or not held[1] or held[0] - self._cursor > self._half_slot:
            return self._take_without()
        return self._hand_out(held, self._slot)

    def take_rest(self) -> bytes | None:
        """Another payload for a slot that the last one does not fill; None when it
        does, and when there is none: then the rest of the slot is lost."""
        held = self._held.get(self._next)
        if self._left < 0 and held is not None and held[1] and held[0] <= self._cursor:
            return self._hand_out(held, 0)
        self._left = max(0, self._left)
        return None

    def take_more(self) -> Outcome | None:
        """A second outcome in the slot, if what is heard is too far behind."""
        if self.delay.surplus <= 0:
            return None
        held = self._held.get(self._next)
        if self._left < self._slot and (held is None or held[0] > self._cursor):
            return None
        self.delay.surplus -= 1
        return self.take()

    # As packets come

    def _begin(self, sequence: int, timestamp: int) -> None:
        self._is_running = True
        self._is_paused = False
        self._held.clear()
        self._given_up.clear()
        self._next = sequence
        self._newest = timestamp
        self._cursor = timestamp - self.delay.target_slots * self._slot
        self._left = 0
        self.starved_slots = 0
        self.delay.restart()

    def _is_behind(self, sequence: int, timestamp: int, now: float) -> bool:
        """It is not to be heard any more; unless nothing else comes."""
        is_alone = self._newest == self._newest_behind
        self._behind = self._behind + 1 if is_alone else 1
        self._newest_behind = self._newest
        distance = self._next - sequence
        if distance > MOST_BEHIND_PACKETS or self._behind > MOST_BEHIND_IN_A_ROW:
            return False
        if sequence in self._given_up:
            self._given_up.remove(sequence)
            self.packets_late += 1
            self._measure(timestamp, now)
        else:
            self.packets_doubled += 1
        return True

    def _reach(self, sequence: int, timestamp: int) -> None:
        """Go faster towards a packet far off, or begin anew with it; one that ends a
        pause is where it should be."""
        ahead = timestamp - self._cursor
        most = MOST_AHEAD_SLOTS * self._slot
        if self.starved_slots and sequence == self._next and ahead > 0:
            return
        if not -most <= ahead <= most or len(self._held) >= MOST_PACKETS:
            self._begin(sequence, timestamp)
        elif not self.starved_slots:
            excess = (ahead - self._far) // self._slot
            self.delay.surplus = max(self.delay.surplus, excess)

    def _feed(self, sequence: int, timestamp: int, has_marker: bool) -> None:
        """A packet ends the time in which there was none."""
        gap = timestamp - self._cursor
        if gap > 0 and (sequence == self._next or has_marker):
            if not self._is_paused:
                self.excused_slots += min(self.starved_slots, STARVED_SLOTS)
            self._cursor = timestamp - self.delay.target_slots * self._slot
            self._give_up(sequence)
        elif gap > 0:
            self._cursor += min(gap, self.starved_slots * self._slot)
        self.starved_slots = 0

    def _measure(self, timestamp: int, now: float) -> None:
        heard = self._cursor - self._left
        self.delay.arrive(now * 1_000, timestamp * self._ms, heard * self._ms)

    # As slots come

    def _hand_out(self, held: _Held, needed: int) -> bytes:
        del self._held[self._next]
        timestamp, duration, payload = held
        self._next += 1
        self._duration = duration
        self._cursor = timestamp + duration
        self._left += duration - needed
        self._is_paused = False
        return payload

    def _take_without(self) -> Outcome:
        """The packet that is next is not there, or not to be heard yet."""
        while True:
            self._pass_over()
            held = self._held.get(self._next)
            if held is not None:
                gap = held[0] - self._cursor
                is_due = gap <= self._half_slot
                return self._hand_out(held, self._slot) if is_due else self._wait(gap)
            if not self._held:
                return self._starve()
            lost = self._lose()
            if lost is not None:
                return lost

    def _starve(self) -> Outcome:
        self._left = 0
        self.starved_slots += 1
        return Pause.NOTHING if self._is_paused else Pause.STARVED

    def _pass_over(self) -> None:
        """Packets that carry no audio."""
        while (held := self._held.get(self._next)) is not None and not held[1]:
            del self._held[self._next]
            self._next += 1
            self._is_paused = True

    def _wait(self, gap: int) -> Outcome:
        """The sender says that there was nothing: the best time to catch up."""
        self._left = 0
        delay = self.delay
        if delay.surplus <= SHORTAGE_SLOTS:
            delay.surplus += 1
        elif delay.surplus > 0 and gap >= 2 * self._slot:
            delay.surplus -= 1
            self._cursor += 2 * self._slot
        else:
            self._cursor += self._slot
        return Pause.NOTHING

    def _lose(self) -> Lost | None:
        """Nobody waits for the next packet any more; None when another is to be looked
        at in the same slot."""
        following = min(self._held)
        timestamp, duration, payload = self._held[following]
        gap = timestamp - self._cursor
        if gap <= self._half_slot or not duration:
            self._give_up(following)
            return None
        if self.delay.surplus <= SHORTAGE_SLOTS:
            self.delay.surplus += 1
            self._left = 0
            return Lost(None)
        self._give_up(self._next + 1)
        length = min(max(self._duration, self._slot), gap)
        self._cursor += length
        if self.delay.surplus > 0:
            self.delay.surplus -= 1
            return None
        self._left = max(0, length - self._slot)
        return Lost(payload if following == self._next else None)

    def _give_up(self, following: int) -> None:
        """Those before it, that did not come."""
        if len(self._given_up) >= MOST_GIVEN_UP:
            self._given_up.clear()
        self._given_up.update(
            range(max(self._next, following - MOST_GIVEN_UP), following)
        )
        self._next = following
