import assert from "node:assert/strict";
import { test } from "node:test";

import { NotDone, RETRY_MS, Rooms } from "../../console/rooms.js";

function setUp(...answers) {
  const asked = [];
  const waits = [];
  let keys = 0;
  const world = {
    fetch: async (url, how) => {
      asked.push([how.method, url, how.headers, how.body && JSON.parse(how.body)]);
      const [status, body] = answers.length > 1 ? answers.shift() : answers[0];
      if (status === 0) throw new TypeError("Failed to fetch");
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
    wait: async (ms) => void waits.push(ms),
    key: () => `key ${(keys += 1)}`,
  };
  return { rooms: new Rooms(() => "t", "web-1", world), asked, waits };
}

const notDone = (status, message) => (error) => {
  assert.ok(error instanceof NotDone);
  assert.equal(error.status, status);
  assert.match(error.message, message);
  return true;
};

test("places, joins and leaves, as this device", async () => {
  const { rooms, asked } = setUp([201, { id: "r/1", status: "waiting" }]);
  assert.equal((await rooms.place("bob", "audio")).id, "r/1");
  await rooms.join("r/1");
  await rooms.leave("r/1");
  await rooms.find("r/1");
  const rest = "/im/api/v1/rtc/rooms";
  assert.deepEqual(asked.map(([method, url]) => [method, url]), [
    ["POST", rest],
    ["POST", `${rest}/r%2F1/join`],
    ["POST", `${rest}/r%2F1/leave`],
    ["GET", `${rest}/r%2F1`],
  ]);
  assert.deepEqual(asked[0][3], { type: "p2p", calleeId: "bob", mediaType: "audio", provider: "p2p" });
  assert.equal(asked[0][2]["X-Device-Id"], "web-1");
  assert.equal(asked[0][2].Authorization, "Bearer t");
  assert.equal(new Set(asked.map(([, , headers]) => headers["Idempotency-Key"])).size, 4);
});

test("repeats what may not have been heard, with the same key", async () => {
  const { rooms, asked, waits } = setUp([0], [503, {}], [201, { id: "r" }]);
  await rooms.place("bob", "video");
  assert.deepEqual(waits, RETRY_MS.slice(0, 2));
  assert.deepEqual(asked.map(([, , headers]) => headers["Idempotency-Key"]), ["key 1", "key 1", "key 1"]);
});

test("gives up when nobody answers", async () => {
  const { rooms, asked } = setUp([0]);
  await assert.rejects(rooms.join("r"), notDone(0, /does not answer/));
  assert.equal(asked.length, RETRY_MS.length + 1);
});

for (const [what, status, body, message] of [
  ["place", 409, {}, /^bob is in another call\.$/],
  ["place", 400, { message: "The caller is in another call" }, /^You are in another call\.$/],
  ["place", 400, { message: "calleeId is too long." }, /^calleeId is too long \(400\)\.$/],
  ["place", 403, "<html>", /^The server refused \(403\)\.$/],
  ["place", 401, {}, /not signed in/],
  ["place", 429, {}, /too often/],
  ["place", 500, {}, /server's side \(500\)/],
  ["join", 409, {}, /^The call is over\.$/],
  ["join", 404, {}, /^The call is over\.$/],
  ["leave", 404, {}, /no such call/],
]) {
  test(`tells why ${what} was refused with ${status} ${JSON.stringify(body)}`, async () => {
    const { rooms, waits } = setUp([status, body]);
    await assert.rejects(rooms[what]("bob", "audio"), notDone(status, message));
    assert.deepEqual(waits, []);
  });
}
