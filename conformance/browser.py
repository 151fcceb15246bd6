"""A browser's side of a WebRTC call; needs aiortc."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import AudioFrame

HEARING_SECONDS = 8.0
ENOUGH_FRAMES = 25
LOUD = 500


class Page:
    """One that sends silence and listens."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self._connection = connection
        self._tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        connection.add_listener("track", self._tracks.put_nowait)
        connection.addTrack(AudioStreamTrack())

    async def offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def take(self, sdp: str) -> None:
        answer = RTCSessionDescription(sdp, "answer")
        await self._connection.setRemoteDescription(answer)

    async def hears(self) -> bool:
        """Whether half a second of what comes is loud, before long."""
        try:
            async with asyncio.timeout(HEARING_SECONDS):
                track = await self._tracks.get()
                loud = 0
                while loud < ENOUGH_FRAMES:
                    frame = await track.recv()
                    assert isinstance(frame, AudioFrame)
                    loud += max(map(int, frame.to_ndarray().flat)) > LOUD
        except (TimeoutError, MediaStreamError):
            return False
        return True


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """Without STUN; within the block it is connected."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield Page(connection)
    finally:
        await connection.close()
