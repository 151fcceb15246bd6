// @ts-check
/** What went wrong, in plain words: what it is, and what to do about it. */

/** @typedef {import("./session.js").SessionEvent} SessionEvent */

/**
 * Each names one sentence of `SENTENCES`.
 *
 * @typedef {"insecure" | "microphone-denied" | "microphone-missing" | "microphone-busy"
 *   | "microphone-gone" | "page-refused" | "sign-in-missing" | "token-unreadable"
 *   | "token-expired" | "stack-away"
 *   | "worker-away" | "worker-starting" | "worker-stopping" | "unauthenticated"
 *   | "forbidden" | "busy" | "refused" | "lost" | "no-route" | "failed"} Kind
 */

/** There is no call, or no call any more. */
export class Trouble extends Error {
  /**
   * @param {Kind} kind
   * @param {number} [retryAfterSeconds] when to try again, if it is worth while
   */
  constructor(kind, retryAfterSeconds) {
    const again = retryAfterSeconds ? ` Press Talk again in ${retryAfterSeconds} seconds.` : "";
    super(SENTENCES[kind] + again);
    this.name = "Trouble";
    this.kind = kind;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** @type {Record<Kind, string>} */
export const SENTENCES = {
  insecure:
    "Browsers give a microphone to safe addresses only. Open this page at http://localhost, or by https.",
  "microphone-denied":
    "The microphone is not allowed. Allow it for this page in the browser's address bar, then press Talk again.",
  "microphone-missing": "There is no microphone. Plug one in, then press Talk again.",
  "microphone-busy":
    "Another program holds the microphone. Close it there, then press Talk again.",
  "microphone-gone": "The microphone was unplugged. Plug one in, then press Talk again.",
  "page-refused":
    "You were not signed in: the stack gives tokens to its own pages only. Open this page at the stack's own address.",
  "sign-in-missing": "You are not signed in. Paste a token, then press Talk again.",
  "token-unreadable":
    "This is no token: it has three parts with dots between them, and begins with eyJ. Paste all of it.",
  "token-expired": "This token has expired. Get a new one, and paste it.",
  "stack-away":
    "The stack does not answer. On a laptop, start it with make run. Then press Talk again.",
  "worker-away":
    "The media worker does not answer. If make run has just started, wait a moment; otherwise look at its log.",
  "worker-starting": "The media worker is still starting. Press Talk again in a moment.",
  "worker-stopping": "The media worker is stopping. Press Talk again when it is back.",
  unauthenticated:
    "The media worker does not know you (401). Reload the page; if that does not help, start the stack anew.",
  forbidden: "You may not do this (403). Choose another name, then press Talk again.",
  busy: "The media worker takes no more calls just now (503).",
  refused: "The media worker refused the call. Its log tells why.",
  lost: "The connection to the media worker was lost, and could not be resumed in time. Press Talk to begin again.",
  "no-route":
    "No audio gets through between this browser and the media worker. A firewall may block UDP; a TURN server helps.",
  failed: "Something went wrong in this page. The browser's console tells more.",
};

/**
 * @param {unknown} error of getUserMedia
 * @returns {Trouble}
 */
export function ofMicrophone(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return new Trouble("microphone-denied");
  if (name === "NotFoundError") return new Trouble("microphone-missing");
  if (name === "NotReadableError" || name === "AbortError") {
    return new Trouble("microphone-busy");
  }
  return new Trouble("failed");
}

export const RETRY_SECONDS = 5;

/**
 * @param {{status: number, headers: {get: (name: string) => string | null}}} response
 * @returns {Trouble}
 */
export function ofResponse(response) {
  if (response.status === 401) return new Trouble("unauthenticated");
  if (response.status === 403) return new Trouble("forbidden");
  if (response.status !== 503) return new Trouble("refused");
  const seconds = Number(response.headers.get("retry-after"));
  return new Trouble("busy", seconds > 0 ? seconds : RETRY_SECONDS);
}

/** How a call ended, for who did not end it. */
const ENDS = new Map([
  ["autohangup", "The agent said goodbye."],
  ["bySystem", "The media worker ended the call."],
  ["inactivityTimeout", "Nobody was heard for a while, so the call ended."],
  ["byCaller", "You hung up."],
  ["failed", "The call broke off."],
]);
export const BY_USER = "user hung up";

/** @param {SessionEvent} event the `hangup` */
export function ofEnd(event) {
  if (event.reason === BY_USER) return "You hung up.";
  return ENDS.get(event.reason ?? "") ?? "The call is over.";
}

/** @param {SessionEvent} event an `error` */
export function ofError(event) {
  const text = (event.error ?? "something failed").replace(/\.$/, "");
  return `The media worker tells of ${event.sender ?? "the call"}: ${text}.`;
}
