"""Requests that are well formed and cannot be served (RFC 3261 8.2.1 to 8.2.3)."""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from mediaworker.sip.fields import parse_tokens
from mediaworker.sip.model import Request, Response

BAD_REQUEST = 400
METHOD_NOT_ALLOWED = 405
NOT_ACCEPTABLE = 406
UNSUPPORTED_MEDIA_TYPE = 415
UNSUPPORTED_URI_SCHEME = 416
BAD_EXTENSION = 420
NOT_IMPLEMENTED = 501

SDP = "application/sdp"
SDP_RANGES = frozenset({SDP, "application/*", "*/*"})
UNSCREENED = frozenset({"ACK", "CANCEL"})
"""Neither is refused for what it requires (RFC 3261 8.2.2.3)."""
WITH_BODIES = frozenset({"INVITE", "UPDATE", "PRACK", "INFO", "MESSAGE"})
"""Where a body is what the request is about."""
REGISTERED_METHODS = frozenset(
    [
        "ACK",
        "BYE",
        "CANCEL",
        "INFO",
        "INVITE",
        "MESSAGE",
        "NOTIFY",
        "OPTIONS",
        "PRACK",
        "PUBLISH",
        "REFER",
        "REGISTER",
        "SUBSCRIBE",
        "UPDATE",
    ]
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """What such a request is answered with."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """Allow, Unsupported, Accept, as the status wants."""


def screen(
    request: Request,
    *,
    methods: Iterable[str],
    extensions: Set[str],
    schemes: Set[str],
    content_types: Set[str],
) -> Rejection | None:
    """The first that cannot be served, in the order of RFC 3261 8.2.

    ``extensions`` are option tags, ``schemes`` of URIs and ``content_types`` of
    bodies, all in lower case; an empty body is of any type.
    """
    if request.method in UNSCREENED:
        return None
    return (
        _screen_method(request, tuple(methods))
        or _screen_uris(request, schemes)
        or _screen_extensions(request, extensions)
        or _screen_body(request, content_types)
        or _screen_answer(request)
    )


def is_misrouted(response: Response) -> bool:
    """More than our own Via is in it: to be dropped (RFC 3261 8.1.3.3)."""
    return len(response.vias) > 1


def _screen_method(request: Request, methods: tuple[str, ...]) -> Rejection | None:
    if request.method in methods:
        return None
    is_known = request.method in REGISTERED_METHODS
    status = METHOD_NOT_ALLOWED if is_known else NOT_IMPLEMENTED
    return Rejection(status, (("Allow", ", ".join(methods)),))


def _screen_uris(request: Request, schemes: Set[str]) -> Rejection | None:
    if request.uri.scheme not in schemes:
        return Rejection(UNSUPPORTED_URI_SCHEME)
    if request.method == "REGISTER" and not request.to_address.uri.is_sip:
        return Rejection(BAD_REQUEST)
    return None


def _screen_extensions(request: Request, extensions: Set[str]) -> Rejection | None:
    texts = request.headers.every("Require")
    tags = [tag for text in texts for tag in parse_tokens(text, "Require")]
    unknown = [tag for tag in tags if tag.lower() not in extensions]
    if not unknown:
        return None
    return Rejection(BAD_EXTENSION, (("Unsupported", ", ".join(unknown)),))


def _screen_body(request: Request, content_types: Set[str]) -> Rejection | None:
    if not request.body or request.method not in WITH_BODIES:
        return None
    if _is_optional(request.headers.get("Content-Disposition") or ""):
        return None
    encoding = request.headers.get("Content-Encoding") or "identity"
    if encoding.lower() != "identity":
        return Rejection(UNSUPPORTED_MEDIA_TYPE, (("Accept-Encoding", "identity"),))
    content_type = request.content_type
    if content_type is None or content_type.mime_type in content_types:
        return None
    accepted = ", ".join(sorted(content_types))
    return Rejection(UNSUPPORTED_MEDIA_TYPE, (("Accept", accepted),))


def _is_optional(disposition: str) -> bool:
    """RFC 3261 20.11."""
    words = [word.strip(" \t").lower() for word in disposition.split(";")]
    return "handling=optional" in words


def _screen_answer(request: Request) -> Rejection | None:
    """An INVITE is answered with SDP, which its sender must accept."""
    if request.method != "INVITE" or request.accept is None:
        return None
    if SDP_RANGES.isdisjoint(request.accept):
        return Rejection(NOT_ACCEPTABLE)
    return None
