"""The example agent talks with recorded human speech, and a test listens to it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.voice.caller import Record
from tests.e2e.voice.conversation import (
    Talk,
    play_again,
    talk_as_the_example_does,
    talk_by_telephone,
)
from tests.e2e.voice.hearing import clipped_share, level_db, understood
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.speech.test_engines import SPOKEN, error_rate, words

pytestmark = pytest.mark.laptop

FRAME_MS = 20
MOST_WRONG = {"pcm": 0.34, "pcmu": 0.55}
"""Share of words that the ear may get wrong: a telephone line is narrow."""
QUIETEST_DB, LOUDEST_DB = -30, -10
LATE_MS = 60
"""A tick may be two slots late before its slot is skipped, at either end."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    with media_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []


@pytest.fixture(scope="module")
def talks(worker: MediaWorker) -> dict[str, Talk]:
    """Both at the same time."""

    async def both() -> tuple[Talk, Talk]:
        return await asyncio.gather(
            talk_as_the_example_does(worker), talk_by_telephone(worker)
        )

    return {talk.codec: talk for talk in asyncio.run(both())}


@pytest.fixture(scope="module")
def repetitions(
    worker: MediaWorker, talks: dict[str, Talk]
) -> dict[tuple[str, str], Record]:
    """Of all that was said to its end, by codec and playback; at the same time."""
    said = [(talk, play_id) for talk in talks.values() for play_id in talk.whole()]

    async def all_of_them() -> list[Record]:
        return await asyncio.gather(
            *(play_again(worker, talk.codec, talk.texts()[one]) for talk, one in said)
        )

    places = [(talk.codec, play_id) for talk, play_id in said]
    return dict(zip(places, asyncio.run(all_of_them()), strict=True))


@pytest.fixture(params=["pcm", "pcmu"])
def talk(request: pytest.FixtureRequest, talks: dict[str, Talk]) -> Talk:
    return talks[request.param]


def test_what_the_person_says_is_transcribed(talk: Talk) -> None:
    finals = talk.record.events("asrFinal")
    heard = words(" ".join(event["text"] for event in finals))
    assert len(heard) >= 12
    assert error_rate(SPOKEN[: len(heard)], heard) <= MOST_WRONG[talk.codec]
    assert {"best", "worst"} <= set(heard)
    assert talk.record.events("asrDelta"), "nothing was told before it was final"


def test_the_agent_says_what_it_has_to_say(talk: Talk) -> None:
    assert talk.record.playbacks() == ["greeting", "answer-1", "answer-2", "goodbye"]
    for play_id in talk.whole():
        text = talk.texts()[play_id]
        heard = words(understood(talk.samples(play_id), talk.rate))
        wrong = error_rate(words(text), heard)
        assert wrong <= MOST_WRONG[talk.codec], (text, heard)


def test_what_the_agent_says_is_neither_faint_nor_clipped(talk: Talk) -> None:
    for play_id in talk.record.playbacks():
        samples = talk.samples(play_id)
        if play_id in talk.interrupted() and len(samples) < talk.rate:
            # Before its first word: a voice takes a breath.
            continue
        assert QUIETEST_DB < level_db(samples) < LOUDEST_DB, play_id
        assert clipped_share(samples) < 0.0001, play_id


def test_no_sample_is_missing_or_too_many(
    talk: Talk, repetitions: dict[tuple[str, str], Record]
) -> None:
    """What is kept of a text comes whole: what was heard is the same."""
    for play_id in talk.whole():
        again = repetitions[talk.codec, play_id]
        assert again.events("metrics")[0]["data"]["cached"]
        assert talk.record.frames(play_id) == again.frames("again")


def test_no_frame_is_late(worker: MediaWorker, talk: Talk) -> None:
    """A playback takes as many slots as it has frames, but for those that a busy
    machine made the worker skip."""
    readings = worker.readings()
    skipped_ms = readings["slots_skipped_total"] * FRAME_MS
    for play_id in talk.record.playbacks():
        played_ms = len(talk.record.frames(play_id)) * FRAME_MS
        lasted_ms = talk.record.ended(play_id)["duration"]
        assert played_ms - LATE_MS <= lasted_ms <= played_ms + LATE_MS + skipped_ms
    assert readings["frames_dropped_total"] == 0
    assert talk.record.frames(None) == [], "audio of no playback"


def test_the_person_interrupts_the_agent(talk: Talk) -> None:
    assert talk.agent.interruptions >= 1
    assert talk.interrupted()
    for play_id in talk.interrupted():
        events = [
            (event["event"], event.get("playId"))
            for event in talk.record.events("interruption", "trackEnd", "trackStart")
        ]
        at = events.index(("interruption", play_id))
        assert events[at + 1] == ("trackEnd", play_id)
        kind, following = events[at + 2]
        assert kind == "trackStart"
        assert following not in (None, play_id)
        (told,) = (
            event
            for event in talk.record.events("interruption")
            if event["playId"] == play_id
        )
        assert told["current"] == len(talk.record.frames(play_id)) * FRAME_MS
        assert told["subtitle"] == talk.texts()[play_id]


def test_the_agent_hangs_up_after_its_last_word(talk: Talk) -> None:
    last = [event["event"] for event in talk.record.events()[-3:]]
    assert last == ["trackEnd", "trackEnd", "hangup"]
    (over,) = talk.record.events("hangup")
    assert (over["reason"], over["initiator"]) == ("autohangup", "system")
    assert talk.record.events("error") == []
