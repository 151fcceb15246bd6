"""What a media server and a session say to each other beside the audio, as text.

The server: ``clear``, ``mark`` with a name, ``start``, which asks for texts and for
nothing else. The session: ``start``, ``mark``, ``stop``, ``error``, and of its own
events ``dtmf``, ``speaking`` and ``silence``. Who never sends a text never gets one,
unless its URL asks for it with ``events=1``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.protocol.session.codec import as_text
from chalicelib.protocol.session.events import Dtmf, Event, Silence, Speaking
from chalicelib.protocol.session.options import MediaPassOption

MOST_BYTES = 16_384
MOST_NAME = 256
PASSED_ON = (Dtmf, Speaking, Silence)
"""Of the session's events, for who listens."""


class NotUnderstood(ValueError):
    """One sentence for the server."""


@dataclass(frozen=True, slots=True)
class Start:
    """The server wants to be told things."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Nothing that it has sent, and was not heard yet, is to be heard."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Tell it when all that it has sent so far was heard."""

    name: str


Said = Start | Clear | Mark


def parse(text: bytes) -> Said:
    """What the server says; raises `NotUnderstood`."""
    said = _object(text)
    event = said.get("event")
    if event == "start":
        return Start()
    if event == "clear":
        return Clear()
    if event != "mark":
        raise NotUnderstood("event must be one of start, clear and mark")
    name = said.get("name")
    if not isinstance(name, str) or len(name) > MOST_NAME:
        raise NotUnderstood(f"a mark's name has at most {MOST_NAME} characters")
    return Mark(name)


def _object(text: bytes) -> Mapping[str, Any]:
    if len(text) > MOST_BYTES:
        raise NotUnderstood(f"a text has at most {MOST_BYTES} bytes")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("a text is a JSON object") from None
    if not isinstance(said, dict):
        raise NotUnderstood("a text is a JSON object")
    return said


def wants_texts(url: str) -> bool:
    """Whether its query says ``events=1``."""
    query = url.partition("?")[2]
    return dict(parse_qsl(query)).get("events") == "1"


def start(session_id: str, option: MediaPassOption) -> str:
    told = {
        "event": "start",
        "sessionId": session_id,
        "inputSampleRate": option.input_sample_rate,
        "outputSampleRate": option.output_sample_rate,
        "packetSize": option.packet_size,
    }
    return as_text(told | ({"ptime": option.ptime} if option.ptime else {}))


def mark(name: str, *, was_cleared: bool = False) -> str:
    """All before it was heard, or dropped by a `Clear`."""
    told: dict[str, Any] = {"event": "mark", "name": name}
    return as_text(told | ({"cleared": True} if was_cleared else {}))


def error(sentence: str) -> str:
    return as_text({"event": "error", "error": sentence})


def stop() -> str:
    """The call is over; the socket is closed after it."""
    return as_text({"event": "stop"})


def is_passed_on(event: Event) -> bool:
    return isinstance(event, PASSED_ON)
