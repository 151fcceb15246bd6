"""The console's calls page in real browsers, on the real stack."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.pages.calls import NAMELESS, PATIENCE_MS, CallsPage, calls_page
from tests.e2e.test_laptop import Laptop, free_ports, laptop
from tests.peers.chromium import CHROMIUM, FAINT, FAKES, chromium

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.alone,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

KEPT = {"ICE_SERVERS": "[]", "PARLEY_SIP_PORT": "0"}
OF_A_KILL = ("net::ERR_", "WebSocket connection", "status of 503")
"""Complaints of a browser when the stack is not there."""
REACH = 40


class Trio:
    """Alice with one window, and bob with two."""

    def __init__(self, browser: Browser, url: str, opened: ExitStack) -> None:
        self._browser, self._url, self._opened = browser, url, opened
        self.alice = self.sign_in("alice")
        self.bob = self.sign_in("bob")
        self.bobs_other = self.sign_in("bob")

    def sign_in(self, uid: str, *, as_admin: bool = False) -> CallsPage:
        page = self._opened.enter_context(calls_page(self._browser, self._url))
        page.sign_in(uid, as_admin=as_admin)
        return page

    @property
    def pages(self) -> tuple[CallsPage, ...]:
        return self.alice, self.bob, self.bobs_other


@dataclass(frozen=True, slots=True)
class House:
    """A stack that was killed while it rang and was started again, its users, and what
    they were told of that ring."""

    stack: Laptop
    trio: Trio
    phases: tuple[str, ...]
    """Of the windows, once they were back."""
    endings: tuple[str, ...]


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running, chromium(running, *FAKES) as started:
        yield started


@pytest.fixture(scope="module")
def house(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    ports = free_ports(2)
    kept = {**KEPT, "PARLEY_STATE": str(tmp_path_factory.mktemp("state"))}
    with ExitStack() as opened:
        with laptop(*ports, PARLEY_RING_SECONDS="120", **kept) as first:
            first.wait_until_ready()
            trio = Trio(browser, first.url, opened)
            trio.alice.call("bob", "Audio")
            for page in trio.pages[1:]:
                page.wait_for("incoming")
            first.stop(signal.SIGKILL)
        with laptop(*ports, PARLEY_RING_SECONDS="5", **kept) as second:
            yield talk_after_the_kill(second, trio)
            opened.close()
            status, _, errors = second.stop()
    assert status == 0
    # A push to a socket of the stack that was killed fails once, and is made again.
    trouble = [line for line in errors.splitlines() if "Traceback" in line]
    assert [line for line in trouble if "NotPushed" not in line] == []


def talk_after_the_kill(stack: Laptop, trio: Trio) -> House:
    for page in trio.pages:
        page.wait_until_told("Connection lost")
    for page in trio.pages:
        page.wait_until_online(timeout_ms=2 * PATIENCE_MS)
    phases = tuple(page.phase for page in trio.pages)
    trio.bob.press("Answer")
    trio.bobs_other.wait_until_told("Answered on another device.")
    for page in (trio.alice, trio.bob):
        page.wait_until_told("Connected.")
        page.prove(has_video=False)
    trio.alice.press("Hang up")
    for page in trio.pages:
        page.wait_until_told("hung up after")
        page.forgive(*OF_A_KILL)
    stack.wait_until_ready()
    return House(stack, trio, phases, tuple(page.sentence for page in trio.pages))


@pytest.fixture
def trio(house: House) -> Iterator[Trio]:
    """In no call, as they are to be afterwards, whatever has failed."""
    yield house.trio
    for page in house.trio.pages:
        if page.phase != "idle" and page.button("Hang up").is_visible():
            page.press("Hang up")
    for page in house.trio.pages:
        page.wait_for("idle")


@pytest.fixture
def stack(house: House) -> Laptop:
    return house.stack


def test_a_ring_outlives_the_stack(house: House) -> None:
    assert house.phases == ("outgoing", "incoming", "incoming")
    alices, bobs, others = house.endings
    assert alices.startswith("You hung up after ")
    assert bobs.startswith("alice hung up after ") and others == bobs


def test_video_call_rings_everywhere_and_is_answered_once(trio: Trio) -> None:
    alice, bob, other = trio.pages
    alice.call("bob", "Video")
    alice.wait_until_told("Ringing…")
    for page in (bob, other):
        page.wait_for("incoming")
        page.wait_until_told("Incoming video call")
        expect(page.page.locator("#clock")).to_contain_text(" s left")
        assert page.page.title() == "alice is calling – Parley"
        expect(page.page.locator("#announcement")).to_contain_text("alice is calling")
    bob.press("Answer")
    other.wait_for("idle")
    assert other.sentence == "Answered on another device."
    for page in (alice, bob):
        page.wait_until_told("Connected.")
        page.prove(has_video=True)
        expect(page.page.locator("#picture")).to_be_visible()
        expect(page.page.locator("#own")).to_be_visible()
    assert other.flows.packets == 0

    shown = alice.page.locator
    expect(shown("#audio-codec")).to_have_text("Opus")
    expect(shown("#video-size")).to_contain_text("×")
    expect(shown("#round-trip")).to_contain_text(" ms")
    expect(shown("#audio-rate")).to_contain_text("kbit/s")

    bob.press("Camera")
    expect(shown("#picture")).to_be_hidden()
    frames = alice.flows.frames
    alice.prove(has_video=False)
    assert alice.flows.frames <= frames + 1
    bob.press("Camera")
    expect(shown("#picture")).to_be_visible()
    alice.prove(has_video=True)

    bob.press("Hang up")
    bob.wait_until_told("You hung up after ")
    alice.wait_until_told("bob hung up after ")
    other.wait_until_told("You hung up after ")
    for page in trio.pages:
        newest = page.page.locator("#recent li").first
        expect(newest).to_contain_text("· video ·")


def test_audio_call_is_muted_and_outlives_both_pages(trio: Trio) -> None:
    alice, bob, _ = trio.pages
    alice.call("bob", "Audio")
    bob.press("Answer")
    for page in (alice, bob):
        page.wait_until_told("Connected.")
        page.prove(has_video=False)
        expect(page.page.locator("#picture")).to_be_hidden()
    alice.press("Mute")
    alice.wait_until_told("You are muted.")
    expect(alice.button("Mute")).to_have_attribute("aria-pressed", "true")
    bob.prove_silence()

    for page in (alice, bob):
        page.page.reload()
        page.wait_until_told("Connected.")
        alice.prove(has_video=False)
        bob.prove(has_video=False)
    alice.press("Hang up")
    bob.wait_until_told("alice hung up after ")


def test_a_call_is_declined(trio: Trio) -> None:
    alice, bob, other = trio.pages
    alice.call("bob", "Audio")
    other.wait_for("incoming")
    bob.press("Decline")
    alice.wait_until_told("bob declined the call.")
    other.wait_until_told("You declined the call.")


def test_a_call_is_cancelled_and_a_user_in_a_call_is_busy(trio: Trio) -> None:
    alice, bob, _ = trio.pages
    carol = trio.sign_in("carol")
    alice.call("bob", "Audio")
    bob.wait_for("incoming")
    carol.call("bob", "Video")
    trouble = carol.page.locator("#trouble")
    expect(trouble).to_have_text("bob is in another call.")
    assert carol.phase == "idle"
    alice.press("Cancel")
    alice.wait_until_told("You cancelled the call.")
    bob.wait_until_told("You missed a call from alice, who gave up.")


def test_nobody_answers_in_time(trio: Trio) -> None:
    alice, bob, other = trio.pages
    other.page.goto("about:blank")
    alice.call("bob", "Audio")
    bob.wait_for("incoming")
    alice.wait_until_told("bob did not answer.")
    bob.wait_until_told("You missed a call from alice.")
    # Who was away is told of it, by the history and by the line.
    other.page.goto(bob.page.url)
    other.wait_until_told("You missed a call from alice.")
    newest = other.page.locator("#recent li").first
    expect(newest).to_contain_text("missed")
    newest.get_by_role("button").click()
    other.wait_for("outgoing")
    alice.press("Decline")
    other.wait_until_told("alice declined the call.")
    bob.wait_for("idle")


def test_no_token_stands_in_an_address(trio: Trio) -> None:
    address = trio.alice.page.evaluate("window.address")
    assert "ticket=" in address and "device_type=web" in address
    assert "token" not in address and "eyJ" not in address


def test_operations_tell_a_calls_story_and_have_it_told_again(trio: Trio) -> None:
    alice, bob, _ = trio.pages
    alice.call("bob", "Video")
    bob.press("Decline")
    alice.wait_until_told("bob declined the call.")

    root = trio.sign_in("root", as_admin=True).page
    root.get_by_role("tab", name="Operations").click()
    root.get_by_role("button", name="alice → bob").first.click()
    expect(root.locator("#summary")).to_contain_text("rejected by callee")
    first = root.locator("#happenings .event").first
    expect(first).to_contain_text("participant.invited")
    attempts = root.locator("#happenings .attempt[data-is=good]")
    expect(attempts).to_have_count(6)
    attempts.first.get_by_role("button").click()
    expect(root.locator("#timeline-told")).to_contain_text("once more")
    expect(attempts).to_have_count(7)

    # A user sees own calls alone, and has nothing told again.
    alice.page.get_by_role("tab", name="Phone").focus()
    alice.page.keyboard.press("ArrowRight")
    alice.page.locator(".pick").first.click()
    expect(alice.page.locator("#happenings .event").first).to_be_visible()
    expect(alice.page.get_by_role("button", name="Replay")).to_have_count(0)
    alice.page.get_by_role("tab", name="Phone").click()
    frank = trio.sign_in("frank").page
    frank.get_by_role("tab", name="Operations").click()
    expect(frank.locator("#no-ended")).to_be_visible()


def test_everything_has_a_name_and_is_reached_by_keyboard(
    browser: Browser, stack: Laptop
) -> None:
    with calls_page(browser, stack.url, reduced_motion="reduce") as page:
        page.sign_in("dave")
        for role in ("banner", "navigation", "main", "contentinfo", "tablist"):
            expect(page.page.locator(f"role={role}")).to_have_count(1)
        expect(page.page.get_by_role("heading", level=1)).to_have_count(1)
        assert page.page.evaluate(NAMELESS) == []
        page.page.reload()
        page.wait_until_online()
        reached = [_tab(page) for _ in range(REACH)]
        order = ["phone-tab", "to", "audio", "video", "sign-out"]
        places = [reached.index(one) for one in order]
        assert places == sorted(places)


def test_every_text_is_readable_on_a_narrow_screen(
    browser: Browser, stack: Laptop
) -> None:
    narrow = {"width": 320, "height": 640}
    with (
        calls_page(browser, stack.url, viewport=narrow) as page,
        calls_page(browser, stack.url) as other,
    ):
        page.page.goto(f"{stack.url}/calls.html")
        _assert_readable(page)
        page.sign_in("dave")
        other.sign_in("erin")
        _assert_readable(page)
        other.call("dave", "Video")
        page.wait_for("incoming")
        _assert_readable(page)
        page.press("Answer")
        page.wait_until_told("Connected.")
        expect(page.page.locator("#picture")).to_be_visible()
        _assert_readable(page)
        page.press("Hang up")
        page.wait_for("idle")
        page.page.get_by_role("tab", name="Operations").click()
        page.page.locator(".pick").first.click()
        expect(page.page.locator("#happenings li").first).to_be_visible()
        _assert_readable(page)


def _assert_readable(page: CallsPage) -> None:
    width = page.page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= 320
    assert page.page.evaluate(NAMELESS) == []
    for scheme in ("dark", "light"):
        page.page.emulate_media(color_scheme=scheme)
        assert page.page.evaluate(FAINT) == [], scheme


def _tab(page: CallsPage) -> str:
    """What the next Tab comes to, by its id or its value."""
    page.page.keyboard.press("Tab")
    focused = "document.activeElement.id || document.activeElement.value || ''"
    return str(page.page.evaluate(focused))
