"""A small server of the protocol, sound but for the faults that it is given."""

import asyncio
import base64
import binascii
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

EPOCH_MS = 1_790_000_000_000
FRAME = 640
FRAME_SECONDS = 0.02
WORD_FRAMES = 12
LOUD_FRAME = struct.pack("<320h", *([6_000, -6_000] * 160))


class Session:
    """One socket's."""

    def __init__(self, server: "FakeServer", socket: web.WebSocketResponse) -> None:
        self.server = server
        self.socket = socket
        self.id = ""
        self.track = "serverSideTrack"
        self.option: dict[str, Any] = {}
        self.playing: tuple[str | None, list[bytes], int] | None = None
        self.sent = 0
        self.goodbye = False
        self.task: asyncio.Task[None] | None = None

    async def tell(self, event: str, track: str | None = None, **fields: Any) -> None:
        scale = 1_000 if self.server.has("seconds") else 1
        stamp = self.server.now_ms() // scale
        named = {} if event in ("ping", "metrics") else {"trackId": track or self.id}
        with suppress(ConnectionError):
            await self.socket.send_json(
                {"event": event, **named, "timestamp": stamp, **fields}
            )

    async def invite(self, option: dict[str, Any]) -> None:
        self.option = option
        await self.tell("trackStart")
        if not self.server.has("no answer"):
            await self.tell("answer", sdp="")

    async def tts(self, fields: dict[str, Any]) -> None:
        if fields.get("base64"):
            audio = base64.b64decode(fields["text"])
        else:
            words = max(1, len(fields["text"].split()))
            audio = LOUD_FRAME * WORD_FRAMES * words
        if self.server.has("noise"):
            audio = audio[1:] + audio[:1]
        frames = [audio[at : at + FRAME] for at in range(0, len(audio), FRAME)]
        play_id = fields.get("playId")
        if self.playing and self.playing[0] == play_id:
            self.playing[1].extend(frames)
            return
        await self.interrupt()
        self.goodbye = fields.get("autoHangup", False)
        await self.tell("trackStart", self.track, **self.named(play_id))
        self.playing, self.sent = (play_id, frames, 0), 0
        self.task = asyncio.ensure_future(self.play(play_id, frames))

    def named(self, play_id: str | None) -> dict[str, str]:
        is_lost = play_id is None or self.server.has("no playId")
        return {} if is_lost else {"playId": play_id or ""}

    async def play(self, play_id: str | None, frames: list[bytes]) -> None:
        clock = asyncio.get_running_loop()
        begun_at = clock.time()
        with suppress(ConnectionError):
            while self.sent < len(frames):
                await self.socket.send_bytes(frames[self.sent])
                self.sent += 1
                due_at = begun_at + self.sent * FRAME_SECONDS
                await asyncio.sleep(max(0.0, due_at - clock.time()))
        self.task = None
        await self.end_track(play_id)
        if self.goodbye:
            await self.hang_up({"reason": "autohangup", "initiator": "system"})

    async def end_track(self, play_id: str | None) -> None:
        self.playing = None
        lasted = self.sent * 20
        duration = lasted // 1_000 if self.server.has("seconds of audio") else lasted
        await self.tell(
            "trackEnd", self.track, duration=duration, ssrc=7, **self.named(play_id)
        )

    async def interrupt(self, *, is_asked: bool = False) -> None:
        if self.playing is None or (is_asked and self.server.has("deaf")):
            return
        if self.task is not None:
            self.task.cancel()
        play_id, frames, _ = self.playing
        measures = {"current": self.sent * 20, "totalDuration": len(frames) * 20}
        ended, told = (
            self.end_track(play_id),
            self.tell("interruption", self.track, **measures, **self.named(play_id)),
        )
        is_swapped = self.server.has("interruption after the end")
        for step in (ended, told) if is_swapped else (told, ended):
            await step

    async def hang_up(self, fields: dict[str, Any]) -> None:
        times = {
            key: (datetime.fromtimestamp(self.server.now_ms() / 1_000, UTC)).isoformat()
            for key in ("startTime", "answerTime", "hangupTime")
        }
        said = {} if self.server.has("no reason") else fields
        kept = {key: said[key] for key in ("reason", "initiator") if key in said}
        over = self.tell("hangup", **kept, **times)
        if self.server.has("no hangup"):
            over.close()
        elif self.server.has("hangup first"):
            await over
        if self.playing is not None and self.task is not None:
            self.task.cancel()
            await self.end_track(self.playing[0])
        if not self.server.has("no hangup", "hangup first"):
            await over
        if not self.server.has("open"):
            await self.socket.close()

    async def ping(self, seconds: float) -> None:
        while seconds and not self.server.has("no ping"):
            await asyncio.sleep(seconds)
            await self.tell("ping")


class FakeServer:
    """It does what the cases ask that a text, a tone and a hangup can show."""

    def __init__(self, *faults: str) -> None:
        self.faults = {*faults}
        self.live: dict[str, Session] = {}

    def has(self, *faults: str) -> bool:
        return bool(self.faults & {*faults})

    def now_ms(self) -> int:
        return EPOCH_MS + int(asyncio.get_running_loop().time() * 1_000)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = Session(self, socket)
        session.id = request.query.get("id", str(uuid4()))
        session.track = request.query.get("serverSideTrack", session.track)
        self.live[session.id] = session
        seconds = float(request.query.get("pingInterval", 20))
        pings = asyncio.ensure_future(session.ping(seconds))
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await self.obey(session, message.data)
        pings.cancel()
        if not self.has("forgetful"):
            del self.live[session.id]
        return socket

    async def obey(self, session: Session, text: str) -> None:
        try:
            fields = json.loads(text)
            match fields["command"]:
                case "invite":
                    await session.invite(fields["option"])
                case "tts":
                    await session.tts(fields)
                case "interrupt" if isinstance(fields.get("graceful", False), bool):
                    await session.interrupt(is_asked=True)
                case "hangup":
                    await session.hang_up(fields)
                case "unmute":
                    pass
                case _:
                    raise ValueError("not known")
        except (binascii.Error, KeyError, TypeError, ValueError):
            if self.has("touchy"):
                await session.socket.close()
            elif not self.has("silent"):
                await session.tell("error", sender="command", error="no", code=400)

    async def lists(self, request: web.Request) -> web.Response:
        made_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1)
        calls = [
            {
                "id": one.id,
                "call_type": "websocket",
                "created_at": made_at.isoformat(),
                "option": {k: one.option.get(k) for k in ("caller", "callee")},
            }
            for one in self.live.values()
        ]
        return web.json_response({"calls": [] if self.has("empty list") else calls})

    async def kill(self, request: web.Request) -> web.Response:
        session = self.live.get(request.match_info["id"])
        if session is None:
            is_lax = self.has("yes to all")
            return web.json_response(True, status=200 if is_lax else 404)
        await session.hang_up({"reason": "bySystem"})
        return web.json_response(True)

    async def ice_servers(self, request: web.Request) -> web.Response:
        urls = "stun:a" if self.has("one url") else ["stun:a"]
        return web.json_response([{"urls": urls, "username": None}])


@asynccontextmanager
async def serving(*faults: str) -> AsyncIterator[str]:
    """Its URL, within the block."""
    server = FakeServer(*faults)
    application = web.Application()
    application.router.add_get("/call", server.serve)
    application.router.add_get("/call/lists", server.lists)
    application.router.add_post("/call/kill/{id}", server.kill)
    application.router.add_get("/iceservers", server.ice_servers)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
