"""API Gateway's HTTP events in and out of Chalice.

The HTTP API has one ``$default`` route, so the routes are matched here, in the
cloud and on the laptop alike. What matches none is answered in the shape of the
dialect that owns the path. Payload versions 2.0 and 1.0 are both read.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from app import app
from chalicelib import logs
from chalicelib.dialects.activecall import wire as activecall
from chalicelib.dialects.dtalk import wire as dtalk
from chalicelib.dialects.openchat import endpoint as openchat
from chalicelib.dialects.openchat.wire import API_PREFIX as OPENCHAT_PREFIX
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import wire as tgortc
from chalicelib.dialects.v1 import wire as v1

JSON_TYPES = re.compile(r"application/([\w.-]+\+)?json\Z", re.IGNORECASE)

ErrorOfStatus = Callable[[int, Request], dict[str, Any]]


def _plain_error(status: int, request: Request) -> dict[str, Any]:
    texts = {404: "Not found", 405: "Method not allowed"}
    return {"code": status, "message": texts.get(status, "Unsupported media type")}


DIALECTS: tuple[tuple[str, ErrorOfStatus], ...] = (
    (tgortc.PREFIX, tgortc.error_of_status),
    *((prefix, dtalk.error_of_status) for prefix in dtalk.PREFIXES),
    (OPENCHAT_PREFIX, openchat.error_of_status),
    (activecall.PREFIX, activecall.error_of_status),
    (activecall.ICE_PATH, activecall.error_of_status),
    (activecall.LIST_ALIAS, activecall.error_of_status),
    (activecall.KILL_ALIAS, activecall.error_of_status),
    (v1.PREFIX, v1.error_of_status),
)
"""Path prefix -> who answers below it when no route does; the first that fits."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An HTTP event of either version, as both say it."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str | None
    is_base64: bool
    source_ip: str
    context: Mapping[str, Any]

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> "Arrival":
        if event.get("version") == "2.0":
            return cls._parse_2(event)
        context = event["requestContext"]
        query = event.get("multiValueQueryStringParameters") or {}
        return cls(
            method=event["httpMethod"],
            path=event["path"],
            query=query,
            headers=_lowered(event.get("headers")),
            body=event.get("body"),
            is_base64=bool(event.get("isBase64Encoded")),
            source_ip=context.get("identity", {}).get("sourceIp", ""),
            context=context,
        )

    @classmethod
    def _parse_2(cls, event: Mapping[str, Any]) -> "Arrival":
        context = event["requestContext"]
        headers = _lowered(event.get("headers"))
        if event.get("cookies"):
            headers["cookie"] = "; ".join(event["cookies"])
        return cls(
            method=context["http"]["method"],
            path=event["rawPath"],
            query=parse_qs(event.get("rawQueryString", ""), keep_blank_values=True),
            headers=headers,
            body=event.get("body"),
            is_base64=bool(event.get("isBase64Encoded")),
            source_ip=context["http"].get("sourceIp", ""),
            context=context,
        )

    @property
    def refused(self) -> Request:
        """What a dialect needs in order to say that it has no such thing."""
        return Request(
            method=self.method,
            path=self.path,
            query={name: values[-1] for name, values in self.query.items() if values},
            headers=self.headers,
            body=b"",
            id=self.context.get("requestId", ""),
        )


def http(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The API function's handler."""
    logs.configure()
    arrival = Arrival.parse(event)
    path, parameters = match(arrival.path)
    if path is None:
        return _refusal(arrival, 404)
    methods = app.routes[path]
    if arrival.method not in methods:
        return _refusal(arrival, 405, {"Allow": ", ".join(sorted(methods))})
    content_type = arrival.headers.get("content-type", "").partition(";")[0].strip()
    if arrival.body and content_type and not JSON_TYPES.match(content_type):
        return _refusal(arrival, 415)
    return _answer(app(_for_chalice(arrival, path, parameters), context))


def match(path: str) -> tuple[str | None, dict[str, str]]:
    """The route of a path, literal ones before those with parameters."""
    if path in app.routes:
        return path, {}
    for pattern, route in _patterns():
        found = pattern.match(path)
        if found:
            return route, {
                name: unquote(text) for name, text in found.groupdict().items()
            }
    return None, {}


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    with_parameters = sorted(route for route in app.routes if "{" in route)
    return tuple(
        (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route) + r"\Z"), route)
        for route in with_parameters
    )


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _for_chalice(
    arrival: Arrival, route: str, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """A REST API's event (payload 1.0), which is what Chalice reads."""
    headers = dict(arrival.headers)
    # Chalice checks the type of bodies too, in its own shape: it was checked here.
    headers["content-type"] = "application/json"
    return {
        "httpMethod": arrival.method,
        "resource": route,
        "path": arrival.path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": dict(arrival.query) or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "body": arrival.body,
        "isBase64Encoded": arrival.is_base64,
        "requestContext": {
            **arrival.context,
            "httpMethod": arrival.method,
            "resourcePath": route,
            "path": arrival.path,
            "identity": {"sourceIp": arrival.source_ip},
        },
    }


def _answer(response: Mapping[str, Any]) -> dict[str, Any]:
    """A Chalice response as payload 2.0 has it, which 1.0 takes as well."""
    headers = dict(response.get("headers") or {})
    cookies: list[str] = []
    for name, values in (response.get("multiValueHeaders") or {}).items():
        if name.lower() == "set-cookie":
            cookies += values
        else:
            headers[name] = ",".join(map(str, values))
    answer = {
        "statusCode": response["statusCode"],
        "headers": headers,
        "body": response.get("body") or "",
        "isBase64Encoded": bool(response.get("isBase64Encoded")),
    }
    return {**answer, "cookies": cookies} if cookies else answer


def _refusal(
    arrival: Arrival, status: int, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    shape = next(
        (error for prefix, error in DIALECTS if _is_below(arrival.path, prefix)),
        _plain_error,
    )
    body = shape(status, arrival.refused)
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
