"""Files that are played: from good servers, and from all the others."""

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.audio.wav import wav_bytes
from mediaworker.speech import guard
from mediaworker.speech.decoding.child import Children
from mediaworker.speech.decoding.files import Files
from mediaworker.speech.decoding.library import libsndfile
from mediaworker.speech.download import Downloader, Patience
from mediaworker.speech.fetching import LAG_SECONDS, Fetching
from mediaworker.speech.prompts import Prompts
from mediaworker.speech.replies import Broken, Made, Reply
from mediaworker.speech.requests import Fetch
from tests.worker.speech.fakes import RATE, Bench, Clock

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HASTE = Patience(connect_seconds=2, answer_seconds=0.2, silence_seconds=0.2)
TONE = (8_000 * np.sin(np.arange(2 * RATE) / 5)).astype(np.int16)
FILE = wav_bytes(TONE, RATE)


def answer(status: str, body: bytes = b"", *headers: str, length: int = -1) -> bytes:
    size = len(body) if length < 0 else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def sends(*parts: bytes, stays: bool = False) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        if stays:
            await reader.read()

    return serve


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer("200 OK", FILE[:4_000], length=len(FILE)))
    await writer.drain()
    writer.transport.abort()


async def never_ends(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(ConnectionError):
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()


def fetching(downloader: Downloader, clock: Callable[[], float]) -> Fetching:
    return Fetching(downloader, Files(Children(libsndfile())), Prompts(clock), clock)


def fetched(
    tmp_path: Path,
    serve: Serve,
    *,
    url: str = "http://127.0.0.1:{port}/a%20file.wav?x=1",
    offset_ms: int = 0,
    largest: int = 1 << 20,
    clock: Callable[[], float] | None = None,
    resolve: Callable[[str, int], Awaitable[Sequence[str]]] | None = None,
) -> tuple[Reply, bytes]:
    """The job's end, and what was sent of it."""
    downloader = Downloader(
        UrlPolicy(allows_loopback=True),
        resolve=resolve or guard.resolve,
        patience=HASTE,
        largest=largest,
    )
    bench = Bench(tmp_path, fetching(downloader, clock or Clock()))
    ends: list[Reply] = []

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    async def talk(bench: Bench) -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            bench.helper.receive(Fetch(1, url.format(port=port), RATE, offset_ms))
            ends.append(await bench.told.end(1))

    bench.run(talk)
    return ends[0], bench.told.samples(1)


def broken(reply: Reply) -> tuple[str, int]:
    assert isinstance(reply, Broken) and reply.provider == "file"
    return reply.sentence, reply.code


def test_play_a_file(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer("200 OK", FILE))

    made, samples = fetched(tmp_path, serve)
    assert isinstance(made, Made)
    assert (made.provider, made.total_ms) == ("file", 2_000)
    assert samples == TONE.tobytes()
    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /a%20file.wav?x=1 HTTP/1.1"
    assert any(line.startswith("Host: 127.0.0.1:") for line in lines)


def test_play_before_all_has_come(tmp_path: Path) -> None:
    serve = sends(answer("200 OK", FILE[:8_044], length=len(FILE)), stays=True)
    reply, samples = fetched(tmp_path, serve)
    assert broken(reply) == ("the server stopped sending", 504)
    assert samples == TONE.tobytes()[:8_000]


def test_play_from_an_offset_at_another_rate(tmp_path: Path) -> None:
    file = wav_bytes(np.repeat(TONE, 2), 2 * RATE)
    made, samples = fetched(tmp_path, sends(answer("200 OK", file)), offset_ms=500)
    assert isinstance(made, Made)
    assert made.total_ms == pytest.approx(1_500, abs=2)
    made, samples = fetched(tmp_path, sends(answer("200 OK", file)), offset_ms=9_000)
    assert isinstance(made, Made) and samples == b""


@pytest.mark.parametrize(
    ("serve", "sentence", "code"),
    [
        (sends(answer("404 Not Found")), "answered 404", 404),
        (sends(answer("500 Oops")), "answered 500", 502),
        (sends(answer("206 Partial", FILE)), "answered 206", 502),
        (sends(answer("302 Found", b"", "Location: /")), "redirects", 502),
        (sends(answer("200 OK", b"x", "Content-Encoding: gzip")), "compresses", 415),
        (sends(answer("200 OK", b"x", length=2 << 20)), "larger than 1 MB", 413),
        (sends(b"HTTP/1.1 200 OK\r\n\r\n", bytes(2 << 20)), "only WAV, MP3, Ogg", 415),
        (sends(answer("200 OK", b"ID3\x04mp3")), "only WAV, MP3, Ogg", 415),
        (sends(answer("200 OK", b"RIFF")), "only WAV, MP3, Ogg", 415),
        (sends(answer("200 OK", FILE, length=10**5)), "before it was whole", 502),
        (sends(b"SSH-2.0-OpenSSH\r\n"), "not HTTP", 502),
        (sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000), "not HTTP", 502),
        (sends(b"HTTP/1.1 200", stays=True), "did not answer in time", 504),
        (sends(), "not HTTP", 502),
        (resets, "", 502),
        (never_ends, "only WAV, MP3, Ogg", 415),
    ],
)
def test_say_why_a_file_is_not_played(
    tmp_path: Path, serve: Serve, sentence: str, code: int
) -> None:
    reply, _ = fetched(tmp_path, serve)
    said, as_http = broken(reply)
    assert sentence in said
    assert as_http == code
    assert "127.0.0.1" not in said


def test_end_a_file_that_never_ends(tmp_path: Path) -> None:
    head = FILE[:40] + b"\xff\xff\xff\xff"
    sound = bytes(2 << 16)
    serve = sends(b"HTTP/1.1 200 OK\r\n\r\n", head, sound, stays=False)
    reply, _ = fetched(tmp_path, serve, largest=1 << 16)
    assert broken(reply)[1] == 413


def test_end_what_is_slower_than_it_is_played(tmp_path: Path) -> None:
    class Slow(Clock):
        def __call__(self) -> float:
            self.now += 2 * LAG_SECONDS
            return self.now

    serve = sends(answer("200 OK", FILE[:100], length=len(FILE)), FILE[100:])
    reply, _ = fetched(tmp_path, serve, clock=Slow())
    assert broken(reply) == ("the server sends slower than the file is played", 504)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://127.0.0.1/x", "only http and https"),
        ("http://10.0.0.1/x", "not a public one"),
        ("http://169.254.169.254/latest", "the cloud's own"),
        ("http://[::ffff:10.0.0.1]/x", "not a public one"),
        ("file:///etc/passwd", "only http and https"),
    ],
)
def test_go_nowhere_else(tmp_path: Path, url: str, sentence: str) -> None:
    said, code = broken(fetched(tmp_path, sends(), url=url)[0])
    assert sentence in said and code == 403


def test_believe_no_name_that_leads_inside(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    url = "http://example.org/x"
    said, code = broken(fetched(tmp_path, sends(), url=url, resolve=resolve)[0])
    assert "not a public one" in said and code == 403


@pytest.mark.parametrize("error", [OSError(), UnicodeError(), TimeoutError(), None])
def test_say_that_a_name_is_not_known(tmp_path: Path, error: Exception | None) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        if error is not None:
            raise error
        return []

    url = "http://example.org/x"
    said, code = broken(fetched(tmp_path, sends(), url=url, resolve=resolve)[0])
    assert "resolved" in said and code in (502, 504)


def test_try_the_next_address(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    url = "http://example.org:{port}/x"
    serve = sends(answer("200 OK", FILE))
    made, _ = fetched(tmp_path, serve, url=url, resolve=resolve)
    assert isinstance(made, Made)


def test_reach_nobody(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/x"
    assert broken(fetched(tmp_path, sends(), url=url)[0]) == (
        "the server cannot be reached",
        502,
    )


def test_take_no_plain_server_for_a_tls_one(tmp_path: Path) -> None:
    url = "https://127.0.0.1:{port}/x"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer("400 Bad Request"))
        await writer.drain()

    said, code = broken(fetched(tmp_path, serve, url=url)[0])
    assert "TLS" in said and code == 502


def test_take_no_certificate_that_nobody_signed(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    certificate = self_signed(tmp_path)
    ends: list[Reply] = []

    async def talk(bench: Bench) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(
            lambda reader, writer: None, "127.0.0.1", 0, ssl=context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            bench.helper.receive(Fetch(1, f"https://example.org:{port}/x", RATE))
            ends.append(await bench.told.end(1))

    downloader = Downloader(
        UrlPolicy(allows_loopback=True), patience=Patience(), resolve=resolve
    )
    Bench(tmp_path, fetching(downloader, Clock())).run(talk)
    assert broken(ends[0]) == ("the server's certificate is not valid", 502)


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2099))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path
