"""The application's end of a session."""

from mediaworker.runtime.line import (
    FEW_COMMANDS,
    FULL_COMMANDS,
    MOST_EVENTS_KEPT,
    Line,
)
from tests.worker.runtime.peer import FakePeer


def test_keep_events_for_who_comes_back() -> None:
    line, first, second = Line(), FakePeer(), FakePeer()
    line.attach(first)
    line.send("a")
    line.detach()
    line.send("b")
    line.send("c")
    assert line.send_audio(b"lost"), "nobody is there to miss it"
    line.attach(second)
    line.send("d")
    assert (first.texts, second.texts) == (["a"], ["b", "c", "d"])
    assert second.audio == []


def test_tell_when_too_much_is_kept() -> None:
    line = Line()
    for number in range(MOST_EVENTS_KEPT):
        line.send(str(number))
    assert not line.is_overfull
    line.send("one too many")
    assert line.is_overfull


def test_stop_reading_from_who_says_too_much() -> None:
    line, peer = Line(), FakePeer()
    line.attach(peer)
    for number in range(FULL_COMMANDS):
        assert not peer.is_paused
        line.put(str(number).encode())
    assert peer.is_paused
    for _ in range(FULL_COMMANDS - FEW_COMMANDS):
        assert peer.is_paused
        line.take()
    assert not peer.is_paused
    assert line.commands == FEW_COMMANDS


def test_close_once() -> None:
    line, peer = Line(), FakePeer()
    line.attach(peer)
    line.put(b"x")
    line.close(1000, "")
    line.close(1011, "again")
    assert peer.closed == (1000, "")
    assert line.commands == 0
    assert not line.is_attached
