"""As much of S3's API as it takes to keep files that are still growing.

`docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html`. A bucket's own default
says how what is in it is encrypted.
"""

import asyncio
import hashlib
import io
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote
from xml.etree import ElementTree

import aiohttp
from yarl import URL

from mediaworker.control.signing import Credentials, signed_s3_headers

ATTEMPTS = 5
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 10.0
REQUEST_SECONDS = 60.0
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
TAKEN = frozenset({409, 412})
"""Of a write that was to be the first of its key."""
UPLOAD_ID = re.compile(r"<UploadId>([^<]{1,1024})</UploadId>")
NOT_ANSWERED = (aiohttp.ClientError, TimeoutError, OSError)


class StoreError(Exception):
    """What was to be kept is not kept.

    StoreError
    ├── KeyTaken      there is an object of that name already
    ├── Unanswered    no answer came, or one that says to come again
    └── Denied        the same again would be answered the same
    """


class KeyTaken(StoreError):
    pass


class Unanswered(StoreError):
    pass


class Denied(StoreError):
    pass


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where objects go."""

    name: str
    region: str
    endpoint: str | None = None
    """Of another S3 than Amazon's, whose buckets are in its paths."""

    def url(self, key: str) -> str:
        path = quote(key, safe="/-._~")
        if self.endpoint is not None:
            return f"{self.endpoint.rstrip('/')}/{self.name}/{path}"
        host = f"s3.{self.region}.amazonaws.com"
        if "." in self.name:
            return f"https://{host}/{self.name}/{path}"
        return f"https://{self.name}.{host}/{path}"


@dataclass(frozen=True, slots=True)
class World:
    """What the client needs beside the bucket."""

    client: aiohttp.ClientSession
    credentials: Callable[[], Awaitable[Credentials | None]]
    epoch_seconds: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    share: Callable[[], float] = field(default=random.random)
    """From 0 to 1, drawn anew."""


class Bucket:
    """One bucket. All raise `StoreError`, after as many attempts as make sense."""

    def __init__(self, address: BucketAddress, world: World) -> None:
        self._address = address
        self._world = world

    async def put(self, key: str, body: bytes) -> None:
        """A new object; raises `KeyTaken`."""
        await self._repeat("PUT", key, {}, body, {"If-None-Match": "*"})

    async def begin(self, key: str) -> str:
        """An upload by parts: its id."""
        answer = await self._repeat("POST", key, {"uploads": ""}, b"")
        found = UPLOAD_ID.search(answer.text)
        if found is None:
            raise Denied("the answer has no upload's id")
        return found.group(1)

    async def part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Of at least 5 MiB, unless it is the last; its tag."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        answer = await self._repeat("PUT", key, query, body)
        return answer.tag

    async def finish(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Make a new object of all parts, in order; raises `KeyTaken`."""
        root = ElementTree.Element("CompleteMultipartUpload")
        for number, tag in enumerate(tags, 1):
            part = ElementTree.SubElement(root, "Part")
            ElementTree.SubElement(part, "PartNumber").text = str(number)
            ElementTree.SubElement(part, "ETag").text = tag
        body = ElementTree.tostring(root)
        new = {"If-None-Match": "*"}
        answer = await self._repeat("POST", key, {"uploadId": upload_id}, body, new)
        # It may fail after it has answered 200.
        if "<Error>" in answer.text:
            raise Unanswered("the parts were not put together")

    async def abort(self, key: str, upload_id: str) -> None:
        await self._repeat("DELETE", key, {"uploadId": upload_id}, b"")

    async def _repeat(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> "_Answer":
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._ask(method, key, query, body, headers or {})
            except Unanswered:
                if attempt == ATTEMPTS:
                    raise
            await self._world.sleep(wait * (0.5 + self._world.share() / 2))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        raise AssertionError("unreachable")

    async def _ask(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: bytes,
        headers: Mapping[str, str],
    ) -> "_Answer":
        world, address = self._world, self._address
        credentials = await world.credentials()
        if credentials is None:
            raise Unanswered("there are no credentials")
        url = address.url(key) + _query(query)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        now = world.epoch_seconds()
        signed = signed_s3_headers(
            method, url, digest, credentials, address.region, now
        )
        try:
            return await self._send(method, url, body, {**headers, **signed})
        except NOT_ANSWERED as error:
            raise Unanswered(type(error).__name__) from None

    async def _send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> "_Answer":
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with self._world.client.request(
            method,
            URL(url, encoded=True),
            data=io.BytesIO(body),
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            text = (await response.content.read(1 << 16)).decode(errors="replace")
            if not 200 <= response.status < 300:
                _fail(response.status, text)
            return _Answer(text, response.headers.get("ETag", ""))


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    tag: str


def _query(query: Mapping[str, str]) -> str:
    """As it is signed: sorted, and all but a few characters escaped."""
    parts = (f"{name}={quote(text, safe='-._~')}" for name, text in query.items())
    joined = "&".join(sorted(parts))
    return f"?{joined}" if joined else ""


def _fail(status: int, text: str) -> NoReturn:
    found = re.search(r"<Code>(\w{1,64})</Code>", text)
    sentence = f"answered {status} {found.group(1) if found else ''}".rstrip()
    if status in TAKEN:
        raise KeyTaken(sentence)
    if status in AGAIN or status == 403 and "Expired" in sentence:
        raise Unanswered(sentence)
    raise Denied(sentence)
