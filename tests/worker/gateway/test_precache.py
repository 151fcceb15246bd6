"""``POST /precache``: whose it is, and what it says."""

import pytest

from mediaworker.speech.replies import Prepared
from tests.worker.gateway.fakes import Place, Refusing, token
from tests.worker.gateway.test_rest import Client, refusal, speak

TTS = {"command": "tts", "text": "Hello.", "option": {"speaker": "slt"}}


@pytest.mark.parametrize(("was_there", "status"), [(False, "cached"), (True, "exists")])
def test_make_a_text_for_later(was_there: bool, status: str) -> None:
    async def talk(client: Client) -> None:
        answer = await client.ask("/precache", token(tenant="acme"), "POST", json=TTS)
        told = {"status": status, "cacheKey": "k", "bytes": 96_000}
        assert answer == (200, told)
        ((tenant, command),) = client.place.asked
        assert (tenant, command.text) == ("acme", "Hello.")

    speak(talk, Place(prepared=Prepared(1, "k", 96_000, was_there)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "a command is JSON, which this is not from character 1"),
        (b'{"command":"tts"}', "tts: text is required"),
        (
            b'{"command":"play","url":"http://a.example/b.mp3"}',
            "only a tts command can be precached",
        ),
    ],
)
def test_refuse_what_is_no_text(body: bytes, sentence: str) -> None:
    async def talk(client: Client) -> None:
        answer = await client.ask("/precache", token(), "POST", data=body)
        assert answer == refusal(400, sentence)
        assert not client.place.asked

    speak(talk)


def test_ask_for_a_token() -> None:
    async def talk(client: Client) -> None:
        assert (await client.ask("/precache", None, "POST", json=TTS))[0] == 401
        assert (await client.ask("/precache", token(), "GET"))[0] == 405
        assert not client.place.asked

    speak(talk)


def test_say_why_it_was_not_made() -> None:
    async def talk(client: Client) -> None:
        answer = await client.ask("/precache", token(), "POST", json=TTS)
        assert answer == refusal(429, "too many texts")
        assert client.headers["Retry-After"] == "1"

    speak(talk, Place(prepared=Refusing(429, "too many texts", 1)))
