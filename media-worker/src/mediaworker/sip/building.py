"""Messages of ours, and their bytes (RFC 3261 7, 8.1.1, 8.2.6)."""

from collections.abc import Iterable

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.grammar import BadSyntax, is_token
from mediaworker.sip.headers import Headers
from mediaworker.sip.model import Request, Response
from mediaworker.sip.reasons import phrase_of

TRYING = 100
MAKES_DIALOG = range(101, 300)


def render(message: Request | Response) -> bytes:
    """With a Content-Length that is right."""
    headers = message.headers.replaced("Content-Length", str(len(message.body)))
    lines = [message.start_line, *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + message.body


def build_request(
    method: str,
    uri: Uri,
    headers: Iterable[tuple[str, str]],
    *,
    body: bytes = b"",
    content_type: str | None = None,
) -> Request:
    """Its headers in the order in which they are given; raises `ValueError`."""
    kept = Headers([*headers, *_content(content_type)])
    return Request(kept, body, method=method, uri=uri.bare())


def response_to(
    request: Request,
    status: int,
    phrase: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """By RFC 3261 8.2.6; raises `ValueError` for a header that cannot be sent.

    Via, From, To, Call-ID and CSeq are copied as they stand, Record-Route where a
    dialog is made (12.1.1), Timestamp to 100. ``to_tag`` is added to a To without
    one, unless the status is 100.
    """
    copied = ["Via", "From", "Call-ID", "CSeq"]
    if status == TRYING:
        copied.append("Timestamp")
    if status in MAKES_DIALOG and request.method == "INVITE":
        copied.append("Record-Route")
    kept = [(name, text) for name in copied for text in request.headers.every(name)]
    tag = to_tag if status > TRYING else None
    kept += [("To", _tagged(text, tag)) for text in request.headers.every("To")]
    made = Headers([*kept, *headers, *_content(content_type)])
    said = phrase_of(status) if phrase is None else phrase
    return Response(made, body, status=status, phrase=said)


def _tagged(text: str, tag: str | None) -> str:
    """What cannot be read is sent back as it came."""
    if tag is None:
        return text
    if not is_token(tag):
        raise ValueError("a tag is a token")
    try:
        has_tag = Address.parse(text).tag is not None
    except BadSyntax:
        has_tag = True
    return text if has_tag else f"{text};tag={tag}"


def _content(content_type: str | None) -> list[tuple[str, str]]:
    return [] if content_type is None else [("Content-Type", content_type)]
