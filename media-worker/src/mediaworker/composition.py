"""The only place that names what carries the sessions in earnest."""

import logging
import os
from collections.abc import Mapping

from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.audio.opus import OpusLibrary, OpusMissing
from mediaworker.opus_path import opus_paths
from mediaworker.runtime.assembly import ModelsMissing, Runtime, RuntimeSettings
from mediaworker.runtime.legs import Legs
from mediaworker.server import Engine, Surroundings
from mediaworker.settings import BadSetting, Settings
from mediaworker.speech.process import SpeechProcessClient
from mediaworker.speech.settings import BadSpeechSetting, SpeechSettings
from mediaworker.webrtc.browsers import Browsers
from mediaworker.webrtc.share import WebRtcRules

logger = logging.getLogger(__name__)

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
    browsers = Browsers(
        WebRtcRules(
            settings.public_address,
            settings.connect_seconds,
            settings.media_timeout_seconds,
        ),
        settings.ice,
        surroundings.worker_id,
        opus_library(),
    )
    legs: Legs = {CallType.WEBRTC: browsers.make}
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
            legs,
        )
    except BadSpeechSetting as reason:
        raise BadSetting(str(reason)) from None
    except ModelsMissing as reason:
        raise BadSetting(f"PARLEY_MODELS: {reason}.") from None
    return Engine(runtime, (speech.run, browsers.run))


def opus_library() -> OpusLibrary | None:
    """None where it is not installed, which is logged."""
    try:
        return OpusLibrary(*opus_paths())
    except OpusMissing:
        logger.warning("libopus is not installed: calls have G.722 or G.711")
        return None


def speech_environment(
    environment: Mapping[str, str], settings: Settings, worker_id: str
) -> dict[str, str]:
    """What a process that reads strangers' files may know of ours."""
    kept = {name: text for name, text in environment.items() if name.startswith(KNOWN)}
    return kept | {
        "PARLEY_MODELS": str(settings.models),
        "PARLEY_WORKER_ID": worker_id,
    }
