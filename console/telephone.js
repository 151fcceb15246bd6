// @ts-check
/** What this device knows of its user's call: one table of what changes it. */

import { ofEnding, otherOf } from "./call-words.js";

/** @typedef {import("./line.js").Push} Push */
/** @typedef {import("./line.js").Media} Media */
/** @typedef {import("./call-words.js").Note} Note */

/**
 * `placing` and `answering` last until the server has agreed, `ending` until it tells
 * that the call is over.
 *
 * @typedef {"placing" | "outgoing" | "incoming" | "answering" | "talking" | "ending"} Phase
 */

/**
 * @typedef {{
 *   id: string, phase: Phase, other: string, isCaller: boolean,
 *   mediaType: "audio" | "video", deadlineAtMs?: number, answeredAtMs?: number,
 *   otherDevice?: string, media?: Media,
 * }} Call
 *
 * The id of one that is being placed is empty.
 */

/**
 * @typedef {{
 *   uid: string, device: string, call?: Call, elsewhere?: Call, note?: Note,
 *   over: readonly string[], before?: string,
 * }} State
 *
 * `elsewhere` is the user's call on another device; `over` are ids of calls whose
 * belated pushes mean nothing; `before` is the call that this device was in when its
 * page was loaded anew.
 */

/**
 * @typedef {{is: "place", to: string, mediaType: "audio" | "video"}
 *   | {is: "placed", id: string, media?: Media}
 *   | {is: "answer"} | {is: "joined", media?: Media, atMs: number}
 *   | {is: "leave"}
 *   | {is: "refused", text: string} | {is: "gone", id: string, note?: Note}
 *   | {is: "push", push: Push, atMs: number, isOld?: boolean} | {is: "noted", note?: Note}} Input
 *
 * `atMs` by the server's clock; a push that is old tells only what still is.
 */

export const MOST_OVER = 50;

/**
 * @param {string} uid
 * @param {string} device
 * @param {string} [before]
 * @returns {State}
 */
export function begin(uid, device, before) {
  return { uid, device, over: [], before };
}

/**
 * @param {State} state
 * @param {Input} input
 * @returns {State}
 */
export function step(state, input) {
  switch (input.is) {
    case "push":
      return hear(state, input);
    case "place":
      return place(state, input.to, input.mediaType);
    case "placed":
      return placed(state, input);
    case "answer":
      return state.call?.phase === "incoming" ? moved(state, { phase: "answering" }) : state;
    case "joined":
      if (state.call?.phase !== "answering") return state;
      return moved(state, { phase: "talking", media: input.media, answeredAtMs: input.atMs });
    case "leave":
      return leave(state);
    case "refused":
      return refused(state, input.text);
    case "gone":
      return finish(state, input.id, state.call?.id === input.id ? input.note : state.note);
    case "noted":
      return { ...state, note: input.note };
  }
}

/**
 * @param {State} state
 * @param {string} to
 * @param {"audio" | "video"} mediaType
 * @returns {State}
 */
function place(state, to, mediaType) {
  if (state.call) return state;
  const call = /** @type {Call} */ ({ id: "", phase: "placing", other: to, isCaller: true, mediaType });
  return { ...state, call, note: undefined };
}

/**
 * @param {State} state
 * @param {{id: string, media?: Media}} answer
 * @returns {State}
 */
function placed(state, { id, media }) {
  if (state.call?.phase !== "placing") return state;
  if (state.over.includes(id)) return { ...state, call: undefined };
  // Pushes may have been faster than the answer.
  const known = state.elsewhere?.id === id ? state.elsewhere : undefined;
  const elsewhere = known ? undefined : state.elsewhere;
  const call = { ...state.call, phase: /** @type {const} */ ("outgoing"), media, ...known, id };
  return { ...state, call, elsewhere };
}

/**
 * @param {State} state
 * @returns {State}
 */
function leave(state) {
  if (state.call?.phase !== "placing") return moved(state, { phase: "ending" });
  return { ...state, call: undefined, note: { text: "You cancelled the call.", is: "plain" } };
}

/**
 * The server, or a device, did not let it be.
 *
 * @param {State} state
 * @param {string} text
 * @returns {State}
 */
function refused(state, text) {
  /** @type {Note} */
  const note = { text, is: "bad" };
  // It rings on: the user may try again.
  if (state.call?.phase === "answering") return { ...moved(state, { phase: "incoming" }), note };
  if (state.call?.phase === "placing") return { ...state, call: undefined, note };
  return { ...state, note };
}

/**
 * @param {State} state
 * @param {{push: Push, atMs: number, isOld?: boolean}} input
 * @returns {State}
 */
function hear(state, { push, atMs, isOld = false }) {
  if (state.over.includes(push.call_id)) return state;
  switch (push.event) {
    case "call.ringing":
      return ring(state, push, atMs);
    case "call.answered":
    case "call.answered_elsewhere":
      return answered(state, push);
    case "call.ended":
      return ended(state, push, isOld);
    default:
      // Why it ended is told once more by its end.
      return state;
  }
}

/**
 * @param {State} state
 * @param {Push} push
 * @param {number} atMs
 * @returns {State}
 */
function ring(state, push, atMs) {
  const { call } = state;
  const deadlineAtMs = push.deadline_at_ms;
  if (call?.id === push.call_id) {
    return call.phase === "talking" ? state : moved(state, { deadlineAtMs });
  }
  if (push.caller === state.uid) {
    if (state.elsewhere?.id === push.call_id) return state;
    return added(state, { ...callOf(state, push), phase: "outgoing", deadlineAtMs });
  }
  const isLate = deadlineAtMs !== undefined && deadlineAtMs <= atMs;
  if (call || isLate) return state;
  const incoming = { ...callOf(state, push), deadlineAtMs };
  return { ...state, call: incoming, note: undefined };
}

/**
 * @param {State} state
 * @param {Push} push
 * @returns {State}
 */
function answered(state, push) {
  const { call } = state;
  const isHere = call?.id === push.call_id && call.phase !== "ending";
  const answeredAtMs = push.at_ms;
  const media = push.media;
  if (push.uid !== state.uid) {
    const known = { phase: /** @type {const} */ ("talking"), answeredAtMs, otherDevice: push.device };
    const whole = media ? { ...known, media } : known;
    if (isHere) return call.isCaller ? moved(state, whole) : state;
    return added(state, { ...callOf(state, push), ...state.elsewhere, ...whole });
  }
  const isMine = push.device ? push.device === state.device : call?.phase !== "incoming";
  if (isHere && isMine) {
    return moved(state, { phase: "talking", answeredAtMs, ...(media && { media }) });
  }
  if (isMine && push.event === "call.answered_elsewhere") return state;
  const talking = { ...callOf(state, push), phase: /** @type {const} */ ("talking"), answeredAtMs };
  const whole = media ? { ...talking, media } : talking;
  if (call?.id !== push.call_id) return added(state, whole);
  /** @type {Note} */
  const note = { text: "Answered on another device.", is: "plain" };
  return { ...state, call: undefined, elsewhere: whole, note };
}

/**
 * Of a call that this page has not begun: it was this device's before, or is another's.
 *
 * @param {State} state
 * @param {Call} call
 * @returns {State}
 */
function added(state, call) {
  const isOurs = state.before === call.id && !state.call;
  return isOurs ? { ...state, call, before: undefined } : { ...state, elsewhere: call };
}

/**
 * @param {State} state
 * @param {Push} push
 * @param {boolean} isOld
 * @returns {State}
 */
function ended(state, push, isOld) {
  const isHere = state.call?.id === push.call_id;
  const isMissed = !isOld && push.caller !== state.uid && ["missed", "cancelled"].includes(push.reason ?? "");
  // Of one that rang while nobody was here; of others' ends there is nothing to say.
  const isPlaced = state.call?.phase === "placing" && push.caller === state.uid;
  const isTold = isHere || isMissed || isPlaced || state.elsewhere?.id === push.call_id;
  return finish(state, push.call_id, isTold ? ofEnding(push, state.uid) : state.note);
}

/**
 * @param {State} state
 * @param {string} id
 * @param {Note} [note]
 * @returns {State}
 */
function finish(state, id, note) {
  const over = [...state.over, id].slice(-MOST_OVER);
  const call = state.call?.id === id ? undefined : state.call;
  const elsewhere = state.elsewhere?.id === id ? undefined : state.elsewhere;
  return { ...state, over, call, elsewhere, note };
}

/**
 * @param {State} state
 * @param {Push} push
 * @returns {Call}
 */
function callOf({ uid }, push) {
  const isCaller = push.caller === uid;
  return {
    id: push.call_id,
    phase: "incoming",
    other: otherOf(push, uid),
    isCaller,
    mediaType: push.media_type,
  };
}

/**
 * @param {State} state
 * @param {Partial<Call>} changes
 * @returns {State}
 */
function moved(state, changes) {
  return state.call ? { ...state, call: { ...state.call, ...changes } } : state;
}
