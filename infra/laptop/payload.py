"""API Gateway's HTTP API on paper: payload 2.0 in, a Lambda's answer out."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

API_ID = "laptop"
HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding"})
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")


class MalformedAnswer(ValueError):
    """The function answered what API Gateway cannot turn into a response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came over the wire."""

    method: str
    path: str
    """Percent-decoded, as API Gateway hands it on."""
    raw_query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    port: int
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response to put on the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of_message(cls, status: int, message: str) -> "HttpResponse":
        """What the gateway itself says."""
        body = json.dumps({"message": message}, separators=(",", ":")).encode()
        return cls(status, (("content-type", "application/json"),), body)


def event_of(request: HttpRequest, request_id: str, now_ms: int) -> dict[str, Any]:
    """The event of the ``$default`` route."""
    headers = _joined(request.headers)
    cookies = headers.pop("cookie", None)
    headers |= _forwarded(headers, request, request_id, now_ms)
    body, is_base64 = _encoded(request.body, headers.get("content-type", ""))
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.raw_query,
        "headers": headers,
        "requestContext": _context(request, headers, request_id, now_ms),
        "isBase64Encoded": is_base64,
    }
    if cookies:
        parts = cookies.replace(",", ";").split(";")
        event["cookies"] = [part.strip() for part in parts if part.strip()]
    if query := parse_qsl(request.raw_query, keep_blank_values=True):
        event["queryStringParameters"] = _joined(query, is_case_kept=True)
    if body:
        event["body"] = body
    return event


def response_of(answer: Any) -> HttpResponse:
    """The response that a function's ``answer`` stands for.

    Without a ``statusCode`` the whole answer is the body, as JSON.
    """
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        body = json.dumps(answer).encode()
        return HttpResponse(200, (("content-type", "application/json"),), body)
    headers = [
        (str(name).lower(), _header_value(value))
        for name, value in (answer.get("headers") or {}).items()
        if str(name).lower() not in HOP_BY_HOP
    ]
    if all(name != "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
    return HttpResponse(_status(answer), tuple(headers), _body(answer))


def _joined(
    pairs: Any, *, is_case_kept: bool = False, separator: str = ","
) -> dict[str, str]:
    joined: dict[str, str] = {}
    for given, value in pairs:
        name = given if is_case_kept else given.lower()
        joined[name] = f"{joined[name]}{separator}{value}" if name in joined else value
    return joined


def _encoded(body: bytes, content_type: str) -> tuple[str, bool]:
    """API Gateway encodes what its type does not call text, forms included."""
    media_type = content_type.partition(";")[0].strip().lower()
    is_text = media_type.endswith("+json") or media_type.startswith(TEXT_TYPES)
    if is_text or not media_type:
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), bool(body)


def _forwarded(
    headers: Mapping[str, str], request: HttpRequest, request_id: str, now_ms: int
) -> dict[str, str]:
    hops = [headers["x-forwarded-for"]] if "x-forwarded-for" in headers else []
    trace = f"Root=1-{now_ms // 1000:08x}-{request_id.replace('-', '')[:24]}"
    return {
        "x-forwarded-for": ", ".join([*hops, request.source_ip]),
        "x-forwarded-port": str(request.port),
        "x-forwarded-proto": "http",
        "x-amzn-trace-id": headers.get("x-amzn-trace-id", trace),
    }


def _context(
    request: HttpRequest, headers: Mapping[str, str], request_id: str, now_ms: int
) -> dict[str, Any]:
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    domain = headers.get("host", "localhost")
    return {
        "accountId": "anonymous",
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": now_ms,
    }


def _status(answer: Mapping[str, Any]) -> int:
    try:
        status = int(answer["statusCode"])
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise MalformedAnswer(f"no HTTP status: {answer['statusCode']!r}")
    return status


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswer("a body is a string")
    if not answer.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedAnswer("the body is not base64") from error


def _header_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise MalformedAnswer(f"no header value: {value!r}")
    return str(value)
