// @ts-check
/** A session's socket: commands out, events in, and the same session again after a loss. */

/** @typedef {{command: string, [field: string]: unknown}} Command */

/**
 * An event of the session; `timestamp` and other times are epoch milliseconds of the
 * worker's clock.
 *
 * @typedef {{
 *   event: string, timestamp: number, trackId?: string, playId?: string, sdp?: string,
 *   candidate?: string, sdpMid?: string, sdpMLineIndex?: number, index?: number,
 *   text?: string, startTime?: number | string, speechEndTime?: number, endTime?: number, position?: number,
 *   digit?: string, key?: string, duration?: number, sender?: string, error?: string,
 *   code?: number, reason?: string, initiator?: string, [field: string]: unknown
 * }} SessionEvent
 */

/** @typedef {"connecting" | "open" | "lost" | "closed"} SocketState */

/**
 * What a session needs of the world.
 *
 * @typedef {{
 *   open: (url: string) => WebSocket,
 *   after: (ms: number, then: () => void) => unknown,
 *   cancel: (timer: unknown) => void,
 *   now: () => number,
 * }} World
 */

/**
 * What a session tells.
 *
 * @typedef {{
 *   event: (event: SessionEvent) => void,
 *   state: (state: SocketState) => void,
 * }} Listener
 */

export const RESUME_MS = 5_000;
/** A worker keeps a session without its socket for PARLEY_RESUME_SECONDS, which is 5. */
export const RETRY_MS = Object.freeze([100, 200, 400, 800]);
/** From one attempt to the next; the last goes on. */
export const OPEN_MS = 4_000;
/** How long one attempt may take. */

/** The socket never opened: why, a browser does not tell. */
export class NotOpened extends Error {
  constructor() {
    super("the socket did not open");
    this.name = "NotOpened";
  }
}

/** @type {World} */
const BROWSER = {
  open: (url) => new WebSocket(url),
  after: (ms, then) => setTimeout(then, ms),
  cancel: (timer) => clearTimeout(/** @type {number} */ (timer)),
  now: () => performance.now(),
};

/**
 * @param {string} sessionsUrl as config.json has it, without a path
 * @param {string} token
 * @param {string} id
 */
export function addressOf(sessionsUrl, token, id) {
  const query = new URLSearchParams({ token, id });
  return `${sessionsUrl.replace(/\/$/, "")}/call/webrtc?${query}`;
}

export class Session {
  /** @type {string} */ #url;
  /** @type {Listener} */ #listener;
  /** @type {World} */ #world;
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {unknown} */ #timer;
  /** @type {SocketState} */ #state = "connecting";
  /** @type {string[]} */ #waiting = [];
  /** @type {number | undefined} */ #lostAt;
  #attempts = 0;

  /**
   * @param {string} url
   * @param {Listener} listener
   * @param {World} [world]
   */
  constructor(url, listener, world = BROWSER) {
    this.#url = url;
    this.#listener = listener;
    this.#world = world;
  }

  get state() {
    return this.#state;
  }

  /** Once. Resolves when it is open; rejects with `NotOpened`. */
  connect() {
    return new Promise((resolve, reject) => {
      this.#attempt(() => resolve(undefined), () => {
        this.#become("closed");
        reject(new NotOpened());
      });
    });
  }

  /**
   * Sent when the socket is there: at once, or after it was resumed.
   *
   * @param {Command} command
   */
  send(command) {
    const text = JSON.stringify(command);
    if (this.#state === "open") this.#socket?.send(text);
    else if (this.#state !== "closed") this.#waiting.push(text);
  }

  /** Ends the session, if it has not ended: a worker takes a Close frame for its end. */
  close() {
    this.#become("closed");
    this.#world.cancel(this.#timer);
    this.#socket?.close(1000);
  }

  /**
   * @param {() => void} opened
   * @param {() => void} failed told once, if it does not open
   */
  #attempt(opened, failed) {
    const socket = this.#world.open(this.#url);
    this.#socket = socket;
    let isOpen = false;
    this.#timer = this.#world.after(OPEN_MS, () => socket.close());
    socket.addEventListener("open", () => {
      if (this.#socket !== socket || this.#state === "closed") return;
      isOpen = true;
      this.#world.cancel(this.#timer);
      this.#opened(socket);
      opened();
    });
    socket.addEventListener("message", (message) => this.#hear(message.data));
    socket.addEventListener("close", (close) => {
      if (this.#socket !== socket || this.#state === "closed") return;
      this.#world.cancel(this.#timer);
      if (isOpen) this.#lose(close.code);
      else failed();
    });
  }

  /** @param {WebSocket} socket */
  #opened(socket) {
    this.#attempts = 0;
    this.#lostAt = undefined;
    this.#become("open");
    for (const text of this.#waiting.splice(0)) socket.send(text);
  }

  /** @param {unknown} data */
  #hear(data) {
    if (typeof data !== "string" || this.#state === "closed") return;
    /** @type {SessionEvent} */
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof event?.event === "string") this.#listener.event(event);
  }

  /** @param {number} code */
  #lose(code) {
    // Only a Close frame of the worker's has it, and the session is over.
    if (code === 1000) {
      this.#become("closed");
      return;
    }
    this.#become("lost");
    this.#lostAt = this.#world.now();
    this.#retry();
  }

  #retry() {
    const wait = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)];
    this.#attempts += 1;
    const since = this.#world.now() - (this.#lostAt ?? 0);
    if (since + wait > RESUME_MS) {
      this.#become("closed");
      return;
    }
    this.#timer = this.#world.after(wait, () => {
      this.#attempt(() => {}, () => this.#retry());
    });
  }

  /** @param {SocketState} state */
  #become(state) {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.#listener.state(state);
  }
}
