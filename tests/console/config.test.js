import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { apiUrlOf, configured, sessionsUrlOf } from "../../console/config.js";

const real = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real;
  delete globalThis.location;
});

test("is read anew each time", async () => {
  const config = { apiUrl: "https://api.example.com" };
  globalThis.fetch = async (url, how) => {
    assert.equal(url, "/config.json");
    assert.equal(how.cache, "no-store");
    return new Response(JSON.stringify(config));
  };
  assert.deepEqual(await configured(), config);
});

for (const [name, answer] of [
  ["is not there", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["is refused", () => Promise.resolve(new Response("", { status: 503 }))],
]) {
  test(`tells that the stack is away when it ${name}`, async () => {
    globalThis.fetch = answer;
    await assert.rejects(configured(), (error) => error.kind === "stack-away");
  });
}

test("says where things are", () => {
  globalThis.location = { origin: "https://console.example.com" };
  assert.equal(apiUrlOf({}), "");
  assert.equal(apiUrlOf({ apiUrl: "https://api.example.com/" }), "https://api.example.com");
  assert.equal(sessionsUrlOf({}), "wss://console.example.com");
  assert.equal(sessionsUrlOf({ sessionsUrl: "wss://media" }), "wss://media");
});
