"""The console's voice page in a real browser, on the real stack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.e2e.test_laptop import Laptop, free_ports, get, laptop
from tests.e2e.voice.hearing import Samples, level_db, understood
from tests.e2e.voice.page import (
    BadNetwork,
    Event,
    VoicePage,
    heard_of,
    playbacks,
    read_aloud,
)
from tests.peers.background import Background, background
from tests.peers.chromium import (
    CHROMIUM,
    TAPE_RATE,
    chromium,
    microphone,
    write_recording,
)
from tests.peers.lossy_udp import Weather
from tests.peers.tcp_relay import tcp_relay
from tests.worker.speech.test_engines import SPOKEN, error_rate, words

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

MOST_WRONG = 0.34
"""Share of words that the ear may get wrong, of either."""
MOST_WRONG_LOSSY = 0.5
MOST_SHIFT = 0.02
"""A good page has less than 0.1."""
BREATH = 48_000
"""Samples before the reader's first word, which would be one of its own."""
STORM = Weather(loss_percent=3, jitter_ms=40, seed=7)


@pytest.fixture(scope="module")
def stack() -> Iterator[Laptop]:
    """Nobody is asked for addresses: all are on this machine."""
    with laptop(ICE_SERVERS="[]") as running:
        running.wait_until_ready()
        yield running
        status, _, errors = running.stop()
    assert status == 0
    assert "Traceback" not in errors


@pytest.fixture(scope="module")
def peers() -> Iterator[Background]:
    with background() as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def silent(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Somebody who says nothing."""
    path = tmp_path_factory.mktemp("microphone") / "silence.wav"
    write_recording(path, [(0, np.zeros(1, np.int16))])
    with chromium(playwright, *microphone(path)) as browser:
        yield browser


@contextmanager
def voice_page(
    browser: Browser, stack: Laptop, **context: object
) -> Iterator[VoicePage]:
    """Closed after the block; by then its console must have nothing to complain of."""
    with browser.new_context(**context) as opened:  # type: ignore[arg-type]
        page = VoicePage(opened.new_page(), stack.url)
        yield page
        assert page.complaints == []


@dataclass(frozen=True, slots=True)
class Talk:
    """One that is over, and what was seen and heard of it."""

    events: list[Event]
    lines: dict[str, list[str]]
    interrupted: list[str]
    keys: str
    state: str
    measures: dict[str, str]
    shift: float
    connections: int
    tape: Samples
    began_at_ms: float

    def named(self, *names: str) -> list[Event]:
        return [event for event in self.events if event["event"] in names]

    def heard(self, playback: Event) -> list[str]:
        return words(
            understood(heard_of(self.tape, self.began_at_ms, playback), TAPE_RATE)
        )


def nth_answer(number: int, *, ended: bool = False) -> Callable[[list[Event]], object]:
    """Whether it has begun, or ended too; the greeting is no answer."""

    def is_there(events: list[Event]) -> object:
        answers = playbacks(events)[1:]
        there = len(answers) >= number and answers[number - 1]
        return there and (not ended or there["end"])

    return is_there


MEASURES = ("ice", "codec", "round-trip", "jitter", "loss", "to-transcript")


def measured(page: VoicePage) -> dict[str, str]:
    return {name: page.page.locator(f"#{name}").inner_text() for name in MEASURES}


@pytest.fixture(scope="module")
def talk(
    stack: Laptop,
    playwright: Playwright,
    peers: Background,
    tmp_path_factory: pytest.TempPathFactory,
) -> Talk:
    """Three utterances: one that is answered, one that cuts in on the answer, and one
    after the socket was cut during the answer to that."""
    said = read_aloud()
    path = tmp_path_factory.mktemp("microphone") / "talk.wav"
    write_recording(path, [(6, said[0][BREATH:]), (13.5, said[1]), (22.5, said[2])])
    with (
        chromium(playwright, *microphone(path)) as browser,
        peers.within(tcp_relay(stack.worker_port)) as relay,
        voice_page(browser, stack) as page,
    ):
        page.open(f"ws://127.0.0.1:{relay.port}")
        tape = page.begin()
        before = relay.connections
        page.page.wait_for_selector("#my-light[data-is=on]")
        page.page.wait_for_selector("#partial:not(:empty)", state="visible")
        page.until(nth_answer(2))
        page.page.wait_for_timeout(500)
        peers.run(relay.cut())
        expect(page.page.locator("#state")).to_contain_text("resuming")
        expect(page.page.locator("#state")).to_contain_text("Connected")
        page.until(nth_answer(3))
        for key in "15#":
            page.page.locator(f'[data-key="{key}"]').click()
        page.until(nth_answer(3, ended=True))
        page.page.wait_for_timeout(700)
        measures, shift = measured(page), page.shift
        began_at_ms, heard = tape.began_at_ms, tape.samples()
        page.hang_up()
        return Talk(
            page.told(),
            {who: page.lines(who) for who in ("user", "agent")},
            page.page.locator("#lines .interrupted .text").all_inner_texts(),
            page.page.locator("#keys-heard").inner_text(),
            page.state,
            measures,
            shift,
            relay.connections - before,
            heard,
            began_at_ms,
        )


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
    assert [event["digit"] for event in talk.named("dtmf")] == list("15#")
    assert talk.keys == "15#"


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


def test_measures_are_shown_and_nothing_moves(talk: Talk) -> None:
    assert talk.measures["ice"] in ("connected", "completed")
    assert talk.measures["codec"] == "Opus, 48 kHz"
    for name in ("round-trip", "jitter", "to-transcript"):
        assert " ms" in talk.measures[name], name
    assert talk.measures["loss"].endswith(" %")
    assert talk.shift < MOST_SHIFT


def test_a_bad_network_is_talked_through(
    stack: Laptop, playwright: Playwright, peers: Background, tmp_path: Path
) -> None:
    said = read_aloud()
    path = tmp_path / "talk.wav"
    write_recording(path, [(5.5, said[0][BREATH:])])
    network = BadNetwork(peers, STORM)
    with (
        chromium(playwright, *microphone(path)) as browser,
        voice_page(browser, stack) as page,
    ):
        network.spoil(page.page)
        page.open()
        tape = page.begin()
        page.until(nth_answer(1, ended=True))
        page.page.wait_for_timeout(700)
        began_at_ms, heard = tape.began_at_ms, tape.samples()
        transcript = words(" ".join(page.lines("user")))
        (_, answer, *_) = playbacks(page.told())
        page.hang_up()
        (text,) = page.lines("agent")[1:2]
    assert error_rate(SPOKEN[:12], transcript) <= MOST_WRONG_LOSSY
    spoken = words(understood(heard_of(heard, began_at_ms, answer), TAPE_RATE))
    assert error_rate(words(text), spoken) <= MOST_WRONG_LOSSY, (text, spoken)
    assert network.relay is not None
    assert network.relay.there.lost and network.relay.back.lost


def test_talk_by_keyboard_alone(silent: Browser, stack: Laptop) -> None:
    with voice_page(silent, stack, reduced_motion="reduce") as page:
        page.open()
        keyboard = page.page.keyboard

        def reach(selector: str) -> None:
            for _ in range(40):
                if page.page.evaluate(
                    "document.activeElement.matches(arguments[0])".replace(
                        "arguments[0]", repr(selector)
                    )
                ):
                    return
                keyboard.press("Tab")
            raise AssertionError(f"{selector} is not reached")

        reach("#name")
        keyboard.press("Control+a")
        keyboard.type("ann")
        page.begin(lambda: (reach("#talk"), keyboard.press("Enter"))[1])
        reach("#mute")
        keyboard.press("Space")
        mute = page.page.get_by_role("button", name="Mute my microphone")
        expect(mute).to_have_attribute("aria-pressed", "true")
        reach("[data-key='1']")
        keyboard.press("7")
        reach("[data-key='*']")
        keyboard.press("Enter")
        expect(page.page.locator("#keys-heard")).to_have_text("7*")
        keyboard.press("Shift+Tab")
        page.page.locator("#talk").focus()
        keyboard.press("Enter")
        expect(page.page.locator("#state")).to_have_text("You hung up.")
        page.page.reload()
        assert page.page.get_by_label("Your name").input_value() == "ann"


def test_everything_has_a_role_and_a_name(silent: Browser, stack: Laptop) -> None:
    with voice_page(silent, stack) as page:
        page.open()
        for role in ("banner", "navigation", "main", "contentinfo", "log", "status"):
            expect(page.page.get_by_role(role)).to_have_count(1)  # type: ignore[arg-type]
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


FAINT = """
() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const has = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const style = getComputedStyle(element);
    if (!has || style.visibility === "hidden" || !element.getClientRects().length) continue;
    const [one, other] = [light(channels(style.color)), light(behind(element))].sort();
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(`${element.outerHTML.slice(0, 80)} ${contrast}`);
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable_on_a_narrow_screen(
    silent: Browser, stack: Laptop, scheme: str
) -> None:
    narrow = {"width": 320, "height": 640}
    with voice_page(silent, stack, viewport=narrow, color_scheme=scheme) as page:
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


def test_a_worker_that_is_down_is_told(silent: Browser, stack: Laptop) -> None:
    (nobody,) = free_ports(1)
    with voice_page(silent, stack) as page:
        page.open(f"ws://127.0.0.1:{nobody}")
        page.talk_button.click()
        expect(page.page.get_by_role("alert")).to_contain_text("does not answer")
        assert page.complaints
        page.complaints.clear()


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "does not know you"), (503, "again in 7 seconds")]
)
def test_a_refusal_of_the_worker_is_told(
    silent: Browser, stack: Laptop, status: int, sentence: str
) -> None:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "retry-after",
        "Retry-After": "7",
    }
    with voice_page(silent, stack) as page:
        page.page.route(
            "**/iceservers", lambda route: route.fulfill(status=status, headers=headers)
        )
        page.open()
        page.talk_button.click()
        expect(page.page.get_by_role("alert")).to_contain_text(sentence)
        page.complaints.clear()


def test_pages_keep_to_a_strict_policy(silent: Browser, stack: Laptop) -> None:
    with voice_page(silent, stack) as page:
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
