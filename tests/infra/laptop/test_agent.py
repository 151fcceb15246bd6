"""The example agent beside the stack: its rights, its lives, what it tells."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from infra import wiring
from infra.laptop import child
from infra.laptop.agent import HOURS, AgentProcess
from infra.laptop.clock import now_seconds
from infra.laptop.settings import BadSetting, Settings
from tests.examples.fake_worker import PATIENCE_SECONDS, FakeWorker
from tests.infra.laptop.test_settings import GOOD

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
STOP_SECONDS = 2.0
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PARLEY_JWT_SECRET": SECRET,
    "LIVEKIT_API_SECRET": "not for an application",
}


@asynccontextmanager
async def running(agent: AgentProcess) -> AsyncIterator[None]:
    async with asyncio.timeout(6 * PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(agent.run())
        yield
        loop = asyncio.get_running_loop()
        began = loop.time()
        task.cancel()
        await asyncio.wait([task])
        assert loop.time() - began < STOP_SECONDS


def agent_of(
    worker: FakeWorker, root: Path = wiring.ROOT, **variables: str
) -> AgentProcess:
    host, port = worker.address
    environment = {**ENVIRONMENT, **variables}
    return AgentProcess(environment, root, host, port, now_seconds)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FIRST_RESTART_SECONDS", 0.01)


def test_wait_for_calls_to_the_agent_with_a_token_of_its_own() -> None:
    async def live() -> None:
        async with FakeWorker() as worker:
            async with running(agent_of(worker, PARLEY_SIP_TENANT="phones")):
                session = await worker.session(0)
                await session.ring()
                assert len(await session.commands(1)) == 1
            await session.until_closed()
        assert session.query["listen"] == "agent"
        claims = jwt.decode(session.query["token"], SECRET, algorithms=["HS256"])
        assert claims["exp"] - claims["iat"] == HOURS * 3_600
        assert Principal.parse(claims) == Principal("phones", "agent", Role.SERVER)

    asyncio.run(live())


def test_start_again_when_it_dies(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with FakeWorker() as worker, running(agent_of(worker)):
            await worker.session(0)
            worker.refusal = 401
            await worker.sessions[0].socket.close()
            await worker.until_asked(2)
            worker.refusal = None
            await (await worker.session(1)).ring()

    with caplog.at_level(logging.WARNING):
        asyncio.run(live())
    levels = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert levels[0] == ("WARNING", "agent complains")
    assert vars(caplog.records[0])["sentence"].endswith("refuses with 401.")
    assert ("ERROR", "agent died, starting it again") in levels


def test_tell_nothing_of_what_is_said(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def live() -> None:
        async with FakeWorker() as worker, running(agent_of(worker)):
            session = await worker.session(0)
            await session.ring("sip:somebody@127.0.0.1")
            await session.tell("asrFinal", text="a secret")
            await session.commands(4)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(live())
    told = caplog.text + "".join(capfd.readouterr())
    assert "secret" not in told
    assert "somebody" not in told


def test_have_nothing_of_the_stacks_own_secrets(tmp_path: Path) -> None:
    """Another program in its place sees what it is given."""
    _write_agent(
        tmp_path,
        "import os, sys\n"
        "sys.stderr.write(' '.join(sorted(os.environ)) + '\\n' + 'x' * 99_999)\n"
        "sys.stderr.write('\\nlast\\n')\n"
        "sys.stderr.flush()\n"
        "sys.stdin.read()\n",
    )
    told: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(vars(record)["sentence"])

    async def live() -> None:
        async with FakeWorker() as worker, running(agent_of(worker, tmp_path)):
            while "last" not in told:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    logger = logging.getLogger("infra.laptop.agent")
    keep = Keep()
    logger.addHandler(keep)
    try:
        asyncio.run(live())
    finally:
        logger.removeHandler(keep)
    names = set(told[0].split())
    assert {"PARLEY_TOKEN", "PATH", "PYTHONPATH"} <= names
    assert not [name for name in names if "SECRET" in name]


def test_kill_it_when_it_does_not_stop(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child, "STOP_SECONDS", 0.1)
    _write_agent(
        tmp_path,
        "import signal, sys, time\n"
        f"signal.signal({int(signal.SIGTERM)}, signal.SIG_IGN)\n"
        "sys.stderr.write('up\\n')\n"
        "sys.stderr.flush()\n"
        "time.sleep(60)\n",
    )

    async def live() -> None:
        async with FakeWorker() as worker, running(agent_of(worker, tmp_path)):
            while "agent complains" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    asyncio.run(live())
    assert "agent killed" in caplog.text


def test_start_again_although_it_cannot_be_started(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "nowhere"

    async def live() -> None:
        async with FakeWorker() as worker, running(agent_of(worker, nowhere)):
            while caplog.text.count("agent died") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    asyncio.run(live())
    assert "No such file" in str(vars(caplog.records[0])["exit_status"])


@pytest.mark.parametrize(
    ("given", "has_agent"),
    [
        ({}, True),
        ({"PARLEY_AGENT": ""}, True),
        ({"PARLEY_AGENT": "on"}, True),
        ({"PARLEY_AGENT": "off"}, False),
        ({"PARLEY_SIP_PORT": "0"}, False),
        ({"PARLEY_SIP_PORT": "5060"}, True),
    ],
)
def test_be_there_unless_it_is_not_wanted(
    given: dict[str, str], has_agent: bool
) -> None:
    assert Settings.parse(GOOD | given).has_agent is has_agent


def test_refuse_a_word_that_is_neither_on_nor_off() -> None:
    with pytest.raises(BadSetting, match="PARLEY_AGENT is on or off, not 'maybe'"):
        Settings.parse(GOOD | {"PARLEY_AGENT": "maybe"})


def _write_agent(folder: Path, code: str) -> None:
    package = folder / "examples"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "agent.py").write_text(code)
