"""Brings files to a bucket while they grow: by parts, the first of them last.

The first bytes of a file may change until it is sealed, as a WAV's header does.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mediaworker.recording.places import names
from mediaworker.recording.s3 import Bucket, KeyTaken, StoreError
from mediaworker.recording.shelves import Draft, Kept

logger = logging.getLogger(__name__)

PART_BYTES = 5 << 20
"""S3 takes none that are smaller, but for the last."""
MOST_AT_ONCE = 4
"""Parts in memory."""


class Uploads:
    """A `Carrier` to a bucket."""

    def __init__(self, bucket: Bucket, name: str, prefix: str) -> None:
        """``prefix`` is before all keys, with its slash, or empty."""
        self._bucket = bucket
        self._name = name
        self._prefix = prefix
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def carry(self, draft: Draft) -> Kept:
        """The object is called otherwise where its name is taken."""
        path = PurePosixPath(draft.key)
        for name in names(path.name):
            key = str(path.with_name(name))
            with suppress(KeyTaken):
                await self._carry(draft, self._prefix + key)
                return Kept(key, f"s3://{self._name}/{self._prefix}{key}")
        raise KeyTaken(draft.key)

    async def _carry(self, draft: Draft, key: str) -> None:
        while not draft.is_sealed and draft.size < 2 * PART_BYTES:
            await _more(draft)
        if draft.size <= PART_BYTES:
            async with self._room:
                body = await _read(draft.path, 0, PART_BYTES)
                await self._bucket.put(key, body)
            return
        upload_id = await self._bucket.begin(key)
        try:
            tags = await self._parts(draft, key, upload_id)
            await self._bucket.finish(key, upload_id, tags)
        except (StoreError, OSError):
            # What is not aborted the bucket's own rule ends some day.
            with suppress(StoreError):
                await self._bucket.abort(key, upload_id)
            raise

    async def _parts(self, draft: Draft, key: str, upload_id: str) -> list[str]:
        tags: list[str] = []
        begin = PART_BYTES
        while begin < draft.size or not draft.is_sealed:
            if not draft.is_sealed and draft.size < begin + PART_BYTES:
                await _more(draft)
                continue
            tags.append(await self._part(draft, key, upload_id, begin))
            begin += PART_BYTES
        return [await self._part(draft, key, upload_id, 0), *tags]

    async def _part(self, draft: Draft, key: str, upload_id: str, begin: int) -> str:
        async with self._room:
            body = await _read(draft.path, begin, PART_BYTES)
            number = begin // PART_BYTES + 1
            return await self._bucket.part(key, upload_id, number, body)


async def _more(draft: Draft) -> None:
    draft.grown.clear()
    await draft.grown.wait()


async def _read(path: Path, begin: int, count: int) -> bytes:
    """Raises OSError."""

    def read() -> bytes:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, count, begin)
        finally:
            os.close(descriptor)

    return await asyncio.to_thread(read)
