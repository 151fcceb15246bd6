"""An issuer's keys, fetched when a token needs them."""

import gzip
import threading
from collections.abc import Iterator

import pytest

from chalicelib.adapters import jwks
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.jwks import FetchedKeys
from chalicelib.protocol.jwks import FRESH_MS, MOST_BYTES, PATIENCE_MS
from chalicelib.protocol.tokens import Trust, Unauthenticated, verify
from tests.attacks import AUDIENCE, ISSUER, KID, issued, key_set, public_jwk
from tests.builders import FakeClock
from tests.peers.issuer import Issuer, slowly
from tests.peers.issuer import issuer as an_issuer

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with an_issuer() as found:
        yield found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(issuer: Issuer, clock: FakeClock) -> FetchedKeys:
    return FetchedKeys(issuer.url, clock)


def test_keys_are_fetched_on_first_need_and_kept(
    issuer: Issuer, keys: FetchedKeys, clock: FakeClock
) -> None:
    assert issuer.asked == []
    trust = Trust(SECRET, keys, ISSUER, AUDIENCE)
    for _ in range(3):
        assert verify(issued(), trust).uid == "alice"
        clock.pass_ms(FRESH_MS // 3)
    assert issuer.asked == ["/keys"]
    verify(issued(), trust)
    assert len(issuer.asked) == 2


def test_new_key_is_found_as_soon_as_it_is_named(
    issuer: Issuer, keys: FetchedKeys, clock: FakeClock
) -> None:
    trust = Trust(SECRET, keys, ISSUER, AUDIENCE)
    verify(issued(), trust)
    issuer.body = key_set(public_jwk("next", kid="key-2")).encode()
    new = issued("next", "key-2")
    with pytest.raises(Unauthenticated):
        verify(new, trust)
    clock.pass_ms(PATIENCE_MS)
    assert verify(new, trust).uid == "alice"
    # What the issuer no longer publishes is no longer good.
    with pytest.raises(Unauthenticated):
        verify(issued(), trust)
    assert len(issuer.asked) == 2


def test_strangers_keys_are_not_asked_for_again_and_again(
    issuer: Issuer, keys: FetchedKeys, clock: FakeClock
) -> None:
    for number in range(20):
        assert keys.find(f"key-{number + 100}") is None
        clock.pass_ms(PATIENCE_MS // 20)
    assert len(issuer.asked) == 1


def fail(issuer: Issuer, how: str) -> None:
    issuer.body = b"{}"
    match how:
        case "an error":
            issuer.status = 503
        case "a redirect":
            issuer.status = 302
            issuer.headers["Location"] = f"{issuer.url}/elsewhere"
        case "no key set":
            issuer.body = b"<html>"
        case "a secret":
            issuer.body = key_set({"kty": "oct", "k": "x"}).encode()
        case "too much":
            issuer.body = b" " * (MOST_BYTES + 1)
        case "no end":
            issuer.drip = lambda: b" " * 4_096
        case "compressed":
            issuer.headers["Content-Encoding"] = "gzip"
            issuer.body = gzip.compress(key_set().encode())


FAILURES = [
    "an error",
    "a redirect",
    "no key set",
    "a secret",
    "too much",
    "no end",
    "compressed",
]


@pytest.mark.parametrize("how", FAILURES)
def test_keys_that_were_stay_while_the_issuer_fails(
    issuer: Issuer,
    keys: FetchedKeys,
    clock: FakeClock,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert keys.find(KID) is not None
    fail(issuer, how)
    clock.pass_ms(FRESH_MS)
    assert keys.find(KID) is not None
    assert keys.find("key-2") is None
    assert len(issuer.asked) == 2
    assert "did not come" in caplog.text
    assert issuer.url not in caplog.text
    issuer.__dict__.update(
        status=200, headers={}, drip=None, body=key_set(public_jwk(kid="k3")).encode()
    )
    clock.pass_ms(PATIENCE_MS)
    assert keys.find("k3") is not None


def test_nobody_is_known_by_an_issuer_that_never_answered(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    fail(issuer, "an error")
    assert keys.find(KID) is None
    assert keys.find(KID) is None
    assert len(issuer.asked) == 1


def test_issuer_that_is_away_is_not_waited_for_twice(clock: FakeClock) -> None:
    keys = FetchedKeys("http://127.0.0.1:1/keys", clock)
    assert keys.find(KID) is None


def test_issuer_that_drips_is_cut(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.1)
    issuer.drip = slowly
    began_ms = SystemClock().now_ms()
    assert FetchedKeys(issuer.url, SystemClock()).find(KID) is None
    assert SystemClock().now_ms() - began_ms < 3_000


def test_many_at_once_ask_once(issuer: Issuer, keys: FetchedKeys) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(keys.find(KID))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in found
    assert len(issuer.asked) == 1
