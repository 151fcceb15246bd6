"""How each codec of a WebSocket call is carried over the application's socket.

What has no state goes through the tick in the codec, all sessions at once. What has is
made samples of when its slot comes, so that a flood of it costs no more than its slots,
and is encoded as it leaves.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import Coder, MalformedPayload, coder_of
from mediaworker.audio.opus import CLOCK_RATE, OpusLibrary
from mediaworker.runtime.inbound import (
    FRAMES_A_SECOND,
    MOST_SECONDS,
    Inbound,
    Octets,
    Store,
)
from mediaworker.runtime.wires import WIRES, Wire

FRAME_TICKS = CLOCK_RATE // FRAMES_A_SECOND
MOST_TICKS = MOST_SECONDS * CLOCK_RATE
MOST_PACKET_OCTETS = 262_144
"""Of packets that wait: ten seconds at 200 kbit/s."""
MOST_FLAWS = 8
"""Malformed packets that are passed over in one slot."""
ODD = "a binary frame of pcm has an odd number of bytes"

Flawed = Callable[[str], None]
"""Is told what is wrong with what the application sends."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One session's, both ways."""

    wire: Wire
    """As the audio goes through the tick."""
    source: Inbound
    coder: Coder | None = None
    """None: frames stand on the socket as on the wire."""

    def encode(self, frame: bytes) -> bytes:
        """A frame of the wire, as it is sent."""
        return frame if self.coder is None else self.coder.encode(frame)

    def close(self) -> None:
        """Give the coder's memory back. Again: nothing."""
        if self.coder is not None:
            self.coder.close()


class Carriers:
    """Makes them."""

    def __init__(self, opus: OpusLibrary | None = None) -> None:
        self._opus = opus

    @property
    def codecs(self) -> frozenset[Codec]:
        """Those that it has all for that they need."""
        return frozenset(Codec) - ({Codec.OPUS} if self._opus is None else set())

    def make(self, codec: Codec, flawed: Flawed) -> Carrier:
        """Of one of these."""
        wire = WIRES.get(codec)
        if wire is None:
            return self._coded(codec, flawed)
        store = Halves(wire.frame_bytes, flawed) if codec is Codec.PCM else None
        return Carrier(wire, Inbound(wire.silence, store))

    def _coded(self, codec: Codec, flawed: Flawed) -> Carrier:
        coder, wire = coder_of(codec, self._opus), WIRES[Codec.PCM]
        store: Store = (
            Packets(coder, flawed) if codec is Codec.OPUS else CodedOctets(coder)
        )
        return Carrier(wire, Inbound(wire.silence, store), coder)


class Halves(Octets):
    """Samples of two octets, some of which may come cut in two.

    The half of an odd piece waits for the next odd piece; an even one begins with a
    sample, and what waited then is dropped.
    """

    def __init__(self, size: int, flawed: Flawed) -> None:
        super().__init__(size)
        self._flawed = flawed
        self._half = b""

    def put(self, payload: bytes) -> int:
        half, self._half = self._half, b""
        if len(payload) % 2:
            self._flawed(ODD)
            if half:
                payload = half + payload
            else:
                payload, self._half = payload[:-1], payload[-1:]
        return super().put(payload)


class CodedOctets(Octets):
    """Octets of a codec in which so many always are a frame."""

    def __init__(self, coder: Coder) -> None:
        super().__init__(len(coder.silent_payload))
        self._coder = coder

    def pop(self) -> bytes | None:
        payload = super().pop()
        return None if payload is None else self._coder.decode(payload)


class Packets:
    """Packets of a codec, each of its own length and duration."""

    def __init__(self, coder: Coder, flawed: Flawed) -> None:
        self._coder = coder
        self._flawed = flawed
        self._waiting: deque[tuple[bytes, int]] = deque()
        """With how long each lasts, in ticks of the codec's clock."""
        self._ticks = 0
        self._octets = 0
        self._decoded = bytearray()

    @property
    def frames(self) -> int:
        samples = len(self._decoded) // 2
        ticks = samples * (self._coder.clock_rate // self._coder.rate)
        return (self._ticks + ticks) // FRAME_TICKS

    def put(self, payload: bytes) -> int:
        try:
            ticks = self._coder.duration(payload)
        except MalformedPayload as error:
            self._flawed(_sentence(error))
            return 0
        self._waiting.append((payload, ticks))
        self._ticks += ticks
        self._octets += len(payload)
        dropped = 0
        while self._ticks > MOST_TICKS or self._octets > MOST_PACKET_OCTETS:
            dropped += self._next()[1]
        return -(-dropped // FRAME_TICKS)

    def pop(self) -> bytes | None:
        size, flaws = self._coder.frame_bytes, 0
        while len(self._decoded) < size and self._waiting and flaws < MOST_FLAWS:
            try:
                self._decoded += self._coder.decode(self._next()[0])
            except MalformedPayload as error:
                flaws += 1
                self._flawed(_sentence(error))
        if len(self._decoded) < size:
            return None
        frame = bytes(self._decoded[:size])
        del self._decoded[:size]
        return frame

    def _next(self) -> tuple[bytes, int]:
        payload, ticks = self._waiting.popleft()
        self._ticks -= ticks
        self._octets -= len(payload)
        return payload, ticks


def _sentence(error: MalformedPayload) -> str:
    return f"a binary frame is no packet of opus: {error}"
