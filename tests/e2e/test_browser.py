"""A browser's calls, by the worker as an operator has it, and an application's socket
of `/call/webrtc`."""

import asyncio
import wave
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import soxr

from tests.e2e.voice.caller import Caller, Record, call, connected
from tests.e2e.voice.files import served, wav
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.peers.webrtc import RATE, BrowserPeer, Samples, pitch
from tests.worker.models import MODELS
from tests.worker.webrtc.stage import trickled

pytestmark = [pytest.mark.laptop, pytest.mark.alone]

PATH = "/call/webrtc"
HERTZ = 1_000
MEDIA_TIMEOUT_SECONDS = 2
FILE_RATE = 16_000


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    folder = tmp_path_factory.mktemp("worker")
    timeout = str(MEDIA_TIMEOUT_SECONDS)
    with media_worker(folder, PARLEY_MEDIA_TIMEOUT_SECONDS=timeout) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []


def run(talk: Callable[[BrowserPeer], Coroutine[Any, Any, None]], **peer: Any) -> None:
    """With a browser, which is closed in the end."""

    async def bounded() -> None:
        browser = BrowserPeer(**{"codecs": ["PCMU"], **peer})
        async with asyncio.timeout(120):
            await talk(browser)
            await browser.close()

    asyncio.run(bounded())


@asynccontextmanager
async def browser_call(
    worker: MediaWorker, browser: BrowserPeer, **query: str
) -> AsyncIterator[Caller]:
    """One that is connected; the browser outlives it."""
    option = {"offer": await browser.offer(), "vad": {"type": "silero"}}
    async with call(worker.url(path=PATH, **query), option) as caller:
        (answer,) = caller.record.events("answer")
        await browser.accept(answer["sdp"])
        await browser.connected()
        yield caller


def tone(seconds: float) -> bytes:
    times = np.arange(int(seconds * FILE_RATE)) / FILE_RATE
    return (8_000 * np.sin(2 * np.pi * HERTZ * times)).astype(np.int16).tobytes()


def speech() -> Samples:
    """Somebody reads, at the browser's rate."""
    with wave.open(str(MODELS / "speech-samples" / "two_cities.wav")) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(4 * rate), np.int16)
    return np.asarray(soxr.resample(samples, rate, RATE), np.int16)


async def pressed(browser: BrowserPeer, digits: list[str]) -> None:
    """All of them have come there, and no other."""
    async with asyncio.timeout(10):
        while len(browser.pressed) < len(digits):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    assert browser.pressed == digits


def has(*names: str) -> Callable[[Record], object]:
    return lambda record: record.events(*names)


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA", "G722"])
def test_the_browser_hears_what_plays(worker: MediaWorker, codec: str) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with (
            served(wav(tone(3.0))) as url,
            browser_call(worker, browser) as caller,
        ):
            await caller.command("play", url=url)
            await asyncio.sleep(0.7)
            hertz, share = pitch(await browser.hear(1.0))
            assert abs(hertz - HERTZ) < 5 and share > 0.9
            await caller.until(has("mediaReady"))

    run(talk, codecs=[codec])


def test_the_first_word_waits_for_the_browser(worker: MediaWorker) -> None:
    """What is played at once is not lost while DTLS is still on its way."""

    async def talk(browser: BrowserPeer) -> None:
        option = {"offer": await browser.offer()}
        url = worker.url(path=PATH)
        async with served(wav(tone(1.0))) as file, call(url, option) as caller:
            await caller.command("play", url=file)
            await asyncio.sleep(1.5)
            assert not caller.record.events("trackEnd")
            (answer,) = caller.record.events("answer")
            await browser.accept(answer["sdp"])
            await browser.connected()
            await asyncio.sleep(1.6)
            heard = browser.heard()
            loud = np.abs(heard) > 0.05
            # At 8 kHz, two of a period's eight samples are its zeros.
            assert loud.sum() / RATE > 0.74

    run(talk)


def test_the_application_is_told_of_speech_and_keys(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with browser_call(worker, browser) as caller:
            await caller.until(has("speaking"))
            await browser.press("15#")
            await caller.command("dtmf", digits="42")
            await caller.until(lambda record: len(record.events("dtmf")) == 3)
            digits = [event["digit"] for event in caller.record.events("dtmf")]
            assert digits == ["1", "5", "#"]
            await pressed(browser, ["4", "2"])

    run(talk, codecs=["opus"], recording=speech())


def test_the_application_hangs_up(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with browser_call(worker, browser) as caller:
            await caller.command("hangup", reason="enough")
            async with asyncio.timeout(10):
                await browser.closed.wait()
            await caller.until_closed()
            (over,) = caller.record.events("hangup")
            assert over["reason"] == "enough"

    run(talk)


def test_the_browser_hangs_up(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with browser_call(worker, browser) as caller:
            await browser.close()
            await caller.until_closed()
            (over,) = caller.record.events("hangup")
            assert (over["reason"], over["initiator"]) == ("byCaller", "caller")

    run(talk)


def test_the_browser_vanishes(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with browser_call(worker, browser) as caller:
            browser.fall_silent()
            await caller.until_closed()
            (error,) = caller.record.events("error")
            sentence = f"the browser has sent no audio for {MEDIA_TIMEOUT_SECONDS} s"
            assert error["error"] == sentence
            (over,) = caller.record.events("hangup")
            assert over["reason"] == "failed"

    run(talk)


@pytest.mark.parametrize(
    ("offer", "code"),
    [("hello", 400), ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", 488)],
)
def test_a_bad_offer_is_rejected(worker: MediaWorker, offer: str, code: int) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with connected(worker.url(path=PATH)) as caller:
            await caller.command("invite", option={"offer": offer})
            await caller.until_closed()
            (reject,) = caller.record.events("reject")
            assert reject["code"] == code and reject["reason"].startswith("the offer")

    run(talk)


def test_candidates_come_apart_and_before_the_offer(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        offer, candidates = trickled(await browser.offer())
        async with connected(worker.url(path=PATH)) as caller:
            for one in candidates:
                await caller.command(
                    "addIceCandidate",
                    candidate=one.candidate,
                    sdpMid=one.sdp_mid,
                    sdpMLineIndex=one.sdp_m_line_index,
                )
            await caller.command("invite", option={"offer": offer})
            await caller.until(has("answer"))
            (answer,) = caller.record.events("answer")
            await browser.accept(answer["sdp"])
            await browser.connected()
            await caller.until(has("iceCandidate"))
            (last,) = caller.record.events("iceCandidate")
            assert last["candidate"] == ""
            assert caller.record.events("error") == []

    run(talk)


def test_audio_goes_on_while_the_socket_is_lost(worker: MediaWorker) -> None:
    async def talk(browser: BrowserPeer) -> None:
        async with served(wav(tone(8.0))) as url:
            async with browser_call(worker, browser, id="again-1") as caller:
                await caller.command("play", url=url)
                await asyncio.sleep(0.7)
                transport = caller.socket._writer.transport
                assert transport is not None
                transport.abort()
            hertz, share = pitch(await browser.hear(1.0))
            assert abs(hertz - HERTZ) < 5 and share > 0.9
            async with connected(worker.url(path=PATH, id="again-1")) as caller:
                hertz, share = pitch(await browser.hear(0.5))
                assert abs(hertz - HERTZ) < 5 and share > 0.9
                await caller.command("interrupt")
                await caller.until(has("trackEnd"))
                await caller.command("hangup")
                await caller.until_closed()

    run(talk)


def test_nothing_is_left_of_all_these_calls(worker: MediaWorker) -> None:
    assert worker.ask("call/lists")["calls"] == []
    readings = worker.readings()
    assert readings["rtp_packets_received_total"] > 100
    assert readings["rtp_packets_sent_total"] > 100


def test_two_browsers_are_bridged_and_parted(worker: MediaWorker) -> None:
    """Of different codecs, so that what one says is brought to the other's rate."""

    async def talk(one: BrowserPeer) -> None:
        other = BrowserPeer(codecs=["opus"], hertz=1_500.0)
        async with (
            browser_call(worker, one) as first,
            browser_call(worker, other) as second,
        ):
            await first.command("bridge", targetSessionId=second.session_id)
            for caller in (first, second):
                await caller.until(has("other"))
            await asyncio.sleep(0.5)
            one.forget()
            other.forget()
            assert abs(pitch(await one.hear(1.0))[0] - 1_500) < 5
            assert abs(pitch(await other.hear(1.0))[0] - 700) < 5
            await one.press("7")
            await first.until(has("dtmf"))
            await pressed(other, ["7"])
            await second.command("unbridge", targetSessionId=first.session_id)
            await first.until(lambda record: len(record.events("other")) == 2)
            await asyncio.sleep(0.5)
            other.forget()
            assert np.abs(await other.hear(0.5)).max() < 0.01
        await other.close()

    run(talk, codecs=["PCMU"], hertz=700.0)
