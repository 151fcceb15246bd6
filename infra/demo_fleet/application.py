"""Applications: one talks with audio, one by messages through the second door."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.demo_fleet import audio
from infra.demo_fleet.line import UID, Line, Where
from infra.demo_fleet.record import HANGUP, Record

NOTE_SECONDS = 1.0
FRAME_SECONDS = 1 / audio.FRAMES_A_SECOND
NOTE = re.compile(r"the command note(\d+) is not known")


class VoiceApplication:
    """Sends numbered audio and is played numbered audio, until that is over."""

    def __init__(
        self,
        name: str,
        where: Where,
        begin: asyncio.Event,
        hum_url: str,
        seconds: float,
    ) -> None:
        """It is played nothing before ``begin``: who comes early waits for the rest."""
        self.record = Record(name, int(seconds * audio.FRAMES_A_SECOND))
        self.is_answered = asyncio.Event()
        self._line = Line(where)
        self._begin = begin
        self._hum_url = hum_url
        self._is_moving = self._is_over = False

    async def run(self) -> None:
        """From its first socket to the end of its last. Raises `DemoFailed`."""
        try:
            await self._line.open()
            self.record.port = urlsplit(self._line.address).port or 0
            option = {"codec": "pcmu", "caller": UID, "callee": "parley"}
            await self._line.say("invite", option=option)
            await self._talk()
        finally:
            self._is_over = True
            self.is_answered.set()
            await self._line.close()

    async def move(self, where: Where) -> None:
        """Lose the network, and find it again at another door; while it talks."""
        if self._is_over:
            return
        self._line.where = where
        self._is_moving = True
        await self._line.cut()

    async def _talk(self) -> None:
        chores = asyncio.ensure_future(self._work())
        try:
            await self._listen(chores)
            while self._is_moving:
                await self._line.open(id=self.record.session_id)
                self._is_moving = False
                self.record.resumed_at = urlsplit(self._line.address).port or 0
                await self._listen(chores)
        finally:
            chores.cancel()

    async def _listen(self, chores: "asyncio.Future[Any]") -> None:
        async for message in self._line.messages():
            if isinstance(message, bytes):
                self.record.heard.append(message)
            else:
                await self._hear(message, chores)
        self.record.close_code = self._line.close_code

    async def _hear(
        self, event: Mapping[str, Any], chores: "asyncio.Future[Any]"
    ) -> None:
        self.record.hear(event)
        match event:
            case {"event": "answer", "trackId": session_id}:
                self.record.session_id = session_id
                self.is_answered.set()
            case {"event": "addHistory", "text": text}:
                self.record.notes.append(int(text))
            case {"event": "trackEnd", "playId": _}:
                chores.cancel()
                await self._line.say(HANGUP, reason="done", initiator=UID)

    async def _work(self) -> None:
        await self.is_answered.wait()
        await asyncio.gather(self._speak(), self._note(), self._play())

    async def _play(self) -> None:
        await self._begin.wait()
        await self._line.say("play", url=self._hum_url)

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            if not self._is_moving:
                await self._line.send(audio.frame(self.record.sent))
                self.record.sent += 1
            at += FRAME_SECONDS
            await asyncio.sleep(max(0.0, at - loop.time()))

    async def _note(self) -> None:
        while True:
            if not self._is_moving:
                self.record.noted += 1
                text = str(self.record.noted)
                await self._line.say("history", speaker="user", text=text)
            await asyncio.sleep(NOTE_SECONDS)


class RelayedApplication:
    """Sends numbered messages through the second door, each of which is answered by
    its name, though no session obeys it; hangs up when its time has come."""

    def __init__(
        self, name: str, where: Where, begin: asyncio.Event, seconds: float
    ) -> None:
        """Its time runs from ``begin``."""
        self.record = Record(name)
        self.lives: list[Record] = [self.record]
        """Its sessions: another begins when the door closes without a hang-up."""
        self._line = Line(where)
        self._begin = begin
        self._seconds = seconds
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        """Raises `DemoFailed`."""
        waiting = asyncio.ensure_future(self._wait())
        try:
            await self._live()
            while not self.record.has_ended_well and len(self.lives) < 3:
                name = f"{self.lives[0].name}-{len(self.lives)}"
                self.record = Record(name)
                self.lives.append(self.record)
                await self._live()
        finally:
            waiting.cancel()
            await self._line.close()

    async def _wait(self) -> None:
        await self._begin.wait()
        await asyncio.sleep(self._seconds)
        self._is_over.set()

    async def _live(self) -> None:
        record = self.record
        record.session_id = record.name
        await self._line.open(id=record.name, ping="0")
        speaking = asyncio.ensure_future(self._speak(record))
        try:
            async for message in self._line.messages():
                if not isinstance(message, bytes):
                    self._hear(message)
            record.close_code = self._line.close_code
        finally:
            speaking.cancel()

    def _hear(self, event: dict[str, Any]) -> None:
        note = NOTE.search(event.get("error", ""))
        if note:
            self.record.notes.append(int(note[1]))
        else:
            self.record.hear(event)

    async def _speak(self, record: Record) -> None:
        while not self._is_over.is_set():
            record.noted += 1
            await self._line.say(f"note{record.noted}", cseq=record.noted)
            await asyncio.sleep(NOTE_SECONDS)
        await self._line.say(
            HANGUP, cseq=record.noted + 1, reason="done", initiator=UID
        )
