"""Messages cut out of a stream (RFC 3261 18.3, RFC 5626 3.5.1)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.sip.framing import (
    MOST_HEAD_BYTES,
    BrokenStream,
    Item,
    Ping,
    StreamFramer,
)

MESSAGE = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
EMPTY = b"BYE sip:a@b SIP/2.0\r\nl : 0\r\n\r\n"
FOLDED = b"BYE sip:a@b SIP/2.0\r\nCONTENT-LENGTH:\r\n 002\r\n\r\nok"
PING = b"\r\n\r\n"


def fed(*pieces: bytes) -> tuple[list[Item], str]:
    """All items, and how the stream broke."""
    framer, items = StreamFramer(), list[Item]()
    for piece in pieces:
        try:
            items += framer.feed(piece)
        except BrokenStream as error:
            return [*items, *error.before], str(error)
    return items, ""


def test_cuts_messages_and_pings() -> None:
    items, fault = fed(MESSAGE + EMPTY + PING + b"\r\n" + FOLDED)
    assert items == [MESSAGE, EMPTY, Ping(), FOLDED]
    assert not fault


def test_waits_for_the_rest() -> None:
    framer = StreamFramer()
    assert framer.feed(MESSAGE[:-1]) == []
    assert framer.pending_bytes == len(MESSAGE) - 1
    assert framer.feed(MESSAGE[-1:]) == [MESSAGE]
    assert framer.pending_bytes == 0


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1 2\r\n",
        b"Content-Length: 1\r\n 2\r\n",
        b"Content-Length: 1\r\nl: 2\r\n",
        b"Content-Length: 999999\r\n",
        b"Content-Length: 65536\r\n",
        b"Content-Length:\r\n",
    ],
)
def test_breaks_without_a_length_that_can_be_kept(head: bytes) -> None:
    items, fault = fed(MESSAGE + b"BYE sip:a@b SIP/2.0\r\n" + head + b"\r\n" + EMPTY)
    assert items == [MESSAGE]
    assert fault


def test_stays_broken() -> None:
    framer = StreamFramer()
    for _ in range(2):
        with pytest.raises(BrokenStream, match="Content-Length"):
            framer.feed(b"GET / HTTP/1.1\r\n\r\n")
        assert framer.pending_bytes == 0


@pytest.mark.parametrize("size", [MOST_HEAD_BYTES + 1, 3 * MOST_HEAD_BYTES])
def test_breaks_when_a_head_does_not_end(size: int) -> None:
    assert fed(b"a" * size) == ([], "the header fields are too long")
    assert fed(*[b"a" * 100] * (size // 100 + 1))[1]
    assert fed(b"a" * size + PING)[1] == "the header fields are too long"


STREAMS = st.lists(
    st.one_of(
        st.sampled_from([MESSAGE, EMPTY, FOLDED, PING, b"\r\n", b"\r"]),
        st.binary(max_size=40),
    ),
    max_size=8,
).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=20))
def test_cuts_the_same_however_it_is_split(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert fed(*pieces) == fed(stream)
    assert fed(*(bytes([octet]) for octet in stream)) == fed(stream)
