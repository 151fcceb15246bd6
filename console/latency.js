// @ts-check
/** How long a talk's turns take, by the worker's clock: what is between two of its events
 * includes the way to this page and back. */

/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {"transcript" | "answer" | "interruption"} Turn */
/** @typedef {{last: number, median: number, count: number}} Summary */

export class Latency {
  /** @type {Record<Turn, number[]>} */
  #turns = { transcript: [], answer: [], interruption: [] };
  /** @type {number | undefined} */ #speechEndedAt;
  /** @type {number | undefined} */ #heardAt;
  /** @type {number | undefined} */ #spokeAt;

  /** @param {SessionEvent} event */
  hear(event) {
    switch (event.event) {
      case "speaking":
        this.#spokeAt = Number(event.startTime ?? event.timestamp);
        break;
      case "silence":
        this.#speechEndedAt = event.speechEndTime ?? this.#speechEndedAt;
        break;
      case "asrFinal":
        this.#note("transcript", this.#speechEndedAt, event);
        this.#speechEndedAt = undefined;
        this.#heardAt = event.timestamp;
        break;
      case "trackStart":
        if (event.playId === undefined) break;
        this.#note("answer", this.#heardAt, event);
        this.#heardAt = undefined;
        break;
      case "interruption":
        this.#note("interruption", this.#spokeAt, event);
        this.#spokeAt = undefined;
        break;
    }
  }

  /**
   * In milliseconds; undefined before the first.
   *
   * @param {Turn} turn
   * @returns {Summary | undefined}
   */
  summary(turn) {
    const all = this.#turns[turn];
    const last = all.at(-1);
    if (last === undefined) return undefined;
    const sorted = [...all].sort((one, other) => one - other);
    return { last, median: sorted[Math.floor(sorted.length / 2)], count: all.length };
  }

  /**
   * @param {Turn} turn
   * @param {number | undefined} began
   * @param {SessionEvent} event
   */
  #note(turn, began, event) {
    if (began !== undefined) this.#turns[turn].push(Math.max(0, event.timestamp - began));
  }
}
