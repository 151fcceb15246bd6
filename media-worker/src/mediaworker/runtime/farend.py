"""The far end of a session that has a leg, and what the leg has told that waits."""

from collections import deque

from chalicelib.protocol.lease import DialogFacts
from mediaworker.runtime.legs import HasDialog, Leg, LegStatistics
from mediaworker.session.legs import DropLeg, LegEffect, LegEvent


class FarEnd:
    """Asks the leg until it is dropped, which it is once, and keeps what it tells."""

    def __init__(self) -> None:
        self.leg: Leg | None = None
        """None before there is one, and after it was dropped."""
        self._told: deque[LegEvent] = deque()
        self._is_dropped = False
        self._last_seen: LegStatistics | None = None

    @property
    def statistics(self) -> LegStatistics | None:
        """None when there was no leg."""
        return self._last_seen if self.leg is None else self.leg.statistics

    @property
    def dialog(self) -> DialogFacts | None:
        """None where it is none of SIP, or is there no more."""
        return self.leg.dialog() if isinstance(self.leg, HasDialog) else None

    @property
    def has_told(self) -> bool:
        """`take` has something."""
        return bool(self._told)

    def put(self, event: LegEvent) -> None:
        """It is ignored after the leg was dropped."""
        if not self._is_dropped:
            self._told.append(event)

    def take(self) -> LegEvent:
        """The oldest; raises IndexError when there is none."""
        return self._told.popleft()

    def obey(self, effect: LegEffect) -> None:
        """All but `DropLeg`. Nobody is there to do so after that."""
        if self.leg is not None:
            self.leg.obey(effect)

    def drop(self, effect: DropLeg) -> None:
        """Unless it was dropped; the leg is gone even if it raises."""
        leg, self.leg = self.leg, None
        self._is_dropped = True
        self._told.clear()
        if leg is not None:
            try:
                leg.obey(effect)
            finally:
                self._last_seen = leg.statistics
