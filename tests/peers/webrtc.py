"""A browser, as far as a call needs one: aiortc's, with a tone for a voice."""

import asyncio
import fractions
import math
import struct
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame
from numpy.typing import NDArray

RATE = 48_000
FRAME = RATE // 50
KEYS = "0123456789*#ABCD"
KEYS_TYPE = 126
KEYS_CODEC = RTCRtpCodecParameters(
    mimeType="audio/telephone-event",
    clockRate=8_000,
    channels=1,
    payloadType=KEYS_TYPE,
)
if KEYS_CODEC not in CODECS["audio"]:
    # aiortc knows no digits; what comes of them is taken below its receivers.
    CODECS["audio"].append(KEYS_CODEC)

Tone = NDArray[np.float64]
Samples = NDArray[np.int16]


class Voice(MediaStreamTrack):
    """A sine, or a recording and then silence, in frames of 20 ms."""

    kind = "audio"

    def __init__(self, hertz: float, recording: Samples | None) -> None:
        """The recording is of 48 kHz."""
        super().__init__()
        self._hertz = hertz
        self._recording = recording
        self._at = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = loop.time() if self._began is None else self._began
        await asyncio.sleep(max(0.0, self._began + self._at / RATE - loop.time()))
        frame = AudioFrame.from_ndarray(
            self._samples().reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = RATE, self._at
        frame.time_base = fractions.Fraction(1, RATE)
        self._at += FRAME
        return frame

    def _samples(self) -> Samples:
        if self._recording is not None:
            said = self._recording[self._at : self._at + FRAME]
            return np.concatenate((said, np.zeros(FRAME - len(said), np.int16)))
        times = np.arange(self._at, self._at + FRAME) / RATE
        return (8_000 * np.sin(2 * np.pi * self._hertz * times)).astype(np.int16)


class BrowserPeer:
    """One call's browser. Made within a running loop, and closed there."""

    def __init__(
        self,
        codecs: Iterable[str] = ("opus",),
        *,
        hertz: float = 440.0,
        recording: Samples | None = None,
        has_keys: bool = True,
        is_sending: bool = True,
        ice_servers: Iterable[RTCIceServer] = (),
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=list(ice_servers)))
        self.track = Voice(hertz, recording)
        self.pressed: list[str] = []
        """Digits that were sent to it."""
        self.rtcp: list[bytes] = []
        """All that came, in the clear."""
        self._heard: list[Tone] = []
        self._recorder: asyncio.Task[None] | None = None
        self._transceiver = self.pc.addTransceiver(self.track)
        names = [*codecs, "telephone-event"] if has_keys else list(codecs)
        self._transceiver.setCodecPreferences([_capability(name) for name in names])
        if not is_sending:
            self.stop_sending()
        self.pc.on("track", self._record)
        self._event_at: int | None = None
        self._events: deque[tuple[bool, bytes] | None] = deque()
        """Telephone-events that wait, and the packets of audio between them."""
        self._event_began = b""
        self._has_sent = asyncio.Event()
        self._new = asyncio.Event()
        self._connected = asyncio.Event()
        self.closed = asyncio.Event()
        """By the worker, or ourselves."""
        self.pc.on("connectionstatechange", self._look)

    async def offer(self) -> str:
        """Whole, with all of its candidates."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        self._intercept()
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def add(self, candidate: str) -> None:
        """One of the worker's, told apart; an empty one ends them."""
        if not candidate:
            await self.pc.addIceCandidate(None)
            return
        parsed = candidate_from_sdp(candidate.removeprefix("candidate:"))
        parsed.sdpMid, parsed.sdpMLineIndex = "0", 0
        await self.pc.addIceCandidate(parsed)

    async def connected(self, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            await self._connected.wait()

    async def press(self, digits: str, ms: int = 100) -> None:
        """RFC 4733, as a browser sends it: in place of its audio, the end three times;
        until it was sent."""
        for digit in digits:
            lengths = [20 * n * 8 for n in range(1, ms // 20 + 1)]
            for length in lengths + lengths[-1:] * 2:
                is_first = length == lengths[0]
                flags = 0x8A if length == lengths[-1] else 0x0A
                event = struct.pack("!BBH", KEYS.index(digit), flags, length)
                self._events.append((is_first, event))
            self._events += [None] * 3
        while self._events:
            self._has_sent.clear()
            await self._has_sent.wait()

    def forget(self) -> None:
        """What was heard so far."""
        self._heard.clear()

    def heard(self) -> Tone:
        """Since it was last forgotten, at 48 kHz, from -1 to 1."""
        return np.concatenate(self._heard) if self._heard else np.zeros(0)

    async def hear(self, seconds: float, patience: float = 10.0) -> Tone:
        """The next so many."""
        self.forget()
        async with asyncio.timeout(patience):
            for _ in range(math.ceil(seconds * 50)):
                self._new.clear()
                await self._new.wait()
        return self.heard()

    def fall_silent(self) -> None:
        """Without a word: it takes nothing more, and sends nothing."""
        connection: Any = self._transceiver.sender.transport.transport._connection
        for protocol in connection._protocols:
            protocol.datagram_received = lambda data, addr: None
            protocol.transport = _Mute(protocol.transport)

    def stop_sending(self) -> None:
        """It stays, without audio."""
        self._transceiver.sender.replaceTrack(None)

    def begin_sending(self) -> None:
        self._transceiver.sender.replaceTrack(self.track)

    async def close(self) -> None:
        if self._recorder is not None:
            self._recorder.cancel()
        self.track.stop()
        await self.pc.close()

    def _look(self) -> None:
        if self.pc.connectionState == "connected":
            self._connected.set()
        elif self.pc.connectionState in ("closed", "failed"):
            self.closed.set()

    def _record(self, track: MediaStreamTrack) -> None:
        async def record() -> None:
            while True:
                frame: Any = await track.recv()
                samples = frame.to_ndarray().reshape(-1)
                if frame.layout.name == "stereo":
                    samples = samples[::2]
                step = RATE // frame.sample_rate
                self._heard.append(np.repeat(samples, step) / 32_768)
                self._new.set()

        self._recorder = asyncio.ensure_future(record())

    def _intercept(self) -> None:
        """Digits have no decoder, and RTCP is kept."""
        dtls: Any = self._transceiver.receiver.transport
        handle_rtp, handle_rtcp = dtls._handle_rtp_data, dtls._handle_rtcp_data
        send_rtp = dtls._send_rtp

        async def send(data: bytes) -> None:
            await send_rtp(self._with_event(data))

        async def rtp(data: bytes, arrival_time_ms: int) -> None:
            if data[1] & 0x7F == KEYS_TYPE:
                self._take_key(data)
            else:
                await handle_rtp(data, arrival_time_ms)

        async def rtcp(data: bytes) -> None:
            self.rtcp.append(data)
            await handle_rtcp(data)

        dtls._handle_rtp_data, dtls._handle_rtcp_data = rtp, rtcp
        dtls._send_rtp = send

    def _with_event(self, data: bytes) -> bytes:
        """A packet of audio, or an event in its place."""
        is_rtcp = 192 <= data[1] <= 223
        if is_rtcp or not self._events:
            return data
        self._has_sent.set()
        event = self._events.popleft()
        if event is None:
            return data
        is_first, payload = event
        if is_first:
            self._event_began = data[4:8]
        head = 12 + 4 * (data[0] & 15)
        if data[0] & 16:
            head += 4 + 4 * int.from_bytes(data[head + 2 : head + 4], "big")
        kind = bytes([KEYS_TYPE | is_first << 7])
        return b"".join(
            (data[:1], kind, data[2:4], self._event_began, data[8:head], payload)
        )

    def _take_key(self, data: bytes) -> None:
        timestamp = int.from_bytes(data[4:8], "big")
        if timestamp != self._event_at:
            self._event_at = timestamp
            self.pressed.append(KEYS[data[12 + 4 * (data[0] & 15)]])


class _Mute:
    """A transport that nothing leaves."""

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self.close = transport.close
        self.get_extra_info = transport.get_extra_info

    def sendto(self, data: bytes, addr: object) -> None:
        """Nothing."""


def pitch(heard: Tone) -> tuple[float, float]:
    """The loudest frequency, and its share of all power."""
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    spectrum[: int(50 * len(heard) / RATE)] = 0
    peak = int(np.argmax(spectrum))
    near = spectrum[max(0, peak - 8) : peak + 9].sum()
    return peak * RATE / len(heard), float(near / max(spectrum.sum(), 1e-12))


def _capability(name: str) -> RTCRtpCodecCapability:
    known: Any = RTCRtpSender.getCapabilities("audio")
    for codec in known.codecs:
        if codec.mimeType.lower() == f"audio/{name}".lower():
            return cast(RTCRtpCodecCapability, codec)
    raise KeyError(name)
