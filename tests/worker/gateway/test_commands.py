"""Commands that come over REST, and pages of other origins."""

from typing import Any

import pytest

from chalicelib.protocol.vocabulary import Role
from tests.worker.gateway.fakes import Place, Refusing, token
from tests.worker.gateway.test_rest import Client, refusal, speak

HANGUP = {"command": "hangup"}


def not_found(session_id: str) -> tuple[int, Any]:
    told = {"status": "not_found", "id": session_id}
    return 404, {**told, "code": 404, "message": "there is no such call"}


def test_hand_a_command_to_its_session() -> None:
    async def talk(client: Client) -> None:
        handle = client.place.sessions.add("a", "alice")
        sent = (200, {"status": "sent", "id": "a"})
        for bearer in (token(), token("root", Role.ADMIN)):
            answer = await client.ask("/command/a", bearer, "POST", json=HANGUP)
            assert answer == sent
        assert handle.texts == [b'{"command": "hangup"}'] * 2
        path = f"/command/a?token={token()}"
        assert await client.ask(path, None, "POST", json=HANGUP) == sent

    speak(talk)


def test_know_nothing_of_the_sessions_of_others() -> None:
    async def talk(client: Client) -> None:
        handle = client.place.sessions.add("a", "alice")
        for bearer in (token("bob"), token("root", Role.ADMIN, "other")):
            answer = await client.ask("/command/a", bearer, "POST", json=HANGUP)
            assert answer == not_found("a")
        answer = await client.ask("/command/b", token(), "POST", json=HANGUP)
        assert answer == not_found("b")
        assert (await client.ask("/command/a", None, "POST", json=HANGUP))[0] == 401
        assert handle.texts == []

    speak(talk)


def test_tell_of_a_session_that_ended_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def talk(client: Client) -> None:
        sessions = client.place.sessions
        sessions.add("a", "alice")
        monkeypatch.setattr(sessions, "receive", lambda session_id, command: False)
        answer = await client.ask("/command/a", token(), "POST", json=HANGUP)
        assert answer == not_found("a")
        monkeypatch.setattr(sessions, "watch", lambda session_id, watcher: None)
        assert await client.ask("/events/a", token()) == not_found("a")

    speak(talk)


@pytest.mark.covers("status 400")
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "a command is JSON, which this is not from character 1"),
        (b"[]", "the command must stand in a JSON object"),
        (b"{}", "command is required, and is a string"),
        (b'{"command":"fly"}', "the command fly is not known"),
        (b'{"command":"tts"}', "tts: text is required"),
        (b"\xff", "a command is UTF-8 text"),
    ],
)
def test_say_what_is_wrong_with_a_command(body: bytes, sentence: str) -> None:
    async def talk(client: Client) -> None:
        handle = client.place.sessions.add("a", "alice")
        answer = await client.ask("/command/a", token(), "POST", data=body)
        assert answer == refusal(400, sentence)
        assert handle.texts == []

    speak(talk)


def test_refuse_a_command_that_is_too_large() -> None:
    async def talk(client: Client) -> None:
        answer = await client.ask("/command/a", token(), "POST", data=b" " * 65_537)
        assert answer == refusal(413, "the body has at most 65536 bytes")

    speak(talk)


def test_ask_to_come_back_when_too_many_commands_wait() -> None:
    async def talk(client: Client) -> None:
        client.place.sessions.add("a", "alice")
        client.place.sessions.refusal = Refusing(503, "too many commands wait", 5)
        answer = await client.ask("/command/a", token(), "POST", json=HANGUP)
        assert answer == refusal(503, "too many commands wait")
        assert client.headers["Retry-After"] == "5"

    speak(talk)


PAGE = "https://console.example"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


async def asked(client: Client, path: str, method: str = "GET", **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    http = client._http
    async with http.request(
        method, f"{client.place.url}{path}", headers=given
    ) as answer:
        client.headers = answer.headers
        return answer.status


@pytest.mark.parametrize(
    ("origins", "allowed", "varies"),
    [({"*"}, "*", None), ({PAGE}, PAGE, "Origin"), ({"https://other"}, None, None)],
)
def test_let_pages_of_other_origins_read(
    origins: set[str], allowed: str | None, varies: str | None
) -> None:
    async def talk(client: Client) -> None:
        for path in ("/health", "/call/lists", "/nowhere"):
            await asked(client, path, Origin=PAGE)
            assert client.headers.get("Access-Control-Allow-Origin") == allowed
            assert client.headers.get("Vary") == varies
        await asked(client, "/health")
        assert "Access-Control-Allow-Origin" not in client.headers

    speak(talk, Place(origins=frozenset(origins)))


def test_answer_a_preflight() -> None:
    async def talk(client: Client) -> None:
        assert await asked(client, "/command/a", "OPTIONS", **PREFLIGHT) == 204
        assert client.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in client.headers["Access-Control-Allow-Methods"]
        assert "authorization" in client.headers["Access-Control-Allow-Headers"]
        assert client.headers["Connection"] == "close"
        assert await asked(client, "/command/a", "OPTIONS", Origin=PAGE) == 405

    speak(talk, Place(origins=frozenset({"*"})))


def test_allow_nothing_to_a_page_that_may_not() -> None:
    async def talk(client: Client) -> None:
        assert await asked(client, "/command/a", "OPTIONS", **PREFLIGHT) == 204
        assert not any(name.startswith("Access-Control") for name in client.headers)

    speak(talk)
