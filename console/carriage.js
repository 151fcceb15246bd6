// @ts-check
/** What carries the present call's media: opened, connected and closed as the call goes. */

import { Peer } from "./p2p.js";

/** @typedef {import("./line.js").Signal} Signal */
/** @typedef {import("./line.js").SignalType} SignalType */
/** @typedef {import("./telephone.js").Call} Call */

/**
 * @typedef {{
 *   changed: () => void,
 *   send: (callId: string, to: string, type: SignalType,
 *     payload: Record<string, unknown>, device?: string) => boolean,
 *   told: (trouble: string) => void,
 *   failed: (error: unknown) => void,
 * }} Listener
 */

const MOST_EARLY = 200;
/** Signals that are kept until there is somebody to hear them. */

export class Carriage {
  /** @type {HTMLAudioElement} */ #player;
  /** @type {Listener} */ #listener;
  /** @type {Peer | undefined} */ #peer;
  /** @type {Signal[]} */ #early = [];
  /** @type {string | undefined} */ #heardFrom;
  #isAgain = false;

  /**
   * @param {HTMLAudioElement} player
   * @param {Listener} listener
   */
  constructor(player, listener) {
    this.#player = player;
    this.#listener = listener;
  }

  get peer() {
    return this.#peer;
  }

  /**
   * The devices, before a call is placed or answered. Raises `NoDevice` without a
   * microphone; a camera that is not there is told.
   *
   * @param {boolean} withCamera
   */
  async open(withCamera) {
    const peer = new Peer(() => {
      if (peer === this.#peer) this.#listener.changed();
    }, this.#player);
    this.#peer?.close();
    this.#peer = peer;
    const trouble = await peer.open(withCamera);
    if (trouble && peer === this.#peer) this.#listener.told(trouble);
  }

  /**
   * The media as the call wants it.
   *
   * @param {Call} [call]
   */
  follow(call) {
    if (!call || call.phase === "incoming" || call.phase === "ending") {
      this.close();
      if (!call) this.#early = [];
    } else if (!this.#peer && (call.phase === "talking" || call.phase === "outgoing")) {
      void this.#reopen(call);
    } else if (this.#peer?.isOpen && call.phase === "talking") {
      this.#connect(call, this.#peer);
    }
  }

  /**
   * @param {Signal} signal
   * @param {Call} [call] the present one
   */
  hear(signal, call) {
    if (call && (signal.call_id !== call.id || signal.from !== call.other)) return;
    if (!call || !this.#peer?.isConnecting) {
      if (this.#early.length < MOST_EARLY) this.#early.push(signal);
      return;
    }
    // Whoever signals to a callee is the device that the caller calls with.
    if (call.otherDevice && call.otherDevice !== signal.from_device) return;
    this.#heardFrom = signal.from_device;
    this.#peer.hear(signal);
  }

  close() {
    this.#peer?.close();
    this.#peer = this.#heardFrom = undefined;
    this.#isAgain = false;
  }

  /**
   * The page was loaded anew during a call.
   *
   * @param {Call} call
   */
  async #reopen(call) {
    this.#isAgain = true;
    try {
      await this.open(call.mediaType === "video");
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  /**
   * @param {Call} call
   * @param {Peer} peer
   */
  #connect(call, peer) {
    if (peer.isConnecting) return;
    peer.connect({
      isCaller: call.isCaller,
      isAgain: this.#isAgain,
      wantsVideo: call.mediaType === "video",
      media: call.media,
      send: (type, payload) =>
        this.#listener.send(call.id, call.other, type, payload, call.otherDevice ?? this.#heardFrom),
    });
    for (const signal of this.#early.splice(0)) this.hear(signal, call);
  }
}
