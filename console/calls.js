// @ts-check
/** The calls page: signs in, shows the telephone, and takes what its user does. */

import { Account } from "./account.js";
import * as attention from "./attention.js";
import { CallMeasures } from "./call-measures.js";
import { configured } from "./config.js";
import { brought, keep, read } from "./credential.js";
import { Operations } from "./operations.js";
import { element, write } from "./page.js";
import { Phone } from "./phone.js";
import { MOST, showRecent } from "./recent.js";
import { Trouble } from "./sentences.js";
import { Stage } from "./stage.js";
import { tabs } from "./tabs.js";
import { Tones } from "./tones.js";

/** @typedef {import("./line.js").Push} Push */
/** @typedef {import("./recent.js").Listed} Listed */

const NAME = "parley.name";
const TICK_MS = 1_000;
const SETTLE_MS = Object.freeze([400, 2_500]);
/** From a call's end until it may stand in the history. */

/** @type {Record<import("./line.js").LineState, [string, "wait" | "ok" | "bad"]>} */
const LINE = {
  connecting: ["Connecting…", "wait"],
  open: ["Online", "ok"],
  lost: ["Offline: trying again", "wait"],
  closed: ["Signed out", "bad"],
};

const player = element("player", HTMLAudioElement);
const stage = new Stage();
const tones = new Tones();
const measures = new CallMeasures();

/** @type {Account | undefined} */ let account;
/** @type {Phone | undefined} */ let phone;
/** @type {Operations | undefined} */ let operations;
/** @type {ReturnType<typeof setInterval> | undefined} */ let ticking;
/** Whether users bring tokens of their own. */
let isHosted = false;
/** @type {Set<string>} Ids of calls that nobody has looked at. */
const missed = new Set();

const view = tabs(element("tabs", HTMLElement), (id) => {
  if (id === "operations") operations?.open();
  else operations?.close();
});

/** @param {Account} who */
function enter(who) {
  account = who;
  operations = new Operations(who);
  phone = new Phone(who, player, { changed, push: hear, signedOut });
  write(element("me", HTMLElement), who.uid);
  write(element("device", HTMLElement), who.device);
  element("role", HTMLElement).hidden = who.role !== "admin";
  element("entrance", HTMLElement).hidden = true;
  element("tabs", HTMLElement).hidden = false;
  view.choose("phone");
  phone.start();
  ticking = setInterval(tick, TICK_MS);
  changed();
}

function leave() {
  clearInterval(ticking);
  phone?.close();
  operations?.close();
  account?.leave();
  tones.play("none");
  account = phone = operations = undefined;
  missed.clear();
  attention.show("", 0);
  view.hide();
  element("tabs", HTMLElement).hidden = true;
  showEntrance("");
}

/** @param {string} trouble */
function showEntrance(trouble) {
  element("entrance", HTMLElement).hidden = false;
  element("entrance-trouble", HTMLElement).textContent = trouble;
  for (const id of ["any-name", "sign-in"]) element(id, HTMLElement).hidden = isHosted;
  for (const id of ["own-token", "token-sign-in"]) element(id, HTMLElement).hidden = !isHosted;
  const uid = element("uid", HTMLInputElement);
  uid.value ||= localStorage.getItem(NAME) ?? "";
  element(isHosted ? "token" : "uid", HTMLInputElement).focus();
}

/** @param {() => Promise<Account>} come raises `Trouble` */
async function signIn(come) {
  try {
    enter(await come());
    void refresh();
    element("to", HTMLInputElement).focus();
  } catch (error) {
    showEntrance(error instanceof Trouble ? error.message.replace(/press Talk again/i, "try again") : "You were not signed in.");
  }
}

/** @param {string} text */
async function enterBy(text) {
  const credential = read(text);
  keep(credential);
  element("token", HTMLInputElement).value = "";
  return Account.enter(credential.uid, credential.role);
}

/** @param {string} reason */
function signedOut(reason) {
  leave();
  showEntrance(reason);
}

function changed() {
  if (!phone) return;
  const { state, lineState, peer } = phone;
  const { call, note } = state;
  element("phone", HTMLElement).dataset.call = call ? "yes" : "no";
  const [text, is] = LINE[lineState];
  write(element("line", HTMLElement), text);
  element("line", HTMLElement).dataset.is = is;
  write(element("trouble", HTMLElement), note?.is === "bad" ? note.text : "");
  for (const button of element("dial", HTMLFormElement).querySelectorAll("button")) {
    button.disabled = Boolean(call);
  }
  stage.show(phone);
  const isRinging = call?.phase === "incoming";
  tones.play(isRinging ? "ringing" : call?.phase === "outgoing" ? "ringback" : "none");
  attention.show(call ? titleOf(call) : "", missed.size);
  measures.follow(call?.phase === "talking" ? peer : undefined);
}

/** @param {import("./telephone.js").Call} call */
function titleOf({ phase, other }) {
  if (phase === "incoming") return `${other} is calling`;
  return phase === "talking" ? `With ${other}` : `Calling ${other}`;
}

function tick() {
  if (!phone) return;
  phone.look();
  stage.tick(phone);
}

/** @param {Push} push */
function hear(push) {
  if (push.event !== "call.ended" || !phone || !account) return;
  const { state } = phone;
  if (state.note?.is === "missed" && document.hidden) {
    missed.add(push.call_id);
    attention.show("", missed.size);
  }
  for (const ms of SETTLE_MS) setTimeout(() => void refresh(), ms);
}

async function refresh() {
  const who = account;
  const response = await who?.ask(`/v1/calls?state=ended&uid=${encodeURIComponent(who.uid)}&limit=${MOST}`).catch(() => undefined);
  if (!response?.ok || who !== account || !who) return;
  /** @type {{calls: Listed[]}} */
  const { calls } = await response.json();
  showRecent(calls, who.uid, (other, mediaType) => void place(other, mediaType));
}

/**
 * @param {string} other
 * @param {"audio" | "video"} mediaType
 */
async function place(other, mediaType) {
  if (other === account?.uid) {
    write(element("trouble", HTMLElement), "That is you: call somebody else.");
    return;
  }
  tones.allow();
  element("to", HTMLInputElement).value = other;
  await phone?.place(other, mediaType);
}

element("sign-in", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  tones.allow();
  const uid = element("uid", HTMLInputElement).value.trim();
  const role = element("admin", HTMLInputElement).checked ? "admin" : "user";
  void signIn(async () => {
    const who = await Account.enter(uid, role);
    localStorage.setItem(NAME, uid);
    return who;
  });
});
element("token-sign-in", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  tones.allow();
  void signIn(() => enterBy(element("token", HTMLInputElement).value));
});
element("dial", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter instanceof HTMLButtonElement ? event.submitter : undefined;
  const to = element("to", HTMLInputElement).value.trim();
  if (to) void place(to, button?.value === "video" ? "video" : "audio");
});
element("sign-out", HTMLButtonElement).addEventListener("click", async () => {
  await phone?.leave();
  leave();
});
element("answer", HTMLButtonElement).addEventListener("click", () => answer(false));
element("answer-video", HTMLButtonElement).addEventListener("click", () => answer(true));
element("leave", HTMLButtonElement).addEventListener("click", () => void phone?.leave());
element("mute", HTMLButtonElement).addEventListener("click", () => {
  phone?.peer?.mute(!phone.peer.isMuted);
});
element("camera", HTMLButtonElement).addEventListener("click", () => {
  void phone?.setCamera(!phone.peer?.own);
});

/** @param {boolean} withCamera */
function answer(withCamera) {
  tones.allow();
  void phone?.answer(withCamera);
}

addEventListener("online", () => phone?.hurry());
addEventListener("pointerdown", () => tones.allow(), { once: true });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  phone?.hurry();
  missed.clear();
  changed();
});

const token = brought(location, (url) => history.replaceState(null, "", url));
const config = await configured().catch(() => undefined);
isHosted = config !== undefined && !config.tokenUrl;
const known = isHosted && token ? undefined : await Account.remembered();
if (isHosted && token) void signIn(() => enterBy(token));
else if (known) {
  enter(known);
  // The token comes with the first ticket.
  const asking = setInterval(() => {
    if (!known.token) return;
    clearInterval(asking);
    void refresh();
  }, 200);
} else showEntrance("");
