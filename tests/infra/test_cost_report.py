"""Prices times amounts, and how they are told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import cost, wiring
from infra.costing import assumptions, logs, prices
from infra.costing.floor import BILLED_BY_TIME, FLOOR
from infra.costing.meter import LOG_MONTHS, event_chunks, own_milliseconds
from infra.costing.prices import (
    ALARM_MONTH,
    BUS_EVENT,
    HTTP_API_REQUEST,
    KEY_MONTH,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    LOG_GB,
    SECRET_MONTH,
    STANDARD_TRANSITION,
    WRITE_UNIT,
    Price,
)
from infra.costing.report import cold_starts_usd, per_thousand, render, total_usd
from infra.costing.stopwatch import Timing
from infra.costing.tally import Line, Tally
from infra.wiring import API, DELIVER
from tests.infra.synthesis import Synthesis

PRICES = [one for one in vars(prices).values() if isinstance(one, Price)]


@pytest.mark.parametrize(
    ("price", "amount", "usd"),
    [
        (HTTP_API_REQUEST, 4_000, 0.004),
        (LAMBDA_REQUEST, 1_000_000, 0.20),
        (LAMBDA_GB_SECOND, 1_000, 0.0133334),
        (WRITE_UNIT, 1_600, 0.001),
        (BUS_EVENT, 7_000, 0.007),
        (STANDARD_TRANSITION, 1_000, 0.025),
        (LOG_GB, 2, 1.0),
    ],
    ids=str,
)
def test_multiply_amount_by_price(price: Price, amount: float, usd: float) -> None:
    assert price.usd_of(amount) == pytest.approx(usd)


@pytest.mark.parametrize("price", PRICES, ids=str)
def test_price_says_its_unit_and_day(price: Price) -> None:
    assert price.usd > 0
    assert str(price).endswith(price.unit)
    assert re.fullmatch(r"2026-\d\d-\d\d", price.taken_on)


def test_price_shows_every_digit() -> None:
    assert str(LAMBDA_GB_SECOND) == "$0.0000133334 / GB-s"
    assert str(WRITE_UNIT) == "$0.625 / M WRU"
    assert str(HTTP_API_REQUEST) == "$1 / M request"


AMOUNTS = st.dictionaries(
    st.tuples(st.sampled_from(PRICES), st.sampled_from("abc")),
    st.integers(0, 10**9),
    max_size=8,
)


@given(AMOUNTS, st.integers(1, 5_000))
def test_scale_to_a_thousand_calls(
    amounts: dict[tuple[Price, str], int], calls: int
) -> None:
    tally = Tally()
    for (price, what), amount in amounts.items():
        tally.add(price, what, amount)
    lines = per_thousand(tally.lines(), calls)
    expected = sum(price.usd_of(amount) for (price, _), amount in amounts.items())
    assert total_usd(lines) == pytest.approx(expected * 1000 / calls)
    costs = [line.usd for line in lines]
    assert costs == sorted(costs, reverse=True)


def test_tally_adds_up_by_price_and_purpose() -> None:
    tally = Tally()
    for what in ("writes (CALL)", "writes (CALL)", "index"):
        tally.add(WRITE_UNIT, what, 1.5)
    assert tally.amount(WRITE_UNIT) == 4.5
    assert tally.amount(WRITE_UNIT, "writes") == 3
    assert tally.amount(LOG_GB) == 0


@pytest.mark.parametrize(
    ("events", "verdict", "total"),
    [(120, "REACHED", "0.1200"), (121, "MISSED", "0.1210")],
)
def test_end_with_verdict_and_total(events: int, verdict: str, total: str) -> None:
    tally = Tally()
    tally.add(BUS_EVENT, "events put", events)
    *_, verdict_line, total_line = render(tally, 1, 1769).splitlines()
    assert verdict_line == f"goal 0.12 {verdict}"
    assert total_line == f"TOTAL_USD_PER_1000_CALLS={total}"


def test_show_each_line_with_its_price() -> None:
    tally = Tally()
    tally.add(BUS_EVENT, "events put", 70)
    tally.add(LOG_GB, "lines", 0.0000123456)
    text = render(tally, 10, 1769)
    (row,) = (line for line in text.splitlines() if "events put" in line)
    assert re.split(r"\s{2,}", row) == [
        "EventBridge",
        "events put",
        "7,000",
        "$1 / M event",
        "0.007000",
    ]
    assert "0.001235" in text
    assert "NOT COUNTED" not in text


def test_tell_what_could_not_be_counted() -> None:
    tally = Tally()
    tally.miss("DynamoDB Scan")
    assert "NOT COUNTED: DynamoDB Scan (1)\n" in render(tally, 1, 1769)


def test_tell_cold_starts_beside_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assumptions, "COLD_SHARE", 0.5)
    monkeypatch.setattr(assumptions, "COLD_START_MS", 2000.0)
    lines = [Line(LAMBDA_REQUEST, "api", 10), Line(BUS_EVENT, "events", 10)]
    seconds_of_a_gb = 5 * 2.0
    expected = LAMBDA_GB_SECOND.usd_of(seconds_of_a_gb) + 5 * 0.05 / 10_000
    assert cold_starts_usd(lines) == pytest.approx(expected)


def test_stretch_own_work_to_the_function_s_share_of_a_core() -> None:
    work = Timing(cpu_seconds=0.010)
    assert own_milliseconds(work, API) == pytest.approx(10 * 1769 / 1024)
    assert own_milliseconds(work, DELIVER) == pytest.approx(10 * 1769 / 512)
    assert own_milliseconds(Timing(cpu_seconds=-1e-9), API) == 0


@pytest.mark.parametrize(
    ("detail", "more", "chunks"),
    [
        ("", {}, 1),
        ("x" * (65_536 - 12), {}, 1),
        ("x" * (65_536 - 11), {}, 2),
        ("é" * 32_762, {}, 1),
        ("x" * (65_536 - 12), {"Time": 1}, 2),
        ("x" * (65_536 - 12), {"Resources": ["a"]}, 2),
    ],
)
def test_count_an_event_for_each_64_kb(
    detail: str, more: dict[str, object], chunks: int
) -> None:
    entry = {"Source": "parley", "DetailType": "room.x", "Detail": detail, **more}
    assert event_chunks(entry) == chunks


def test_floor_is_what_the_stacks_have(aws: Synthesis) -> None:
    amounts = {line.price: line.amount for line in FLOOR}
    assert amounts[ALARM_MONTH] == len(aws.of_type("AWS::CloudWatch::Alarm"))
    assert amounts[SECRET_MONTH] == len(aws.of_type("AWS::SecretsManager::Secret"))
    assert amounts[KEY_MONTH] == len(aws.of_type("AWS::KMS::Key"))
    assert len(wiring.SCHEDULES) == 1, "give the other schedules their lines"
    kinds = {
        resource["Type"]
        for template in aws.templates.values()
        for resource in template["Resources"].values()
    }
    missing = {kind for kind in kinds if kind.startswith(BILLED_BY_TIME)}
    assert not missing, "give each of these a line in infra/costing/floor.py"


def test_access_log_line_is_the_stage_s(aws: Synthesis) -> None:
    (stage,) = aws.of_type("AWS::ApiGatewayV2::Stage", "ParleyApi").values()
    logged = re.findall(r'"(\w+)":', stage["AccessLogSettings"]["Format"])
    assert re.findall(r'"(\w+)":', logs.ACCESS_LINE) == logged
    assert logs.access_bytes("POST", "/a", 200, 10) == len(
        '{"requestId":"ABCDEFGHIJKLMNOP","ip":"203.0.113.100","time":"1700000000000",'
        '"method":"POST","path":"/a","status":"200","bytes":"10","ms":"40",'
        '"error":"-","integrationError":"-"}\n'
    )


def test_logs_are_kept_as_long_as_they_are_paid_for(aws: Synthesis) -> None:
    groups = aws.of_type("AWS::Logs::LogGroup").values()
    assert {group["RetentionInDays"] for group in groups} == {30 * LOG_MONTHS}


def test_size_lambda_s_own_lines() -> None:
    request_id = "0123456789abcdef0123456789abcdef0123"
    assert logs.platform_bytes(request_id, 12.345, 13, 512) == len(
        f"START RequestId: {request_id} Version: $LATEST\n"
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: 12.35 ms\tBilled Duration: 13 ms\t"
        "Memory Size: 512 MB\tMax Memory Used: 128 MB\t\n"
    )


@pytest.mark.parametrize("text", ["0", "-1", "many", ""])
def test_refuse_to_replay_no_calls(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cost.parse(["--calls", text])
    assert "--calls" in capsys.readouterr().err


def test_replay_a_thousand_unless_told() -> None:
    assert cost.parse([]) == 1000
    assert cost.parse(["--calls", "3"]) == 3
