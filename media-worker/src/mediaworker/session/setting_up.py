"""How a call of the application's own is set up, by what carries it."""

from collections.abc import Callable, Mapping

from chalicelib.protocol.session.events import Metrics, Ringing
from chalicelib.protocol.session.options import CallOption, SipOption
from chalicelib.protocol.session.vocabulary import CallType, VadType
from mediaworker.session import legs, media, recording
from mediaworker.session.alarms import Alarm
from mediaworker.session.legs import AnswerOffer, PlaceCall
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.plan import Plan, codec_of, plan
from mediaworker.session.refusals import Complaint, Refusal, Unfitting, Unsupported
from mediaworker.session.turn_terms import MACHINES

NOT_ACCEPTABLE = 488


def invite(call: Call, option: CallOption, now: float) -> None:
    """Set the call up, or end it where it cannot be had."""
    call.alarms.clear(Alarm.INVITE)
    try:
        ROADS[call.identity.call_type](call, option, now)
    except Refusal as refusal:
        call.outbox.refuse(refusal, now)
        is_unbuilt = isinstance(refusal, Unsupported)
        code = NOT_ACCEPTABLE if is_unbuilt else refusal.code
        call.reject(refusal.sentence, code, now)


def ring(call: Call, event: legs.Rang, now: float) -> None:
    """The far end does."""
    call.story.ring(now)
    session_id, at_ms = call.identity.session_id, call.outbox.at_ms(now)
    call.outbox.tell(Ringing(session_id, at_ms, event.has_early_media))


def answer(call: Call, sdp: str, now: float) -> None:
    """The call is up."""
    planned = call.plan
    assert planned is not None
    call.phase = Phase.LIVE
    call.story.answer(sdp, now)
    media.listen(call, now)
    if planned.seeks_machine and not call.is_placed:
        sentence = f"{MACHINES} is of calls that are placed"
        call.complaints.append(Complaint(MACHINES, sentence))
    _tell_shortcomings(call, planned, now)
    call.attention.watch(planned.inactivity_seconds, now)


def _open_socket(call: Call, option: CallOption, now: float) -> None:
    codec = codec_of(option, call.query)
    if codec not in call.rules.codecs:
        raise Unsupported(f"{codec} is not installed here", "codec")
    _begin(call, option, option.caller, now)
    call.phase = Phase.LIVE
    media.connect(call, codec, now, detects_keys=False)
    answer(call, "", now)


def _answer_offer(call: Call, option: CallOption, now: float) -> None:
    if not option.offer:
        raise Unfitting("an offer is needed", "offer")
    _begin(call, option, option.caller, now)
    call.outbox.ask(AnswerOffer(option.offer, option.enable_ipv6))


def _place(call: Call, option: CallOption, now: float) -> None:
    if not option.callee:
        raise Unfitting("a callee is needed", "callee")
    caller = option.caller or _account(option.sip)
    timeout_ms = option.handshake_timeout_ms
    _begin(call, option, caller, now)
    call.is_placed = True
    call.story.begin_track(now)
    call.outbox.ask(
        PlaceCall(
            option.callee,
            caller,
            option.sip,
            timeout_ms / 1_000 if timeout_ms else None,
        )
    )


ROADS: Mapping[CallType, Callable[[Call, CallOption, float], None]] = {
    CallType.WEBSOCKET: _open_socket,
    CallType.WEBRTC: _answer_offer,
    CallType.SIP: _place,
}
"""Each raises `Refusal`, before it has done anything, where there can be no call."""


def _begin(call: Call, option: CallOption, caller: str | None, now: float) -> None:
    call.plan = plan(option, call.can, call.rules)
    call.option = option
    call.phase = Phase.SETTING_UP
    call.story.begin(caller, option.callee, now)
    recording.begin(call, option.recorder)
    call.complaints += call.passing.begin(option.media_pass, now)


def _account(sip: SipOption | None) -> str | None:
    """Who calls where nobody was named."""
    if sip is None or not sip.username or not sip.realm:
        return None
    return f"sip:{sip.username}@{sip.realm}"


def _tell_shortcomings(call: Call, planned: Plan, now: float) -> None:
    """After the answer: clients take an error before it for the answer."""
    for complaint in dict.fromkeys((*call.complaints, *planned.complaints)):
        call.outbox.complain(complaint, now)
    if planned.gate is not None and planned.gate.known_type is VadType.TEN:
        data = {"asked": str(VadType.TEN), "used": str(planned.detector)}
        call.outbox.tell(Metrics(call.outbox.at_ms(now), "vad.substituted", 0, data))
