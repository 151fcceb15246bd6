"""The console's calls page, driven and observed as its users would."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

Kind = Literal["Audio", "Video"]

PATIENCE_MS = 30_000
"""The machine may be shared."""
SILENCE_MS = 1_000
INAUDIBLE = 1e-4
"""Energy of a second; speech has a thousand times as much."""
POLL_MS = 100
WAITED_FOR = "Failed to load resource: the server responded with a status of 409"
"""A browser's own complaint of a callee who is busy."""

WATCH = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    window.peers.push(this);
  }
};
window.told = [];
window.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    window.address = String(address[0]);
    this.addEventListener("message", ({ data }) => window.told.push(JSON.parse(data)));
  }
};
"""
FLOWS = """
async () => {
  const found = { packets: 0, energy: 0, frames: 0, sent: 0 };
  const peer = window.peers.findLast((one) => one.connectionState === "connected");
  for (const stat of (await peer?.getStats())?.values() ?? []) {
    if (stat.type === "outbound-rtp") found.sent += stat.packetsSent;
    if (stat.type !== "inbound-rtp") continue;
    if (stat.kind === "audio") {
      found.packets += stat.packetsReceived;
      found.energy += stat.totalAudioEnergy;
    } else found.frames += stat.framesDecoded;
  }
  return found;
}
"""
NAMELESS = """
() => [...document.querySelectorAll("button, input, a, video, [tabindex]")]
  .filter((one) => one.getClientRects().length)
  .filter((one) => {
    const labels = one.labels?.length ? [...one.labels] : [];
    const by = (one.getAttribute("aria-labelledby") ?? "").split(" ");
    const places = [one, ...labels, ...by.map((id) => document.getElementById(id))];
    return !one.getAttribute("aria-label")
      && !places.some((place) => place?.textContent.trim());
  })
  .map((one) => one.outerHTML.slice(0, 100))
"""
"""What a user could come to without being told what it is."""


@dataclass(frozen=True, slots=True)
class Flows:
    """Totals of what came, and of packets that went."""

    packets: int
    energy: float
    frames: int
    sent: int


class CallsPage:
    """One window: a device of a user."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Of the browser's console."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(WATCH)
        page.set_default_timeout(PATIENCE_MS)
        self._url = url

    def sign_in(self, uid: str, *, as_admin: bool = False) -> None:
        self.page.goto(f"{self._url}/calls.html")
        self.page.get_by_label("Your name").fill(uid)
        if as_admin:
            self.page.get_by_label("As an administrator").check()
        self.button("Sign in").click()
        self.wait_until_online()

    def wait_until_online(self, timeout_ms: float = PATIENCE_MS) -> None:
        expect(self.page.locator("#line")).to_have_text("Online", timeout=timeout_ms)

    def call(self, uid: str, kind: Kind) -> None:
        self.page.get_by_label("Their name").fill(uid)
        self.button(f"{kind} call").click()

    def press(self, name: str) -> None:
        self.button(name).click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def wait_for(self, phase: str) -> None:
        """Of the stage: idle, outgoing, incoming, talking, …"""
        self.page.wait_for_selector(f"#stage[data-phase={phase}]")

    def wait_until_told(self, sentence: str) -> None:
        expect(self.page.locator("#phase")).to_contain_text(sentence)

    @property
    def phase(self) -> str:
        return self.page.locator("#stage").get_attribute("data-phase") or ""

    @property
    def sentence(self) -> str:
        return self.page.locator("#phase").inner_text()

    @property
    def flows(self) -> Flows:
        return Flows(**self.page.evaluate(FLOWS))

    def prove(self, *, has_video: bool) -> None:
        """That audio is heard, and pictures are seen, from now on."""
        before = self.flows

        def come(now: Flows) -> bool:
            is_heard = now.energy > before.energy and now.packets > before.packets + 25
            return is_heard and (not has_video or now.frames > before.frames + 5)

        self.until(lambda: come(self.flows))

    def prove_silence(self) -> None:
        """That what was on its way has come, and nothing to be heard after it."""

        def is_silent() -> bool:
            before = self.flows.energy
            self.page.wait_for_timeout(SILENCE_MS)
            return self.flows.energy - before < INAUDIBLE

        self.until(is_silent)

    def until(self, is_so: Callable[[], Any]) -> None:
        for _ in range(PATIENCE_MS // POLL_MS):
            if is_so():
                return
            self.page.wait_for_timeout(POLL_MS)
        raise AssertionError(f"waited in vain: {self.sentence}, {self.flows}")

    def told(self, name: str) -> list[dict[str, Any]]:
        """Pushes and replies of that name, on all sockets of the page."""
        events: list[dict[str, Any]] = self.page.evaluate("window.told")
        return [event for event in events if event.get("event") == name]

    def forgive(self, *parts: str) -> None:
        """Complaints that have any of the parts in them."""
        self.complaints = [
            text for text in self.complaints if not any(part in text for part in parts)
        ]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and WAITED_FOR not in message.text:
            self.complaints.append(message.text)


@contextmanager
def calls_page(browser: Browser, url: str, **context: Any) -> Iterator[CallsPage]:
    """Closed after the block; by then its console must have nothing to complain of."""
    with browser.new_context(**context) as opened:
        page = CallsPage(opened.new_page(), url)
        yield page
        assert page.complaints == []
