// @ts-check
/** The browser's audio: microphone, peer connection, keys, levels. */

import { figuresOf, levelOf } from "./figures.js";
import { Trouble, ofMicrophone } from "./sentences.js";

/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {import("./figures.js").Figures} Figures */

/**
 * @typedef {{
 *   candidate: (candidate: RTCIceCandidate | null) => void,
 *   state: (state: RTCPeerConnectionState) => void,
 *   microphoneGone: () => void,
 * }} Listener
 */

const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};
const KEY_MS = 100;
const GAP_MS = 70;
const WINDOW = 512;

export class Media {
  /** @type {Listener} */ #listener;
  /** @type {HTMLAudioElement} */ #player;
  /** @type {MediaStream | undefined} */ #microphone;
  /** @type {RTCPeerConnection | undefined} */ #peer;
  /** @type {AudioContext | undefined} */ #context;
  /** @type {AnalyserNode | undefined} */ #mine;
  /** @type {AnalyserNode | undefined} */ #theirs;
  /** @type {Figures | undefined} */ #figures;
  /** @type {RTCIceCandidateInit[] | undefined} */ #early = [];
  #samples = new Float32Array(WINDOW);

  /**
   * @param {Listener} listener
   * @param {HTMLAudioElement} player plays what comes
   */
  constructor(listener, player) {
    this.#listener = listener;
    this.#player = player;
  }

  /** Raises `Trouble`. */
  async openMicrophone() {
    if (!navigator.mediaDevices) throw new Trouble("insecure");
    try {
      this.#microphone = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    } catch (error) {
      throw ofMicrophone(error);
    }
    const [track] = this.#microphone.getAudioTracks();
    track.addEventListener("ended", () => this.#listener.microphoneGone());
    this.#context = new AudioContext();
    this.#mine = this.#analyser(this.#microphone);
  }

  /**
   * Raises `Trouble` when there is no microphone any more.
   *
   * @param {RTCIceServer[]} iceServers
   * @returns {Promise<string>} with the candidates that are known already
   */
  async offer(iceServers) {
    if (!this.#microphone) throw new Trouble("microphone-gone");
    const peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#peer = peer;
    peer.addEventListener("icecandidate", ({ candidate }) => {
      // The empty one and the null one both end them.
      if (candidate?.candidate !== "") this.#listener.candidate(candidate);
    });
    peer.addEventListener("connectionstatechange", () => {
      this.#listener.state(peer.connectionState);
    });
    peer.addEventListener("track", ({ track, streams }) => {
      this.#hear(streams[0] ?? new MediaStream([track]));
    });
    for (const track of this.#microphone.getAudioTracks()) {
      peer.addTrack(track, this.#microphone);
    }
    await peer.setLocalDescription();
    return peer.localDescription?.sdp ?? "";
  }

  /** @param {string} sdp of the worker's answer */
  async accept(sdp) {
    await this.#peer?.setRemoteDescription({ type: "answer", sdp });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const candidate of early) await this.#peer?.addIceCandidate(candidate);
  }

  /** @param {SessionEvent} event an `iceCandidate`, before or after the answer */
  async add({ candidate = "", sdpMid, sdpMLineIndex }) {
    const init = { candidate, sdpMid, sdpMLineIndex };
    if (this.#early) this.#early.push(init);
    else await this.#peer?.addIceCandidate(init);
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    for (const track of this.#microphone?.getAudioTracks() ?? []) {
      track.enabled = !isMuted;
    }
  }

  /**
   * Sends a key by RFC 4733, after those before it.
   *
   * @param {string} digit
   * @returns {boolean} whether the worker takes keys
   */
  press(digit) {
    const keys = this.#peer?.getSenders()[0]?.dtmf;
    if (!keys?.canInsertDTMF) return false;
    keys.insertDTMF(keys.toneBuffer + digit, KEY_MS, GAP_MS);
    return true;
  }

  /** @returns {RTCIceConnectionState} */
  get iceState() {
    return this.#peer?.iceConnectionState ?? "closed";
  }

  /** @returns {Promise<Figures | undefined>} */
  async figures() {
    const report = await this.#peer?.getStats();
    // It may have been closed while it was asked.
    if (report && this.#peer) this.#figures = figuresOf(report, this.#figures);
    return this.#figures;
  }

  /** Of 1 each. */
  levels() {
    return { mine: this.#level(this.#mine), theirs: this.#level(this.#theirs) };
  }

  close() {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#peer?.close();
    this.#player.srcObject = null;
    void this.#context?.close();
    this.#microphone = this.#peer = this.#context = undefined;
    this.#mine = this.#theirs = undefined;
  }

  /** @param {MediaStream} stream */
  #hear(stream) {
    this.#player.srcObject = stream;
    this.#player.play().catch(() => {
      // The call may have ended before it began to play.
    });
    this.#theirs = this.#analyser(stream);
  }

  /** @param {MediaStream} stream */
  #analyser(stream) {
    const node = this.#context?.createAnalyser();
    if (!this.#context || !node) return undefined;
    node.fftSize = WINDOW;
    this.#context.createMediaStreamSource(stream).connect(node);
    return node;
  }

  /** @param {AnalyserNode} [node] */
  #level(node) {
    if (!node) return 0;
    node.getFloatTimeDomainData(this.#samples);
    return levelOf(this.#samples);
  }
}
