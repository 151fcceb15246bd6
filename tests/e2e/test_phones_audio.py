"""What phones say and hear: compared with what was said, on good lines and bad ones."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from mediaworker.audio import g711
from mediaworker.sip.events import Accepted, Ended
from tests.e2e.voice.caller import Caller, call, connected
from tests.e2e.voice.files import served, wav
from tests.e2e.voice.hearing import Samples
from tests.e2e.voice.likeness import likenesses, sweep
from tests.e2e.voice.phones import (
    HEARING,
    PhoneWorker,
    answered,
    listening,
    phone_worker,
    play,
    reason_of,
)
from tests.peers.bad_line import bad_line
from tests.peers.lossy_udp import Weather
from tests.peers.sip_phone import FRAME_BYTES, SILENCE, sip_phone
from tests.peers.sipp import needs_sipp, sipp
from tests.worker.speech.test_engines import SPOKEN, error_rate, recorded, words

pytestmark = [pytest.mark.laptop, pytest.mark.alone, needs_sipp]

RATE = 16_000
PHONE_RATE = 8_000
SWEEP_SECONDS = 3
SPOKEN_SECONDS = 4.2
QUIET_SECONDS = 1.3
SLOTS = 50
"""A second."""
LOSS_PERCENT = 15.0


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneWorker]:
    with phone_worker(tmp_path_factory.mktemp("phones")) as running:
        yield running
    assert running.worker.lines("error") == running.worker.lines("critical") == []


@pytest.fixture(scope="module")
def said() -> bytes:
    """A recorded sentence in PCMU, and quiet after it."""
    speech = soxr.resample(
        recorded(SPOKEN_SECONDS).astype(np.int16), RATE, PHONE_RATE
    ).astype(np.int16)
    quiet = np.zeros(int(QUIET_SECONDS * PHONE_RATE), np.int16)
    return g711.encode(np.concatenate([speech, quiet])).tobytes()


def frames_of(audio: bytes) -> list[bytes]:
    cut = [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]
    return [frame for frame in cut if len(frame) == FRAME_BYTES]


def wrong_words(app: Caller) -> float:
    """Of those that are recognised, to the recording's beginning."""
    heard = words(" ".join(event["text"] for event in app.record.events("asrFinal")))
    return min(
        error_rate(SPOKEN[:count], heard) for count in range(12, len(SPOKEN) + 1)
    )


def heard_by(caller: Caller) -> Samples:
    frames = [each for each in caller.record.entries if isinstance(each, bytes)]
    return np.frombuffer(b"".join(frames), np.int16)


# By sipp


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_what_is_echoed_is_what_was_played(phones: PhoneWorker, codec: str) -> None:
    sent = sweep(SWEEP_SECONDS, RATE)

    async def act() -> None:
        async with (
            served(wav(sent.tobytes())) as url,
            sipp(f"uas_{codec}", "", "-rtp_echo", seconds=40) as callee,
            connected(phones.url()) as app,
            call(phones.worker.url("agent"), {"codec": "pcm"}) as hearer,
        ):
            await app.command("invite", option={"callee": callee.uri})
            await app.until(lambda record: record.events("answer"))
            await app.command("bridge", targetSessionId=hearer.session_id)
            await app.until(lambda record: record.events("other"))
            await app.command("play", url=url)
            await app.until(lambda record: record.events("trackEnd"))
            await asyncio.sleep(0.3)
            await app.command("hangup")
            await callee.done()
            await hearer.command("hangup")
            await hearer.until_closed()
            record = await phones.record_of(app.session_id)
            counts = record["extras"]["counts"]
        assert record["extras"]["dialog"]["codec"] == codec
        assert counts["packets_sent"] >= SWEEP_SECONDS * SLOTS
        assert counts["packets_received"] >= counts["packets_sent"] - 5
        assert counts["packets_lost"] == 0
        found, delays = likenesses(sent, heard_by(hearer), RATE)
        assert min(found) > 0.9, found
        assert max(delays) - min(delays) <= RATE // SLOTS, delays

    play(act)


def test_speech_of_sipp_is_understood(
    phones: PhoneWorker, said: bytes, tmp_path: Path
) -> None:
    (tmp_path / "speech.ul").write_bytes(said)

    async def act() -> None:
        async with listening(phones) as app, bad_line(phones.place) as line:
            async with sipp(
                "uac_speech", line.target, seconds=40, folder=tmp_path
            ) as caller:
                await answered(app, HEARING)
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
            record = await phones.record_of(app.session_id)
            counts = record["extras"]["counts"]
        assert reason_of(app) == ("byCaller", "caller")
        assert wrong_words(app) <= 0.2, app.record.events("asrFinal")
        assert counts["packets_received"] == len(said) // FRAME_BYTES
        assert counts["packets_sent"] == line.rtp.back.passed
        due = record["durationMs"] / 1_000 * SLOTS
        assert 0.95 * due <= counts["packets_sent"] <= due + SLOTS / 5

    play(act)


# A bad line


@pytest.mark.parametrize("is_signalling_bad", [False, True])
def test_a_call_goes_on_where_packets_are_lost(
    phones: PhoneWorker, said: bytes, is_signalling_bad: bool
) -> None:
    # This one loses the INVITE, the answer and the ACK, too.
    bad = Weather(LOSS_PERCENT, seed=339, spares_setup=False)
    frames = frames_of(said)

    async def act() -> None:
        async with (
            listening(phones) as app,
            bad_line(
                phones.place, bad if is_signalling_bad else Weather(), bad
            ) as line,
            sip_phone() as phone,
        ):
            before = phones.worker.readings()
            phone.invite(f"sip:agent@{line.target}")
            await answered(app, HEARING)
            await phone.until(Accepted)
            await phone.speak(frames)
            await app.until(lambda record: record.events("asrFinal"))
            assert app.record.events("hangup") == []
            heard = len(phone.heard)
            await phone.speak([SILENCE] * SLOTS)
            assert len(phone.heard) - heard > 0.7 * SLOTS
            phone.bye()
            await phone.until(Ended)
            await app.until(lambda record: record.events("hangup"))
            assert reason_of(app) == ("byCaller", "caller")
            record = await phones.record_of(app.session_id)
            counts = record["extras"]["counts"]
        way = line.rtp.there
        assert way.passed + way.lost == len(frames) + SLOTS
        assert counts["packets_received"] == way.passed
        assert abs(counts["packets_lost"] - way.lost) <= 3
        share = 100 * counts["packets_lost"] / (way.passed + way.lost)
        assert abs(share - LOSS_PERCENT) <= 5
        assert record["extras"]["framesConcealed"] >= 0.8 * way.lost
        assert len(phone.sources) == 1
        assert wrong_words(app) <= 0.5, app.record.events("asrFinal")
        after = phones.worker.readings()
        counted = "rtp_packets_lost_total"
        assert after[counted] - before[counted] == counts["packets_lost"]
        if is_signalling_bad:
            assert line.sip.there.lost and line.sip.back.lost

    play(act)
