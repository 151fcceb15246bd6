"""Files that are played: known by their beginning, and read or refused as WAV."""

from mediaworker.audio.containers import Beginning, Container, UnknownContainer
from mediaworker.audio.wav import Format, MalformedWav, WavReader
from mediaworker.speech.freshness import MOST_SECONDS, Version

PIECES = (1, 7, 1 << 20)
"""Bytes in which a file may come."""


def one_input(data: bytes) -> None:
    """However it is cut, it is the same file."""
    kinds = [_kind(data, size) for size in PIECES]
    assert kinds[1:] == kinds[:-1], kinds
    if kinds[0] is not None and kinds[0][0] is Container.WAV:
        sounds = [_sound(data, size) for size in PIECES]
        assert sounds[1:] == sounds[:-1]
    _header(data)


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _kind(data: bytes, size: int) -> tuple[Container, int] | None:
    """And how much of the file is left for its decoder."""
    beginning = Beginning()
    given = 0
    try:
        for piece in _pieces(data, size):
            given += len(piece)
            found = beginning.feed(piece)
            if found is not None:
                return found[0], len(found[1]) + len(data) - given
        kind, held = beginning.finish()
    except UnknownContainer as refusal:
        assert len(str(refusal)) < 100
        return None
    return kind, len(held)


def _sound(data: bytes, size: int) -> tuple[Format | None, bytes, str]:
    reader = WavReader()
    found: Format | None = None
    sound = b""
    try:
        for piece in _pieces(data, size):
            for event in reader.feed(piece):
                if isinstance(event, Format):
                    found = event
                else:
                    sound += event.tobytes()
        reader.finish()
    except MalformedWav as refusal:
        assert len(str(refusal)) < 200 and not sound
        return None, sound, str(refusal)
    return found, sound, ""


def _header(data: bytes) -> None:
    """What a server says of keeping its file."""
    text = data.decode("latin-1")
    version = Version.of({"Cache-Control": text, "ETag": text, "Age": text})
    assert version.fresh_seconds is None or 0 <= version.fresh_seconds <= MOST_SECONDS
    assert all(value.isprintable() for value in version.question().values())
