"""One request over one connection: sent whole, and the head of its answer read.

A body is never read, so that it cannot be endless.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from chalicelib.protocol.url_policy import ForbiddenUrl, Target

MOST_HEAD_BYTES = 64 << 10
"""Of an answer, those before the last one included."""
MOST_INTERIM = 8
"""Answers of 1xx before the one that counts."""
READ_BYTES = 4_096
START = b"HTTP/1."
HEAD_END = re.compile(rb"\r?\n\r?\n")
END_BYTES = 4
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?")
SWITCHING = 101
FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
OWN_FIELDS = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "expect", "te"}
)
"""Said here, whatever the caller says."""

NOT_HTTP = "the answer is not HTTP"
UNTRUSTED = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate is self-signed",
    62: "the certificate is for another name",
    64: "the certificate is for another address",
}
"""OpenSSL's X509_V_ERR."""


class Failed(Exception):
    """There is no answer; why, in a few words."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When all of it is to be over, by the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds, more than none; raises `TimeoutError` from then on."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True, slots=True)
class Head:
    """What an answer says before its body."""

    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case; the first of each."""


@contextmanager
def failures_of(doing: str) -> Iterator[None]:
    """What goes wrong meanwhile is a `Failed`."""
    try:
        yield
    except TimeoutError:
        raise Failed(f"timed out {doing}") from None
    except ssl.SSLCertVerificationError as error:
        reason = UNTRUSTED.get(error.verify_code, "the certificate is not trusted")
        raise Failed(reason) from None
    except ssl.SSLError:
        raise Failed("the server does not speak TLS properly") from None
    except ConnectionRefusedError:
        raise Failed("the connection was refused") from None
    except ConnectionError:
        raise Failed("the connection was reset") from None
    except OSError:
        raise Failed("the host cannot be reached") from None


def request_of(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """Raises `ForbiddenUrl` where a header would be more than one."""
    fields = {
        "Host": target.host_header,
        **{name: text for name, text in headers.items() if _is_callers(name)},
        "Accept": "*/*",
        "Connection": "close",
        "Content-Length": str(len(body)),
    }
    for name, text in fields.items():
        if not FIELD_NAME.fullmatch(name) or not FIELD_VALUE.fullmatch(text):
            raise ForbiddenUrl("a header has characters that it cannot have")
    lines = [f"POST {target.path} HTTP/1.1"]
    lines += [f"{name}: {text}" for name, text in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def answer_to(request: bytes, connection: socket.socket, deadline: Deadline) -> Head:
    """Raises `Failed`."""
    with failures_of("sending"), suppress(ConnectionError):
        # A server may answer and leave before it has read all.
        _send(request, connection, deadline)
    with failures_of("waiting for the answer"):
        return _read(connection, deadline)


def _is_callers(name: str) -> bool:
    return name.lower() not in OWN_FIELDS


def _send(data: bytes, connection: socket.socket, deadline: Deadline) -> None:
    rest = memoryview(data)
    while rest:
        connection.settimeout(deadline.left())
        rest = rest[connection.send(rest) :]


def _read(connection: socket.socket, deadline: Deadline) -> Head:
    """The first answer that is a final one."""
    received, begin, looked, interim = bytearray(), 0, 0, 0
    while True:
        # What was looked at before is not looked at again, byte by byte.
        end = HEAD_END.search(received, max(begin, looked - END_BYTES))
        if end is None:
            _check_beginning(received, begin)
            looked = len(received)
            received += _received(connection, deadline, received)
            continue
        head = _head(bytes(received[begin : end.start()]))
        if head.status >= 200:
            return head
        begin, interim = end.end(), interim + 1
        if interim > MOST_INTERIM:
            raise Failed("the answers of 1xx do not end")


def _received(
    connection: socket.socket, deadline: Deadline, before: bytearray
) -> bytes:
    connection.settimeout(deadline.left())
    piece = connection.recv(READ_BYTES)
    if not piece:
        raise Failed(
            "the answer ended early"
            if before
            else "the connection was closed without an answer"
        )
    return piece


def _check_beginning(received: bytearray, begin: int) -> None:
    """Raises `Failed` as soon as it can be told."""
    if len(received) > MOST_HEAD_BYTES:
        raise Failed("the answer's head is too large")
    first = bytes(received[begin : begin + len(START)])
    if not START.startswith(first):
        raise Failed(NOT_HTTP)


def _head(data: bytes) -> Head:
    first, *lines = data.replace(b"\r\n", b"\n").split(b"\n")
    status = STATUS.fullmatch(first)
    if status is None or int(status[1]) == SWITCHING:
        raise Failed(NOT_HTTP)
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.decode("latin-1").partition(":")
        if colon and FIELD_NAME.fullmatch(name):
            fields.setdefault(name.lower(), text.strip(" \t"))
    return Head(int(status[1]), fields)
