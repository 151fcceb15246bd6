import assert from "node:assert/strict";
import { test } from "node:test";

import { Transcript, parts } from "../../console/transcript.js";

const delta = (index, text) => ({ event: "asrDelta", timestamp: 0, index, text });
const final = (index, text) => ({ event: "asrFinal", timestamp: 0, index, text });
const tts = (playId, text) => ({ command: "tts", playId, text });

test("shows what is being said until it is settled", () => {
  const transcript = new Transcript();
  transcript.hear(delta(1, "It was"));
  transcript.hear(delta(1, "It was the best"));
  assert.equal(transcript.partial, "It was the best");
  assert.deepEqual(transcript.lines, []);
  transcript.hear(final(1, "It was the best of times."));
  assert.equal(transcript.partial, "");
  assert.deepEqual(transcript.lines, [{ who: "user", text: "It was the best of times." }]);
});

test("keeps the next utterance apart", () => {
  const transcript = new Transcript();
  transcript.hear(delta(1, "one"));
  transcript.hear(delta(2, "two"));
  assert.equal(transcript.partial, "one two");
  transcript.hear(final(1, "One."));
  assert.equal(transcript.partial, "two");
  transcript.end();
  assert.equal(transcript.partial, "");
});

test("writes no empty line", () => {
  const transcript = new Transcript();
  transcript.hear(final(1, ""));
  transcript.hear({ event: "asrFinal", timestamp: 0 });
  transcript.hear({ event: "ping", timestamp: 0 });
  transcript.say({ command: "interrupt" });
  assert.deepEqual(transcript.lines, []);
});

test("marks the last line of the playback that was interrupted", () => {
  const transcript = new Transcript();
  transcript.say(tts("a", "one two three"));
  transcript.say(tts("b", "four five"));
  transcript.hear({ event: "interruption", timestamp: 0, playId: "a", position: 2 });
  transcript.hear({ event: "interruption", timestamp: 0, playId: "nobody" });
  assert.deepEqual(transcript.lines.map(parts), [["one two ", "three"], ["four five", ""]]);
  assert.deepEqual(transcript.lines.map((line) => line.isInterrupted), [true, undefined]);
});

test("parts a line at the word where it stopped", () => {
  const line = { who: "agent", text: "one  two three", isInterrupted: true };
  assert.deepEqual(parts({ ...line, saidWords: 0 }), ["", "one  two three"]);
  assert.deepEqual(parts({ ...line, saidWords: 1 }), ["one  ", "two three"]);
  assert.deepEqual(parts({ ...line, saidWords: 9 }), ["one  two three", ""]);
  assert.deepEqual(parts(line), ["one  two three", ""]);
});
