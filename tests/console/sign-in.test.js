import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { keep, read } from "../../console/credential.js";
import { iceServers, signIn, whyNotOpened } from "../../console/sign-in.js";
import { FakeStorage, tokenOf } from "./world.js";

const real = globalThis.fetch;
beforeEach(() => {
  globalThis.sessionStorage = new FakeStorage();
});
afterEach(() => {
  globalThis.fetch = real;
});

/** Answers by path; a path that is not there is a host that is not there. */
function answers(byPath) {
  const asked = [];
  globalThis.fetch = async (url, how = {}) => {
    const path = url.replace(/^http:\/\/worker/, "");
    asked.push([url, how]);
    if (!(path in byPath)) throw new TypeError("Failed to fetch");
    const [status, body, headers] = byPath[path];
    return new Response(JSON.stringify(body), { status, headers });
  };
  return asked;
}

const URLS = { sessionsUrl: "ws://worker", clientsUrl: "ws://host/ws" };
const CONFIG = [200, { ...URLS, tokenUrl: "/laptop/token" }];
const kind = (expected) => (error) => error.kind === expected;

test("gets a token for a name", async () => {
  const asked = answers({
    "/config.json": CONFIG,
    "/laptop/token": [200, { token: "t", uid: "ann" }],
  });
  assert.deepEqual(await signIn("ann"), { ...URLS, token: "t" });
  assert.equal(asked[1][1].body, '{"uid":"ann","role":"user"}');
  await signIn("ann", "admin");
  assert.equal(asked[3][1].body, '{"uid":"ann","role":"admin"}');
});

test("takes the token that its user has brought where nobody gives one", async () => {
  const asked = answers({ "/config.json": [200, URLS] });
  const token = tokenOf({ sub: "ann" });
  keep(read(token));
  assert.deepEqual(await signIn("whoever"), { ...URLS, token });
  assert.equal(asked.length, 1);
});

for (const [expected, byPath] of [
  ["stack-away", {}],
  ["stack-away", { "/config.json": [503, {}] }],
  ["stack-away", { "/config.json": CONFIG }],
  ["sign-in-missing", { "/config.json": [200, URLS] }],
  ["page-refused", { "/config.json": CONFIG, "/laptop/token": [403, {}] }],
  ["stack-away", { "/config.json": CONFIG, "/laptop/token": [503, {}] }],
]) {
  test(`tells of ${expected} after ${JSON.stringify(byPath)}`, async () => {
    answers(byPath);
    await assert.rejects(signIn("ann"), kind(expected));
  });
}

test("asks the worker for its servers, with the token in a header", async () => {
  const asked = answers({
    "/iceservers": [
      200,
      [
        { urls: ["stun:s"], username: null, credential: null },
        { urls: ["turn:t"], username: "u", credential: "c" },
      ],
    ],
  });
  assert.deepEqual(await iceServers("ws://worker/", "t"), [
    { urls: ["stun:s"] },
    { urls: ["turn:t"], username: "u", credential: "c" },
  ]);
  assert.equal(asked[0][0], "http://worker/iceservers");
  assert.deepEqual(asked[0][1].headers, { Authorization: "Bearer t" });
});

test("asks over TLS where the socket is", async () => {
  const asked = answers({});
  await assert.rejects(iceServers("wss://worker", "t"), kind("worker-away"));
  assert.equal(asked[0][0], "https://worker/iceservers");
});

for (const [expected, seconds, byPath] of [
  ["worker-away", undefined, {}],
  ["unauthenticated", undefined, { "/iceservers": [401, {}] }],
  ["busy", 9, { "/iceservers": [503, {}, { "Retry-After": "9" }] }],
  ["worker-away", undefined, { "/iceservers": [200, []] }],
  ["worker-starting", undefined, { "/iceservers": [200, []], "/health": [503, { status: "starting" }] }],
  ["worker-stopping", undefined, { "/iceservers": [200, []], "/health": [200, { status: "draining" }] }],
  ["busy", 5, { "/iceservers": [200, []], "/health": [200, { status: "ok" }] }],
]) {
  test(`a socket that did not open is ${expected} after ${JSON.stringify(byPath)}`, async () => {
    answers(byPath);
    const trouble = await whyNotOpened("ws://worker", "t");
    assert.equal(trouble.kind, expected);
    assert.equal(trouble.retryAfterSeconds, seconds);
  });
}
