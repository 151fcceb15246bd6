"""What each type of call can do: one place, that grows with what is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session import commands
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.records import entries_of
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session import legs
from mediaworker.session.legs import LegEvent

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
        commands.Bridge,
        commands.Unbridge,
        commands.Message,
    }
)

RATES: Mapping[Codec, int] = {
    Codec.PCMU: 8_000,
    Codec.PCMA: 8_000,
    Codec.G722: 16_000,
    Codec.PCM: 16_000,
    Codec.OPUS: 16_000,
}
"""The samples a second that a session hears and plays, by what it is carried in."""

BY_ANY_LEG: frozenset[type[LegEvent]] = frozenset(
    {
        legs.MediaAgreed,
        legs.Answered,
        legs.MediaArrived,
        legs.KeyPressed,
        legs.LegTrouble,
        legs.Declined,
        legs.LegEnded,
        legs.LegLost,
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

BUILT = frozenset({"agc", "denoise", "eou", "media_pass", "recorder"})
"""Those that every type of call has."""

SHOWN = BUILT | {"subscribe"}
"""Those of calls whose audio does not go over the application's socket anyway."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one type of call can do."""

    rates: Mapping[Codec, int]
    """The codecs that it speaks, and their samples a second."""
    commands: frozenset[type[Command]] = EVERYWHERE
    features: frozenset[str] = BUILT
    leg_events: frozenset[type[LegEvent]] = frozenset()
    """What its leg may tell; nothing where there is none."""

    @property
    def has_leg(self) -> bool:
        """Whether anything but the application's socket carries its audio."""
        return bool(self.leg_events)


def _rates(*codecs: Codec) -> dict[Codec, int]:
    return {codec: RATES[codec] for codec in codecs}


NEGOTIATED = _rates(Codec.OPUS, Codec.G722, Codec.PCMU, Codec.PCMA)
"""What SDP may agree upon."""

CAPABILITIES: Mapping[CallType, Capabilities] = {
    CallType.WEBSOCKET: Capabilities(RATES),
    CallType.WEBRTC: Capabilities(
        NEGOTIATED,
        EVERYWHERE | {commands.AddIceCandidate, commands.SendDigits},
        SHOWN,
        leg_events=BY_ANY_LEG | {legs.CandidateGathered},
    ),
    CallType.SIP: Capabilities(
        NEGOTIATED,
        EVERYWHERE | {commands.SendDigits},
        SHOWN,
        leg_events=BY_ANY_LEG | {legs.CallCame, legs.Rang, legs.HoldChanged},
    ),
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
