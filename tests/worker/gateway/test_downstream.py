"""Where a Close frame may be put into what another worker answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.gateway import downstream
from mediaworker.gateway.downstream import Downstream, close_frame, frame_size
from mediaworker.transports.peer import audio_as_events

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


def frame(opcode: int, size: int, *, is_masked: bool = False) -> bytes:
    mask = 0x80 if is_masked else 0
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([mask | size])
    elif size < 65_536:
        head += bytes([mask | 126]) + size.to_bytes(2)
    else:
        head += bytes([mask | 127]) + size.to_bytes(8)
    return head + b"m" * (4 if is_masked else 0) + bytes(size)


SIZES = st.sampled_from([0, 1, 125, 126, 640, 65_500, 65_535, 65_536, 70_000])
FRAMES = st.lists(
    st.builds(frame, st.sampled_from([0, 1, 2, 9, 10]), SIZES, is_masked=st.booleans()),
    max_size=4,
)


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 2_000), max_size=40), data=st.data())
def test_pass_on_all_bytes_however_they_come(
    frames: list[bytes], cuts: list[int], data: st.DataObject
) -> None:
    whole = HEAD + b"".join(frames)
    ends = {len(HEAD)}
    for one in frames:
        ends.add(max(ends) + len(one))
    down, told, at = Downstream(), b"", 0
    for cut in [*cuts, len(whole)]:
        told += down.push(whole[at : at + cut])
        at += cut
        assert whole.startswith(told)
        assert down.may_be_closed == (len(told) in ends)
        assert at - len(told) <= downstream.MOST_HELD + len(HEAD)
    assert told == whole
    assert not down.is_closed


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_know_that_it_was_closed(size: int) -> None:
    down, whole = Downstream(), HEAD + frame(1, 300) + close_frame(1000, "bye")
    told = b"".join(
        down.push(whole[at : at + size]) for at in range(0, len(whole), size)
    )
    assert told == whole
    assert down.is_closed and not down.may_be_closed


def test_leave_a_response_as_it_is() -> None:
    down = Downstream()
    assert down.push(FOUND[:9]) == b""
    assert not down.has_begun
    assert down.push(FOUND[9:]) == FOUND
    assert down.push(b"more") == b"more"
    assert down.has_begun and not down.may_be_closed


def test_pass_on_what_is_no_http() -> None:
    down = Downstream()
    assert down.push(bytes(20_000)) == bytes(20_000)
    assert down.has_begun and not down.is_socket


def test_size_of_a_frame_needs_its_head() -> None:
    for one in (frame(1, 3), frame(1, 300), frame(2, 70_000, is_masked=True)):
        sizes = [frame_size(one[:end], 0) for end in range(len(one) + 1)]
        known = [size for size in sizes if size is not None]
        assert set(known) == {len(one)}
        assert sizes[:2] == [None, None]


JSON_AUDIO = audio_as_events("t", lambda: 5)


def text(words: str) -> bytes:
    whole = words.encode()
    return frame(1, len(whole))[: -len(whole)] + whole


@pytest.mark.parametrize(
    "audio",
    [frame(2, 640), frame(2, 20), text(JSON_AUDIO(b"a")), text(JSON_AUDIO(bytes(640)))],
)
def test_leave_out_audio_that_would_come_too_late(audio: bytes) -> None:
    words, most = text('{"event":"hangup"}'), 10 * len(audio)
    for data, waiting, told in (
        (audio + words, most, audio + words),
        (audio + words, most + 1, words),
        (words + audio + words + audio, most + 1, words + words),
        (audio, most + 1, b""),
    ):
        down = Downstream()
        down.push(HEAD)
        assert down.push(data, waiting) == told
        assert down.may_be_closed
        assert down.frames_dropped == data.count(audio) - told.count(audio)


def test_leave_out_no_part_of_a_message() -> None:
    part = bytes([0x02]) + frame(2, 640)[1:]
    for whole in (part, frame(2, 70_000)):
        down = Downstream()
        down.push(HEAD)
        assert down.push(whole[:-1], 999_999) + down.push(whole[-1:], 999_999) == whole
        assert down.frames_dropped == 0
