"""The table brought back: on moto, with calls that were live, and looked at."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.domain.commands import Leave
from chalicelib.domain.sessions import Session
from chalicelib.services import agenda
from chalicelib.services.calls import CallService
from chalicelib.services.wakes import WakeService
from chalicelib.services.webhooks.delivery import DeliveryService
from infra import restore, wiring
from infra.restoring.findings import look
from infra.restoring.table import LONGEST_SECONDS, RestoreFailed, Tables
from tests.adapters.fleet_contract import started
from tests.builders import NOW_MS, RING_MS, commit, create

SOURCE, TARGET = wiring.TABLE.name, "calls-restored"


@pytest.fixture
def backed_up(table: type[Row], dynamodb: Any) -> Iterator[type[Row]]:
    dynamodb.update_continuous_backups(
        TableName=SOURCE,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    calls = DynamoDBCalls(table, rows.connection_of(table))
    calls.commit(commit(None, create()))
    other = create("carol", "dave", call_id="call-2", trace_id=102, room_number=8)
    ended = commit(None, other, command_id="command-2")
    calls.commit(ended)
    calls.commit(commit(ended.after, Leave("carol"), command_id="command-3"))
    yield table


def test_drill_restores_looks_and_says_how_to_go_on(
    backed_up: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.main(["--table", SOURCE, "--execute"], dynamodb) == 0
    said = capsys.readouterr().out
    assert f"{TARGET} was there after 0 s." in said
    assert "1 live calls, 1 of them overdue: the next sweep wakes them." in said
    assert "Every live call has its locks, its wake, its place." in said
    stream = dynamodb.describe_table(TableName=TARGET)["Table"]["LatestStreamArn"]
    assert f"-c table_stream_arn={stream}" in said
    ttl = dynamodb.describe_time_to_live(TableName=TARGET)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    assert len(list(rows.table(TARGET).scan())) == len(list(backed_up.scan()))


def test_calls_whose_time_has_passed_end_with_the_first_sweep(
    backed_up: type[Row], dynamodb: Any
) -> None:
    assert restore.main(["--table", SOURCE, "--execute"], dynamodb) == 0
    table = rows.table(TARGET)
    repository = DynamoDBCalls(table, rows.connection_of(table))
    clock = SystemClock()
    calls = CallService(repository, clock, SystemDraws())
    wakes = WakeService(calls, repository, {}, clock)
    no_business: DeliveryService = None  # type: ignore[assignment]
    assert wakes.sweep(agenda.shard_of("call-1"), no_business) >= 1
    call = repository.load("default", "call-1")
    assert call is not None and not call.is_live
    assert repository.call_id_of("default", "alice") is None


def test_nothing_is_done_unless_it_is_asked_for(
    backed_up: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.main(["--table", SOURCE], dynamodb) == 0
    assert "Nothing was done: add --execute." in capsys.readouterr().out
    assert dynamodb.list_tables()["TableNames"] == [SOURCE]


def test_table_that_is_there_is_not_overwritten(
    backed_up: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--table", SOURCE, "--to", SOURCE, "--execute"]
    assert restore.main(arguments, dynamodb) == 1
    assert "there is a table calls already" in capsys.readouterr().err


def test_moment_outside_the_window_is_refused(
    backed_up: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    long_ago = (datetime.fromtimestamp(0, UTC) + timedelta(days=1)).isoformat()
    assert restore.main(["--table", SOURCE, "--at", long_ago], dynamodb) == 1
    assert "the moments that can be restored" in capsys.readouterr().err


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(SystemExit):
        restore.parse(["--table", SOURCE, "--at", "2026-11-21T12:00:00"])


def test_table_without_recovery_is_told(
    table: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.main(["--table", SOURCE], dynamodb) == 1
    assert "recovery of calls is off" in capsys.readouterr().err


def test_broken_table_is_told_and_fails(
    backed_up: type[Row], dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    key = rows.call_key("default", "call-1")
    backed_up(key, rows.WAKE_SORT_KEY).delete()
    backed_up(rows.lock_key("default", "bob"), "LOCK").delete()
    row = backed_up.get(key, rows.CALL_SORT_KEY)
    row.update([backed_up.wake_shard.remove(), backed_up.wake_at_ms.remove()])
    rows.lock_row(backed_up, "default", "erin", "call-9").save()
    assert restore.main(["--table", SOURCE, "--execute"], dynamodb) == 1
    said = capsys.readouterr().out
    for sentence in (
        "BROKEN: call call-1 of default has lost 1 of its members' locks",
        "BROKEN: call call-1 of default has no wake beside it",
        "BROKEN: call call-1 of default is in no place of the wake index",
        "BROKEN: 1 locks of default name calls that do not hold them",
    ):
        assert sentence in said
    assert "erin" not in said


def test_findings_count_what_there_is(backed_up: type[Row]) -> None:
    sessions = DynamoDBSessions(backed_up, rows.connection_of(backed_up))
    sessions.store(None, Session(started("s1")), (), None)
    found = look(backed_up.scan(), NOW_MS)
    assert (found.live, found.overdue, found.sessions) == (1, 0, 1)
    assert found.items["USER"] == 2 and found.items["CALL"] > 3
    assert look(backed_up.scan(), NOW_MS + RING_MS).overdue == 1


class _Slow:
    """A client whose table takes its time, or for ever."""

    def __init__(self, polls: int) -> None:
        self.polls = polls

    def restore_table_to_point_in_time(self, **what: Any) -> None:
        self.asked = what

    def describe_table(self, **what: Any) -> Any:
        self.polls -= 1
        indexes = [{"IndexStatus": "ACTIVE" if self.polls < 0 else "CREATING"}]
        return {"Table": {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": indexes}}


def test_restore_waits_for_the_index_too() -> None:
    seconds = [0.0]

    def sleep(duration: float) -> None:
        seconds[0] += duration

    client = _Slow(polls=3)
    tables = Tables(client, lambda: seconds[0], sleep)
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert tables.restore(SOURCE, TARGET, at) == 30
    assert client.asked["RestoreDateTime"] == at


def test_restore_that_never_ends_is_given_up() -> None:
    seconds = [0.0]

    def sleep(duration: float) -> None:
        seconds[0] += LONGEST_SECONDS

    tables = Tables(_Slow(polls=9), lambda: seconds[0], sleep)
    with pytest.raises(RestoreFailed, match="six hours"):
        tables.restore(SOURCE, TARGET, None)
