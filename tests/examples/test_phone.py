"""The example agent takes the calls of phones; the worker is the test's own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.agent import phone
from examples.agent.__main__ import Lines, main
from examples.agent.agent import GREETING, Agent, Event
from examples.agent.phone import Phone
from examples.agent.talk import NoCall
from tests.examples.fake_worker import PATIENCE_SECONDS, FakeWorker

ROOT = Path(__file__).parent.parent.parent
GOING = {1_000, 1_001}
PROMISED_SECONDS = 1.0


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str]] = []
        self.waits_told = 0
        self.complaints: list[str] = []
        self._news = asyncio.Event()

    def waits(self) -> None:
        self.waits_told += 1
        self._news.set()

    def hears(self, number: int, event: Event) -> None:
        self.events.append((number, event["event"]))
        self._news.set()

    def complains(self, sentence: str) -> None:
        self.complaints.append(sentence)
        self._news.set()

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(phone, "SLOWEST_PAUSE_SECONDS", 0.02)


@asynccontextmanager
async def serving(
    worker: FakeWorker, told: Told, calls: int = 8
) -> AsyncIterator[None]:
    """Within the block the agent takes calls."""
    serve = Phone(worker.url, "a-token", "agent", calls, Agent, told).serve()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve)
        yield
        task.cancel()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(4 * PATIENCE_SECONDS):
            await test()

    asyncio.run(bounded())


def test_wait_and_take_the_call_that_comes() -> None:
    async def talk() -> None:
        told = Told()
        async with FakeWorker() as worker, serving(worker, told):
            waiting = await worker.session(0)
            assert waiting.query == {"listen": "agent", "token": "a-token"}
            await waiting.tell("ping")
            await waiting.ring()
            (greeting,) = await waiting.commands(1)
            assert (greeting["command"], greeting["text"]) == ("tts", GREETING)
            await waiting.hang_up()
            await told.until(lambda: len(told.events) == 3)
            await worker.session(1)
        assert told.events == [(1, "incoming"), (1, "answer"), (1, "hangup")]
        assert told.waits_told == 1
        assert told.complaints == []

    run(talk)


def test_talk_with_two_at_once() -> None:
    async def talk() -> None:
        told = Told()
        async with FakeWorker() as worker, serving(worker, told):
            one = await worker.session(0)
            await one.ring()
            two = await worker.session(1)
            await two.ring()
            for session, text in ((one, "first"), (two, "second")):
                await session.tell("asrFinal", text=text)
                *_, answer = await session.commands(4)
                assert answer["text"].endswith(text)
            await worker.session(2)
            assert not one.closed.is_set()
        assert {number for number, _ in told.events} == {1, 2}

    run(talk)


def test_wait_no_more_while_all_its_calls_are_taken() -> None:
    async def talk() -> None:
        async with FakeWorker() as worker, serving(worker, Told(), calls=1):
            only = await worker.session(0)
            await only.ring()
            await only.tell("dtmf", digit="5")
            *_, answer = await only.commands(2)
            assert answer["text"] == "You pressed 5."
            assert worker.asked == 1
            await only.hang_up()
            await worker.session(1)

    run(talk)


def test_come_back_when_the_worker_does() -> None:
    async def talk() -> None:
        told, worker = Told(), FakeWorker()
        async with worker, serving(worker, told):
            await (await worker.session(0)).ring()
            await worker.session(1)
            await worker.__aexit__(None, None, None)
            await told.until(lambda: told.complaints)
            await worker.__aenter__()
            await (await worker.session(2)).ring()
        (complaint,) = told.complaints
        assert complaint.startswith("Nobody answers at ws://127.0.0.1:")
        assert "a-token" not in complaint
        assert told.waits_told == 2
        assert [number for number, name in told.events if name == "incoming"] == [1, 2]

    run(talk)


def test_wait_again_when_its_session_is_ended_before_a_call() -> None:
    async def talk() -> None:
        told = Told()
        async with FakeWorker() as worker, serving(worker, told):
            await (await worker.session(0)).hang_up()
            await (await worker.session(1)).ring()
        assert told.events[0] == (1, "incoming")
        assert told.complaints == []

    run(talk)


def test_survive_a_worker_that_is_gone_before_its_command() -> None:
    async def talk() -> None:
        told = Told()
        async with FakeWorker() as worker, serving(worker, told):
            session = await worker.session(0)
            await session.tell("incoming", caller="sip:a@b", callee="sip:agent@b")
            for _ in range(200):
                await session.tell("dtmf", digit="1")
            session.cut()
            await (await worker.session(1)).ring()

    run(talk)


@pytest.mark.parametrize("status", [501, 503])
def test_ask_again_when_it_is_refused_and_complain_once(status: int) -> None:
    async def talk() -> None:
        told = Told()
        async with FakeWorker() as worker:
            worker.refusal = status
            async with serving(worker, told):
                await worker.until_asked(4)
                worker.refusal = None
                await told.until(lambda: told.waits_told)
        assert told.complaints == [f"{worker.url} refuses with {status}."]
        assert told.waits_told == 1

    run(talk)


@pytest.mark.parametrize("status", [401, 403])
def test_end_when_the_token_is_refused_after_the_last_talk(status: int) -> None:
    async def talk() -> None:
        async with FakeWorker() as worker:
            serve = Phone(worker.url, "t", "agent", 8, Agent, Told()).serve()
            task = asyncio.ensure_future(serve)
            session = await worker.session(0)
            worker.refusal = status
            await session.ring()
            await worker.until_asked(2)
            await session.tell("asrFinal", text="still here")
            assert (await session.commands(4))[-1]["text"].endswith("still here")
            await session.hang_up()
            with pytest.raises(NoCall, match=f"refuses with {status}"):
                await task
            assert worker.asked == 2

    run(talk)


def test_close_every_socket_at_the_end() -> None:
    async def talk() -> None:
        async with FakeWorker() as worker:
            async with serving(worker, Told()):
                for number in range(2):
                    await (await worker.session(number)).ring()
            for session in worker.sessions[:2]:
                assert await session.until_closed() in GOING

    run(talk)


def test_number_the_lines_of_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.waits()
    lines.hears(3, {"event": "asrFinal", "text": "hello"})
    lines.hears(3, {"event": "ping"})
    lines.complains("Nobody answers.")
    told = capsys.readouterr()
    assert told.out == "--- waiting for calls\n#3 person: hello\n"
    assert told.err == "Nobody answers. Trying again.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--phone"], "PARLEY_TOKEN"),
        (["--phone", "--token", "t", "--calls", "0"], "--calls"),
        (["--phone", "--microphone", "--token", "t"], "not allowed with"),
    ],
)
def test_refuse_what_makes_no_sense(
    arguments: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("PARLEY_TOKEN", raising=False)
    with pytest.raises(SystemExit):
        main(arguments)
    assert complaint in capsys.readouterr().err


def started(url: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "examples.agent", "--phone", "--url", url, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PARLEY_TOKEN": "a-token"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
def test_end_cleanly_by_a_signal_or_with_the_parent(
    number: signal.Signals | None,
) -> None:
    async def talk() -> None:
        async with FakeWorker() as worker:
            process = started(worker.url, "--with-parent")
            with process:
                session = await worker.session(0)
                assert session.query["token"] == "a-token"
                await session.ring()
                assert len(await session.commands(1)) == 1
                began = time.monotonic()
                if number is None:
                    assert process.stdin is not None
                    process.stdin.close()
                    process.stdin = None
                else:
                    process.send_signal(number)
                assert await session.until_closed() in GOING
                out, errors = await asyncio.to_thread(process.communicate, None, 5)
                assert time.monotonic() - began < 3 * PROMISED_SECONDS
            assert process.returncode == 0
            assert errors == b""
            assert out.decode().splitlines() == [
                "--- waiting for calls",
                "#1 --- sip:alice@127.0.0.1 calls",
                "#1 --- the call is answered",
            ]

    run(talk)


def test_end_with_one_sentence_when_the_token_is_refused() -> None:
    async def talk() -> None:
        async with FakeWorker() as worker:
            worker.refusal = 401
            process = started(worker.url)
            with process:
                out, errors = await asyncio.to_thread(process.communicate, None, 10)
            assert process.returncode == 1
            assert out == b""
            assert errors.decode() == f"{worker.url} refuses with 401.\n"

    run(talk)
