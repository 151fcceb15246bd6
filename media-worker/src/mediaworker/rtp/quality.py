"""How audio that came sounds, estimated: the E-model (ITU-T G.107) much simplified."""

from chalicelib.protocol.session.vocabulary import Codec

BEST = 93.2
"""R of a perfect line, with all defaults of the recommendation."""
WORST = 95.0
NOTICED_MS = 177.3
"""A longer way disturbs the talk itself."""
CODECS = {
    Codec.PCMU: (0.0, 25.1),
    Codec.PCMA: (0.0, 25.1),
    Codec.G722: (0.0, 15.0),
    Codec.OPUS: (0.0, 20.0),
}
"""Impairment and robustness to loss (Ie, Bpl): of G.711 with concealment by G.113; the
wideband codecs are taken to be as good, and estimated on the same scale."""


def mos(codec: Codec, delay_ms: float, loss: float) -> float:
    """From 1.0 to 4.5, of the way in one direction, its loss from 0 to 1."""
    impairment, robustness = CODECS[codec]
    percent = min(max(loss, 0.0), 1.0) * 100
    by_loss = impairment + (WORST - impairment) * percent / (percent + robustness)
    delay_ms = max(delay_ms, 0.0)
    by_delay = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - NOTICED_MS)
    return _opinion(BEST - by_loss - by_delay)


def _opinion(rating: float) -> float:
    """Annex B."""
    if rating <= 0:
        return 1.0
    curve = rating * (rating - 60) * (100 - rating) * 7e-6
    return min(max(1 + 0.035 * rating + curve, 1.0), 4.5)
