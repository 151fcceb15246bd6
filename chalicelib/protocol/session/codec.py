"""The way in and out of the protocol: text to commands, events to JSON, and back."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar, get_args

from chalicelib.protocol.session import records
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.containers import MAX_DEPTH, MAX_VALUES, check_shape
from chalicelib.protocol.session.events import Event
from chalicelib.protocol.session.fields import FRAME_MAX, TEXT_MAX
from chalicelib.protocol.session.kinds import Unfit

COMMANDS: Mapping[str, type[Command]] = {c.command: c for c in get_args(Command)}
EVENTS: Mapping[str, type[Event]] = {e.event: e for e in get_args(Event)}

MAX_COMMAND_BYTES = FRAME_MAX
ECHOED_NAME_MAX = 32
STRUCTURE = ",[{"
MAX_STRUCTURE = MAX_VALUES + TEXT_MAX
"""As many values as there may be, and a text that is nothing but commas."""

T = TypeVar("T")


class Malformed(ValueError):
    """A message that cannot be understood.

    Malformed
    ├── MalformedCommand    the application's fault: told to it, the session goes on
    └── MalformedEvent      the worker's fault, as its clients see it

    The sentence quotes nothing of the message but a plain name of a command.
    """

    def __init__(
        self, sentence: str, name: str | None = None, field: str | None = None
    ) -> None:
        self.name = name
        """Of the command or the event, if it is known."""
        self.field = field
        """The path of the field that is wrong, if it is one."""
        super().__init__(f"{name}: {sentence}" if name else sentence)


class MalformedCommand(Malformed):
    """What was received is no command."""


class MalformedEvent(Malformed):
    """What was received is no event."""


def parse_command(text: str | bytes) -> Command:
    """The command in a text frame; fields that it does not know are ignored.

    Raises `MalformedCommand`.
    """
    fields = _json(text)
    kind = _kind(fields, "command", COMMANDS, MalformedCommand)
    try:
        return records.read(kind, fields)
    except Unfit as error:
        raise MalformedCommand(str(error), kind.command, _path(error)) from None


def render_command(command: Command) -> dict[str, Any]:
    """The JSON object that `parse_command` reads back."""
    return {"command": command.command, **records.write(command)}


def parse_event(value: Mapping[str, Any]) -> Event:
    """The event that a JSON object stands for; raises `MalformedEvent`."""
    kind = _kind(value, "event", EVENTS, MalformedEvent)
    try:
        return records.read(kind, value)
    except Unfit as error:
        raise MalformedEvent(str(error), kind.event, _path(error)) from None


def render_event(event: Event) -> dict[str, Any]:
    """The JSON object that `parse_event` reads back."""
    return {"event": event.event, **records.write(event)}


def redacted(message: Command | Event) -> dict[str, Any]:
    """As it is rendered, without secrets, session descriptions and raw audio."""
    if isinstance(message, Command):
        return {"command": message.command, **records.redact(message)}
    return {"event": message.event, **records.redact(message)}


def as_text(fields: Mapping[str, Any]) -> str:
    """A JSON object as a text frame."""
    return json.dumps(
        fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _json(text: str | bytes) -> Any:
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="replace"))
    if size > MAX_COMMAND_BYTES:
        raise MalformedCommand(f"a command has at most {MAX_COMMAND_BYTES} bytes")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        # Before it is parsed, for a megabyte of empty objects takes 30 ms.
        if sum(map(text.count, STRUCTURE)) > MAX_STRUCTURE:
            raise Unfit(f"must have at most {MAX_STRUCTURE} of {STRUCTURE}")
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
        check_shape(value)
    except UnicodeDecodeError:
        raise MalformedCommand("a command is UTF-8 text") from None
    except json.JSONDecodeError as error:
        sentence = f"a command is JSON, which this is not from character {error.pos}"
        raise MalformedCommand(sentence) from None
    except RecursionError:
        sentence = f"a command must be nested at most {MAX_DEPTH} deep"
        raise MalformedCommand(sentence) from None
    except Unfit as error:
        raise MalformedCommand(f"a command {error}") from None
    except ValueError:
        raise MalformedCommand("a command has numbers of ordinary length") from None
    return value


def _refused(constant: str) -> NoReturn:
    raise Unfit("must hold finite numbers only")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refused(digits)


def _kind(
    fields: Any,
    tag: str,
    kinds: Mapping[str, T],
    malformed: type[Malformed],
) -> T:
    if not isinstance(fields, Mapping):
        raise malformed(f"the {tag} must stand in a JSON object")
    name = fields.get(tag)
    if not isinstance(name, str):
        raise malformed(f"{tag} is required, and is a string", field=tag)
    if name not in kinds:
        is_plain = name.isascii() and name.isidentifier()
        shown = f" {name}" if is_plain and len(name) <= ECHOED_NAME_MAX else ""
        raise malformed(f"the {tag}{shown} is not known", field=tag)
    return kinds[name]


def _path(error: Unfit) -> str:
    return ".".join(error.path)
