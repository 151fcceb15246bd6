"""A coder for each codec: payloads of RTP to frames of the engine's wire, and back."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio import g711, g722, opus
from mediaworker.audio.arrays import Octets, Samples
from mediaworker.audio.concealment import Concealer

MOST_MS = 120
"""Of audio in a packet."""
OCTETS_A_MS = 8
"""Of G.711, and of G.722."""
G711_RATE = 8_000
G711_FRAME_BYTES = G711_RATE // 50
OPUS_SILENCE = b"\xf8\xff\xfe"
"""A frame of 20 ms without the SILK layer, in which CELT codes nothing."""


class MalformedPayload(ValueError):
    """It is no payload of the codec, or one longer than 120 ms."""


class Coder(Protocol):
    """One call's, both ways; a frame is 20 ms on the wire."""

    codec: Codec
    rate: int
    """Of the wire's samples."""
    clock_rate: int
    """Of RTP: 8,000 for G.722 too (RFC 3551 section 4.5.2), 48,000 for Opus."""
    frame_bytes: int
    silence: bytes
    """A frame that nothing is heard in."""
    silent_payload: bytes
    """20 ms of silence, whatever was sent before."""

    def duration(self, payload: bytes) -> int:
        """In units of RTP's clock, at most 120 ms; raises `MalformedPayload`."""

    def decode(self, payload: bytes) -> bytes:
        """As much as it carries, be it less than a frame; raises `MalformedPayload`."""

    def conceal(self) -> bytes:
        """A frame in place of one that was lost; the next `decode` joins it."""

    def recover(self, next_payload: bytes) -> bytes | None:
        """The lost frame before a payload, by its forward error correction."""

    def encode(self, frame: bytes) -> bytes:
        """Of exactly one frame; raises `ValueError` otherwise."""

    def restart(self) -> None:
        """The next frame to be encoded follows silent payloads."""

    def close(self) -> None:
        """Give the memory back; nothing else may be called then, but this again."""


class G711Coder:
    """µ-law or A-law, which the engine decodes: payloads are frames as they are."""

    rate = clock_rate = G711_RATE
    frame_bytes = G711_FRAME_BYTES

    def __init__(self, codec: Codec) -> None:
        """Either `Codec.PCMU` or `Codec.PCMA`."""
        law = MU_LAW if codec is Codec.PCMU else A_LAW
        self.codec = codec
        self.silence = law.encode(np.zeros(self.frame_bytes, np.int16))
        self.silent_payload = self.silence
        self._concealer = Concealer(self.rate, law)
        self.conceal = self._concealer.conceal

    def duration(self, payload: bytes) -> int:
        return _octets(payload)

    def decode(self, payload: bytes) -> bytes:
        _octets(payload)
        return self._concealer.hear(payload)

    def recover(self, next_payload: bytes) -> bytes | None:
        return None

    def encode(self, frame: bytes) -> bytes:
        _check_frame(frame, G711_FRAME_BYTES)
        return frame

    def restart(self) -> None:
        pass

    def close(self) -> None:
        pass


class G722Coder:
    """64 kbit/s."""

    codec = Codec.G722
    rate = g722.RATE
    clock_rate = G711_RATE
    frame_bytes = g722.FRAME_BYTES
    silence = bytes(g722.FRAME_BYTES)
    silent_payload = g722.SILENT_OCTET * (20 * OCTETS_A_MS)

    def __init__(self) -> None:
        self._encoder = g722.Encoder()
        self._decoder = g722.Decoder()
        self._concealer = Concealer(self.rate, LINEAR)
        self.conceal = self._concealer.conceal
        self.restart = self._encoder.reset

    def duration(self, payload: bytes) -> int:
        return _octets(payload)

    def decode(self, payload: bytes) -> bytes:
        _octets(payload)
        return self._concealer.hear(self._decoder.decode(payload))

    def recover(self, next_payload: bytes) -> bytes | None:
        return None

    def encode(self, frame: bytes) -> bytes:
        _check_frame(frame, g722.FRAME_BYTES)
        return self._encoder.encode(frame)

    def close(self) -> None:
        pass


class OpusCoder:
    """16 kHz and mono, whatever the far end does."""

    codec = Codec.OPUS
    rate = opus.RATE
    clock_rate = opus.CLOCK_RATE
    frame_bytes = opus.FRAME_BYTES
    silence = bytes(opus.FRAME_BYTES)
    silent_payload = OPUS_SILENCE

    def __init__(
        self,
        library: opus.OpusLibrary,
        bitrate: int = opus.BITRATE,
        complexity: int = opus.COMPLEXITY,
    ) -> None:
        self._encoder = library.encoder(bitrate, complexity)
        self._decoder = library.decoder()
        self.conceal = self._decoder.conceal
        self.encode = self._encoder.encode
        self.restart = self._encoder.reset

    def duration(self, payload: bytes) -> int:
        try:
            return opus.duration(payload)
        except opus.OpusError as error:
            raise MalformedPayload(str(error)) from error

    def decode(self, payload: bytes) -> bytes:
        try:
            return self._decoder.decode(payload)
        except opus.OpusError as error:
            raise MalformedPayload(str(error)) from error

    def recover(self, next_payload: bytes) -> bytes | None:
        try:
            return self._decoder.recover(next_payload)
        except opus.OpusError:
            return None

    def close(self) -> None:
        self._encoder.close()
        self._decoder.close()


def coder_of(
    codec: Codec,
    library: opus.OpusLibrary | None = None,
    *,
    bitrate: int | None = None,
    complexity: int = opus.COMPLEXITY,
) -> Coder:
    """A new one; raises `ValueError` for a codec that RTP does not carry here.

    Opus needs its library; the bitrate (the most that the far end wants) and the
    complexity (0 to 10) are Opus's.
    """
    if codec in (Codec.PCMU, Codec.PCMA):
        return G711Coder(codec)
    if codec is Codec.G722:
        return G722Coder()
    if codec is not Codec.OPUS or library is None:
        raise ValueError(f"there is no coder of {codec}")
    most = opus.BITRATE if bitrate is None else min(bitrate, opus.BITRATE)
    return OpusCoder(library, max(most, opus.LEAST_BITRATE), complexity)


class _Tables:
    """A law of G.711."""

    def __init__(
        self, decode: Callable[[Octets], Samples], encode: Callable[[Samples], Octets]
    ) -> None:
        self._decode = decode
        self._encode = encode

    def decode(self, octets: bytes) -> Samples:
        return self._decode(np.frombuffer(octets, np.uint8))

    def encode(self, samples: Samples) -> bytes:
        return self._encode(samples).tobytes()


class _Linear:
    """Signed 16-bit samples as they are."""

    def decode(self, octets: bytes) -> Samples:
        return np.frombuffer(octets, np.int16)

    def encode(self, samples: Samples) -> bytes:
        return samples.tobytes()


MU_LAW = _Tables(g711.decode, g711.encode)
A_LAW = _Tables(g711.decode_a_law, g711.encode_a_law)
LINEAR = _Linear()


def _octets(payload: bytes) -> int:
    """How many there are, which is how long it lasts."""
    count = len(payload)
    if not 0 < count <= MOST_MS * OCTETS_A_MS:
        raise MalformedPayload("it is not of 120 ms at most")
    return count


def _check_frame(frame: bytes, size: int) -> None:
    if len(frame) != size:
        raise ValueError(f"a frame has {size} bytes")
