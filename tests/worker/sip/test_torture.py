"""Every message of RFC 4475, and what the RFC says is to become of it."""

from typing import NamedTuple

import pytest

from mediaworker.sip.challenger import Challenger
from mediaworker.sip.digest import Credentials
from mediaworker.sip.framing import BrokenStream, StreamFramer
from mediaworker.sip.messages import (
    Malformed,
    Rejection,
    Request,
    Response,
    is_misrouted,
    parse,
    render,
    response_to,
    screen,
)
from tests.worker.sip.torture.expander import expanded, message, names

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "MESSAGE", "REGISTER")
ALLOW = (("Allow", ", ".join(METHODS)),)


class Verdict(NamedTuple):
    section: str
    refused: int | None = None
    """What `parse` says that it is answered with."""
    screened: int | None = None
    """What `screen` says, where it parses."""
    is_dropped: bool = False


VERDICTS = {
    "wsinv": Verdict("3.1.1.1"),
    "intmeth": Verdict("3.1.1.2", screened=501),
    "esc01": Verdict("3.1.1.3"),
    "escnull": Verdict("3.1.1.4"),
    "esc02": Verdict("3.1.1.5", screened=501),
    "lwsdisp": Verdict("3.1.1.6"),
    "longreq": Verdict("3.1.1.7"),
    "dblreq": Verdict("3.1.1.8"),
    "semiuri": Verdict("3.1.1.9"),
    "transports": Verdict("3.1.1.10"),
    "mpart01": Verdict("3.1.1.11", screened=415),
    "unreason": Verdict("3.1.1.12"),
    "noreason": Verdict("3.1.1.13"),
    "badinv01": Verdict("3.1.2.1", 400),
    "clerr": Verdict("3.1.2.2", 400),
    "ncl": Verdict("3.1.2.3", 400),
    "scalar02": Verdict("3.1.2.4", 400),
    "scalarlg": Verdict("3.1.2.5", is_dropped=True),
    "quotbal": Verdict("3.1.2.6", 400),
    "ltgtruri": Verdict("3.1.2.7", 400),
    "lwsruri": Verdict("3.1.2.8", 400),
    "lwsstart": Verdict("3.1.2.9", 400),
    "trws": Verdict("3.1.2.10", 400),
    "escruri": Verdict("3.1.2.11", 400),
    # Left to the element, which may take it as if the field were not there.
    "baddate": Verdict("3.1.2.12"),
    "regbadct": Verdict("3.1.2.13", 400),
    "badaspec": Verdict("3.1.2.14", 400),
    "baddn": Verdict("3.1.2.15", 400),
    "badvers": Verdict("3.1.2.16", 505),
    "mismatch01": Verdict("3.1.2.17", 400),
    "mismatch02": Verdict("3.1.2.18", 501),
    "bigcode": Verdict("3.1.2.19", is_dropped=True),
    "badbranch": Verdict("3.2.1"),
    "insuf": Verdict("3.3.1", 400),
    "unkscm": Verdict("3.3.2", screened=416),
    "novelsc": Verdict("3.3.3", screened=416),
    "unksm2": Verdict("3.3.4", screened=400),
    "bext01": Verdict("3.3.5", screened=420),
    "invut": Verdict("3.3.6", screened=415),
    "regaut01": Verdict("3.3.7"),
    "multi01": Verdict("3.3.8", 400),
    "mcl01": Verdict("3.3.9", 400),
    "bcast": Verdict("3.3.10", is_dropped=True),
    "zeromf": Verdict("3.3.11"),
    "cparam01": Verdict("3.3.12"),
    "cparam02": Verdict("3.3.13"),
    "regescrt": Verdict("3.3.14"),
    "sdp01": Verdict("3.3.15", screened=406),
    "inv2543": Verdict("3.4.1"),
}
MANDATORY = ("From", "To", "Call-ID", "CSeq")


def screened(request: Request) -> Rejection | None:
    return screen(
        request,
        methods=METHODS,
        extensions={"100rel", "timer"},
        schemes={"sip", "sips", "tel"},
        content_types={"application/sdp"},
    )


def request(name: str) -> Request:
    parsed = parse(message(name))
    assert isinstance(parsed, Request)
    return parsed


def response(name: str) -> Response:
    parsed = parse(message(name))
    assert isinstance(parsed, Response)
    return parsed


def test_verdicts_are_of_all_messages() -> None:
    assert sorted(VERDICTS) == names()
    assert len(VERDICTS) == 49


@pytest.mark.parametrize("name", [n for n, v in VERDICTS.items() if v.refused])
def test_refuses_as_the_rfc_says(name: str) -> None:
    with pytest.raises(Malformed) as raised:
        parse(message(name))
    status, answerable = raised.value.status, raised.value.answerable
    assert status == VERDICTS[name].refused
    assert status is not None
    assert answerable is not None
    answer = response_to(answerable, status, to_tag="ours")
    assert answer.vias == answerable.vias
    for header in MANDATORY:
        there = answerable.headers.every(header)
        assert len(answer.headers.every(header)) == len(there) <= 1
    assert render(answer).startswith(f"SIP/2.0 {status} ".encode())


@pytest.mark.parametrize(
    "name", [n for n, v in VERDICTS.items() if not v.refused and not v.is_dropped]
)
def test_takes_and_screens_as_the_rfc_says(name: str) -> None:
    parsed = parse(message(name))
    assert parse(render(parsed)) == parse(render(parse(render(parsed))))
    if isinstance(parsed, Request):
        rejection = screened(parsed)
        assert (rejection and rejection.status) == VERDICTS[name].screened
        assert parsed.uri == parse(render(parsed)).uri  # type: ignore[union-attr]
    else:
        assert not is_misrouted(parsed)


@pytest.mark.parametrize("name", ["scalarlg", "bigcode"])
def test_drops_a_response_out_of_range(name: str) -> None:
    with pytest.raises(Malformed) as raised:
        parse(message(name))
    assert raised.value.status is None
    assert raised.value.answerable is None


def test_drops_a_response_with_a_second_via() -> None:
    """3.3.10, by RFC 3261 8.1.3.3."""
    parsed = response("bcast")
    assert parsed.vias[1].host == "255.255.255.255"
    assert is_misrouted(parsed)


def test_reads_a_short_tortuous_invite() -> None:
    """3.1.1.1."""
    parsed = request("wsinv")
    assert str(parsed.uri) == "sip:vivekg@chair-dnrc.example.com;unknownparam"
    assert parsed.to_tag == "1918181833n"
    assert parsed.from_tag == "98asjd8"
    assert parsed.from_address.name == 'J Rosenberg \\"'
    assert (parsed.max_forwards, parsed.cseq.number, parsed.cseq.method) == (
        68,
        9,
        "INVITE",
    )
    assert [(via.transport, via.host, via.branch) for via in parsed.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert [via.has_magic_branch for via in parsed.vias] == [False, True, True]
    assert parsed.headers.get("Subject") == ""
    assert (
        parsed.headers.get("NewFangledHeader")
        == "newfangled value continued newfangled value"
    )
    assert parsed.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert parsed.routes[0].uri.is_loose
    assert parsed.routes[0].uri.parameters["unknown-no-value"] is None
    (contact,) = parsed.contacts
    assert contact.name == 'Quoted string ""'
    assert dict(contact.parameters) == {
        "newparam": "newvalue",
        "secondparam": None,
        "q": "0.33",
    }
    assert len(parsed.body) == 150


def test_reads_a_wide_range_of_characters() -> None:
    """3.1.1.2: the control characters stay on the wire and go no further."""
    parsed = request("intmeth")
    assert parsed.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert parsed.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert parsed.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert parsed.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert parsed.to_address.name == "BEL: NUL: DEL:"
    assert parsed.from_address.name == "token1~` token2'+_ token3*%!.-"
    assert parsed.from_address.parameters["fromParam''~+*_!.-%"] == "работающий"
    assert parsed.from_tag == "_token~1'+`*%!-."
    assert parsed.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert parsed.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    answer = response_to(parsed, 501, to_tag="ours", headers=ALLOW)
    assert b'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <' in render(answer)
    assert answer.to_tag == "ours"
    assert screened(parsed) == Rejection(501, ALLOW)


def test_reads_escapes_where_they_are_escapes() -> None:
    """3.1.1.3."""
    parsed = request("esc01")
    assert parsed.uri.host == "example.net"
    assert parsed.uri.user_text == "sips:user@example.com"
    assert parsed.to_address.uri.user_text == "user"
    assert parsed.from_address.uri.user_text == "I have spaces"
    uri = parsed.contacts[0].uri
    assert (uri.user_text, uri.is_loose) == ("caller", True)
    assert uri.parameters["name"] == "value%41"
    assert str(uri) == "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31"


def test_keeps_escaped_nulls_escaped() -> None:
    """3.1.1.4."""
    parsed = request("escnull")
    assert [contact.uri.user for contact in parsed.contacts] == ["%00", "%00%00"]
    assert parsed.to_address.uri.user_text == "null--null"
    assert b"\0" not in render(parsed)


def test_reads_no_escapes_where_there_are_none() -> None:
    """3.1.1.5."""
    parsed = request("esc02")
    assert parsed.method == "RE%47IST%45R"
    assert parsed.to_address.name == "%Z%45"
    assert parsed.via.branch == "z9hG4bK209%fzsnel234"
    users = [contact.uri.user for contact in parsed.contacts]
    assert users == ["alias1", "alias3"]


def test_reads_a_display_name_without_space() -> None:
    """3.1.1.6."""
    assert request("lwsdisp").from_address.name == "caller"


def test_reads_long_values() -> None:
    """3.1.1.7."""
    parsed = request("longreq")
    assert len(parsed.vias) == 34
    assert parsed.vias[-1].parameters["received"] == "192.0.2.5"
    assert parsed.from_tag == "12" + "982" * 50 + "424"
    parameters = parsed.to_address.uri.parameters
    assert parameters["longparam" + "name" * 25] == "shortvalue"
    assert parameters["very" + "long" * 25 + "ParameterNameWithNoValue"] is None


def test_leaves_what_follows_in_a_datagram() -> None:
    """3.1.1.8."""
    parsed = request("dblreq")
    assert (parsed.method, parsed.body) == ("REGISTER", b"")
    assert b"INVITE" not in render(parsed)


def test_frames_both_of_two_requests_in_a_stream() -> None:
    """3.1.1.8, as it would be on TCP."""
    items = StreamFramer().feed(message("dblreq"))
    parsed = [parse(item) for item in items if isinstance(item, bytes)]
    assert [item.method for item in parsed if isinstance(item, Request)] == [
        "REGISTER",
        "INVITE",
    ]


def test_reads_semicolons_in_a_user() -> None:
    """3.1.1.9."""
    parsed = request("semiuri")
    assert parsed.uri.user_text == "user;par=u@example.net"
    assert (parsed.uri.host, len(parsed.uri.parameters)) == ("example.com", 0)
    assert parsed.accept is not None
    assert parsed.accept[1:3] == ("application/pkcs7-mime", "multipart/mixed")


def test_reads_unknown_transports() -> None:
    """3.1.1.10."""
    transports = [via.transport for via in request("transports").vias]
    assert transports == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_keeps_a_binary_body() -> None:
    """3.1.1.11."""
    parsed = request("mpart01")
    assert len(parsed.body) == 553
    assert message("mpart01").endswith(parsed.body)
    assert parsed.content_type is not None
    assert parsed.content_type.mime_type == "multipart/mixed"
    assert parsed.content_type.parameters["boundary"] == "7a9cbec02ceef655"


def test_reads_an_unusual_phrase_and_none() -> None:
    """3.1.1.12 and 3.1.1.13."""
    unusual = "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert response("unreason").phrase == unusual
    assert response("noreason").phrase == ""
    assert render(response("noreason")).startswith(b"SIP/2.0 100 \r\n")


def test_refuses_a_display_name_of_other_than_tokens() -> None:
    """3.1.2.15, with the empty line that ends it there."""
    with pytest.raises(Malformed, match="From") as raised:
        parse(message("baddn") + b"\r\n")
    assert raised.value.status == 400


@pytest.mark.parametrize("name", ["ncl", "mcl01"])
def test_ends_a_stream_whose_length_is_unknown(name: str) -> None:
    """3.1.2.3 and 3.3.9."""
    with pytest.raises(BrokenStream):
        StreamFramer().feed(message(name))


def test_waits_in_a_stream_for_what_is_missing() -> None:
    """3.1.2.2."""
    framer = StreamFramer()
    assert framer.feed(message("clerr")) == []
    missing = 9_999 - 154
    assert len(framer.feed(b"a" * missing)) == 1


def test_reads_a_branch_that_is_magic_alone() -> None:
    """3.2.1: it is matched as one of RFC 2543."""
    via = request("badbranch").via
    assert (via.branch, via.has_magic_branch) == ("z9hG4bK", False)


def test_answers_what_lacks_the_mandatory() -> None:
    """3.3.1."""
    with pytest.raises(Malformed) as raised:
        parse(message("insuf"))
    assert raised.value.answerable is not None
    answer = response_to(raised.value.answerable, 400, to_tag="ours")
    assert [name for name, _ in answer.headers] == ["Via", "CSeq"]


def test_names_what_it_does_not_support() -> None:
    """3.3.5."""
    rejection = screened(request("bext01"))
    unsupported = "nothingSupportsThis, nothingSupportsThisEither"
    assert rejection == Rejection(420, (("Unsupported", unsupported),))


def test_names_the_bodies_that_it_takes() -> None:
    """3.3.6."""
    assert screened(request("invut")) == Rejection(
        415, (("Accept", "application/sdp"),)
    )


def test_takes_unknown_credentials_for_none() -> None:
    """3.3.7."""
    value = request("regaut01").headers.get("Authorization")
    assert value is not None
    verdict = Challenger("here", b"secret").verify(
        value, Credentials("j", "p"), "REGISTER", 0.0
    )
    assert verdict.username is None


def test_answers_the_first_of_each_that_stands_twice() -> None:
    """3.3.8."""
    with pytest.raises(Malformed) as raised:
        parse(message("multi01"))
    assert raised.value.answerable is not None
    answer = response_to(raised.value.answerable, 400, to_tag="ours")
    assert answer.cseq.number == 5
    assert answer.call_id == "multi01.98asdh@192.0.2.1"
    assert (answer.from_tag, answer.to_tag) == ("3413415", "ours")


def test_takes_what_goes_no_further() -> None:
    """3.3.11."""
    assert request("zeromf").max_forwards == 0


def test_tells_contact_parameters_from_those_of_the_uri() -> None:
    """3.3.12 to 3.3.14."""
    (outside,) = request("cparam01").contacts
    (inside,) = request("cparam02").contacts
    (escaped,) = request("regescrt").contacts
    assert list(outside.parameters) == list(inside.uri.parameters) == ["unknownparam"]
    assert list(outside.uri.parameters) == list(inside.parameters) == []
    assert escaped.uri.header_pairs == (("Route", "<sip:sip.example.com>"),)


def test_takes_an_invite_of_rfc_2543() -> None:
    """3.4.1."""
    parsed = request("inv2543")
    assert (parsed.from_tag, parsed.via.branch, parsed.contacts) == (None, None, ())
    assert parsed.max_forwards is None
    assert parsed.to_address.parameters["user"] == "phone"
    assert parsed.from_address.uri.parameters["user"] == "phone"
    assert len(parsed.body) == 105
    answer = response_to(parsed, 180, to_tag="ours")
    assert answer.record_routes == parsed.record_routes


def test_expands_the_markup_of_the_rfc() -> None:
    joined = "<allOneLine>\na\n b<repeat count=2>cd</repeat>\n</allOneLine>\n"
    assert expanded(joined) == b"a bcdcd\r\n"
    assert expanded("<hex>00\nFF</hex>\n") == b"\x00\xff\r\n"
