"""Bytes to checked messages (RFC 3261 7, 8.2, 18.3, 20), and all that is made of them.

What `parse` gives has nothing in it that could fail later: every typed field was
read. What it refuses says how it is to be answered.
"""

import re
from dataclasses import replace
from typing import TypeVar

from mediaworker.sip.addresses import Uri
from mediaworker.sip.building import build_request, render, response_to
from mediaworker.sip.fields import VERSION, Via
from mediaworker.sip.grammar import BadSyntax, is_token
from mediaworker.sip.headers import Headers, checked_field
from mediaworker.sip.model import Message, Request, Response
from mediaworker.sip.screening import (
    REGISTERED_METHODS,
    Rejection,
    is_misrouted,
    screen,
)

__all__ = [
    "Malformed",
    "Message",
    "Rejection",
    "Request",
    "Response",
    "build_request",
    "is_misrouted",
    "parse",
    "render",
    "response_to",
    "screen",
]

M = TypeVar("M", Request, Response)

MOST_BYTES = 65_536
MOST_FIELDS = 256
MOST_FIELD_LETTERS = 8_192

BAD_REQUEST = 400
NOT_IMPLEMENTED = 501
VERSION_NOT_SUPPORTED = 505
MESSAGE_TOO_LARGE = 513

ONCE = (
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Expires",
    "Refer-To",
    "Replaces",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
)
"""What stands once at most, and would be understood in two ways otherwise."""
COPIED_ONCE = ONCE[:4]
READ_LATER = (
    "vias",
    "from_address",
    "to_address",
    "call_id",
    "cseq",
    "max_forwards",
    "contacts",
    "routes",
    "record_routes",
    "content_type",
    "require",
    "proxy_require",
    "supported",
    "allow",
    "accept",
    "expires",
    "session_expires",
    "min_se",
    "rseq",
    "rack",
    "refer_to",
    "replaces",
)

BREAK = b"\r\n"
END = b"\r\n\r\n"
FOLD = re.compile(rb"\r\n[ \t]+")
STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: (.*))?", re.IGNORECASE)
ANY_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
NOWHERE = Uri("sip", "invalid")


class Malformed(ValueError):
    """What came is not SIP as it must be; the text is one sentence.

    ``status`` and ``answerable`` are both there, or neither is. Of ``answerable``
    only ``vias`` can be read; `response_to` copies what it has of the rest.
    """

    def __init__(
        self,
        sentence: str,
        status: int | None = None,
        answerable: Request | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.answerable = answerable


class Fault(BadSyntax):
    """What is wrong with a request, and what it is answered with."""

    def __init__(self, sentence: str, status: int = BAD_REQUEST) -> None:
        super().__init__(sentence)
        self.status = status


def parse(data: bytes) -> Request | Response:
    """A datagram, or a message out of `StreamFramer`; raises `Malformed` alone."""
    if len(data) > MOST_BYTES:
        raise Malformed(f"a message has at most {MOST_BYTES} octets")
    head, end, body = data.lstrip(BREAK).partition(END)
    start, *lines = FOLD.sub(b" ", head).decode(errors="replace").split("\r\n")
    headers, fault = _read_headers(lines)
    if not end:
        fault = Fault("the header fields do not end with an empty line")
    if start[:4].upper() == "SIP/":
        return _read_response(start, headers, body, fault)
    return _read_request(start, headers, body, fault)


def _read_headers(lines: list[str]) -> tuple[Headers, Fault | None]:
    """What can be read of them, and what is wrong with the first of the others."""
    fields: list[tuple[str, str]] = []
    fault = None
    if len(lines) > MOST_FIELDS:
        fault = Fault("a message has too many header fields", MESSAGE_TOO_LARGE)
    for line in lines[:MOST_FIELDS]:
        try:
            fields.append(_read_field(line))
        except ValueError as error:
            fault = fault or Fault(str(error))
    return Headers(fields), fault


def _read_field(line: str) -> tuple[str, str]:
    """Raises `ValueError`."""
    if len(line) > MOST_FIELD_LETTERS:
        raise ValueError("a header field is too long")
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError("a header field has no colon")
    return checked_field(name.rstrip(" \t"), value.strip(" \t"))


def _read_response(
    start: str, headers: Headers, body: bytes, fault: Fault | None
) -> Response:
    match = STATUS_LINE.fullmatch(start)
    if match is None:
        raise Malformed("the status line cannot be read")
    try:
        if fault is not None:
            raise fault
        status, phrase = int(match[1]), match[2] or ""
        response = Response(headers, body, status=status, phrase=phrase)
        _check(response)
        return _framed(response)
    except ValueError as error:
        raise Malformed(str(error)) from None


def _read_request(
    start: str, headers: Headers, body: bytes, fault: Fault | None
) -> Request:
    method, version = start.partition(" ")[0], start.rstrip(" ").rpartition(" ")[2]
    if not is_token(method) or not ANY_VERSION.fullmatch(version):
        raise Malformed("what came is neither a request nor a response")
    try:
        uri = _read_request_line(start, version)
        if fault is not None:
            raise fault
        request = Request(headers, body, method=method, uri=uri)
        _check(request)
        _check_method(request)
        return _framed(request)
    except BadSyntax as error:
        answerable = _answerable(method, headers)
        status = error.status if isinstance(error, Fault) else BAD_REQUEST
        told = None if answerable is None else status
        raise Malformed(str(error), told, answerable) from None


def _read_request_line(start: str, version: str) -> Uri:
    if version.upper() != VERSION:
        raise Fault("the version is not SIP/2.0", VERSION_NOT_SUPPORTED)
    words = start.split(" ")
    if len(words) != 3:
        raise BadSyntax("the request line has more than two spaces")
    uri = Uri.parse(words[1])
    if uri.headers:
        raise BadSyntax("the Request-URI has headers")
    return uri


def _check(message: Message) -> None:
    """Raises `BadSyntax`."""
    for name in ONCE:
        if len(message.headers.every(name)) > 1:
            raise BadSyntax(f"{name} stands more than once")
    for field in READ_LATER:
        getattr(message, field)


def _check_method(request: Request) -> None:
    """An unknown method is told so first (RFC 4475 3.1.2.18)."""
    if request.cseq.method != request.method:
        is_known = request.method in REGISTERED_METHODS
        status = BAD_REQUEST if is_known else NOT_IMPLEMENTED
        raise Fault("CSeq names another method", status)


def _framed(message: M) -> M:
    """Without what follows it in a datagram (RFC 3261 18.3); raises `BadSyntax`."""
    length, there = message.content_length, len(message.body)
    if length is None or length == there:
        return message
    if length > there:
        raise BadSyntax("the body is shorter than Content-Length")
    return replace(message, body=message.body[:length])


def _answerable(method: str, headers: Headers) -> Request | None:
    """With the Vias that can be read; None when an answer would find no way."""
    request = Request(headers, method=method, uri=NOWHERE)
    try:
        vias = request.vias
    except BadSyntax:
        vias = _salvaged(headers.every("Via"))
    if method == "ACK" or not vias:
        return None
    for name in COPIED_ONCE:
        request = request.with_header(name, *headers.every(name)[:1])
    return request.with_header("Via", *vias)


def _salvaged(texts: tuple[str, ...]) -> tuple[Via, ...]:
    try:
        return tuple(Via.salvage(text) for text in texts[:1])
    except BadSyntax:
        return ()
