// @ts-check
/** What became of a call, in plain words. */

/** @typedef {import("./line.js").Push} Push */

/** @typedef {{text: string, is: "plain" | "missed" | "bad"}} Note */

/**
 * @param {number} seconds
 * @returns {string} of two units at the most
 */
export function inWords(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3_600);
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  if (minutes) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${whole} s`;
}

/**
 * @param {number} seconds
 * @returns {string} as a clock has it, for what runs
 */
export function onClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
  const parts = [minutes, whole % 60].map((part) => String(part).padStart(2, "0"));
  return (hours ? [hours, ...parts] : parts).join(":");
}

/**
 * Whom a call is with.
 *
 * @param {{caller: string, uids?: string[]}} call
 * @param {string} me
 */
export function otherOf({ caller, uids = [] }, me) {
  if (caller !== me) return caller;
  return uids.filter((uid) => uid !== me).join(", ") || "somebody";
}

/**
 * @param {{caller: string, uids?: string[], reason?: string, initiator?: string | null,
 *   duration?: number}} end as `call.ended` tells it
 * @param {string} me
 * @returns {Note}
 */
export function ofEnding(end, me) {
  const isCaller = end.caller === me;
  const other = otherOf(end, me);
  const long = inWords(end.duration ?? 0);
  switch (end.reason) {
    case "hangup":
      return plain(hungUp(end.initiator, isCaller, other, long));
    case "cancelled":
      if (isCaller) return plain("You cancelled the call.");
      return { text: `You missed a call from ${other}, who gave up.`, is: "missed" };
    case "rejected":
      return plain(isCaller ? `${other} declined the call.` : "You declined the call.");
    case "busy":
      return plain(isCaller ? `${other} is in another call.` : `${other} called while you were in another call.`);
    case "missed":
      if (isCaller) return plain(`${other} did not answer.`);
      return { text: `You missed a call from ${other}.`, is: "missed" };
    default:
      return { text: `The call broke off after ${long}: a device was not heard of any more.`, is: "bad" };
  }
}

/**
 * In a word or two, for a list.
 *
 * @param {{caller: string, reason?: string | null, duration?: number | null}} end
 * @param {string} me
 */
export function inShort(end, me) {
  const isCaller = end.caller === me;
  switch (end.reason) {
    case "hangup":
      return inWords(end.duration ?? 0);
    case "cancelled":
      return isCaller ? "cancelled" : "missed";
    case "rejected":
      return "declined";
    case "missed":
      return isCaller ? "no answer" : "missed";
    case "busy":
      return "busy";
    case "failed":
      return "broke off";
    default:
      return end.reason ?? "over";
  }
}

/**
 * @param {string | null | undefined} initiator
 * @param {boolean} isCaller
 * @param {string} other
 * @param {string} long
 */
function hungUp(initiator, isCaller, other, long) {
  if (initiator !== "caller" && initiator !== "callee") return `The call ended after ${long}.`;
  const isMine = (initiator === "caller") === isCaller;
  return isMine ? `You hung up after ${long}.` : `${other} hung up after ${long}.`;
}

/**
 * @param {string} text
 * @returns {Note}
 */
function plain(text) {
  return { text, is: "plain" };
}
