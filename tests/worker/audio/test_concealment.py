import numpy as np
import pytest

from mediaworker.audio.arrays import Floats
from mediaworker.audio.coders import A_LAW, LINEAR, MU_LAW
from mediaworker.audio.concealment import Concealer, Law

RATES = pytest.mark.parametrize(
    ("rate", "law"), [(8_000, MU_LAW), (8_000, A_LAW), (16_000, LINEAR)]
)


def voice(rate: int, frames: int, pitch_hz: float = 125) -> Floats:
    """As periodic as a vowel; a row for each frame."""
    at = np.arange(frames * rate // 50) / rate
    sound = sum(
        4_000 / overtone * np.sin(2 * np.pi * pitch_hz * overtone * at)
        for overtone in range(1, 8)
    )
    return np.asarray(sound, np.float32).reshape(frames, -1)


def on_wire(law: Law, frame: Floats) -> bytes:
    return law.encode(np.rint(frame).astype(np.int16))


def heard(law: Law, frames: list[bytes]) -> Floats:
    return law.decode(b"".join(frames)).astype(np.float32)


def level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@RATES
def test_pass_on_what_came(rate: int, law: Law) -> None:
    concealer = Concealer(rate, law)
    frame = on_wire(law, voice(rate, 1)[0])
    assert concealer.hear(frame) is frame


@RATES
def test_go_on_with_the_voice_for_one_lost_frame(rate: int, law: Law) -> None:
    concealer = Concealer(rate, law)
    sound = voice(rate, 12)
    sent = [on_wire(law, frame) for frame in sound]
    got = [concealer.hear(frame) for frame in sent[:5]]
    got += [concealer.conceal()]
    got += [concealer.hear(frame) for frame in sent[6:]]
    wanted, there = heard(law, sent), heard(law, got)
    lost = slice(5 * rate // 50, 7 * rate // 50)
    assert np.corrcoef(wanted[lost], there[lost])[0, 1] > 0.95
    # No click: nowhere does it leap further than the voice itself does.
    assert np.abs(np.diff(there)).max() < 1.3 * np.abs(np.diff(wanted)).max()
    assert got[7:] == sent[7:]


@RATES
def test_fade_to_silence_by_60_ms(rate: int, law: Law) -> None:
    concealer = Concealer(rate, law)
    for frame in voice(rate, 6):
        concealer.hear(on_wire(law, frame))
    before = level(voice(rate, 6))
    levels = [level(heard(law, [concealer.conceal()])) for _ in range(5)]
    assert levels[0] > 0.8 * before
    assert levels == sorted(levels, reverse=True)
    assert levels[2] < 0.4 * before
    assert max(levels[3:]) < 10


@RATES
def test_join_what_comes_after_silence(rate: int, law: Law) -> None:
    concealer = Concealer(rate, law)
    for frame in voice(rate, 6):
        concealer.hear(on_wire(law, frame))
    for _ in range(5):
        concealer.conceal()
    back = heard(law, [concealer.hear(on_wire(law, voice(rate, 1)[0]))])
    joined = rate // 100
    assert abs(back[0]) < 500
    assert np.abs(back[joined:] - voice(rate, 1)[0][joined:]).max() < 600


@RATES
def test_make_up_silence_of_nothing(rate: int, law: Law) -> None:
    made = heard(law, [Concealer(rate, law).conceal()])
    assert len(made) == rate // 50
    assert np.abs(made).max() < 10


def test_join_a_packet_shorter_than_the_join() -> None:
    concealer = Concealer(8_000, MU_LAW)
    for frame in voice(8_000, 6):
        concealer.hear(on_wire(MU_LAW, frame))
    concealer.conceal()
    assert len(concealer.hear(b"\xff" * 8)) == 8


def test_find_a_voice_in_what_is_short() -> None:
    concealer = Concealer(8_000, MU_LAW)
    concealer.hear(b"\x20" * 40)
    assert len(concealer.conceal()) == 160
