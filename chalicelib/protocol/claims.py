"""Who is acting, as a token's claims say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
UID_MAX_LENGTH = 64
UID = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{UID_MAX_LENGTH}}}\Z")
"""No control characters, and no halves of characters, which no encoding has."""
UID_CLAIMS = ("sub", "userId", "uid")


class InvalidClaims(ValueError):
    """The claims name nobody, or more than one."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or server of one tenant."""

    tenant: str
    uid: str
    role: Role = Role.USER

    @property
    def is_privileged(self) -> bool:
        """May act for other users of the tenant."""
        return self.role in (Role.SERVER, Role.ADMIN)

    @classmethod
    def parse(cls, claims: Mapping[str, Any]) -> Self:
        """Read verified claims.

        ``sub``, ``userId`` and ``uid`` mean the same: those present must agree.
        Raises `InvalidClaims`.
        """
        named = [claims[name] for name in UID_CLAIMS if name in claims]
        if not named or any(uid != named[0] for uid in named):
            raise InvalidClaims("sub, userId and uid must name one user")
        uid = named[0]
        if not isinstance(uid, str) or not UID.match(uid):
            raise InvalidClaims(
                f"a user id has 1 to {UID_MAX_LENGTH} characters, none of control"
            )
        tenant = claims.get("tenant", DEFAULT_TENANT)
        if not isinstance(tenant, str) or not TENANT.match(tenant):
            raise InvalidClaims("tenant must be 1 to 64 letters, digits, - or _")
        return cls(tenant, uid, _role(claims.get("role", Role.USER)))

    def render(self) -> dict[str, str]:
        """The claims that `parse` reads back, without times."""
        return {
            **dict.fromkeys(UID_CLAIMS, self.uid),
            "tenant": self.tenant,
            "role": self.role.value,
        }


def _role(value: Any) -> Role:
    try:
        return Role(value)
    except ValueError:
        raise InvalidClaims("role must be user, server or admin") from None
