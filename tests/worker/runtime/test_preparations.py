"""Texts made into speech before any call says them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chalicelib.protocol.session.codec import as_text, parse_command
from chalicelib.protocol.session.commands import Tts
from mediaworker.runtime import preparations
from mediaworker.runtime.ports import Refusal
from mediaworker.runtime.preparations import Preparations
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.speech.replies import Broken, Chunk, Prepared
from mediaworker.speech.requests import Cancel, Prepare
from tests.worker.runtime.world import FakeSpeech


def tts(text: str = "Hello 👋 there. ", **fields: Any) -> Tts:
    command = parse_command(as_text({"command": "tts", "text": text, **fields}))
    assert isinstance(command, Tts)
    return command


class Stand:
    def __init__(self) -> None:
        self.speech = FakeSpeech()
        self.preparations = Preparations(SpeechDesk(self.speech))
        self.speech.come_up()

    def begin(
        self, tenant: str = "acme", command: Tts | None = None
    ) -> "asyncio.Task[Prepared]":
        making = self.preparations.prepare(tenant, command or tts())
        return asyncio.ensure_future(making)

    @property
    def asked(self) -> list[Prepare]:
        return [each for each in self.speech.requests if isinstance(each, Prepare)]


def run(talk: Callable[[Stand], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(5):
            await talk(Stand())

    asyncio.run(main())


async def refused(task: "asyncio.Task[Prepared]") -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        await task
    return caught.value.status, str(caught.value)


def test_have_the_very_text_made_that_a_call_would_say() -> None:
    async def talk(stand: Stand) -> None:
        making = stand.begin(command=tts(speaker="slt", option={"speed": 1.2}))
        await asyncio.sleep(0)
        (asked,) = stand.asked
        assert (asked.text, asked.scope) == ("Hello  there.", "acme")
        assert (asked.option.speaker, asked.option.speed) == ("slt", 1.2)
        stand.speech.hear(Chunk(asked.job, b""))
        stand.speech.hear(Prepared(asked.job, "key", 640, True))
        made = await making
        assert (made.cache_key, made.size, made.was_there) == ("key", 640, True)

    run(talk)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (tts("👍"), 400),
        (tts("AAAA", base64=True), 400),
        (tts(option={"provider": "nobody"}), 501),
    ],
)
def test_refuse_what_no_call_could_say(command: Tts, status: int) -> None:
    async def talk(stand: Stand) -> None:
        assert (await refused(stand.begin(command=command)))[0] == status
        assert not stand.asked

    run(talk)


def test_say_why_it_was_not_made() -> None:
    async def talk(stand: Stand) -> None:
        making = stand.begin()
        await asyncio.sleep(0)
        broken = Broken(stand.asked[0].job, "embedded", "no voice", 503)
        stand.speech.hear(broken)
        assert await refused(making) == (503, "no voice")

    run(talk)


def test_say_that_nobody_makes_it() -> None:
    async def talk(stand: Stand) -> None:
        making = stand.begin()
        await asyncio.sleep(0)
        stand.speech.fall()
        assert await refused(making) == (503, "the speech process was lost")
        assert (await refused(stand.begin()))[0] == 503

    run(talk)


def test_make_no_more_than_a_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparations, "MOST", 3)
    monkeypatch.setattr(preparations, "MOST_OF_TENANT", 2)

    async def talk(stand: Stand) -> None:
        making = [stand.begin(), stand.begin()]
        await asyncio.sleep(0)
        assert (await refused(stand.begin()))[0] == 429
        making.append(stand.begin("other"))
        await asyncio.sleep(0)
        assert (await refused(stand.begin("third")))[0] == 429
        for asked in stand.asked:
            stand.speech.hear(Prepared(asked.job, "key", 1, False))
        await asyncio.gather(*making)
        again = stand.begin()
        await asyncio.sleep(0)
        stand.speech.hear(Prepared(stand.asked[-1].job, "key", 1, False))
        assert (await again).size == 1

    run(talk)


def test_give_up_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparations, "SECONDS", 0.01)

    async def talk(stand: Stand) -> None:
        assert (await refused(stand.begin()))[0] == 504
        assert stand.speech.requests[-1] == Cancel(stand.asked[0].job)

    run(talk)


def test_answer_once() -> None:
    async def talk(stand: Stand) -> None:
        asker = preparations.Asker("acme")
        asker.answer(Prepared(1, "key", 1, False))
        asker.answer(Broken(1, "embedded", "late", 500))
        asker.speech_lost()
        assert (await asker.answered).cache_key == "key"

    run(talk)
