"""What is kept over restarts, and what a sudden end leaves of it."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.laptop.change import Change
from infra.laptop.cloud import Cloud, Pace
from infra.laptop.state import JOURNAL_FILE, State, StateUnavailable
from tests.infra.laptop.fakes import FakeClock, FakeFunctions, Table, item

PACE = Pace(sweep_seconds=3600)


def kept(sk: str, table: str = "calls", **attributes: Any) -> Change:
    return Change(table, item("CALL#1", sk), None, item("CALL#1", sk, **attributes))


def gone(sk: str) -> Change:
    return Change("calls", item("CALL#1", sk), item("CALL#1", sk), None)


def opened(folder: Path) -> State:
    state = State(folder)
    state.open()
    return state


def read(folder: Path) -> set[str]:
    """The sort keys of what a new owner of the folder finds."""
    state = opened(folder)
    state.close()
    return {change.keys["sk"]["S"] for change in state.kept}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = opened(tmp_path / "state")
    yield state
    state.close()


def test_find_what_every_commit_left(tmp_path: Path) -> None:
    state = opened(tmp_path / "state")
    assert state.kept == ()
    state.write([kept("STATE", n=1), kept("EVENT#1"), kept("STATE", table="other")])
    state.write([kept("STATE", n=2), gone("EVENT#1"), gone("never")])
    state.close()
    again = opened(tmp_path / "state")
    again.close()
    assert set(map(repr, again.kept)) == {
        repr(kept("STATE", n=2)),
        repr(kept("STATE", table="other")),
    }


def test_lose_nothing_but_the_torn_line(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.write([kept("one")])
    state.write([kept("two"), kept("three")])
    state.close()
    journal = tmp_path / JOURNAL_FILE
    whole = journal.read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        journal.write_bytes(whole[:length])
        assert read(tmp_path) == {"one"}
        assert journal.read_bytes() == whole[:first]
    journal.write_bytes(whole)
    assert read(tmp_path) == {"one", "two", "three"}


def test_begin_with_one_line_for_each_item(tmp_path: Path) -> None:
    state = opened(tmp_path)
    for number in range(50):
        state.write([kept("STATE", n=number), kept("WAKE")])
        state.write([gone("WAKE")])
    state.close()
    assert read(tmp_path) == {"STATE"}
    (line,) = (tmp_path / JOURNAL_FILE).read_text().splitlines()
    assert json.loads(line)[0][2]["n"] == {"N": "49"}


def test_refuse_a_line_that_is_no_commit(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.write([kept("one")])
    state.close()
    with (tmp_path / JOURNAL_FILE).open("ab") as file:
        file.write(b"\x00\x00\n[]\n")
    for _ in range(2):
        with pytest.raises(StateUnavailable, match=r"^Line 2 of .* cannot be read: "):
            State(tmp_path).open()


def test_belong_to_one_stack_at_a_time(state: State, tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable, match="in use by another stack"):
        State(tmp_path / "state").open()
    state.close()
    assert read(tmp_path / "state") == set()


def test_refuse_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnavailable, match=r"cannot be used \(Not a directory\)"):
        State(tmp_path / "file" / "state").open()


def test_be_readable_by_its_owner_alone(state: State, tmp_path: Path) -> None:
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    for file in (tmp_path / "state").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_go_on_when_the_disk_is_full(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(opened: int, data: bytes) -> int:
        if len(data) > 4:
            return write(opened, data[:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    state.write([kept("one")])
    monkeypatch.setattr(os, "write", half)
    state.write([kept("lost")])
    monkeypatch.undo()
    state.write([kept("two")])
    state.close()
    assert read(tmp_path / "state") == {"one", "two"}


def test_write_in_pieces_when_the_system_wants_that(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda opened, data: write(opened, data[:7]))
    state.write([kept("one")])
    monkeypatch.undo()
    state.close()
    state.write([kept("too late")])
    assert read(tmp_path / "state") == {"one"}


def cloud(folder: Path, clock: FakeClock, functions: FakeFunctions) -> Cloud:
    return Cloud(
        {"PATH": "/bin"},
        handlers=functions.handlers(),
        pace=PACE,
        now_seconds=clock,
        state=opened(folder),
    )


def test_restart_with_every_item_and_the_news_of_live_calls(tmp_path: Path) -> None:
    clock, functions = FakeClock(), FakeFunctions()
    with cloud(tmp_path / "one", clock, functions) as first:
        table = Table()
        table.put("CALL#1", "CALL", wake_shard="S1", wake_at_ms=7, n=-1)
        table.put("CALL#1", "EVENT#1")
        table.put("CALL#1", "WAKE", ttl=int(clock.now) + 9)
        table.client.update_item(
            TableName=table.name,
            Key=item("CALL#1", "CALL"),
            UpdateExpression="SET things = :things, packed = :raw",
            ExpressionAttributeValues={
                ":things": {"L": [{"M": {"a": {"BOOL": True}}}, {"NULL": True}]},
                ":raw": {"B": b"\x00\xff"},
            },
        )
        table.put("CALL#2", "CALL")
        table.client.delete_item(TableName=table.name, Key=item("CALL#2", "CALL"))
        table.put("CALL#3", "EVENT#1")
        before = table.client.scan(TableName=table.name)["Items"]
        assert first.settle()
    # A process that is killed closes nothing: what was written is all there is.
    (tmp_path / "two").mkdir()
    journal = (tmp_path / "one" / JOURNAL_FILE).read_bytes()
    (tmp_path / "two" / JOURNAL_FILE).write_bytes(journal)

    functions.clear()
    with cloud(tmp_path / "two", clock, functions) as second:
        table = Table()
        assert second.settle()
        assert table.client.scan(TableName=table.name)["Items"] == before
        assert len(table.due("S1")["Items"]) == 1
        assert set(functions.events) == {"sweep", "outbox"}
        (news,) = functions.events["outbox"]
        keys = [record["dynamodb"]["Keys"] for record in news["Records"]]
        assert keys == [item("CALL#1", "EVENT#1")]
        functions.clear()
        clock.advance(10)
        second.tick()
        assert second.settle()
        (batch,) = functions.events["expired"]
        assert batch["Records"][0]["dynamodb"]["Keys"] == item("CALL#1", "WAKE")
        assert table.get("CALL#1", "WAKE") is None
        assert "outbox" not in functions.events


def test_keep_whole_transactions_and_no_cancelled_one(tmp_path: Path) -> None:
    functions = FakeFunctions()
    with cloud(tmp_path / "one", FakeClock(), functions):
        table = Table()
        puts = [
            {"Put": {"TableName": table.name, "Item": item("CALL#1", f"EVENT#{n}")}}
            for n in range(3)
        ]
        table.client.transact_write_items(TransactItems=puts)
        check: dict[str, Any] = {
            "TableName": table.name,
            "Key": item("none", "none"),
            "ConditionExpression": "attribute_exists(pk)",
        }
        lost = {"Put": {"TableName": table.name, "Item": item("CALL#1", "lost")}}
        with pytest.raises(table.client.exceptions.TransactionCanceledException):
            table.client.transact_write_items(
                TransactItems=[lost, {"ConditionCheck": check}]
            )
    (line,) = (tmp_path / "one" / JOURNAL_FILE).read_bytes().splitlines()
    assert len(json.loads(line)) == 3


def test_reset_forgets_what_was_kept(tmp_path: Path) -> None:
    functions = FakeFunctions()
    with cloud(tmp_path / "one", FakeClock(), functions) as one:
        Table().put("CALL#1", "CALL")
        one.reset()
        assert Table().get("CALL#1", "CALL") is None
        Table().put("CALL#2", "CALL")
    (line,) = (tmp_path / "one" / JOURNAL_FILE).read_bytes().splitlines()
    assert b"CALL#2" in line
