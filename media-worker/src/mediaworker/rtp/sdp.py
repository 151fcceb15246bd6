"""Session descriptions (RFC 8866): text to values, and back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_BYTES = 64 * 1024
MOST_LINE_BYTES = 8 * 1024
MOST_LINES = 2_000
MOST_MEDIA = 32
MOST_PORT = 0xFFFF
NUMBER_DIGITS = 10
"""No number that we read is longer."""
ORIGIN_FIELDS = 6
MEDIA_FIELDS = 4


class MalformedSdp(ValueError):
    """It is no session description. The sentence quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An ``a=`` line."""

    name: str
    value: str | None = None
    """None for a property, which has no colon."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The ``o=`` line."""

    username: str
    session_id: str
    version: str
    address: str


@dataclass(frozen=True, slots=True)
class Media:
    """An ``m=`` line and those that belong to it."""

    kind: str
    port: int
    """0 where it is refused, or given up."""
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    connection: str | None = None
    """The address of its own ``c=`` line; of multicast, without what follows it."""
    bandwidths: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """The whole of one; what it has besides these lines is left out."""

    origin: Origin
    name: str = "-"
    connection: str | None = None
    """As that of `Media`; for all that have none."""
    bandwidths: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    media: tuple[Media, ...] = ()


def parse(text: str) -> SessionDescription:
    """Tolerates bare line feeds, lines out of order, and lines it does not know.

    Raises `MalformedSdp`.
    """
    sections = _sections(text)
    session = sections[0]
    if not session or session[0] != ("v", "0"):
        raise MalformedSdp("it does not begin with its version")
    origin = next((_origin(value) for name, value in session if name == "o"), None)
    if origin is None:
        raise MalformedSdp("it has no origin")
    return SessionDescription(
        origin,
        next((value for name, value in session if name == "s"), "-"),
        _connection(session),
        _bandwidths(session),
        _attributes(session),
        tuple(_media(lines) for lines in sections[1:]),
    )


def render(description: SessionDescription) -> str:
    """What `parse` reads back; lines end with CRLF."""
    return "".join(f"{line}\r\n" for line in _lines(description))


def number(text: str, most: int) -> int | None:
    """A plain decimal number from 0 to the given one; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS):
        return None
    value = int(text)
    return value if value <= most else None


def family(address: str) -> str:
    """``IP4`` or ``IP6``."""
    return "IP6" if ":" in address else "IP4"


Line = tuple[str, str]


def _sections(text: str) -> list[list[Line]]:
    """The session's lines, then those of each medium."""
    if len(text) > MOST_BYTES or "\0" in text:
        raise MalformedSdp("it is too long, or binary")
    sections: list[list[Line]] = [[]]
    for line in text.replace("\r", "\n").split("\n"):
        if len(line) > MOST_LINE_BYTES or not _is_text(line):
            raise MalformedSdp("a line is too long, or no text")
        if line[1:2] != "=":
            continue
        if line[0] == "m":
            sections.append([])
        sections[-1].append((line[0], line[2:].rstrip()))
    if len(sections) > MOST_MEDIA + 1 or sum(map(len, sections)) > MOST_LINES:
        raise MalformedSdp("it has too many lines, or media")
    return sections


def _is_text(line: str) -> bool:
    """It can be encoded, which is not so of every string."""
    return line.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in line)


def _origin(value: str) -> Origin:
    fields = value.rsplit(None, ORIGIN_FIELDS - 1)
    if len(fields) != ORIGIN_FIELDS:
        raise MalformedSdp("its origin is malformed")
    username, session_id, version, _, _, address = fields
    return Origin(username, session_id, version, address)


def _media(lines: list[Line]) -> Media:
    fields = lines[0][1].split()
    if len(fields) < MEDIA_FIELDS:
        raise MalformedSdp("a medium is malformed")
    ports, has_count, counted = fields[1].partition("/")
    port = number(ports, MOST_PORT)
    count = number(counted, MOST_PORT) if has_count else 1
    if port is None or not count:
        raise MalformedSdp("the port of a medium is malformed")
    return Media(
        fields[0],
        port,
        fields[2],
        tuple(fields[3:]),
        count,
        _connection(lines),
        _bandwidths(lines),
        _attributes(lines),
    )


def _connection(lines: list[Line]) -> str | None:
    for name, value in lines:
        if name == "c":
            fields = value.split()
            if len(fields) != 3 or not (address := fields[2].partition("/")[0]):
                raise MalformedSdp("a connection is malformed")
            return address
    return None


def _bandwidths(lines: list[Line]) -> tuple[str, ...]:
    return tuple(value for name, value in lines if name == "b")


def _attributes(lines: list[Line]) -> tuple[Attribute, ...]:
    return tuple(_attribute(value) for name, value in lines if name == "a")


def _attribute(text: str) -> Attribute:
    name, has_value, value = text.partition(":")
    return Attribute(name, value if has_value else None)


def _lines(description: SessionDescription) -> Iterator[str]:
    origin = description.origin
    yield "v=0"
    yield (
        f"o={origin.username} {origin.session_id} {origin.version}"
        f" IN {family(origin.address)} {origin.address}"
    )
    yield f"s={description.name}"
    yield from _connection_lines(description.connection, description.bandwidths)
    yield "t=0 0"
    yield from _attribute_lines(description.attributes)
    for media in description.media:
        ports = (
            f"{media.port}/{media.port_count}" if media.port_count > 1 else media.port
        )
        yield f"m={media.kind} {ports} {media.protocol} {' '.join(media.formats)}"
        yield from _connection_lines(media.connection, media.bandwidths)
        yield from _attribute_lines(media.attributes)


def _connection_lines(
    connection: str | None, bandwidths: Iterable[str]
) -> Iterator[str]:
    if connection is not None:
        yield f"c=IN {family(connection)} {connection}"
    for bandwidth in bandwidths:
        yield f"b={bandwidth}"


def _attribute_lines(attributes: Iterable[Attribute]) -> Iterator[str]:
    for attribute in attributes:
        has_none = attribute.value is None
        yield f"a={attribute.name}" + ("" if has_none else f":{attribute.value}")
