"""The console's voice page, driven and observed as its user would."""

import json
import wave
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from playwright.sync_api import ConsoleMessage, Page, TimeoutError, WebSocketRoute

from examples.agent.person import SILENCE, frames_of, utterances
from tests.e2e.voice.hearing import Samples
from tests.peers.background import Background
from tests.peers.chromium import MICROPHONE_RATE, TAPE_RATE, SpeakerTape
from tests.peers.lossy_udp import LossyUdp, Weather, host_of, lossy_udp, through
from tests.worker.models import MODELS

Event = dict[str, Any]

PATIENCE_MS = 30_000
"""The machine may be shared."""
CONNECT_MS = 4_000
BUSY_MS = 3_000
BEGINNINGS = 8
POLL_MS = 100
LEAD_SECONDS, TRAIL_SECONDS = 0.2, 0.5
"""What is cut before and after a playback: audio is later than the events of it."""
REFUSED = "WebSocket handshake"
"""A browser's own complaint when a busy worker refuses, or still has the old socket."""

TELL = """
window.told = [];
window.shift = 0;
window.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    this.addEventListener("message", ({ data }) => {
      window.told.push({ ...JSON.parse(data), at: performance.now() });
    });
  }
};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


class VoicePage:
    """One that is open."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Of the browser's console."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(TELL)
        page.set_default_timeout(PATIENCE_MS)
        self._url = url

    def open(self, sessions_url: str | None = None) -> None:
        """With the worker somewhere else, if ``sessions_url`` is given."""
        if sessions_url is not None:
            config = {"sessionsUrl": sessions_url, "tokenUrl": "/laptop/token"}
            self.page.route("**/config.json", lambda route: route.fulfill(json=config))
        self.page.goto(f"{self._url}/voice.html")

    def begin(self, press: Callable[[], None] | None = None) -> SpeakerTape:
        """Talks; the microphone's recording has begun with it.

        A worker that is busy is left, for it would miss the recording's beginning.
        """
        talk = press or self.talk_button.click
        for _ in range(BEGINNINGS):
            talk()
            try:
                self.page.wait_for_selector("#state[data-is=ok]", timeout=CONNECT_MS)
            except TimeoutError:
                self.hang_up()
                self.page.wait_for_timeout(BUSY_MS)
            else:
                return SpeakerTape(self.page, "player")
        raise AssertionError(f"no call: {self.state}")

    def hang_up(self) -> None:
        self.page.get_by_role("button", name="Hang up").click()
        self.page.wait_for_selector("#state[data-is=idle]")

    @property
    def talk_button(self) -> Any:
        return self.page.get_by_role("button", name="Talk", exact=True)

    @property
    def state(self) -> str:
        return self.page.locator("#state").inner_text()

    @property
    def trouble(self) -> str:
        return self.page.get_by_role("alert").inner_text()

    @property
    def shift(self) -> float:
        """How much of the layout moved by itself (Layout Instability, W3C)."""
        return float(self.page.evaluate("window.shift"))

    def lines(self, who: str) -> list[str]:
        return self.page.locator(f"#lines .{who} .text").all_inner_texts()

    def told(self, *names: str) -> list[Event]:
        events: list[Event] = self.page.evaluate("window.told")
        return [event for event in events if not names or event["event"] in names]

    def until(self, is_so: Callable[[list[Event]], Any]) -> Any:
        """What it makes of the events, once that is something."""
        for _ in range(PATIENCE_MS // POLL_MS):
            found = is_so(self.told())
            if found:
                return found
            self.page.wait_for_timeout(POLL_MS)
        raise AssertionError(f"waited in vain after {self.told()[-3:]}")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and REFUSED not in message.text:
            self.complaints.append(message.text)


def playbacks(events: list[Event]) -> list[Event]:
    """Their starts, with ``end`` when they have ended and whether they ``broke``."""
    found = [dict(e) for e in events if e["event"] == "trackStart" and "playId" in e]
    for one in found:
        of_it = [e for e in events if e.get("playId") == one["playId"]]
        one["end"] = next((e["at"] for e in of_it if e["event"] == "trackEnd"), None)
        one["broke"] = any(e["event"] == "interruption" for e in of_it)
    return found


def heard_of(tape: Samples, began_at_ms: float, playback: Event) -> Samples:
    """What the speaker played of it."""
    begin = (playback["at"] - began_at_ms) / 1_000 - LEAD_SECONDS
    end = (playback["end"] - began_at_ms) / 1_000 + TRAIL_SECONDS
    return tape[max(0, int(begin * TAPE_RATE)) : int(end * TAPE_RATE)]


def read_aloud() -> list[Samples]:
    """What the recorded person says, at 48 kHz, utterance by utterance."""
    path = MODELS / "speech-samples" / "two_cities.wav"
    with wave.open(str(path)) as file:
        whole = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    frame = MICROPHONE_RATE // 50
    found, at = [], 0
    for utterance in utterances(frames_of(path)):
        # It begins with frames of silence that the recording does not have.
        padding = sum(each is SILENCE for each in utterance)
        length = (len(utterance) - padding) * frame
        found.append(whole[at : at + length])
        at += length
    return found


class BadNetwork:
    """Between page and worker, for the audio: it rewrites their candidates."""

    def __init__(self, peers: Background, weather: Weather, relays: ExitStack) -> None:
        self.relay: LossyUdp | None = None
        """Of the last call."""
        self._peers = peers
        self._weather = weather
        self._relays = relays

    def spoil(self, page: Page) -> None:
        page.route_web_socket("**/call/webrtc?**", self._route)

    def _route(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def up(message: str | bytes) -> None:
            command = json.loads(message)
            if command["command"] == "addIceCandidate" and command["candidate"]:
                return
            if command["command"] == "invite":
                offer = command["option"]["offer"]
                command["option"]["offer"] = _without_candidates(offer)
            server.send(json.dumps(command))

        def down(message: str | bytes) -> None:
            event = json.loads(message)
            if event["event"] == "answer":
                event["sdp"] = through(event["sdp"], self._opened(event["sdp"]))
            route.send(json.dumps(event))

        route.on_message(up)
        server.on_message(down)

    def _opened(self, sdp: str) -> tuple[str, int]:
        target = host_of(sdp)
        # Where Chromium's sockets are: it has none on the loopback address.
        peer = lossy_udp(target, self._weather, host=target[0])
        self.relay = self._relays.enter_context(self._peers.within(peer))
        return self.relay.address


def _without_candidates(sdp: str) -> str:
    lines: Sequence[str] = sdp.splitlines()
    kept = (line for line in lines if not line.startswith("a=candidate:"))
    return "\r\n".join(kept) + "\r\n"
