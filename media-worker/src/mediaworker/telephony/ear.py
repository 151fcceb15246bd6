"""What the engine takes a phone's audio from."""

from collections.abc import Callable

from mediaworker.rtp.stream import MediaStream


class Ear:
    """One source, whatever stream is behind it."""

    __slots__ = ("_read", "_stream")

    def __init__(self, stream: MediaStream, read: Callable[[], None]) -> None:
        """``read`` brings the stream what has come."""
        self._stream = stream
        self._read = read

    def follow(self, stream: MediaStream) -> None:
        self._stream = stream

    @property
    def is_silent(self) -> bool:
        return self._stream.is_silent

    def take(self) -> bytes | None:
        self._read()
        return self._stream.take()

    def take_more(self) -> bytes | None:
        return self._stream.take_more()
