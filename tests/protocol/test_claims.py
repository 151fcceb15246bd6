"""Claims name one user of one tenant, or nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.claims import InvalidClaims, Principal
from chalicelib.protocol.vocabulary import Role


@given(
    tenant=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    uid=st.text(
        st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64
    ),
    role=st.sampled_from(Role),
)
def test_claims_go_both_ways(tenant: str, uid: str, role: Role) -> None:
    principal = Principal(tenant, uid, role)
    assert Principal.parse(principal.render()) == principal


@pytest.mark.parametrize("name", ["sub", "userId", "uid"])
def test_one_name_of_the_user_suffices(name: str) -> None:
    assert Principal.parse({name: "alice"}) == Principal("default", "alice")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "alice", "uid": "bob"},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 65},
        {"sub": "a\x00b"},
        {"sub": "a\n"},
        {"sub": "\ud800"},
        {"sub": ["alice"]},
        {"sub": ["alice"], "uid": "alice"},
        {"sub": {"a": 1}, "uid": {"a": 1}},
        {"sub": float("nan")},
        {"sub": "alice", "tenant": "a#b"},
        {"sub": "alice", "tenant": ""},
        {"sub": "alice", "tenant": None},
        {"sub": "alice", "role": "root"},
        {"sub": "alice", "role": ["admin"]},
    ],
)
def test_claims_that_disagree_or_say_nothing_are_refused(
    claims: dict[str, Any],
) -> None:
    with pytest.raises(InvalidClaims):
        Principal.parse(claims)


def test_users_are_not_privileged() -> None:
    assert not Principal("default", "alice").is_privileged
    assert Principal("default", "shop", Role.SERVER).is_privileged
    assert Principal("default", "root", Role.ADMIN).is_privileged
