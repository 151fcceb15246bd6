"""How a fake LiveKit is reached, and all the ways in which it may not be."""

import contextlib
import json
import threading
from collections.abc import Callable
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

STATUSES = {
    "bad_route": 404,
    "malformed": 400,
    "not_found": 404,
    "unauthenticated": 401,
}
DRIP_SECONDS = 0.02
PAGE = b"<html><body>Nothing to see here</body></html>"

JSON, PROTOBUF = "application/json", "application/protobuf"
Read = Callable[[Message], None]
"""Fills a request with what came."""
Answer = Callable[[str, str, Read], Message]
"""Of a path, its Authorization and its request; raises `TwirpError`."""


class TwirpError(Exception):
    """What Twirp answers as ``{"code", "msg"}``."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.code = code


class Fault(Enum):
    """How every request goes wrong; nothing that it asks is done."""

    INTERNAL = auto()
    SILENCE = auto()
    """No answer, until the server stops."""
    DRIP = auto()
    """An answer that comes byte by byte and does not end."""
    GARBAGE = auto()
    """Bytes that are not HTTP."""
    CUT = auto()
    """A body that ends before it should."""
    PAGE = auto()
    """A page of HTML, with 200."""
    MISSING_PAGE = auto()
    """A page of HTML, with 404."""
    REDIRECT = auto()
    FLOOD = auto()
    """A body of several megabytes."""
    NONSENSE = auto()
    """JSON with 200, but not LiveKit's."""
    STRANGER = auto()
    """Somebody else's JSON with 200."""


RAW = {
    Fault.SILENCE: b"",
    Fault.DRIP: b"HTTP/1.1 200 OK\r\n\r\n",
    Fault.GARBAGE: b"220 smtp.example ESMTP\r\n",
    Fault.CUT: b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"participants":[]}',
}
WHOLE = {
    Fault.INTERNAL: (500, b'{"code":"internal","msg":"out of luck"}'),
    Fault.PAGE: (200, PAGE),
    Fault.MISSING_PAGE: (404, PAGE),
    Fault.REDIRECT: (307, b"{}"),
    Fault.FLOOD: (200, b'{"participants":[]' + b" " * 4_000_000 + b"}"),
    Fault.NONSENSE: (200, b'{"participants":{"alice":true}}'),
    Fault.STRANGER: (200, b'{"status":"maintenance"}'),
}


class Listener:
    """An HTTP server in a thread; it can stop and start again at the same port."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.fault: Fault | None = None
        self.stopping = threading.Event()
        self.port = 0
        self._listen()

    def start(self) -> None:
        if self._server.socket.fileno() < 0:
            self._listen()
        self.stopping.clear()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _listen(self) -> None:
        handler = type("Handler", (Handler,), {"listener": self})
        server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server, self.port = server, server.server_port


class Handler(BaseHTTPRequestHandler):
    listener: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        # Whoever gave up waiting has closed the connection.
        with contextlib.suppress(OSError):
            if self.listener.fault:
                self.fail(self.listener.fault)
            else:
                self.reply(*self.answer(body))

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Twirp takes and gives JSON or protobuf, as it is asked."""
        content_type = self.headers.get("content-type", "")
        authorization = self.headers.get("authorization", "")

        def read(request: Message) -> None:
            try:
                if content_type == PROTOBUF:
                    request.ParseFromString(body)
                else:
                    json_format.Parse(body, request, ignore_unknown_fields=True)
            except (DecodeError, json_format.ParseError, UnicodeError) as error:
                raise TwirpError("malformed", str(error)) from None

        try:
            if content_type not in (JSON, PROTOBUF):
                raise TwirpError("bad_route", "unexpected Content-Type")
            answer = self.listener.answer(self.path, authorization, read)
        except TwirpError as error:
            fields = {"code": error.code, "msg": str(error)}
            return STATUSES[error.code], json.dumps(fields).encode()
        except jwt.InvalidTokenError as error:
            # LiveKit checks tokens in front of Twirp, and answers a bare line.
            return 401, f"invalid token: {error}".encode()
        if content_type == PROTOBUF:
            return 200, answer.SerializeToString()
        # Twirp writes the names of the .proto file, and every zero.
        text = json_format.MessageToJson(
            answer,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        return 200, text.encode()

    def fail(self, fault: Fault) -> None:
        if fault in WHOLE:
            self.reply(*WHOLE[fault])
            return
        self.wfile.write(RAW[fault])
        if fault is Fault.SILENCE:
            self.listener.stopping.wait()
        while fault is Fault.DRIP and not self.listener.stopping.wait(DRIP_SECONDS):
            self.wfile.write(b" ")

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", self.path)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""
