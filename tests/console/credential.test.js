import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { brought, forget, held, keep, read } from "../../console/credential.js";
import { FakeStorage, tokenOf } from "./world.js";

const NOW_MS = 1_700_000_000_000;
const LATER = NOW_MS / 1_000 + 1;
const kind = (expected) => (error) => error.kind === expected;

beforeEach(() => {
  globalThis.sessionStorage = new FakeStorage();
});

for (const [claims, uid, role] of [
  [{ sub: "ann" }, "ann", "user"],
  [{ userId: "bob", exp: LATER, role: "admin" }, "bob", "admin"],
  [{ uid: "名字", role: "server" }, "名字", "user"],
]) {
  test(`reads whose token it is: ${JSON.stringify(claims)}`, () => {
    const token = tokenOf(claims);
    assert.deepEqual(read(token, NOW_MS), { token, uid, role });
    assert.deepEqual(read(` Bearer ${token}\n`, NOW_MS), { token, uid, role });
  });
}

for (const text of ["", "alice", "pk_live_abc", "a.b.c", "..", "eyJ.e30=.x", tokenOf({}), tokenOf(7), tokenOf({ sub: 7 })]) {
  test(`is not fooled by ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => read(text, NOW_MS), kind("token-unreadable"));
  });
}

test("says that a token has expired", () => {
  const token = tokenOf({ sub: "ann", exp: NOW_MS / 1_000 });
  assert.throws(() => read(token, NOW_MS), kind("token-expired"));
  assert.equal(read(token, NOW_MS - 1).uid, "ann");
});

test("keeps one until it is forgotten, or has expired", () => {
  assert.throws(() => held(NOW_MS), kind("sign-in-missing"));
  keep(read(tokenOf({ sub: "ann", exp: LATER }), NOW_MS));
  assert.equal(held(NOW_MS).uid, "ann");
  assert.throws(() => held(LATER * 1_000), kind("token-expired"));
  forget();
  assert.throws(() => held(NOW_MS), kind("sign-in-missing"));
});

for (const [href, token, left] of [
  ["https://c.example/calls.html?token=a.b.c", "a.b.c", "https://c.example/calls.html"],
  ["https://c.example/voice.html?x=1&token=a.b.c#y", "a.b.c", "https://c.example/voice.html?x=1#y="],
  ["https://c.example/#token=a.b.c", "a.b.c", "https://c.example/"],
  ["https://c.example/#token=1&token=2", "1", "https://c.example/"],
]) {
  test(`takes the token out of ${href}`, () => {
    const seen = [];
    assert.equal(brought({ href }, (url) => seen.push(url)), token);
    assert.deepEqual(seen, [left]);
  });
}

test("leaves an address alone that has none", () => {
  const replace = () => assert.fail("replaced");
  assert.equal(brought({ href: "https://c.example/?x=1#main" }, replace), undefined);
});
