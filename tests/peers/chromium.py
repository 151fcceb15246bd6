"""A real browser, headless: a recording for its microphone, a tape at its speaker."""

import base64
import io
import shutil
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Playwright

Samples = NDArray[np.int16]

CHROMIUM = shutil.which("chromium")
MICROPHONE_RATE = 48_000
TAPE_RATE = 16_000
FLAGS = (
    # Chromium as root has no other way.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
FAKES = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")

RECORD = """
(id) => {
  const stream = document.getElementById(id).srcObject;
  const recorder = new MediaRecorder(stream, { audioBitsPerSecond: 128000 });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.onstart = () => { window.tape.began = performance.now(); };
  window.tape = { recorder, parts, began: performance.now() };
  recorder.start(250);
}
"""
STOP = """
async () => {
  const { recorder, parts } = window.tape;
  if (recorder.state !== "inactive") {
    await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop(); });
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
"""

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
    const isHidden = style.visibility === "hidden" || !element.getClientRects().length;
    if (!has || isHidden) continue;
    const lights = [light(channels(style.color)), light(behind(element))];
    const contrast = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    if (contrast < 4.5) found.push(`${element.outerHTML.slice(0, 80)} ${contrast}`);
  }
  return found;
}
"""
"""Texts of less contrast than WCAG 2.2's 1.4.3 wants."""


@contextmanager
def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """Runs within the block; without `FAKES` it has no microphone and asks for one."""
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *flags]
    )
    try:
        yield browser
    finally:
        browser.close()


def microphone(recording: Path) -> tuple[str, ...]:
    """Flags for a browser that hears the recording, from each time that it begins to
    listen, and then nothing."""
    return *FAKES, f"--use-file-for-fake-audio-capture={recording}%noloop"


def write_recording(path: Path, parts: Sequence[tuple[float, Samples]]) -> None:
    """Each part, at 48 kHz, from its second on."""
    end = max(int(at * MICROPHONE_RATE) + len(part) for at, part in parts)
    whole = np.zeros(end + MICROPHONE_RATE, np.int16)
    for at, part in parts:
        begin = int(at * MICROPHONE_RATE)
        whole[begin : begin + len(part)] = part
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE)
        file.writeframes(whole.tobytes())


class SpeakerTape:
    """What an audio element of the page plays, from now on until it is read."""

    def __init__(self, page: Page, element_id: str) -> None:
        self._page = page
        page.evaluate(RECORD, element_id)

    @property
    def began_at_ms(self) -> float:
        """By the page's own clock."""
        return float(self._page.evaluate("window.tape.began"))

    def samples(self) -> Samples:
        """At 16 kHz."""
        return _decoded(base64.b64decode(self._page.evaluate(STOP)))


def _decoded(file: bytes) -> Samples:
    resampler = av.AudioResampler("s16", "mono", TAPE_RATE)
    with av.open(io.BytesIO(file), "r") as container:
        frames = [
            frame
            for decoded in container.decode(audio=0)
            for frame in resampler.resample(decoded)
        ]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
