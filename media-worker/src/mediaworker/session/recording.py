"""What is recorded of a call, and in which file: settled by who asks first."""

from urllib.parse import quote

from chalicelib.protocol.session.options import RecorderOption
from chalicelib.protocol.vocabulary import DEFAULT_TENANT
from mediaworker.session.effects import Record
from mediaworker.session.identity import Identity
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.refusals import Complaint, Refusal, Unfitting

SENDER = "recorder"
ID = "{id}"
TENANTS = "tenants"
"""The folder of those that are not the default tenant, which has the rest."""
WAV = ".wav"
OGG = (".ogg", ".opus")
FORMATS = {"wav": WAV, "pcm": WAV, "pcmu": WAV, "pcma": WAV, "g722": WAV} | {
    suffix[1:]: suffix for suffix in OGG
}
"""What a name without a suffix of its own gets; codecs of telephony are kept as PCM."""
MOST_PART_BYTES = 240
"""Of a part of a path: room is left for what tells two files of one name apart."""
MOST_PARTS = 16
LEAST_FLUSH_MS, MOST_FLUSH_MS = 20, 5_000


def begin(call: Call, option: RecorderOption | None) -> None:
    """Unless the call is recorded already; what cannot be had is told later."""
    if option is None or call.is_recorded:
        return
    try:
        path = path_of(option, call.identity)
    except Refusal as refusal:
        _complain(call, refusal.sentence, refusal.code)
        return
    if option.format is not None and option.format.lower() not in FORMATS:
        sentence = f"the format {option.format} is not known: wav is used"
        _complain(call, sentence, Unfitting.code)
    call.is_recorded = True
    flush_ms = min(max(option.ptime, LEAST_FLUSH_MS), MOST_FLUSH_MS)
    started_at_ms = call.story.started_at_ms
    call.outbox.ask(
        Record(path, option.samplerate, flush_ms, call.identity, started_at_ms)
    )


def fail(call: Call, sentence: str, code: int, now: float) -> None:
    """The call goes on unrecorded; before the answer that is told after it."""
    if call.phase is Phase.LIVE:
        call.outbox.fail(SENDER, sentence, code, now)
    elif call.phase is not Phase.OVER:
        _complain(call, sentence, code)


def path_of(option: RecorderOption, identity: Identity) -> str:
    """Relative to where recordings are kept, without a way out; raises `Refusal`."""
    name = option.recorder_file.replace(ID, identity.session_id)
    if ".." in name.split("/"):
        raise Unfitting("recorderFile leads out of the recordings folder", SENDER)
    if not name or name.endswith("/"):
        name += identity.session_id
    if not name.lower().endswith((WAV, *OGG)):
        name += FORMATS.get((option.format or "wav").lower(), WAV)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for part in parts:
        _check(part)
    if len(parts) > MOST_PARTS:
        raise Unfitting(f"recorderFile has at most {MOST_PARTS} parts", SENDER)
    return "/".join((*_home(identity.tenant, parts[0]), *parts))


def _check(part: str) -> None:
    """A part of a path; raises `Refusal`."""
    if len(part.encode()) > MOST_PART_BYTES:
        sentence = f"a part of recorderFile has more than {MOST_PART_BYTES} bytes"
        raise Unfitting(sentence, SENDER)


def home_of(tenant: str) -> tuple[str, ...]:
    """The folder of a tenant's files, whatever it is called."""
    if tenant == DEFAULT_TENANT:
        return ()
    return TENANTS, quote(tenant, safe="").replace(".", "%2E")


def _home(tenant: str, first: str) -> tuple[str, ...]:
    home = home_of(tenant)
    if not home and first == TENANTS:
        raise Unfitting(f"recorderFile may not begin with {TENANTS}", SENDER)
    return home


def _complain(call: Call, sentence: str, code: int) -> None:
    call.complaints.append(Complaint(SENDER, sentence, code))
