"""The values of single header fields, each a parse beside its ``str()``."""

import re
from dataclasses import dataclass, replace
from typing import Self

from mediaworker.sip.addresses import is_host, read_port
from mediaworker.sip.grammar import (
    NUMBER,
    TOKEN,
    WORD,
    Scanner,
    number,
    read_list,
)
from mediaworker.sip.parameters import NO_PARAMETERS, Parameters, read_parameters

MAGIC = "z9hG4bK"
AT = re.compile("@")
SENT_BY = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+")
HIGHEST_CSEQ = 2**31 - 1
HIGHEST_SECONDS = 2**32 - 1
VERSION = "SIP/2.0"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop (RFC 3261 20.42)."""

    transport: str
    """In capitals: UDP, TCP, TLS."""
    host: str
    """IPv6 in brackets."""
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS
    protocol: str = VERSION

    @classmethod
    def parse_list(cls, text: str) -> list[Self]:
        """Raises `BadSyntax`."""
        return read_list(Scanner(text, "Via"), cls._read)

    @classmethod
    def salvage(cls, text: str) -> Self:
        """The head of a broken one, for an answer to it; raises `BadSyntax`."""
        return cls._read_head(Scanner(text, "Via"))

    @classmethod
    def _read(cls, scanner: Scanner) -> Self:
        return replace(cls._read_head(scanner), parameters=read_parameters(scanner))

    @classmethod
    def _read_head(cls, scanner: Scanner) -> Self:
        name = scanner.expect(TOKEN, "its protocol")
        scanner.require("/")
        version = scanner.expect(TOKEN, "its version")
        scanner.require("/")
        transport = scanner.expect(TOKEN, "its transport")
        scanner.skip_space()
        host = scanner.expect(SENT_BY, "its host")
        if not is_host(host):
            raise scanner.fault("has no host")
        port = None
        if scanner.accept(":"):
            port = read_port(scanner.expect(NUMBER, "its port"))
        protocol = f"{name}/{version}".upper()
        return cls(transport.upper(), host.lower(), port, protocol=protocol)

    @property
    def branch(self) -> str | None:
        return self.parameters.get("branch")

    @property
    def has_magic_branch(self) -> bool:
        """A branch that is unique by RFC 3261, not one of RFC 2543 (8.1.1.7)."""
        branch = self.branch or ""
        return branch[:7].lower() == MAGIC.lower() and len(branch) > len(MAGIC)

    def seen_from(self, host: str, port: int) -> Self:
        """With received and, where it asks for it, rport (RFC 3261 18.2.1, RFC 3581).

        ``host`` is an address, IPv6 without brackets.
        """
        parameters = self.parameters.without("received")
        wants_port = parameters.get("rport", "") is None
        if wants_port:
            parameters = parameters.with_value("rport", str(port))
        if wants_port or self.host.strip("[]") != host:
            parameters = parameters.with_value("received", host)
        return replace(self, parameters=parameters)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.protocol}/{self.transport} {self.host}{port}{self.parameters}"


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    """Below 2**31 (RFC 3261 8.1.1.5)."""
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        scanner = Scanner(text, "CSeq")
        digits = scanner.expect(NUMBER, "its number")
        scanner.skip_space()
        method = scanner.expect(TOKEN, "its method")
        scanner.end()
        return cls(number(digits, "the number of CSeq", HIGHEST_CSEQ), method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class MediaType:
    mime_type: str
    """In lower case."""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        scanner = Scanner(text, "Content-Type")
        media_type = cls.read(scanner)
        scanner.end()
        return media_type

    @classmethod
    def read(cls, scanner: Scanner) -> Self:
        major = scanner.expect(TOKEN, "its type")
        scanner.require("/")
        minor = scanner.expect(TOKEN, "its subtype")
        return cls(f"{major}/{minor}".lower(), read_parameters(scanner))

    def __str__(self) -> str:
        return f"{self.mime_type}{self.parameters}"


@dataclass(frozen=True, slots=True)
class RAck:
    """What a PRACK acknowledges (RFC 3262 7.2)."""

    rseq: int
    cseq: CSeq

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        scanner = Scanner(text, "RAck")
        digits = scanner.expect(NUMBER, "its number")
        rest = text.strip(" \t")[len(digits) :]
        rseq = number(digits, "the number of RAck", HIGHEST_SECONDS)
        return cls(rseq, CSeq.parse(rest))

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq}"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """RFC 4028 4."""

    seconds: int
    refresher: str | None = None
    """uac or uas."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        scanner = Scanner(text, "Session-Expires")
        digits = scanner.expect(NUMBER, "its seconds")
        refresher = (read_parameters(scanner).get("refresher") or "").lower()
        scanner.end()
        if refresher not in ("", "uac", "uas"):
            raise scanner.fault("names no refresher")
        seconds = number(digits, scanner.subject, HIGHEST_SECONDS)
        return cls(seconds, refresher or None)

    def __str__(self) -> str:
        refresher = f";refresher={self.refresher}" if self.refresher else ""
        return f"{self.seconds}{refresher}"


@dataclass(frozen=True, slots=True)
class Replaces:
    """RFC 3891 6.1."""

    call_id: str
    to_tag: str
    from_tag: str
    is_early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSyntax`."""
        scanner = Scanner(text, "Replaces")
        found = read_call_id(scanner)
        parameters = read_parameters(scanner)
        scanner.end()
        to_tag, from_tag = parameters.get("to-tag"), parameters.get("from-tag")
        if not to_tag or not from_tag:
            raise scanner.fault("lacks a tag")
        return cls(found, to_tag, from_tag, "early-only" in parameters)

    def __str__(self) -> str:
        early = ";early-only" if self.is_early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def read_call_id(scanner: Scanner) -> str:
    """``word [@ word]``; raises `BadSyntax`."""
    found = scanner.expect(WORD, "a call id")
    if scanner.take(AT) is not None:
        found += "@" + scanner.expect(WORD, "what follows its @")
    return found


def parse_call_id(text: str) -> str:
    """Raises `BadSyntax`."""
    scanner = Scanner(text, "Call-ID")
    found = read_call_id(scanner)
    scanner.end()
    return found


def parse_tokens(text: str, subject: str) -> list[str]:
    """Of a list that may be empty; raises `BadSyntax`."""
    scanner = Scanner(text, subject)
    if scanner.is_done:
        return []
    return read_list(scanner, lambda inner: inner.expect(TOKEN, "a token"))


def parse_media_types(text: str) -> list[MediaType]:
    """Of Accept, which may be empty; raises `BadSyntax`."""
    scanner = Scanner(text, "Accept")
    return [] if scanner.is_done else read_list(scanner, MediaType.read)
