import assert from "node:assert/strict";
import { test } from "node:test";

import { BREATH_MS, Negotiation, WATCH_MS } from "../../console/negotiation.js";
import { Time, settled } from "./world.js";

let made = 0;

/** As much of an RTCPeerConnection as a negotiation knows. */
class FakePeer extends EventTarget {
  id = (made += 1);
  signalingState = "stable";
  connectionState = "new";
  localDescription = null;
  remoteDescription = null;
  candidates = [];
  log = [];
  restarts = 0;
  isClosed = false;
  #descriptions = 0;

  async setLocalDescription() {
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    this.#descriptions += 1;
    this.localDescription = { type, sdp: `${type} ${this.id}.${this.#descriptions}` };
    this.log.push(type);
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
  }

  async setRemoteDescription({ type, sdp }) {
    await Promise.resolve();
    if (sdp === "broken") throw new Error("no SDP");
    const isWanted = type === "offer" || this.signalingState === "have-local-offer";
    assert.ok(isWanted, `${type} in ${this.signalingState}`);
    if (type === "offer" && this.signalingState === "have-local-offer") this.log.push("rollback");
    this.remoteDescription = { type, sdp };
    this.log.push(`their ${type}`);
    this.signalingState = type === "offer" ? "have-remote-offer" : "stable";
  }

  async addIceCandidate(init) {
    assert.ok(this.remoteDescription, "a candidate before the description");
    this.candidates.push(init.candidate);
    if (init.candidate === "bad") throw new Error("unknown ufrag");
  }

  restartIce() {
    this.restarts += 1;
    this.need();
  }

  close() {
    this.isClosed = true;
  }

  need() {
    this.dispatchEvent(new Event("negotiationneeded"));
  }

  find(candidate) {
    const spelt = candidate && { candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" };
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: spelt }));
  }

  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

function side(isCaller, time) {
  const one = { peers: [], sent: [], changes: 0, keys: 0 };
  one.negotiation = new Negotiation(isCaller, {
    make: () => {
      const peer = new FakePeer();
      one.peers.push(peer);
      // As the tracks are in it.
      queueMicrotask(() => peer.need());
      return peer;
    },
    send: (type, payload) => one.sent.push({ type, payload }) > 0,
    changed: () => (one.changes += 1),
    after: time.after,
    cancel: time.cancel,
    now: time.now,
    key: () => `${isCaller ? "caller" : "callee"} ${(one.keys += 1)}`,
  });
  Object.defineProperty(one, "peer", { get: () => one.peers.at(-1) });
  return one;
}

function pair() {
  const time = new Time();
  time.pass(1_000_000);
  return { time, caller: side(true, time), callee: side(false, time) };
}

/** Carries what was said to the other side until nothing more is said. */
async function carry({ caller, callee }, weather = (signals) => signals) {
  for (;;) {
    await settled();
    const there = weather(caller.sent.splice(0));
    const back = weather(callee.sent.splice(0));
    if (!there.length && !back.length) return;
    for (const signal of there) callee.negotiation.hear(signal);
    for (const signal of back) caller.negotiation.hear(signal);
  }
}

async function connected() {
  const all = pair();
  all.caller.negotiation.begin();
  all.callee.negotiation.begin();
  await carry(all);
  for (const one of [all.caller, all.callee]) one.peer.become("connected");
  return all;
}

test("the caller offers, the callee answers", async () => {
  const { caller, callee } = await connected();
  assert.deepEqual(caller.peer.log, ["offer", "their answer"]);
  assert.deepEqual(callee.peer.log, ["their offer", "answer"]);
  assert.equal(caller.negotiation.state, "connected");
  assert.ok(callee.negotiation.wasConnected);
  assert.ok(caller.changes && callee.changes);
});

test("a callee does not offer before the caller has", async () => {
  const all = pair();
  all.callee.negotiation.begin();
  assert.equal(all.callee.peer, undefined);
  assert.equal(all.callee.negotiation.state, "new");
  all.caller.negotiation.begin();
  await settled();
  all.callee.negotiation.hear(all.caller.sent[0]);
  all.callee.peer.need();
  await carry({ ...all, caller: { ...all.caller, sent: [] } });
  assert.deepEqual(all.callee.peer.log, ["their offer", "answer"]);
});

test("candidates that overtake the offer wait for it", async () => {
  const all = pair();
  const { caller, callee } = all;
  caller.negotiation.begin();
  caller.peer.find("one");
  await settled();
  caller.peer.find("two");
  caller.peer.find("");
  caller.peer.find(null);
  await carry(all, (signals) => signals.reverse());
  assert.deepEqual(callee.peer.candidates, ["one", "two"]);
});

test("signals that come twice or out of order are as those that do not", async () => {
  let random = 3;
  const next = () => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let turn = 0; turn < 50; turn += 1) {
    const all = pair();
    all.caller.negotiation.begin();
    await settled();
    for (const name of ["a", "b", "c"]) all.caller.peer.find(name);
    await carry(all, (signals) => [...signals, ...signals].sort(() => next() - 0.5));
    assert.deepEqual(all.callee.peer.log, ["their offer", "answer"]);
    assert.deepEqual(all.caller.peer.log, ["offer", "their answer"]);
    assert.deepEqual(all.callee.peer.candidates, ["a", "b", "c"]);
  }
});

test("of two offers at once the caller's is taken", async () => {
  const all = await connected();
  const { caller, callee } = all;
  caller.peer.need();
  callee.peer.need();
  await settled();
  callee.peer.find("late");
  await carry(all);
  assert.deepEqual(caller.peer.log.slice(2), ["offer", "their answer"]);
  assert.deepEqual(callee.peer.log.slice(2), ["offer", "rollback", "their offer", "answer"]);
  assert.deepEqual([caller.peer.signalingState, callee.peer.signalingState], ["stable", "stable"]);
  callee.peer.need();
  await carry(all);
  assert.equal(caller.peer.log.at(-1), "answer");
});

test("while one offer is under way there is no second", async () => {
  const { caller } = await connected();
  caller.peer.need();
  caller.peer.need();
  await settled();
  assert.equal(caller.sent.length, 1);
});

test("a lost offer or answer is missed, and there is another round", async () => {
  for (const lost of ["offer", "answer"]) {
    const all = pair();
    const { caller, callee, time } = all;
    caller.negotiation.begin();
    callee.negotiation.begin();
    await carry(all, (signals) => signals.filter(({ type }) => type !== lost));
    caller.sent.length = callee.sent.length = 0;
    time.pass(WATCH_MS);
    await carry(all);
    assert.equal(caller.peer.log.at(-1), "their answer");
    assert.ok(caller.peers.slice(0, -1).every((peer) => peer.isClosed));
    assert.equal(callee.peer.signalingState, "stable");
    const round = caller.peers.length;
    for (const one of [caller, callee]) one.peer.become("connected");
    time.pass(WATCH_MS * 3);
    assert.equal(caller.peers.length, round, "and then it is well");
  }
});

test("what comes of an earlier round is dropped", async () => {
  const all = pair();
  const { caller, callee, time } = all;
  caller.negotiation.begin();
  await settled();
  const old = caller.sent.splice(0);
  for (const signal of old) callee.negotiation.hear(signal);
  await settled();
  const answers = callee.sent.splice(0);
  time.pass(WATCH_MS);
  await carry(all);
  const log = [...caller.peer.log];
  for (const signal of answers) caller.negotiation.hear(signal);
  for (const signal of old) callee.negotiation.hear(signal);
  await settled();
  assert.deepEqual(caller.peer.log, log);
  assert.equal(callee.peers.length, 2);
});

test("a connection that failed gets other ways through the network", async () => {
  const all = await connected();
  const { caller, callee } = all;
  caller.peer.become("failed");
  assert.equal(caller.peer.restarts, 1);
  await carry(all);
  assert.equal(caller.peers.length, 1);
  callee.peer.become("failed");
  assert.deepEqual(callee.sent.map(({ type, payload }) => [type, payload.ice]), [["restart", true]]);
  await carry(all);
  assert.equal(caller.peer.restarts, 2);
  assert.equal(callee.peer.log.filter((what) => what === "their offer").length, 3);
});

test("one that is away for a moment is waited for", async () => {
  const { caller, time } = await connected();
  caller.peer.become("disconnected");
  time.pass(BREATH_MS - 1);
  caller.peer.become("connected");
  time.pass(WATCH_MS * 2);
  assert.equal(caller.peer.restarts, 0);
  caller.peer.become("disconnected");
  time.pass(BREATH_MS);
  assert.equal(caller.peer.restarts, 1);
  time.pass(WATCH_MS);
  assert.equal(caller.peer.restarts + caller.peers.length, 3, "a restart more, or a round");
});

test("one that never connected is begun again", async () => {
  const all = pair();
  const { caller, time } = all;
  caller.negotiation.begin();
  await carry(all);
  caller.peer.become("failed");
  assert.equal(caller.peers.length, 2);
  time.pass(WATCH_MS);
  assert.equal(caller.peers.length, 3);
});

test("a callee whose page was loaded anew asks for another round, once", async () => {
  const all = await connected();
  const { caller, time } = all;
  const fresh = side(false, time);
  fresh.negotiation.begin(true);
  assert.equal(fresh.sent.length, 1);
  const wish = fresh.sent[0];
  const now = { ...all, callee: fresh };
  fresh.sent.push(wish);
  time.pass(1);
  await carry(now);
  assert.equal(caller.peers.length, 2);
  assert.deepEqual(fresh.peer.log, ["their offer", "answer"]);
});

test("a caller whose page was loaded anew begins a later round", async () => {
  const all = await connected();
  const { callee, time } = all;
  time.pass(5);
  const fresh = side(true, time);
  fresh.negotiation.begin(true);
  await carry({ ...all, caller: fresh });
  assert.equal(callee.peers.length, 2);
  assert.deepEqual(fresh.peer.log, ["offer", "their answer"]);
});

test("signals that could not be sent are made good when they can", async () => {
  const all = await connected();
  const { caller, callee } = all;
  caller.negotiation.resume();
  assert.equal(caller.peers.length, 1, "nothing is wrong");
  callee.peer.need();
  await settled();
  callee.sent.length = 0;
  callee.negotiation.resume();
  await settled();
  assert.deepEqual(callee.sent.map(({ type }) => type), ["restart"]);
});

test("a wish of a caller's peer is no wish of its own", async () => {
  const { callee } = await connected();
  callee.negotiation.hear({ type: "restart", payload: { key: "k" } });
  assert.equal(callee.peers.length, 1);
});

test("a peer that numbers nothing is taken as it is", async () => {
  const time = new Time();
  const callee = side(false, time);
  callee.negotiation.hear({ type: "candidate", payload: { candidate: "early" } });
  callee.negotiation.hear({ type: "offer", payload: { sdp: "v=0" } });
  callee.negotiation.hear({ type: "candidate", payload: { candidate: "bad" } });
  callee.negotiation.hear({ type: "candidate", payload: { candidate: "late" } });
  await settled();
  assert.deepEqual(callee.peer.log, ["their offer", "answer"]);
  assert.deepEqual(callee.peer.candidates, ["early", "bad", "late"]);
});

test("an offer that is no SDP is gone over again soon", async () => {
  const time = new Time();
  const callee = side(false, time);
  callee.negotiation.hear({ type: "offer", payload: { sdp: "broken" } });
  await settled();
  time.pass(1.5 * BREATH_MS);
  assert.equal(callee.sent.at(-1).type, "restart");
});

test("what is closed stays closed", async () => {
  const all = await connected();
  const { caller, time } = all;
  caller.negotiation.close();
  caller.peer.become("failed");
  caller.negotiation.hear({ type: "restart", payload: { key: "k" } });
  caller.negotiation.resume();
  caller.peer.need();
  time.pass(60_000);
  await settled();
  assert.equal(caller.peers.length, 1);
  assert.ok(caller.peer.isClosed);
  assert.deepEqual(caller.sent, []);
});
