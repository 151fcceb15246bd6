"""Audio that waits to be heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.runtime.inbound import (
    MOST_BEHIND_FRAMES,
    MOST_SECONDS,
    STARVED_SLOTS,
    WATCHED_SLOTS,
    Inbound,
)

SILENCE = b"\xff" * 4


def inbound() -> Inbound:
    return Inbound(SILENCE)


def frames(count: int, first: int = 0) -> bytes:
    return b"".join(bytes([n % 200]) * 4 for n in range(first, first + count))


def test_wait_a_little_and_then_be_silent() -> None:
    waiting = inbound()
    assert [waiting.take() for _ in range(STARVED_SLOTS)] == [None] * STARVED_SLOTS
    assert not waiting.is_silent
    assert waiting.take() == SILENCE
    assert waiting.is_silent
    waiting.push(b"abc")
    assert waiting.take() == SILENCE, "a part of a frame is none"
    waiting.push(b"d")
    assert waiting.take() == b"abcd"
    assert not waiting.is_silent
    assert waiting.take() is None


@pytest.mark.parametrize("piece", [1, 2, 5, 8])
def test_keep_in_step_with_who_sends_in_pieces(piece: int) -> None:
    waiting, heard = inbound(), 0
    for slot in range(400):
        if slot % piece == 0:
            waiting.push(frames(piece, slot))
        assert waiting.take() == frames(1, slot)
        assert waiting.take_more() is None
        heard += 1
    assert heard == 400


def test_make_up_for_a_delay_that_does_not_go_away() -> None:
    waiting = inbound()
    waiting.push(frames(4))
    heard = b""
    for slot in range(2 * WATCHED_SLOTS):
        for frame in (waiting.take(), waiting.take_more()):
            heard += frame or b""
        is_made_up = slot >= WATCHED_SLOTS + 2
        assert heard == frames(slot + 4 if is_made_up else len(heard) // 4)
        waiting.push(frames(1, slot + 4))
    assert waiting.take() == frames(1, 2 * WATCHED_SLOTS + 3)
    assert waiting.take() is None


def test_hurry_when_far_too_much_waits() -> None:
    waiting = inbound()
    waiting.push(frames(MOST_BEHIND_FRAMES + 2))
    assert waiting.take() == frames(1)
    assert waiting.take_more() == frames(1, 1)
    assert waiting.take_more() is None, "what is left is not too much"


def test_drop_the_oldest_whole_frames_of_too_much() -> None:
    waiting = inbound()
    most = MOST_SECONDS * 50
    assert waiting.push(frames(most)) == 0
    assert waiting.push(b"x") == 1
    assert waiting.take() == frames(1, 1)


@given(st.lists(st.binary(max_size=30), max_size=60))
def test_hear_every_octet_once_and_in_order(pieces: list[bytes]) -> None:
    waiting, heard, sent = inbound(), b"", b""
    for piece in pieces:
        sent += piece
        waiting.push(piece)
        for frame in (waiting.take(), waiting.take_more()):
            if frame is not None and not waiting.is_silent:
                heard += frame
    assert sent.startswith(heard)
