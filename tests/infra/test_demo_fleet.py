"""What the demo of a lost worker would notice; its play is in the end-to-end tests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.demo_fleet import audio, verdicts
from infra.demo_fleet.balancer import Balancer
from infra.demo_fleet.record import Record
from infra.demo_fleet.verdicts import ENDED, STARTED, Story
from infra.demo_webhooks.verdicts import Verdict

KILLED_AT_MS = 1_000_000
FRAMES = 3


def record(name: str, session_id: str, **changes: Any) -> Record:
    """Of a session that went as it should."""
    found = Record(
        name,
        expected=FRAMES,
        session_id=session_id,
        port=1,
        sent=5,
        heard=[audio.frame(number) for number in range(FRAMES)],
        events=["answer", "hangup"],
        noted=2,
        notes=[1, 2],
        close_code=1000,
    )
    for field_name, value in changes.items():
        setattr(found, field_name, value)
    return found


def cut(name: str, session_id: str) -> Record:
    """Of a session whose worker was killed."""
    return record(name, session_id, events=["answer"], close_code=1006, heard=[])


def told(session_id: str, reason: str = "done", received: int = 5) -> list[Any]:
    data = {"session_id": session_id}
    end = {**data, "reason": reason, "counts": {"packets_received": received}}
    return [
        {"type": STARTED, "is_verified": True, "at_ms": 1, "body": {"data": data}},
        {
            "type": ENDED,
            "is_verified": True,
            "at_ms": KILLED_AT_MS + 8_000,
            "body": {"data": end},
        },
    ]


def story() -> Story:
    """In which all is as it should be."""
    relayed = record("r1", "r1", heard=[], expected=0)
    lost = record("r2", "r2", heard=[], expected=0, events=[], close_code=1001)
    back = record("r2-1", "r2-1", heard=[], expected=0)
    return Story(
        voices=[
            cut("app0", "dead-1"),
            record("app1", "drain-1", resumed_at=2),
            record("app2", "drain-2"),
            record("new0", "alive-1"),
        ],
        relayed=[[relayed], [lost, back]],
        told=[
            *told("dead-1", "failed"),
            *told("drain-1"),
            *told("drain-2"),
            *told("alive-1"),
        ],
        killed="dead",
        drained="drain",
        killed_at_ms=KILLED_AT_MS,
        newcomers=frozenset({"new0"}),
        lost=frozenset({"r2"}),
        took={"new-relayed0": "alive"},
    )


def judged(changed: Story) -> list[str]:
    """The sentences of what does not hold."""
    found = verdicts.all_of(changed, within_seconds=10)
    return [one.sentence for one in found if not one.is_good]


def with_voice(place: int, **changes: Any) -> Story:
    good = story()
    for name, value in changes.items():
        setattr(good.voices[place], name, value)
    return good


def test_find_nothing_wrong_with_a_good_story() -> None:
    assert judged(story()) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (with_voice(2, close_code=1006), "drained: cut app2"),
        (with_voice(2, events=["hangup", "hangup"]), "drained: cut app2"),
        (replace(story(), newcomers=frozenset({"app2"})), "came later app2"),
        (replace(story(), told=story().told[2:]), "killed: never told dead-1"),
        (replace(story(), killed_at_ms=KILLED_AT_MS - 2_001), "the last after 10.0 s"),
        (replace(story(), took={"n": "dead"}), "new sessions at the gone: n"),
        (with_voice(3, session_id="drain-3"), "new sessions at the gone: new0"),
        (with_voice(1, resumed_at=0), "resumed elsewhere: 0"),
        (with_voice(1, resumed_at=1), "resumed elsewhere: 1"),
        (with_voice(1, notes=[1, 1]), "messages lost or doubled: app1"),
        (replace(story(), lost=frozenset()), "second door"),
        (with_voice(2, heard=[audio.frame(0), audio.frame(2)]), "app2 1"),
        (with_voice(2, sent=6), "not taken: app2"),
        (with_voice(2, notes=[2]), "messages lost or doubled: app2"),
        (with_voice(2, errors=["no"]), "errors: app2"),
        (replace(story(), told=[*story().told, *told("drain-2")]), "drain-2"),
        (replace(story(), told=[*story().told, *told("other")]), "of nobody other"),
    ],
)
def test_notice_what_is_wrong(bad: Story, sentence: str) -> None:
    assert any(sentence in one for one in judged(bad)), judged(bad)


@pytest.mark.parametrize(
    "judge",
    [
        verdicts.drained_in_peace,
        lambda told: verdicts.buried_in_time(told, 10),
        verdicts.newcomers_to_the_living,
        verdicts.resumed_elsewhere,
    ],
)
def test_nobody_to_look_at_is_no_success(judge: Callable[[Story], Verdict]) -> None:
    empty = Story([], [], [], "dead", "drain", 0)
    assert not judge(empty).is_good


@given(st.integers(0, audio.MOST_FRAMES - 20), st.integers(0, 159), st.integers(1, 9))
def test_number_of_a_frame_is_heard_wherever_it_is_cut(
    first: int, at: int, count: int
) -> None:
    numbers = list(range(first, first + count))
    whole = b"\xff" * 320 + b"".join(map(audio.frame, numbers)) + b"\xff" * 160
    assert audio.numbers_in([whole[:at], whole[at:]]) == numbers


@pytest.mark.parametrize(
    ("numbers", "holes"),
    [([0, 1, 2], 0), ([0, 2], 1), ([0, 1, 1, 2], 1), ([1, 0, 2], 1), ([], 3)],
)
def test_holes_are_what_did_not_come_once_and_in_order(
    numbers: list[int], holes: int
) -> None:
    assert audio.holes(numbers, 3) == holes


def test_file_is_what_is_heard_again() -> None:
    content = audio.wav(1.0)
    assert content[:4] == b"RIFF"
    assert len(content) == 44 + audio.RATE * 2


def test_balancer_names_the_healthy_in_turn() -> None:
    balancer = Balancer([1, 2])
    assert {balancer.port() for _ in range(4)} == {1, 2}
    balancer._healthy = []
    assert balancer.port() is None
    assert balancer.healthy == ()
