// @ts-check
/** How two devices of a call agree on their media: offers, answers, candidates.
 *
 * Both may offer at any time, as in W3C's "perfect negotiation": the caller's offer wins,
 * the callee takes its own back. The caller alone begins rounds: each has its own peer
 * connection and number, and what comes of another round is dropped. Signals of a round
 * are numbered, as they may come twice or out of order; one that is lost is missed by the
 * watch, and then there is another round. A peer that numbers nothing is taken as it is.
 */

/** @typedef {import("./line.js").SignalType} SignalType */
/** @typedef {{type: SignalType, payload: Record<string, any>}} Signal */

/**
 * @typedef {{
 *   make: () => RTCPeerConnection,
 *   send: (type: SignalType, payload: Record<string, unknown>) => boolean,
 *   changed: () => void,
 *   after: (ms: number, then: () => void) => unknown,
 *   cancel: (timer: unknown) => void,
 *   now: () => number,
 *   key: () => string,
 * }} World
 *
 * `make` has the tracks in it already; `send` tells whether it could; `key` is one of its
 * own each time.
 */

export const WATCH_MS = 8_000;
/** How long it may take until there is a connection, or an answer. */
export const BREATH_MS = 2_500;
/** How long a connection may be away before anything is done about it. */

export class Negotiation {
  /** @type {World} */ #world;
  /** @type {boolean} */ #isCaller;
  /** @type {RTCPeerConnection | undefined} */ #peer;
  /** @type {Promise<void>} */ #queue = Promise.resolve();
  /** @type {unknown} */ #timer;
  /** @type {Map<number, Signal>} */ #early = new Map();
  /** @type {RTCIceCandidateInit[]} */ #candidates = [];
  /** @type {Set<string>} */ #asked = new Set();
  #round = 0;
  #sent = 0;
  #heard = 0;
  #wasConnected = false;
  #isOver = false;

  /**
   * @param {boolean} isCaller
   * @param {World} world
   */
  constructor(isCaller, world) {
    this.#isCaller = isCaller;
    this.#world = world;
  }

  /** Of this round, if there is one. */
  get peer() {
    return this.#peer;
  }

  /** @returns {RTCPeerConnectionState} */
  get state() {
    return this.#peer?.connectionState ?? "new";
  }

  get wasConnected() {
    return this.#wasConnected;
  }

  /** @param {boolean} [isAgain] whether this page may have been in the call before */
  begin(isAgain = false) {
    if (this.#isCaller) this.#beginRound(Math.max(this.#world.now(), this.#round + 1));
    else if (isAgain) this.#ask({});
    this.#watch(WATCH_MS);
  }

  /**
   * What the other side's device says, in whatever order.
   *
   * @param {Signal} signal
   */
  hear(signal) {
    const { round = this.#round, n } = signal.payload;
    if (this.#isOver || !this.#isOfNow(signal, round)) return;
    if (!Number.isInteger(n)) return this.#take(signal);
    if (n <= this.#heard) return;
    this.#early.set(n, signal);
    for (let next; (next = this.#early.get(this.#heard + 1)); ) {
      this.#heard += 1;
      this.#early.delete(this.#heard);
      this.#take(next);
    }
  }

  /** Signals could not be sent or be heard for a while, and now they can. */
  resume() {
    if (!this.#isOver && !this.#isWell) this.#again();
  }

  close() {
    this.#isOver = true;
    this.#world.cancel(this.#timer);
    this.#peer?.close();
  }

  get #isWell() {
    return this.state === "connected" && this.#peer?.signalingState === "stable";
  }

  /**
   * @param {Signal} signal
   * @param {number} round
   */
  #isOfNow({ type, payload }, round) {
    if (type === "restart") return this.#isNewWish(payload.key);
    if (this.#isCaller) return round === this.#round;
    if (round < this.#round) return false;
    if (round > this.#round || !this.#peer) this.#beginRound(round);
    return true;
  }

  /** @param {string} [key] */
  #isNewWish(key = this.#world.key()) {
    const isNew = !this.#asked.has(key);
    this.#asked.add(key);
    return this.#isCaller && isNew;
  }

  /** @param {number} round */
  #beginRound(round) {
    this.#peer?.close();
    this.#round = round;
    this.#sent = this.#heard = 0;
    this.#early.clear();
    this.#candidates = [];
    this.#queue = Promise.resolve();
    const peer = this.#world.make();
    this.#peer = peer;
    peer.addEventListener("icecandidate", ({ candidate }) => {
      if (peer === this.#peer && candidate?.candidate) this.#tell("candidate", spelt(candidate));
    });
    peer.addEventListener("negotiationneeded", () => {
      // A callee has its tracks in before the first offer, which is the caller's.
      if (this.#isCaller || peer.remoteDescription) this.#do(peer, () => this.#offer(peer));
    });
    peer.addEventListener("connectionstatechange", () => {
      if (peer === this.#peer) this.#connectionBecame(peer.connectionState);
    });
    this.#watch(WATCH_MS);
    this.#world.changed();
  }

  /** @param {Signal} signal */
  #take({ type, payload }) {
    if (type === "restart") return this.#wish(payload);
    const peer = this.#peer;
    if (!peer) return;
    if (type === "candidate") this.#do(peer, () => this.#add(peer, payload));
    else this.#do(peer, () => this.#describe(peer, type, payload.sdp));
  }

  /** @param {{ice?: boolean}} wish */
  #wish({ ice }) {
    if (ice && this.#peer && this.#wasConnected) this.#peer.restartIce();
    else this.begin();
    this.#watch(WATCH_MS);
  }

  /** @param {RTCPeerConnection} peer */
  async #offer(peer) {
    // While one is under way the browser asks again after it.
    if (peer.signalingState !== "stable") return;
    await peer.setLocalDescription();
    this.#tell("offer", { sdp: peer.localDescription?.sdp });
    this.#watch(WATCH_MS);
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {"offer" | "answer"} type
   * @param {string} sdp
   */
  async #describe(peer, type, sdp) {
    const isCollision = type === "offer" && peer.signalingState !== "stable";
    if (isCollision && this.#isCaller) return;
    if (type === "answer" && peer.signalingState !== "have-local-offer") return;
    // A callee's own offer is rolled back by this.
    await peer.setRemoteDescription({ type, sdp });
    for (const candidate of this.#candidates.splice(0)) await this.#add(peer, candidate);
    if (type === "answer") return;
    await peer.setLocalDescription();
    this.#tell("answer", { sdp: peer.localDescription?.sdp });
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {Record<string, any>} payload
   */
  async #add(peer, { candidate, sdpMid, sdpMLineIndex, usernameFragment }) {
    const init = { candidate, sdpMid, sdpMLineIndex, usernameFragment };
    if (!peer.remoteDescription) {
      this.#candidates.push(init);
      return;
    }
    try {
      await peer.addIceCandidate(init);
    } catch {
      // Of an offer that was not taken; the others lead as far.
    }
  }

  /**
   * One after the other, as long as it is this peer's round.
   *
   * @param {RTCPeerConnection} peer
   * @param {() => Promise<void>} step
   */
  #do(peer, step) {
    const isOld = () => this.#isOver || peer !== this.#peer;
    this.#queue = this.#queue
      .then(() => (isOld() ? undefined : step()))
      .catch(() => {
        if (!isOld()) this.#watch(BREATH_MS);
      });
  }

  /**
   * @param {SignalType} type
   * @param {Record<string, unknown>} payload
   */
  #tell(type, payload) {
    this.#sent += 1;
    this.#world.send(type, { ...payload, round: this.#round, n: this.#sent });
  }

  /** @param {RTCPeerConnectionState} state */
  #connectionBecame(state) {
    if (this.#isOver) return;
    if (state === "connected") this.#wasConnected = true;
    else if (state === "disconnected") this.#watch(BREATH_MS);
    else if (state === "failed") this.#mend();
    this.#world.changed();
  }

  /** @param {number} ms until it must be well */
  #watch(ms) {
    this.#world.cancel(this.#timer);
    // The caller first: two that mend at once are in each other's way.
    this.#timer = this.#world.after(this.#isCaller ? ms : 1.5 * ms, () => this.#look());
  }

  #look() {
    if (this.#isOver || this.#isWell) return;
    if (this.state === "disconnected") this.#mend();
    else this.#again();
  }

  /** Other ways through the network, for the same media. */
  #mend() {
    if (!this.#wasConnected) return this.#again();
    if (this.#isCaller) this.#peer?.restartIce();
    else this.#ask({ ice: true });
    this.#watch(WATCH_MS);
  }

  #again() {
    if (this.#isCaller) this.begin();
    else this.#ask({});
    this.#watch(WATCH_MS);
  }

  /** @param {{ice?: boolean}} wish */
  #ask(wish) {
    this.#world.send("restart", { ...wish, key: this.#world.key() });
  }
}

/** @param {RTCIceCandidate} candidate */
function spelt({ candidate, sdpMid, sdpMLineIndex, usernameFragment }) {
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}
