// @ts-check
/** One call, from the microphone to the hang-up: session, media and agent together. */

import { Agent, OPTION } from "./agent.js";
import { Media } from "./media.js";
import { NotOpened, Session, addressOf } from "./session.js";
import { BY_USER, RETRY_SECONDS, Trouble, ofEnd } from "./sentences.js";
import { iceServers, signIn, whyNotOpened } from "./sign-in.js";

/** @typedef {import("./session.js").Command} Command */
/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {import("./session.js").SocketState} SocketState */

/** @typedef {"asking" | "connecting" | "busy" | "talking" | "resuming" | "troubled"
 *   | "ending" | "over"} Phase */

/**
 * @typedef {{
 *   phase: (phase: Phase, seconds?: number) => void,
 *   event: (event: SessionEvent) => void,
 *   command: (command: Command) => void,
 *   over: (sentence: string, isTrouble: boolean) => void,
 * }} Listener
 */

const BUSY_ATTEMPTS = 8;
const LAST_WORDS_MS = 2_000;
/** How long the worker may take to confirm a hang-up. */

export class Call {
  /** @type {Listener} */ #listener;
  /** @type {Media} */ #media;
  /** @type {Agent} */ #agent;
  /** @type {Session | undefined} */ #session;
  /** @type {Phase} */ #phase = "over";
  /** @type {(RTCIceCandidate | null)[] | undefined} */ #candidates = [];
  #isOver = false;
  #wasOpen = false;
  #isAnswered = false;
  #wasConnected = false;

  /**
   * @param {Listener} listener
   * @param {HTMLAudioElement} player
   * @param {Agent} [agent]
   */
  constructor(listener, player, agent = new Agent()) {
    this.#listener = listener;
    this.#agent = agent;
    this.#media = new Media(
      {
        candidate: (candidate) => this.#tellCandidate(candidate),
        state: (state) => this.#connectionBecame(state),
        microphoneGone: () => this.#fail(new Trouble("microphone-gone")),
      },
      player,
    );
  }

  get media() {
    return this.#media;
  }

  /**
   * Whatever comes of it is told to the listener.
   *
   * @param {string} name of the user
   */
  async start(name) {
    try {
      this.#become("asking");
      await this.#media.openMicrophone();
      this.#become("connecting");
      const { sessionsUrl, token } = await signIn(name);
      const offer = await this.#media.offer(await iceServers(sessionsUrl, token));
      await this.#open(sessionsUrl, token);
      if (this.#isOver) return;
      this.#send({ command: "invite", option: { ...OPTION, offer } });
      const candidates = this.#candidates ?? [];
      this.#candidates = undefined;
      candidates.forEach((candidate) => this.#tellCandidate(candidate));
    } catch (error) {
      this.#fail(error);
    }
  }

  hangUp() {
    if (this.#isOver) return;
    if (!this.#isAnswered) {
      this.#end("You hung up.", false);
      return;
    }
    this.#become("ending");
    this.#send({ command: "hangup", reason: BY_USER, initiator: "user" });
    setTimeout(() => this.#end("You hung up.", false), LAST_WORDS_MS);
  }

  /**
   * Until there is room; raises `Trouble`.
   *
   * @param {string} sessionsUrl
   * @param {string} token
   */
  async #open(sessionsUrl, token) {
    for (let attempt = 1; !this.#isOver; attempt += 1) {
      const trouble = await this.#attempt(sessionsUrl, token);
      if (!trouble) return;
      if (trouble.kind !== "busy" || attempt === BUSY_ATTEMPTS) throw trouble;
      await this.#wait(trouble.retryAfterSeconds ?? RETRY_SECONDS);
    }
  }

  /**
   * @param {string} sessionsUrl
   * @param {string} token
   * @returns {Promise<Trouble | undefined>}
   */
  async #attempt(sessionsUrl, token) {
    const session = new Session(addressOf(sessionsUrl, token, crypto.randomUUID()), {
      event: (event) => this.#hear(event),
      state: (state) => this.#socketBecame(session, state),
    });
    this.#session = session;
    try {
      await session.connect();
    } catch (error) {
      if (error instanceof NotOpened) return whyNotOpened(sessionsUrl, token);
      throw error;
    }
    if (this.#isOver) session.close();
    return undefined;
  }

  /** @param {number} seconds */
  async #wait(seconds) {
    for (let left = seconds; left > 0 && !this.#isOver; left -= 1) {
      this.#become("busy", left);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    if (!this.#isOver) this.#become("connecting");
  }

  /** @param {Command} command */
  #send(command) {
    this.#session?.send(command);
    this.#listener.command(command);
  }

  /** @param {RTCIceCandidate | null} candidate */
  #tellCandidate(candidate) {
    if (this.#candidates) this.#candidates.push(candidate);
    else this.#send({ command: "addIceCandidate", ...spelt(candidate) });
  }

  /** @param {SessionEvent} event */
  #hear(event) {
    if (this.#isOver) return;
    this.#listener.event(event);
    switch (event.event) {
      case "answer":
        this.#isAnswered = true;
        this.#media.accept(event.sdp ?? "").catch((error) => this.#fail(error));
        break;
      case "iceCandidate":
        this.#media.add(event).catch((error) => this.#fail(error));
        break;
      case "reject":
        this.#end(`The media worker refused the call: ${event.reason}.`, true);
        return;
      case "hangup":
        this.#hungUp(event);
        return;
    }
    for (const command of this.#agent.hear(event)) this.#send(command);
  }

  /** @param {SessionEvent} event */
  #hungUp(event) {
    if (event.reason === "failed" && !this.#wasConnected) {
      this.#fail(new Trouble("no-route"));
      return;
    }
    this.#end(ofEnd(event), event.reason === "failed");
  }

  /**
   * @param {Session} session
   * @param {SocketState} state
   */
  #socketBecame(session, state) {
    if (this.#isOver || session !== this.#session) return;
    if (state === "open" && !this.#wasOpen) this.#wasOpen = true;
    else if (state === "open") this.#become(this.#wasConnected ? "talking" : "connecting");
    else if (state === "lost") this.#become("resuming");
    // One that never opened is asked why, elsewhere.
    else if (state === "closed" && this.#wasOpen) this.#fail(new Trouble("lost"));
  }

  /** @param {RTCPeerConnectionState} state */
  #connectionBecame(state) {
    if (this.#isOver) return;
    if (state === "connected") {
      this.#wasConnected = true;
      if (this.#session?.state === "open") this.#become("talking");
    } else if (state === "disconnected" && this.#phase === "talking") {
      this.#become("troubled");
    } else if (state === "failed") {
      this.#fail(new Trouble(this.#wasConnected ? "lost" : "no-route"));
    }
  }

  /**
   * @param {Phase} phase
   * @param {number} [seconds]
   */
  #become(phase, seconds) {
    if (this.#isOver || (this.#phase === "ending" && phase !== "over")) return;
    this.#phase = phase;
    this.#listener.phase(phase, seconds);
  }

  /** @param {unknown} error */
  #fail(error) {
    const trouble = error instanceof Trouble ? error : new Trouble("failed");
    if (trouble !== error && !this.#isOver) console.error(error);
    this.#end(trouble.message, true);
  }

  /**
   * @param {string} sentence
   * @param {boolean} isTrouble
   */
  #end(sentence, isTrouble) {
    if (this.#isOver) return;
    this.#become("over");
    this.#isOver = true;
    this.#session?.close();
    this.#media.close();
    this.#listener.over(sentence, isTrouble);
  }
}

/** @param {RTCIceCandidate | null} candidate */
function spelt(candidate) {
  if (!candidate) return { candidate: "" };
  const { sdpMid, sdpMLineIndex } = candidate;
  return { candidate: candidate.candidate, sdpMid, sdpMLineIndex };
}
