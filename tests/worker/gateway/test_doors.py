"""Tokens at the worker's doors: its routes, its sockets, its orders."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import uvloop

from chalicelib.protocol.jwks import FRESH_MS, PATIENCE_MS
from chalicelib.protocol.tokens import Trust, Unauthenticated
from mediaworker.gateway import issuer as module
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused
from mediaworker.gateway.handshake import admit
from mediaworker.gateway.head import Head
from mediaworker.gateway.issuer import FetchedKeys
from mediaworker.settings import Settings
from mediaworker.ties import trust_of
from tests import attacks
from tests.attacks import ATTACKS, KID, Attack, issued, key_set, public_jwk
from tests.peers.issuer import Issuer, slowly
from tests.peers.issuer import issuer as an_issuer
from tests.worker.gateway.fakes import SECRET, Place, Wire, token, upgrade
from tests.worker.gateway.test_rest import Client, speak

API_KEY = f"parley.default.key_{'0' * 16}.{'A' * 43}"
ROUTES = (
    ("GET", "/call/lists"),
    ("POST", "/call/kill/s1"),
    ("POST", "/command/s1"),
    ("GET", "/events/s1"),
    ("GET", "/iceservers"),
    ("GET", "/metrics"),
)


def issuing() -> Place:
    return Place(trust=attacks.trust(SECRET))


def doorkeeper() -> Doorkeeper:
    return Doorkeeper(attacks.trust(SECRET))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_token_that_proves_nothing_opens_no_door(attack: Attack) -> None:
    text = attack(SECRET)
    headers = {"authorization": f"Bearer {text}"}
    with pytest.raises(Unauthenticated):
        doorkeeper().admit(headers, {})
    with pytest.raises(Unauthenticated):
        doorkeeper().admit({}, {"token": text})


@pytest.mark.parametrize("name", ATTACKS)
def test_nobody_but_a_part_gives_orders(name: str) -> None:
    headers = {"authorization": f"Bearer {ATTACKS[name](SECRET)}"}
    if name == "a worker":
        assert doorkeeper().admit_part(headers) == "alice"
        return
    with pytest.raises(Unauthenticated):
        doorkeeper().admit_part(headers)


def test_tokens_that_prove_nothing_are_answered_in_the_port_s_shape() -> None:
    """Those that an HTTP client can send at all."""
    texts = [attack(SECRET) for attack in ATTACKS.values()]
    sendable = [text for text in texts if text.isascii() and "\n" not in text]

    async def talk(client: Client) -> None:
        client.place.sessions.add("s1", "alice")
        for place, text in enumerate(sendable):
            method, path = ROUTES[place % len(ROUTES)]
            status, body = await client.ask(path, text, method)
            assert status == 401, (path, text)
            assert set(body) == {"code", "message"} and body["code"] == 401
            assert client.headers["WWW-Authenticate"] == "Bearer"

    speak(talk, issuing())


def test_tokens_that_prove_nothing_open_no_socket() -> None:
    texts = [attack(SECRET) for attack in ATTACKS.values()]
    sendable = [text for text in texts if text.isascii() and "\n" not in text]
    for text in sendable:
        for raw in (
            upgrade(Authorization=f"Bearer {text}"),
            upgrade(f"/call?token={text.replace('+', '%2B')}", uid=None),
        ):
            with pytest.raises(Refused) as caught:
                admit(Head.parse(raw[: -len(b"\r\n\r\n")]), doorkeeper(), "track")
            assert caught.value.status == 401


def test_issuer_s_token_opens_every_door() -> None:
    async def talk(client: Client) -> None:
        client.place.sessions.add("s1", "alice")
        assert (await client.ask("/call/lists", issued()))[0] == 200
        assert (await client.ask(f"/iceservers?token={issued()}"))[0] == 200
        assert (await client.ask("/call/kill/s1", issued(), "POST"))[0] == 200
        async with Wire.to(client.place) as wire:
            wire.send(upgrade(Authorization=f"Bearer {issued()}"))
            assert (await wire.head()).startswith(b"HTTP/1.1 101")

    speak(talk, issuing())


def test_api_key_is_told_where_to_go() -> None:
    async def talk(client: Client) -> None:
        asks = (
            client.ask("/call/lists", API_KEY),
            client.ask(f"/call/lists?token={API_KEY}"),
            client.ask("/internal/orders", API_KEY, "POST"),
        )
        for ask in asks:
            status, body = await ask
            assert status == 401
            assert "POST /v1/tokens" in body["message"]
            assert API_KEY not in body["message"]

    speak(talk)


def test_api_key_in_its_own_header_is_told_where_to_go() -> None:
    with pytest.raises(Unauthenticated, match="POST /v1/tokens"):
        doorkeeper().admit({"x-api-key": API_KEY}, {})


class Clock:
    def __init__(self) -> None:
        self.at_ms = 0

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with an_issuer() as found:
        yield found


async def _until(is_so: Callable[[], object]) -> None:
    """What a thread or a task beside us does, nobody tells us of."""
    for _ in range(1_000):
        if is_so():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


async def _asked(issuer: Issuer, count: int) -> None:
    await _until(lambda: len(issuer.asked) >= count)


async def _found(keys: FetchedKeys, kid: str = KID) -> None:
    await _until(lambda: keys.find(kid))


def test_keys_are_fetched_beside_the_sessions(issuer: Issuer) -> None:
    async def whole() -> None:
        clock = Clock()
        keys = FetchedKeys(issuer.url, clock.now_ms)
        # Nobody waits, and nobody is let in by a key that is not there.
        assert keys.find(KID) is None
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keys.run())
            await _found(keys)
            issuer.body = key_set(public_jwk("next", kid="key-2")).encode()
            assert keys.find("key-2") is None
            clock.at_ms = PATIENCE_MS
            await _found(keys, "key-2")
            assert keys.find(KID) is None
            assert len(issuer.asked) == 2
            clock.at_ms += FRESH_MS
            assert keys.find("key-2") is not None
            await _asked(issuer, 3)
            running.cancel()

    uvloop.run(whole())


@pytest.mark.parametrize(
    "how", ["an error", "a redirect", "no set", "too much", "away"]
)
def test_keys_that_were_stay_while_the_issuer_fails(issuer: Issuer, how: str) -> None:
    async def whole() -> None:
        clock = Clock()
        keys = FetchedKeys(issuer.url, clock.now_ms)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keys.run())
            await _found(keys)
            match how:
                case "an error":
                    issuer.status = 500
                case "a redirect":
                    issuer.status = 302
                    issuer.headers["Location"] = issuer.url
                case "no set":
                    issuer.body = b"{}"
                case "too much":
                    issuer.drip = lambda: b" " * 8_192
                case _:
                    keys._url = "http://127.0.0.1:1/keys"
            clock.at_ms = FRESH_MS
            assert keys.find(KID) is not None
            if how != "away":
                await _asked(issuer, 2)
            await asyncio.sleep(0.05)
            assert keys.find(KID) is not None
            assert keys.find("key-2") is None
            running.cancel()

    uvloop.run(whole())


def test_issuer_that_drips_is_cut(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.1)
    issuer.drip = slowly

    async def whole() -> None:
        keys = FetchedKeys(issuer.url, Clock().now_ms)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keys.run())
            await _until(lambda: "did not come" in caplog.text)
            assert keys.find(KID) is None
            running.cancel()

    uvloop.run(whole())
    assert issuer.url not in caplog.text


def test_trust_is_what_the_settings_say() -> None:
    least = {"PARLEY_JWT_SECRET": SECRET, "PARLEY_ENV": "development"}
    assert trust_of(Settings.parse(least)) == (Trust(SECRET), ())
    given = {**least, **attacks.VARIABLES}
    trust, runs = trust_of(Settings.parse({**given, "PARLEY_JWKS": key_set()}))
    assert runs == ()
    assert Doorkeeper(trust).admit({}, {"token": issued()}).uid == "alice"
    assert Doorkeeper(trust).admit({}, {"token": token()}).uid == "alice"

    async def fetched() -> None:
        url = {"PARLEY_JWKS_URL": "http://127.0.0.1:1/keys"}
        trust, runs = trust_of(Settings.parse({**given, **url}))
        assert len(runs) == 1
        assert trust.keys.find(KID) is None

    uvloop.run(fetched())
