"""Whose FZM-SIGNATURE it is, and whether it is of this time."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dialects.dtalk.signature import (
    BASE58,
    VALID_MS,
    SignatureExpired,
    verify,
)
from chalicelib.protocol.tokens import Unauthenticated
from tests.builders import NOW_MS
from tests.dialects.dtalk.signers import Signer

SIGNATURE = (
    "zrrLQ9FLnpON9s3erkMJ+sug5oviPYcOR04/w4ucC5dVbkjqvuZIFUuGgaKi"
    "+5XmDzj2FvxrDIom9dt2Ons6fAE="
)
META = "1655716335340*dtalk"
KEY = "022db0e08669b30c5dab8c564b428db4944912144088943ec9b690a9046bc8f78b"
PUBLISHED = "#".join([SIGNATURE, META, KEY])
SIGNED_AT_MS = 1_655_716_335_340
UID = "1AqutxNoVTtcWiVYpBtvficAgea1dYTddR"


def test_published_signature_is_of_its_address() -> None:
    assert verify(PUBLISHED, SIGNED_AT_MS) == UID


def test_published_signature_has_expired() -> None:
    with pytest.raises(SignatureExpired):
        verify(PUBLISHED, NOW_MS)


@pytest.mark.parametrize("late_ms", [-VALID_MS, 0, VALID_MS])
def test_signature_is_good_around_its_time(late_ms: int) -> None:
    assert verify(PUBLISHED, SIGNED_AT_MS + late_ms) == UID


@pytest.mark.parametrize("late_ms", [-VALID_MS - 1, VALID_MS + 1])
def test_signature_is_bound_both_ways(late_ms: int) -> None:
    with pytest.raises(SignatureExpired):
        verify(PUBLISHED, SIGNED_AT_MS + late_ms)


def test_bad_signature_is_not_called_expired() -> None:
    other = PUBLISHED.replace("*dtalk", "*other")
    with pytest.raises(Unauthenticated):
        verify(other, NOW_MS)


@given(
    number=st.integers(1, 2**255),
    what=st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=40),
)
def test_any_key_is_known_by_its_address(number: int, what: str) -> None:
    signer = Signer(number)
    uid = verify(signer.sign(NOW_MS, what.replace("#", "")), NOW_MS)
    assert uid == signer.uid
    assert uid.startswith("1") and set(uid) <= set(BASE58) and 25 <= len(uid) <= 34


def test_key_of_another_proves_nothing() -> None:
    mine, theirs = Signer(7), Signer(8)
    signature, meta, _ = mine.sign(NOW_MS).split("#")
    with pytest.raises(Unauthenticated):
        verify("#".join([signature, meta, theirs.public_key.hex()]), NOW_MS)


def test_leading_zeros_of_an_address_are_ones() -> None:
    signers = map(Signer, range(1, 1000))
    signer = next(one for one in signers if one.uid.startswith("11"))
    assert verify(signer.sign(NOW_MS), NOW_MS) == signer.uid


SHORT = base64.b64encode(bytes(64)).decode()
ZEROS = base64.b64encode(bytes(65)).decode()
HUGE = base64.b64encode(b"\xff" * 65).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "MOCK",
        "a#b",
        f"{PUBLISHED}#",
        f"{SIGNATURE}#dtalk#{KEY}",
        f"{SIGNATURE}#-1*dtalk#{KEY}",
        f"{SIGNATURE}#1655716335340#{KEY}",
        f"{SIGNATURE}#{'9' * 16}*dtalk#{KEY}",
        f"{SIGNATURE}#1655716335340*d\ntalk#{KEY}",
        f"{SIGNATURE}#{META}#{KEY[:-2]}",
        f"{SIGNATURE}#{META}#04{KEY[2:]}",
        f"{SIGNATURE}#{META}#02{'f' * 64}",
        f"{SIGNATURE}#{META}#{'g' * 66}",
        f"!{SIGNATURE[1:]}#{META}#{KEY}",
        f"подпись#{META}#{KEY}",
        f"{SHORT}#{META}#{KEY}",
        f"{ZEROS}#{META}#{KEY}",
        f"{HUGE}#{META}#{KEY}",
        PUBLISHED.replace("zrrL", "zrrM"),
        PUBLISHED + " " * 1024,
    ],
)
def test_anything_else_proves_nothing(header: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(header, SIGNED_AT_MS)


@given(header=st.text(max_size=300))
def test_any_text_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(header, NOW_MS)
