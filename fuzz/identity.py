"""What proves who one is, or does not: credentials, tokens and key sets of strangers.

An input's first word says what it is: ``request`` with headers as lines, ``token``,
``claims`` that are signed as they should be, or ``keys``, an issuer's document.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import entry
from bench.clients import SECRET
from bench.memory_plane import plane_in_memory
from chalicelib.protocol.claims import UID_MAX_LENGTH, Principal
from chalicelib.protocol.jwks import MOST_KEYS, InvalidKeySet, KeySet
from chalicelib.protocol.tokens import Trust, Unauthenticated, admit, verify
from infra.laptop.clock import now_seconds
from infra.laptop.payload import HttpRequest, event_of

CPU_SECONDS = 2.0
"""More than any input may take."""
METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
PUBLIC = frozenset({"/health", "/asyncapi.json", "/protocol.schema.json"})
MOST_HEADERS = 50


def one_input(data: bytes) -> None:
    began = time.process_time()
    kind, _, rest = data.partition(b"\n")
    match kind.split(b" ")[0]:
        case b"token":
            _forge(rest.decode(errors="surrogateescape"))
        case b"claims":
            _claim(rest)
        case b"keys":
            _publish(rest)
        case _:
            _ask(kind, rest)
    assert time.process_time() - began < CPU_SECONDS, "it takes too long"


def _forge(token: str) -> None:
    """Nobody can sign without the secret."""
    trust = Trust(SECRET)
    tells: tuple[Callable[[], Principal], ...] = (
        lambda: verify(token, trust),
        lambda: admit({"authorization": token}, {}, trust),
        lambda: admit({}, {"token": token or "x"}, trust),
    )
    for tell in tells:
        with suppress(Unauthenticated):
            tell()
            raise AssertionError("a token was forged")


def _claim(told: bytes) -> None:
    """A header and claims, a line each, with a good signature."""
    parts = [_encoded(part) for part in told.split(b"\n", 1)]
    text = b".".join(parts)
    mac = hmac.digest(SECRET.encode(), text, hashlib.sha256)
    token = (text + b"." + _encoded(mac)).decode()
    try:
        principal = verify(token, Trust(SECRET))
    except Unauthenticated:
        return
    assert 1 <= len(principal.uid) <= UID_MAX_LENGTH
    assert principal.uid.encode() and principal.tenant.isascii()
    assert principal.role.value != "worker"


def _publish(document: bytes) -> None:
    try:
        keys = KeySet.parse(document)
    except InvalidKeySet:
        return
    assert len(keys.keys) <= MOST_KEYS
    header = b'{"alg":"RS256","kid":%s}'
    for kid in keys.keys:
        named = header % json.dumps(kid).encode()
        token = b".".join(map(_encoded, (named, b'{"sub":"a","exp":4000000000}', b"s")))
        with suppress(Unauthenticated):
            verify(token.decode(), Trust(SECRET, keys))
            raise AssertionError("a token was forged")


def _ask(first: bytes, rest: bytes) -> None:
    """``request METHOD path``, the headers, an empty line, the body."""
    words = first.decode(errors="replace").split(" ")
    method, path = (*words[1:3], "", "")[:2]
    head, _, body = rest.partition(b"\n\n")
    path, _, query = path.partition("?")
    request = HttpRequest(
        method=method if method in METHODS else "POST",
        path=path if path.startswith("/") else f"/{path}",
        raw_query=query,
        headers=(("host", "api.example"), *_headers(head)),
        body=body,
        source_ip="203.0.113.7",
        port=443,
    )
    event = event_of(request, str(uuid.uuid4()), int(now_seconds() * 1_000))
    answer = entry.http(event, None)
    assert answer["statusCode"] < 500, f"{answer['statusCode']} to {request.path}"
    if request.path not in PUBLIC and answer["statusCode"] < 400:
        told = json.loads(answer["body"])
        assert isinstance(told, dict) and told.get("result", 0) < 0, "a stranger is in"


def _headers(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode(errors="replace").split("\n")[:MOST_HEADERS]
    pairs = (line.partition(":") for line in lines)
    return [(name.strip().lower(), text.strip()) for name, _, text in pairs if text]


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def world() -> AbstractContextManager[None]:
    """In which the inputs are tried."""
    return plane_in_memory(SECRET)
