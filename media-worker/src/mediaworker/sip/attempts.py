"""A request of ours until its final response, through the challenges on its way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mediaworker.sip.client_transactions import (
    ClientTransaction,
    Draft,
    Fields,
    Outcome,
    Tell,
)
from mediaworker.sip.digest import (
    Challenge,
    Credentials,
    Unanswerable,
    answer,
    strongest,
)
from mediaworker.sip.layer import Layer
from mediaworker.sip.routing import Hop

CHALLENGES = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
"""What asks and what answers, by status (RFC 3261 section 22)."""

Realm = tuple[str, str]
"""The header that answers, and the realm that asked."""


@dataclass(slots=True)
class Known:
    challenge: Challenge
    uses: int = 0


class Keyring:
    """The challenges of one call and the credentials that answer them."""

    MOST_REALMS = 4

    def __init__(self, credentials: Credentials | None, ids: Callable[[], str]) -> None:
        self._credentials = credentials
        self._ids = ids
        self._known: dict[Realm, Known] = {}

    def learn(self, outcome: Outcome) -> tuple[Realm, Challenge] | None:
        """What asked; None when it is no challenge, or none that can be answered."""
        names, response = CHALLENGES.get(outcome.status), outcome.response
        if names is None or response is None or self._credentials is None:
            return None
        try:
            challenge = strongest(response.headers.every(names[0]))
        except Unanswerable:
            return None
        realm = (names[1], challenge.realm)
        known = self._known.get(realm)
        if known is None and len(self._known) >= self.MOST_REALMS:
            return None
        if known is None or known.challenge.nonce != challenge.nonce:
            self._known[realm] = Known(challenge)
        return realm, challenge

    def headers(self, method: str, uri: str) -> Fields:
        """Answers to all that asked so far, each nonce counted."""
        return tuple(
            (name, self._answer(known, method, uri))
            for (name, _), known in self._known.items()
        )

    def _answer(self, known: Known, method: str, uri: str) -> str:
        assert self._credentials is not None
        known.uses += 1
        return answer(
            known.challenge,
            self._credentials,
            method,
            uri,
            cnonce=self._ids(),
            nonce_count=known.uses,
        )


class Holder:
    """What counts the transactions of one call, and knows when none is left."""

    def __init__(self, release: Callable[[float], None]) -> None:
        """`release` is called as often as none is left."""
        self.count = 0
        self._release = release

    def hold(self) -> None:
        self.count += 1

    def let_go(self, now: float) -> None:
        self.count -= 1
        if not self.count:
            self._release(now)


class Attempt:
    def __init__(
        self,
        layer: Layer,
        keyring: Keyring,
        holder: Holder,
        next_number: Callable[[], int],
        tell: Tell,
    ) -> None:
        """`tell` gets each provisional response and what comes in the end;
        `next_number` is CSeq's, for a request that is made anew."""
        self.is_given_up = False
        """No further challenge is answered."""
        self.credentials: Fields = ()
        """Of the last request; an ACK carries them as well (22.1)."""
        self.transaction: ClientTransaction
        """Of the last request."""
        self._layer = layer
        self._keyring = keyring
        self._holder = holder
        self._next_number = next_number
        self._tell = tell
        self._plain: Draft
        self._hop: Hop
        self._asked: dict[Realm, bool] = {}
        """Who has asked, and whether once more, for a nonce that was stale."""

    def start(self, draft: Draft, hop: Hop, now: float) -> None:
        """Raises ValueError for what no request can carry."""
        self._plain, self._hop = draft, hop
        self._begin(draft, now)

    def _begin(self, draft: Draft, now: float) -> None:
        self.credentials = self._keyring.headers(draft.method, str(draft.uri))
        draft = replace(draft, headers=(*draft.headers, *self.credentials))
        self.transaction = self._layer.request(
            draft, self._hop, self._told, now, release=self._holder.let_go
        )
        self._holder.hold()

    def _told(self, outcome: Outcome, now: float) -> None:
        if outcome.status in CHALLENGES and self._may_answer(outcome):
            self._begin(replace(self._plain, number=self._next_number()), now)
        else:
            self._tell(outcome, now)

    def _may_answer(self, outcome: Outcome) -> bool:
        """Once each realm, and once more for a nonce that is stale."""
        asking = None if self.is_given_up else self._keyring.learn(outcome)
        if asking is None:
            return False
        realm, challenge = asking
        if realm not in self._asked:
            self._asked[realm] = False
            return True
        if self._asked[realm] or not challenge.is_stale:
            return False
        self._asked[realm] = True
        return True
