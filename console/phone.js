// @ts-check
/** This device as a telephone: its line, its call, and the call's media together. */

import { NoDevice } from "./devices.js";
import { Line } from "./line.js";
import { Carriage } from "./carriage.js";
import { BROWSER, NotDone, Rooms } from "./rooms.js";
import { Seen } from "./seen.js";
import { begin, step } from "./telephone.js";

/** @typedef {import("./account.js").Account} Account */
/** @typedef {import("./line.js").LineState} LineState */
/** @typedef {import("./line.js").Hello} Hello */
/** @typedef {import("./line.js").Push} Push */
/** @typedef {import("./telephone.js").Input} Input */
/** @typedef {import("./telephone.js").State} State */

/**
 * @typedef {{
 *   changed: () => void,
 *   push: (push: Push) => void,
 *   signedOut: (reason: string) => void,
 * }} Listener
 */

const LATE_MS = 3_000;
/** How long the server may take to tell of what it has done. */
const CHECK_MS = 5_000;

export class Phone {
  /** @type {Account} */ #account;
  /** @type {Listener} */ #listener;
  /** @type {Line} */ #line;
  /** @type {Rooms} */ #rooms;
  /** @type {State} */ #state;
  /** @type {Carriage} */ #carriage;
  /** @type {LineState} */ #lineState = "connecting";
  /** @type {unknown} */ #attempt;
  #checkedAtMs = 0;
  #since = 0;

  /**
   * @param {Account} account
   * @param {HTMLAudioElement} player
   * @param {Listener} listener
   */
  constructor(account, player, listener) {
    this.#account = account;
    this.#carriage = new Carriage(player, {
      changed: () => this.#changed(),
      send: (...signal) => this.#line.signal(...signal),
      told: (text) => this.#apply({ is: "noted", note: { text, is: "bad" } }),
      failed: (error) => this.#refuse(error),
    });
    this.#listener = listener;
    this.#rooms = new Rooms(() => account.token, account.device, {
      ...BROWSER,
      fetch: async (path, how) => fetch(await account.url(path), how),
    });
    this.#since = account.since;
    this.#state = begin(account.uid, account.device, account.call);
    this.#line = new Line(
      {
        state: (state) => this.#lineBecame(state),
        hello: (hello) => this.#greeted(hello),
        push: (push) => this.#hear(push),
        signal: (signal) => this.#carriage.hear(signal, this.#state.call),
        refusal: () => {},
        refused: (error) => listener.signedOut(error.message),
      },
      account.world,
      new Seen(account.since),
    );
  }

  start() {
    this.#line.start();
  }

  close() {
    this.#line.close();
    this.#carriage.close();
  }

  get state() {
    return this.#state;
  }

  get lineState() {
    return this.#lineState;
  }

  get peer() {
    return this.#carriage.peer;
  }

  get serverNow() {
    return this.#line.serverNow;
  }

  hurry() {
    this.#line.hurry();
  }

  /**
   * @param {string} to
   * @param {"audio" | "video"} mediaType
   */
  async place(to, mediaType) {
    if (this.#state.call) return;
    const attempt = (this.#attempt = {});
    this.#apply({ is: "place", to, mediaType });
    try {
      await this.#carriage.open(mediaType === "video");
      if (attempt !== this.#attempt) return;
      const { id, media } = await this.#rooms.place(to, mediaType);
      if (attempt === this.#attempt) return this.#apply({ is: "placed", id, media });
      // It was withdrawn while it was placed.
      this.#apply({ is: "gone", id });
      await this.#rooms.leave(id);
    } catch (error) {
      if (attempt === this.#attempt) this.#refuse(error);
    }
  }

  /** @param {boolean} withCamera */
  async answer(withCamera) {
    const id = this.#state.call?.id;
    if (!id || this.#state.call?.phase !== "incoming") return;
    this.#apply({ is: "answer" });
    const isStill = () => this.#state.call?.id === id && this.#state.call.phase === "answering";
    try {
      await this.#carriage.open(withCamera);
      if (!isStill()) return;
      const { media } = await this.#rooms.join(id);
      this.#apply({ is: "joined", media, atMs: this.serverNow });
    } catch (error) {
      if (isStill()) this.#refuse(error);
    }
  }

  /** Declines, cancels or hangs up, whichever it is now. */
  async leave() {
    const { call } = this.#state;
    if (!call || call.phase === "ending") return;
    this.#attempt = undefined;
    this.#apply({ is: "leave" });
    if (!call.id) return;
    try {
      await this.#rooms.leave(call.id);
      setTimeout(() => this.#gone(call.id), LATE_MS);
    } catch (error) {
      const text = error instanceof NotDone ? error.message : String(error);
      const isOver = error instanceof NotDone && [404, 409].includes(error.status);
      this.#gone(call.id, isOver ? undefined : text);
    }
  }

  /** @param {boolean} isOn */
  async setCamera(isOn) {
    try {
      await this.peer?.setCamera(isOn);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Once a second or so, while there is a call. */
  look() {
    const deadlineAtMs = this.#state.call?.deadlineAtMs ?? Infinity;
    const isTalking = this.#state.call?.answeredAtMs !== undefined;
    if (!isTalking && this.serverNow > deadlineAtMs + LATE_MS) void this.#check();
  }

  /** @param {Input} input */
  #apply(input) {
    this.#state = step(this.#state, input);
    const { call } = this.#state;
    const isOurs = call && call.phase !== "incoming";
    this.#account.call = (isOurs && call.id) || undefined;
    this.#line.follow((isOurs && call.id) || undefined);
    this.#changed();
  }

  #changed() {
    this.#carriage.follow(this.#state.call);
    this.#listener.changed();
  }

  /** @param {unknown} error */
  #refuse(error) {
    const isTold = error instanceof NotDone || error instanceof NoDevice;
    if (!isTold) console.error(error);
    const text = isTold ? error.message : "Something went wrong in this page.";
    this.#apply({ is: "refused", text });
  }

  /** @param {Push} push */
  #hear(push) {
    const isOld = push.at_ms <= this.#since;
    this.#account.since = Math.max(this.#line.since, this.#since);
    this.#apply({ is: "push", push, atMs: this.serverNow, isOld });
    this.#listener.push(push);
  }

  /** @param {LineState} state */
  #lineBecame(state) {
    this.#lineState = state;
    this.#listener.changed();
  }

  /** @param {Hello} hello */
  #greeted({ call, server_time_ms }) {
    // Of what was before the user signed in nothing is told.
    this.#since ||= this.#account.since ||= server_time_ms;
    this.peer?.resume();
    const { call: ours } = this.#state;
    if (ours?.id && call?.call_id !== ours.id) setTimeout(() => void this.#check(), LATE_MS);
    this.#listener.changed();
  }

  /** Whether the call is still there, where nobody tells. */
  async #check() {
    const id = this.#state.call?.id;
    if (!id || Date.now() - this.#checkedAtMs < CHECK_MS) return;
    this.#checkedAtMs = Date.now();
    try {
      const { status } = await this.#rooms.find(id);
      if (status === "ended") this.#gone(id);
    } catch (error) {
      if (error instanceof NotDone && [403, 404].includes(error.status)) this.#gone(id);
    }
  }

  /**
   * @param {string} id
   * @param {string} [trouble]
   */
  #gone(id, trouble) {
    if (this.#state.call?.id !== id) return;
    const text = trouble ?? "The call is over.";
    this.#apply({ is: "gone", id, note: { text, is: trouble ? "bad" : "plain" } });
  }
}
