"""A file into samples, while it is still being downloaded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mediaworker.audio.containers import Beginning, Container, UnknownContainer
from mediaworker.audio.wav import Event as WavEvent
from mediaworker.audio.wav import (
    ForeignEncoding,
    Format,
    MalformedWav,
    WavReader,
)
from mediaworker.speech.decoding.child import Children
from mediaworker.speech.decoding.pieces import Piece, unplayable


class Files:
    """Lives on the loop."""

    def __init__(self, children: Children) -> None:
        self._children = children

    @asynccontextmanager
    async def decoding(
        self, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        """Pieces as the file comes; raises `Failure`, as do they."""
        container, head = await _recognise(chunks)
        whole = _joined(head, chunks)
        if container is Container.WAV:
            wav = Wav()
            if await wav.begin(whole):
                yield wav.pieces(whole)
                return
            whole = _joined(wav.head, whole)
        async with self._children.decoding(container, whole) as pieces:
            yield pieces


class Wav:
    """One that is decoded here."""

    def __init__(self) -> None:
        self._reader = WavReader()
        self._events: list[WavEvent] = []
        self._head = bytearray()

    @property
    def head(self) -> bytes:
        """All that was read of a file that is to be decoded elsewhere."""
        return bytes(self._head)

    async def begin(self, chunks: AsyncIterator[bytes]) -> bool:
        """False for an encoding that is none of ours; raises `Failure`."""
        try:
            async for chunk in chunks:
                self._head += chunk
                self._events += self._reader.feed(chunk)
                if self._events:
                    break
            else:
                self._reader.finish()
        except ForeignEncoding:
            return False
        except MalformedWav as why:
            raise unplayable(why) from None
        self._head.clear()
        return True

    async def pieces(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Piece]:
        """After `begin` has said that it is ours."""
        first, *events = self._events
        assert isinstance(first, Format)
        try:
            for event in events:
                yield _piece(first, event)
            async for chunk in chunks:
                for event in self._reader.feed(chunk):
                    yield _piece(first, event)
            self._reader.finish()
        except MalformedWav as why:
            raise unplayable(why) from None


def _piece(format: Format, event: WavEvent) -> Piece:
    assert not isinstance(event, Format)
    return Piece(format.rate, event)


async def _recognise(chunks: AsyncIterator[bytes]) -> tuple[Container, bytes]:
    beginning = Beginning()
    try:
        async for chunk in chunks:
            found = beginning.feed(chunk)
            if found is not None:
                return found
        return beginning.finish()
    except UnknownContainer as why:
        raise unplayable(why) from None


async def _joined(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk
