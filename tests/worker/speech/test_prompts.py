"""Files that are played again: kept for a tenant, and asked about."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.audio.wav import wav_bytes
from mediaworker.speech import prompts as prompts_module
from mediaworker.speech.decoding.child import Children
from mediaworker.speech.decoding.files import Files
from mediaworker.speech.decoding.library import libsndfile
from mediaworker.speech.download import Downloader, Patience
from mediaworker.speech.fetching import READ_AHEAD_MS, Fetching
from mediaworker.speech.freshness import MOST_SECONDS, Version
from mediaworker.speech.prompts import Prompts
from mediaworker.speech.replies import Broken, Made, Reply
from mediaworker.speech.requests import CREDIT_MS, Cancel, Fetch
from tests.worker.speech.fakes import RATE, Bench, Clock
from tests.worker.speech.sounds import file_of, tone

HASTE = Patience(connect_seconds=2, answer_seconds=0.2, silence_seconds=0.2)
SOUND = tone(RATE, 500)
OTHER = tone(RATE, 500, 880)
FILE, OTHER_FILE = wav_bytes(SOUND, RATE), wav_bytes(OTHER, RATE)


class Website:
    """Serves one file, and remembers what it was asked."""

    def __init__(self) -> None:
        self.file = FILE
        self.status = "200 OK"
        self.headers: list[str] = []
        self.asked: list[str] = []

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            body = self.file if self.status.startswith("2") else b""
            lines = [f"HTTP/1.1 {self.status}", f"Content-Length: {len(body)}"]
            writer.write("\r\n".join([*lines, *self.headers, "", ""]).encode() + body)
            await writer.drain()
        writer.close()


class Stand:
    """A speech process, and the website that it plays from."""

    def __init__(self, folder: Path) -> None:
        self.website = Website()
        self.clock = Clock()
        self.prompts = Prompts(self.clock)
        self.url = ""
        self._jobs = 0
        downloader = Downloader(UrlPolicy(allows_loopback=True), patience=HASTE)
        self.children = Children(libsndfile())
        files = Files(self.children)
        fetching = Fetching(downloader, files, self.prompts, self.clock)
        self.bench = Bench(folder, fetching)

    async def play(
        self, *, tenant: str = "acme", rate: int = RATE, offset_ms: int = 0
    ) -> tuple[Reply, bytes]:
        return await self.played(self.begin(tenant, rate, offset_ms))

    def begin(self, tenant: str = "acme", rate: int = RATE, offset_ms: int = 0) -> int:
        self._jobs += 1
        request = Fetch(self._jobs, self.url, rate, offset_ms, tenant)
        self.bench.helper.receive(request)
        return self._jobs

    async def played(self, job: int) -> tuple[Reply, bytes]:
        end = await self.bench.told.end(job)
        return end, self.bench.told.samples(job)

    def run(self, talk: Callable[["Stand"], Coroutine[None, None, None]]) -> None:
        async def main(bench: Bench) -> None:
            server = await asyncio.start_server(self.website.serve, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                self.url = f"http://127.0.0.1:{port}/moh.wav"
                await talk(self)

        self.bench.run(main)


def is_kept(reply: Reply) -> bool:
    assert isinstance(reply, Made)
    return reply.is_cached


def test_play_again_without_asking(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        first, samples = await stand.play()
        assert not is_kept(first) and samples == SOUND.tobytes()
        again, samples = await stand.play()
        assert is_kept(again) and samples == SOUND.tobytes()
        assert isinstance(again, Made) and again.first_chunk_ms == 0
        assert len(stand.website.asked) == 1

    Stand(tmp_path).run(talk)


@pytest.mark.parametrize("offset_ms", [0, 130, 499, 500, 9_000])
def test_play_the_same_tail_whether_it_is_kept_or_not(
    tmp_path: Path, offset_ms: int
) -> None:
    async def talk(stand: Stand) -> None:
        tail = SOUND[offset_ms * RATE // 1_000 :].tobytes()
        for _ in range(2):
            end, samples = await stand.play(offset_ms=offset_ms)
            assert samples == tail
            assert isinstance(end, Made) and end.total_ms == max(0, 500 - offset_ms)

    Stand(tmp_path).run(talk)


def test_share_nothing_between_tenants_and_rates(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        for tenant, rate in (("acme", RATE), ("evil", RATE), ("acme", 2 * RATE)):
            assert not is_kept((await stand.play(tenant=tenant, rate=rate))[0])
        assert len(stand.website.asked) == 3

    Stand(tmp_path).run(talk)


def test_keep_what_is_the_same_still(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        website = stand.website
        modified = "Sat, 21 Nov 2026 10:00:00 GMT"
        website.headers = ['ETag: "one"', f"Last-Modified: {modified}"]
        await stand.play()
        stand.clock.now += 61
        website.status = "304 Not Modified"
        end, samples = await stand.play()
        assert is_kept(end) and samples == SOUND.tobytes()
        assert 'If-None-Match: "one"' in website.asked[1]
        assert f"If-Modified-Since: {modified}" in website.asked[1]
        assert is_kept((await stand.play())[0])
        assert len(website.asked) == 2

    Stand(tmp_path).run(talk)


def test_play_the_new_one_once_the_old_is_stale(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        stand.website.headers = ["Cache-Control: max-age=5"]
        await stand.play()
        stand.website.file = OTHER_FILE
        assert (await stand.play())[1] == SOUND.tobytes()
        stand.clock.now += 6
        assert "If-" not in stand.website.asked[-1]
        end, samples = await stand.play()
        assert not is_kept(end) and samples == OTHER.tobytes()
        assert (await stand.play())[1] == OTHER.tobytes()
        assert len(stand.website.asked) == 2

    Stand(tmp_path).run(talk)


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "302 Found"])
def test_play_what_is_kept_when_nobody_can_be_asked(
    tmp_path: Path, status: str
) -> None:
    async def talk(stand: Stand) -> None:
        await stand.play()
        stand.clock.now += 61
        stand.website.status = status
        for _ in range(2):
            end, samples = await stand.play()
            assert is_kept(end) and samples == SOUND.tobytes()
        assert len(stand.website.asked) == 2

    Stand(tmp_path).run(talk)


def test_forget_what_is_gone(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        await stand.play()
        stand.clock.now += 61
        stand.website.status = "404 Not Found"
        for _ in range(2):
            end, _ = await stand.play()
            assert isinstance(end, Broken) and end.code == 404
        assert len(stand.website.asked) == 3

    Stand(tmp_path).run(talk)


def test_keep_nothing_that_is_not_to_be_kept(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        stand.website.headers = ["Cache-Control: no-store"]
        for _ in range(2):
            assert not is_kept((await stand.play())[0])
        assert stand.prompts.gathered == 0

    Stand(tmp_path).run(talk)


def test_keep_nothing_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts_module, "ENTRY_BYTES", 4_000)

    async def talk(stand: Stand) -> None:
        for _ in range(2):
            end, samples = await stand.play()
            assert not is_kept(end) and samples == SOUND.tobytes()
        assert stand.prompts.gathered == 0

    Stand(tmp_path).run(talk)


def test_keep_nothing_that_broke_or_was_not_wanted(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        stand.website.headers = ["Transfer-Encoding: chunked"]
        assert isinstance((await stand.play())[0], Broken)
        stand.website.headers = []
        stand.website.file = file_of("flac", tone(RATE, 60_000), RATE)
        stand.bench.helper.receive(Fetch(77, stand.url, RATE, 0, "acme"))
        while not stand.bench.told.samples(77):
            await stand.bench.told.next()
        assert stand.prompts.gathered and stand.children.running
        stand.bench.helper.receive(Cancel(77))
        async with asyncio.timeout(5):
            while stand.children.running:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert stand.prompts.find(("acme", stand.url, RATE)) is None
        assert stand.prompts.gathered == 0

    Stand(tmp_path).run(talk)


@pytest.mark.parametrize("is_kept", [True, False])
def test_play_the_same_file_twice_at_once(tmp_path: Path, is_kept: bool) -> None:
    """Once it is downloaded, if it may be kept."""

    async def talk(stand: Stand) -> None:
        stand.website.headers = [] if is_kept else ["Cache-Control: no-store"]
        stand.website.file = file_of("mp3", tone(44_100, 500), 44_100, 2)
        jobs = [stand.begin() for _ in range(4)]
        first, *others = [(await stand.played(job))[1] for job in jobs]
        assert len(first) == pytest.approx(2 * RATE / 2, rel=0.1)
        assert others == [first] * 3
        assert len(stand.website.asked) == (1 if is_kept else 4)

    Stand(tmp_path).run(talk)


def test_make_room_for_the_latest() -> None:
    prompts = Prompts(Clock(), most_bytes=10)
    for name in "abc":
        prompts.keep((name, "", RATE), bytes(4), Version())
    assert prompts.find(("a", "", RATE)) is None
    assert prompts.find(("b", "", RATE)) is not None
    prompts.keep(("d", "", RATE), bytes(4), Version())
    assert prompts.find(("c", "", RATE)) is None
    prompts.forget(("nobody", "", RATE))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Cache-Control": "public"}, 60),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": "private, max-age=300"}, 300),
        ({"Cache-Control": 'Max-Age="300"', "Age": "100"}, 200),
        ({"Cache-Control": "max-age=300", "Age": "x"}, 300),
        ({"Cache-Control": "max-age=300", "Age": "999"}, 0),
        ({"Cache-Control": "max-age=999999999"}, MOST_SECONDS),
        ({"Cache-Control": "no-cache, max-age=9"}, 0),
        ({"Cache-Control": "no-store"}, None),
        ({"Cache-Control": "\0;;=,,max-age"}, 60),
    ],
)
def test_read_how_long_a_file_is_good(
    headers: dict[str, str], seconds: int | None
) -> None:
    assert Version.of(headers).fresh_seconds == seconds


@pytest.mark.parametrize("etag", [None, "", '"' + "x" * 600 + '"', '"a\r\nX: y"'])
def test_ask_with_no_validator_that_is_unfit(etag: str | None) -> None:
    headers = {"ETag": etag} if etag is not None else {}
    assert Version.of(headers).question() == {}


def test_gather_no_more_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts_module, "GATHERED_BYTES", 10)
    prompts = Prompts(Clock())
    key = ("a", "", RATE)
    one, other = prompts.gather(key), prompts.gather(key)
    one.add(bytes(6))
    other.add(bytes(6))
    other.add(bytes(6))
    assert other.whole() is None and prompts.gathered == 6
    assert one.whole() == bytes(6)
    one.end()
    one.end()
    assert prompts.gathered == 0


def test_hear_nothing_of_a_flat_file(tmp_path: Path) -> None:
    async def talk(stand: Stand) -> None:
        stand.website.file = wav_bytes(np.zeros(0, np.int16), RATE)
        end, samples = await stand.play()
        assert isinstance(end, Made) and (end.total_ms, samples) == (0, b"")

    Stand(tmp_path).run(talk)


def test_decode_no_more_than_is_soon_played(tmp_path: Path) -> None:
    """Ten minutes of silence are a few kilobytes of FLAC."""

    async def talk(stand: Stand) -> None:
        stand.website.file = file_of("flac", np.zeros(600 * RATE, np.int16), RATE)
        assert len(stand.website.file) < 200_000
        job = stand.begin()
        while not stand.bench.told.samples(job):
            await stand.bench.told.next()
        before = -1
        while stand.prompts.gathered > before:
            before = stand.prompts.gathered
            await asyncio.sleep(0.05)
        assert before < (READ_AHEAD_MS + CREDIT_MS + 10_000) * RATE // 1_000 * 2
        stand.bench.helper.receive(Cancel(job))

    Stand(tmp_path).run(talk)


def test_wait_for_nothing_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts_module, "SOON_BYTES", 1_000)
    monkeypatch.setattr(prompts_module, "FOLLOW_SECONDS", 5.0)

    async def talk(stand: Stand) -> None:
        stand.website.file = file_of("flac", tone(RATE, 60_000), RATE)
        jobs = [stand.begin() for _ in range(2)]
        while not all(stand.bench.told.samples(job) for job in jobs):
            await stand.bench.told.next()
        for job in jobs:
            stand.bench.helper.receive(Cancel(job))

    Stand(tmp_path).run(talk)


def test_follow_nobody_who_is_slow_or_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts_module, "FOLLOW_SECONDS", 0.01)
    key = ("a", "", RATE)

    async def talk() -> None:
        prompts = Prompts(Clock())
        first = prompts.gather(key)
        assert await prompts.fresh(key) is None
        monkeypatch.setattr(prompts_module, "FOLLOW_SECONDS", 5.0)
        waits = asyncio.ensure_future(prompts.fresh(key))
        await asyncio.sleep(0)
        first.end()
        assert await waits is None
        second = prompts.gather(key)
        waits = asyncio.ensure_future(prompts.fresh(key))
        await asyncio.sleep(0)
        prompts.keep(key, bytes(4), Version())
        second.end()
        kept = await waits
        assert kept is not None and kept.samples == bytes(4)

    asyncio.run(talk())
