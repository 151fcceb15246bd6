"""Messages parsed, made, rendered and screened (RFC 3261 7, 8.1.1, 8.2, 18.3, 20)."""

import time

import pytest

from mediaworker.sip.addresses import Uri
from mediaworker.sip.fields import CSeq, MediaType, RAck, Replaces, SessionExpires, Via
from mediaworker.sip.grammar import BadSyntax
from mediaworker.sip.headers import Headers, checked_headers, extra_headers
from mediaworker.sip.messages import (
    MOST_BYTES,
    Malformed,
    Rejection,
    Request,
    Response,
    build_request,
    parse,
    render,
    response_to,
    screen,
)

PLAIN = (
    b"INVITE sip:bob@example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@example.com>;tag=1\r\n"
    b"To: <sip:bob@example.com>\r\n"
    b"Call-ID: 1@a.example.com\r\n"
    b"CSeq: 1 INVITE\r\n"
)


def request(*lines: bytes, body: bytes = b"", start: bytes = PLAIN) -> Request:
    parsed = parse(start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)
    assert isinstance(parsed, Request)
    return parsed


def refusal(*lines: bytes, body: bytes = b"", start: bytes = PLAIN) -> Malformed:
    with pytest.raises(Malformed) as raised:
        request(*lines, body=body, start=start)
    return raised.value


def test_reads_every_typed_field() -> None:
    parsed = request(
        b"Max-Forwards: 70",
        b"m: <sip:alice@a.example.com>, <sip:alice@b.example.com>;q=0.1",
        b"Record-Route: <sip:p1;lr>",
        b"Record-Route: <sip:p2;lr>",
        b"Route: <sip:p3;lr>, <sip:p4;lr>",
        b"c: application/sdp",
        b"Require: 100rel",
        b"k: Timer, replaces",
        b"Proxy-Require: foo",
        b"Allow: INVITE, ACK",
        b"Accept: application/sdp, text/*",
        b"Expires: 60",
        b"x: 1800;refresher=uac",
        b"Min-SE: 90;x=y",
        b"Retry-After: 120 (soon);duration=60",
        b"RSeq: 7",
        b"RAck: 7 1 INVITE",
        b"r: <sip:c@d?Replaces=1>",
        b"Replaces: 1@a;to-tag=x;from-tag=y",
        b"l: 3",
        body=b"v=0",
    )
    assert parsed.max_forwards == 70
    assert [str(contact.uri) for contact in parsed.contacts] == [
        "sip:alice@a.example.com",
        "sip:alice@b.example.com",
    ]
    assert [route.uri.host for route in parsed.record_routes] == ["p1", "p2"]
    assert [route.uri.host for route in parsed.routes] == ["p3", "p4"]
    assert parsed.content_type == MediaType("application/sdp")
    assert parsed.require == {"100rel"}
    assert parsed.proxy_require == {"foo"}
    assert parsed.supported == {"timer", "replaces"}
    assert parsed.allow == {"INVITE", "ACK"}
    assert parsed.accept == ("application/sdp", "text/*")
    assert (parsed.expires, parsed.min_se, parsed.retry_after) == (60, 90, 120)
    assert parsed.session_expires == SessionExpires(1_800, "uac")
    assert (parsed.rseq, parsed.rack) == (7, RAck(7, CSeq(1, "INVITE")))
    assert parsed.refer_to is not None
    assert parsed.replaces == Replaces("1@a", "x", "y")
    assert (parsed.call_id, parsed.from_tag, parsed.to_tag) == (
        "1@a.example.com",
        "1",
        None,
    )
    assert parsed.body == b"v=0"


def test_tells_what_is_absent() -> None:
    parsed = request()
    absent = (
        parsed.max_forwards,
        parsed.content_type,
        parsed.content_length,
        parsed.accept,
        parsed.expires,
        parsed.session_expires,
        parsed.min_se,
        parsed.retry_after,
        parsed.rseq,
        parsed.rack,
        parsed.refer_to,
        parsed.replaces,
    )
    assert set(absent) == {None}
    assert parsed.contacts == parsed.routes == parsed.record_routes == ()
    assert not parsed.allow | parsed.require | parsed.supported


def test_reads_a_wildcard_contact() -> None:
    parsed = request(b"Contact: *")
    assert (parsed.is_wildcard_contact, parsed.contacts) == (True, ())
    assert not request(b"Contact: <sip:a@b>").is_wildcard_contact
    assert refusal(b"Contact: *, <sip:a@b>").status == 400


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"a b: no token",
        b"X: \x00",
        b"X: bare\nfeed",
        b"X: bare\rreturn",
        b"X: \x7f",
        b"X: " + b"a" * 9_000,
        b"From: <sip:a@b>",
        b"CSeq: 1 INVITE",
        b"Call-ID: 2",
        b"Max-Forwards: x",
        b"Max-Forwards: 7\r\nMax-Forwards: 7",
        b"Content-Length: 1",
        b"Content-Length: +0",
        b"Content-Type: sdp",
        b"Contact: nobody",
        b"Route: <sip:a",
        b"Record-Route: ,",
        b"Require: a b",
        b"Proxy-Require: ,",
        b"Supported: ,",
        b"Allow: ,",
        b"Accept: x",
        b"Expires: soon",
        b"Session-Expires: x",
        b"Min-SE: x",
        b"RSeq: -1",
        b"RAck: 1",
        b"Refer-To: <sip:a>, <sip:b>",
        b"Replaces: 1",
        b"Via: x",
    ],
)
def test_refuses_a_field_that_could_fail_later(line: bytes) -> None:
    error = refusal(line)
    assert error.status == 400
    assert error.answerable is not None
    assert error.answerable.via.branch == "z9hG4bK1" or line == b"Via: x"
    assert str(response_to(error.answerable, 400).cseq) == "1 INVITE"


def test_takes_octets_that_are_no_utf8_in_what_is_not_read() -> None:
    parsed = request(b"Subject: M\xfcller", b'Reply-To: "\xff" <sip:a@b>')
    assert parsed.headers.get("Subject") == "M\ufffdller"
    assert refusal(b"Contact: <sip:\xff@b>").status == 400


def test_refuses_too_much() -> None:
    assert refusal(*[b"X: y"] * 300).status == 513
    with pytest.raises(Malformed) as raised:
        parse(PLAIN + b"\r\n" + bytes(MOST_BYTES))
    assert raised.value.answerable is None


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n\r\n",
        b"hello",
        b"GET / HTTP/1.1",
        b"a b SIP/2.0.0",
        b"\xff sip:a SIP/2.0",
        b"SIP/2.0 099 Low",
        b"SIP/2.0 700 High",
        b"SIP/2.0 20 Short",
        b"SIP/3.0 200 OK",
        b"SIP/2.0 200 \x07",
    ],
)
def test_drops_what_is_no_sip(start: bytes) -> None:
    rest = PLAIN.partition(b"\r\n")[2]
    error = refusal(start=start + b"\r\n" + rest)
    assert (error.status, error.answerable) == (None, None)


@pytest.mark.parametrize(
    "line",
    [
        b"INVITE sip:a@b",
        b"INVITE a SIP/2.0",
        b"INVITE  SIP/2.0",
        b"INVITE sip:a SIP/3.0",
    ],
)
def test_refuses_request_lines(line: bytes) -> None:
    rest = PLAIN.partition(b"\r\n")[2]
    error = refusal(start=line + b"\r\n" + rest)
    assert error.status == {b"3.0": 505, b"a@b": None}.get(line[-3:], 400)


def test_reads_a_version_in_any_case() -> None:
    parsed = request(start=b"\r\n" + PLAIN.replace(b" SIP/2.0\r", b" sip/2.0\r", 1))
    assert parsed.start_line == "INVITE sip:bob@example.com SIP/2.0"


def test_answers_no_ack_and_nothing_without_a_way() -> None:
    ack = PLAIN.replace(b"INVITE", b"ACK")
    assert refusal(b"X", start=ack).status is None
    for via in (b"Via: broken", b"X-Via: gone"):
        broken = PLAIN.replace(b"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1", via)
        error = refusal(start=broken)
        assert (error.status, error.answerable) == (None, None)


def test_answers_what_was_cut_off() -> None:
    with pytest.raises(Malformed) as raised:
        parse(PLAIN)
    assert raised.value.status == 400


def test_refuses_responses_without_an_answer() -> None:
    start = b"SIP/2.0 200 OK\r\n" + PLAIN.partition(b"\r\n")[2]
    parsed = parse(start + b"Content-Length: 1\r\n\r\nabc")
    assert isinstance(parsed, Response)
    assert (parsed.status, parsed.phrase, parsed.body) == (200, "OK", b"a")
    for rest in (b"X\r\n\r\n", b"Content-Length: 9\r\n\r\n", b"Expires: x\r\n\r\n"):
        with pytest.raises(Malformed) as raised:
            parse(start + rest)
        assert (raised.value.status, raised.value.answerable) == (None, None)
    phraseless = start.replace(b" OK", b"")
    assert parse(phraseless + b"\r\n").phrase == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + b"X: " + b" " * 8_000 + b"\r\n\r\n",
        PLAIN + b"X: a" + b"\r\n " * 20_000 + b"\r\n\r\n",
        PLAIN + b"Contact: " + b"a," * 4_000 + b"\r\n\r\n",
        PLAIN + b"Contact: " + b'"\\' * 4_000 + b"\r\n\r\n",
        PLAIN + b"Contact: <sip:" + b"a." * 4_000 + b">\r\n\r\n",
        PLAIN + b"Via: " + b"SIP/2.0/UDP a;b=c," * 450 + b"!\r\n\r\n",
        PLAIN + b"Route: " + b'"a" <sip:a>,' * 650 + b"!\r\n\r\n",
        PLAIN + b"a:\r\n" * 15_000 + b"\r\n\r\n",
        b"\r\n" * 32_000,
        b"A" * 65_000,
        b" " * 65_000 + b"SIP/2.0",
    ],
)
def test_refuses_or_takes_the_worst_in_time(data: bytes) -> None:
    begun_at = time.perf_counter()
    try:
        parse(data)
    except Malformed as error:
        assert len(str(error)) < 100
    assert time.perf_counter() - begun_at < 1.0


# What we send


def test_renders_what_is_built() -> None:
    made = build_request(
        "INVITE",
        Uri.parse("sip:bob@example.com;method=BYE?Subject=x"),
        [
            ("v", "SIP/2.0/UDP us;branch=z9hG4bK2"),
            ("from", "<sip:us@here>;tag=1"),
            ("TO", "<sip:bob@example.com>"),
            ("call-id", "1"),
            ("cseq", "1 INVITE"),
        ],
        body=b"v=0",
        content_type="application/sdp",
    )
    assert render(made) == (
        b"INVITE sip:bob@example.com SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP us;branch=z9hG4bK2\r\n"
        b"From: <sip:us@here>;tag=1\r\n"
        b"To: <sip:bob@example.com>\r\n"
        b"Call-ID: 1\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Content-Length: 3\r\n\r\nv=0"
    )
    parsed = parse(render(made))
    assert isinstance(parsed, Request)
    assert parsed.content_length == 3
    assert parsed.uri == made.uri


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nVia: c"),
        ("X-A", "b\nc"),
        ("X-A", "b\rc"),
        ("X-A", "b\0c"),
        ("X-A", "b\\\r\n"),
        ("X-A", "\ud800"),
        ("X-A\r\n", "b"),
        ("X A", "b"),
        ("X:A", "b"),
        ("", "b"),
        ("É", "b"),
    ],
)
def test_lets_nobody_inject(name: str, value: str) -> None:
    with pytest.raises(ValueError):
        build_request("BYE", Uri.parse("sip:a"), [(name, value)])
    with pytest.raises(ValueError):
        request().with_header(name, value)
    with pytest.raises(ValueError):
        response_to(request(), 200, headers=[(name, value)])
    with pytest.raises(ValueError):
        checked_headers({name: value})


def test_lets_nobody_inject_elsewhere() -> None:
    uri = Uri.parse("sip:a")
    with pytest.raises(ValueError, match="method"):
        build_request("BYE sip:b", uri, [])
    with pytest.raises(ValueError):
        build_request("BYE", uri, [], content_type="a/b\r\nX: y")
    with pytest.raises(ValueError, match="phrase"):
        response_to(request(), 200, "OK\r\nX: y")
    with pytest.raises(ValueError, match="tag"):
        response_to(request(), 200, to_tag="a;b")
    for status in (99, 700):
        with pytest.raises(ValueError, match="status"):
            response_to(request(), status)


def test_answers_as_it_must() -> None:
    """8.2.6."""
    asked = request(
        b"Via: SIP/2.0/UDP b.example.com;branch=z9hG4bK0, SIP/2.0/TCP c",
        b"Record-Route: <sip:p1;lr>",
        b"Timestamp: 54",
    )
    trying = response_to(asked, 100, to_tag="x")
    assert trying.to_tag is None
    assert trying.headers.get("Timestamp") == "54"
    assert "Record-Route" not in trying.headers
    ringing = response_to(asked, 180, to_tag="x")
    assert (ringing.to_tag, ringing.phrase) == ("x", "Ringing")
    assert ringing.record_routes == asked.record_routes
    assert (ringing.vias, ringing.from_address) == (asked.vias, asked.from_address)
    assert (ringing.call_id, ringing.cseq) == (asked.call_id, asked.cseq)
    refused = response_to(asked, 486, "No", to_tag="x", headers=[("X-Why", "busy")])
    assert refused.start_line == "SIP/2.0 486 No"
    assert refused.headers.get("x-why") == "busy"
    assert "Record-Route" not in refused.headers
    answered = response_to(asked, 200, body=b"v=0", content_type="application/sdp")
    assert (answered.to_tag, answered.content_type) == (
        None,
        MediaType("application/sdp"),
    )
    tagged = request(
        start=PLAIN.replace(b"bob@example.com>", b"bob@example.com>;tag=y")
    )
    assert response_to(tagged, 200, to_tag="x").to_tag == "y"
    bare = request(start=PLAIN.replace(b"To: <sip:bob@example.com>", b"To: sip:bob@b"))
    assert response_to(bare, 200, to_tag="x").headers.get("To") == "sip:bob@b;tag=x"


def test_changes_copies_of_messages() -> None:
    asked = request(b"X-A: 1", b"X-B: 2", b"X-A: 3")
    assert asked.with_header("x-a", 7).headers.every("X-A") == ("7",)
    names = [name for name, _ in asked.with_header("X-A", 7, 8).headers]
    assert names[-3:] == ["x-a", "x-a", "X-B"] or names[-3:] == ["X-A", "X-A", "X-B"]
    assert "X-A" not in asked.with_header("X-A").headers
    passed = asked.with_via(Via("TCP", "us"))
    assert [via.host for via in passed.vias] == ["us", "a.example.com"]
    seen = passed.with_top_via(passed.via.seen_from("192.0.2.1", 5))
    assert seen.vias[0].parameters["received"] == "192.0.2.1"
    assert seen.vias[1:] == asked.vias
    added = asked.headers.added("l", "0")
    assert (len(added), [*added][-1]) == (
        len(asked.headers) + 1,
        ("Content-Length", "0"),
    )
    assert "L" in added
    assert hash(added) == hash(Headers(added))
    assert added != asked.headers
    assert added != ()


def test_fails_only_where_nothing_was_parsed() -> None:
    bare = build_request("BYE", Uri.parse("sip:a"), [])
    for name in ("via", "from_tag", "to_tag", "call_id", "cseq"):
        with pytest.raises(BadSyntax):
            getattr(bare, name)


def test_shows_no_identities_and_no_bodies() -> None:
    shown = repr(request(b"Authorization: Digest secret", body=b"v=0"))
    for hidden in ("alice", "bob", "secret", "v=0"):
        assert hidden not in shown
    assert "Authorization" in shown


# What applications see and say


def test_hands_out_what_sip_does_not_know() -> None:
    asked = request(
        b"X-Account: 7",
        b"x-account: 8",
        b"P-Asserted-Identity: <sip:a@b>",
        b'X-Bell: "\\\x07"',
        b"Subject: hello",
        b"User-Agent: phone",
    )
    assert extra_headers(asked.headers) == {
        "X-Account": "7, 8",
        "P-Asserted-Identity": "<sip:a@b>",
        "X-Bell": '"\\"',
    }


def test_takes_an_applications_headers() -> None:
    given = {"X-A": " b ", "subject": "c", "User-to-User": "3f;encoding=hex"}
    assert checked_headers(given) == (
        ("X-A", "b"),
        ("Subject", "c"),
        ("User-to-User", "3f;encoding=hex"),
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Via", "v", "From", "to", "Call-ID", "CSeq", "Contact", "m", "Route"),
        *("Record-Route", "Max-Forwards", "Content-Length", "content-anything", "c"),
        *("Authorization", "Proxy-Authorization", "Require", "Supported", "Replaces"),
        *("Refer-To", "Session-Expires", "User-Agent", "Event", "Expires"),
    ],
)
def test_refuses_an_application_what_is_ours_to_say(name: str) -> None:
    with pytest.raises(ValueError, match="not for applications"):
        checked_headers({name: "x"})


def test_refuses_an_application_too_much() -> None:
    for headers in (
        {f"X-{at}": "" for at in range(33)},
        {"X" * 65: ""},
        {"X-A": "a" * 1_025},
        {"X-A": "tab\there"},
    ):
        with pytest.raises(ValueError):
            checked_headers(headers)


# What can be served


def screened(asked: Request) -> Rejection | None:
    return screen(
        asked,
        methods=("INVITE", "ACK", "BYE"),
        extensions={"timer"},
        schemes={"sip", "tel"},
        content_types={"application/sdp"},
    )


def test_serves_what_it_knows() -> None:
    body = {"body": b"v=0"}
    assert screened(request(b"Require: TIMER", b"Accept: */*")) is None
    assert screened(request(b"Content-Type: Application/SDP; x=y", **body)) is None
    assert screened(request(**body)) is None
    assert screened(request(b"Content-Type: x/y")) is None
    optional = b"Content-Disposition: render; Handling=optional"
    assert screened(request(b"c: x/y", optional, **body)) is None


def test_says_why_it_cannot_serve() -> None:
    body = {"body": b"v=0"}
    unknown = request(b"Require: a, Timer, B")
    assert screened(unknown) == Rejection(420, (("Unsupported", "a, B"),))
    encoded = request(b"c: application/sdp", b"Content-Encoding: gzip", **body)
    assert screened(encoded) == Rejection(415, (("Accept-Encoding", "identity"),))
    elsewhere = PLAIN.replace(b"sip:bob@example.com SIP", b"http://x SIP")
    assert screened(request(start=elsewhere)) == Rejection(416)
    message = request(start=PLAIN.replace(b"INVITE", b"MESSAGE"))
    assert screened(message) == Rejection(405, (("Allow", "INVITE, ACK, BYE"),))


def test_refuses_neither_ack_nor_the_body_of_a_bye() -> None:
    ack = request(b"Require: nothing", start=PLAIN.replace(b"INVITE", b"ACK"))
    assert screened(ack) is None
    bye = PLAIN.replace(b"INVITE", b"BYE")
    assert screened(request(b"c: x/y", body=b"1", start=bye)) is None
