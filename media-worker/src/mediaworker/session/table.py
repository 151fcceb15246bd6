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
    Tts,
    Unbridge,
    Unmute,
)
from chalicelib.protocol.session.events import CustomTold, HistoryAdded
from mediaworker.session.capabilities import Capabilities
from mediaworker.session.ending import words_of
from mediaworker.session.lifecycle import BUSY_HERE, Call, Phase
from mediaworker.session.outbox import Outbox
from mediaworker.session.plan import voice
from mediaworker.session.refusals import NotThere, Unsupported, WrongTime

Rule = Callable[[Call, Outbox, Any, float], None]


def _invite(call: Call, outbox: Outbox, command: Invite, now: float) -> None:
    call.invite(command.option, now)


def _accept_nothing(call: Call, outbox: Outbox, command: Accept, now: float) -> None:
    call.reject("no pending call", BUSY_HERE, now)


def _hang_up(call: Call, outbox: Outbox, command: Hangup, now: float) -> None:
    if command.refer:
        raise NotThere("there is no transferred leg")
    call.end(*words_of(command), now)


def _say(call: Call, outbox: Outbox, command: Tts, now: float) -> None:
    base = call.plan.tts if call.plan else None
    call.playing.say(command, voice(base, command), now)


def _play(call: Call, outbox: Outbox, command: Play, now: float) -> None:
    call.playing.play(command, now)


def _interrupt(call: Call, outbox: Outbox, command: Interrupt, now: float) -> None:
    call.playing.interrupt(now, is_graceful=command.graceful)


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


def _too_early(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: there is no call yet")


def _no_incoming(call: Call, outbox: Outbox, command: Command, now: float) -> None:
    raise WrongTime(f"{command.command}: there is no incoming call")


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
    Message: _not_built,
    Bridge: _not_built,
    Unbridge: _not_built,
    AddIceCandidate: _not_built,
}

WHILE_WAITING: dict[type[Command], Rule] = {
    **{command: _too_early for command in WHILE_LIVE},
    Invite: _invite,
    Accept: _accept_nothing,
    Reject: _no_incoming,
    Ring: _no_incoming,
    Hangup: _hang_up,
}

TABLE: dict[tuple[Phase, type[Command]], Rule] = {
    **{(Phase.WAITING, command): rule for command, rule in WHILE_WAITING.items()},
    **{(Phase.LIVE, command): rule for command, rule in WHILE_LIVE.items()},
    **{(Phase.OVER, command): _ignored for command in get_args(Command)},
}


def meaning(phase: Phase, command: Command, can: Capabilities) -> Rule:
    """What is to be done about it."""
    is_built = type(command) in can.commands or phase is Phase.OVER
    return TABLE[phase, type(command)] if is_built else _not_built
