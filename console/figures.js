// @ts-check
/** What getStats() tells of a call, in the figures that are shown. */

/**
 * Those that are not known yet are undefined.
 *
 * @typedef {{
 *   codec?: string,
 *   roundTripMs?: number,
 *   jitterMs?: number,
 *   bufferMs?: number,
 *   lossPercent?: number,
 *   sentLossPercent?: number,
 *   packets: {lost: number, received: number},
 *   buffered: {seconds: number, samples: number},
 * }} Figures
 */

/** @typedef {{forEach: (each: (stat: Record<string, any>) => void) => void}} Report */

/**
 * Loss and buffer are of the time since `before`, as whole calls would hide them.
 *
 * @param {Report} report
 * @param {Figures} [before]
 * @returns {Figures}
 */
export function figuresOf(report, before) {
  const { byId, byType } = indexed(report);
  const inbound = byType.get("inbound-rtp")?.find((stat) => stat.kind === "audio");
  const echoed = byType.get("remote-inbound-rtp")?.find((stat) => stat.kind === "audio");
  const transport = byType.get("transport")?.[0];
  const pair = byId.get(transport?.selectedCandidatePairId);
  const packets = {
    lost: inbound?.packetsLost ?? 0,
    received: inbound?.packetsReceived ?? 0,
  };
  const buffered = {
    seconds: inbound?.jitterBufferDelay ?? 0,
    samples: inbound?.jitterBufferEmittedCount ?? 0,
  };
  return {
    codec: codecOf(byId.get(inbound?.codecId)),
    roundTripMs: inMs(pair?.currentRoundTripTime ?? echoed?.roundTripTime),
    jitterMs: inMs(inbound?.jitter),
    bufferMs: bufferMs(buffered, before?.buffered),
    lossPercent: inbound && lossPercent(packets, before?.packets),
    sentLossPercent: inPercent(echoed?.fractionLost),
    packets,
    buffered,
  };
}

/**
 * @param {Figures["packets"]} now
 * @param {Figures["packets"]} [before]
 */
export function lossPercent(now, before = { lost: 0, received: 0 }) {
  // Packets that come after all make the count of those lost fall.
  const lost = Math.max(0, now.lost - before.lost);
  const all = lost + now.received - before.received;
  return all > 0 ? (100 * lost) / all : 0;
}

/**
 * How loud samples are, as a share of a meter of 60 dB.
 *
 * @param {Float32Array} samples from -1 to 1
 */
export function levelOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / (samples.length || 1) + 1e-12);
  return Math.min(1, Math.max(0, 1 + decibels / 60));
}

/** @param {Report} report */
export function indexed(report) {
  /** @type {Map<string, Record<string, any>>} */
  const byId = new Map();
  /** @type {Map<string, Record<string, any>[]>} */
  const byType = new Map();
  report.forEach((stat) => {
    byId.set(stat.id, stat);
    byType.set(stat.type, [...(byType.get(stat.type) ?? []), stat]);
  });
  return { byId, byType };
}

/** @param {Record<string, any>} [stat] */
function codecOf(stat) {
  if (!stat) return undefined;
  const name = String(stat.mimeType).replace(/^audio\//i, "");
  const known = { opus: "Opus" }[name.toLowerCase()] ?? name;
  return `${known}, ${stat.clockRate / 1000} kHz`;
}

/**
 * @param {Figures["buffered"]} now
 * @param {Figures["buffered"]} [before]
 */
function bufferMs(now, before = { seconds: 0, samples: 0 }) {
  const samples = now.samples - before.samples;
  return samples > 0 ? (1000 * (now.seconds - before.seconds)) / samples : undefined;
}

/** @param {number} [seconds] */
function inMs(seconds) {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** @param {number} [share] */
function inPercent(share) {
  return share === undefined ? undefined : share * 100;
}
