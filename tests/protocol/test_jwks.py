"""Sets of public keys: what is taken of them, and when they are asked for again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.jwks import (
    FRESH_MS,
    KID_MAX_LENGTH,
    MOST_BYTES,
    MOST_KEYS,
    PATIENCE_MS,
    Copy,
    InvalidKeySet,
    KeySet,
    PublicKey,
)
from tests.attacks import KID, key_set, public_jwk

NOW_MS = 1_700_000_000_000
KEY = PublicKey(KID, "AQAB", "AQAB")
KNOWN = KeySet({KID: KEY})


def parse(**changes: Any) -> KeySet:
    """A set with one key, which ``changes`` spoil."""
    return KeySet.parse(key_set(public_jwk(**changes)))


def test_key_of_an_issuer_is_found_by_its_name() -> None:
    other = public_jwk("other", kid="key-2")
    keys = KeySet.parse(key_set(public_jwk(), other).encode())
    key = keys.find(KID)
    assert key is not None
    assert key.modulus == public_jwk()["n"]
    assert {**public_jwk(), **key.render()} == public_jwk()
    assert keys.find("key-2") != key
    assert keys.find("key-3") is None


def test_first_of_two_keys_of_one_name_stands() -> None:
    keys = KeySet.parse(key_set(public_jwk(), public_jwk("other")))
    key = keys.find(KID)
    assert key is not None and key.modulus == public_jwk()["n"]


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"alg": None},
        {"kty": "EC"},
        {"kty": None},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kid": ""},
        {"kid": None},
        {"kid": 7},
        {"kid": ["key-1"]},
        {"kid": "k" * (KID_MAX_LENGTH + 1)},
        {"n": None},
        {"n": ""},
        {"n": 7},
        {"n": "AQAB"},
        {"n": "A" * 4_000},
        {"n": "_" * 170 + "8"},
        {"n": "_" * 1_367},
        {"n": "_" * 341},
        {"n": "_" * 340 + "4A"},
        {"n": "not base64!"},
        {"n": "ключ"},
        {"e": None},
        {"e": "AQ"},
        {"e": "AQAA"},
        {"e": "____________"},
        {"e": True},
    ],
)
def test_key_of_another_use_is_passed_over(changes: dict[str, Any]) -> None:
    assert not parse(**changes).keys


@pytest.mark.parametrize(
    "changes", [{"use": "sig", "alg": "RS256"}, {"key_ops": ["verify"]}, {"x5c": ["x"]}]
)
def test_key_may_say_what_it_is_for(changes: dict[str, Any]) -> None:
    assert parse(**changes).find(KID) is not None
    bare = {name: public_jwk()[name] for name in ("kty", "kid", "n", "e")}
    assert KeySet.parse(key_set(bare)).find(KID) is not None


@pytest.mark.parametrize("member", [None, 7, "x", [], {}])
def test_member_that_is_no_key_is_passed_over(member: Any) -> None:
    document = json.dumps({"keys": [member, public_jwk()]})
    assert list(KeySet.parse(document).keys) == [KID]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"keys": {}}',
        '{"keys": null}',
        b"\xff\xfe\xfd",
        "[" * 20_000,
        '{"keys": [' + "9" * 5_000 + "]}",
        '{"keys": []}' + " " * MOST_BYTES,
        json.dumps({"keys": [{}] * (MOST_KEYS + 1)}),
    ],
)
def test_document_that_is_no_key_set_is_refused(document: str | bytes) -> None:
    with pytest.raises(InvalidKeySet):
        KeySet.parse(document)


@pytest.mark.parametrize(
    "secret",
    [
        {"kty": "oct", "kid": "s", "k": "c2VjcmV0"},
        {"kty": "oct"},
        {"kty": "RSA", "kid": KID, "d": "x"},
        {"kty": "EC", "kid": KID, "d": "x"},
        {"kty": "RSA", "k": "x"},
    ],
)
def test_set_that_gives_a_secret_away_is_refused(secret: dict[str, Any]) -> None:
    with pytest.raises(InvalidKeySet, match="secret or private"):
        KeySet.parse(key_set(public_jwk(), secret))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["kty", "kid", "n", "e", "use", "alg", "key_ops", "d"])


@given(st.lists(st.dictionaries(NAMES, JSON | st.sampled_from(["RSA", "oct"]))))
def test_any_members_are_taken_or_refused(members: list[dict[str, Any]]) -> None:
    try:
        found = KeySet.parse(json.dumps({"keys": members}))
    except InvalidKeySet:
        return
    assert all(isinstance(kid, str) for kid in found.keys)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_document_is_taken_or_refused(document: str | bytes) -> None:
    try:
        KeySet.parse(document)
    except InvalidKeySet:
        return


class TestCopy:
    def test_first_token_asks(self) -> None:
        assert Copy().is_due(KID, NOW_MS)

    def test_known_key_asks_again_when_the_set_is_old(self) -> None:
        copy = Copy().asked(NOW_MS).renewed(KNOWN, NOW_MS)
        assert not copy.is_due(KID, NOW_MS + FRESH_MS - 1)
        assert copy.is_due(KID, NOW_MS + FRESH_MS)

    def test_unknown_key_asks_again_after_a_while(self) -> None:
        copy = Copy().asked(NOW_MS).renewed(KNOWN, NOW_MS)
        assert not copy.is_due("other", NOW_MS + PATIENCE_MS - 1)
        assert copy.is_due("other", NOW_MS + PATIENCE_MS)

    def test_asking_in_vain_is_not_repeated_at_once(self) -> None:
        """And the keys that were stay."""
        copy = Copy().asked(NOW_MS).renewed(KNOWN, NOW_MS)
        later_ms = NOW_MS + 2 * FRESH_MS
        copy = copy.asked(later_ms)
        assert copy.keys.find(KID) == KEY
        assert not copy.is_due("other", later_ms + PATIENCE_MS - 1)
        assert not copy.is_due(KID, later_ms + PATIENCE_MS - 1)
        assert copy.is_due(KID, later_ms + PATIENCE_MS)

    def test_clock_that_goes_back_asks_anew(self) -> None:
        copy = Copy().asked(NOW_MS).renewed(KNOWN, NOW_MS)
        assert copy.is_due(KID, NOW_MS - 1)

    @given(
        st.lists(st.tuples(st.integers(0, 90_000), st.booleans(), st.booleans())),
    )
    def test_nobody_asks_more_often_than_that(
        self, tokens: list[tuple[int, bool, bool]]
    ) -> None:
        now_ms, copy = NOW_MS, Copy()
        asked: list[int] = []
        for passed_ms, is_known, is_answered in tokens:
            now_ms += passed_ms
            if copy.is_due(KID if is_known else "other", now_ms):
                asked.append(now_ms)
                copy = copy.asked(now_ms)
                copy = copy.renewed(KNOWN, now_ms) if is_answered else copy
        waits = [
            after - before for before, after in zip(asked, asked[1:], strict=False)
        ]
        assert all(wait >= PATIENCE_MS for wait in waits)
