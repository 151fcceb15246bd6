// @ts-check
/** A call's media between two browsers: devices, connection, pictures, levels. */

import { callFigures } from "./call-figures.js";
import { NoDevice, openCamera, openMicrophone } from "./devices.js";
import { levelOf } from "./figures.js";
import { Negotiation } from "./negotiation.js";

/** @typedef {import("./line.js").Media} CallMedia */
/** @typedef {import("./line.js").SignalType} SignalType */
/** @typedef {import("./call-figures.js").CallFigures} CallFigures */

/**
 * @typedef {{
 *   isCaller: boolean, isAgain: boolean, wantsVideo: boolean, media?: CallMedia,
 *   send: (type: SignalType, payload: Record<string, unknown>) => boolean,
 * }} Start
 */

const WINDOW = 512;

export class Peer {
  /** @type {() => void} */ #changed;
  /** @type {HTMLAudioElement} */ #player;
  /** @type {MediaStreamTrack | undefined} */ #microphone;
  /** @type {MediaStreamTrack | undefined} */ #camera;
  /** @type {Negotiation | undefined} */ #negotiation;
  /** @type {AudioContext | undefined} */ #context;
  /** @type {AnalyserNode | undefined} */ #mine;
  /** @type {AnalyserNode | undefined} */ #theirs;
  /** @type {CallFigures | undefined} */ #figures;
  /** @type {MediaStream | undefined} */ #own;
  /** @type {MediaStream | undefined} */ #picture;
  #samples = new Float32Array(WINDOW);
  #isMuted = false;
  #isOpen = false;
  #isClosed = false;

  /**
   * @param {() => void} changed
   * @param {HTMLAudioElement} player plays what comes
   */
  constructor(changed, player) {
    this.#changed = changed;
    this.#player = player;
  }

  /**
   * Raises `NoDevice` without a microphone; a camera that is not there is told, and the
   * call goes on without it.
   *
   * @param {boolean} withCamera
   * @returns {Promise<string>} why there is no camera; empty if there is, or need be none
   */
  async open(withCamera) {
    this.#context = new AudioContext();
    this.#keep("microphone", await openMicrophone());
    let trouble = "";
    try {
      if (withCamera) this.#keep("camera", await openCamera());
    } catch (error) {
      if (!(error instanceof NoDevice)) throw error;
      trouble = error.message;
    }
    this.#isOpen = true;
    this.#changed();
    return trouble;
  }

  /** Whether its devices are. */
  get isOpen() {
    return this.#isOpen;
  }

  /** @param {Start} start */
  connect({ isCaller, isAgain, wantsVideo, media, send }) {
    if (this.#negotiation || this.#isClosed) return;
    this.#negotiation = new Negotiation(isCaller, {
      make: () => this.#make(media, isCaller && wantsVideo),
      send,
      changed: () => this.#changed(),
      after: (ms, then) => setTimeout(then, ms),
      cancel: (timer) => clearTimeout(/** @type {number} */ (timer)),
      now: () => Date.now(),
      key: () => crypto.randomUUID(),
    });
    this.#negotiation.begin(isAgain);
  }

  get isConnecting() {
    return this.#negotiation !== undefined;
  }

  /** @returns {"waiting" | "connecting" | "connected" | "troubled"} */
  get state() {
    if (!this.#negotiation) return "waiting";
    if (this.#negotiation.state === "connected") return "connected";
    return this.#negotiation.wasConnected ? "troubled" : "connecting";
  }

  /** @param {{type: SignalType, payload: Record<string, any>}} signal */
  hear(signal) {
    this.#negotiation?.hear(signal);
  }

  /** Signals can be sent again. */
  resume() {
    this.#negotiation?.resume();
  }

  get isMuted() {
    return this.#isMuted;
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.#isMuted = isMuted;
    if (this.#microphone) this.#microphone.enabled = !isMuted;
    this.#changed();
  }

  /**
   * Its light goes out when it is off. Raises `NoDevice`.
   *
   * @param {boolean} isOn
   */
  async setCamera(isOn) {
    if (isOn === Boolean(this.#camera)) return;
    if (isOn) this.#keep("camera", await openCamera());
    else this.#dropCamera();
    await this.#sendPicture();
    this.#changed();
  }

  /** The camera's picture, while it is on. */
  get own() {
    return this.#own;
  }

  /** What comes, while it comes. */
  get picture() {
    return this.#picture;
  }

  /** Of 1 each. */
  levels() {
    return { mine: this.#isMuted ? 0 : this.#level(this.#mine), theirs: this.#level(this.#theirs) };
  }

  /** @returns {Promise<CallFigures | undefined>} */
  async figures() {
    const peer = this.#negotiation?.peer;
    const report = await peer?.getStats();
    if (!report || peer !== this.#negotiation?.peer) return undefined;
    this.#figures = callFigures(report, performance.now(), this.#figures);
    return this.#figures;
  }

  close() {
    this.#isClosed = true;
    this.#negotiation?.close();
    this.#microphone?.stop();
    this.#dropCamera();
    this.#player.srcObject = null;
    this.#picture = undefined;
    void this.#context?.close();
    this.#context = this.#mine = this.#theirs = undefined;
  }

  /**
   * @param {"microphone" | "camera"} kind
   * @param {MediaStreamTrack} track
   */
  #keep(kind, track) {
    if (this.#isClosed) return track.stop();
    const stream = new MediaStream([track]);
    if (kind === "microphone") {
      this.#microphone = track;
      this.#mine = this.#analyser(stream);
      return;
    }
    this.#camera = track;
    this.#own = stream;
    track.addEventListener("ended", () => void this.setCamera(false));
  }

  #dropCamera() {
    this.#camera?.stop();
    this.#camera = this.#own = undefined;
  }

  async #sendPicture() {
    const peer = this.#negotiation?.peer;
    const carrier = peer?.getTransceivers().find(isOfVideo);
    if (carrier) {
      await carrier.sender.replaceTrack(this.#camera ?? null);
      carrier.direction = this.#camera ? "sendrecv" : "recvonly";
    } else if (this.#camera) {
      peer?.addTrack(this.#camera);
    }
  }

  /**
   * @param {CallMedia | undefined} media
   * @param {boolean} wantsVideo
   */
  #make(media, wantsVideo) {
    const peer = new RTCPeerConnection({ iceServers: serversOf(media), bundlePolicy: "max-bundle" });
    peer.addEventListener("track", ({ track, transceiver }) => {
      if (track.kind === "audio") this.#play(track);
      else this.#watch(peer, track, transceiver);
    });
    if (this.#microphone) peer.addTrack(this.#microphone);
    if (this.#camera) peer.addTrack(this.#camera);
    else if (wantsVideo) peer.addTransceiver("video", { direction: "recvonly" });
    this.#picture = undefined;
    return peer;
  }

  /** @param {MediaStreamTrack} track */
  #play(track) {
    const stream = new MediaStream([track]);
    this.#player.srcObject = stream;
    this.#player.play().catch(() => {
      // A page that was loaded anew may not play before its user has touched it.
      addEventListener("pointerdown", () => void this.#player.play(), { once: true });
    });
    this.#theirs = this.#analyser(stream);
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {MediaStreamTrack} track
   * @param {RTCRtpTransceiver} transceiver
   */
  #watch(peer, track, transceiver) {
    const stream = new MediaStream([track]);
    const look = () => {
      if (peer !== this.#negotiation?.peer) return;
      const comes = !track.muted && /send|recv/.test(transceiver.currentDirection ?? "");
      this.#picture = comes ? stream : undefined;
      this.#changed();
    };
    track.addEventListener("mute", look);
    track.addEventListener("unmute", look);
    look();
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

/** @param {RTCRtpTransceiver} transceiver */
function isOfVideo({ receiver, currentDirection }) {
  return currentDirection !== "stopped" && receiver.track.kind === "video";
}

/**
 * @param {CallMedia} [media]
 * @returns {RTCIceServer[]}
 */
function serversOf(media) {
  return (media?.iceServers ?? []).map(({ urls, username, credential }) =>
    username === null ? { urls } : { urls, username, credential: credential ?? "" },
  );
}
