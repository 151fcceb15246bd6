import assert from "node:assert/strict";
import { test } from "node:test";

import {
  BY_USER,
  RETRY_SECONDS,
  SENTENCES,
  Trouble,
  ofEnd,
  ofError,
  ofMicrophone,
  ofResponse,
} from "../../console/sentences.js";

const response = (status, retryAfter) => ({
  status,
  headers: new Headers(retryAfter === undefined ? {} : { "Retry-After": retryAfter }),
});

test("every trouble is a sentence or two", () => {
  for (const [kind, sentence] of Object.entries(SENTENCES)) {
    assert.match(sentence, /^[A-Z].*\.$/, kind);
    assert.equal(new Trouble(kind).message, sentence);
  }
});

for (const [name, kind] of [
  ["NotAllowedError", "microphone-denied"],
  ["NotFoundError", "microphone-missing"],
  ["NotReadableError", "microphone-busy"],
  ["AbortError", "microphone-busy"],
  ["TypeError", "failed"],
]) {
  test(`${name} of a microphone is ${kind}`, () => {
    const error = Object.assign(new Error("no"), { name });
    assert.equal(ofMicrophone(error).kind, kind);
  });
}

test("what is no error is a failure too", () => {
  assert.equal(ofMicrophone("no").kind, "failed");
});

for (const [status, kind] of [
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "refused"],
  [500, "refused"],
  [503, "busy"],
]) {
  test(`${status} is ${kind}`, () => {
    assert.equal(ofResponse(response(status)).kind, kind);
  });
}

test("a busy worker says when to come back", () => {
  const busy = ofResponse(response(503, "7"));
  assert.equal(busy.retryAfterSeconds, 7);
  assert.equal(busy.message, `${SENTENCES.busy} Press Talk again in 7 seconds.`);
  assert.equal(ofResponse(response(503)).retryAfterSeconds, RETRY_SECONDS);
  const date = ofResponse(response(503, "Sat, 21 Nov 2026 16:00:00 GMT"));
  assert.equal(date.retryAfterSeconds, RETRY_SECONDS);
  assert.equal(ofResponse(response(401)).retryAfterSeconds, undefined);
});

test("tells how a call ended", () => {
  const end = (reason) => ofEnd({ event: "hangup", timestamp: 0, reason });
  assert.equal(end(BY_USER), "You hung up.");
  assert.equal(end("autohangup"), "The agent said goodbye.");
  assert.equal(end("of its own"), "The call is over.");
  assert.equal(end(undefined), "The call is over.");
});

test("tells an error as a sentence", () => {
  const event = { event: "error", timestamp: 0, sender: "tts", error: "no such voice." };
  assert.equal(ofError(event), "The media worker tells of tts: no such voice.");
  assert.equal(
    ofError({ event: "error", timestamp: 0 }),
    "The media worker tells of the call: something failed.",
  );
});
