"""Our 2xx to an INVITE, repeated until ACK comes (RFC 3261 section 13.3.1.4)."""

from collections.abc import Callable

from mediaworker.sip.server_transactions import ServerTransaction
from mediaworker.sip.station import Station


class Answer:
    """Repeated over TCP too: a proxy may lose it on a way that is not reliable."""

    def __init__(
        self,
        station: Station,
        transaction: ServerTransaction,
        give_up: Callable[[float], None],
        now: float,
    ) -> None:
        """The 2xx was sent once; `give_up` is called when no ACK comes."""
        self.number = transaction.request.cseq.number
        """Of its INVITE, and so of its ACK."""
        self._station = station
        self._transaction = transaction
        self._give_up = give_up
        self._interval = station.timers.t1
        agenda = station.agenda
        self._next = agenda.set(now + self._interval, self._repeat)
        self._end = agenda.set(now + station.timers.giving_up, self._expire)

    def stop(self) -> None:
        self._next.cancel()
        self._end.cancel()

    def _repeat(self, now: float) -> None:
        self._interval = min(2 * self._interval, self._station.timers.t2)
        self._next = self._station.agenda.set(now + self._interval, self._repeat)
        self._transaction.repeat(now)

    def _expire(self, now: float) -> None:
        self.stop()
        self._give_up(now)
