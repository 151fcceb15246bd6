"""The head of an HTTP request: what two readers might understand differently is none.

Read before a connection is handed to anybody, once for each connection.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl

END = b"\r\n\r\n"
MAX_HEAD_BYTES = 16_384
MAX_FIELDS = 100
MAX_PARAMETERS = 64

METHOD = re.compile(rb"[A-Z]{1,16}\Z")
TARGET = re.compile(rb"[\x21-\x7e]+\Z")
NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
LENGTH = re.compile(r"[0-9]{1,12}\Z")
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")
ONCE = frozenset(
    {
        "authorization",
        "content-length",
        "host",
        "sec-websocket-key",
        "sec-websocket-version",
    }
)


class MalformedHead(ValueError):
    """What came is no head of a request; the sentence says where it is not."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request line and its fields, by their names in lower case."""

    method: str
    target: str
    is_1_1: bool
    fields: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @classmethod
    def parse(cls, head: bytes) -> Self:
        """Without the empty line that ends it; raises `MalformedHead`."""
        request, *lines = head.split(b"\r\n")
        parts = request.split(b" ")
        if len(parts) != 3 or parts[2] not in VERSIONS:
            raise MalformedHead("the request line is not one of HTTP/1.1")
        method, target, version = parts
        if not METHOD.match(method) or not TARGET.match(target):
            raise MalformedHead("the method or the target cannot be read")
        if len(lines) > MAX_FIELDS:
            raise MalformedHead(f"a request has at most {MAX_FIELDS} header fields")
        fields: dict[str, str] = {}
        for line in lines:
            _add(fields, line)
        is_1_1 = version == VERSIONS[0]
        if is_1_1 and "host" not in fields:
            raise MalformedHead("host is required")
        if not LENGTH.match(fields.get("content-length", "0")):
            raise MalformedHead("content-length is a whole number")
        return cls(method.decode(), target.decode(), is_1_1, fields)

    @property
    def body_bytes(self) -> int:
        return int(self.fields.get("content-length", 0))

    def query(self) -> dict[str, str]:
        """Decoded; the first of a name counts. Raises `MalformedHead`."""
        text = self.target.partition("?")[2]
        try:
            pairs = parse_qsl(
                text,
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
        except ValueError:
            raise MalformedHead("the query cannot be read") from None
        return dict(reversed(pairs))

    def tokens(self, name: str) -> frozenset[str]:
        """The members of a field that is a list, in lower case."""
        listed = self.fields.get(name, "").split(",")
        return frozenset(member.strip().lower() for member in listed)


def _add(fields: dict[str, str], line: bytes) -> None:
    raw_name, colon, raw_value = line.partition(b":")
    raw_value = raw_value.strip(b" \t")
    if not colon or not NAME.match(raw_name) or not VALUE.match(raw_value):
        raise MalformedHead("a header field cannot be read")
    name, value = raw_name.decode().lower(), raw_value.decode("latin-1")
    if name in fields:
        if name in ONCE:
            raise MalformedHead(f"{name} must stand once")
        value = f"{fields[name]}, {value}"
    fields[name] = value
