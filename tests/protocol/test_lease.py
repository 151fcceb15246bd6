"""Workers are believed while they renew, and buried on two witnesses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.envelope import CURRENT, UnknownVersion
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    MESSAGES,
    Counts,
    DialogFacts,
    Drain,
    EndSession,
    Lease,
    MalformedMessage,
    RecordingReady,
    SessionEnded,
    SessionStarted,
    Sight,
    Stamped,
    Witness,
    may_renew,
    may_take_over,
    may_write,
    parse_message,
)
from chalicelib.protocol.session.kinds import Unfit
from chalicelib.protocol.session.vocabulary import CallType
from tests.protocol.session.strategies import patient, records_of

LEASE = Lease("w1", 3, "10.0.0.7:8080", "wss://w1.example", 2, 100, False, 1_000_000)
DEAD_MS = LEASE.renewed_at_ms + EXPIRY_MS
STOPPED = Witness("w1", 3, Sight.TASK_STOPPED, 0)
UNREACHABLE = Witness("w1", 3, Sight.UNREACHABLE, LEASE.renewed_at_ms, "w2")
ENDED = SessionEnded(
    tenant="default",
    session_id="w1-a",
    worker_id="w1",
    epoch=3,
    uid="shop",
    call_type=CallType.SIP,
    started_at_ms=1_000,
    answered_at_ms=3_000,
    ended_at_ms=8_000,
    reason="byCaller",
    initiator="caller",
    dialog=DialogFacts("7f3@10.0.0.1", is_inbound=True, status_code=200, codec="pcmu"),
    counts=Counts(commands=3, packets_lost=1),
)


@pytest.mark.parametrize("record", [Lease, Witness])
@patient
@given(data=st.data())
def test_row_goes_both_ways(record: type[Stamped], data: st.DataObject) -> None:
    row = data.draw(records_of(record))
    assert record.parse(row.render()) == row
    assert row.render()["v"] == CURRENT


@patient
@given(
    message=records_of(EndSession)
    | records_of(Drain)
    | records_of(SessionStarted)
    | records_of(RecordingReady)
)
def test_message_goes_both_ways(
    message: EndSession | Drain | SessionStarted | RecordingReady,
) -> None:
    assert parse_message(message.render()) == message


@patient
@given(
    times=st.lists(st.integers(0, 2**50), min_size=3, max_size=3).map(sorted),
    is_answered=st.booleans(),
    dialog=st.none() | records_of(DialogFacts),
    counts=records_of(Counts),
)
def test_end_of_a_session_goes_both_ways(
    times: list[int],
    is_answered: bool,
    dialog: DialogFacts | None,
    counts: Counts,
) -> None:
    started, answered, ended = times
    fact = SessionEnded(
        tenant="t",
        session_id="w1-a",
        worker_id="w1",
        epoch=1,
        uid="u",
        call_type=CallType.WEBRTC,
        started_at_ms=started,
        ended_at_ms=ended,
        reason="bySystem",
        initiator="system",
        answered_at_ms=answered if is_answered else None,
        dialog=dialog,
        counts=counts,
    )
    assert parse_message(fact.render()) == fact
    assert fact.duration_ms == (ended - answered if is_answered else 0)


def test_keys_of_our_own_messages_are_spelt_as_ours() -> None:
    rendered = ENDED.render()
    assert rendered["type"] == "session.ended"
    assert rendered["call_type"] == "sip"
    assert rendered["dialog"]["is_inbound"] is True
    assert rendered["counts"]["packets_lost"] == 1


def test_fact_told_twice_has_one_id() -> None:
    assert ENDED.event_id == "w1-a-session.ended"


@pytest.mark.parametrize(
    "times", [{"ended_at_ms": 999}, {"answered_at_ms": 9_000}, {"started_at_ms": 4_000}]
)
def test_times_of_a_session_follow_each_other(times: dict[str, int]) -> None:
    with pytest.raises(MalformedMessage, match=r"^ended_at_ms must not be before"):
        parse_message({**ENDED.render(), **times})


def test_record_of_the_protocol_refuses_a_bad_epoch() -> None:
    with pytest.raises(Unfit, match=r"^epoch must be a whole number"):
        Witness("w1", 0, Sight.TASK_STOPPED, 0)


@pytest.mark.parametrize("type_", [None, "session.paused", 7])
def test_message_of_no_known_type_is_refused(type_: Any) -> None:
    with pytest.raises(MalformedMessage, match=r"^type must be one of session\.end,"):
        parse_message({**ENDED.render(), "type": type_})


@pytest.mark.parametrize("v", [None, CURRENT + 1])
def test_message_of_another_release_is_refused(v: Any) -> None:
    with pytest.raises(UnknownVersion):
        parse_message({**ENDED.render(), "v": v})
    with pytest.raises(UnknownVersion):
        Lease.parse({**LEASE.render(), "v": v})


def test_message_without_a_field_is_refused() -> None:
    value = ENDED.render()
    del value["reason"]
    with pytest.raises(MalformedMessage, match=r"^reason is required$"):
        parse_message(value)
    assert set(MESSAGES) == {
        "session.end",
        "worker.drain",
        "session.started",
        "session.ended",
        "recording.ready",
    }


def test_lease_expires_at_eight_seconds() -> None:
    assert not LEASE.is_expired(DEAD_MS - 1)
    assert LEASE.is_expired(DEAD_MS)


def test_renewed_lease_is_young_again_and_never_older() -> None:
    renewed = LEASE.renewed(DEAD_MS, sessions=5, is_draining=True)
    assert not renewed.is_expired(DEAD_MS)
    assert (renewed.sessions, renewed.is_draining, renewed.epoch) == (5, True, 3)
    assert LEASE.renewed(0, 0, False).renewed_at_ms == LEASE.renewed_at_ms


@pytest.mark.parametrize(
    ("changed", "takes"),
    [
        ({}, True),
        ({"is_draining": True}, False),
        ({"sessions": 100}, False),
        ({"renewed_at_ms": 0}, False),
        ({"protocol_version": CURRENT + 1}, False),
    ],
)
def test_new_sessions_go_to_workers_that_can_take_them(
    changed: dict[str, Any], takes: bool
) -> None:
    lease = Lease.parse({**LEASE.render(), **changed})
    assert lease.takes_sessions(LEASE.renewed_at_ms) is takes


@pytest.mark.parametrize(
    ("witnesses", "now_ms", "is_dead"),
    [
        ([], DEAD_MS, False),
        ([STOPPED], DEAD_MS - 1, False),
        ([STOPPED], DEAD_MS, True),
        ([UNREACHABLE], DEAD_MS, True),
        ([UNREACHABLE], DEAD_MS - 1, False),
        ([Witness("w2", 3, Sight.TASK_STOPPED, DEAD_MS)], DEAD_MS, False),
        ([Witness("w1", 2, Sight.TASK_STOPPED, DEAD_MS)], DEAD_MS, False),
        ([Witness("w1", 3, Sight.UNREACHABLE, DEAD_MS)], DEAD_MS, False),
        ([Witness("w1", 3, Sight.UNREACHABLE, DEAD_MS, "w1")], DEAD_MS, False),
        ([Witness("w1", 3, Sight.UNREACHABLE, 999_999, "w2")], DEAD_MS, False),
    ],
    ids=[
        "nobody else says so",
        "stopped, but the lease is young",
        "stopped",
        "a neighbour tried",
        "a neighbour tried, but the lease is young",
        "another worker",
        "an earlier life",
        "nobody tried",
        "its own neighbour",
        "tried before it renewed",
    ],
)
def test_death_needs_two_witnesses(
    witnesses: list[Witness], now_ms: int, is_dead: bool
) -> None:
    assert may_take_over(LEASE, witnesses, now_ms) is is_dead


def test_worker_taken_for_dead_is_fenced_off() -> None:
    tombstone = LEASE.taken_over()
    assert not may_renew(tombstone, LEASE.renewed(DEAD_MS, 2, False))
    assert not may_write(tombstone, LEASE.epoch)
    assert not tombstone.takes_sessions(LEASE.renewed_at_ms)
    assert tombstone.sessions == 0


def test_living_worker_renews_and_writes() -> None:
    assert may_renew(None, LEASE)
    assert may_renew(LEASE, LEASE)
    assert may_write(LEASE, LEASE.epoch)
    assert not may_write(None, LEASE.epoch)
