"""URIs, addresses and the values of header fields (RFC 3261 19.1, 20, 25.1)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.fields import (
    CSeq,
    MediaType,
    RAck,
    Replaces,
    SessionExpires,
    Via,
    parse_call_id,
    parse_media_types,
    parse_tokens,
)
from mediaworker.sip.grammar import BadSyntax, Scanner, number, quote, unquote
from mediaworker.sip.parameters import NO_PARAMETERS, Parameters, read_parameters


def parameters(text: str) -> Parameters:
    return read_parameters(Scanner(text, "it"))


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.com",
        "sip:alice@example.com",
        "sips:alice:secret@example.com:5061;transport=tcp;lr?Subject=a%20b&Priority=",
        "sip:+14155550100;phone-context=x@[2001:db8::1]:5070;user=phone",
        "sip:pbx1",
        "sip:a@my_host.local.",
        "sip:p1;lr;vsf=AAA=",
        "sip:%ff@192.0.2.1",
        "tel:+1-415-555-0100;ext=7",
        "urn:service:sos",
    ],
)
def test_renders_a_uri_as_it_was_written(text: str) -> None:
    assert str(Uri.parse(text)) == text
    assert Uri.parse(str(Uri.parse(text))) == Uri.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice@example.com",
        "sip:",
        "sip:@example.com",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a%4@c",
        "sip:a@c:70000",
        "sip:a@c:0",
        "sip:a@c:x",
        "sip:a@[::1",
        "sip:a@[:::1]",
        "sip:a@b..c",
        "sip:a@" + "b" * 256,
        "sip:a@b;",
        "sip:a@b;=x",
        "sip:a@b;x=",
        "sip:a@b;lr;%6Cr",
        "sip:a@b?",
        "sip:a@b?x y",
        "tel:+1 415",
        "sip:é@b",
        "sip:a@b\r\nVia: x",
        "sip:a@b\n",
    ],
)
def test_refuses_what_is_no_uri(text: str) -> None:
    with pytest.raises(BadSyntax):
        Uri.parse(text)


def test_reads_the_parts_of_a_uri() -> None:
    uri = Uri.parse(
        "SIP:al%69ce%00:pw@EXAMPLE.com:5070;TRANSPORT=tcp;method=BYE"
        "?Replaces=1%40b%3Bto-tag%3Dx&Subject="
    )
    assert (uri.scheme, uri.host, uri.port, uri.password) == (
        "sip",
        "example.com",
        5070,
        "pw",
    )
    assert uri.user_text == "alice"
    assert uri.parameters["transport"] == "tcp"
    assert uri.header_pairs == (("Replaces", "1@b;to-tag=x"), ("Subject", ""))
    assert str(uri.bare()) == "sip:al%69ce%00:pw@example.com:5070;TRANSPORT=tcp"
    assert not uri.is_loose
    assert Uri.parse("sip:b").user_text == ""
    assert Uri.parse("sip:b").header_pairs == ()
    tel = Uri.parse("tel:+1415;ext=7")
    assert (tel.user_text, tel.is_sip, tel.host) == ("+1415", False, "")


def test_makes_uris_that_can_be_read() -> None:
    loose = NO_PARAMETERS.with_value("lr")
    assert str(Uri.of("a b@c\r\n", "H", 5060, parameters=loose)) == (
        "sip:a%20b%40c%0D%0A@h:5060;lr"
    )
    assert str(Uri.of(None, "[::1]", scheme="sips")) == "sips:[::1]"
    for host in ("", "a b", "a>b", "a\r\n"):
        with pytest.raises(ValueError):
            Uri.of("a", host)
    with pytest.raises(ValueError):
        Uri.of("\ud800", "h")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_escapes_any_user(user: str) -> None:
    uri = Uri.of(user, "h")
    expected = "".join(c for c in user if c >= " " and not "\x7f" <= c <= "\x9f")
    assert uri.user_text == expected


def test_reads_addresses_of_a_list() -> None:
    """Commas and brackets in quotes separate nothing."""
    text = (
        '"A, <x>" <sip:a@b;lr>;p="1;2,3", B c <sip:b@c> ; q=0.5,sip:d@e;x, '
        "<tel:+1>,Müller <sip:m@n>"
    )
    addresses = Address.parse_list(text)
    assert [address.name for address in addresses] == [
        "A, <x>",
        "B c",
        "",
        "",
        "Müller",
    ]
    assert addresses[0].parameters["P"] == "1;2,3"
    assert addresses[2].parameters["x"] is None
    again = [Address.parse(str(address)) for address in addresses]
    assert again == addresses
    assert str(addresses[0]) == '"A, <x>" <sip:a@b;lr>;p="1;2,3"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:a@b",
        '"a" sip:a@b',
        '"a <sip:a@b>',
        "< sip:a@b >",
        "a, b <sip:a@b>",
        "<sip:a@b>;",
        "<sip:a@b>;=1",
        "<sip:a@b>;a=",
        "<sip:a@b>;a=1;A=2",
        "<sip:a@b>, <sip:c@d>",
        "sip:a@b?x=y",
        "<foo>",
        "<sip:a@b>" + "".join(f";p{at}" for at in range(65)),
    ],
)
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(BadSyntax):
        Address.parse(text)


def test_tags_an_address() -> None:
    address = Address.parse("A <sip:a@b>;x")
    assert address.tag is None
    assert str(address.with_tag("1")) == '"A" <sip:a@b>;x;tag=1'
    assert address.with_tag("1").with_tag("2").tag == "2"
    for tag in ("", "a b", "a;b", "a\r\n"):
        with pytest.raises(ValueError):
            address.with_tag(tag)


def test_keeps_parameters_as_they_were() -> None:
    kept = parameters(';a;B="x\\"y";c=1')
    assert str(kept) == ';a;B="x\\"y";c=1'
    assert dict(kept) == {"a": None, "B": 'x"y', "c": "1"}
    assert ("b" in kept, "d" in kept) == (True, False)
    assert not kept.__contains__(1)
    assert kept == parameters(';C=1;A;b="x\\"y"')
    assert hash(kept) == hash(parameters(';C=1;A;b="x\\"y"'))
    assert kept != parameters(";a")
    assert kept != {"a": None}
    assert str(kept.with_value("C", "2").without("A")) == ';B="x\\"y";c=2'
    assert repr(parameters(";a")) == "Parameters(';a')"
    with pytest.raises(ValueError):
        kept.with_value("a b")
    with pytest.raises(KeyError):
        kept["d"]


def test_sees_where_a_via_came_from() -> None:
    """RFC 3261 18.2.1, RFC 3581 4."""
    (via,) = Via.parse_list("SIP/2.0/udp A.example:5062;branch=z9hG4bKx;rport")
    seen = via.seen_from("192.0.2.1", 7000)
    assert str(seen) == (
        "SIP/2.0/UDP a.example:5062;branch=z9hG4bKx;rport=7000;received=192.0.2.1"
    )
    assert seen.seen_from("192.0.2.2", 7001).parameters["received"] == "192.0.2.2"
    (same,) = Via.parse_list("SIP/2.0/TCP [2001:db8::1];branch=1;received=x")
    assert str(same.seen_from("2001:db8::1", 1)) == (
        "SIP/2.0/TCP [2001:db8::1];branch=1"
    )
    assert same.seen_from("2001:db8::2", 1).parameters["received"] == "2001:db8::2"
    assert (same.branch, same.has_magic_branch) == ("1", False)
    assert not Via("UDP", "h").has_magic_branch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ;x",
        "SIP/2.0/UDP a..b",
        "SIP/2.0/UDP a:",
        "SIP/2.0/UDP a:0",
        "SIP/2.0/UDP a;branch=1;branch=2",
        "SIP/2.0/UDP a,",
        "SIP-2.0/UDP a",
    ],
)
def test_refuses_what_is_no_via(text: str) -> None:
    with pytest.raises(BadSyntax):
        Via.parse_list(text)


@pytest.mark.parametrize(
    ("parse", "text", "rendered"),
    [
        (CSeq.parse, "007 \t INVITE", "7 INVITE"),
        (
            MediaType.parse,
            "Application / SDP;charset=utf-8",
            "application/sdp;charset=utf-8",
        ),
        (RAck.parse, " 01  02 INVITE ", "1 2 INVITE"),
        (SessionExpires.parse, "1800 ;Refresher = UAS", "1800;refresher=uas"),
        (SessionExpires.parse, "90", "90"),
        (Replaces.parse, "a@b;to-tag=1;from-tag=2", "a@b;to-tag=1;from-tag=2"),
        (
            Replaces.parse,
            "a;from-tag=2;to-tag=1;early-only",
            "a;to-tag=1;from-tag=2;early-only",
        ),
    ],
)
def test_reads_and_renders_values(
    parse: Callable[[str], object], text: str, rendered: str
) -> None:
    assert str(parse(text)) == rendered
    assert parse(rendered) == parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (CSeq.parse, "INVITE"),
        (CSeq.parse, "1"),
        (CSeq.parse, "1 A B"),
        (CSeq.parse, "2147483648 A"),
        (CSeq.parse, "١ A"),
        (MediaType.parse, "application"),
        (MediaType.parse, "application/"),
        (MediaType.parse, "a/b, c/d"),
        (RAck.parse, "1 INVITE"),
        (RAck.parse, "x"),
        (SessionExpires.parse, "x"),
        (SessionExpires.parse, "90;refresher=me"),
        (SessionExpires.parse, "99999999999"),
        (Replaces.parse, "a@b;to-tag=1"),
        (Replaces.parse, "a@b;from-tag=1"),
        (Replaces.parse, "a@;to-tag=1;from-tag=2"),
        (parse_call_id, "a b"),
        (parse_call_id, "a@"),
        (parse_call_id, "a@b@c"),
        (parse_media_types, "a"),
    ],
)
def test_refuses_other_values(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(BadSyntax):
        parse(text)


def test_reads_lists_that_may_be_empty() -> None:
    assert parse_tokens("", "Allow") == []
    assert parse_tokens("a , b", "Allow") == ["a", "b"]
    assert parse_media_types(" ") == []
    with pytest.raises(BadSyntax, match="Allow"):
        parse_tokens("a,,b", "Allow")


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", "１", "1" * 5_000, "257"])
def test_refuses_numbers_out_of_range(text: str) -> None:
    with pytest.raises(BadSyntax):
        number(text, "it", 256)
    assert number("000256", "it", 256) == 256
    assert number("0", "it", 256) == 0


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_quotes_any_text(text: str) -> None:
    assert unquote(quote(text)) == text
    assert parameters(f";a={quote(text)}")["a"] == text
