"""What all browsers' legs of a worker have in common."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import Coder
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.webrtc.gate import Gate
from mediaworker.webrtc.gathering import Servers
from mediaworker.webrtc.stack import Certificate


@dataclass(frozen=True, slots=True)
class WebRtcRules:
    """What an operator may set."""

    public_address: str | None = None
    """Of a 1:1 NAT before the worker."""
    connect_seconds: float = 20.0
    """How long ICE and DTLS may take, from the answer on."""
    media_timeout_seconds: float = 30.0
    """How long a browser may send nothing."""


@dataclass(frozen=True, slots=True)
class Share:
    """Made once."""

    rules: WebRtcRules
    certificate: Certificate
    gate: Gate
    servers: Callable[[], Servers]
    addresses: Callable[[bool], list[str]]
    """Of this machine, by which it may be reached; with those of IPv6, or without."""
    codecs: tuple[Codec, ...]
    """Those that there is a coder of."""
    coder_of: Callable[[Terms], Coder]
    clock: Callable[[], float]
    epoch_ms: Callable[[], int]
    public_address: Callable[[], str | None]
    """Of a 1:1 NAT before the worker, as far as it is known."""
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    """With an owner; raises `RuntimeError` where there is none."""
