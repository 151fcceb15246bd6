"""Opus (RFC 6716) by libopus: 16 kHz, mono, for speech, unless it is said otherwise.

The library is called as it is, so that nothing is to be compiled; a frame takes it
30 to 120 µs each way.
"""

from typing import Any

import cffi

RATE = 16_000
CLOCK_RATE = 48_000
FRAME_SAMPLES = RATE // 50
FRAME_BYTES = FRAME_SAMPLES * 2
FRAME_TICKS = CLOCK_RATE // 50
MOST_TICKS = CLOCK_RATE * 120 // 1_000
MOST_SAMPLES = RATE * 120 // 1_000
MOST_PACKET_BYTES = 1_275
"""Of one frame, section 3.4."""
BITRATE = 24_000
LEAST_BITRATE = 6_000
COMPLEXITY = 2

OK = 0
APPLICATION_VOIP = 2_048
SET_BITRATE = 4_002
SET_COMPLEXITY = 4_010
RESET_STATE = 4_028
GET_LOOKAHEAD = 4_027

CELT_ONLY_BIT = 0x80
CODE_MASK = 0x03
COUNT_MASK = 0x3F
ARBITRARY_COUNT = 3
FEC_BIT = 0x40
"""Of the first byte of a SILK frame of 20 ms, behind its one bit for voice activity:
there is a copy of the frame before (section 4.2.3)."""

DECLARATIONS = """
typedef struct OpusEncoder OpusEncoder;
typedef struct OpusDecoder OpusDecoder;
OpusEncoder *opus_encoder_create(int32_t, int, int, int *);
int opus_encoder_ctl(OpusEncoder *, int, ...);
int32_t opus_encode(OpusEncoder *, const char *, int, char *, int32_t);
void opus_encoder_destroy(OpusEncoder *);
OpusDecoder *opus_decoder_create(int32_t, int, int *);
int opus_decode(OpusDecoder *, const char *, int32_t, char *, int, int);
void opus_decoder_destroy(OpusDecoder *);
const char *opus_strerror(int);
"""


class OpusError(ValueError):
    """The library refuses: a malformed packet, or an argument it does not take."""


class OpusMissing(OSError):
    """The library cannot be loaded."""


class OpusLibrary:
    """Loaded once in a process."""

    def __init__(self, *paths: str) -> None:
        """The first path or name that can be loaded; raises `OpusMissing`."""
        self._ffi = cffi.FFI()
        self._ffi.cdef(DECLARATIONS)
        self._library = self._load(paths)

    def encoder(
        self,
        bitrate: int = BITRATE,
        complexity: int = COMPLEXITY,
        *,
        rate: int = RATE,
        channels: int = 1,
    ) -> "Encoder":
        """Raises `OpusError` for a value that there is not."""
        form = (bitrate, complexity, rate, channels)
        return Encoder(self._ffi, self._library, *form)

    def decoder(self) -> "Decoder":
        return Decoder(self._ffi, self._library)

    def _load(self, paths: tuple[str, ...]) -> Any:
        for path in paths:
            try:
                return self._ffi.dlopen(path)
            except OSError:
                continue
        raise OpusMissing("libopus is not installed")


class Encoder:
    """Frames of 20 ms to packets."""

    def __init__(
        self,
        ffi: cffi.FFI,
        library: Any,
        bitrate: int,
        complexity: int,
        rate: int = RATE,
        channels: int = 1,
    ) -> None:
        self._ffi = ffi
        self._library = library
        self._samples = rate // 50
        self._frame_bytes = 2 * channels * self._samples
        self._packet = ffi.new("char[]", MOST_PACKET_BYTES)
        self._bytes = ffi.buffer(self._packet)
        error = ffi.new("int *")
        created = library.opus_encoder_create(rate, channels, APPLICATION_VOIP, error)
        _check(ffi, library, error[0])
        self._state = ffi.gc(created, library.opus_encoder_destroy)
        self._set(SET_BITRATE, bitrate)
        self._set(SET_COMPLEXITY, complexity)

    def encode(self, frame: bytes) -> bytes:
        """Signed 16-bit samples; raises `OpusError` unless it is 20 ms."""
        if len(frame) != self._frame_bytes:
            raise OpusError(f"a frame has {self._frame_bytes} bytes")
        length = self._library.opus_encode(
            self._state, frame, self._samples, self._packet, MOST_PACKET_BYTES
        )
        _check(self._ffi, self._library, length)
        packet: bytes = self._bytes[:length]
        return packet

    @property
    def lookahead(self) -> int:
        """Samples by which what is decoded comes later."""
        told = self._ffi.new("int32_t *")
        status = self._library.opus_encoder_ctl(self._state, GET_LOOKAHEAD, told)
        _check(self._ffi, self._library, status)
        return int(told[0])

    def reset(self) -> None:
        """Forget what was encoded."""
        status = self._library.opus_encoder_ctl(self._state, RESET_STATE)
        _check(self._ffi, self._library, status)

    def close(self) -> None:
        """Give the memory back; it encodes no more."""
        state, self._state = self._state, None
        if state is not None:
            self._ffi.release(state)

    def _set(self, request: int, value: int) -> None:
        argument = self._ffi.cast("int32_t", value)
        status = self._library.opus_encoder_ctl(self._state, request, argument)
        _check(self._ffi, self._library, status)


class Decoder:
    """Packets to signed 16-bit samples; what is lost is made up."""

    def __init__(self, ffi: cffi.FFI, library: Any) -> None:
        self._ffi = ffi
        self._library = library
        self._samples = ffi.new("char[]", MOST_SAMPLES * 2)
        self._bytes = ffi.buffer(self._samples)
        error = ffi.new("int *")
        created = library.opus_decoder_create(RATE, 1, error)
        _check(ffi, library, error[0])
        self._state = ffi.gc(created, library.opus_decoder_destroy)

    def decode(self, packet: bytes) -> bytes:
        """Raises `OpusError`."""
        if not packet:
            raise OpusError("it is empty")
        return self._decode(packet, MOST_SAMPLES, 0)

    def conceal(self) -> bytes:
        """20 ms that sound as what came before."""
        return self._decode(self._ffi.NULL, FRAME_SAMPLES, 0)

    def recover(self, packet: bytes) -> bytes | None:
        """The 20 ms before a packet of 20 ms; None when it has no copy of them.

        The packet is to be decoded afterwards.
        """
        return self._decode(packet, FRAME_SAMPLES, 1) if _has_copy(packet) else None

    def close(self) -> None:
        """Give the memory back; it decodes no more."""
        state, self._state = self._state, None
        if state is not None:
            self._ffi.release(state)

    def _decode(self, packet: Any, samples: int, has_fec: int) -> bytes:
        length = 0 if packet is self._ffi.NULL else len(packet)
        count = self._library.opus_decode(
            self._state, packet, length, self._samples, samples, has_fec
        )
        _check(self._ffi, self._library, count)
        decoded: bytes = self._bytes[: count * 2]
        return decoded


def duration(packet: bytes) -> int:
    """In 1/48,000 s (section 3.1); raises `OpusError` when it is no packet."""
    if not packet:
        raise OpusError("it is empty")
    code = packet[0] & CODE_MASK
    if code == ARBITRARY_COUNT:
        count = packet[1] & COUNT_MASK if len(packet) > 1 else 0
    else:
        count = 2 if code else 1
    ticks = count * _FRAME_TICKS[packet[0] >> 3]
    if not 0 < ticks <= MOST_TICKS:
        raise OpusError("it is not of 120 ms at most")
    return ticks


def _frame_ticks(configuration: int) -> int:
    """Of one frame (section 3.1, table 2)."""
    if configuration < 12:
        return CLOCK_RATE // 1_000 * (10, 20, 40, 60)[configuration & 3]
    if configuration < 16:
        return CLOCK_RATE // 1_000 * (10, 20)[configuration & 1]
    return CLOCK_RATE // 400 << (configuration & 3)


_FRAME_TICKS = tuple(_frame_ticks(configuration) for configuration in range(32))


def _has_copy(packet: bytes) -> bool:
    """Only in packets of one SILK or hybrid frame of 20 ms, as are almost all."""
    return (
        len(packet) > 1
        and not packet[0] & (CELT_ONLY_BIT | CODE_MASK)
        and _FRAME_TICKS[packet[0] >> 3] == FRAME_TICKS
        and bool(packet[1] & FEC_BIT)
    )


def _check(ffi: cffi.FFI, library: Any, status: int) -> None:
    if status < OK:
        raise OpusError(ffi.string(library.opus_strerror(status)).decode())
