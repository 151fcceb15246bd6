import assert from "node:assert/strict";
import { test } from "node:test";

import { callFigures } from "../../console/call-figures.js";
import { reasonOf } from "../../console/devices.js";

const report = (inBytes, outBytes, packets = 50) => [
  { id: "T", type: "transport", selectedCandidatePairId: "P" },
  { id: "P", type: "candidate-pair", currentRoundTripTime: 0.012, localCandidateId: "L" },
  { id: "L", type: "local-candidate", candidateType: "relay" },
  { id: "C1", type: "codec", mimeType: "audio/opus" },
  { id: "C2", type: "codec", mimeType: "video/VP8" },
  { id: "I1", type: "inbound-rtp", kind: "audio", codecId: "C1", bytesReceived: inBytes, packetsReceived: packets, packetsLost: 0 },
  { id: "O1", type: "outbound-rtp", kind: "audio", codecId: "C1", bytesSent: outBytes },
  { id: "R1", type: "remote-inbound-rtp", kind: "audio", fractionLost: 0.05 },
  { id: "I2", type: "inbound-rtp", kind: "video", codecId: "C2", frameWidth: 640, frameHeight: 360, framesPerSecond: 24 },
];

test("figures of both kinds, and both ways", () => {
  const before = callFigures(report(1_000, 2_000), 1_000);
  assert.equal(before.audio.inKbps, undefined);
  const now = callFigures(report(9_000, 4_000, 100), 3_000, before);
  assert.deepEqual([now.path, now.roundTripMs], ["relayed", 12]);
  assert.deepEqual([now.audio.codec, now.audio.inKbps, now.audio.outKbps], ["Opus", 32, 8]);
  assert.deepEqual([now.audio.lossPercent, now.audio.sentLossPercent], [0, 5]);
  assert.deepEqual([now.video.codec, now.video.size, now.video.framesPerSecond], ["VP8", "640 × 360", 24]);
  assert.equal(now.video.outKbps, 0);
});

test("a connection that was begun again counts from nothing", () => {
  const before = callFigures(report(9_000, 9_000), 0);
  assert.equal(callFigures(report(0, 0), 1_000, before).audio.inKbps, 0);
});

test("nothing is known before it begins", () => {
  const { path, roundTripMs, audio, video } = callFigures([], 0);
  assert.deepEqual([path, roundTripMs, audio.codec, audio.lossPercent, video.size], Array(5).fill(undefined));
});

for (const [name, pattern] of [
  ["NotAllowedError", /not allowed/],
  ["NotFoundError", /There is no camera/],
  ["NotReadableError", /Another program/],
  ["OverconstrainedError", /could not be opened/],
]) {
  test(`says what ${name} means`, () => {
    assert.match(reasonOf(Object.assign(new Error(), { name }), "camera"), pattern);
  });
}
