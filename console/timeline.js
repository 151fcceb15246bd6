// @ts-check
/** A call's story: its events and the posting of its webhooks, in one order. */

import { inWords } from "./call-words.js";

/** @typedef {{seq: number, type: string, at_ms: number, data: Record<string, unknown>}} TimelineEvent */

/**
 * @typedef {{
 *   endpoint_id: string, webhook_id: string, type: string, seq: number, number: number,
 *   at_ms: number, duration_ms: number, status: number | null, error: string | null,
 * }} Attempt
 */

/** @typedef {{call: Record<string, any>, events: TimelineEvent[], attempts: Attempt[]}} Timeline */

/**
 * @typedef {{
 *   atMs: number, offset: string, kind: "event" | "attempt", title: string,
 *   detail: string, is: "plain" | "good" | "bad",
 *   replay?: {endpointId: string, webhookId: string},
 * }} Row
 */

/**
 * @param {Timeline} timeline
 * @returns {Row[]} in order; an attempt behind the event that it tells
 */
export function rowsOf({ call, events, attempts }) {
  const begin = call.created_at_ms;
  const rows = [
    ...events.map((event) => rowOfEvent(event, begin)),
    ...attempts.map((attempt) => rowOfAttempt(attempt, begin)),
  ];
  const rank = { event: 0, attempt: 1 };
  return rows.sort((one, other) => one.atMs - other.atMs || rank[one.kind] - rank[other.kind]);
}

/**
 * @param {Record<string, any>} call
 * @returns {string}
 */
export function summaryOf(call) {
  const kind = `${call.media_type === "video" ? "Video" : "Audio"} call of ${call.creator}`;
  const how = `${call.dialect}, ${call.provider}`;
  if (call.state !== "ended") return `${kind} (${how}): ${call.state}.`;
  const by = call.initiator ? ` by ${call.initiator}` : "";
  return `${kind} (${how}): ${call.end_reason}${by}, ${inWords(call.duration ?? 0)} of talk.`;
}

/**
 * @param {TimelineEvent} event
 * @param {number} begin
 * @returns {Row}
 */
function rowOfEvent({ seq, type, at_ms, data }, begin) {
  const told = Object.entries(data ?? {}).filter(([, value]) => value !== "");
  const fields = told.map(([name, value]) => `${name} ${shown(name, value, begin)}`);
  return {
    atMs: at_ms,
    offset: offsetOf(at_ms - begin),
    kind: "event",
    title: `${seq}. ${type}`,
    detail: fields.join(", "),
    is: "plain",
  };
}

/**
 * @param {Attempt} attempt
 * @param {number} begin
 * @returns {Row}
 */
function rowOfAttempt(attempt, begin) {
  const { status, error } = attempt;
  const isGood = status !== null && status >= 200 && status < 300;
  const outcome = [status, error].filter(Boolean).join(" ") || "no answer";
  const again = attempt.number > 1 ? `, attempt ${attempt.number}` : "";
  return {
    atMs: attempt.at_ms,
    offset: offsetOf(attempt.at_ms - begin),
    kind: "attempt",
    title: `${outcome} in ${attempt.duration_ms} ms`,
    detail: `${attempt.seq}. ${attempt.type} to ${attempt.endpoint_id}${again}`,
    is: isGood ? "good" : "bad",
    replay: { endpointId: attempt.endpoint_id, webhookId: attempt.webhook_id },
  };
}

/** @param {number} ms */
export function offsetOf(ms) {
  return `${ms < 0 ? "−" : "+"}${(Math.abs(ms) / 1_000).toFixed(2)} s`;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} begin
 */
function shown(name, value, begin) {
  if (/_at(_ms)?$/.test(name)) {
    const atMs = typeof value === "number" ? value : Date.parse(String(value));
    return offsetOf(atMs - begin);
  }
  return Array.isArray(value) ? value.join(" and ") || "nobody" : String(value);
}
