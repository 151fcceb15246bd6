"""Prices times amounts, and how they are told."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.measures import Measure
from infra import cost, wiring
from infra.components import metrics
from infra.costing import assumptions, logs, media, peers, prices
from infra.costing.floor import (
    BILLED_BY_TIME,
    COUNTED,
    FREE,
    MEDIA_FLOOR,
    MEMORY_GB,
    METRICS,
    VCPUS,
)
from infra.costing.meter import LOG_MONTHS, event_chunks, own_milliseconds
from infra.costing.minutes import offers_of
from infra.costing.prices import (
    BUS_EVENT,
    HTTP_API_REQUEST,
    INTERNET_GB,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    LOG_GB,
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
    assert len(wiring.SCHEDULES) == 1, "give the other schedules their lines"
    kinds = Counter(
        resource["Type"]
        for template in aws.templates.values()
        for resource in template["Resources"].values()
        if resource["Type"].startswith(BILLED_BY_TIME)
    )
    missing = kinds.keys() - FREE - COUNTED.keys()
    assert not missing, "give each a line in infra/costing/floor.py, or say it is free"
    counted = {kind: kinds[kind] for kind in COUNTED}
    assert counted == COUNTED, "infra/costing/floor.py counts others than the stacks"


def test_free_interface_endpoints_are_none(aws: Synthesis) -> None:
    endpoints = aws.of_type("AWS::EC2::VPCEndpoint").values()
    assert {one.get("VpcEndpointType", "Gateway") for one in endpoints} <= {"Gateway"}


def test_tasks_are_as_large_as_they_are_paid_for(aws: Synthesis) -> None:
    tasks = aws.of_type("AWS::ECS::TaskDefinition").values()
    vcpus = sum(int(one["Cpu"]) for one in tasks) / 1024
    memory_gb = sum(int(one["Memory"]) for one in tasks) / 1024
    assert (vcpus * 2, memory_gb * 2) == (VCPUS, MEMORY_GB)
    architectures = {one["RuntimePlatform"]["CpuArchitecture"] for one in tasks}
    assert architectures == {"ARM64"}


def test_metrics_are_as_many_as_are_paid_for() -> None:
    of_logs = (metrics.LANE_AGE,)
    of_workers = (
        metrics.TICK_LATENESS,
        metrics.WORKER_LOAD,
        metrics.FRAMES_DROPPED,
    )
    assert len(Measure) + len(of_logs) + len(of_workers) == METRICS


def test_minute_gets_cheaper_the_more_calls_share_it() -> None:
    for kind in media.kinds():
        costs = [kind.usd_a_minute(calls) for calls in media.CALLS]
        assert costs == sorted(costs, reverse=True)
        bytes_only = INTERNET_GB.usd_of(kind.egress_gb_a_minute)
        assert bytes_only < costs[-1] < costs[0] < 0.001


def test_minute_is_fargate_s_and_the_network_s_and_its_bytes() -> None:
    kind = media.Kind("phone", 100, 160, False, "")
    assert kind.egress_gb_a_minute == pytest.approx(200 * 50 * 60 / 10**9)
    assert [kind.tasks(calls) for calls in (1, 200, 201)] == [2, 2, 3]
    worker_hour = 0.03238 + 2 * 0.00356 + 0.005
    month = total_usd(MEDIA_FLOOR) + 8 * worker_hour * 730
    expected = month / (730 * 60 * 1_000) + 0.0006 * 0.09
    assert kind.usd_a_minute(1_000) == pytest.approx(expected)


def test_capacity_is_the_last_bench_s() -> None:
    report = json.loads(media.RESULTS.read_text())
    rows = {row["slug"]: row["measured"] for row in report["rows"]}
    assert media.measured_calls() == rows["sip_vad_calls_per_core"] > 0


def test_every_kind_of_minute_has_all_three_peers() -> None:
    for kind in media.kinds():
        vendors = {offer.vendor for offer in offers_of(kind)}
        assert vendors == {peers.LIVEKIT, peers.TWILIO, peers.CHIME}
    used = {part for offer in peers.OFFERS for part in offer.parts}
    assert used == set(peers.PRICES)


@pytest.mark.parametrize("price", peers.PRICES, ids=lambda price: price.what)
def test_peer_s_price_says_where_and_when_it_was_read(price: peers.PeerPrice) -> None:
    assert price.page.startswith("https://") and price.read_as
    assert 0 < price.usd < 1 and re.fullmatch(r"2026-\d\d-\d\d", price.read_on)


def test_report_shows_the_minutes_before_its_last_lines() -> None:
    lines = render(Tally(), 1, 1769).splitlines()
    place = lines.index("  browser, Opus 24 kbit/s")
    assert "Parley, 10 calls at a time" in lines[place + 1]
    assert lines[-1].startswith("TOTAL_USD_PER_1000_CALLS=")


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
