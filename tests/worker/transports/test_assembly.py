"""Fragments become messages, whatever stands between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.codec import MAX_COMMAND_BYTES
from mediaworker.transports.assembly import (
    PROTOCOL_ERROR,
    TOO_BIG,
    Assembler,
    Kind,
    Violation,
)

Pieces = st.lists(st.binary(max_size=20), min_size=1, max_size=6)


@given(st.lists(st.tuples(st.sampled_from([Kind.TEXT, Kind.BINARY]), Pieces)))
def test_join_what_was_taken_apart(messages: list[tuple[Kind, list[bytes]]]) -> None:
    assembler = Assembler()
    texts: list[bytes] = []
    audio = b""
    for kind, pieces in messages:
        for place, piece in enumerate(pieces):
            whole, payload = assembler.take(
                kind if place == 0 else Kind.CONTINUATION,
                piece,
                place == len(pieces) - 1,
            )
            if whole is Kind.TEXT:
                texts.append(payload)
            else:
                audio += payload
    assert texts == [b"".join(p) for kind, p in messages if kind is Kind.TEXT]
    of_audio = [b"".join(p) for kind, p in messages if kind is Kind.BINARY]
    assert audio == b"".join(of_audio)


def test_refuse_a_message_within_another() -> None:
    assembler = Assembler()
    with pytest.raises(Violation) as violation:
        assembler.take(Kind.CONTINUATION, b"", True)
    assert violation.value.code == PROTOCOL_ERROR
    assembler.take(Kind.TEXT, b"", False)
    with pytest.raises(Violation):
        assembler.take(Kind.BINARY, b"", True)


def test_refuse_a_text_that_grows_too_long() -> None:
    assembler = Assembler()
    assembler.take(Kind.TEXT, b"a" * MAX_COMMAND_BYTES, False)
    with pytest.raises(Violation) as violation:
        assembler.take(Kind.CONTINUATION, b"a", True)
    assert violation.value.code == TOO_BIG
