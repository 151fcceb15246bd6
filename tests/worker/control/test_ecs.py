"""What ECS tells of a task, and what becomes of a worker that is told nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from mediaworker.control import ecs
from mediaworker.control.ecs import NoTask, Task, located, parse
from mediaworker.settings import Settings

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/parley/0123456789abcdef"
TASK = {
    "Cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/parley",
    "TaskARN": ARN,
    "Containers": [
        {"Name": "side"},
        {"Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.2.106"]}]},
    ],
}


class Metadata(HTTPServer):
    """The endpoint; answers what it is told to, one after the other."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers = list(answers)
        self.asked: list[str] = []

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v4/abc"


class Answer(BaseHTTPRequestHandler):
    server: Metadata

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        """Nobody wants to know."""


@contextmanager
def metadata(*answers: tuple[int, Any]) -> Iterator[Metadata]:
    with Metadata(*answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def no_sleep(seconds: float) -> None:
    assert 0 < seconds < 10


def test_take_address_and_name_from_the_task() -> None:
    with metadata((200, TASK)) as server:
        given = {
            "PARLEY_ADVERTISED_ADDRESS": "ecs",
            "PARLEY_WORKER_PORT": "8090",
            ecs.URI: server.uri,
        }
        found = located(given, sleep=no_sleep)
        assert server.asked == ["/v4/abc/task"]
    assert found["PARLEY_ADVERTISED_ADDRESS"] == "10.0.2.106:8090"
    assert found["PARLEY_TASK_ID"] == ARN
    settings = Settings.parse(
        {
            **found,
            "PARLEY_BIND": "0.0.0.0",
            "PARLEY_JWT_SECRET": "s" * 32,
            "PARLEY_CONTROL_URL": "https://control.example",
            "PARLEY_SIP_PORT": "5060",
            "PARLEY_RELEASE": "r7",
            "ECS_AGENT_URI": "http://169.254.170.2/api/x",
        }
    )
    assert (settings.task_id, settings.release) == (ARN, "r7")
    assert settings.sip_address == "10.0.2.106:5060"
    assert settings.ecs_agent_url == "http://169.254.170.2/api/x"


def test_ask_for_nothing_that_is_known_or_not_wanted() -> None:
    for given in (
        {},
        {"PARLEY_ADVERTISED_ADDRESS": "10.0.0.1:8080"},
        {"PARLEY_TASK_ID": "t", ecs.URI: "http://127.0.0.1:1"},
    ):
        assert located(given, sleep=no_sleep) == given


def test_try_again_until_the_task_has_its_address() -> None:
    early = {**TASK, "Containers": []}
    with metadata((500, {}), (200, "no"), (200, early), (200, TASK)) as server:
        given = {"PARLEY_ADVERTISED_ADDRESS": "ECS", ecs.URI: server.uri}
        found = located(given, "5060", sleep=no_sleep)
    assert found["PARLEY_ADVERTISED_ADDRESS"] == "10.0.2.106:5060"


def test_do_without_a_name_but_not_without_an_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with metadata((404, {})) as server:
        assert located({ecs.URI: server.uri}, sleep=no_sleep) == {ecs.URI: server.uri}
        assert [record.message for record in caplog.records] == ["task unknown"]
        assert len(server.asked) == ecs.ATTEMPTS
        with pytest.raises(NoTask, match="did not come: .*404"):
            located(
                {"PARLEY_ADVERTISED_ADDRESS": "ecs", ecs.URI: server.uri},
                sleep=no_sleep,
            )
    with pytest.raises(NoTask, match="this is no task of ECS"):
        located({"PARLEY_ADVERTISED_ADDRESS": "ecs"}, sleep=no_sleep)


def test_read_a_task() -> None:
    assert parse(TASK) == Task(ARN, str(TASK["Cluster"]), "10.0.2.106")
    wrong: Any
    for wrong in (None, [], {}, {**TASK, "Containers": 7}, {**TASK, "Containers": []}):
        with pytest.raises(NoTask):
            parse(wrong)
