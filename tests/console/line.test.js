import assert from "node:assert/strict";
import { test } from "node:test";

import { ANSWER_MS, Line, OPEN_MS, RETRY_MS, Refused } from "../../console/line.js";
import { MOST_CALLS, Seen } from "../../console/seen.js";
import { FakeSocket, Time, settled } from "./world.js";

const push = (seq, more = {}) => ({
  event: "call.ringing",
  call_id: "c1",
  seq,
  at_ms: 1_000 + seq,
  caller: "ann",
  uids: ["ann", "bob"],
  ...more,
});
const HELLO = { event: "hello", server_time_ms: 5_000, connection_id: "x", heartbeat_seconds: 30, call: null };

function setUp({ seen, addresses = [] } = {}) {
  const time = new Time();
  const sockets = [];
  const told = { states: [], pushes: [], hellos: [], signals: [], refusals: [], refused: [] };
  const listener = {
    state: (one) => told.states.push(one),
    hello: (one) => told.hellos.push(one),
    push: (one) => told.pushes.push(one),
    signal: (one) => told.signals.push(one),
    refusal: (one) => told.refusals.push(one),
    refused: (one) => told.refused.push(one),
  };
  const world = {
    address: async () => {
      const next = addresses.shift() ?? "ws://host/ws?ticket=t";
      if (next instanceof Error) throw next;
      return next;
    },
    open: (url) => {
      sockets.push(new FakeSocket(url));
      return sockets.at(-1);
    },
    after: time.after,
    cancel: time.cancel,
    now: time.now,
    chance: () => 1,
  };
  const line = new Line(listener, world, seen);
  return { line, time, sockets, told };
}

async function opened(options) {
  const all = setUp(options);
  all.line.start();
  await settled();
  all.sockets[0].open();
  all.sockets[0].hear(HELLO);
  return all;
}

async function again({ time, sockets }, ms = RETRY_MS[0]) {
  time.pass(ms);
  await settled();
  sockets.at(-1).open();
  return sockets.at(-1);
}

test("says hello first, and is open when it is answered", async () => {
  const { line, sockets, told } = setUp();
  line.start();
  await settled();
  assert.equal(sockets[0].url, "ws://host/ws?ticket=t");
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, [{ command: "hello" }]);
  assert.deepEqual(told.states, []);
  sockets[0].hear(HELLO);
  assert.deepEqual(told.states, ["open"]);
  assert.equal(told.hellos.length, 1);
  assert.equal(line.serverNow, 5_000);
});

test("tells each push once, in whatever order they come", async () => {
  const { sockets, told } = await opened();
  for (const seq of [3, 1, 3, 2, 1]) sockets[0].hear(push(seq));
  sockets[0].hear(push(1, { call_id: "c2" }));
  assert.deepEqual(told.pushes.map((one) => [one.call_id, one.seq]), [
    ["c1", 3],
    ["c1", 1],
    ["c1", 2],
    ["c2", 1],
  ]);
});

test("tells nothing of what is no push", async () => {
  const { sockets, told } = await opened();
  for (const data of ["{", "null", "1", '{"event":"x"}', '{"event":1,"call_id":"c","seq":1}']) {
    sockets[0].hear(data);
  }
  sockets[0].hear(push("1"));
  sockets[0].hear({ message: "Internal server error" });
  assert.deepEqual(told.pushes, []);
});

test("hands on signals and errors", async () => {
  const { sockets, told } = await opened();
  const signal = { event: "signal", call_id: "c1", from: "bob", type: "offer", payload: {} };
  sockets[0].hear(signal);
  sockets[0].hear({ event: "error", code: "forbidden", message: "no" });
  assert.deepEqual(told.signals, [signal]);
  assert.equal(told.refusals[0].code, "forbidden");
});

test("asks after a loss for all since the last push, and its call's from there on", async () => {
  const all = await opened();
  const { line, sockets, told } = all;
  sockets[0].hear(push(1));
  sockets[0].hear(push(4));
  line.follow("c1");
  sockets[0].lose();
  assert.deepEqual(told.states, ["open", "lost"]);
  const socket = await again(all);
  assert.deepEqual(socket.sent, [{ command: "hello", since: 1_004, call_id: "c1", last_seq: 4 }]);
  socket.hear(HELLO);
  socket.hear(push(4));
  socket.hear(push(5));
  assert.deepEqual(told.pushes.map(({ seq }) => seq), [1, 4, 5]);
  assert.equal(told.states.at(-1), "open");
});

test("asks once more when the user is in another call than it named", async () => {
  const { line, sockets, told } = await opened();
  line.follow("c1");
  sockets[0].sent.length = 0;
  sockets[0].hear({ ...HELLO, call: { call_id: "c2" } });
  assert.deepEqual(sockets[0].sent, [{ command: "hello" }]);
  sockets[0].hear({ ...HELLO, call: { call_id: "c2" } });
  assert.equal(sockets[0].sent.length, 1);
  assert.equal(told.hellos.length, 3);
});

test("begins where an earlier page of the tab has ended", async () => {
  const { sockets } = await opened({ seen: new Seen(7_000) });
  assert.deepEqual(sockets[0].sent, [{ command: "hello", since: 7_000 }]);
});

test("tries again for ever, with longer waits", async () => {
  const { line, time, sockets } = setUp();
  line.start();
  await settled();
  for (const wait of [...RETRY_MS, RETRY_MS.at(-1), RETRY_MS.at(-1)]) {
    const before = sockets.length;
    sockets.at(-1).lose();
    time.pass(wait - 1);
    await settled();
    assert.equal(sockets.length, before);
    time.pass(1);
    await settled();
    assert.equal(sockets.length, before + 1);
  }
});

test("hurries when the network is back", async () => {
  const all = await opened();
  all.sockets[0].lose();
  all.line.hurry();
  await settled();
  assert.equal(all.sockets.length, 2);
  all.line.hurry();
  all.time.pass(RETRY_MS[0]);
  await settled();
  assert.equal(all.sockets.length, 3, "an attempt that fails is made again");
});

test("does not wait for ever for a hello", async () => {
  const { line, time, sockets, told } = setUp();
  line.start();
  await settled();
  sockets[0].open();
  time.pass(OPEN_MS);
  assert.ok(sockets[0].isClosed);
  assert.deepEqual(told.states, ["lost"]);
  sockets[0].hear(HELLO);
  assert.deepEqual(told.states, ["lost"]);
});

test("beats, with the call that it is in, and misses an answer", async () => {
  const { line, time, sockets, told } = await opened();
  time.pass(30_000);
  assert.deepEqual(sockets[0].sent.at(-1), { command: "heartbeat" });
  sockets[0].hear({ event: "heartbeat", server_time_ms: 90_000 });
  assert.equal(line.serverNow, 90_000);
  line.follow("c1");
  assert.deepEqual(sockets[0].sent.at(-1), { command: "heartbeat", call_id: "c1" });
  sockets[0].hear({ event: "heartbeat", server_time_ms: 90_000 });
  time.pass(30_000 + ANSWER_MS - 1);
  assert.deepEqual(told.states, ["open"]);
  time.pass(1);
  assert.deepEqual(told.states, ["open", "lost"]);
});

test("is tried again when there is no ticket, but not when it is refused", async () => {
  const addresses = [new TypeError("Failed to fetch"), new Refused("who are you?")];
  const { line, time, sockets, told } = setUp({ addresses });
  line.start();
  await settled();
  assert.deepEqual(told.states, ["lost"]);
  time.pass(RETRY_MS[0]);
  await settled();
  assert.deepEqual(told.states, ["lost", "closed"]);
  assert.equal(told.refused[0].message, "who are you?");
  time.pass(60_000);
  assert.equal(sockets.length, 0);
});

test("sends signals while it is open, and tells when it cannot", async () => {
  const { line, sockets } = await opened();
  assert.ok(line.signal("c1", "bob", "offer", { sdp: "v" }, "d1"));
  assert.deepEqual(sockets[0].sent.at(-1), {
    command: "signal",
    call_id: "c1",
    to: "bob",
    to_device: "d1",
    type: "offer",
    payload: { sdp: "v" },
  });
  assert.ok(line.signal("c1", "bob", "restart", {}));
  assert.ok(!("to_device" in sockets[0].sent.at(-1)));
  sockets[0].lose();
  assert.ok(!line.signal("c1", "bob", "offer", {}));
});

test("closes for good, whatever it was doing", async () => {
  const { line, time, sockets, told } = await opened();
  line.close();
  sockets[0].lose();
  sockets[0].hear(push(1));
  time.pass(60_000);
  await settled();
  assert.equal(sockets.length, 1);
  assert.deepEqual(told.states, ["open", "closed"]);
  assert.deepEqual(told.pushes, []);
  const early = setUp();
  early.line.start();
  early.line.close();
  await settled();
  assert.equal(early.sockets.length, 0);
});

test("forgets the calls that are long over", () => {
  const seen = new Seen();
  for (let n = 0; n <= MOST_CALLS; n += 1) seen.isNew(push(1, { call_id: `c${n}` }));
  assert.equal(seen.last("c0"), 0);
  assert.equal(seen.last("c1"), 1);
  assert.equal(seen.since, 1_001);
});
