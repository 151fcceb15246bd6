// @ts-check
/** The figures of a call on the page. */

import { element } from "./page.js";

/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {import("./figures.js").Figures} Figures */
/** @typedef {import("./latency.js").Latency} Latency */

const NONE = "–";
const MOST_METRICS = 4;

export class Measures {
  #metrics = element("metrics", HTMLElement);
  /** @type {Map<string, number>} */
  #noted = new Map();

  clear() {
    this.#noted.clear();
    this.#showMetrics();
    for (const id of ["ice", "codec", "round-trip", "jitter", "buffer", "loss", "sent-loss"]) {
      write(id, NONE);
    }
  }

  /** @param {string} state */
  showIce(state) {
    write("ice", state);
  }

  /** @param {Figures} figures */
  showFigures(figures) {
    write("codec", figures.codec ?? NONE);
    write("round-trip", inMs(figures.roundTripMs));
    write("jitter", inMs(figures.jitterMs));
    write("buffer", inMs(figures.bufferMs));
    write("loss", inPercent(figures.lossPercent));
    write("sent-loss", inPercent(figures.sentLossPercent));
  }

  /** @param {Latency} latency */
  showLatency(latency) {
    write("to-transcript", summed(latency.summary("transcript")));
    write("to-answer", summed(latency.summary("answer")));
    write("to-interruption", summed(latency.summary("interruption")));
  }

  /** @param {SessionEvent} event a `metrics` */
  note({ key = "", duration = 0 }) {
    // The newest of each key, the last told at the end.
    this.#noted.delete(key);
    this.#noted.set(key, duration);
    this.#showMetrics();
  }

  #showMetrics() {
    const newest = [...this.#noted].slice(-MOST_METRICS).reverse();
    const rows = newest.map(([key, ms]) => row(key, inMs(ms)));
    this.#metrics.replaceChildren(...(rows.length ? rows : [row("None yet", NONE)]));
  }
}

/**
 * @param {string} term
 * @param {string} figure
 */
function row(term, figure) {
  const whole = document.createElement("div");
  const left = document.createElement("dt");
  const right = document.createElement("dd");
  left.textContent = term;
  right.textContent = figure;
  whole.append(left, right);
  return whole;
}

/**
 * @param {string} id
 * @param {string} text
 */
function write(id, text) {
  const place = element(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

/** @param {number} [ms] */
function inMs(ms) {
  return ms === undefined ? NONE : `${Math.round(ms)} ms`;
}

/** @param {number} [percent] */
function inPercent(percent) {
  return percent === undefined ? NONE : `${percent.toFixed(1)} %`;
}

/** @param {import("./latency.js").Summary} [summary] */
function summed(summary) {
  if (!summary) return NONE;
  return `${inMs(summary.last)} (${Math.round(summary.median)})`;
}
