"""The socket of users' devices: what a client asks, and what it is told.

Text frames of one JSON object each. Commands may carry an ``id``, which their reply or
error bears again; fields that are not known are ignored. Pushes may come twice, and are
the same by ``(call_id, seq)``; one number is at most one push to a device. No order is
promised, neither of pushes of different calls nor of signals.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from chalicelib.protocol.client_events import Error
from chalicelib.protocol.client_fields import (
    ECHOED_NAME_MAX,
    MOST_COMMAND_BYTES,
    MOST_STRUCTURE,
    CallId,
    Code,
    DeviceName,
    Id,
    Moment,
    Payload,
    Seq,
    SignalType,
    Tag,
    Told,
    Uid,
)
from chalicelib.protocol.session import records
from chalicelib.protocol.session.containers import check_shape
from chalicelib.protocol.session.kinds import Unfit


@dataclass(frozen=True, slots=True)
class Hello(Told):
    """The first command on a socket: nothing is told before it. It asks for all that
    was missed: of ``call_id``, or of the present and the last call, what has a greater
    number than ``last_seq``; and of the calls that have ended after ``since``."""

    command: ClassVar[str] = "hello"
    last_seq: Seq | None = None
    call_id: CallId | None = None
    since: Moment | None = None
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat(Told):
    """The device is there; ``call_id`` is the call that it is in."""

    command: ClassVar[str] = "heartbeat"
    call_id: CallId | None = None
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Signal(Told):
    """Something for another party of a live call; without ``to_device`` for the device
    that is in it. Candidates may overtake the offer: keep them until it has come."""

    command: ClassVar[str] = "signal"
    call_id: CallId
    to: Uid
    type: SignalType
    payload: Annotated[Mapping[str, Any], Payload()]
    to_device: DeviceName | None = None
    id: Id | None = None


Command = Hello | Heartbeat | Signal
COMMANDS: Mapping[str, type[Command]] = {one.command: one for one in get_args(Command)}


class Refused(ValueError):
    """What came is no command, and why; quotes nothing of it but a plain name."""

    def __init__(
        self,
        code: Code,
        sentence: str,
        command: str | None = None,
        tag: str | int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.error = Error(code, sentence, command, tag)
        """What its sender is told."""


def parse_command(text: str) -> Command:
    """Raises `Refused`."""
    if len(text.encode(errors="replace")) > MOST_COMMAND_BYTES:
        sentence = f"a command has at most {MOST_COMMAND_BYTES} bytes"
        raise Refused(Code.TOO_LARGE, sentence)
    fields = _object(text)
    tag = _tag(fields.get("id"))
    name = fields.get("command")
    if not isinstance(name, str):
        raise Refused(Code.INVALID_COMMAND, "command is required, and is text", tag=tag)
    kind = COMMANDS.get(name)
    if kind is None:
        raise _unknown(name, tag)
    try:
        return records.read(kind, fields)
    except Unfit as error:
        is_long = error.path == ("payload",) and "bytes" in error.verdict
        code = Code.TOO_LARGE if is_long else Code.INVALID_COMMAND
        raise Refused(code, str(error), name, tag) from None


def render_command(command: Command) -> dict[str, Any]:
    """The JSON object that `parse_command` reads back."""
    return {"command": command.command, **records.write(command)}


def _unknown(name: str, tag: str | int | None) -> Refused:
    is_plain = name.isascii() and name.isidentifier() and len(name) <= ECHOED_NAME_MAX
    shown, echoed = (f" {name}", name) if is_plain else ("", None)
    sentence = f"the command{shown} is not known"
    return Refused(Code.UNKNOWN_COMMAND, sentence, echoed, tag)


def _tag(value: Any) -> str | int | None:
    """The command's own, where it is one: a bad one is told when it is read."""
    try:
        Tag().check(value)
    except Unfit:
        return None
    tag: str | int = value
    return tag


def _object(text: str) -> Mapping[str, Any]:
    try:
        # Before it is parsed, for many empty objects take long.
        if sum(map(text.count, ",[{")) > MOST_STRUCTURE:
            raise Unfit(f"has at most {MOST_STRUCTURE} commas and brackets")
        fields = json.loads(text, parse_constant=_refuse_constant)
        check_shape(fields)
    except Unfit as error:
        raise Refused(Code.INVALID_COMMAND, f"a command {error}") from None
    except (ValueError, RecursionError):
        raise Refused(Code.INVALID_COMMAND, "a command is JSON") from None
    if not isinstance(fields, Mapping):
        raise Refused(Code.INVALID_COMMAND, "a command is a JSON object")
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
