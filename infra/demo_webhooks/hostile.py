"""A server that reads requests properly and treats them as badly as it is told to."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

READ_BYTES = 65_536
LINGER_SECONDS = 10.0
"""How long somebody is kept who does not leave."""
RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER``: closing throws away what was sent and resets."""


@dataclass(frozen=True, slots=True)
class Request:
    """One that has come whole."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        found = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: texts[-1] for name, texts in found.items()}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has connected."""

    connection: socket.socket
    is_over: threading.Event
    """Set when the server ends."""

    def read(self) -> Request | None:
        """None where less than a request came."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.connection.recv(READ_BYTES)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): text.strip() for name, _, text in pairs}
        size = int(headers.get("content-length", "0"))
        while len(body) < size:
            piece = self.connection.recv(READ_BYTES)
            if not piece:
                return None
            body += piece
        return Request(first.split(" ")[1], headers, body)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """A byte at a time, so far apart."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            if self.is_over.wait(seconds):
                return

    def stay(self, seconds: float = LINGER_SECONDS) -> None:
        """Say nothing until the caller leaves."""
        self.connection.settimeout(seconds)
        with suppress(TimeoutError):
            while not self.is_over.is_set() and self.connection.recv(READ_BYTES):
                pass

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()


Manner = Callable[[Caller], None]
"""What is done with who has connected; the connection is closed after it."""


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """A good one, ``status`` with its words."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class HostileServer:
    """On the loopback, within ``with``; a thread for each who connects."""

    def __init__(
        self,
        manner: Manner,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Port 0 is one that is free."""
        self.connections = 0
        self._manner = manner
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, port), family=family, backlog=128)
        self.port = int(self._server.getsockname()[1])
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._callers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        # Linux wakes up who waits for the next one.
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        for caller in self._callers:
            caller.join()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            caller = threading.Thread(target=self._serve, args=(connection,))
            self._callers = [one for one in self._callers if one.is_alive()]
            self._callers.append(caller)
            caller.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(LINGER_SECONDS)
        with connection, suppress(OSError, ValueError):
            if self._tls is None:
                self._manner(Caller(connection, self._is_over))
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self._manner(Caller(secured, self._is_over))
