"""Digest authentication (RFC 3261 22, RFC 7616, RFC 8760), the client's side."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from mediaworker.sip.grammar import (
    QUOTED,
    TOKEN,
    BadSyntax,
    Scanner,
    cleaned,
    quote,
    read_list,
    unquote,
)

AUTH = "auth"
DEFAULT_ALGORITHM = "MD5"
SESSION = "-SESS"
STRENGTHS: Mapping[str, int] = {
    "MD5": 0,
    "MD5-SESS": 1,
    "SHA-256": 2,
    "SHA-256-SESS": 3,
}
"""The algorithms that are known, in capitals."""
HASHES = {"MD5": "md5", "SHA-256": "sha256"}

MOST_PARAMETERS = 32
BARE_VALUE = re.compile(r"[^\s,;\"]+")
"""Some send what should be quoted without quotes."""


class Unanswerable(Exception):
    """No challenge among them has a scheme, an algorithm and a qop that are known."""


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    realm: str
    nonce: str
    algorithm: str = DEFAULT_ALGORITHM
    """As it is written; any case."""
    qop: tuple[str, ...] = ()
    """In lower case; none of them from a server of RFC 2069."""
    opaque: str | None = None
    is_stale: bool = False
    """The credentials were right, and the nonce alone is too old."""

    @classmethod
    def parse(cls, value: str) -> Self:
        """One field of WWW-Authenticate; raises `BadSyntax` or `Unanswerable`."""
        parameters = parameters_of(value)
        challenge = cls(
            needed(parameters, "realm"),
            needed(parameters, "nonce"),
            parameters.get("algorithm", DEFAULT_ALGORITHM),
            tuple(parameters.get("qop", "").lower().replace(",", " ").split()),
            parameters.get("opaque"),
            parameters.get("stale", "").lower() == "true",
        )
        if challenge.algorithm.upper() not in STRENGTHS:
            raise Unanswerable("the algorithm of the challenge is not known")
        if challenge.qop and AUTH not in challenge.qop:
            raise Unanswerable("the challenge has no quality of protection but others")
        return challenge

    @property
    def strength(self) -> int:
        return STRENGTHS[self.algorithm.upper()]


def strongest(values: Iterable[str]) -> Challenge:
    """Of the fields WWW-Authenticate or Proxy-Authenticate; raises `Unanswerable`."""
    known = [challenge for value in values for challenge in _known(value)]
    if not known:
        raise Unanswerable("no challenge can be answered")
    return max(known, key=lambda challenge: challenge.strength)


def answer(
    challenge: Challenge,
    credentials: Credentials,
    method: str,
    uri: str,
    *,
    cnonce: str,
    nonce_count: int,
) -> str:
    """The value of Authorization or Proxy-Authorization.

    ``nonce_count`` is how often this nonce was used, this time included.
    """
    qop = AUTH if challenge.qop else ""
    count = f"{nonce_count:08x}"
    proof = Proof(
        credentials, challenge.realm, challenge.nonce, challenge.algorithm, cnonce
    )
    quoted = {
        "username": credentials.username,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
        "response": proof.response(method, uri, qop, count),
    }
    if challenge.opaque is not None:
        quoted["opaque"] = challenge.opaque
    if qop or proof.is_of_session:
        quoted["cnonce"] = cnonce
    plain = {"algorithm": challenge.algorithm}
    if qop:
        plain |= {"qop": qop, "nc": count}
    members = [f"{name}={quote(value)}" for name, value in quoted.items()]
    members += [f"{name}={value}" for name, value in plain.items()]
    return "Digest " + ", ".join(members)


@dataclass(frozen=True, slots=True)
class Proof:
    """What only somebody who knows the password can make (RFC 7616 3.4)."""

    credentials: Credentials
    realm: str
    nonce: str
    algorithm: str
    cnonce: str

    @property
    def is_of_session(self) -> bool:
        return self.algorithm.upper().endswith(SESSION)

    def response(self, method: str, uri: str, qop: str, count: str) -> str:
        known = self.credentials
        secret = self._hash(f"{known.username}:{self.realm}:{known.password}")
        if self.is_of_session:
            secret = self._hash(f"{secret}:{self.nonce}:{self.cnonce}")
        asked = self._hash(f"{method}:{uri}")
        if not qop:
            return self._hash(f"{secret}:{self.nonce}:{asked}")
        use = f"{count}:{self.cnonce}:{qop}"
        return self._hash(f"{secret}:{self.nonce}:{use}:{asked}")

    def _hash(self, text: str) -> str:
        name = HASHES[self.algorithm.upper().removesuffix(SESSION)]
        made = hashlib.new(name, text.encode(), usedforsecurity=False)
        return made.hexdigest()


def _known(value: str) -> list[Challenge]:
    try:
        return [Challenge.parse(value)]
    except (BadSyntax, Unanswerable):
        return []


def parameters_of(value: str) -> dict[str, str]:
    """Of a challenge or of credentials, by names in lower case.

    Raises `BadSyntax` or `Unanswerable`.
    """
    scanner = Scanner(value, "the authentication")
    if scanner.expect(TOKEN, "its scheme").lower() != "digest":
        raise Unanswerable("the scheme is not Digest")
    scanner.skip_space()
    pairs = read_list(scanner, _read_pair)
    parameters = dict(pairs)
    if len(parameters) < len(pairs) or len(pairs) > MOST_PARAMETERS:
        raise scanner.fault("has a parameter twice, or too many")
    return parameters


def _read_pair(scanner: Scanner) -> tuple[str, str]:
    name = scanner.expect(TOKEN, "the name of a parameter")
    scanner.require("=")
    quoted = scanner.take(QUOTED)
    if quoted is None:
        return name.lower(), scanner.expect(BARE_VALUE, "the value of a parameter")
    value = unquote(quoted)
    if cleaned(value) != value:
        raise scanner.fault("has a control character")
    return name.lower(), value


def needed(parameters: Mapping[str, str], name: str) -> str:
    """Raises `BadSyntax`."""
    try:
        return parameters[name]
    except KeyError:
        raise BadSyntax(f"the authentication lacks {name}") from None
