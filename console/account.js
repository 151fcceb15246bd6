// @ts-check
/** Who sits at this tab: a user, and a device of its own in each tab. */

import { apiUrlOf, configured } from "./config.js";
import { forget } from "./credential.js";
import { signIn } from "./sign-in.js";
import { Refused } from "./line.js";
import { Trouble } from "./sentences.js";

/** @typedef {import("./sign-in.js").Role} Role */

const [UID, ROLE, DEVICE, SINCE, CALL] = ["uid", "role", "device", "since", "call"].map(
  (name) => `parley.${name}`,
);
const CLIENTS = "/ws";

export class Account {
  #token = "";
  /** @type {string | undefined} */ #apiUrl;
  #clientsUrl = "";

  /**
   * @param {string} uid
   * @param {Role} role
   * @param {string} device
   */
  constructor(uid, role, device) {
    this.uid = uid;
    this.role = role;
    this.device = device;
  }

  /** @returns {Promise<Account | undefined>} who was signed in before the page was loaded */
  static async remembered() {
    const uid = sessionStorage.getItem(UID);
    if (!uid) return undefined;
    const role = sessionStorage.getItem(ROLE) === "admin" ? "admin" : "user";
    return new Account(uid, role, await ownDevice());
  }

  /**
   * Raises `Trouble`.
   *
   * @param {string} uid
   * @param {Role} role
   */
  static async enter(uid, role) {
    const account = new Account(uid, role, await ownDevice());
    await account.renew();
    sessionStorage.setItem(UID, uid);
    sessionStorage.setItem(ROLE, role);
    for (const name of [SINCE, CALL]) sessionStorage.removeItem(name);
    return account;
  }

  /** This tab's device stays. */
  leave() {
    for (const name of [UID, ROLE, SINCE, CALL]) sessionStorage.removeItem(name);
    forget();
  }

  get token() {
    return this.#token;
  }

  /** Raises `Trouble`. */
  async renew() {
    const { token, clientsUrl } = await signIn(this.uid, this.role);
    this.#token = token;
    this.#clientsUrl = clientsUrl ?? `${location.origin.replace(/^http/, "ws")}${CLIENTS}`;
  }

  /** Where the socket is, with a new ticket. Raises `Refused`, or whatever else. */
  async address() {
    let response = this.#token ? await this.#ticket() : undefined;
    if (!response || response.status === 401) {
      await this.renew().catch((error) => {
        const isFinal = error instanceof Trouble && error.kind !== "stack-away";
        throw isFinal ? new Refused(error.message) : error;
      });
      response = await this.#ticket();
    }
    if (response.status === 401) throw new Refused("This token is not taken (401). Get a new one.");
    if (!response.ok) throw new Error(`no ticket (${response.status})`);
    const { ticket } = await response.json();
    const query = new URLSearchParams({
      ticket,
      device: this.device,
      device_type: "web",
      ...(this.since && { since: String(this.since) }),
    });
    return `${this.#clientsUrl}?${query}`;
  }

  /** When the last push was that this tab has heard. */
  get since() {
    return Number(sessionStorage.getItem(SINCE) ?? 0);
  }

  set since(atMs) {
    sessionStorage.setItem(SINCE, String(atMs));
  }

  /** The call that this tab is in. */
  get call() {
    return sessionStorage.getItem(CALL) ?? undefined;
  }

  set call(id) {
    if (id) sessionStorage.setItem(CALL, id);
    else sessionStorage.removeItem(CALL);
  }

  /**
   * Of the API, as this user.
   *
   * @param {string} path
   * @param {unknown} [body] which makes it a POST
   */
  async ask(path, body) {
    const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return fetch(await this.url(path), {
      ...how,
      cache: "no-store",
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
    });
  }

  /**
   * Of the API. Raises `Trouble`.
   *
   * @param {string} path
   */
  async url(path) {
    this.#apiUrl ??= apiUrlOf(await configured());
    return this.#apiUrl + path;
  }

  /** @returns {import("./line.js").World} */
  get world() {
    return {
      address: () => this.address(),
      open: (url) => new WebSocket(url),
      after: (ms, then) => setTimeout(then, ms),
      cancel: (timer) => clearTimeout(/** @type {number} */ (timer)),
      now: () => Date.now(),
      chance: () => Math.random(),
    };
  }

  #ticket() {
    return this.ask("/v1/tickets", {});
  }
}

/** A tab that was doubled has its storage doubled too: it gets another device. */
async function ownDevice() {
  const known = sessionStorage.getItem(DEVICE);
  if (known && (await held(known))) return known;
  const device = `web-${crypto.randomUUID().slice(0, 8)}`;
  sessionStorage.setItem(DEVICE, device);
  await held(device);
  return device;
}

/** @type {Set<string>} */
const locks = new Set();

/**
 * Whether this tab has it, and no other; as long as the tab is there.
 *
 * @param {string} device
 * @returns {Promise<boolean>}
 */
function held(device) {
  if (locks.has(device) || !navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void navigator.locks.request(`parley.${device}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      if (!lock) return undefined;
      locks.add(device);
      return new Promise(() => {});
    });
  });
}
