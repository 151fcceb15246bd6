"""Does what the media process asks: makes files, and has them kept."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from mediaworker.audio.opus import OpusError
from mediaworker.recording.dumps import Dumps
from mediaworker.recording.formats import MakeTrack, write_all
from mediaworker.recording.messages import (
    Advanced,
    Begin,
    Consumed,
    Detail,
    Dump,
    DumpEnd,
    End,
    Failed,
    Reply,
    Request,
    Stored,
)
from mediaworker.recording.places import Outside
from mediaworker.recording.ring import Entry, Reader, Side
from mediaworker.recording.s3 import StoreError
from mediaworker.recording.shelves import Draft, Shelf
from mediaworker.recording.take import Take
from mediaworker.recording.timeline import WrongRate

logger = logging.getLogger(__name__)

BAD_NAME = 400
INTERNAL_ERROR = 500
BROKEN = (OSError, OpusError, WrongRate)
MOST_REMEMBERED = 1_000
"""Recordings that ended before their sessions did."""
Tell = Callable[[Reply], None]


class Unusable(ValueError):
    """A recording that cannot be had as it was asked for."""


class Desk:
    """Lives on the loop; what it is told comes in order."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        tell: Tell,
        ring: Reader,
        shelf: Shelf,
        details: Shelf | None,
        make_track: MakeTrack,
    ) -> None:
        self._tasks = tasks
        self._tell = tell
        self._ring = ring
        self._shelf = shelf
        self._details = details
        self._make_track = make_track
        self._takes: dict[int, Take] = {}
        self._made: OrderedDict[str, dict[str, Any]] = OrderedDict()
        """By session: what its detail record says of its recording."""
        self._waiting: dict[str, Detail] = {}
        """By session: records that its recording is to be added to."""
        self._slot = 0
        self._dumps = Dumps(shelf, lambda draft: self._spawn(_keep(shelf, draft)))
        self._busy = 0
        """Files that are not kept yet."""
        self._moved = asyncio.Event()

    def receive(self, request: Request) -> None:
        match request:
            case Advanced(position):
                self._read(position)
            case Begin():
                self._begin(request)
            case End(recording, slot):
                self._end(recording, slot)
            case Dump():
                self._dumps.write(request)
            case DumpEnd(session_id):
                self._dumps.end(session_id)
            case Detail():
                self._hear_detail(request)

    def end_all(self) -> None:
        """Nobody asks for anything any more: make whole what there is."""
        for recording in list(self._takes):
            self._end(recording, self._slot)
        for detail in list(self._waiting.values()):
            self._write_detail(detail, None)
        self._dumps.end_all()

    def carry(self, shelf: Shelf, draft: Draft) -> None:
        """One that is whole and was left behind."""
        self._spawn(_keep(shelf, draft))

    async def idle(self, seconds: float) -> None:
        """Until all is kept, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._busy:
                    self._moved.clear()
                    await self._moved.wait()

    # Recordings

    def _begin(self, begin: Begin) -> None:
        try:
            draft = self._shelf.create(begin.path)
            try:
                track = self._make_track(draft.descriptor, begin.path, begin.rate)
            except BaseException:
                draft.seal()
                raise
        except (*BROKEN, Unusable) as error:
            is_names = isinstance(error, Outside | FileExistsError | Unusable)
            code = BAD_NAME if is_names else INTERNAL_ERROR
            self._tell(Failed(begin.recording, _sentence(error), code))
            return
        take = self._takes[begin.recording] = Take(begin, draft, track)
        self._spawn(self._store(take))

    def _read(self, position: int) -> None:
        for entry in self._ring.read(position):
            if entry.side is Side.SLOT:
                self._turn(entry.slot)
            else:
                self._put(entry)
        self._tell(Consumed(self._ring.position))

    def _put(self, entry: Entry) -> None:
        for recording, frame in zip(entry.recordings, entry.samples, strict=True):
            take = self._takes.get(recording)
            if take is not None:
                try:
                    take.put(entry.side, entry.slot, frame)
                except BROKEN as error:
                    self._break(recording, error)

    def _turn(self, slot: int) -> None:
        self._slot = slot
        for recording, take in list(self._takes.items()):
            try:
                take.turn(slot)
            except BROKEN as error:
                self._break(recording, error)

    def _end(self, recording: int, slot: int) -> None:
        take = self._takes.get(recording)
        if take is None:
            return
        try:
            take.finish(slot)
        except BROKEN as error:
            self._break(recording, error)
            return
        del self._takes[recording]
        self._remember(take)
        self._spawn(self._seal(take))

    def _break(self, recording: int, error: Exception) -> None:
        """What there is of it is kept, and can be heard."""
        take = self._takes.pop(recording)
        self._remember(take)
        self._tell(Failed(recording, _sentence(error), INTERNAL_ERROR))
        self._spawn(self._seal(take))

    async def _seal(self, take: Take) -> None:
        """So that a crash of the machine does not undo it."""
        try:
            await asyncio.to_thread(take.draft.seal)
        except OSError as error:
            logger.error("recording not synced", extra={"why": _sentence(error)})
        finally:
            take.draft.finish()

    async def _store(self, take: Take) -> None:
        recording = take.begin.recording
        try:
            kept = await self._shelf.keep(take.draft)
        except (OSError, StoreError) as error:
            logger.error("recording not kept", extra={"why": _sentence(error)})
            self._tell(Failed(recording, "it could not be stored", INTERNAL_ERROR))
            return
        told = (kept.url, kept.key, take.size, take.duration_ms, take.form)
        self._tell(Stored(recording, *told))

    # Dumps and detail records

    def _remember(self, take: Take) -> None:
        session_id = take.begin.session_id
        path, size = take.draft.key, take.size
        made = {"trackId": session_id, "path": path, "size": size}
        detail = self._waiting.pop(session_id, None)
        if detail is not None:
            self._write_detail(detail, made)
        elif self._details is not None:
            self._made[session_id] = made
            while len(self._made) > MOST_REMEMBERED:
                self._made.popitem(last=False)

    def _hear_detail(self, detail: Detail) -> None:
        session_id = detail.session_id
        if any(take.begin.session_id == session_id for take in self._takes.values()):
            self._waiting[session_id] = detail
        else:
            self._write_detail(detail, self._made.pop(session_id, None))

    def _write_detail(self, detail: Detail, made: dict[str, Any] | None) -> None:
        self._waiting.pop(detail.session_id, None)
        shelf = self._details
        if shelf is None:
            return
        fields = {**detail.fields, "recorder": [] if made is None else [made]}
        octets = json.dumps(fields, ensure_ascii=False, default=str).encode(
            errors="replace"
        )
        try:
            draft = shelf.create(detail.path)
            try:
                write_all(draft.descriptor, octets)
            finally:
                draft.seal(is_synced=False)
                draft.finish()
        except OSError as error:
            logger.error("detail record lost", extra={"why": _sentence(error)})
            return
        self._spawn(_keep(shelf, draft))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._busy += 1
        self._tasks.create_task(self._counted(work))

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._busy -= 1
            self._moved.set()


async def _keep(shelf: Shelf, draft: Draft) -> None:
    """One of which nobody is told."""
    try:
        await shelf.keep(draft)
    except (OSError, StoreError) as error:
        logger.error("file not kept", extra={"why": _sentence(error)})


def _sentence(error: Exception) -> str:
    """Without paths of the machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
