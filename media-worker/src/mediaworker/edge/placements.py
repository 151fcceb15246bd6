"""Which worker has which call: a small memory that may be lost at any time.

Without it a call is found where its Call-ID is hashed to, which is the same while the
roster stays; with it also when its worker drains, is full, or was not the first choice.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b

from mediaworker.edge.roster import Place
from mediaworker.sip.routing import Hop

MOST_CALLS = 20_000
MOST_NAMES = 256
MOST_INVITE_BYTES = 4_096


@dataclass(slots=True)
class Placement:
    """Of the last INVITE of a call that has made no dialog yet."""

    base: str
    """Of its branch: the same for its copies, its CANCEL and its ACK."""
    worker_id: str
    """Who has it now."""
    source: Hop
    invite: bytes | None = field(default=None, repr=False)
    """As it goes to another worker; None when it is to go to none any more."""
    attempt: int = 0
    tried: tuple[str, ...] = ()
    """Who has turned it away."""
    is_answered: bool = False
    """Its present worker has it: something came back."""

    def remember(self, invite: bytes) -> None:
        """An INVITE of unusual size is asked of one worker only."""
        self.invite = invite if len(invite) <= MOST_INVITE_BYTES else None

    def give_to(self, worker_id: str) -> None:
        self.tried = (*self.tried, self.worker_id)
        self.worker_id = worker_id
        self.attempt += 1
        self.is_answered = False


class Placements:
    """The last so many calls."""

    def __init__(self, most: int = MOST_CALLS) -> None:
        self._most = most
        self._calls: OrderedDict[bytes, Placement] = OrderedDict()
        self._names: OrderedDict[Place, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def find(self, call_id: str) -> Placement | None:
        key = _key(call_id)
        found = self._calls.get(key)
        if found is not None:
            self._calls.move_to_end(key)
        return found

    def keep(self, call_id: str, placement: Placement) -> None:
        """In the place of what there was of the call."""
        key = _key(call_id)
        self._calls[key] = placement
        self._calls.move_to_end(key)
        if len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def waiting_for(self, worker_id: str) -> list[Placement]:
        """Those whose INVITE it has, as far as is known, and has said nothing to."""
        return [
            placement
            for placement in self._calls.values()
            if placement.worker_id == worker_id
            and placement.invite is not None
            and not placement.is_answered
        ]

    def learn(self, place: Place, worker_id: str) -> None:
        """A worker calls itself so, in its Contact: its public address, as a rule."""
        self._names[place] = worker_id
        self._names.move_to_end(place)
        if len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)

    def named(self, place: Place) -> str | None:
        return self._names.get(place)


def _key(call_id: str) -> bytes:
    """Call-IDs may be long."""
    return blake2b(call_id.encode(errors="replace"), digest_size=16).digest()
