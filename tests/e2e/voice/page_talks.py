"""Talks on the voice page, from the first word to the hang-up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Playwright, expect

from tests.e2e.test_laptop import Laptop
from tests.e2e.voice.hearing import Samples, understood
from tests.e2e.voice.page import (
    BadNetwork,
    Event,
    VoicePage,
    heard_of,
    playbacks,
    read_aloud,
)
from tests.peers.background import Background
from tests.peers.chromium import (
    FAINT,
    TAPE_RATE,
    chromium,
    microphone,
    write_recording,
)
from tests.peers.lossy_udp import Weather
from tests.peers.tcp_relay import tcp_relay
from tests.worker.speech.test_engines import words

BREATH = 48_000
"""Samples before the reader's first word, which would be one of its own."""
TRAIL_MS = 700
"""From the end of a playback until the last of it is on the tape."""
STORM = Weather(loss_percent=3, jitter_ms=40, seed=7)
KEYS = "15#"
MEASURES = ("ice", "codec", "round-trip", "jitter", "loss", "to-transcript")


@dataclass(frozen=True, slots=True)
class Browsers:
    """By who sits before their microphones."""

    talker: Browser
    """Says three utterances, the second of them while the agent answers the first."""
    brief: Browser
    """Says one."""
    silent: Browser


@contextmanager
def three_browsers(playwright: Playwright, folder: Path) -> Iterator[Browsers]:
    """Within the block; the folder is for what they say."""
    said = read_aloud()
    first = said[0][BREATH:]
    heard = {
        "talker": [(6.0, first), (13.5, said[1]), (22.5, said[2])],
        "brief": [(5.5, first)],
        "silent": [(0.0, np.zeros(1, np.int16))],
    }
    with ExitStack() as opened:
        started = {}
        for name, parts in heard.items():
            path = folder / f"{name}.wav"
            write_recording(path, parts)
            browser = chromium(playwright, *microphone(path))
            started[name] = opened.enter_context(browser)
        yield Browsers(**started)


@contextmanager
def voice_page(browser: Browser, stack: Laptop, **context: Any) -> Iterator[VoicePage]:
    """Closed after the block; by then its console must have nothing to complain of."""
    with browser.new_context(**context) as opened:
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
    faint: list[str]
    """What could not be read well, in either scheme of colours."""
    connections: int
    """After the first ones."""
    tape: Samples
    began_at_ms: float

    def named(self, *names: str) -> list[Event]:
        return [event for event in self.events if event["event"] in names]

    def heard(self, playback: Event) -> list[str]:
        samples = heard_of(self.tape, self.began_at_ms, playback)
        return words(understood(samples, TAPE_RATE))


def talk_with_a_cut(browser: Browser, stack: Laptop, peers: Background) -> Talk:
    """Three utterances: one that is answered, one that cuts in on the answer, and one
    after the socket was cut during the answer to that."""
    with (
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
        for key in KEYS:
            page.page.locator(f'[data-key="{key}"]').click()
        faint = _faint(page)
        page.until(nth_answer(3, ended=True))
        page.page.wait_for_timeout(TRAIL_MS)
        measures, shift = _measured(page), page.shift
        began_at_ms, heard = tape.began_at_ms, tape.samples()
        page.hang_up()
        return Talk(
            events=page.told(),
            lines={who: page.lines(who) for who in ("user", "agent")},
            interrupted=page.lines("interrupted"),
            keys=page.page.locator("#keys-heard").inner_text(),
            state=page.state,
            measures=measures,
            shift=shift,
            faint=faint,
            connections=relay.connections - before,
            tape=heard,
            began_at_ms=began_at_ms,
        )


@dataclass(frozen=True, slots=True)
class BriefTalk:
    """One utterance and its answer, over a bad network."""

    transcript: list[str]
    answer: str
    heard: Samples
    """Of the answer."""
    lost_there: int
    lost_back: int


def talk_in_a_storm(browser: Browser, stack: Laptop, peers: Background) -> BriefTalk:
    with ExitStack() as relays, voice_page(browser, stack) as page:
        network = BadNetwork(peers, STORM, relays)
        network.spoil(page.page)
        page.open()
        tape = page.begin()
        page.until(nth_answer(1, ended=True))
        page.page.wait_for_timeout(TRAIL_MS)
        began_at_ms, heard = tape.began_at_ms, tape.samples()
        page.hang_up()
        (_, answer, *_) = playbacks(page.told())
        assert network.relay is not None
        return BriefTalk(
            transcript=page.lines("user"),
            answer=page.lines("agent")[1],
            heard=heard_of(heard, began_at_ms, answer),
            lost_there=network.relay.there.lost,
            lost_back=network.relay.back.lost,
        )


def nth_answer(number: int, *, ended: bool = False) -> Callable[[list[Event]], object]:
    """Whether it has begun, or ended too; the greeting is no answer."""

    def is_there(events: list[Event]) -> object:
        answers = playbacks(events)[1:]
        there = len(answers) >= number and answers[number - 1]
        return there and (not ended or there["end"])

    return is_there


def _measured(page: VoicePage) -> dict[str, str]:
    return {name: page.page.locator(f"#{name}").inner_text() for name in MEASURES}


def _faint(page: VoicePage) -> list[str]:
    found: list[str] = []
    for scheme in ("dark", "light"):
        page.page.emulate_media(color_scheme=scheme)
        found += page.page.evaluate(FAINT)
    return found
