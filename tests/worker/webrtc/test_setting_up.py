"""Offers good and bad, candidates at any time, and connections that never come."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from aioice import ice, mdns

from chalicelib.protocol.ice import IceSettings, ice_servers
from mediaworker.session.legs import (
    AddCandidate,
    Answered,
    AnswerOffer,
    CandidateGathered,
    Declined,
    LegLost,
    LegTrouble,
    PlaceCall,
)
from mediaworker.webrtc import transport
from mediaworker.webrtc.share import WebRtcRules
from tests.peers.webrtc import BrowserPeer
from tests.worker.webrtc.stage import NO_SERVERS, Seat, browsers, trickled

Talk = Callable[[Seat, BrowserPeer], Coroutine[Any, Any, None]]


def call(talk: Talk, ice_settings: IceSettings = NO_SERVERS, **rules: Any) -> Seat:
    async def run() -> Seat:
        async with (
            asyncio.timeout(30),
            browsers(WebRtcRules(**rules), ice_settings) as made,
        ):
            seat, browser = Seat(made), BrowserPeer(["PCMU"])
            try:
                await talk(seat, browser)
            finally:
                seat.drop()
                await browser.close()
            assert seat.lost == []
            return seat

    return uvloop.run(run())


def without(pattern: str) -> Callable[[str], str]:
    return lambda sdp: re.sub(rf"a={pattern}[^\r]*\r\n", "", sdp)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda sdp: "", 400),
        (lambda sdp: "hello", 400),
        (lambda sdp: "v=0\r\n" * 40_000, 400),
        (lambda sdp: sdp.replace("m=audio", "m=video"), 488),
        (lambda sdp: sdp.split("m=audio")[0], 488),
        (lambda sdp: sdp.replace("PCMU", "G728").replace("SAVPF 0", "SAVPF 99"), 488),
        (lambda sdp: sdp.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), 488),
        (without("fingerprint"), 488),
        (without("ice-ufrag"), 488),
        (without("ice-pwd"), 488),
    ],
)
def test_decline_an_offer_that_cannot_be_met(
    spoil: Callable[[str], str], code: int
) -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        seat.leg.obey(AnswerOffer(spoil(await browser.offer())))
        declined = await seat.until(Declined)
        assert declined.code == code
        assert re.match(r"the offer (is malformed|cannot be met): \w", declined.reason)
        seat.leg.obey(AnswerOffer(await browser.offer()))

    seat = call(talk)
    assert seat.told[-1] is seat.last


def test_lose_a_browser_with_another_certificate() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        sdp = await browser.offer()
        foreign = re.sub(r"(fingerprint:sha-\d+ )..", r"\g<1>00", sdp)
        await browser.accept(await seat.answer(foreign))
        await seat.until(LegLost)

    assert call(talk).last == LegLost(
        "the browser's certificate is not the one that its offer names"
    )


def test_lose_a_browser_that_cannot_be_reached() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        sdp, _ = trickled(await browser.offer())
        await seat.answer(sdp)
        await seat.until(LegLost)

    lost = call(talk, connect_seconds=0.3).last
    assert lost == LegLost("no way was found within 0.3 s")


def test_lose_a_browser_that_does_not_shake_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "DTLS_FIRST", 64)

    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await browser.accept(await seat.answer(await browser.offer()))
        await seat.until(LegLost)

    lost = call(talk, connect_seconds=1.5).last
    assert lost == LegLost("DTLS was not finished within 1.5 s")


def test_lose_a_browser_whose_consent_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7675 section 5.1, in a hundredth of its time."""
    monkeypatch.setattr(ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 0.05)

    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        browser.fall_silent()
        await seat.until(LegLost)

    assert call(talk).last == LegLost("the browser does not answer any more")


def test_lose_a_browser_that_sends_no_audio() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        browser.stop_sending()
        await seat.until(LegLost)

    lost = call(talk, media_timeout_seconds=0.5).last
    assert lost == LegLost("the browser has sent no audio for 0.5 s")


@pytest.mark.parametrize("when", ["before", "after", "late"])
def test_take_candidates_that_are_sent_apart(when: str) -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        sdp, candidates = trickled(await browser.offer())
        assert candidates
        if when == "before":
            _obey(seat, candidates)
        answer = await seat.answer(sdp)
        if when == "after":
            _obey(seat, candidates)
        await browser.accept(answer)
        if when == "late":
            await asyncio.sleep(0.1)
            _obey(seat, candidates)
        await browser.connected()

    call(talk)


def test_be_found_by_a_browser_that_names_no_address() -> None:
    """RFC 8863: its checks tell where it is."""

    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        sdp, _ = trickled(await browser.offer())
        seat.leg.obey(AddCandidate("", "0", 0))
        await browser.accept(await seat.answer(sdp))
        await browser.connected()

    call(talk)


def test_resolve_a_name_that_hides_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(self: Any, hostname: str) -> str | None:
        return None if hostname.startswith("nobody") else "127.0.0.1"

    monkeypatch.setattr(mdns.MDnsProtocol, "resolve", resolve)

    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        sdp, candidates = trickled(await browser.offer())
        hidden = "candidate:9 1 udp 2130706431 {}.local 5000 typ host"
        seat.leg.obey(AddCandidate(hidden.format("nobody-1"), "0", 0))
        seat.leg.obey(AddCandidate(hidden.format("0f3d5a5c"), "0", 0))
        await browser.accept(await seat.answer(sdp))
        await browser.connected()

    call(talk)


def test_go_on_without_multicast(monkeypatch: pytest.MonkeyPatch) -> None:
    async def create() -> None:
        raise OSError("no multicast here")

    monkeypatch.setattr(mdns, "create_mdns_protocol", create)

    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        hidden = "candidate:9 1 udp 2130706431 0f3d5a5c.local 5000 typ host"
        seat.leg.obey(AddCandidate(hidden, "0", 0))
        await seat.meet(browser)

    call(talk)


def test_tell_of_malformed_candidates_and_go_on() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        for text in ("nonsense", "candidate:1 1 udp x y z typ host", "\x00" * 9_000):
            seat.leg.obey(AddCandidate(text, "0", 0))
        await seat.meet(browser)

    seat = call(talk)
    troubles = [event for event in seat.told if isinstance(event, LegTrouble)]
    assert troubles == [LegTrouble("the candidate is malformed", 400)] * 3


def test_bear_a_flood_of_candidates() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        for port in range(1_000):
            text = f"candidate:1 1 udp 1 127.0.0.1 {20_000 + port} typ host"
            seat.leg.obey(AddCandidate(text, "0", 0))
        await seat.meet(browser)

    seat = call(talk)
    codes = [event.code for event in seat.told if isinstance(event, LegTrouble)]
    assert codes == [429]


def test_answer_once() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        seat.leg.obey(AnswerOffer("v=0\r\n"))
        seat.leg.obey(PlaceCall("sip:bob@example.com"))

    seat = call(talk)
    codes = [event.code for event in seat.told if isinstance(event, LegTrouble)]
    assert codes == [501, 501]
    assert sum(isinstance(event, Answered) for event in seat.told) == 1


def test_tell_all_addresses_at_once_where_no_server_is_set() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        answer = await seat.answer(await browser.offer())
        assert " 203.0.113.9 " in answer and "typ host" in answer
        assert "a=end-of-candidates" in answer
        assert not re.search(r"a=candidate:\S+ 1 udp \d+ [0-9a-f]*:", answer)
        await seat.until(CandidateGathered)

    seat = call(talk, public_address="203.0.113.9")
    assert seat.candidates == [""]


def test_answer_before_a_server_that_never_does() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        answer = await seat.answer(await browser.offer())
        assert "a=end-of-candidates" not in answer
        await browser.accept(answer)
        await browser.connected()

    seat = call(talk, ice_servers({"STUN_URLS": "stun:127.0.0.1:9"}))
    assert seat.candidates == []


def test_decline_what_comes_before_the_worker_runs() -> None:
    async def run() -> None:
        async with browsers() as made:
            pass
        seat = Seat(made)
        browser = BrowserPeer(["PCMU"])
        seat.leg.obey(AnswerOffer(await browser.offer()))
        assert (await seat.until(Declined)).code == 503
        await browser.close()

    uvloop.run(run())


def _obey(seat: Seat, candidates: list[AddCandidate]) -> None:
    for candidate in [*candidates, AddCandidate("", "0", 0)]:
        seat.leg.obey(candidate)
