"""What each command means in each phase of a call: the whole of it.

A rule obeys, or raises a `Refusal`, which is told as an ``error``. Every pair stands in
`TABLE`; `meaning` puts the capabilities of the type of call before it.
"""

from collections.abc import Callable
from typing import Any, get_args

from chalicelib.protocol.session.commands import (
    Accept,
    AddIceCandidate,
    Bridge,
    Command,
    Custom,
    Hangup,
    History,
    Interrupt,
    Invite,
    Message,
    Mute,
    Pause,
    Play,
    Refer,
    Reject,
    Resume,
    Ring,
    SendDigits,
    Tts,
    Unbridge,
    Unmute,
)
from chalicelib.protocol.session.events import CustomTold, HistoryAdded
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import incoming, setting_up
from mediaworker.session.capabilities import Capabilities
from mediaworker.session.effects import JoinSession, PartSession, PassMessage
from mediaworker.session.ending import words_of
from mediaworker.session.legs import AddCandidate, PressKeys
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.outbox import Outbox
from mediaworker.session.plan import voice
from mediaworker.session.refusals import NotThere, Unfitting, Unsupported, WrongTime

BUSY_HERE = 486
UNSAID = {
    Phase.INCOMING: HangupReason.REJECTED,
    Phase.SETTING_UP: HangupReason.CANCELED,
}
"""Why a call ends that was not answered yet, where its command does not say it."""

Rule = Callable[[Call, Outbox, Any, float], None]


def _invite(call: Call, outbox: Outbox, command: Invite, now: float) -> None:
    if call.is_listening:
        raise WrongTime("invite: the session waits for a call to come")
    setting_up.invite(call, command.option, now)


def _accept(call: Call, outbox: Outbox, command: Accept, now: float) -> None:
    incoming.accept(call, command, now)


def _reject(call: Call, outbox: Outbox, command: Reject, now: float) -> None:
    incoming.decline(call, command, now)


def _ring(call: Call, outbox: Outbox, command: Ring, now: float) -> None:
    incoming.ring(call, command, now)


def _accept_nothing(call: Call, outbox: Outbox, command: Accept, now: float) -> None:
    call.reject("no pending call", BUSY_HERE, now)


def _hang_up(call: Call, outbox: Outbox, command: Hangup, now: float) -> None:
    if command.refer:
        raise NotThere("there is no transferred leg")
    words = words_of(command, UNSAID.get(call.phase))
    call.end(*words, now, sent=command.headers)


def _say(call: Call, outbox: Outbox, command: Tts, now: float) -> None:
    base = call.plan.tts if call.plan else None
    call.playing.say(command, voice(base, command), now)


def _play(call: Call, outbox: Outbox, command: Play, now: float) -> None:
    call.playing.play(command, now)


def _interrupt(call: Call, outbox: Outbox, command: Interrupt, now: float) -> None:
    fade_out_ms, is_graceful = command.fade_out_ms or 0, command.graceful
    call.playing.interrupt(now, is_graceful=is_graceful, fade_out_ms=fade_out_ms)
    if not command.graceful:
        call.passing.clear()


def _pause(call: Call, outbox: Outbox, command: Pause, now: float) -> None:
    call.playing.pause(now)


def _resume(call: Call, outbox: Outbox, command: Resume, now: float) -> None:
    call.playing.resume(now)


def _mute(call: Call, outbox: Outbox, command: Mute, now: float) -> None:
    call.mute(command.track_id, is_muted=True)


def _unmute(call: Call, outbox: Outbox, command: Unmute, now: float) -> None:
    call.mute(command.track_id, is_muted=False)


def _add_history(call: Call, outbox: Outbox, command: History, now: float) -> None:
    at_ms, speaker, text = outbox.at_ms(now), command.speaker, command.text
    outbox.tell(HistoryAdded(at_ms, speaker, text, outbox.session_id))


def _tell_custom(call: Call, outbox: Outbox, command: Custom, now: float) -> None:
    outbox.tell(CustomTold(outbox.at_ms(now), command.data, command.sender))


def _add_candidate(
    call: Call, outbox: Outbox, command: AddIceCandidate, now: float
) -> None:
    mid, index = command.sdp_mid, command.sdp_m_line_index
    outbox.ask(AddCandidate(command.candidate, mid, index))


def _send_digits(call: Call, outbox: Outbox, command: SendDigits, now: float) -> None:
    if call.player is None:
        raise WrongTime("dtmf: there is no audio yet")
    digits = command.digits.upper()
    outbox.ask(PressKeys(digits, command.duration_ms, command.gap_ms))


def _bridge(call: Call, outbox: Outbox, command: Bridge, now: float) -> None:
    outbox.ask(JoinSession(_other(call, command)))


def _unbridge(call: Call, outbox: Outbox, command: Unbridge, now: float) -> None:
    outbox.ask(PartSession(_other(call, command)))


def _other(call: Call, command: Bridge | Unbridge) -> str:
    if command.target_session_id == call.identity.session_id:
        raise Unfitting(f"{command.command}: a session is not bridged with itself")
    return command.target_session_id


def _pass_message(call: Call, outbox: Outbox, command: Message, now: float) -> None:
    if command.refer:
        raise NotThere("there is no transferred leg")
    outbox.ask(PassMessage(command.body, command.content_type))


def _too_early(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: there is no call yet")


def _no_incoming(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: there is no incoming call")


def _came_already(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: a call has come, to be accepted or rejected")


def _set_up_already(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: the call is set up already")


def _not_built(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise Unsupported(f"{command.command} is not supported")


def _ignored(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    """Nobody is left to be answered."""


WHILE_LIVE: dict[type[Command], Rule] = {
    Invite: _set_up_already,
    Accept: _set_up_already,
    Reject: _set_up_already,
    Ring: _set_up_already,
    Tts: _say,
    Play: _play,
    Interrupt: _interrupt,
    Pause: _pause,
    Resume: _resume,
    Hangup: _hang_up,
    Mute: _mute,
    Unmute: _unmute,
    History: _add_history,
    Custom: _tell_custom,
    Refer: _not_built,
    Message: _pass_message,
    Bridge: _bridge,
    Unbridge: _unbridge,
    AddIceCandidate: _add_candidate,
    SendDigits: _send_digits,
}

WHILE_SETTING_UP: dict[type[Command], Rule] = {
    **WHILE_LIVE,
    Message: _too_early,
    Bridge: _too_early,
    Unbridge: _too_early,
}
"""What needs audio is obeyed once there is some."""

WHILE_INCOMING: dict[type[Command], Rule] = {
    **WHILE_SETTING_UP,
    Invite: _came_already,
    Accept: _accept,
    Reject: _reject,
    Ring: _ring,
}

WHILE_WAITING: dict[type[Command], Rule] = {
    **{command: _too_early for command in WHILE_LIVE},
    Invite: _invite,
    Accept: _accept_nothing,
    Reject: _no_incoming,
    Ring: _no_incoming,
    Hangup: _hang_up,
    AddIceCandidate: _add_candidate,
}

TABLE: dict[tuple[Phase, type[Command]], Rule] = {
    **{(Phase.WAITING, command): rule for command, rule in WHILE_WAITING.items()},
    **{(Phase.INCOMING, command): rule for command, rule in WHILE_INCOMING.items()},
    **{(Phase.SETTING_UP, command): rule for command, rule in WHILE_SETTING_UP.items()},
    **{(Phase.LIVE, command): rule for command, rule in WHILE_LIVE.items()},
    **{(Phase.OVER, command): _ignored for command in get_args(Command)},
}


def meaning(phase: Phase, command: Command, can: Capabilities) -> Rule:
    """What is to be done about it."""
    is_built = type(command) in can.commands or phase is Phase.OVER
    return TABLE[phase, type(command)] if is_built else _not_built
