import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent, GOODBYE, GREETING, repeat } from "../../console/agent.js";

const final = (text) => ({ event: "asrFinal", timestamp: 0, text });
const track = (event, playId) => ({ event, timestamp: 0, playId });
const spoken = (commands) => commands.filter((each) => each.command === "tts");

test("greets when it is answered", () => {
  const [command, ...others] = new Agent().hear({ event: "answer", timestamp: 0, sdp: "" });
  assert.deepEqual(command, {
    command: "tts",
    text: GREETING,
    playId: "greeting",
    autoHangup: false,
  });
  assert.deepEqual(others, []);
});

test("says back what it heard, and writes it down", () => {
  assert.deepEqual(new Agent().hear(final("one two")), [
    { command: "history", speaker: "user", text: "one two" },
    { command: "history", speaker: "bot", text: "I heard 2 words. You said: one two" },
    {
      command: "tts",
      text: "I heard 2 words. You said: one two",
      playId: "answer-1",
      autoHangup: false,
    },
  ]);
});

test("counts words", () => {
  assert.equal(repeat(" Well,  yes "), "I heard 2 words. You said:  Well,  yes ");
  assert.equal(repeat("Yes"), "I heard 1 word. You said: Yes");
  assert.equal(repeat(""), "I heard 0 words. You said: ");
});

test("answers with a model of one's own", () => {
  const [answer] = spoken(new Agent((text) => text.toUpperCase()).hear(final("hello")));
  assert.equal(answer.text, "HELLO");
});

test("is interrupted while it plays, and only then", () => {
  const agent = new Agent();
  const speaking = { event: "speaking", timestamp: 0 };
  assert.deepEqual(agent.hear(speaking), []);
  agent.hear({ event: "trackStart", timestamp: 0, trackId: "session" });
  assert.deepEqual(agent.hear(speaking), []);
  agent.hear(track("trackStart", "answer-1"));
  assert.deepEqual(agent.hear(speaking), [{ command: "interrupt" }]);
  agent.hear(track("trackEnd", "another"));
  assert.deepEqual(agent.hear(speaking), [{ command: "interrupt" }]);
  agent.hear(track("trackEnd", "answer-1"));
  assert.deepEqual(agent.hear(speaking), []);
});

for (const text of ["Goodbye.", "well, good bye then", "Bye-bye!"]) {
  test(`says goodbye to ${text}`, () => {
    const agent = new Agent();
    assert.deepEqual(agent.hear(final(text)), [
      { command: "tts", text: GOODBYE, playId: "goodbye", autoHangup: true },
    ]);
    agent.hear(track("trackStart", "goodbye"));
    assert.deepEqual(agent.hear({ event: "speaking", timestamp: 0 }), []);
    assert.deepEqual(agent.hear(final("one more thing")), []);
  });
}

test("says goodbye after its turns", () => {
  const agent = new Agent(repeat, 2);
  const said = ["a", "b", "c", "d"].map((text) => spoken(agent.hear(final(text)))[0]?.playId);
  assert.deepEqual(said, ["answer-1", "answer-2", "goodbye", undefined]);
});

test("hears events that it does not know", () => {
  assert.deepEqual(new Agent().hear({ event: "ping", timestamp: 0 }), []);
});
