import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp.quality import CODECS, mos


@pytest.mark.parametrize("codec", CODECS)
def test_say_that_a_good_line_is_good(codec: Codec) -> None:
    assert 4.3 < mos(codec, 20, 0) <= 4.5


def test_agree_with_the_recommendation() -> None:
    """ITU-T G.107, annex B: R of 93.2 without any delay."""
    assert mos(Codec.PCMU, 0, 0) == pytest.approx(4.41, abs=0.005)


def test_think_less_of_loss_and_of_delay() -> None:
    by_loss = [mos(Codec.PCMU, 50, loss) for loss in (0, 0.01, 0.05, 0.2, 1, 2)]
    assert by_loss == sorted(by_loss, reverse=True)
    by_delay = [mos(Codec.OPUS, delay, 0) for delay in (-5, 0, 100, 300, 2_000)]
    assert by_delay == sorted(by_delay, reverse=True)


def test_stay_between_one_and_four_and_a_half() -> None:
    assert mos(Codec.G722, 10_000, 1) == 1.0
    for loss in range(101):
        for delay in range(0, 2_000, 50):
            assert 1.0 <= mos(Codec.PCMA, delay, loss / 100) <= 4.5
