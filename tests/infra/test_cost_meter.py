"""The meter on a laptop cloud whose functions are fakes."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from infra import wiring
from infra.costing import logs
from infra.costing.meter import Meter
from infra.costing.prices import (
    BUS_EVENT,
    HTTP_API_REQUEST,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    LOG_GB,
    QUEUE_REQUEST,
    SECRET_REQUEST,
    WRITE_UNIT,
)
from infra.costing.stopwatch import Stopwatch
from infra.costing.tally import Tally
from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from infra.laptop.environment import laptop_environment
from tests.infra.laptop.fakes import FakeFunctions, Table, item

Laptop = tuple[Cloud, FakeFunctions, Meter]


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    functions, stopwatch = FakeFunctions(), Stopwatch()
    handlers = functions.handlers()
    cloud = Cloud(
        laptop_environment({"PARLEY_JWT_SECRET": "x" * 32}, wiring.ROOT),
        handlers={name: stopwatch.timed(handlers[name]) for name in handlers},
    )
    with cloud, Meter(cloud, stopwatch, Tally()) as meter:
        yield cloud, functions, meter


@pytest.fixture
def api(laptop: Laptop) -> Any:
    """Run code as the API function, and have what that alone cost."""
    cloud, functions, meter = laptop

    def run(code: Any) -> Tally:
        meter.tally = meter.capacity.tally = Tally()
        functions.code["api"] = lambda event, context: code()
        assert cloud.invoke("api", b"{}").error is None
        assert cloud.settle()
        return meter.tally

    return run


def test_count_an_invocation(api: Any) -> None:
    tally = api(lambda: None)
    assert tally.amount(LAMBDA_REQUEST) == 1
    milliseconds = tally.amount(LAMBDA_GB_SECOND) * 1000 / (1024 / 1024)
    assert milliseconds == pytest.approx(round(milliseconds))
    assert tally.amount(LOG_GB, "Lambda's lines") > 0


def test_count_writes_as_the_table_is_keyed(api: Any) -> None:
    tally = api(lambda: Table().put("a", "EVENT#1", body="x" * 1024))
    assert tally.amount(WRITE_UNIT, "writes, single (EVENT)") == 2


def test_count_a_write_that_no_function_makes(api: Any) -> None:
    tally = api(lambda: None)
    Table().put("a", "WAKE")
    assert tally.amount(WRITE_UNIT, "writes, single (WAKE)") == 1


def test_count_a_refused_write(api: Any) -> None:
    def write() -> None:
        dynamodb = client("dynamodb")
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.put_item(
                TableName=wiring.TABLE.name,
                Item=item("a", "LOCK"),
                ConditionExpression="attribute_exists(pk)",
            )

    assert api(write).amount(WRITE_UNIT, "writes, single refused (LOCK)") == 1


def test_count_a_scan_as_what_it_must_not_be(api: Any) -> None:
    tally = api(lambda: client("dynamodb").scan(TableName=wiring.TABLE.name))
    assert tally.uncounted == {"DynamoDB Scan": 1}


def test_count_events_of_a_request_singly(api: Any) -> None:
    entry = {"EventBusName": wiring.BUS, "Source": "probe", "DetailType": "probe"}
    details = [json.dumps({"n": 1}), json.dumps({"n": "x" * 70_000})]
    entries = [{**entry, "Detail": detail} for detail in details]
    tally = api(lambda: client("events").put_events(Entries=entries))
    assert tally.amount(BUS_EVENT) == 1 + 2


def test_count_messages_and_secrets(api: Any) -> None:
    secret = client("secretsmanager").create_secret(Name="s", SecretString="{}")["ARN"]
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=wiring.QUEUES[0].name)["QueueUrl"]

    def use() -> None:
        sqs.send_message(QueueUrl=url, MessageBody="x")
        client("secretsmanager").get_secret_value(SecretId=secret)

    tally = api(use)
    assert tally.amount(QUEUE_REQUEST) == 1
    assert tally.amount(SECRET_REQUEST) == 1
    assert tally.uncounted == {}


def test_tell_of_a_request_that_it_does_not_know(api: Any) -> None:
    tally = api(lambda: client("sns").list_topics())
    assert tally.uncounted == {"sns ListTopics": 1}


def test_leave_the_emulation_s_own_requests_out(laptop: Laptop, api: Any) -> None:
    tally = api(lambda: None)
    client("sns").list_topics()
    assert tally.uncounted == {}


def test_count_what_is_printed_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    counted: list[int] = []
    with logs.printed_bytes_told(counted.append):
        sys.stdout.write("é" * 10)
        assert sum(counted) == 20
        logging.getLogger("chalicelib.probe").info("told", extra={"n": 1})
    assert sum(counted) > 100
    before = sum(counted)
    sys.stdout.write("seen")
    logging.getLogger("chalicelib.probe").info("told again")
    assert sum(counted) == before
    assert "seen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "requests"), [(0, 1), (512 * 1024, 1), (512 * 1024 + 1, 2)]
)
def test_count_an_http_request_for_each_512_kb(
    laptop: Laptop, size: int, requests: int
) -> None:
    meter = laptop[2]
    meter.tally = Tally()
    meter.http_request("POST", "/", 200, (size, 10))
    assert meter.tally.amount(HTTP_API_REQUEST) == requests
    assert meter.tally.amount(LOG_GB, "access log") > 0
