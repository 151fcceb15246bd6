"""Who is heard, and for how long after."""

import numpy as np

from mediaworker.audio.audible import LASTS_FRAMES, SKIPPED_FRAMES, Audible

LOUD = np.full(160, 1_000, "<i2").tobytes()
FAINT = np.full(160, 20, "<i2").tobytes()


def changes(*frames: bytes | None) -> list[tuple[int, bool]]:
    audible = Audible()
    return [
        (at, audible.is_heard) for at, frame in enumerate(frames) if audible.feed(frame)
    ]


def test_silence_and_nothing_are_not_heard() -> None:
    assert changes(*[None, FAINT, bytes(320)] * 100) == []


def test_speech_is_heard_at_once_and_for_a_while() -> None:
    over = 4 + SKIPPED_FRAMES + LASTS_FRAMES
    frames = [FAINT, FAINT, FAINT, LOUD, *[None] * 200]
    assert changes(*frames) == [(3, True), (over - 1, False)]


def test_pause_is_no_end() -> None:
    pause = [None] * (LASTS_FRAMES - 1)
    assert changes(*[LOUD, *pause] * 5) == [(0, True)]
