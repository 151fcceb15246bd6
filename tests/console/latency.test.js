import assert from "node:assert/strict";
import { test } from "node:test";

import { Latency } from "../../console/latency.js";

function told(...events) {
  const latency = new Latency();
  for (const [event, timestamp, fields] of events) latency.hear({ event, timestamp, ...fields });
  return latency;
}

test("knows nothing before the first turn", () => {
  const latency = told(["asrFinal", 5], ["trackStart", 6], ["interruption", 7]);
  for (const turn of ["transcript", "answer", "interruption"]) {
    assert.equal(latency.summary(turn), undefined);
  }
});

test("measures from the end of speech to its text", () => {
  const latency = told(
    ["silence", 1_128, { speechEndTime: 1_000 }],
    ["silence", 1_300, {}],
    ["asrFinal", 1_203],
  );
  assert.deepEqual(latency.summary("transcript"), { last: 203, median: 203, count: 1 });
});

test("measures from the text to the first track of a playback", () => {
  const latency = told(
    ["asrFinal", 1_000],
    ["trackStart", 1_001],
    ["trackStart", 1_040, { playId: "answer-1" }],
    ["trackStart", 9_000, { playId: "answer-2" }],
  );
  assert.deepEqual(latency.summary("answer"), { last: 40, median: 40, count: 1 });
});

test("measures from where the user cut in to the interruption", () => {
  const latency = told(
    ["speaking", 1_128, { startTime: 1_000 }],
    ["interruption", 1_134],
    ["speaking", 2_000],
    ["interruption", 2_010],
    ["interruption", 9_000],
  );
  assert.deepEqual(latency.summary("interruption"), { last: 10, median: 134, count: 2 });
});

test("is never before itself", () => {
  const latency = told(["asrFinal", 1_000], ["trackStart", 999, { playId: "a" }]);
  assert.equal(latency.summary("answer").last, 0);
});
