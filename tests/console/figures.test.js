import assert from "node:assert/strict";
import { test } from "node:test";

import { figuresOf, levelOf, lossPercent } from "../../console/figures.js";

const REPORT = new Map(
  [
    { id: "T", type: "transport", selectedCandidatePairId: "P" },
    { id: "P", type: "candidate-pair", currentRoundTripTime: 0.021 },
    { id: "C", type: "codec", mimeType: "audio/opus", clockRate: 48_000 },
    {
      id: "I",
      type: "inbound-rtp",
      kind: "audio",
      codecId: "C",
      jitter: 0.004,
      packetsLost: 3,
      packetsReceived: 97,
      jitterBufferDelay: 48,
      jitterBufferEmittedCount: 960,
    },
    { id: "R", type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.5, fractionLost: 0.1 },
  ].map((stat) => [stat.id, stat]),
);

test("reads what a connected call tells", () => {
  const figures = figuresOf(REPORT);
  assert.equal(figures.codec, "Opus, 48 kHz");
  assert.equal(figures.roundTripMs, 21);
  assert.equal(figures.jitterMs, 4);
  assert.equal(figures.bufferMs, 50);
  assert.equal(figures.lossPercent, 3);
  assert.equal(figures.sentLossPercent, 10);
});

test("knows nothing of a call that is not connected", () => {
  const { packets, buffered, ...others } = figuresOf(new Map());
  assert.deepEqual(packets, { lost: 0, received: 0 });
  assert.deepEqual(buffered, { seconds: 0, samples: 0 });
  assert.ok(Object.values(others).every((each) => each === undefined));
});

test("takes the round trip of RTCP where ICE has none", () => {
  const report = new Map([["R", REPORT.get("R")]]);
  assert.equal(figuresOf(report).roundTripMs, 500);
});

test("names a codec that it does not know as it is", () => {
  const codec = { id: "C", type: "codec", mimeType: "audio/PCMU", clockRate: 8_000 };
  const report = new Map([["C", codec], ["I", REPORT.get("I")]]);
  assert.equal(figuresOf(report).codec, "PCMU, 8 kHz");
});

test("tells of the time since it was last asked", () => {
  const before = figuresOf(REPORT);
  assert.equal(figuresOf(REPORT, before).bufferMs, undefined);
  assert.equal(figuresOf(REPORT, before).lossPercent, 0);
});

test("loss is a share of what was sent meanwhile", () => {
  assert.equal(lossPercent({ lost: 5, received: 195 }, { lost: 3, received: 97 }), 2);
  assert.equal(lossPercent({ lost: 2, received: 197 }, { lost: 3, received: 97 }), 0);
  assert.equal(lossPercent({ lost: 0, received: 0 }), 0);
});

test("levels go from silence to full scale", () => {
  assert.equal(levelOf(new Float32Array(8)), 0);
  assert.equal(levelOf(new Float32Array(0)), 0);
  assert.equal(levelOf(new Float32Array(8).fill(1)), 1);
  const quiet = levelOf(new Float32Array(8).fill(0.001));
  assert.ok(quiet > 0 && quiet < 0.01);
  assert.ok(Math.abs(levelOf(new Float32Array(8).fill(0.0316)) - 0.5) < 0.01);
});
