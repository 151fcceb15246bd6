"""SIP off the wire: taken whole and the same again, or refused in one sentence.

What can be answered is answered; a stream is cut the same, however it is split.
"""

from mediaworker.sip.challenger import Challenger
from mediaworker.sip.digest import Challenge, Credentials, Unanswerable, answer
from mediaworker.sip.framing import BrokenStream, Item, StreamFramer
from mediaworker.sip.grammar import BadSyntax
from mediaworker.sip.headers import extra_headers
from mediaworker.sip.messages import (
    Malformed,
    Request,
    Response,
    parse,
    render,
    response_to,
    screen,
)
from mediaworker.sip.reasons import parse_reasons

PIECE = 7
SOMEBODY = Credentials("somebody", "secret")
CHALLENGER = Challenger("here", b"key")


def one_input(data: bytes) -> None:
    _datagram(data)
    _stream(data)
    text = data.decode("latin-1")
    _authentication(text)
    _reasons(text)


def _datagram(data: bytes) -> None:
    try:
        message = parse(data)
    except Malformed as error:
        _refused(error)
        return
    rendered = render(message)
    again = parse(rendered)
    assert render(again) == rendered
    assert again.body == message.body
    for value in extra_headers(message.headers).values():
        assert value.isprintable() or not value.isascii(), value
    if isinstance(message, Request):
        _served(message)


def _refused(error: Malformed) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 200
    assert (error.status is None) == (error.answerable is None)
    if error.answerable is not None and error.status is not None:
        refusal = response_to(error.answerable, error.status, to_tag="t")
        assert refusal.via.host
        _is_one_message(refusal)


def _served(request: Request) -> None:
    response = response_to(request, 200, to_tag="t")
    assert response.to_tag
    assert response.vias == request.vias
    _is_one_message(response)
    parse(render(response))
    screen(
        request,
        methods=("INVITE",),
        extensions={"timer"},
        schemes={"sip"},
        content_types={"application/sdp"},
    )


def _is_one_message(response: Response) -> None:
    rendered = render(response)
    assert rendered.count(b"\r\n\r\n") == 1
    assert StreamFramer().feed(rendered) == [rendered]


def _stream(data: bytes) -> None:
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    assert _cut([data]) == _cut(pieces)


def _cut(pieces: list[bytes]) -> tuple[list[Item], str]:
    framer, items = StreamFramer(), list[Item]()
    for piece in pieces:
        try:
            items += framer.feed(piece)
        except BrokenStream as error:
            return [*items, *error.before], str(error)
    return items, ""


def _authentication(text: str) -> None:
    for value in (text, f"Digest {text}"):
        assert CHALLENGER.verify(value, SOMEBODY, "INVITE", 0.0).username is None
        try:
            challenge = Challenge.parse(value)
        except (BadSyntax, Unanswerable):
            continue
        answer(challenge, SOMEBODY, "INVITE", "sip:a@b", cnonce="c", nonce_count=1)


def _reasons(text: str) -> None:
    try:
        reasons = parse_reasons(text)
    except BadSyntax:
        return
    assert parse_reasons(", ".join(map(str, reasons))) == reasons
