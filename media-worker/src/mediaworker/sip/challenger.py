"""Digest authentication (RFC 3261 22, RFC 7616, RFC 8760), the server's side."""

import hmac
import re
from dataclasses import dataclass, field
from typing import Self

from mediaworker.sip.digest import (
    AUTH,
    DEFAULT_ALGORITHM,
    HASHES,
    STRENGTHS,
    Credentials,
    Proof,
    Unanswerable,
    needed,
    parameters_of,
)
from mediaworker.sip.grammar import BadSyntax, quote

COUNT = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who it is, when it was proven; else whether a new nonce is all that lacks."""

    username: str | None = field(default=None, repr=False)
    is_stale: bool = False


REFUSED = Verdict()
STALE = Verdict(is_stale=True)


def claimed_username(value: str) -> str | None:
    """Whose credentials an Authorization field needs to be verified with."""
    try:
        return parameters_of(value).get("username")
    except (BadSyntax, Unanswerable):
        return None


class Challenger:
    """The server's side. Nonces are signed, so that none is kept before its use."""

    MOST_NONCES = 10_000
    WINDOW = 64
    """How far behind the highest count of a nonce another may come."""

    def __init__(
        self, realm: str, secret: bytes, *, nonce_seconds: float = 300.0
    ) -> None:
        self._realm = realm
        self._secret = secret
        self._nonce_ms = int(nonce_seconds * 1_000)
        self._uses: dict[str, _Uses] = {}
        self._forgotten_ms = -1
        """Nonces that were made until then may have been used."""

    def challenges(self, now: float, salt: str, *, is_stale: bool = False) -> list[str]:
        """Values of WWW-Authenticate, the strongest first (RFC 8760 2.4).

        ``salt`` is a token of which each is another, and holds no dot.
        """
        nonce = self._nonce(int(now * 1_000), salt)
        stale = ", stale=true" if is_stale else ""
        return [
            f"Digest realm={quote(self._realm)}, nonce={quote(nonce)}, "
            f'algorithm={algorithm}, qop="{AUTH}"{stale}'
            for algorithm in sorted(HASHES, reverse=True)
        ]

    def verify(
        self, value: str, credentials: Credentials, method: str, now: float
    ) -> Verdict:
        """Of one field Authorization; raises nothing.

        The ``uri`` in it is taken as it stands: proxies rewrite the Request-URI.
        """
        try:
            claim = _Claim.parse(value)
        except (BadSyntax, Unanswerable):
            return REFUSED
        made_ms = self._made_ms(claim.nonce)
        is_ours = claim.realm == self._realm and made_ms is not None
        if not is_ours or not claim.is_proven(credentials, method):
            return REFUSED
        if not self._is_fresh(claim, made_ms or 0, int(now * 1_000)):
            return STALE
        return Verdict(credentials.username)

    def _nonce(self, made_ms: int, salt: str) -> str:
        said = f"{made_ms:x}.{salt}"
        signed = f"{self._realm}:{said}".encode()
        return f"{said}.{hmac.new(self._secret, signed, 'sha256').hexdigest()[:32]}"

    def _made_ms(self, nonce: str) -> int | None:
        made, _, rest = nonce.partition(".")
        salt = rest.partition(".")[0]
        try:
            made_ms = int(made, 16)
        except ValueError:
            return None
        return made_ms if _is_same(self._nonce(made_ms, salt), nonce) else None

    def _is_fresh(self, claim: "_Claim", made_ms: int, now_ms: int) -> bool:
        if now_ms - made_ms > self._nonce_ms or made_ms <= self._forgotten_ms:
            return False
        uses = self._uses.setdefault(claim.nonce, _Uses(made_ms))
        if len(self._uses) > self.MOST_NONCES:
            oldest = self._uses.pop(next(iter(self._uses)))
            self._forgotten_ms = max(self._forgotten_ms, oldest.made_ms)
        return uses.count(claim.number, self.WINDOW)


@dataclass(slots=True)
class _Uses:
    """Which counts of one nonce have been, as far back as the window."""

    made_ms: int
    highest: int = 0
    seen: int = 0
    """One bit for each count; the lowest is the highest count's."""

    def count(self, number: int, window: int) -> bool:
        """False when it was there before, or cannot be known not to have been."""
        ahead = number - self.highest
        if ahead > 0:
            self.highest = number
            shifted = self.seen << ahead if ahead < window else 0
            self.seen = (shifted | 1) & ((1 << window) - 1)
            return True
        if -ahead >= window or self.seen >> -ahead & 1:
            return False
        self.seen |= 1 << -ahead
        return True


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an Authorization field says."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    qop: str
    cnonce: str
    count: str

    @classmethod
    def parse(cls, value: str) -> Self:
        """Raises `BadSyntax` or `Unanswerable`."""
        parameters = parameters_of(value)
        claim = cls(
            needed(parameters, "username"),
            needed(parameters, "realm"),
            needed(parameters, "nonce"),
            needed(parameters, "uri"),
            needed(parameters, "response"),
            parameters.get("algorithm", DEFAULT_ALGORITHM),
            parameters.get("qop", "").lower(),
            parameters.get("cnonce", ""),
            parameters.get("nc", ""),
        )
        if claim.algorithm.upper() not in STRENGTHS or claim.qop not in ("", AUTH):
            raise Unanswerable("the credentials are of an unknown kind")
        if claim.qop and not (claim.cnonce and COUNT.fullmatch(claim.count)):
            raise BadSyntax("the credentials lack cnonce or nc")
        return claim

    @property
    def number(self) -> int:
        """Without qop there is no count, and a nonce serves once."""
        return int(self.count, 16) if self.qop else 1

    def is_proven(self, credentials: Credentials, method: str) -> bool:
        proof = Proof(credentials, self.realm, self.nonce, self.algorithm, self.cnonce)
        expected = proof.response(method, self.uri, self.qop, self.count)
        is_named = _is_same(self.username, credentials.username)
        return _is_same(self.response.lower(), expected) and is_named


def _is_same(one: str, other: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
