"""Requests and responses as values (RFC 3261 7, 20).

The types are our own. Those of sipmessage 0.7.1 cannot carry what a message
must: it joins two quoted addresses of one list, splits quoted parameters, escapes
the parameters of header fields when it renders them, knows no URI headers and
three schemes alone, and its patterns for challenges take exponential time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, TypeVar

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.fields import (
    HIGHEST_SECONDS,
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
from mediaworker.sip.grammar import BadSyntax, is_token, number
from mediaworker.sip.headers import Headers, is_clean

LOWEST_STATUS, HIGHEST_STATUS = 100, 699

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """What requests and responses share.

    Typed fields raise `BadSyntax` in a message that was not parsed, or not checked.
    """

    headers: Headers
    body: bytes = field(default=b"", repr=False)

    @cached_property
    def vias(self) -> tuple[Via, ...]:
        found = self._every("Via", Via.parse_list)
        if not found:
            raise BadSyntax("Via is missing")
        return found

    @property
    def via(self) -> Via:
        """The topmost."""
        return self.vias[0]

    @cached_property
    def from_address(self) -> Address:
        return self._address("From")

    @cached_property
    def to_address(self) -> Address:
        return self._address("To")

    @property
    def from_tag(self) -> str | None:
        return self.from_address.tag

    @property
    def to_tag(self) -> str | None:
        return self.to_address.tag

    @cached_property
    def call_id(self) -> str:
        return parse_call_id(self._expect("Call-ID"))

    @cached_property
    def cseq(self) -> CSeq:
        return CSeq.parse(self._expect("CSeq"))

    @cached_property
    def max_forwards(self) -> int | None:
        return self._number("Max-Forwards")

    @cached_property
    def contacts(self) -> tuple[Address, ...]:
        """None of them when it is ``*``: see `is_wildcard_contact`."""
        return () if self.is_wildcard_contact else self._addresses("Contact")

    @property
    def is_wildcard_contact(self) -> bool:
        return self.headers.every("Contact") == ("*",)

    @cached_property
    def routes(self) -> tuple[Address, ...]:
        return self._addresses("Route")

    @cached_property
    def record_routes(self) -> tuple[Address, ...]:
        return self._addresses("Record-Route")

    @cached_property
    def content_type(self) -> MediaType | None:
        return self._optional("Content-Type", MediaType.parse)

    @cached_property
    def content_length(self) -> int | None:
        return self._number("Content-Length")

    @cached_property
    def require(self) -> frozenset[str]:
        return self._options("Require")

    @cached_property
    def proxy_require(self) -> frozenset[str]:
        return self._options("Proxy-Require")

    @cached_property
    def supported(self) -> frozenset[str]:
        """In lower case, as the tags of Require are."""
        return self._options("Supported")

    @cached_property
    def allow(self) -> frozenset[str]:
        """As they are written: the case of a method counts."""
        return frozenset(self._every("Allow", lambda text: parse_tokens(text, "Allow")))

    @cached_property
    def accept(self) -> tuple[str, ...] | None:
        """Mime types; None when it does not say."""
        if "Accept" not in self.headers:
            return None
        found = self._every("Accept", parse_media_types)
        return tuple(media_type.mime_type for media_type in found)

    @cached_property
    def expires(self) -> int | None:
        return self._number("Expires")

    @cached_property
    def session_expires(self) -> SessionExpires | None:
        return self._optional("Session-Expires", SessionExpires.parse)

    @cached_property
    def min_se(self) -> int | None:
        """Its parameters are left aside."""
        return self._optional("Min-SE", _seconds("Min-SE"))

    @cached_property
    def retry_after(self) -> int | None:
        """Its comment and parameters are left aside."""
        return self._optional("Retry-After", _seconds("Retry-After"))

    @cached_property
    def rseq(self) -> int | None:
        return self._number("RSeq")

    @cached_property
    def rack(self) -> RAck | None:
        return self._optional("RAck", RAck.parse)

    @cached_property
    def refer_to(self) -> Address | None:
        return self._optional("Refer-To", lambda text: Address.parse(text, "Refer-To"))

    @cached_property
    def replaces(self) -> Replaces | None:
        return self._optional("Replaces", Replaces.parse)

    def with_header(self, name: str, *values: object) -> Self:
        """As `Headers.replaced`; no value removes it."""
        texts = (str(value) for value in values)
        return replace(self, headers=self.headers.replaced(name, *texts))

    def with_via(self, via: Via) -> Self:
        """Another before those that are there."""
        return replace(self, headers=self.headers.prepended("Via", str(via)))

    def with_top_via(self, via: Via) -> Self:
        """Another in the place of the topmost."""
        return self.with_header("Via", via, *self.vias[1:])

    def _expect(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise BadSyntax(f"{name} is missing")
        return value

    def _optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        value = self.headers.get(name)
        return None if value is None else parse(value)

    def _every(self, name: str, parse: Callable[[str], list[T]]) -> tuple[T, ...]:
        values = self.headers.every(name)
        return tuple(item for value in values for item in parse(value))

    def _address(self, name: str) -> Address:
        return Address.parse(self._expect(name), name)

    def _addresses(self, name: str) -> tuple[Address, ...]:
        return self._every(name, lambda text: Address.parse_list(text, name))

    def _options(self, name: str) -> frozenset[str]:
        found = self._every(name, lambda text: parse_tokens(text, name))
        return frozenset(option.lower() for option in found)

    def _number(self, name: str) -> int | None:
        return self._optional(name, lambda text: number(text, name, HIGHEST_SECONDS))


@dataclass(frozen=True)
class Request(Message):
    method: str = field(kw_only=True)
    uri: Uri = field(kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not is_token(self.method):
            raise ValueError("a method is a token")

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


@dataclass(frozen=True)
class Response(Message):
    status: int = field(kw_only=True)
    phrase: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if not LOWEST_STATUS <= self.status <= HIGHEST_STATUS:
            raise ValueError("a status is a number from 100 to 699")
        if not is_clean(self.phrase):
            raise ValueError("a phrase has no control characters")

    @property
    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.phrase}"


def _seconds(name: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.partition(";")[0].partition("(")[0]
        return number(digits, name, HIGHEST_SECONDS)

    return parse
