"""The console's voice page in a real browser, on the real stack."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect, sync_playwright

from tests.e2e.test_laptop import Laptop, free_ports, get, laptop
from tests.e2e.voice.hearing import level_db, understood
from tests.e2e.voice.page import VoicePage, playbacks
from tests.e2e.voice.page_talks import (
    KEYS,
    BriefTalk,
    Browsers,
    Talk,
    talk_in_a_storm,
    talk_with_a_cut,
    three_browsers,
    voice_page,
)
from tests.peers.background import Background, background
from tests.peers.chromium import CHROMIUM, FAINT, TAPE_RATE, chromium
from tests.worker.speech.test_engines import SPOKEN, error_rate, words

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.alone,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

MOST_WRONG = 0.34
"""Share of words that the ear may get wrong, of either."""
MOST_WRONG_LOSSY = 0.5
MOST_SHIFT = 0.05
"""A good page has less than 0.1."""


@pytest.fixture(scope="module")
def peers() -> Iterator[Background]:
    with background() as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browsers(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browsers]:
    with three_browsers(playwright, tmp_path_factory.mktemp("microphones")) as started:
        yield started


@pytest.fixture(scope="module")
def stack(browsers: Browsers) -> Iterator[Laptop]:
    """Started after the browsers: while one starts, a worker may be too late to take a
    call. Nobody is asked for addresses, as all are on this machine."""
    with laptop(ICE_SERVERS="[]") as running:
        running.wait_until_ready()
        yield running
        status, _, errors = running.stop()
    assert status == 0
    assert "Traceback" not in errors


@pytest.fixture(scope="module")
def talk(stack: Laptop, browsers: Browsers, peers: Background) -> Talk:
    return talk_with_a_cut(browsers.talker, stack, peers)


@pytest.fixture(scope="module")
def brief_talk(
    talk: Talk, stack: Laptop, browsers: Browsers, peers: Background
) -> BriefTalk:
    """Right after the other: where an ear works, a worker is too late for a call."""
    return talk_in_a_storm(browsers.brief, stack, peers)


def reach(page: VoicePage, selector: str) -> None:
    """By the Tab key, which goes round the page."""
    for _ in range(80):
        if page.page.evaluate("(it) => document.activeElement.matches(it)", selector):
            return
        page.page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached")


def press(page: VoicePage, selector: str, key: str) -> None:
    reach(page, selector)
    page.page.keyboard.press(key)


@pytest.mark.usefixtures("brief_talk")
def test_talk_by_keyboard_alone(browsers: Browsers, stack: Laptop) -> None:
    with voice_page(browsers.silent, stack, reduced_motion="reduce") as page:
        page.open()
        keyboard = page.page.keyboard

        reach(page, "#name")
        keyboard.press("Control+a")
        keyboard.type("ann")
        page.begin(lambda: press(page, "#talk", "Enter"))
        press(page, "#mute", "Space")
        mute = page.page.get_by_role("button", name="Mute my microphone")
        expect(mute).to_have_attribute("aria-pressed", "true")
        press(page, "[data-key='1']", "7")
        press(page, "[data-key='*']", "Enter")
        expect(page.page.locator("#keys-heard")).to_have_text("7*")
        press(page, "#talk", "Enter")
        expect(page.page.locator("#state")).to_have_text("You hung up.")
        page.page.reload()
        assert page.page.get_by_label("Your name").input_value() == "ann"


def test_what_the_person_says_is_shown(talk: Talk) -> None:
    heard = words(" ".join(talk.lines["user"]))
    assert error_rate(SPOKEN[: len(heard)], heard) <= MOST_WRONG
    assert {"best", "worst", "wisdom"} <= set(heard)
    assert talk.named("speaking") and talk.named("asrDelta")


def test_what_the_agent_says_is_heard_and_shown(talk: Talk) -> None:
    answers = [one for one in playbacks(talk.events)[1:] if not one["broke"]]
    assert len(answers) >= 2
    texts = [event["text"] for event in talk.named("addHistory")]
    for answer in answers:
        text = texts[2 * int(answer["playId"].partition("-")[2]) - 1]
        assert text in talk.lines["agent"]
        assert error_rate(words(text), talk.heard(answer)) <= MOST_WRONG, text
    assert -35 < level_db(talk.tape) < -10


def test_the_person_interrupts_the_agent(talk: Talk) -> None:
    first = playbacks(talk.events)[1]
    assert first["broke"]
    assert talk.interrupted
    (told,) = (e for e in talk.named("interruption") if e["playId"] == first["playId"])
    assert told["current"] < told["totalDuration"]
    # Of the jitter buffer nothing is left to be heard soon after.
    began = (told["at"] - talk.began_at_ms) / 1_000
    after = talk.tape[int((began + 0.4) * TAPE_RATE) : int((began + 0.9) * TAPE_RATE)]
    assert level_db(after + np.int16(1)) < -50


def test_keys_arrive(talk: Talk) -> None:
    assert [event["digit"] for event in talk.named("dtmf")] == list(KEYS)
    assert talk.keys == KEYS


def test_a_socket_that_was_cut_is_resumed(talk: Talk) -> None:
    """And the audio goes on: what was said meanwhile is heard, above."""
    assert talk.connections >= 1
    sessions = {e["trackId"] for e in talk.named("answer", "speaking", "hangup")}
    assert len(sessions) == 1
    assert len(talk.named("answer")) == 1
    assert len(playbacks(talk.events)) >= 4


def test_a_hang_up_ends_it_cleanly(talk: Talk, stack: Laptop) -> None:
    (over,) = talk.named("hangup")
    assert (over["reason"], over["initiator"]) == ("user hung up", "user")
    assert talk.state == "You hung up."
    assert get(f"http://127.0.0.1:{stack.worker_port}/health")[1]["sessions"] == 0


def test_measures_are_shown_readable_and_still(talk: Talk) -> None:
    assert talk.measures["ice"] in ("connected", "completed")
    assert talk.measures["codec"] == "Opus, 48 kHz"
    for name in ("round-trip", "jitter", "to-transcript"):
        assert " ms" in talk.measures[name], name
    assert talk.measures["loss"].endswith(" %")
    assert talk.shift < MOST_SHIFT
    assert talk.faint == []


def test_a_bad_network_is_talked_through(brief_talk: BriefTalk) -> None:
    heard = words(" ".join(brief_talk.transcript))
    assert error_rate(SPOKEN[:12], heard) <= MOST_WRONG_LOSSY
    spoken = words(understood(brief_talk.heard, TAPE_RATE))
    assert error_rate(words(brief_talk.answer), spoken) <= MOST_WRONG_LOSSY, spoken
    assert brief_talk.lost_there and brief_talk.lost_back


def test_everything_has_a_role_and_a_name(browsers: Browsers, stack: Laptop) -> None:
    with voice_page(browsers.silent, stack) as page:
        page.open()
        for selector in ("banner", "navigation", "main", "contentinfo", "log", "alert"):
            expect(page.page.locator(f"role={selector}")).to_have_count(1)
        for name in ("Call", "Transcript", "Keypad", "Measures"):
            expect(
                page.page.get_by_role("region", name=name, exact=True)
            ).to_be_attached()
        expect(page.page.get_by_label("Your name")).to_be_editable()
        keys = page.page.get_by_role("group", name="Keypad").get_by_role("button")
        assert [keys.nth(n).get_attribute("data-key") for n in range(keys.count())] == [
            *"123456789*0#"
        ]
        expect(page.page.get_by_role("heading", level=1)).to_have_count(1)
        current = page.page.get_by_role("link", name="Voice")
        expect(current).to_have_attribute("aria-current", "page")
        page.page.get_by_role("link", name="Start", exact=True).click()
        expect(page.page.get_by_role("heading", name="What runs where")).to_be_visible()
        expect(page.page.locator("#worker-state")).to_have_text("Answers the stack")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable_on_a_narrow_screen(
    browsers: Browsers, stack: Laptop, scheme: str
) -> None:
    narrow = {"width": 320, "height": 640}
    with voice_page(
        browsers.silent, stack, viewport=narrow, color_scheme=scheme
    ) as page:
        for path in ("/", "/voice.html"):
            page.page.goto(stack.url + path)
            page.page.wait_for_load_state("networkidle")
            width = page.page.evaluate("document.scrollingElement.scrollWidth")
            assert width <= 320, path
            assert page.page.evaluate(FAINT) == [], path
        ground = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(16, 21, 20)") is (scheme == "dark")


def test_a_denied_microphone_is_told(playwright: Playwright, stack: Laptop) -> None:
    with chromium(playwright) as browser, voice_page(browser, stack) as page:
        page.open()
        page.talk_button.click()
        expect(page.page.get_by_role("alert")).to_contain_text("microphone")
        expect(page.talk_button).to_be_enabled()


def test_a_worker_that_is_down_is_told(browsers: Browsers, stack: Laptop) -> None:
    (nobody,) = free_ports(1)
    with voice_page(browsers.silent, stack) as page:
        page.open(f"ws://127.0.0.1:{nobody}")
        page.talk_button.click()
        expect(page.page.get_by_role("alert")).to_contain_text("does not answer")
        assert page.complaints
        page.complaints.clear()


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "does not know you"), (503, "again in 7 seconds")]
)
def test_a_refusal_of_the_worker_is_told(
    browsers: Browsers, stack: Laptop, status: int, sentence: str
) -> None:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "retry-after",
        "Retry-After": "7",
    }
    with voice_page(browsers.silent, stack) as page:
        page.page.route(
            "**/iceservers", lambda route: route.fulfill(status=status, headers=headers)
        )
        page.open()
        page.talk_button.click()
        expect(page.page.get_by_role("alert")).to_contain_text(sentence)
        page.complaints.clear()


def test_pages_keep_to_a_strict_policy(browsers: Browsers, stack: Laptop) -> None:
    with voice_page(browsers.silent, stack) as page:
        answer = page.page.goto(f"{stack.url}/voice.html")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        blocked = page.page.evaluate(
            """() => new Promise((resolve) => {
              document.addEventListener("securitypolicyviolation",
                ({ effectiveDirective }) => resolve(effectiveDirective));
              document.body.append(Object.assign(document.createElement("script"),
                { textContent: "window.isOwned = true" }));
            })"""
        )
        assert blocked.startswith("script-src")
        page.complaints.clear()
