"""What adapters share."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.exchange import (
    Samples,
    Sending,
    chunks,
    ms_of,
    parsed,
    refused,
    stretches,
)


class Wire:
    """A socket that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.is_broken = False

    async def send(self, message: str | bytes) -> None:
        if self.is_broken:
            raise Failure("the connection was lost", 502)
        self.sent.append(message)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        for message in self.sent:
            yield message


async def pieces(*audio: bytes) -> AsyncIterator[bytes]:
    for piece in audio:
        yield piece


async def broken() -> AsyncIterator[bytes]:
    yield b"ab"
    raise LookupError


async def endless() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def test_send_audio_in_chunks_and_what_is_left() -> None:
    async def talk() -> list[bytes]:
        audio = pieces(bytes(100), b"", bytes(902))
        return [each async for each in chunks(audio, 8_000, 8_000, 20)]

    assert [len(each) for each in asyncio.run(talk())] == [320, 320, 320, 42]


def test_send_all_and_the_end() -> None:
    wire = Wire()

    async def talk() -> None:
        async with Sending(wire, pieces(b"a", b"b"), "end", lambda piece: b"<" + piece):
            await asyncio.sleep(0)

    asyncio.run(talk())
    assert wire.sent == [b"<a", b"<b", "end"]


def test_say_the_end_where_there_was_more_to_say() -> None:
    wire = Wire()

    async def talk() -> None:
        async with Sending(wire, endless(), "end"):
            await asyncio.sleep(0)

    with pytest.raises(Failure, match="hung up"):
        asyncio.run(talk())
    assert wire.sent == ["end"]


def test_raise_what_the_audio_raised_unless_there_is_something_else() -> None:
    async def talk(error: Exception | None) -> None:
        async with Sending(Wire(), broken(), "end"):
            await asyncio.sleep(0)
            if error is not None:
                raise error

    with pytest.raises(LookupError):
        asyncio.run(talk(None))
    with pytest.raises(Failure, match="theirs"):
        asyncio.run(talk(Failure("theirs", 502)))


def test_leave_the_end_unsaid_where_the_connection_is_lost() -> None:
    wire = Wire()
    wire.is_broken = True

    async def talk() -> None:
        async with Sending(wire, pieces(b"a"), "end"):
            await asyncio.sleep(0)

    with pytest.raises(Failure, match="lost"):
        asyncio.run(talk())
    assert wire.sent == []


@pytest.mark.parametrize("message", ["", "[1]", "7", b"\xff", "[" * 100_000])
def test_refuse_what_is_no_object(message: str | bytes) -> None:
    with pytest.raises(Failure) as failed:
        parsed(message)
    assert failed.value.code == 502


@pytest.mark.parametrize(
    ("value", "per_ms", "ms"),
    [
        *((7, 1.0, 7), (0.5, 0.001, 500), (True, 1.0, None), ("7", 1.0, None)),
        *((-1, 1.0, None), (float("nan"), 1.0, None), (float("inf"), 1.0, None)),
        (10**30, 1.0, None),
    ],
)
def test_read_times(value: object, per_ms: float, ms: int | None) -> None:
    assert ms_of(value, per_ms) == ms


@given(st.text(st.sampled_from("ab .。"), max_size=200), st.integers(1, 40))
def test_cut_a_text_and_lose_nothing(text: str, most: int) -> None:
    found = list(stretches(text, most))
    assert "".join(part for _, part in found) == text
    assert all(0 < len(part) <= most for _, part in found)
    assert all(text[at : at + len(part)] == part for at, part in found)


def test_cut_behind_a_sentence_if_there_is_one() -> None:
    found = [part for _, part in stretches("One. Two three", 8)]
    assert found == ["One. ", "Two ", "three"]


@given(st.binary(max_size=50), st.integers(1, 9))
def test_keep_samples_whole(data: bytes, size: int) -> None:
    samples = Samples()
    told = [samples.whole(data[at : at + size]) for at in range(0, len(data), size)]
    assert all(len(each) % 2 == 0 for each in told)
    assert b"".join(told) == data[: len(data) // 2 * 2]


def test_tell_no_code_that_may_be_anything() -> None:
    assert refused("Known.More", {"Known": 403}).code == 403
    assert "there" not in refused("https://there", {}).sentence
