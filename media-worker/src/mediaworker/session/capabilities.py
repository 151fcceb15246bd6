"""What each type of call can do: one place, that grows with what is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session import commands
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.records import entries_of
from chalicelib.protocol.session.vocabulary import CallType, Codec

EVERYWHERE: frozenset[type[Command]] = frozenset(
    {
        commands.Invite,
        commands.Accept,
        commands.Reject,
        commands.Ring,
        commands.Tts,
        commands.Play,
        commands.Interrupt,
        commands.Pause,
        commands.Resume,
        commands.Hangup,
        commands.Mute,
        commands.Unmute,
        commands.History,
        commands.Custom,
    }
)

FEATURES = (
    "recorder",
    "denoise",
    "agc",
    "media_pass",
    "ambiance",
    "eou",
    "realtime",
    "subscribe",
    "ringback_detection",
)
"""Attributes of `CallOption` that ask for something that may not be built.

Hearing and speaking are not among them: `plan` looks at who is to do it.
"""

PROVIDERS = frozenset({"embedded"})
"""Of speech, in both directions, in lower case."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one type of call can do."""

    rates: Mapping[Codec, int]
    """The codecs that it speaks, and their samples a second."""
    commands: frozenset[type[Command]] = EVERYWHERE
    features: frozenset[str] = frozenset()


CAPABILITIES: Mapping[CallType, Capabilities] = {
    CallType.WEBSOCKET: Capabilities({Codec.PCMU: 8_000, Codec.PCM: 16_000}),
    CallType.WEBRTC: Capabilities({}),
    CallType.SIP: Capabilities({}),
}


def features_asked(option: CallOption) -> dict[str, str]:
    """The features that the option asks for, and their names on the wire."""
    return {
        entry.attribute: entry.keys[0]
        for entry in entries_of(CallOption)
        if entry.attribute in FEATURES and _is_asked(getattr(option, entry.attribute))
    }


def _is_asked(value: Any) -> bool:
    is_given = value is not None and value is not False
    return is_given and getattr(value, "enabled", None) is not False
