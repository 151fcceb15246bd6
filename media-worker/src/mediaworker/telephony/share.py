"""What all phones' legs of a worker have in common."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import Coder
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.telephony.exchange import Exchange
from mediaworker.telephony.outbound import Outbound
from mediaworker.telephony.records import CallRecord
from mediaworker.telephony.rtp_ports import RtpPorts


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """What an operator may set."""

    ring_seconds: float = 30.0
    """How long a call may wait for an application, or for whom we call."""
    media_timeout_seconds: float = 30.0
    """How long a phone may send nothing, unless the call is on hold."""


@dataclass(slots=True)
class Place:
    """By which addresses phones reach us; it may change."""

    host: str
    """Of SIP."""
    media_host: str
    """Of RTP."""


@dataclass(frozen=True, slots=True)
class Share:
    """Made once."""

    rules: PhoneRules
    exchange: Exchange
    ports: RtpPorts
    outbound: Outbound
    place: Place
    codecs: tuple[Codec, ...]
    coder_of: Callable[[Terms], Coder]
    clock: Callable[[], float]
    epoch_ms: Callable[[], int]
    epoch_seconds: Callable[[], float]
    draw: Callable[[], int]
    """32 bits that nobody foresees."""
    unique: Callable[[], str]
    record: Callable[[CallRecord], None]
    resolve: Callable[[str], Coroutine[Any, Any, str]]
    """An address of a name; raises `OSError`."""
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    """With an owner; raises `RuntimeError` where there is none."""
