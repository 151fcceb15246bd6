"""``python -m infra.token --uid alice``: a token for the laptop stack.

The token is the last line of stdout, and it is good for nothing but a stack that
runs from this checkout (or has the same ``PARLEY_JWT_SECRET``).
"""

import argparse
import os
import sys
from dataclasses import dataclass

import jwt

from infra.laptop.clock import now_seconds
from infra.laptop.environment import jwt_secret
from infra.wiring import ROOT

ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom the token is for, and for how long."""

    uid: str
    role: str
    tenant: str
    hours: float


def claims_of(wanted: Wanted, now_seconds: int) -> dict[str, str | int]:
    """Every dialect finds the user under the name that it knows."""
    return {
        "sub": wanted.uid,
        "userId": wanted.uid,
        "uid": wanted.uid,
        "tenant": wanted.tenant,
        "role": wanted.role,
        "iat": now_seconds,
        "exp": now_seconds + int(wanted.hours * 3600),
    }


def parse(arguments: list[str]) -> Wanted:
    parser = argparse.ArgumentParser(
        prog="python -m infra.token", description="A token for the laptop stack."
    )
    parser.add_argument("--uid", required=True, help="the user")
    parser.add_argument("--role", default="user", help="user, admin or server")
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--hours", type=float, default=12, help="how long it lives")
    given = parser.parse_args(arguments)
    if not given.uid:
        parser.error("--uid is empty")
    if not given.hours > 0:
        parser.error("--hours must be more than 0")
    return Wanted(
        given.uid, given.role or "user", given.tenant or "default", given.hours
    )


def main(arguments: list[str]) -> None:
    claims = claims_of(parse(arguments), int(now_seconds()))
    token = jwt.encode(claims, jwt_secret(os.environ, ROOT), ALGORITHM)
    sys.stdout.write(f"{token}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
