// @ts-check
/** The user's calls that are over, the last one first. */

import { inShort, otherOf } from "./call-words.js";
import { element, made } from "./page.js";

/**
 * An ended call, as the API lists it.
 *
 * @typedef {{
 *   id: string, creator: string, uids: string[], media_type: string, state: string,
 *   end_reason: string | null, initiator: string | null, created_at_ms: number,
 *   answered_at_ms?: number, ended_at_ms?: number, duration: number, dialect: string,
 *   provider: string,
 * }} Listed
 */

export const MOST = 8;
const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/**
 * @param {Listed} call
 * @param {string} me
 */
function isMissed({ creator, end_reason }, me) {
  return creator !== me && (end_reason === "missed" || end_reason === "cancelled");
}

/** @param {number} atMs */
export function inTime(atMs) {
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? TIME.format(at) : `${DAY.format(at)}, ${TIME.format(at)}`;
}

/**
 * @param {Listed[]} calls
 * @param {string} me
 * @param {(other: string, mediaType: "audio" | "video") => void} callBack
 */
export function showRecent(calls, me, callBack) {
  const list = element("recent", HTMLOListElement);
  element("no-recent", HTMLElement).hidden = calls.length > 0;
  const ids = calls.map(({ id }) => id).join();
  if (list.dataset.ids === ids) return;
  list.dataset.ids = ids;
  list.replaceChildren(...calls.map((call) => item(call, me, callBack)));
}

/**
 * @param {Listed} call
 * @param {string} me
 * @param {(other: string, mediaType: "audio" | "video") => void} callBack
 */
function item(call, me, callBack) {
  const other = otherOf({ caller: call.creator, uids: call.uids }, me);
  const missed = isMissed(call, me);
  const whole = made("li", missed ? "missed" : "");
  const way = call.creator === me ? "to" : "from";
  const arrow = made("span", "arrow", way === "to" ? "↗" : "↙");
  arrow.setAttribute("aria-hidden", "true");
  const who = made("span", "name");
  who.append(made("span", "unseen", `${way} `), other);
  const end = { caller: call.creator, reason: call.end_reason, duration: call.duration };
  const what = `${inTime(call.created_at_ms)} · ${call.media_type} · ${inShort(end, me)}`;
  const again = made("button", "plain", "Call");
  again.type = "button";
  again.setAttribute("aria-label", `Call ${other}, ${call.media_type}`);
  again.addEventListener("click", () => callBack(other, call.media_type === "video" ? "video" : "audio"));
  whole.append(arrow, who, made("span", "what", what), again);
  return whole;
}
