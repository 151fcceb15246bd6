"""Handlers whose code is not what it should be, and Chalice under threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from types import ModuleType
from typing import Any

import pytest
from botocore.session import Session
from chalice.app import Chalice
from pynamodb.connection import Connection

from infra.laptop.clients import connections_shared
from infra.laptop.functions import Functions
from infra.laptop.handlers import Handler, load
from infra.laptop.outstanding import Outstanding
from infra.laptop.timers import Timers
from infra.parts import Function


def functions_of(handler: Handler | None) -> Functions:
    """One function, with this code or with none."""
    return Functions(
        [Function("one", "chalicelib.gone.handler", 128, 3)],
        handlers={"one": handler} if handler else {},
        observe=lambda observation: None,
        timers=Timers(),
        outstanding=Outstanding(),
        retry_seconds=0,
    )


def test_answer_for_a_handler_that_is_missing() -> None:
    functions = functions_of(None)
    functions.load()
    answer = functions.invoke("one", b"{}")
    assert answer.error == "Runtime.ImportModuleError"
    functions.stop(1)


def test_keep_requests_of_threads_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chalice's own application answers 49 of 50 wrongly here."""
    app = Chalice(app_name="probe")
    together = Barrier(50, timeout=10)

    @app.route("/echo/{name}")
    def echo(name: str) -> dict[str, Any]:
        together.wait()
        assert app.current_request is not None
        return {"path": app.current_request.context["path"], "name": name}

    module = ModuleType("app")
    module.app = app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app", module)
    load("infra.parts.Queue")

    def ask(number: int) -> Any:
        path = f"/echo/{number}"
        event = {
            "httpMethod": "GET",
            "resource": "/echo/{name}",
            "path": path,
            "headers": {},
            "multiValueQueryStringParameters": None,
            "pathParameters": {"name": str(number)},
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {
                "httpMethod": "GET",
                "resourcePath": "/echo/{name}",
                "path": path,
            },
        }
        return app(event, None)["body"]

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))
    assert answers == [f'{{"path":"/echo/{n}","name":"{n}"}}' for n in range(50)]


def test_let_the_first_run_build_what_all_use() -> None:
    built: list[str] = []
    is_building, may_go_on = Event(), Event()

    def handler(event: Any, context: Any) -> None:
        if not built:
            is_building.set()
            may_go_on.wait(5)
            built.append("client")

    functions = functions_of(handler)
    with ThreadPoolExecutor(8) as threads:
        runs = [threads.submit(functions.invoke, "one", b"{}") for _ in range(8)]
        assert is_building.wait(5)
        may_go_on.set()
        assert all(run.result(5).error is None for run in runs)
    assert built == ["client"]


def test_make_one_client_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Session.create_client
    made: list[object] = []

    def counted(session: Session, *arguments: Any, **named: Any) -> Any:
        made.append(session)
        return make(session, *arguments, **named)

    monkeypatch.setattr(Session, "create_client", counted)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "laptop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "laptop")
    connection = Connection(region="us-east-1")
    with connections_shared(), ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(lambda _: connection.client, range(64)))
    assert len(made) == 1
    assert all(client is clients[0] for client in clients)
