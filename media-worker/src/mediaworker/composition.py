"""The only place that names what carries the sessions in earnest."""

import os
from collections.abc import Mapping

from mediaworker.runtime.assembly import ModelsMissing, Runtime, RuntimeSettings
from mediaworker.server import Engine, Surroundings
from mediaworker.settings import BadSetting, Settings
from mediaworker.speech.process import SpeechProcessClient
from mediaworker.speech.settings import BadSpeechSetting, SpeechSettings

KNOWN = (
    "PARLEY_ENV",
    "PARLEY_LOG_LEVEL",
    "PARLEY_MEDIA_CACHE",
    "PARLEY_MODELS",
    *("PATH", "PYTHON", "LD_", "LANG", "LC_", "TMPDIR", "HOME", "SSL_CERT_"),
    *("OMP_", "OPENBLAS_", "MKL_", "MALLOC_", "COVERAGE"),
)
"""How the variables begin that the speech process is given: no secret is among them."""


def build(surroundings: Surroundings) -> Engine:
    """Raises `BadSetting`, for what the speech process would not start with too."""
    settings = surroundings.settings
    environment = speech_environment(os.environ, settings, surroundings.worker_id)
    try:
        SpeechSettings.parse(environment)
        speech = SpeechProcessClient(environment)
        runtime = Runtime(
            RuntimeSettings(
                settings.models, settings.capacity, settings.resume_seconds
            ),
            surroundings.worker_id,
            surroundings.epoch,
            surroundings.facts,
            speech,
            surroundings.may_take,
        )
    except BadSpeechSetting as reason:
        raise BadSetting(str(reason)) from None
    except ModelsMissing as reason:
        raise BadSetting(f"PARLEY_MODELS: {reason}.") from None
    return Engine(runtime, (speech.run,))


def speech_environment(
    environment: Mapping[str, str], settings: Settings, worker_id: str
) -> dict[str, str]:
    """What a process that reads strangers' files may know of ours."""
    kept = {name: text for name, text in environment.items() if name.startswith(KNOWN)}
    return kept | {
        "PARLEY_MODELS": str(settings.models),
        "PARLEY_WORKER_ID": worker_id,
    }
