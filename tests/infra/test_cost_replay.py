"""Three calls on the laptop cloud, and what each of them must have used."""

import re
from collections.abc import Iterator

import pytest

from infra import cost, wiring
from infra.costing import replay as replaying
from infra.costing.prices import (
    BUS_EVENT,
    EXPRESS_REQUEST,
    HTTP_API_REQUEST,
    INTERNET_GB,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    LOG_GB,
    QUEUE_REQUEST,
    READ_UNIT,
    STANDARD_TRANSITION,
    WRITE_UNIT,
)
from infra.costing.replay import ReplayFailed, replay
from infra.costing.report import GOAL_USD, per_thousand, total_usd
from infra.costing.tally import Tally

CALLS = 3


@pytest.fixture(scope="module", autouse=True)
def short_rings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replaying, "RING_SECONDS", 5)
        yield


@pytest.fixture(scope="module")
def tally(short_rings: None) -> Tally:
    return replay(CALLS)


def test_make_four_requests_and_seven_events_a_call(tally: Tally) -> None:
    assert tally.amount(HTTP_API_REQUEST) == 4 * CALLS
    # And the effect of the end: the room is deleted.
    assert tally.amount(BUS_EVENT) == (7 + 1) * CALLS
    assert tally.amount(LAMBDA_REQUEST, "invocations of api") == 4 * CALLS
    assert tally.amount(LAMBDA_REQUEST, "invocations of perform") == CALLS


def test_ring_the_deliverer_once_a_commit(tally: Tally) -> None:
    assert tally.amount(LAMBDA_REQUEST, "invocations of deliver") == 4 * CALLS


def test_run_one_timer_a_ring(tally: Tally) -> None:
    assert tally.amount(EXPRESS_REQUEST) == CALLS
    assert tally.amount(LAMBDA_REQUEST, "invocations of wake") == CALLS


def test_tell_the_stream_once_a_commit_or_an_event(tally: Tally) -> None:
    # How many records of a commit come together is the stream's to decide.
    batches = tally.amount(LAMBDA_REQUEST, "invocations of outbox")
    assert 4 * CALLS <= batches <= 8 * CALLS


def test_use_no_retries_when_no_webhook_fails(tally: Tally) -> None:
    assert tally.amount(STANDARD_TRANSITION) == 0
    assert tally.amount(LAMBDA_REQUEST, "invocations of redeliver") == 0
    assert tally.amount(QUEUE_REQUEST) == 0


def test_count_everything_and_scan_nothing(tally: Tally) -> None:
    assert "DynamoDB Scan" not in tally.uncounted
    assert tally.uncounted == {}


def test_write_each_item_of_a_call_in_transactions(tally: Tally) -> None:
    def units(kind: str) -> float:
        return tally.amount(WRITE_UNIT, f"writes, in transactions ({kind})")

    assert units("EVENT") == 2 * 7 * CALLS
    assert units("LOCK") == 2 * 4 * CALLS
    assert units("NUMBER") == 2 * 2 * CALLS
    assert units("CALL") >= 2 * 4 * CALLS
    assert units("COMMAND") >= 2 * 4 * CALLS
    assert tally.amount(WRITE_UNIT, "writes, in transactions refused") == 0


def test_read_a_call_once_a_command(tally: Tally) -> None:
    # Three commands, two looks of the ring's timer and one of the sweep.
    assert tally.amount(READ_UNIT, "reads, GetItem (CALL)") == (3 + 2 + 1) * CALLS


def test_tell_measured_from_assumed_time(tally: Tally) -> None:
    for function in (wiring.API, wiring.OUTBOX, wiring.DELIVER):
        for part in ("own work, measured", "waiting, assumed"):
            assert tally.amount(LAMBDA_GB_SECOND, f"{function.name}: {part}") > 0
    # Four transactions, three reads before them, Lambda's runtime.
    waits_ms = 4 * 12 + 3 * 4 + 4 * 1
    assert tally.amount(LAMBDA_GB_SECOND, "api: waiting") == pytest.approx(
        CALLS * waits_ms / 1000 * wiring.API.memory_mb / 1024
    )


def test_count_the_lines_that_are_logged(tally: Tally) -> None:
    for what in ("handlers' lines", "Lambda's lines", "access log"):
        assert tally.amount(LOG_GB, what) > 0
    assert tally.amount(INTERNET_GB, "requests to others") > 0
    assert tally.amount(INTERNET_GB, "answers to clients") > 0


def test_reach_the_goal(tally: Tally) -> None:
    lines = [
        line
        for line in per_thousand(tally.lines(), CALLS)
        # Three calls on a busy machine say little of a thousand.
        if "measured" not in line.what
    ]
    assert total_usd(lines) < GOAL_USD


def test_print_the_table_and_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--calls", "1"]) == 0
    out, err = capsys.readouterr()
    *_, verdict, total = out.splitlines()
    assert re.fullmatch(r"goal 0\.12 (REACHED|MISSED)", verdict)
    assert re.fullmatch(r"TOTAL_USD_PER_1000_CALLS=\d+\.\d{4}", total)
    assert "HTTP requests" in out
    assert "1 of 1 calls\n" in err


def test_fail_when_webhooks_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(replaying.WEBHOOKS, "room.finished", 2)
    assert cost.main(["--calls", "1"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "The webhooks were" in err


def test_fail_when_a_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying.Clients, "_token", lambda self, uid: "forged")
    with pytest.raises(ReplayFailed, match="POST /api/v1/rooms answered"):
        replay(1)
