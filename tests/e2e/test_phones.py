"""Calls in and out with sipp, by its scenarios."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.voice.caller import connected
from tests.e2e.voice.phones import (
    PhoneWorker,
    accept,
    agents,
    answered,
    listening,
    phone_worker,
    play,
    reason_of,
)
from tests.peers.lossy_udp import Weather, lossy_udp
from tests.peers.sipp import needs_sipp, sipp

pytestmark = [pytest.mark.laptop, needs_sipp]


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneWorker]:
    folder = tmp_path_factory.mktemp("phones")
    with phone_worker(folder, PARLEY_SIP_PEERS="127.0.0.1") as running:
        yield running
    assert running.worker.lines("error") == running.worker.lines("critical") == []


# In


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_calls_come_and_are_answered(phones: PhoneWorker, transport: str) -> None:
    async def act() -> None:
        async with agents(phones, accept, 10) as served:
            async with sipp(
                "uac", phones.target, "-r", "5", "-d", "300", "-t", transport, calls=10
            ) as caller:
                await caller.done()
            assert len(served) >= 10
            for one in served[:10]:
                await one.until(lambda record: record.events("hangup"))
                assert reason_of(one) == ("byCaller", "caller")

    play(act)


@pytest.mark.parametrize("code", [486, 603, 403])
def test_a_call_is_rejected_with_the_code_that_is_given(
    phones: PhoneWorker, code: int
) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp(f"uac_refused_{code}", phones.target) as caller:
                await app.until(lambda record: record.events("incoming"))
                (event,) = app.record.events("incoming")
                assert event["headers"] == {"X-Test": "yes"}
                await app.command("reject", reason="not now", code=code)
                await caller.done()
            await app.until(lambda record: record.events("hangup"))

    play(act)


def test_a_call_is_cancelled_while_it_rings(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac_cancel", phones.target) as caller:
                await app.until(lambda record: record.events("incoming"))
                await app.command("ringing")
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
            assert reason_of(app) == ("canceled", "caller")

    play(act)


def test_an_offer_may_be_left_to_the_callee(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac_delayed", phones.target) as caller:
                await answered(app)
                await caller.done()
            (event,) = app.record.events("answer")
            assert "o=sipp" in event["sdp"]

    play(act)


def test_a_call_is_held_in_three_spellings(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac_hold", phones.target) as caller:
                await answered(app)
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
            held = [event["onHold"] for event in app.record.events("hold")]
            assert held == [True, False] * 3

    play(act)


def test_digits_come_by_info(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac_info", phones.target) as caller:
                await answered(app)
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
            digits = [event["digit"] for event in app.record.events("dtmf")]
            assert digits == ["5", "#"]

    play(act)


def test_hanging_up_ends_the_call_of_the_phone(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac_hung_up", phones.target) as caller:
                await answered(app)
                await app.command("hangup", reason="done", initiator="callee")
                await caller.done()
            assert reason_of(app) == ("done", "callee")

    play(act)


def test_options_are_answered(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sipp("options", phones.target) as caller:
            await caller.done()

    play(act)


def test_nobody_there_is_told_the_same_of_everybody(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sipp("uac_refused_503", phones.target) as caller:
            await caller.done()
        async with (
            listening(phones, "somebody"),
            sipp("uac_refused_480", phones.target) as caller,
        ):
            await caller.done()

    play(act)


def test_calls_come_through_a_network_that_loses_messages(phones: PhoneWorker) -> None:
    async def act() -> None:
        place = ("127.0.0.1", phones.sip_port)
        weather = Weather(loss_percent=15, seed=7, spares_setup=False)
        async with agents(phones, accept, 12) as served:
            async with lossy_udp(place, weather) as bad:
                target = f"127.0.0.1:{bad.address[1]}"
                async with sipp(
                    "uac_rport", target, "-r", "4", calls=12, seconds=40
                ) as caller:
                    await caller.done()
                assert bad.there.lost and bad.back.lost
            assert len(served) >= 12

    play(act)


# Out


def test_a_call_goes_out_and_is_hung_up_there(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sipp("uas_early") as callee, connected(phones.url()) as app:
            option = {"callee": callee.uri, "sip": {"headers": {"X-Test": "yes"}}}
            await app.command("invite", option=option)
            await app.until(lambda record: record.events("answer"))
            (ringing,) = app.record.events("ringing")
            assert ringing["earlyMedia"] is True
            await app.command("hangup")
            await callee.done()
            await app.until_closed()

    play(act)


@pytest.mark.covers("SipOption.username", "SipOption.password")
def test_a_challenge_is_answered(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sipp("uas_digest") as callee, connected(phones.url()) as app:
            account = {"username": "alice", "password": "secret", "realm": "test"}
            await app.command("invite", option={"callee": callee.uri, "sip": account})
            await app.until(lambda record: record.events("answer"))
            await app.command("hangup")
            await callee.done()

    play(act)


def test_hanging_up_cancels_a_call_that_rings(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sipp("uas_cancelled") as callee, connected(phones.url()) as app:
            await app.command("invite", option={"callee": callee.uri})
            await app.until(lambda record: record.events("ringing"))
            await app.command("hangup")
            await callee.done()
            assert reason_of(app) == ("canceled", "system")

    play(act)


@pytest.mark.parametrize(
    ("code", "reason"), [(404, "failed"), (486, "rejected"), (603, "rejected")]
)
def test_a_call_is_refused_there(phones: PhoneWorker, code: int, reason: str) -> None:
    async def act() -> None:
        async with sipp(f"uas_refusing_{code}") as callee, connected(phones.url()) as a:
            await a.command("invite", option={"callee": callee.uri})
            await a.until(lambda record: record.events("hangup"))
            await callee.done()
            (event,) = a.record.events("reject")
            assert event["code"] == code
            assert reason_of(a)[0] == reason

    play(act)


def test_every_call_has_its_record(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones) as app:
            async with sipp("uac", phones.target, "-d", "300") as caller:
                await answered(app)
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
        found.append(await phones.record_of(app.session_id))

    found: list[dict[str, Any]] = []
    play(act)
    (record,) = found
    extras = record["extras"]
    assert extras["dialog"]["is_inbound"] and extras["dialog"]["codec"] == "pcmu"
    assert record["statusCode"] == 200 and extras["counts"]["packets_sent"] > 5
    assert 200 < record["durationMs"] < 3_000
