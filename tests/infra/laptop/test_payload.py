"""HTTP into payload 2.0, and answers back into HTTP."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.laptop.payload import (
    HttpRequest,
    HttpResponse,
    MalformedAnswer,
    event_of,
    response_of,
)

REQUEST_ID = "8f14e45f-ceea-467f-a000-000000000001"


def request(**changes: Any) -> HttpRequest:
    fields: dict[str, Any] = {
        "method": "POST",
        "path": "/api/v1/rooms",
        "raw_query": "",
        "headers": (("Host", "127.0.0.1:8000"), ("User-Agent", "curl/8")),
        "body": b"",
        "source_ip": "127.0.0.1",
        "port": 8000,
    }
    return HttpRequest(**(fields | changes))


def event(**changes: Any) -> dict[str, Any]:
    return event_of(request(**changes), REQUEST_ID, 1_583_348_638_390)


def test_render_the_default_route() -> None:
    made = event(raw_query="a=1&a=2&b=x%20y&c=")
    assert made["version"] == "2.0"
    assert made["routeKey"] == "$default"
    assert made["rawPath"] == "/api/v1/rooms"
    assert made["rawQueryString"] == "a=1&a=2&b=x%20y&c="
    assert made["queryStringParameters"] == {"a": "1,2", "b": "x y", "c": ""}
    context = made["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/api/v1/rooms",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl/8",
    }
    assert context["requestId"] == REQUEST_ID
    assert context["time"] == "04/Mar/2020:19:03:58 +0000"
    assert context["timeEpoch"] == 1_583_348_638_390
    assert context["domainName"] == "127.0.0.1:8000"
    assert "body" not in made
    assert made["isBase64Encoded"] is False


def test_join_headers_of_one_name() -> None:
    made = event(headers=(("X-A", "1"), ("x-a", "2"), ("X-B", "3")))
    assert made["headers"]["x-a"] == "1,2"
    assert made["headers"]["x-b"] == "3"


def test_move_cookies_out_of_the_headers() -> None:
    made = event(headers=(("Cookie", "a=1; b=2"), ("cookie", "c=3")))
    assert made["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in made["headers"]
    assert "cookies" not in event()


def test_tell_where_the_request_came_from() -> None:
    made = event(headers=(("X-Forwarded-For", "203.0.113.7"),))
    assert made["headers"]["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert made["headers"]["x-forwarded-proto"] == "http"
    assert made["headers"]["x-amzn-trace-id"].startswith("Root=1-5e5ff")


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json", "{}", False),
        ("application/json; charset=utf-8", '{"a":"é"}', False),
        ("application/problem+json", "{}", False),
        ("text/plain", "x", False),
        ("", "x", False),
        ("application/x-www-form-urlencoded", "a=1", True),
        ("application/octet-stream", "x", True),
    ],
)
def test_encode_a_body_by_its_type(
    content_type: str, body: str, is_base64: bool
) -> None:
    headers = (("Content-Type", content_type),) if content_type else ()
    made = event(headers=headers, body=body.encode())
    assert made["isBase64Encoded"] is is_base64
    given = base64.b64decode(made["body"]).decode() if is_base64 else made["body"]
    assert given == body


@given(st.binary(), st.sampled_from(["", "application/json", "image/png"]))
def test_carry_every_body(body: bytes, content_type: str) -> None:
    made = event(headers=(("content-type", content_type),), body=body)
    carried = made.get("body", "")
    given = base64.b64decode(carried) if made["isBase64Encoded"] else carried.encode()
    assert given == body
    json.dumps(made)


def test_read_a_whole_answer() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json", "X-N": 3, "X-B": True},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "{}",
    }
    assert response_of(answer) == HttpResponse(
        201,
        (
            ("content-type", "application/json"),
            ("x-n", "3"),
            ("x-b", "true"),
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2"),
        ),
        b"{}",
    )


@given(st.binary())
def test_decode_a_base64_answer(body: bytes) -> None:
    text = base64.b64encode(body).decode()
    answer = {"statusCode": 200, "body": text, "isBase64Encoded": True}
    assert response_of(answer).body == body


@pytest.mark.parametrize("answer", [{"a": 1}, "text", 3, None, [1], True])
def test_take_an_answer_without_a_status_as_json(answer: Any) -> None:
    response = response_of(answer)
    assert response.status == 200
    assert dict(response.headers)["content-type"] == "application/json"
    assert json.loads(response.body) == answer


def test_drop_what_only_the_gateway_may_say() -> None:
    headers = {"Content-Length": "9", "Connection": "close", "Transfer-Encoding": "x"}
    response = response_of({"statusCode": 204, "headers": headers})
    assert [name for name, _ in response.headers] == ["content-type"]
    assert response.body == b""


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "abc"},
        {"statusCode": None},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "*", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"x": ["1"]}},
    ],
)
def test_refuse_a_malformed_answer(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        response_of(answer)
