// @ts-check
/** Level meters and speaking lights. */

import { element } from "./page.js";

/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {import("./media.js").Media} Media */

const CALM_MS = 500;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Meters {
  #mine = element("my-level", HTMLElement);
  #theirs = element("their-level", HTMLElement);
  #myLight = element("my-light", HTMLElement);
  #theirLight = element("their-light", HTMLElement);
  /** @type {Media | undefined} */ #media;

  /** @param {Media} media */
  follow(media) {
    this.#media = media;
    this.#draw();
  }

  /** @param {SessionEvent} event */
  hear(event) {
    if (event.event === "speaking") light(this.#myLight, true);
    else if (event.event === "silence") light(this.#myLight, false);
    else if (event.playId === undefined) return;
    else if (event.event === "trackStart") light(this.#theirLight, true);
    else if (event.event === "trackEnd") light(this.#theirLight, false);
  }

  stop() {
    this.#media = undefined;
    this.#show({ mine: 0, theirs: 0 });
    light(this.#myLight, false);
    light(this.#theirLight, false);
  }

  #draw() {
    if (!this.#media) return;
    this.#show(this.#media.levels());
    if (calm.matches) setTimeout(() => this.#draw(), CALM_MS);
    else requestAnimationFrame(() => this.#draw());
  }

  /** @param {{mine: number, theirs: number}} levels */
  #show({ mine, theirs }) {
    this.#mine.style.transform = `scaleX(${mine.toFixed(2)})`;
    this.#theirs.style.transform = `scaleX(${theirs.toFixed(2)})`;
  }
}

/**
 * @param {HTMLElement} place
 * @param {boolean} isOn
 */
function light(place, isOn) {
  place.dataset.is = isOn ? "on" : "off";
}
