import assert from "node:assert/strict";
import { test } from "node:test";

import { rowsOf, summaryOf } from "../../console/timeline.js";

const CALL = {
  id: "c1",
  state: "ended",
  end_reason: "hangup",
  initiator: "caller",
  media_type: "video",
  dialect: "openchat",
  provider: "p2p",
  creator: "ann",
  created_at_ms: 10_000,
  duration: 65,
};
const attempt = (more) => ({
  endpoint_id: "ep_1",
  webhook_id: "m1",
  type: "participant.invited",
  seq: 1,
  number: 1,
  at_ms: 10_000,
  duration_ms: 12,
  status: 200,
  error: null,
  ...more,
});

test("events and attempts stand in one order", () => {
  const rows = rowsOf({
    call: CALL,
    events: [
      { seq: 2, type: "participant.joined", at_ms: 13_210, data: { uid: "bob", device_type: "", device: "web-1" } },
      { seq: 1, type: "participant.invited", at_ms: 10_000, data: { invited_uids: ["bob", "cy"], deadline_at: "1970-01-01T00:00:40.000Z", answered_at_ms: 11_000 } },
    ],
    attempts: [
      attempt({ at_ms: 14_000, number: 2, status: null, error: "timed out" }),
      attempt({}),
      attempt({ at_ms: 15_000, status: 503, error: null }),
      attempt({ at_ms: 16_000, status: null }),
    ],
  });
  assert.deepEqual(rows.map(({ offset, title, is }) => [offset, title, is]), [
    ["+0.00 s", "1. participant.invited", "plain"],
    ["+0.00 s", "200 in 12 ms", "good"],
    ["+3.21 s", "2. participant.joined", "plain"],
    ["+4.00 s", "timed out in 12 ms", "bad"],
    ["+5.00 s", "503 in 12 ms", "bad"],
    ["+6.00 s", "no answer in 12 ms", "bad"],
  ]);
  assert.equal(rows[0].detail, "invited_uids bob and cy, deadline_at +30.00 s, answered_at_ms +1.00 s");
  assert.equal(rows[2].detail, "uid bob, device web-1");
  assert.equal(rows[3].detail, "1. participant.invited to ep_1, attempt 2");
  assert.deepEqual(rows[1].replay, { endpointId: "ep_1", webhookId: "m1" });
});

test("a call in a sentence", () => {
  assert.equal(summaryOf(CALL), "Video call of ann (openchat, p2p): hangup by caller, 1 min 5 s of talk.");
  const live = { ...CALL, state: "active", media_type: "audio" };
  assert.equal(summaryOf(live), "Audio call of ann (openchat, p2p): active.");
  assert.match(summaryOf({ ...CALL, initiator: null, duration: undefined }), /hangup, 0 s/);
});
