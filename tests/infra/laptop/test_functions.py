"""Handlers whose code is not what it should be, and Chalice under threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType
from typing import Any

import pytest
from chalice.app import Chalice

from infra.laptop.functions import Functions
from infra.laptop.handlers import load
from infra.laptop.outstanding import Outstanding
from infra.laptop.timers import Timers
from infra.wiring import Function


def test_answer_for_a_handler_that_is_missing() -> None:
    functions = Functions(
        [Function("gone", "chalicelib.gone.handler", 128, 3)],
        handlers={},
        observe=lambda observation: None,
        timers=Timers(),
        outstanding=Outstanding(),
        retry_seconds=0,
    )
    functions.load()
    answer = functions.invoke("gone", b"{}")
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
    load("infra.wiring.Queue")

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
