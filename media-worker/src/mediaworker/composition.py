"""The only place that names what carries the sessions in earnest."""

import logging
import os
from collections.abc import Callable, Mapping

from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.audio.opus import OpusLibrary, OpusMissing
from mediaworker.opus_path import opus_paths
from mediaworker.recording.process import RecordingProcessClient
from mediaworker.recording.settings import BadRecordingSetting, RecordingSettings
from mediaworker.runtime.archive import Kept
from mediaworker.runtime.assembly import (
    ModelsMissing,
    Recording,
    Runtime,
    RuntimeSettings,
)
from mediaworker.runtime.legs import Legs
from mediaworker.server import Engine, Surroundings
from mediaworker.settings import BadSetting, Settings
from mediaworker.speech.guard import Guard
from mediaworker.speech.process import SpeechProcessClient
from mediaworker.speech.providers.names import CREDENTIALS
from mediaworker.speech.settings import BadSpeechSetting, SpeechSettings
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.public_address import PublicAddress
from mediaworker.telephony.sip_sockets import SipPortTaken
from mediaworker.telephony.site import Site
from mediaworker.telephony.stun import ask, stun_server
from mediaworker.transports.media_pass import MediaClient
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
"""How the variables begin that the speech process is given, beside the credentials
of the providers of speech."""


RECORDING_KNOWN = (
    *("PARLEY_CDR", "PARLEY_DUMPS", "PARLEY_RECORDINGS", "PARLEY_SPOOL"),
    "AWS_",
)
"""The same of the recording process, which brings files to S3 by the task's role."""


def build(surroundings: Surroundings) -> Engine:
    """Raises `BadSetting`, for what another process would not start with too."""
    settings = surroundings.settings
    recording = recording_of(settings, surroundings.worker_id)
    environment = speech_environment(os.environ, settings, surroundings.worker_id)
    public = public_address_of(settings)
    opus = opus_library()
    browsers = Browsers(
        WebRtcRules(
            settings.public_address,
            settings.connect_seconds,
            settings.media_timeout_seconds,
        ),
        settings.ice,
        surroundings.worker_id,
        opus,
        lambda: public.known,
    )
    phones = phones_of(surroundings, lambda: has_room(runtime, surroundings))
    legs: Legs = {CallType.WEBRTC: browsers.make}
    if phones is not None:
        legs = {**legs, CallType.SIP: phones.make}
        public.subscribe(phones.move)
    policy = UrlPolicy(allows_loopback=settings.is_development)
    media = MediaClient(Guard(policy))
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
            recording,
            opus,
            media=media,
        )
    except BadSpeechSetting as reason:
        raise BadSetting(str(reason)) from None
    except ModelsMissing as reason:
        raise BadSetting(f"PARLEY_MODELS: {reason}.") from None
    runs = (speech.run, recording.process.run, browsers.run, public.run, media.run)
    if phones is None:
        return Engine(runtime, runs, (lambda: public.is_settled,))
    return Engine(
        runtime,
        (*runs, phones.run),
        (lambda: phones.is_ready, lambda: public.is_settled),
        (phones.drain,),
        (phones.readings,),
    )


def public_address_of(settings: Settings) -> PublicAddress:
    """As it was set, or to be learnt."""
    if not settings.learns_public_address:
        return PublicAddress(settings.public_address)
    server = stun_server(settings.ice)
    host = settings.phones.media_host or settings.host
    return PublicAddress(None, lambda: ask(server, host))


def phones_of(
    surroundings: Surroundings, has_room: Callable[[], bool]
) -> Phones | None:
    """None where there is no SIP; raises `BadSetting`."""
    settings = surroundings.settings
    if not settings.phones.port:
        return None
    site = Site(
        surroundings.worker_id,
        settings.host,
        settings.public_address,
        settings.ws_url,
        settings.is_development,
        settings.is_open,
        settings.media_timeout_seconds,
        has_room,
        settings.jwt_secret,
    )
    try:
        return Phones(settings.phones, site)
    except SipPortTaken as reason:
        raise BadSetting(f"PARLEY_SIP_PORT: {reason}.") from None


def has_room(runtime: Runtime, surroundings: Surroundings) -> bool:
    """For one more session."""
    is_up = runtime.is_ready and surroundings.may_take()
    return is_up and len(runtime.sessions) < surroundings.settings.capacity


def opus_library() -> OpusLibrary | None:
    """None where it is not installed, which is logged."""
    try:
        return OpusLibrary(*opus_paths())
    except OpusMissing:
        logger.warning("libopus is not installed: calls have G.722 or G.711")
        return None


def recording_of(settings: Settings, worker_id: str) -> Recording:
    """Raises `BadSetting`."""
    try:
        asked = RecordingSettings.parse(os.environ)
    except BadRecordingSetting as reason:
        raise BadSetting(str(reason)) from None
    known = (*KNOWN, *RECORDING_KNOWN)
    kept = {name: text for name, text in os.environ.items() if name.startswith(known)}
    environment = kept | {"PARLEY_WORKER_ID": worker_id}
    process = RecordingProcessClient(environment, settings.capacity)
    return Recording(process, Kept(asked.has_dumps, asked.details is not None))


def speech_environment(
    environment: Mapping[str, str], settings: Settings, worker_id: str
) -> dict[str, str]:
    """What a process that reads strangers' files may know of ours."""
    known = (*KNOWN, *CREDENTIALS)
    kept = {name: text for name, text in environment.items() if name.startswith(known)}
    return kept | {
        # Its wheels would tell their maker what runs here.
        "ORT_DISABLE_TELEMETRY": "1",
        "PARLEY_MODELS": str(settings.models),
        "PARLEY_WORKER_ID": worker_id,
    }
