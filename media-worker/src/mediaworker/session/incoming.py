"""How a call that comes in is told, rung, taken and declined."""

from chalicelib.protocol.session.commands import Accept, Play, Reject, Ring
from chalicelib.protocol.session.events import Incoming
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import legs, media, recording
from mediaworker.session.alarms import Alarm
from mediaworker.session.ending import CALLEE, SYSTEM
from mediaworker.session.legs import DeclineCall, RingBack, TakeCall
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.plan import plan
from mediaworker.session.texts import headers_of, party, prose

DECLINE = 603
REQUEST_TIMEOUT = 408


def come(call: Call, event: legs.CallCame, now: float) -> None:
    call.phase = Phase.INCOMING
    call.await_word(now)
    caller, callee = party(event.caller), party(event.callee)
    call.story.begin(caller, callee, now)
    call.outbox.tell(
        Incoming(
            call.identity.session_id,
            call.outbox.at_ms(now),
            caller,
            callee,
            prose(event.sdp),
            headers_of(event.headers) or None,
        )
    )


def ring(call: Call, command: Ring, now: float) -> None:
    """Once more, or with audio this time, is no mistake."""
    call.await_word(now)
    call.story.ring(now)
    has_early_media = command.early_media or command.ringtone is not None
    call.outbox.ask(RingBack(has_early_media))
    recording.begin(call, command.recorder)
    if command.ringtone is not None:
        call.ringtone = command.ringtone
        _play_ringtone(call, now)


def agree(call: Call, event: legs.MediaAgreed, now: float) -> None:
    """Before it was accepted: what plays is heard by who calls."""
    if call.player is None:
        media.connect(call, event.codec, now, detects_keys=not event.has_keys)
        call.story.begin_track(now)
        _play_ringtone(call, now)


def accept(call: Call, command: Accept, now: float) -> None:
    call.alarms.clear(Alarm.INVITE)
    call.plan = plan(command.option, call.can, call.rules)
    call.option = command.option
    call.phase, call.ringtone = Phase.SETTING_UP, None
    recording.begin(call, command.option.recorder)
    call.complaints += call.passing.begin(command.option.media_pass, now)
    if call.player is not None and call.player.is_repeating:
        call.player.stop(now)
    call.story.begin_track(now)
    sip = command.option.sip
    call.outbox.ask(TakeCall((sip and sip.extract_headers) or ()))
    media.listen(call, now)


def decline(call: Call, command: Reject, now: float) -> None:
    call.outbox.ask(DeclineCall(command.code or DECLINE, command.reason))
    call.end(HangupReason.REJECTED, CALLEE, now)


def miss(call: Call, now: float) -> None:
    """Nobody said in time what is to become of it."""
    call.outbox.ask(DeclineCall(REQUEST_TIMEOUT, "Request Timeout"))
    call.end(HangupReason.NO_ANSWER, SYSTEM, now)


def _play_ringtone(call: Call, now: float) -> None:
    if call.player is not None and call.ringtone is not None:
        call.player.play(Play(call.ringtone), now, is_repeated=True)
        call.ringtone = None
