import assert from "node:assert/strict";
import { test } from "node:test";

import { NotOpened, OPEN_MS, RESUME_MS, Session, addressOf } from "../../console/session.js";
import { FakeSocket, Time } from "./world.js";

/** With all sockets that were asked for. */
class World extends Time {
  sockets = [];

  open = (url) => {
    this.sockets.push(new FakeSocket(url));
    return this.sockets.at(-1);
  };

  get socket() {
    return this.sockets.at(-1);
  }
}

function setUp() {
  const world = new World();
  const events = [];
  const states = [];
  const listener = { event: (one) => events.push(one), state: (one) => states.push(one) };
  const session = new Session("ws://worker/call/webrtc?id=1", listener, world);
  return { world, events, states, session };
}

async function opened() {
  const all = setUp();
  const connecting = all.session.connect();
  all.world.socket.open();
  await connecting;
  return all;
}

test("address has the token and the id", () => {
  assert.equal(
    addressOf("ws://127.0.0.1:8080/", "a+b", "c d"),
    "ws://127.0.0.1:8080/call/webrtc?token=a%2Bb&id=c+d",
  );
});

test("sends when it is open, in order", async () => {
  const { world, session } = setUp();
  const connecting = session.connect();
  session.send({ command: "invite" });
  assert.deepEqual(world.socket.sent, []);
  world.socket.open();
  await connecting;
  session.send({ command: "interrupt" });
  assert.deepEqual(world.socket.sent, [{ command: "invite" }, { command: "interrupt" }]);
});

test("rejects when it never opens", async () => {
  const { world, states, session } = setUp();
  const connecting = session.connect();
  world.socket.lose();
  await assert.rejects(connecting, NotOpened);
  assert.deepEqual(states, ["closed"]);
  world.pass(10_000);
  assert.equal(world.sockets.length, 1);
});

test("does not wait for ever for a socket to open", async () => {
  const { world, session } = setUp();
  const connecting = session.connect();
  world.pass(OPEN_MS);
  assert.equal(world.socket.closedWith, 1005);
  world.socket.lose();
  await assert.rejects(connecting, NotOpened);
});

test("tells events, and nothing that is none", async () => {
  const { world, events } = await opened();
  world.socket.hear('{"event":"answer","timestamp":1}');
  for (const data of ["{", "null", "1", '{"other":1}', '{"event":1}', new ArrayBuffer(2)]) {
    world.socket.hear(data);
  }
  assert.deepEqual(events, [{ event: "answer", timestamp: 1 }]);
});

test("resumes by the same address, and sends what waited", async () => {
  const { world, states, events, session } = await opened();
  world.socket.lose();
  session.send({ command: "interrupt" });
  world.pass(100);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.url, world.sockets[0].url);
  world.socket.open();
  assert.deepEqual(states, ["open", "lost", "open"]);
  assert.deepEqual(world.socket.sent, [{ command: "interrupt" }]);
  world.socket.hear('{"event":"dtmf","timestamp":1}');
  assert.equal(events.length, 1);
});

test("tries again, with longer waits, as long as the worker keeps the session", async () => {
  const { world, states } = await opened();
  const at = [];
  world.socket.lose();
  for (let before = 1; world.now() < RESUME_MS + 1_000; world.pass(50)) {
    if (world.sockets.length === before) continue;
    before = world.sockets.length;
    at.push(world.now());
    world.socket.lose();
  }
  assert.deepEqual(at.slice(0, 4), [100, 300, 700, 1500]);
  assert.ok(at.at(-1) <= RESUME_MS && at.at(-1) > RESUME_MS - 1_000);
  assert.deepEqual(states, ["open", "lost", "closed"]);
});

test("gives each loss its own time", async () => {
  const { world, states } = await opened();
  for (let loss = 0; loss < 3; loss += 1) {
    world.socket.lose();
    world.pass(100);
    world.socket.open();
    world.pass(60_000);
  }
  assert.equal(world.sockets.length, 4);
  assert.equal(states.at(-1), "open");
});

test("does not resume what the worker has closed", async () => {
  const { world, states } = await opened();
  world.socket.lose(1000);
  world.pass(10_000);
  assert.deepEqual(states, ["open", "closed"]);
  assert.equal(world.sockets.length, 1);
});

test("resumes when the worker goes away, for another may have the session", async () => {
  const { world, states } = await opened();
  world.socket.lose(1001);
  assert.deepEqual(states, ["open", "lost"]);
});

test("closes once, and is told nothing after", async () => {
  const { world, states, events, session } = await opened();
  session.close();
  session.close();
  world.socket.hear('{"event":"hangup","timestamp":1}');
  world.socket.lose();
  session.send({ command: "interrupt" });
  world.pass(10_000);
  assert.equal(world.socket.closedWith, 1000);
  assert.deepEqual(states, ["open", "closed"]);
  assert.deepEqual(events, []);
  assert.deepEqual(world.socket.sent, []);
  assert.equal(world.sockets.length, 1);
});

test("closes while it waits to try again", async () => {
  const { world, session } = await opened();
  world.socket.lose();
  session.close();
  world.pass(10_000);
  assert.equal(world.sockets.length, 1);
});

test("closes while it opens", () => {
  const { world, states, session } = setUp();
  void session.connect();
  session.close();
  world.socket.open();
  assert.deepEqual(states, ["closed"]);
});
