// @ts-check
/** The voice page: shows a call, and takes what its user does. */

import { Call } from "./call.js";
import { configured } from "./config.js";
import { brought, forget, held, keep, read } from "./credential.js";
import { Latency } from "./latency.js";
import { show as showLines } from "./lines.js";
import { Measures } from "./measures.js";
import { Meters } from "./meters.js";
import { element } from "./page.js";
import { Trouble, ofError } from "./sentences.js";
import { Transcript } from "./transcript.js";

/** @typedef {import("./session.js").SessionEvent} SessionEvent */
/** @typedef {import("./session.js").Command} Command */
/** @typedef {import("./call.js").Phase} Phase */

const NAME = "parley.name";
const KEYS = /^[0-9*#]$/;
const MEASURE_MS = 1_000;

/** @type {Record<Phase, [string, "idle" | "wait" | "ok"]>} */
const PHASES = {
  asking: ["Asking for the microphone…", "wait"],
  connecting: ["Connecting…", "wait"],
  busy: ["The worker is busy", "wait"],
  talking: ["Connected: say something.", "ok"],
  resuming: ["Connection lost: resuming…", "wait"],
  troubled: ["No audio gets through…", "wait"],
  ending: ["Hanging up…", "wait"],
  over: ["Ready.", "idle"],
};

const form = element("call", HTMLFormElement);
const name = element("name", HTMLInputElement);
const talk = element("talk", HTMLButtonElement);
const talkLabel = element("talk-label", HTMLElement);
const state = element("state", HTMLElement);
const trouble = element("trouble", HTMLElement);
const mute = element("mute", HTMLButtonElement);
const pad = element("pad", HTMLElement);
const keysHeard = element("keys-heard", HTMLOutputElement);
const token = element("token", HTMLInputElement);
const other = element("other", HTMLButtonElement);
const player = element("player", HTMLAudioElement);

const meters = new Meters();
const measures = new Measures();

/** @type {Call | undefined} */
let call;
let transcript = new Transcript();
let latency = new Latency();
/** @type {ReturnType<typeof setInterval> | undefined} */
let measuring;
let isHosted = false;

name.value = localStorage.getItem(NAME) ?? "guest";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (call) call.hangUp();
  else begin();
});
other.addEventListener("click", () => {
  forget();
  showEntrance();
  token.focus();
});
mute.addEventListener("click", () => setMuted(mute.getAttribute("aria-pressed") !== "true"));
pad.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("button");
  if (button) press(button.dataset.key ?? "");
});
pad.addEventListener("keydown", (event) => {
  if (KEYS.test(event.key)) press(event.key);
});

/** Users who bring tokens of their own: the one that is kept, or one that is pasted. */
async function meet() {
  const link = brought(location, (url) => history.replaceState(null, "", url));
  const config = await configured().catch(() => undefined);
  isHosted = config !== undefined && !config.tokenUrl;
  if (!isHosted) return;
  if (link) take(link);
  showEntrance();
}

/** @param {string} text a token */
function take(text) {
  try {
    keep(read(text));
    trouble.textContent = "";
  } catch (error) {
    trouble.textContent = error instanceof Trouble ? error.message : String(error);
  }
}

/** Whose token is kept, or where to paste one. */
function showEntrance() {
  /** @type {import("./credential.js").Credential | undefined} */
  let credential;
  try {
    credential = held();
  } catch {
    forget();
  }
  for (const id of ["token-label", "token"]) element(id, HTMLElement).hidden = Boolean(credential);
  for (const id of ["name-label", "name"]) element(id, HTMLElement).hidden = !credential;
  other.hidden = !credential;
  token.required = !credential;
  token.value = "";
  name.required = Boolean(credential);
  name.readOnly = true;
  name.value = credential?.uid ?? "";
}

function begin() {
  if (isHosted) {
    if (!token.hidden) {
      take(token.value);
      showEntrance();
    }
    if (!token.hidden) return;
  } else localStorage.setItem(NAME, name.value.trim());
  transcript = new Transcript();
  latency = new Latency();
  measures.clear();
  keysHeard.value = "";
  trouble.textContent = "";
  showLines(transcript);
  setInCall(true);
  call = new Call({ phase, event: hear, command: say, over }, player);
  meters.follow(call.media);
  void call.start(name.value.trim());
}

/**
 * @param {Phase} phase
 * @param {number} [seconds]
 */
function phase(phase, seconds) {
  const [sentence, is] = PHASES[phase];
  const whole = seconds ? `${sentence}: trying again in ${seconds} s.` : sentence;
  tell(whole, is);
  const isTalking = phase === "talking";
  if (isTalking && !measuring) measuring = setInterval(measure, MEASURE_MS);
  setControls(isTalking || phase === "resuming" || phase === "troubled");
}

/** @param {SessionEvent} event */
function hear(event) {
  transcript.hear(event);
  latency.hear(event);
  meters.hear(event);
  if (event.event === "dtmf") keysHeard.value += event.digit;
  if (event.event === "metrics") measures.note(event);
  if (event.event === "error") trouble.textContent = ofError(event);
  measures.showLatency(latency);
  showLines(transcript);
}

/** @param {Command} command */
function say(command) {
  if (command.command !== "tts") return;
  transcript.say(command);
  showLines(transcript);
}

/**
 * @param {string} sentence
 * @param {boolean} isTrouble
 */
function over(sentence, isTrouble) {
  call = undefined;
  clearInterval(measuring);
  measuring = undefined;
  transcript.end();
  showLines(transcript);
  meters.stop();
  measures.showIce("closed");
  setMuted(false);
  setControls(false);
  setInCall(false);
  tell(isTrouble ? "There is no call." : sentence, "idle");
  trouble.textContent = isTrouble ? sentence : "";
}

/**
 * @param {string} sentence
 * @param {string} is
 */
function tell(sentence, is) {
  // Written only when it changes, so that a screen reader does not repeat it.
  if (state.textContent !== sentence) state.textContent = sentence;
  state.dataset.is = is;
}

async function measure() {
  const measured = call;
  const figures = await measured?.media.figures();
  if (!measured || measured !== call || !figures) return;
  measures.showIce(measured.media.iceState);
  measures.showFigures(figures);
}

/** @param {string} key */
function press(key) {
  if (!call || !KEYS.test(key)) return;
  const button = pad.querySelector(`[data-key="${key}"]`);
  button?.classList.add("pressed");
  setTimeout(() => button?.classList.remove("pressed"), 150);
  if (!call.media.press(key)) trouble.textContent = "The media worker takes no keys.";
}

/** @param {boolean} isMuted */
function setMuted(isMuted) {
  mute.setAttribute("aria-pressed", String(isMuted));
  call?.media.mute(isMuted);
}

/** @param {boolean} isInCall */
function setInCall(isInCall) {
  talk.dataset.is = isInCall ? "hang-up" : "talk";
  talkLabel.textContent = isInCall ? "Hang up" : "Talk";
  name.readOnly = isInCall || isHosted;
  other.disabled = isInCall;
  if (isHosted) showEntrance();
}

/** @param {boolean} areOn */
function setControls(areOn) {
  mute.disabled = !areOn;
  for (const button of pad.querySelectorAll("button")) button.disabled = !areOn;
}

void meet();
