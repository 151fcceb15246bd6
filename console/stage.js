// @ts-check
/** The stage: who calls or is called, how far it is, pictures, and what one may do. */

import { inWords, onClock } from "./call-words.js";
import { element, write } from "./page.js";

/** @typedef {import("./phone.js").Phone} Phone */
/** @typedef {import("./telephone.js").Call} Call */
/** @typedef {import("./telephone.js").State} State */

/** @typedef {"answer" | "answer-video" | "leave" | "mute" | "camera"} Control */

/** @type {Record<import("./telephone.js").Phase | "idle", Control[]>} */
const CONTROLS = {
  idle: [],
  placing: ["leave"],
  outgoing: ["mute", "leave"],
  incoming: ["leave", "answer"],
  answering: ["leave"],
  talking: ["mute", "camera", "leave"],
  ending: [],
};
/** @type {Record<string, string>} */
const LEAVE = { placing: "Cancel", outgoing: "Cancel", incoming: "Decline", answering: "Decline" };
const BUTTONS = /** @type {Control[]} */ (["mute", "camera", "leave", "answer", "answer-video"]);

export class Stage {
  #stage = element("stage", HTMLElement);
  #face = element("face", HTMLElement);
  #idleFace = [...this.#face.childNodes];
  #other = element("other", HTMLElement);
  #phase = element("phase", HTMLElement);
  #clock = element("clock", HTMLElement);
  #picture = element("picture", HTMLVideoElement);
  #own = element("own", HTMLVideoElement);
  #levels = element("levels", HTMLElement);
  #theirName = element("their-name", HTMLElement);
  #announcement = element("announcement", HTMLElement);

  /** @param {Phone} phone */
  show(phone) {
    const { state, peer } = phone;
    const { call } = state;
    const phase = call?.phase ?? "idle";
    const hadFocus = this.#stage.contains(document.activeElement);
    this.#stage.dataset.phase = phase;
    this.#name(call);
    write(this.#other, call?.other ?? "");
    write(this.#phase, sentenceOf(phone));
    this.#phase.dataset.is = call ? "plain" : (state.note?.is ?? "plain");
    this.#controls(phase, call, peer?.isMuted ?? false, Boolean(peer?.own));
    view(this.#picture, phase === "talking" ? peer?.picture : undefined);
    view(this.#own, peer?.own);
    this.#levels.hidden = phase !== "talking";
    write(this.#theirName, call?.other ?? "They");
    const isRinging = phase === "incoming";
    write(this.#announcement, isRinging && call ? `${call.other} is calling: ${call.mediaType} call.` : "");
    this.tick(phone);
    if (hadFocus) this.#keepFocus(phase);
  }

  /** @param {Phone} phone */
  tick({ state: { call }, serverNow }) {
    write(this.#clock, call ? clockOf(call, serverNow) : "");
  }

  /** @param {Call} [call] */
  #name(call) {
    if (!call) this.#face.replaceChildren(...this.#idleFace);
    else write(this.#face, [...call.other][0]?.toLocaleUpperCase() ?? "?");
  }

  /**
   * @param {import("./telephone.js").Phase | "idle"} phase
   * @param {Call | undefined} call
   * @param {boolean} isMuted
   * @param {boolean} hasCamera
   */
  #controls(phase, call, isMuted, hasCamera) {
    const isVideo = call?.mediaType === "video";
    const shown = new Set(CONTROLS[phase]);
    if (phase === "incoming" && isVideo) shown.add("answer-video");
    if (phase === "outgoing" && isVideo) shown.add("camera");
    for (const id of BUTTONS) element(id, HTMLButtonElement).hidden = !shown.has(id);
    write(element("leave-word", HTMLElement), LEAVE[phase] ?? "Hang up");
    write(element("answer-word", HTMLElement), isVideo ? "Audio only" : "Answer");
    element("answer-video", HTMLElement).classList.toggle("main", isVideo);
    press("mute", isMuted);
    press("camera", hasCamera);
  }

  /** @param {string} phase */
  #keepFocus(phase) {
    const active = document.activeElement;
    if (active instanceof HTMLElement && active.offsetParent) return;
    const next = phase === "idle" ? "to" : "leave";
    document.getElementById(next)?.focus({ preventScroll: true });
  }
}

/**
 * @param {Control} id
 * @param {boolean} isOn
 */
function press(id, isOn) {
  element(id, HTMLButtonElement).setAttribute("aria-pressed", String(isOn));
}

/**
 * @param {HTMLVideoElement} place
 * @param {MediaStream} [stream]
 */
function view(place, stream) {
  if (place.srcObject !== (stream ?? null)) place.srcObject = stream ?? null;
  place.hidden = !stream;
}

/**
 * What is so now, in a sentence that changes only with it.
 *
 * @param {Phone} phone
 */
export function sentenceOf({ state, peer, lineState }) {
  const { call, elsewhere, note } = state;
  const kind = call?.mediaType;
  if (lineState === "lost" && call?.phase !== "talking") return "Connection lost: trying again…";
  switch (call?.phase) {
    case "placing":
      return "Calling…";
    case "outgoing":
      return peer?.isMuted ? "Ringing. You are muted." : "Ringing…";
    case "incoming":
      return `Incoming ${kind} call`;
    case "answering":
      return "Answering…";
    case "ending":
      return "Hanging up…";
    case "talking":
      return ofTalk(phoneState(peer), peer?.isMuted ?? false);
  }
  if (note && note.is !== "bad") return note.text;
  if (elsewhere?.phase === "talking") return `You talk with ${elsewhere.other} on another device.`;
  if (elsewhere) return `You call ${elsewhere.other} from another device.`;
  return lineState === "open" ? "No call. Calls for you ring here." : "Connecting…";
}

/** @param {Phone["peer"]} peer */
function phoneState(peer) {
  return peer?.state ?? "waiting";
}

/**
 * @param {"waiting" | "connecting" | "connected" | "troubled"} state
 * @param {boolean} isMuted
 */
function ofTalk(state, isMuted) {
  if (state === "connected") return isMuted ? "Connected. You are muted." : "Connected.";
  return state === "troubled" ? "No media gets through: mending…" : "Connecting the media…";
}

/**
 * @param {Call} call
 * @param {number} nowMs by the server's clock
 */
function clockOf({ phase, answeredAtMs, deadlineAtMs }, nowMs) {
  if (phase === "talking" && answeredAtMs) return onClock((nowMs - answeredAtMs) / 1_000);
  if ((phase !== "incoming" && phase !== "outgoing") || !deadlineAtMs) return "";
  const left = Math.round((deadlineAtMs - nowMs) / 1_000);
  return left > 0 ? `${inWords(left)} left` : "Time is up";
}
