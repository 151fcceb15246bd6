"""Who and where: URIs, and the addresses that header fields carry (RFC 3261 19.1, 20).

What is parsed is rendered as it was written, but for spaces and the case of
schemes and hosts.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote as escape
from urllib.parse import unquote as unescape

from mediaworker.sip.grammar import (
    QUOTED,
    BadSyntax,
    Scanner,
    cleaned,
    number,
    quote,
    read_list,
    unquote,
)
from mediaworker.sip.parameters import (
    NO_PARAMETERS,
    Parameter,
    Parameters,
    read_parameters,
)

SIP_SCHEMES = frozenset({"sip", "sips"})
HIGHEST_PORT = 65_535
MOST_HOST_LETTERS = 255
SAFE_IN_USER = "-_.!~*'()&=+$,;?/"

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*):(.+)", re.DOTALL)
OPAQUE = re.compile(r"[A-Za-z0-9\-_.!~*'();/?:@&=+$,%#\[\]]+")
USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+")
PASSWORD = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*")
NAMED = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*\.?")
PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)(?::([0-9]+))?")
PARAMETER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+")
PARAMETER_VALUE = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$=]|%[0-9A-Fa-f]{2})+")
"""Wider than pvalue: proxies keep base64 in their routes."""
PAIRS = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$=&]|%[0-9A-Fa-f]{2})+")

DISPLAY_NAME = re.compile("[A-Za-z0-9\\-.!%*_+`'~ \t\x80-\U0010ffff]*(?=<)")
IN_BRACKETS = re.compile(r"<([^<>\s\"]+)>")
BARE = re.compile(r"[^\s,;?<>\"]+")

NO_URI = "a URI cannot be read"


@dataclass(frozen=True, slots=True)
class Uri:
    """A SIP or SIPS URI, or one of any other scheme."""

    scheme: str
    """In lower case."""
    host: str = ""
    """In lower case, IPv6 in brackets; empty for other schemes than sip and sips."""
    port: int | None = None
    user: str | None = None
    """As it is written, escapes and all; see `user_text`."""
    password: str | None = None
    parameters: Parameters = NO_PARAMETERS
    headers: str = ""
    """What stands after the question mark, as it is written; see `header_pairs`."""
    opaque: str = ""
    """What follows the colon of another scheme, such as tel."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        match = SCHEME.fullmatch(text)
        if match is None:
            raise BadSyntax(NO_URI)
        scheme, rest = match[1].lower(), match[2]
        if scheme in SIP_SCHEMES:
            return cls._parse_sip(scheme, rest)
        if not OPAQUE.fullmatch(rest):
            raise BadSyntax(NO_URI)
        return cls(scheme, opaque=rest)

    @classmethod
    def _parse_sip(cls, scheme: str, text: str) -> Self:
        userinfo, at, rest = text.rpartition("@")
        user, colon, password = userinfo.partition(":")
        if at and not (USER.fullmatch(user) and PASSWORD.fullmatch(password)):
            raise BadSyntax("the user of a URI cannot be read")
        rest, mark, headers = rest.partition("?")
        if mark and not PAIRS.fullmatch(headers):
            raise BadSyntax("the headers of a URI cannot be read")
        place, *parameters = rest.split(";")
        host, port = _read_place(place)
        return cls(
            scheme,
            host,
            port,
            user if at else None,
            password if colon else None,
            Parameters(tuple(_read_parameter(text) for text in parameters)),
            headers,
        )

    @classmethod
    def of(
        cls,
        user_text: str | None,
        host: str,
        port: int | None = None,
        *,
        scheme: str = "sip",
        parameters: Parameters = NO_PARAMETERS,
    ) -> Self:
        """Escapes the user; raises `ValueError` for what no URI can hold."""
        user = escape(user_text, safe=SAFE_IN_USER) if user_text else None
        return cls.parse(str(cls(scheme, host, port, user, parameters=parameters)))

    @property
    def is_sip(self) -> bool:
        """sip or sips."""
        return self.scheme in SIP_SCHEMES

    @property
    def user_text(self) -> str:
        """The user without escapes and control characters; the number of a tel URI."""
        if self.is_sip:
            return cleaned(unescape(self.user or ""))
        return cleaned(unescape(self.opaque.partition(";")[0]))

    @property
    def is_loose(self) -> bool:
        """The ``lr`` of a route (RFC 3261 19.1.1)."""
        return "lr" in self.parameters

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """Unescaped; such as the Replaces of a Refer-To."""
        pairs = (text.partition("=") for text in self.headers.split("&") if text)
        return tuple((unescape(name), unescape(value)) for name, _, value in pairs)

    def bare(self) -> Self:
        """Without headers and ``method``, as a Request-URI is (RFC 3261 19.1.5)."""
        parameters = self.parameters.without("method")
        return replace(self, headers="", parameters=parameters)

    def __str__(self) -> str:
        if not self.is_sip:
            return f"{self.scheme}:{self.opaque}"
        password = "" if self.password is None else f":{self.password}"
        user = "" if self.user is None else f"{self.user}{password}@"
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{self.parameters}{headers}"


@dataclass(frozen=True, slots=True)
class Address:
    """What From, To, Contact, Route and Refer-To carry."""

    uri: Uri
    name: str = ""
    """The display name, without quotes, escapes and control characters."""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, text: str, subject: str = "an address") -> Self:
        """Exactly one; raises `BadSyntax`."""
        scanner = Scanner(text, subject)
        address = cls.read(scanner)
        scanner.end()
        return address

    @classmethod
    def parse_list(cls, text: str, subject: str = "an address") -> list[Self]:
        """Comma separated, one at least; raises `BadSyntax`."""
        return read_list(Scanner(text, subject), cls.read)

    @classmethod
    def read(cls, scanner: Scanner) -> Self:
        """What begins here, with its parameters; raises `BadSyntax`."""
        quoted = scanner.take(QUOTED)
        if quoted is not None:
            name = unquote(quoted)
            scanner.skip_space()
            text = scanner.expect(IN_BRACKETS, "a URI in angle brackets")[1:-1]
        elif (unquoted := scanner.take(DISPLAY_NAME)) is not None:
            name = unquoted.strip(" \t")
            text = scanner.expect(IN_BRACKETS, "a URI in angle brackets")[1:-1]
        else:
            name, text = "", scanner.expect(BARE, "a URI")
        try:
            uri = Uri.parse(text)
        except BadSyntax as fault:
            raise scanner.fault(f"cannot be read: {fault}") from None
        return cls(uri, cleaned(name), read_parameters(scanner))

    @property
    def tag(self) -> str | None:
        return self.parameters.get("tag")

    def with_tag(self, tag: str) -> Self:
        """Raises `ValueError` when it is no token."""
        return replace(self, parameters=self.parameters.with_value("tag", tag))

    def __str__(self) -> str:
        name = f"{quote(self.name)} " if self.name else ""
        return f"{name}<{self.uri}>{self.parameters}"


def _read_place(text: str) -> tuple[str, int | None]:
    match = PLACE.fullmatch(text)
    if match is None or not is_host(match[1]):
        raise BadSyntax("the host of a URI cannot be read")
    port = None if match[2] is None else read_port(match[2])
    return match[1].lower(), port


def read_port(text: str) -> int:
    """Raises `BadSyntax`."""
    port = number(text, "a port", HIGHEST_PORT)
    if not port:
        raise BadSyntax("a port is 0")
    return port


def is_host(text: str) -> bool:
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    if not text.startswith("["):
        return len(text) <= MOST_HOST_LETTERS and NAMED.fullmatch(text) is not None
    try:
        ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return False
    return text.endswith("]") and "%" not in text


def _read_parameter(text: str) -> Parameter:
    name, equals, value = text.partition("=")
    if not PARAMETER.fullmatch(name) or (
        equals and not PARAMETER_VALUE.fullmatch(value)
    ):
        raise BadSyntax("the parameters of a URI cannot be read")
    return Parameter(unescape(name), unescape(value) if equals else None, text)
