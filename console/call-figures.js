// @ts-check
/** What getStats() tells of a call between two browsers, in the figures that are shown. */

import { indexed, lossPercent } from "./figures.js";

/** @typedef {import("./figures.js").Report} Report */

/**
 * Of one kind of media, both ways; what is not known yet is undefined.
 *
 * @typedef {{
 *   codec?: string, lossPercent?: number, sentLossPercent?: number,
 *   inKbps?: number, outKbps?: number, size?: string, framesPerSecond?: number,
 *   received: number, lost: number, inBytes: number, outBytes: number,
 * }} Flow
 */

/**
 * @typedef {{
 *   atMs: number, path?: string, roundTripMs?: number, audio: Flow, video: Flow,
 * }} CallFigures
 */

/** @type {Record<string, string>} */
const PATHS = { host: "direct", srflx: "direct, through NAT", prflx: "direct, through NAT", relay: "relayed" };
/** @type {Record<string, string>} */
const CODECS = { opus: "Opus" };

/**
 * Loss and bitrate are of the time since `before`, as whole calls would hide them.
 *
 * @param {Report} report
 * @param {number} atMs by any clock that only goes forward
 * @param {CallFigures} [before]
 * @returns {CallFigures}
 */
export function callFigures(report, atMs, before) {
  const { byId, byType } = indexed(report);
  const transport = byType.get("transport")?.[0];
  const pair = byId.get(transport?.selectedCandidatePairId);
  const seconds = before ? (atMs - before.atMs) / 1_000 : 0;
  /** @param {"audio" | "video"} kind */
  const flow = (kind) => flowOf({ byId, byType }, kind, seconds, before?.[kind]);
  const trip = pair?.currentRoundTripTime;
  return {
    atMs,
    path: PATHS[byId.get(pair?.localCandidateId)?.candidateType],
    roundTripMs: trip === undefined ? undefined : trip * 1_000,
    audio: flow("audio"),
    video: flow("video"),
  };
}

/**
 * @param {ReturnType<typeof indexed>} stats
 * @param {"audio" | "video"} kind
 * @param {number} seconds
 * @param {Flow} [before]
 * @returns {Flow}
 */
function flowOf({ byId, byType }, kind, seconds, before) {
  /** @param {string} type */
  const one = (type) => byType.get(type)?.find((stat) => stat.kind === kind);
  const [inbound, outbound] = [one("inbound-rtp"), one("outbound-rtp")];
  const echoed = one("remote-inbound-rtp");
  const counts = {
    received: inbound?.packetsReceived ?? 0,
    lost: inbound?.packetsLost ?? 0,
    inBytes: inbound?.bytesReceived ?? 0,
    outBytes: outbound?.bytesSent ?? 0,
  };
  return {
    ...counts,
    codec: codecOf(byId.get((inbound ?? outbound)?.codecId)),
    lossPercent: inbound && lossPercent(counts, before),
    sentLossPercent: echoed?.fractionLost === undefined ? undefined : echoed.fractionLost * 100,
    inKbps: kbps(counts.inBytes - (before?.inBytes ?? 0), seconds),
    outKbps: kbps(counts.outBytes - (before?.outBytes ?? 0), seconds),
    size: inbound?.frameWidth ? `${inbound.frameWidth} × ${inbound.frameHeight}` : undefined,
    framesPerSecond: inbound?.framesPerSecond,
  };
}

/** @param {Record<string, any>} [stat] */
function codecOf(stat) {
  if (!stat) return undefined;
  const name = String(stat.mimeType).replace(/^\w+\//, "");
  return CODECS[name.toLowerCase()] ?? name;
}

/**
 * @param {number} bytes
 * @param {number} seconds
 */
function kbps(bytes, seconds) {
  // A new connection counts from nothing again.
  return seconds > 0 ? (8 * Math.max(0, bytes)) / 1_000 / seconds : undefined;
}
