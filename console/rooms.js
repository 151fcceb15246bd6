// @ts-check
/** Calls by OpenChat's REST: placed, joined, left. */

/** @typedef {import("./line.js").Media} Media */
/** @typedef {{id: string, status: string, media?: Media}} Room */

/**
 * @typedef {{
 *   fetch: (url: string, how: RequestInit) => Promise<Response>,
 *   wait: (ms: number) => Promise<void>,
 *   key: () => string,
 * }} World
 */

const ROOMS = "/im/api/v1/rtc/rooms";
export const RETRY_MS = Object.freeze([300, 1_000, 2_000, 4_000]);
/** A request that the server may not have heard is sent again, with the same key. */

/** What the server did not let be; its message is for the user. */
export class NotDone extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where nobody answered
   */
  constructor(message, status) {
    super(message);
    this.name = "NotDone";
    this.status = status;
  }
}

export class Rooms {
  /** @type {() => string} */ #token;
  /** @type {string} */ #device;
  /** @type {World} */ #world;

  /**
   * @param {() => string} token
   * @param {string} device
   * @param {World} [world]
   */
  constructor(token, device, world = BROWSER) {
    this.#token = token;
    this.#device = device;
    this.#world = world;
  }

  /**
   * Raises `NotDone`.
   *
   * @param {string} to
   * @param {"audio" | "video"} mediaType
   * @returns {Promise<Room>}
   */
  place(to, mediaType) {
    const body = { type: "p2p", calleeId: to, mediaType, provider: "p2p" };
    return this.#ask("POST", ROOMS, body, (status, message) => {
      if (status === 409) return `${to} is in another call.`;
      if (status === 400 && /another call/.test(message)) return "You are in another call.";
      return undefined;
    });
  }

  /**
   * Raises `NotDone`.
   *
   * @param {string} id
   * @returns {Promise<Room>}
   */
  join(id) {
    return this.#ask("POST", `${ROOMS}/${encodeURIComponent(id)}/join`, {}, (status) =>
      status === 404 || status === 409 ? "The call is over." : undefined,
    );
  }

  /**
   * Declines, cancels or hangs up. Raises `NotDone`.
   *
   * @param {string} id
   * @returns {Promise<Room>}
   */
  leave(id) {
    return this.#ask("POST", `${ROOMS}/${encodeURIComponent(id)}/leave`, {});
  }

  /**
   * Raises `NotDone`.
   *
   * @param {string} id
   * @returns {Promise<Room>}
   */
  find(id) {
    return this.#ask("GET", `${ROOMS}/${encodeURIComponent(id)}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Record<string, unknown>} [body]
   * @param {(status: number, message: string) => string | undefined} [reason]
   */
  async #ask(method, path, body, reason = () => undefined) {
    const how = {
      method,
      headers: {
        Authorization: `Bearer ${this.#token()}`,
        "Content-Type": "application/json",
        "X-Device-Id": this.#device,
        "Idempotency-Key": this.#world.key(),
      },
      body: body && JSON.stringify(body),
    };
    for (const wait of [...RETRY_MS, undefined]) {
      const response = await this.#world.fetch(path, how).catch(() => undefined);
      const status = response?.status ?? 0;
      if (response?.ok) return response.json();
      if ((status === 0 || status === 503) && wait !== undefined) {
        await this.#world.wait(wait);
        continue;
      }
      const { message = "" } = (await response?.json().catch(() => undefined)) ?? {};
      throw new NotDone(reason(status, message) ?? sentenceOf(status, message), status);
    }
  }
}

/** @type {World} */
export const BROWSER = {
  fetch: (url, how) => fetch(url, how),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  key: () => crypto.randomUUID(),
};

/**
 * @param {number} status
 * @param {string} message the server's own
 */
export function sentenceOf(status, message) {
  if (status === 0 || status === 503) return "The stack does not answer. On a laptop, start it with make run. Then try again.";
  if (status === 401) return "You are not signed in any more (401). Sign out, and in again.";
  if (status === 404) return "There is no such call (404).";
  if (status === 429) return "That was too often (429). Wait a moment, then try again.";
  if (status >= 500) return `Something went wrong on the server's side (${status}).`;
  return `${message || "The server refused"} (${status}).`.replace(/\.? \(/, " (");
}
