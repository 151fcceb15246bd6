"""The speech process as the media process sees it: real, crashing, and too slow."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from chalicelib.protocol.session.speech import DEFAULTS
from mediaworker.children import Patience
from mediaworker.speech.framing import pack
from mediaworker.speech.link import Link
from mediaworker.speech.process import (
    HOPELESS_BYTES,
    QUEUE_BYTES,
    SpeechProcessClient,
)
from mediaworker.speech.replies import Judged, Made, Prepared, Ready, Reply
from mediaworker.speech.requests import (
    Cancel,
    Fetch,
    Heard,
    Judge,
    Listen,
    Prepare,
    Request,
    Synthesize,
)
from mediaworker.speech.settings import BadSpeechSetting, SpeechSettings
from tests.worker.models import speech
from tests.worker.speech.sounds import file_of, tone

ROOT = Path(__file__).parents[3]
SOURCES = os.pathsep.join([str(ROOT / "media-worker" / "src"), str(ROOT)])
WAIT_SECONDS = 20.0
READY = """
import socket, sys
from mediaworker.speech.framing import pack
from mediaworker.speech.replies import Ready
parent = socket.socket(fileno=int(sys.argv[1]))
parent.setblocking(True)
parent.sendall(pack(Ready(("fake",), False)))
"""
DEAF = READY + "import time; time.sleep(60)"
ENDS = READY + "parent.recv(1)"
GARBAGE = READY + "parent.recv(1); parent.sendall(b'\\0\\0\\0\\1x'); parent.recv(9)"
MUTE = "import time; time.sleep(60)"
NewLoop = Callable[[], asyncio.AbstractEventLoop]
Talk = Callable[["Parent"], Awaitable[None]]


class Parent:
    """A media process, but for the media."""

    def __init__(
        self,
        *command: str,
        cache: Path | None = None,
        is_development: bool = False,
        **restarts: float,
    ) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": SOURCES,
            "PARLEY_MODELS": str(ROOT / ".parley" / "models"),
            "PARLEY_MEDIA_CACHE": str(cache or ""),
            "PARLEY_ENV": "development" if is_development else "",
        }
        quick = {"first_seconds": 0.01, "stop_seconds": 0.5, **restarts}
        self.told: asyncio.Queue[Reply | str] = asyncio.Queue()
        self.client = SpeechProcessClient(
            environment,
            command=command or (sys.executable, "-m", "mediaworker.speech"),
            patience=Patience(**quick),
        )
        self.client.listen(self.told.put_nowait, lambda: self.told.put_nowait("died"))

    async def next(self) -> Reply | str:
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.told.get()

    async def until(self, kind: type[Reply]) -> Reply | str:
        while not isinstance(reply := await self.next(), kind):
            pass
        return reply


def live(
    talk: Talk,
    *command: str,
    cache: Path | None = None,
    is_development: bool = False,
    new_loop: NewLoop = asyncio.new_event_loop,
    **restarts: float,
) -> None:
    async def main() -> None:
        parent = Parent(
            *command, cache=cache, is_development=is_development, **restarts
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(parent.client.run())
            await talk(parent)
            parent.client.stop()
            async with asyncio.timeout(WAIT_SECONDS):
                await running
        assert parent.client.pid is None and parent.client.ready is None
        assert not parent.client.send(Cancel(1))

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


async def happens(has_happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not has_happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def fake(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_speak_die_and_speak_again(tmp_path: Path, new_loop: NewLoop) -> None:
    async def talk(parent: Parent) -> None:
        for job in (1, 2):
            ready = await parent.until(Ready)
            assert isinstance(ready, Ready) and "espeak" in ready.voices
            assert parent.client.ready == ready
            parent.client.send(Synthesize(job, "Hello.", 8_000, DEFAULTS))
            made = await parent.until(Made)
            assert isinstance(made, Made) and made.job == job
            assert made.is_cached == (job == 2)
            if job == 1:
                assert parent.client.pid is not None
                os.kill(parent.client.pid, signal.SIGKILL)
                assert await parent.next() == "died"

    live(talk, cache=tmp_path, new_loop=new_loop)


def test_judge_whether_a_person_has_finished() -> None:
    async def talk(parent: Parent) -> None:
        ready = await parent.until(Ready)
        assert isinstance(ready, Ready) and ready.judges
        parent.client.send(Listen(1, 16_000, judges=True))
        samples = speech(16_000, "beckett.wav")[: 148 * 320].reshape(-1, 320)
        for frame in samples:
            parent.client.send(Heard(16_000, (1,), frame.tobytes()))
        parent.client.send(Judge(1, 5, 2_890))
        reply = await parent.until(Judged)
        assert isinstance(reply, Judged) and (reply.stream, reply.number) == (1, 5)
        assert reply.probability is not None and reply.probability > 0.8

    live(talk)


def test_end_when_it_is_cancelled() -> None:
    async def main() -> None:
        parent = Parent(*fake(DEAF))
        running = asyncio.ensure_future(parent.client.run())
        await parent.until(Ready)
        pid = parent.client.pid
        assert pid is not None
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert parent.told.empty()

    asyncio.run(main())


def test_lose_audio_but_no_order_when_it_is_slow() -> None:
    async def talk(parent: Parent) -> None:
        await parent.until(Ready)
        frame = Heard(8_000, (1,), bytes(1 << 20))
        taken = 0
        while parent.client.send(frame):
            taken += 1
        assert QUEUE_BYTES >> 20 <= taken <= (QUEUE_BYTES >> 20) + 4
        assert not parent.client.send(frame)
        assert parent.client.send(Cancel(1))

    live(talk, *fake(DEAF))


def test_give_a_process_up_that_takes_nothing() -> None:
    async def talk(parent: Parent) -> None:
        await parent.until(Ready)
        order = Synthesize(1, "x" * (1 << 20), 8_000, DEFAULTS)
        sent = 0
        while parent.client.send(order):
            sent += 1
        assert sent <= (HOPELESS_BYTES >> 20) + 4
        assert await parent.next() == "died"
        await parent.until(Ready)
        assert parent.client.starts == 2

    live(talk, *fake(DEAF))


@pytest.mark.parametrize("program", [READY, GARBAGE])
def test_start_again_however_it_ends(program: str) -> None:
    async def talk(parent: Parent) -> None:
        for _ in range(2):
            assert isinstance(await parent.next(), Ready)
            parent.client.send(Cancel(1))
            assert await parent.next() == "died"

    live(talk, *fake(program))


def test_give_up_on_one_that_is_never_ready() -> None:
    async def talk(parent: Parent) -> None:
        await happens(lambda: parent.client.starts >= 2)
        assert parent.told.empty()

    live(talk, *fake(MUTE), start_seconds=0.05, stop_seconds=0.05)


def test_go_on_without_a_program(caplog: pytest.LogCaptureFixture) -> None:
    async def talk(parent: Parent) -> None:
        await happens(lambda: bool(caplog.records))
        assert not parent.client.send(Cancel(1))

    live(talk, "/nowhere/python")


def test_survive_a_listener_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def talk(parent: Parent) -> None:
        def fail(reply: Reply) -> None:
            parent.told.put_nowait(reply)
            raise ValueError("a bug")

        parent.client.listen(fail, lambda: None)
        await parent.until(Ready)

    live(talk, *fake(ENDS))
    assert "message failed" in caplog.text


def test_end_with_its_parent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = subprocess.Popen(
            [sys.executable, "-m", "mediaworker.speech", str(theirs.fileno())],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCES},
            cwd=ROOT,
            pass_fds=(theirs.fileno(),),
            stderr=subprocess.DEVNULL,
        )
        with child:
            theirs.close()
            assert ours.recv(1)
            child.send_signal(signal.SIGTERM)
            child.send_signal(signal.SIGINT)
            ours.close()
            assert child.wait(WAIT_SECONDS) == 0


def test_be_started_by_nobody_else() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mediaworker.speech"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCES},
        capture_output=True,
        timeout=WAIT_SECONDS,
    )
    assert ran.returncode == 2
    assert b"started by the worker" in ran.stderr


def test_survive_a_request_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    def receive(request: Request) -> None:
        raise ValueError("a bug")

    link = Link(receive, lambda: ended.append("end"))
    link.tell(Ready((), False))
    link.data_received(pack(Cancel(1)))
    assert "request failed" in caplog.text and not ended
    link.data_received(b"\xff" * 8)
    assert ended == ["end"]


def test_read_the_environment() -> None:
    assert SpeechSettings.parse({}) == SpeechSettings(
        Path(".parley/models"), Path(".parley/cache/tts"), 256 << 20, False
    )
    given = {
        "PARLEY_MODELS": "/m",
        "PARLEY_MEDIA_CACHE": "/c",
        "PARLEY_ENV": "development",
    }
    found = SpeechSettings.parse({**given, "PARLEY_MEDIA_CACHE_MB": "1"})
    assert found == SpeechSettings(Path("/m"), Path("/c"), 1 << 20, True)
    assert found.moonshine == Path("/m/moonshine-tiny-en")
    with pytest.raises(BadSpeechSetting, match="PARLEY_MEDIA_CACHE_MB"):
        SpeechSettings.parse({"PARLEY_MEDIA_CACHE_MB": "much"})


def test_play_a_file_and_speak_for_later(tmp_path: Path) -> None:
    """In earnest: downloaded, decoded in a process of its own, kept, played again."""
    file = file_of("mp3", tone(44_100, 300), 44_100, 2)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(file)}\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + file)
        writer.close()

    async def talk(parent: Parent) -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            await parent.until(Ready)
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.mp3"
            for job in (1, 2):
                parent.client.send(Fetch(job, url, 8_000, 0, "acme"))
                made = await parent.until(Made)
                assert isinstance(made, Made) and made.is_cached == (job == 2)
                assert made.total_ms == pytest.approx(300, abs=60)
        parent.client.send(Prepare(3, "Hello.", DEFAULTS, None, "acme"))
        prepared = await parent.until(Prepared)
        assert isinstance(prepared, Prepared) and not prepared.was_there
        key = prepared.cache_key
        for job, text, name in ((4, "Hello.", None), (5, "Anything.", key)):
            request = Synthesize(job, text, 16_000, DEFAULTS, name, "acme")
            parent.client.send(request)
            made = await parent.until(Made)
            assert isinstance(made, Made) and made.is_cached
        parent.client.send(Prepare(6, "Hello.", DEFAULTS, None, "acme"))
        prepared = await parent.until(Prepared)
        assert isinstance(prepared, Prepared) and prepared.was_there
        assert prepared.cache_key == key

    live(talk, cache=tmp_path, is_development=True)
