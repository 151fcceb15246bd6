"""Digest on both sides, with the examples of RFC 2617, 7616 and 8760."""

import contextlib
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.sip.challenger import Challenger, claimed_username
from mediaworker.sip.digest import (
    Challenge,
    Credentials,
    Unanswerable,
    answer,
    strongest,
)
from mediaworker.sip.grammar import BadSyntax

ALICE = Credentials("alice", "wonder")
URI = "sip:bob@example.com"


def response_of(value: str) -> str:
    match = re.search(r'response="([0-9a-f]+)"', value)
    assert match
    return match[1]


def test_answers_the_example_of_rfc_2617() -> None:
    """Section 3.5."""
    challenge = Challenge.parse(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    value = answer(
        challenge,
        Credentials("Mufasa", "Circle Of Life"),
        "GET",
        "/dir/index.html",
        cnonce="0a4f113b",
        nonce_count=1,
    )
    assert response_of(value) == "6629fae49393a05397450978507c4ef1"
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value
    assert "qop=auth, nc=00000001" in value


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_answers_the_examples_of_rfc_7616(algorithm: str, expected: str) -> None:
    """Section 3.9.1."""
    challenge = Challenge(
        "http-auth@example.org",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        algorithm,
        ("auth", "auth-int"),
        "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )
    value = answer(
        challenge,
        Credentials("Mufasa", "Circle of Life"),
        "GET",
        "/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nonce_count=1,
    )
    assert response_of(value) == expected


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_answers_without_a_quality_of_protection() -> None:
    """RFC 2069, as RFC 2617 3.2.2.1 keeps it."""
    challenge = Challenge.parse("Digest realm=r, nonce=n")
    value = answer(challenge, ALICE, "BYE", URI, cnonce="c", nonce_count=3)
    expected = md5(f"{md5('alice:r:wonder')}:n:{md5('BYE:' + URI)}")
    assert response_of(value) == expected
    assert "cnonce" not in value
    assert "nc=" not in value


def test_answers_for_a_session() -> None:
    """RFC 7616 3.4.2: the cnonce is part of the secret."""
    challenge = Challenge.parse('Digest realm="r", nonce="n", algorithm=MD5-sess')
    value = answer(challenge, ALICE, "BYE", URI, cnonce="c", nonce_count=1)
    secret = md5(f"{md5('alice:r:wonder')}:n:c")
    assert response_of(value) == md5(f"{secret}:n:{md5('BYE:' + URI)}")
    assert 'cnonce="c"' in value


def test_answers_the_strongest() -> None:
    """RFC 8760 2.4, but for the order, which servers get wrong."""
    values = [
        'Digest realm="r", nonce="1", algorithm=MD5',
        'Digest realm="r", nonce="2", algorithm=SHA-512-256',
        'Basic realm="r"',
        'Digest realm="r", nonce="3", algorithm=sha-256, stale=TRUE',
        "Digest realm=",
    ]
    challenge = strongest(values)
    assert (challenge.nonce, challenge.is_stale) == ("3", True)


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="r", nonce="n", algorithm=SHA-512',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Basic realm="r"',
    ],
)
def test_leaves_what_it_does_not_know(value: str) -> None:
    with pytest.raises(Unanswerable):
        Challenge.parse(value)
    with pytest.raises(Unanswerable):
        strongest([value])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Digest",
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", realm="s", nonce="n"',
        'Digest realm="r" nonce="n"',
        'Digest realm="r, nonce="n"',
        'Digest realm="a\\\x07b", nonce="n"',
        'Digest realm="r", nonce="n", ' + ", ".join(f"p{n}=1" for n in range(40)),
        "Digest " + 'a="",' * 2_000 + "!",
    ],
)
def test_refuses_a_challenge_that_cannot_be_read(value: str) -> None:
    with pytest.raises(BadSyntax):
        Challenge.parse(value)


def test_shows_no_secrets() -> None:
    assert "alice" not in repr(ALICE)
    assert "wonder" not in repr(ALICE)


# The server's side


def challenger(**settings: float) -> Challenger:
    return Challenger("here", b"secret", **settings)


def claim(
    server: Challenger,
    now: float,
    *,
    count: int = 1,
    credentials: Credentials = ALICE,
    strength: int = 0,
    salt: str = "salt",
) -> str:
    challenge = Challenge.parse(server.challenges(now, salt)[strength])
    return answer(
        challenge, credentials, "REGISTER", URI, cnonce="c", nonce_count=count
    )


def test_challenges_with_the_strongest_first() -> None:
    first, second = challenger().challenges(7.0, "salt", is_stale=True)
    assert Challenge.parse(first).algorithm == "SHA-256"
    assert Challenge.parse(second).algorithm == "MD5"
    assert Challenge.parse(second).is_stale
    assert Challenge.parse(second).qop == ("auth",)


@pytest.mark.parametrize("strength", [0, 1])
def test_verifies_what_was_answered(strength: int) -> None:
    server = challenger()
    value = claim(server, 5.0, strength=strength)
    assert claimed_username(value) == "alice"
    verdict = server.verify(value, ALICE, "REGISTER", 6.0)
    assert (verdict.username, verdict.is_stale) == ("alice", False)


def test_refuses_another_password_name_method_realm_and_secret() -> None:
    server = challenger()
    value = claim(server, 5.0)
    wrong = Credentials("alice", "other")
    assert server.verify(value, wrong, "REGISTER", 5.0).username is None
    renamed = claim(server, 5.0).replace("alice", "malice")
    assert server.verify(renamed, ALICE, "REGISTER", 5.0).username is None
    assert server.verify(value, ALICE, "INVITE", 5.0).username is None
    elsewhere = Challenger("there", b"secret")
    assert elsewhere.verify(value, ALICE, "REGISTER", 5.0).username is None
    forged = Challenger("here", b"guessed")
    verdict = server.verify(claim(forged, 5.0), ALICE, "REGISTER", 5.0)
    assert (verdict.username, verdict.is_stale) == (None, False)


def test_finds_an_old_nonce_stale() -> None:
    server = challenger(nonce_seconds=10.0)
    value = claim(server, 5.0)
    assert server.verify(value, ALICE, "REGISTER", 15.5).is_stale
    wrong = Credentials("alice", "other")
    assert not server.verify(value, wrong, "REGISTER", 15.5).is_stale


def test_takes_each_count_once() -> None:
    """RFC 7616 3.4: in any order, as far back as the window."""
    server = challenger()

    def is_taken(count: int) -> bool:
        value = claim(server, 5.0, count=count)
        return server.verify(value, ALICE, "REGISTER", 5.0).username == "alice"

    assert [is_taken(count) for count in (1, 1, 3, 2, 2, 3)] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]
    assert [is_taken(count) for count in (200, 136, 137, 4)] == [
        True,
        False,
        True,
        False,
    ]


def test_forgets_nonces_without_taking_them_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Challenger, "MOST_NONCES", 2)
    server = challenger()
    values = [claim(server, float(at), salt=f"s{at}") for at in range(3)]
    for value in values:
        assert server.verify(value, ALICE, "REGISTER", 3.0).username == "alice"
    assert server.verify(values[0], ALICE, "REGISTER", 3.0).is_stale


def test_takes_an_answer_without_qop_once() -> None:
    server = challenger()
    offered = Challenge.parse(server.challenges(1.0, "salt")[1])
    old = Challenge(offered.realm, offered.nonce)
    value = answer(old, ALICE, "REGISTER", URI, cnonce="c", nonce_count=1)
    assert server.verify(value, ALICE, "REGISTER", 1.0).username == "alice"
    assert server.verify(value, ALICE, "REGISTER", 1.0).is_stale


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic YTpi",
        "Digest username=a",
        'Digest username="alice", realm="here", nonce="x.y.z", uri="u", response="r"',
        'Digest username="alice", realm="here", nonce="1.y.z", uri="u", response="é"',
        'Digest username="a", realm="here", nonce="1", uri="u", response="r", qop=int',
        'Digest username="a", realm="here", nonce="1", uri="u", response="r", qop=auth',
        "Digest username=a, realm=here, nonce=1, uri=u, response=r, algorithm=X",
        "Digest username=a, realm=here, nonce=1, uri=u, response=r, qop=auth, "
        "cnonce=c, nc=1",
    ],
)
def test_refuses_what_is_no_answer(value: str) -> None:
    verdict = challenger().verify(value, ALICE, "REGISTER", 0.0)
    assert (verdict.username, verdict.is_stale) == (None, False)


def test_names_nobody_without_credentials() -> None:
    assert claimed_username("Basic YTpi") is None
    assert claimed_username("Digest realm") is None


@given(st.text(max_size=200))
def test_reads_any_authentication_or_refuses_it(text: str) -> None:
    for value in (text, f"Digest {text}"):
        with contextlib.suppress(BadSyntax, Unanswerable):
            Challenge.parse(value)
        assert challenger().verify(value, ALICE, "X", 0.0).username is None
