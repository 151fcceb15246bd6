"""Files brought to a bucket while they grow: S3 as moto has it, and a bad one."""

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
import requests
from aiohttp import web
from moto import mock_aws

from mediaworker.control.signing import Credentials
from mediaworker.recording.s3 import (
    ATTEMPTS,
    Bucket,
    BucketAddress,
    Denied,
    KeyTaken,
    Unanswered,
    World,
)
from mediaworker.recording.shelves import Draft, Folder, Kept, Spool
from mediaworker.recording.uploads import PART_BYTES, Uploads

KEYS = Credentials("test", "test", "", float("inf"))
NAME = "calls"


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Store(ABC):
    """An S3 on loopback."""

    @abstractmethod
    async def answer(self, request: web.Request) -> web.Response:
        """As it does."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()


class MotoStore(Store):
    """Moto's, which knows how long parts have to be, and what they add up to."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        url = f"https://s3.us-east-1.amazonaws.com{request.rel_url.raw_path_qs}"
        names = ("Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "If-None-Match")
        headers = {
            name: request.headers[name] for name in names if name in request.headers
        }
        told = await asyncio.to_thread(
            requests.request, request.method, url, data=body, headers=headers
        )
        tag = {"ETag": told.headers["ETag"]} if "ETag" in told.headers else {}
        return web.Response(status=told.status_code, body=told.content, headers=tag)


@pytest.fixture
def stored() -> Iterator[Any]:
    """An empty bucket, as its owner sees it."""
    with mock_aws():
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=NAME)
        yield client
        client.close()


def read(client: Any, key: str) -> bytes:
    octets: bytes = client.get_object(Bucket=NAME, Key=key)["Body"].read()
    return octets


@asynccontextmanager
async def bucket_at(
    endpoint: str, keys: Credentials | None = KEYS
) -> AsyncIterator[Bucket]:
    async def credentials() -> Credentials | None:
        return keys

    async def sleep(seconds: float) -> None:
        """It is over at once."""

    async with aiohttp.ClientSession() as client:
        world = World(client, credentials, lambda: 1_700_000_000.0, sleep)
        yield Bucket(BucketAddress(NAME, "us-east-1", endpoint), world)


def spool_of(folder: Path, bucket: Bucket, name: str = "mine") -> Spool:
    return Spool(folder, lambda: name, Uploads(bucket, NAME, "kept/"))


def grow(draft: Draft, octets: bytes) -> None:
    os.write(draft.descriptor, octets)
    draft.grow(draft.size + len(octets))


def end(draft: Draft) -> None:
    draft.seal()
    draft.finish()


@on_a_loop
async def test_short_file_is_put_and_forgotten_here(
    tmp_path: Path, stored: Any
) -> None:
    async with MotoStore().running() as at, bucket_at(at) as bucket:
        spool = spool_of(tmp_path, bucket)
        draft = spool.create("a b/c+d=é.wav")
        keeping = asyncio.ensure_future(spool.keep(draft))
        grow(draft, b"sound")
        end(draft)
        kept = await keeping
    assert kept == Kept("a b/c+d=é.wav", "s3://calls/kept/a b/c+d=é.wav")
    assert read(stored, "kept/a b/c+d=é.wav") == b"sound"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [".lock"]


@on_a_loop
async def test_long_file_goes_by_parts_while_it_grows(
    tmp_path: Path, stored: Any
) -> None:
    async with MotoStore().running() as at, bucket_at(at) as bucket:
        spool = spool_of(tmp_path, bucket)
        draft = spool.create("long.wav")
        keeping = asyncio.ensure_future(spool.keep(draft))
        whole = b""
        for number in range(13):
            piece = bytes([number]) * (1 << 20)
            whole += piece
            grow(draft, piece)
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while not (uploads := _uploads(stored)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert uploads == ["kept/long.wav"] and not keeping.done()
        os.pwrite(draft.descriptor, b"head", 0)
        end(draft)
        await keeping
    assert read(stored, "kept/long.wav") == b"head" + whole[4:]
    assert _uploads(stored) == []


def _uploads(client: Any) -> list[str]:
    found = client.list_multipart_uploads(Bucket=NAME).get("Uploads", [])
    return [one["Key"] for one in found]


@pytest.mark.parametrize("size", [5, PART_BYTES + 1])
@on_a_loop
async def test_object_that_is_there_is_never_written_over(
    tmp_path: Path, size: int
) -> None:
    """Moto writes over it, whatever is asked."""
    server = BadStore()
    server.taken = {"/calls/kept/a.wav"}
    async with server.running() as at, bucket_at(at) as bucket:
        spool = spool_of(tmp_path, bucket)
        draft = spool.create("a.wav")
        grow(draft, bytes(size))
        end(draft)
        kept = await spool.keep(draft)
    assert kept.key == "a-2.wav"
    assert len(server.objects["/calls/kept/a-2.wav"]) == size
    assert server.uploads == {}


@on_a_loop
async def test_what_a_dead_process_left_is_uploaded_by_the_next(
    tmp_path: Path, stored: Any
) -> None:
    async with MotoStore().running() as at, bucket_at(at) as bucket:
        dead = tmp_path / "dead"
        dead.mkdir()
        (dead / ".lock").touch()
        (dead / "1.wav").write_bytes(b"left")
        (dead / "1.wav.json").write_text(json.dumps({"v": 1, "key": "left.wav"}))
        (dead / "2.wav.json").write_text("{")
        alive = spool_of(tmp_path, bucket, "alive")
        alive.create("b.wav")
        spool = spool_of(tmp_path, bucket)
        (draft,) = spool.left_behind()
        await spool.keep(draft)
        assert read(stored, "kept/left.wav") == b"left"
        assert not (dead / "1.wav").exists() and spool.left_behind() == []


def test_folder_of_a_dead_process_that_left_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / "dead").mkdir()
    (tmp_path / "file").touch()
    spool = Spool(tmp_path, lambda: "mine", Nobody())
    assert spool.left_behind() == []
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "file"}


class Nobody:
    """Carries nothing."""

    async def carry(self, draft: Draft) -> Kept:
        raise Denied("no")


class BadStore(Store):
    """As much of S3 as `Bucket` asks for, that does what the test says."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        """Of the next answers; then all is well."""
        self.requests: list[str] = []
        self.taken: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.sentence = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.method)
        body = await request.read()
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status, text=self.sentence)
        query, path = request.query, request.path
        if "uploads" in query:
            self.uploads["u1"] = {}
            return web.Response(text="<UploadId>u1</UploadId>")
        if "partNumber" in query:
            self.uploads["u1"][int(query["partNumber"])] = body
            return web.Response(headers={"ETag": '"t"'})
        if request.method == "DELETE":
            del self.uploads["u1"]
            return web.Response(status=204)
        if request.headers.get("If-None-Match") == "*" and path in self.taken:
            return web.Response(status=412, text="<Code>PreconditionFailed</Code>")
        if "uploadId" in query:
            parts = self.uploads.pop("u1")
            body = b"".join(parts[number] for number in sorted(parts))
        self.objects[path] = body
        return web.Response()


@on_a_loop
async def test_store_that_is_busy_is_asked_again() -> None:
    server = BadStore()
    server.statuses = [503, 500, 429]
    async with server.running() as at, bucket_at(at) as bucket:
        await bucket.put("a", b"1")
    assert server.objects == {"/calls/a": b"1"} and len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "error", "count"),
    [(503, Unanswered, ATTEMPTS), (403, Denied, 1), (412, KeyTaken, 1)],
)
@on_a_loop
async def test_store_that_refuses_is_believed(
    status: int, error: type[Exception], count: int
) -> None:
    server = BadStore()
    server.statuses = [status] * 9
    async with server.running() as at, bucket_at(at) as bucket:
        with pytest.raises(error, match=str(status)):
            await bucket.put("a", b"1")
    assert len(server.requests) == count


@on_a_loop
async def test_credentials_that_expired_are_fetched_again() -> None:
    server = BadStore()
    server.statuses, server.sentence = [403], "<Code>ExpiredToken</Code>"
    async with server.running() as at, bucket_at(at) as bucket:
        await bucket.put("a", b"1")
    assert server.objects == {"/calls/a": b"1"}


@on_a_loop
async def test_store_that_is_away_and_credentials_that_are_missing() -> None:
    async with bucket_at("http://127.0.0.1:1") as bucket:
        with pytest.raises(Unanswered):
            await bucket.put("a", b"1")
    async with bucket_at("http://127.0.0.1:1", None) as bucket:
        with pytest.raises(Unanswered, match="credentials"):
            await bucket.put("a", b"1")


@on_a_loop
async def test_upload_that_fails_is_aborted_and_its_file_stays(tmp_path: Path) -> None:
    server = BadStore()
    server.statuses = [200, 403]
    async with server.running() as at, bucket_at(at) as bucket:
        spool = spool_of(tmp_path, bucket)
        draft = spool.create("a.wav")
        grow(draft, bytes(PART_BYTES + 1))
        end(draft)
        with pytest.raises(Denied):
            await spool.keep(draft)
    assert server.requests[-1] == "DELETE" and server.uploads == {}
    assert draft.path.exists()


@on_a_loop
async def test_answers_that_make_no_sense_are_failures(tmp_path: Path) -> None:
    async def strange(request: web.Request) -> web.Response:
        return web.Response(text="<Error>later</Error>")

    server = BadStore()
    server.answer = strange  # type: ignore[method-assign]
    async with server.running() as at, bucket_at(at) as bucket:
        with pytest.raises(Denied):
            await bucket.begin("a")
        with pytest.raises(Unanswered):
            await bucket.finish("a", "u1", ["t"])


def test_buckets_of_amazon_have_their_own_names() -> None:
    assert BucketAddress("b", "eu-west-1").url("a/b c") == (
        "https://b.s3.eu-west-1.amazonaws.com/a/b%20c"
    )
    assert BucketAddress("b.c", "eu-west-1").url("a") == (
        "https://s3.eu-west-1.amazonaws.com/b.c/a"
    )


@on_a_loop
async def test_folder_keeps_files_where_they_are(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    draft = folder.create("x/a.wav")
    keeping = asyncio.ensure_future(folder.keep(draft))
    grow(draft, b"1")
    await asyncio.sleep(0)
    end(draft)
    draft.seal()
    assert await keeping == Kept("x/a.wav", str(tmp_path / "x" / "a.wav"))
    again = folder.append("x/a.wav")
    os.write(again.descriptor, b"2")
    again.seal(is_synced=False)
    assert (tmp_path / "x" / "a.wav").read_bytes() == b"12"
