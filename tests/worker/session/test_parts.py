"""The small parts: alarms, samples, sentences, the table."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.commands import Command
from mediaworker.session import leg_table
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.legs import LegEvent
from mediaworker.session.lifecycle import Phase
from mediaworker.session.samples import Given, Samples
from mediaworker.session.table import TABLE
from mediaworker.session.texts import (
    LONGEST_SENTENCE,
    close_reason,
    is_sayable,
    line,
    looks_ended,
    sentences,
    spoken,
    word_at,
)
from tests.protocol.session.strategies import patient


def test_every_command_means_something_in_every_phase() -> None:
    assert set(TABLE) == set(product(Phase, get_args(Command)))


def test_every_word_of_a_leg_means_something_in_every_phase() -> None:
    assert set(leg_table.TABLE) == set(product(Phase, get_args(LegEvent)))


def test_alarms_are_due_in_order_and_once() -> None:
    alarms = Alarms()
    alarms.set(Alarm.TEXT, 3.0)
    alarms.set(Alarm.PING, 2.0)
    alarms.set(Alarm.IDLE, 4.0)
    assert alarms.next_at == 2.0
    assert alarms.take_due(3.0) == [Alarm.PING, Alarm.TEXT]
    assert alarms.take_due(3.0) == []
    assert alarms.next_at == 4.0
    alarms.clear(Alarm.PING)
    alarms.clear(Alarm.IDLE)
    assert alarms.next_at is None


def test_alarm_that_is_set_again_moves() -> None:
    alarms = Alarms()
    alarms.set(Alarm.TEXT, 1.0)
    alarms.set(Alarm.TEXT, 5.0)
    assert alarms.take_due(2.0) == []
    assert alarms.next_at == 5.0
    alarms.clear_all()
    assert alarms.next_at is None


@patient
@given(
    pieces=st.lists(st.binary(max_size=40)),
    sizes=st.lists(st.integers(1, 50), min_size=1),
)
def test_samples_come_out_as_they_went_in(
    pieces: list[bytes], sizes: list[int]
) -> None:
    samples, taken, whole = Samples(), b"", b"".join(pieces)
    for piece in pieces:
        samples.push(piece)
    for size in sizes:
        frame = samples.take(size)
        taken += frame
        assert len(frame) == min(size, len(whole) - len(taken) + len(frame))
        assert samples.size == samples.left == len(whole) - len(taken)
    samples.push(b"later")
    assert taken + samples.take(10_000) == whole + b"later"


@patient
@given(
    samples=st.integers(0, 20_000),
    rates=st.sampled_from(
        [(16_000, 8_000), (8_000, 16_000), (8_000, 8_000), (44_100, 8_000)]
    ),
    size=st.sampled_from([320, 640]),
)
def test_given_audio_keeps_its_length(
    samples: int, rates: tuple[int, int], size: int
) -> None:
    from_rate, rate = rates
    audio = Given(bytes(samples * 2), from_rate, rate)
    total, length = 0, audio.left
    while frame := audio.take(size):
        total += len(frame)
    assert abs(total - length) <= 4
    assert audio.left <= 4 and audio.size == 0


@pytest.mark.parametrize(
    ("draft", "found", "rest"),
    [
        ("", [], ""),
        ("Hello", [], "Hello"),
        ("Hello. ", ["Hello."], " "),
        ("Hello. How are you?", ["Hello."], " How are you?"),
        ('He said "No!" Then', ['He said "No!"'], " Then"),
        ("It is 3.14 or so", [], "It is 3.14 or so"),
        ("See example.com now", [], "See example.com now"),
        ("Ask Mr. Smith and Dr. No", [], "Ask Mr. Smith and Dr. No"),
        ("Wait... what", ["Wait..."], " what"),
        ("你好。再见", ["你好。"], "再见"),
        ("One\nTwo", ["One\n"], "Two"),
    ],
)
def test_sentences_are_cut(draft: str, found: list[str], rest: str) -> None:
    assert sentences(draft) == (found, rest)


def test_sentence_without_an_end_is_cut_between_words() -> None:
    found, rest = sentences("word " * 100)
    assert "".join(found) + rest == "word " * 100
    assert all(len(part) <= LONGEST_SENTENCE and part.endswith(" ") for part in found)


def test_word_without_an_end_is_cut_anyhow() -> None:
    found, rest = sentences("x" * 500)
    assert [len(part) for part in found] == [240, 240]
    assert rest == "x" * 20


@patient
@given(draft=st.text(alphabet="ab .!?…\n。\"')", max_size=600))
def test_no_word_of_a_draft_is_lost(draft: str) -> None:
    found, rest = sentences(draft)
    assert "".join(found) + rest == draft
    assert len(rest) <= LONGEST_SENTENCE


@pytest.mark.parametrize(
    ("draft", "is_ended"),
    [("Hello.", True), ('"No!" ', True), ("Hello", False), ("", False)],
)
def test_draft_may_look_ended(draft: str, is_ended: bool) -> None:
    assert looks_ended(draft) is is_ended


def test_only_what_nobody_can_say_is_left_out() -> None:
    assert spoken("a👍🏽b❤️c 1️⃣ é 你 ™") == "abc 1 é 你 ™"
    assert not is_sayable("… !?") and is_sayable("… 1")


@pytest.mark.parametrize(
    ("played_ms", "total_ms", "word"),
    [(0, 1_000, 0), (500, 1_000, 1), (999, 1_000, 2), (2_000, 1_000, 3), (5, 0, 3)],
)
def test_word_is_found_by_time(played_ms: int, total_ms: int, word: int) -> None:
    assert word_at("one two three", played_ms, total_ms) == word


def test_names_and_reasons_are_made_to_fit() -> None:
    assert line("a\r\nb\ud800" + "x" * 300) == "a  b�" + "x" * 251
    assert close_reason("ä" * 100) == "ä" * 61
