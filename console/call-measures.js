// @ts-check
/** The levels and figures of a call between two browsers, on the page. */

import { element, write } from "./page.js";

/** @typedef {import("./p2p.js").Peer} Peer */
/** @typedef {import("./call-figures.js").CallFigures} CallFigures */
/** @typedef {import("./call-figures.js").Flow} Flow */

const NONE = "–";
const EACH_MS = 1_000;
const CALM_MS = 500;
const IDS = [
  "connection", "path", "round-trip", "audio-codec", "audio-rate", "audio-loss",
  "video-codec", "video-rate", "video-size",
];
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class CallMeasures {
  #mine = element("my-level", HTMLElement);
  #theirs = element("their-level", HTMLElement);
  /** @type {Peer | undefined} */ #peer;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {Peer} [peer] none when there is no call */
  follow(peer) {
    if (peer === this.#peer) return;
    this.#peer = peer;
    clearInterval(this.#timer);
    if (!peer) {
      for (const id of IDS) tell(id, NONE);
      return;
    }
    this.#timer = setInterval(() => void this.#measure(), EACH_MS);
    void this.#measure();
    this.#draw(peer);
  }

  /** @param {Peer} peer */
  #draw(peer) {
    if (peer !== this.#peer) return;
    const { mine, theirs } = peer.levels();
    this.#mine.style.transform = `scaleX(${mine.toFixed(2)})`;
    this.#theirs.style.transform = `scaleX(${theirs.toFixed(2)})`;
    if (calm.matches) setTimeout(() => this.#draw(peer), CALM_MS);
    else requestAnimationFrame(() => this.#draw(peer));
  }

  async #measure() {
    const peer = this.#peer;
    const figures = await peer?.figures();
    if (!peer || peer !== this.#peer) return;
    tell("connection", peer.state);
    if (figures) showFigures(figures);
  }
}

/** @param {CallFigures} figures */
function showFigures({ path, roundTripMs, audio, video }) {
  tell("path", path ?? NONE);
  tell("round-trip", roundTripMs === undefined ? NONE : `${Math.round(roundTripMs)} ms`);
  tell("audio-codec", audio.codec ?? NONE);
  tell("audio-rate", rates(audio));
  tell("audio-loss", `${percent(audio.lossPercent)} / ${percent(audio.sentLossPercent)}`);
  tell("video-codec", video.codec ?? NONE);
  tell("video-rate", video.codec ? rates(video) : NONE);
  tell("video-size", pictureOf(video));
}

/** @param {Flow} flow */
function rates({ inKbps, outKbps }) {
  return inKbps === undefined ? NONE : `${Math.round(inKbps)} / ${Math.round(outKbps ?? 0)} kbit/s`;
}

/** @param {Flow} flow */
function pictureOf({ size, framesPerSecond }) {
  return size && framesPerSecond ? `${size}, ${Math.round(framesPerSecond)}/s` : NONE;
}

/** @param {number} [share] */
function percent(share) {
  return share === undefined ? NONE : `${share.toFixed(1)} %`;
}

/**
 * @param {string} id
 * @param {string} text
 */
function tell(id, text) {
  write(element(id, HTMLElement), text);
}
