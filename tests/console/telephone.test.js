import assert from "node:assert/strict";
import { test } from "node:test";

import { inShort, inWords, ofEnding, onClock, otherOf } from "../../console/call-words.js";
import { MOST_OVER, begin, step } from "../../console/telephone.js";

const base = { call_id: "c1", at_ms: 1_000, media_type: "video", caller: "ann", uids: ["ann", "bob"] };
let seq = 0;
const push = (event, more = {}) => ({ is: "push", atMs: 2_000, push: { ...base, event, seq: (seq += 1), ...more } });
const RINGING = push("call.ringing", { direction: "incoming", deadline_at_ms: 31_000 });
const ended = (reason, initiator, duration = 0, more = {}) => push("call.ended", { reason, initiator, duration, ...more });
const answeredBy = (uid, device, more) => push("call.answered", { uid, device, ...more });

const run = (state, ...inputs) => inputs.reduce(step, state);
const bob = () => begin("bob", "b1");
const ann = () => begin("ann", "a1");
const PLACED = [{ is: "place", to: "bob", mediaType: "video" }, { is: "placed", id: "c1", media: { iceServers: [] } }];

test("rings until it is declined", () => {
  const ringing = run(bob(), RINGING);
  assert.deepEqual(ringing.call, {
    id: "c1",
    phase: "incoming",
    other: "ann",
    isCaller: false,
    mediaType: "video",
    deadlineAtMs: 31_000,
  });
  const over = run(ringing, { is: "leave" }, ended("rejected", "callee"));
  assert.equal(over.call, undefined);
  assert.equal(over.note.text, "You declined the call.");
  assert.equal(run(over, RINGING).call, undefined, "a belated ring is none");
});

test("answers, and talks until the other hangs up", () => {
  const media = { iceServers: [] };
  const answering = run(bob(), RINGING, { is: "answer" });
  assert.equal(answering.call.phase, "answering");
  const talking = run(answering, { is: "joined", media, atMs: 3_000 });
  assert.deepEqual([talking.call.phase, talking.call.answeredAtMs], ["talking", 3_000]);
  const told = run(talking, answeredBy("bob", "b1", { at_ms: 2_900 }));
  assert.deepEqual([told.call.answeredAtMs, told.call.media], [2_900, media]);
  const over = run(told, ended("hangup", "caller", 65));
  assert.equal(over.note.text, "ann hung up after 1 min 5 s.");
});

test("talks even if the push is faster than the answer to its request", () => {
  const talking = run(bob(), RINGING, { is: "answer" }, answeredBy("bob", "b1"));
  assert.equal(talking.call.phase, "talking");
  assert.deepEqual(run(talking, { is: "joined", atMs: 9 }), talking);
});

for (const event of ["call.answered", "call.answered_elsewhere"]) {
  test(`stops ringing when another device has answered: ${event}`, () => {
    for (const phase of [[], [{ is: "answer" }]]) {
      const state = run(bob(), RINGING, ...phase, push(event, { uid: "bob", device: "b2" }));
      assert.equal(state.call, undefined);
      assert.equal(state.elsewhere.phase, "talking");
      assert.equal(state.note.text, "Answered on another device.");
      const over = run(state, ended("hangup", "callee", 3));
      assert.equal(over.elsewhere, undefined);
      assert.equal(over.note.text, "You hung up after 3 s.");
    }
  });
}

test("takes no notice of its own answer told to the others", () => {
  const talking = run(bob(), RINGING, { is: "answer" }, { is: "joined", atMs: 1 });
  const told = run(talking, push("call.answered_elsewhere", { uid: "bob", device: "b1" }));
  assert.equal(told.call.phase, "talking");
  const nothing = run(bob(), push("call.answered_elsewhere", { uid: "bob", device: "b1" }));
  assert.equal(nothing.elsewhere, undefined);
});

test("where the device is not known, who was answering has answered", () => {
  const unknown = push("call.answered", { uid: "bob", device: "" });
  assert.equal(run(bob(), RINGING, unknown).call, undefined);
  assert.equal(run(bob(), RINGING, { is: "answer" }, unknown).call.phase, "talking");
});

test("places a call, which is answered on one device", () => {
  const placing = run(ann(), PLACED[0]);
  assert.deepEqual(placing.call, { id: "", phase: "placing", other: "bob", isCaller: true, mediaType: "video" });
  const outgoing = run(placing, PLACED[1], push("call.ringing", { direction: "outgoing", deadline_at_ms: 31_000 }));
  assert.deepEqual([outgoing.call.phase, outgoing.call.deadlineAtMs], ["outgoing", 31_000]);
  assert.equal(outgoing.elsewhere, undefined);
  const media = { iceServers: [{ urls: ["stun:s"] }] };
  const talking = run(outgoing, answeredBy("bob", "b2", { media }));
  assert.deepEqual([talking.call.phase, talking.call.otherDevice, talking.call.media], ["talking", "b2", media]);
});

test("is one call though pushes are faster than the answer to its request", () => {
  const fast = [push("call.ringing", { direction: "outgoing", deadline_at_ms: 9 }), answeredBy("bob", "b2")];
  const talking = run(ann(), PLACED[0], ...fast, PLACED[1]);
  assert.deepEqual([talking.call.phase, talking.call.otherDevice, talking.elsewhere], ["talking", "b2", undefined]);
  const over = run(ann(), PLACED[0], ...fast, ended("hangup", "callee", 2), PLACED[1]);
  assert.equal(over.call, undefined);
  assert.equal(over.note.text, "bob hung up after 2 s.");
});

test("shows the call of the user's other device", () => {
  const outgoing = run(ann(), push("call.ringing", { direction: "outgoing", deadline_at_ms: 9 }));
  assert.deepEqual([outgoing.call, outgoing.elsewhere.phase], [undefined, "outgoing"]);
  const talking = run(outgoing, answeredBy("bob", "b2"));
  assert.deepEqual([talking.call, talking.elsewhere.phase], [undefined, "talking"]);
  assert.equal(run(talking, ended("hangup", "caller", 1)).elsewhere, undefined);
});

test("is in its call again when the page was loaded anew", () => {
  const caller = run(begin("ann", "a1", "c1"), push("call.ringing", { direction: "outgoing", deadline_at_ms: 9 }), answeredBy("bob", "b2"));
  assert.deepEqual([caller.call.phase, caller.call.isCaller, caller.call.otherDevice], ["talking", true, "b2"]);
  const callee = run(begin("bob", "b1", "c1"), answeredBy("bob", "b1"));
  assert.deepEqual([callee.call.phase, callee.call.isCaller, callee.elsewhere], ["talking", false, undefined]);
  const other = run(begin("bob", "b1", "c9"), answeredBy("bob", "b1"));
  assert.deepEqual([other.call, other.elsewhere.phase], [undefined, "talking"]);
});

test("a ring that is over already does not ring", () => {
  const late = push("call.ringing", { direction: "incoming", deadline_at_ms: 1_999 });
  assert.equal(run(bob(), late).call, undefined);
});

test("tells of a call that was missed while nobody was there", () => {
  assert.equal(run(bob(), ended("missed", "system")).note.text, "You missed a call from ann.");
  assert.equal(run(bob(), ended("cancelled", "caller")).note.is, "missed");
  assert.equal(run(bob(), ended("hangup", "caller", 9)).note, undefined);
  assert.equal(run(bob(), { ...ended("missed", "system"), isOld: true }).note, undefined);
});

test("does not ring while it is in a call", () => {
  const busy = run(ann(), ...PLACED);
  assert.deepEqual(run(busy, push("call.ringing", { call_id: "c2", caller: "eve" })), busy);
  assert.deepEqual(run(busy, { is: "place", to: "eve", mediaType: "audio" }), busy);
});

test("a refusal is told, and leaves things as they were", () => {
  const refused = { is: "refused", text: "bob is in another call." };
  const idle = run(ann(), PLACED[0], refused);
  assert.deepEqual([idle.call, idle.note], [undefined, { text: refused.text, is: "bad" }]);
  const ringing = run(bob(), RINGING, { is: "answer" }, refused);
  assert.equal(ringing.call.phase, "incoming");
  assert.equal(run(ann(), ...PLACED, refused).call.phase, "outgoing");
});

test("a call that is withdrawn while it is placed is over at once", () => {
  const state = run(ann(), PLACED[0], { is: "leave" });
  assert.deepEqual([state.call, state.note.text], [undefined, "You cancelled the call."]);
  const told = run(state, PLACED[1], { is: "gone", id: "c1" });
  assert.deepEqual([told.call, told.note.text], [undefined, "You cancelled the call."]);
});

test("a call that is gone is over, without a push", () => {
  const note = { text: "The call is over.", is: "plain" };
  const state = run(ann(), ...PLACED, { is: "gone", id: "c1", note });
  assert.deepEqual([state.call, state.note], [undefined, note]);
  assert.equal(run(state, answeredBy("bob", "b2")).elsewhere, undefined);
});

test("what is ending is not answered any more", () => {
  const ending = run(ann(), ...PLACED, { is: "leave" }, answeredBy("bob", "b2"));
  assert.equal(ending.call.phase, "ending");
});

test("what means nothing changes nothing", () => {
  const states = [bob(), run(bob(), RINGING), run(ann(), ...PLACED)];
  for (const state of states) {
    assert.deepEqual(run(state, push("call.missed", { uid: "bob" }), push("call.rejected", { uid: "bob" })), state);
    assert.deepEqual(run(state, { is: "joined", atMs: 1 }), state);
    assert.deepEqual(run(state, { is: "placed", id: "c7" }), state);
  }
  assert.deepEqual(run(bob(), { is: "answer" }, { is: "leave" }), bob());
  assert.deepEqual(run(bob(), { is: "noted", note: undefined }), { ...bob(), note: undefined });
});

test("remembers so many calls that are over, and no more", () => {
  let state = bob();
  for (let n = 0; n < MOST_OVER + 5; n += 1) state = run(state, ended("hangup", "caller", 1, { call_id: `c${n}` }));
  assert.equal(state.over.length, MOST_OVER);
  assert.equal(state.over.at(-1), `c${MOST_OVER + 4}`);
});

test("events in any order and any number come to the same end", () => {
  const story = [
    RINGING,
    answeredBy("bob", "b1"),
    push("call.answered_elsewhere", { uid: "bob", device: "b1" }),
    ended("hangup", "caller", 7),
  ];
  let random = 11;
  const next = () => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let turn = 0; turn < 300; turn += 1) {
    const told = [...story, ...story].sort(() => next() - 0.5);
    const { call, elsewhere } = run(bob(), ...told);
    assert.deepEqual([call, elsewhere], [undefined, undefined]);
  }
});

for (const [reason, initiator, toCaller, toCallee] of [
  ["hangup", "callee", "bob hung up after 9 s.", "You hung up after 9 s."],
  ["hangup", "system", "The call ended after 9 s.", "The call ended after 9 s."],
  ["cancelled", "caller", "You cancelled the call.", "You missed a call from ann, who gave up."],
  ["rejected", "callee", "bob declined the call.", "You declined the call."],
  ["busy", "callee", "bob is in another call.", "ann called while you were in another call."],
  ["missed", "system", "bob did not answer.", "You missed a call from ann."],
  ["failed", "system", /broke off after 9 s/, /broke off after 9 s/],
]) {
  test(`tells both sides of ${reason} by ${initiator}`, () => {
    const end = { caller: "ann", uids: ["ann", "bob"], reason, initiator, duration: 9 };
    assert.match(ofEnding(end, "ann").text, new RegExp(toCaller.source ?? `^${toCaller}$`));
    assert.match(ofEnding(end, "bob").text, new RegExp(toCallee.source ?? `^${toCallee}$`));
    for (const me of ["ann", "bob"]) assert.ok(inShort(end, me));
  });
}

test("says durations as a person would", () => {
  assert.deepEqual([0, 59.4, 60, 61, 3_600, 3_725].map(inWords), ["0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 2 min"]);
  assert.deepEqual([0, 61.9, 3_725, -1].map(onClock), ["00:00", "01:01", "1:02:05", "00:00"]);
  assert.equal(otherOf({ caller: "ann", uids: ["ann", "bob", "cy"] }, "ann"), "bob, cy");
  assert.equal(otherOf({ caller: "ann" }, "ann"), "somebody");
});
