"""Messages of RFC 4475 gone wrong: refused in one sentence, or taken whole."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutation import inputs
from fuzz.sip import one_input
from tests.worker.sip.torture.expander import message, names

MUTATIONS = 3_000
MESSAGES = [message(name) for name in names()]


def test_takes_or_refuses_thousands_of_mutations() -> None:
    for data in itertools.islice(inputs(4475, MESSAGES), MUTATIONS):
        one_input(data)


@given(st.sampled_from(MESSAGES), st.integers(0, 4_096), st.binary(max_size=8))
@settings(max_examples=200)
def test_takes_or_refuses_what_is_written_over(
    data: bytes, place: int, piece: bytes
) -> None:
    one_input(data[:place] + piece + data[place + len(piece) :])


@given(st.binary(max_size=200))
def test_takes_or_refuses_anything(data: bytes) -> None:
    one_input(data)
    one_input(b"INVITE sip:a@b SIP/2.0\r\n" + data)
