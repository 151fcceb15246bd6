"""How the laptop cloud begins and ends."""

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from infra.laptop.clients import client
from infra.laptop.cloud import Cloud, Pace
from infra.laptop.handlers import HandlerMissing, load
from infra.parts import Queue
from tests.infra.laptop.fakes import FakeFunctions, Table

ENVIRONMENT: Mapping[str, str] = {"PATH": "/bin"}


def test_leave_nothing_behind() -> None:
    environment = dict(os.environ)
    threads = set(threading.enumerate())
    functions = FakeFunctions()
    with Cloud(ENVIRONMENT, handlers=functions.handlers()) as cloud:
        Table().put("CALL#1", "EVENT#1")
        client("lambda").invoke(
            FunctionName="deliver", InvocationType="Event", Payload=b"{}"
        )
        client("stepfunctions").start_execution(
            stateMachineArn=os.environ["PARLEY_REDELIVERY_MACHINE_ARN"],
            name="waits",
            input='{"delay_seconds": 3600}',
        )
        assert cloud.settle()
        assert os.environ["PATH"] == "/bin"
    assert set(functions.events) == {"outbox", "deliver", "sweep"}
    assert dict(os.environ) == environment
    left = [thread for thread in threading.enumerate() if thread not in threads]
    assert [thread for thread in left if not thread.daemon] == []


def test_stop_although_a_function_hangs(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def deliver(event: Any, context: Any) -> None:
        release.wait(10)

    handlers = FakeFunctions().handlers() | {"deliver": deliver}
    cloud = Cloud(ENVIRONMENT, handlers=handlers)
    cloud.start()
    client("lambda").invoke(
        FunctionName="deliver", InvocationType="Event", Payload=b"{}"
    )
    assert not cloud.settle(0.1)
    cloud.stop(0.2)
    release.set()
    assert "still running" in caplog.text


def test_sweep_by_itself() -> None:
    pace = Pace(sweep_seconds=0.01)
    handlers = FakeFunctions().handlers()
    with Cloud(ENVIRONMENT, handlers=handlers, pace=pace, now_seconds=lambda: 2e9):
        table = Table()
        table.put("a", "1", ttl=1_999_999_999)
        ends_at = time.monotonic() + 10
        while table.get("a", "1") is not None:
            assert time.monotonic() < ends_at, "nothing was swept"
            time.sleep(0.01)


def test_refuse_a_second_at_the_same_time() -> None:
    handlers = FakeFunctions().handlers()
    with Cloud(ENVIRONMENT, handlers=handlers):
        with pytest.raises(RuntimeError, match="already"):
            Cloud(ENVIRONMENT, handlers=handlers).start()
        Table().put("a", "1")
    with Cloud(ENVIRONMENT, handlers=handlers):
        assert Table().get("a", "1") is None


def test_name_a_handler_that_is_missing() -> None:
    with pytest.raises(HandlerMissing, match=r"chalicelib\.no_such\.thing"):
        load("chalicelib.no_such.thing")
    with pytest.raises(HandlerMissing, match="cannot be called"):
        load("infra.wiring.BUS")
    assert load("infra.parts.Queue")("name", 3) == Queue("name", 3)
