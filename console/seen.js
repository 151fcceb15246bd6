// @ts-check
/** Which pushes have been heard: each may come twice, late, or out of order. */

/** @typedef {import("./line.js").Push} Push */

export const MOST_CALLS = 50;
/** The oldest are forgotten: a push of theirs comes no more. */

export class Seen {
  /** @type {Map<string, Set<number>>} */ #calls = new Map();
  #since = 0;

  /** @param {number} [since] when the last push of an earlier page was, epoch ms */
  constructor(since = 0) {
    this.#since = since;
  }

  /** When the last push was, by the server's clock; 0 for none. */
  get since() {
    return this.#since;
  }

  /**
   * Whether it is new; from then on it is not.
   *
   * @param {Push} push
   */
  isNew({ call_id, seq, at_ms }) {
    const seqs = this.#calls.get(call_id) ?? new Set();
    if (seqs.has(seq)) return false;
    seqs.add(seq);
    this.#calls.delete(call_id);
    this.#calls.set(call_id, seqs);
    if (this.#calls.size > MOST_CALLS) {
      const [oldest] = this.#calls.keys();
      this.#calls.delete(oldest);
    }
    this.#since = Math.max(this.#since, at_ms);
    return true;
  }

  /**
   * The highest of a call's; 0 for none.
   *
   * @param {string} callId
   */
  last(callId) {
    return Math.max(0, ...(this.#calls.get(callId) ?? []));
  }
}
