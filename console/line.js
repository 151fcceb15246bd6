// @ts-check
/** A device's socket to the control plane: pushes in, signals out, opened again for as
 * long as the user is signed in. */

import { Seen } from "./seen.js";

/**
 * An event of a call; `seq` numbers a call's events.
 *
 * @typedef {{
 *   event: string, call_id: string, seq: number, at_ms: number,
 *   media_type: "audio" | "video", caller: string, uids: string[],
 *   direction?: "incoming" | "outgoing", deadline_at_ms?: number, uid?: string,
 *   device?: string, device_type?: string, media?: Media, reason?: string,
 *   duration?: number, initiator?: string | null,
 * }} Push
 */

/** @typedef {{iceServers?: {urls: string[], username: string | null,
 *   credential: string | null}[], error?: string}} Media */

/**
 * @typedef {{
 *   event: "signal", call_id: string, from: string, from_device: string,
 *   type: SignalType, payload: Record<string, any>,
 * }} Signal
 */
/** @typedef {"offer" | "answer" | "candidate" | "restart"} SignalType */

/**
 * @typedef {{
 *   server_time_ms: number, connection_id: string,
 *   call: {call_id?: string, id?: string, state?: string} | null,
 * }} Hello
 */

/** @typedef {{event: "error", code: string, message: string, command?: string}} Refusal */

/** @typedef {"connecting" | "open" | "lost" | "closed"} LineState */

/**
 * @typedef {{
 *   address: () => Promise<string>,
 *   open: (url: string) => WebSocket,
 *   after: (ms: number, then: () => void) => unknown,
 *   cancel: (timer: unknown) => void,
 *   now: () => number,
 *   chance: () => number,
 * }} World
 *
 * `address` takes a new ticket each time; what it throws is told to the listener if it
 * is `Refused`, and tried again otherwise. `now` is epoch ms.
 */

/**
 * @typedef {{
 *   state: (state: LineState) => void,
 *   hello: (hello: Hello) => void,
 *   push: (push: Push) => void,
 *   signal: (signal: Signal) => void,
 *   refusal: (refusal: Refusal) => void,
 *   refused: (error: Error) => void,
 * }} Listener
 */

export const RETRY_MS = Object.freeze([250, 500, 1_000, 2_000, 5_000]);
/** From one attempt to the next, at the most; the last goes on. */
export const OPEN_MS = 15_000;
/** How long one attempt may take, from the ticket to the hello. */
export const ANSWER_MS = 8_000;
/** How long a heartbeat's answer may take. */
const HEARTBEAT_SECONDS = 30;

/** Another attempt would be refused too: the user has to do something. */
export class Refused extends Error {}

export class Line {
  /** @type {World} */ #world;
  /** @type {Listener} */ #listener;
  /** @type {Seen} */ #seen;
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {unknown} */ #timer;
  /** @type {LineState} */ #state = "connecting";
  /** @type {string | undefined} */ #callId;
  #attempts = 0;
  #round = 0;
  #beatMs = HEARTBEAT_SECONDS * 1_000;
  #ahead = 0;

  /**
   * @param {Listener} listener
   * @param {World} world
   * @param {Seen} [seen]
   */
  constructor(listener, world, seen = new Seen()) {
    this.#listener = listener;
    this.#world = world;
    this.#seen = seen;
  }

  /** Once. */
  start() {
    void this.#attempt();
  }

  /** For good. */
  close() {
    this.#become("closed");
    this.#round += 1;
    this.#world.cancel(this.#timer);
    this.#socket?.close(1000);
  }

  /** Now, and not when it would have been tried: the network is back. */
  hurry() {
    if (this.#state !== "lost") return;
    this.#world.cancel(this.#timer);
    this.#attempts = 0;
    void this.#attempt();
  }

  /** Epoch ms by the server's clock. */
  get serverNow() {
    return this.#world.now() + this.#ahead;
  }

  get since() {
    return this.#seen.since;
  }

  /**
   * The call that this device is in, which heartbeats prove alive.
   *
   * @param {string} [callId]
   */
  follow(callId) {
    if (this.#callId === callId) return;
    this.#callId = callId;
    if (callId && this.#state === "open") this.#beat();
  }

  /**
   * Whether it was sent; what is not, is lost.
   *
   * @param {string} callId
   * @param {string} to
   * @param {SignalType} type
   * @param {Record<string, unknown>} payload
   * @param {string} [device]
   */
  signal(callId, to, type, payload, device) {
    const whom = device ? { to, to_device: device } : { to };
    return this.#send({ command: "signal", call_id: callId, ...whom, type, payload });
  }

  async #attempt() {
    const round = (this.#round += 1);
    this.#timer = this.#world.after(OPEN_MS, () => this.#lose(round));
    /** @type {string} */
    let address;
    try {
      address = await this.#world.address();
    } catch (error) {
      if (round !== this.#round) return;
      if (!(error instanceof Refused)) return this.#lose(round);
      this.close();
      return this.#listener.refused(error);
    }
    if (round !== this.#round) return;
    const socket = this.#world.open(address);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (round === this.#round) this.#greet();
    });
    socket.addEventListener("message", ({ data }) => {
      if (round === this.#round) this.#hear(data);
    });
    socket.addEventListener("close", () => this.#lose(round));
  }

  #greet() {
    /** @type {Record<string, unknown>} */
    const hello = { command: "hello" };
    if (this.#seen.since) hello.since = this.#seen.since;
    if (this.#callId) {
      hello.call_id = this.#callId;
      hello.last_seq = this.#seen.last(this.#callId);
    }
    this.#socket?.send(JSON.stringify(hello));
  }

  /** @param {unknown} data */
  #hear(data) {
    /** @type {any} */
    let told;
    try {
      told = JSON.parse(String(data));
    } catch {
      return;
    }
    switch (told?.event) {
      case "hello":
        return this.#greeted(told);
      case "heartbeat":
        this.#note(told.server_time_ms);
        return this.#rest();
      case "signal":
        return this.#listener.signal(told);
      case "error":
        return this.#listener.refusal(told);
    }
    if (!isPush(told) || !this.#seen.isNew(told)) return;
    this.#listener.push(told);
  }

  /** @param {Hello & {heartbeat_seconds?: number}} hello */
  #greeted(hello) {
    this.#note(hello.server_time_ms);
    this.#beatMs = (hello.heartbeat_seconds || HEARTBEAT_SECONDS) * 1_000;
    this.#attempts = 0;
    this.#rest();
    this.#become("open");
    this.#listener.hello(hello);
    const there = hello.call?.call_id ?? hello.call?.id;
    // Of this one too everything is wanted, and not of the one that was named alone.
    if (this.#callId && there && there !== this.#callId) {
      this.#callId = undefined;
      this.#greet();
    }
  }

  /** @param {number} [serverTimeMs] */
  #note(serverTimeMs) {
    if (serverTimeMs) this.#ahead = serverTimeMs - this.#world.now();
  }

  #rest() {
    this.#world.cancel(this.#timer);
    this.#timer = this.#world.after(this.#beatMs, () => this.#beat());
  }

  #beat() {
    const round = this.#round;
    this.#world.cancel(this.#timer);
    this.#timer = this.#world.after(ANSWER_MS, () => this.#lose(round));
    const whose = this.#callId ? { call_id: this.#callId } : {};
    this.#send({ command: "heartbeat", ...whose });
  }

  /** @param {Record<string, unknown>} command */
  #send(command) {
    if (this.#state !== "open") return false;
    this.#socket?.send(JSON.stringify(command));
    return true;
  }

  /** @param {number} round */
  #lose(round) {
    if (round !== this.#round || this.#state === "closed") return;
    this.#round += 1;
    this.#world.cancel(this.#timer);
    this.#socket?.close();
    this.#become("lost");
    const most = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)];
    this.#attempts += 1;
    // Not all of a crowd at once.
    const wait = most * (0.5 + this.#world.chance() / 2);
    this.#timer = this.#world.after(wait, () => void this.#attempt());
  }

  /** @param {LineState} state */
  #become(state) {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.#listener.state(state);
  }
}

/**
 * @param {any} told
 * @returns {told is Push}
 */
function isPush(told) {
  return (
    typeof told?.event === "string" &&
    typeof told.call_id === "string" &&
    Number.isInteger(told.seq)
  );
}
