"""Who is acting, as a token's claims say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
UID_MAX_LENGTH = 64
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
        uids = {claims[name] for name in UID_CLAIMS if name in claims}
        if len(uids) != 1:
            raise InvalidClaims("sub, userId and uid must name one user")
        uid = uids.pop()
        if not isinstance(uid, str) or not 1 <= len(uid) <= UID_MAX_LENGTH:
            raise InvalidClaims(f"a user id has 1 to {UID_MAX_LENGTH} characters")
        tenant = claims.get("tenant", DEFAULT_TENANT)
        if not isinstance(tenant, str) or not TENANT.match(tenant):
            raise InvalidClaims("tenant must be 1 to 64 letters, digits, - or _")
        try:
            role = Role(claims.get("role", Role.USER))
        except ValueError:
            raise InvalidClaims("role must be user, server or admin") from None
        return cls(tenant, uid, role)

    def render(self) -> dict[str, str]:
        """The claims that `parse` reads back, without times."""
        return {
            **dict.fromkeys(UID_CLAIMS, self.uid),
            "tenant": self.tenant,
            "role": self.role.value,
        }
