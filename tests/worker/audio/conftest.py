from pathlib import Path

import numpy as np
import pytest

from mediaworker.audio.arrays import Floats
from mediaworker.audio.wav import Format, WavReader

MODELS = Path(__file__).parents[3] / ".parley" / "models"


@pytest.fixture(scope="session")
def models() -> Path:
    if not (MODELS / "silero.npz").exists():
        pytest.fail("the models are missing: run scripts/fetch-models")
    return MODELS


@pytest.fixture(scope="session")
def arrays(models: Path) -> dict[str, Floats]:
    with np.load(models / "silero.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="session")
def speech(models: Path) -> Floats:
    """Recorded, at 16 kHz."""
    reader = WavReader()
    found = reader.feed((models / "speech-samples" / "beckett.wav").read_bytes())
    sounds = [event for event in found if not isinstance(event, Format)]
    return np.concatenate(sounds).astype(np.float32) / np.float32(32768)
