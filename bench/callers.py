"""Applications on the media worker's socket: many of them, cheaply, in one loop."""

import asyncio
import gc
import json
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import picows
import uvloop

from bench.lateness import FRAME_SECONDS, LATE_SECONDS, Lateness
from bench.machine import GENERATOR_CORE, pinned

Event = Mapping[str, Any]


class Caller(picows.WSListener):
    """One session: what it is told, and when its audio came."""

    def __init__(self) -> None:
        self._transport: picows.WSTransport | None = None
        self.lateness = Lateness()
        self.last_frame_at = 0.0
        self.heard: Callable[[Event, float], None] = lambda event, at: None
        """Told each event, and when it came."""
        self.began: Callable[[float], None] = lambda at: None
        """Told the first frame after `expect`."""
        self._expects = False
        self.is_closed = False

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        now = monotonic()
        if frame.msg_type == picows.WSMsgType.BINARY:
            self._take_frame(now)
        elif frame.msg_type == picows.WSMsgType.TEXT:
            event = json.loads(frame.get_payload_as_bytes())
            if event["event"] in ("trackStart", "trackEnd"):
                self.lateness.pause()
            self.heard(event, now)
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.is_closed = True

    def command(self, name: str, **fields: Any) -> None:
        text = json.dumps({"command": name, **fields})
        if self._transport is not None:
            self._transport.send(picows.WSMsgType.TEXT, text.encode())

    def say(self, frame: bytes) -> None:
        if self._transport is not None and not self.is_closed:
            self._transport.send(picows.WSMsgType.BINARY, frame)

    def expect(self, began: Callable[[float], None]) -> None:
        """Tell when the next frame comes."""
        self._expects, self.began = True, began

    def _take_frame(self, now: float) -> None:
        self.last_frame_at = now
        self.lateness.take(now)
        if self._expects:
            self._expects = False
            self.began(now)


async def call(url: str, option: Mapping[str, Any]) -> Caller:
    """A session that has been answered."""
    caller, _ = await invite(url, option)
    return caller


async def invite(url: str, option: Mapping[str, Any]) -> tuple[Caller, str]:
    """A session that has been answered, and the SDP that it was answered with."""
    caller = Caller()
    await picows.ws_connect(lambda: caller, url, use_aiofastnet=False)
    answered = asyncio.get_running_loop().create_future()

    def heard(event: Event, at: float) -> None:
        if event["event"] == "answer" and not answered.done():
            answered.set_result(event["sdp"])
        if event["event"] in ("reject", "hangup") and not answered.done():
            answered.set_exception(ConnectionError(json.dumps(event)))

    caller.heard = heard
    caller.command("invite", option=option)
    async with asyncio.timeout(5):
        sdp = await answered
    caller.heard = lambda event, at: None
    return caller, sdp


class Mouths:
    """Every caller says its next frame at the same time, every 20 ms."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self._frames = frames
        self.callers: dict[Caller, int] = {}
        """Caller -> where in the frames it began."""
        self.late_turns = 0
        """Turns that the generator itself was late for."""

    async def run(self) -> None:
        """Until cancelled."""
        due, turn, count = monotonic(), 0, len(self._frames)
        while True:
            for caller, place in self.callers.items():
                caller.say(self._frames[(turn + place) % count])
            turn += 1
            due += FRAME_SECONDS
            if monotonic() > due + LATE_SECONDS:
                self.late_turns += 1
                due = monotonic()
            await asyncio.sleep(max(0.0, due - monotonic()))


def run_pinned(work: Any) -> Any:
    """A coroutine, on the generator's core, without garbage collection."""
    gc.disable()
    with pinned(GENERATOR_CORE):
        return uvloop.run(work)
