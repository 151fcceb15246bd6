"""Messages through the socket, both ways, in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.speech.framing import LARGEST, LENGTH, BrokenFrame, Unpacker, pack
from mediaworker.speech.replies import Chunk, Reply
from mediaworker.speech.requests import Cancel, Heard, Request

MESSAGES: list[Request | Reply] = [
    Cancel(1),
    Chunk(2, bytes(range(256))),
    Heard(8_000, (1, 2), b"\x01\x02" * 320),
]


@given(st.lists(st.sampled_from(MESSAGES), max_size=5), st.integers(1, 700))
def test_unpack_what_was_packed(sent: list[Request | Reply], size: int) -> None:
    data = b"".join(map(pack, sent))
    unpacker = Unpacker()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [found for piece in pieces for found in unpacker.feed(piece)] == sent


def test_refuse_a_message_without_end() -> None:
    with pytest.raises(BrokenFrame):
        Unpacker().feed(LENGTH.pack(LARGEST + 1))


def test_refuse_what_is_no_message() -> None:
    with pytest.raises(BrokenFrame):
        Unpacker().feed(LENGTH.pack(3) + b"abc")
