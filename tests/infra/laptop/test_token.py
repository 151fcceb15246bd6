"""Development tokens."""

import pytest

from infra.token import Wanted, claims_of, parse


def test_name_the_user_for_every_dialect() -> None:
    claims = claims_of(Wanted("alice", "user", "default", 0.5), 1000)
    assert claims["sub"] == claims["userId"] == claims["uid"] == "alice"
    assert (claims["iat"], claims["exp"]) == (1000, 2800)


def test_default_what_is_not_said() -> None:
    assert parse(["--uid", "bob"]) == Wanted("bob", "user", "default", 12)
    # As make gives it when its variables are empty.
    assert parse(["--uid", "bob", "--role", "", "--tenant", ""]).role == "user"


@pytest.mark.parametrize(
    "arguments",
    [[], ["--uid", ""], ["--uid", "a", "--hours", "0"], ["--uid", "a", "--hours", "x"]],
)
def test_refuse_what_makes_no_token(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
