// @ts-check
/** The transcript on the page. */

import { element } from "./page.js";
import { parts } from "./transcript.js";

/** @typedef {import("./transcript.js").Line} Line */

const NAMES = { user: "You", agent: "Agent" };
const NEAR_PX = 48;

const log = element("log", HTMLElement);
const list = element("lines", HTMLOListElement);
const partial = element("partial", HTMLElement);
const empty = element("empty", HTMLElement);

/** Until the reader scrolls back. */
let isFollowing = true;
log.addEventListener("scroll", () => {
  isFollowing = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
});
new ResizeObserver(follow).observe(log);

function follow() {
  if (isFollowing) log.scrollTop = log.scrollHeight;
}

/**
 * Lines that stand there already are left alone, so that only new ones are read out.
 *
 * @param {import("./transcript.js").Transcript} transcript
 */
export function show(transcript) {
  const { lines } = transcript;
  while (list.children.length > lines.length) list.lastElementChild?.remove();
  lines.forEach((line, at) => {
    const there = list.children[at];
    if (!there) list.append(itemOf(line));
    else if (line.isInterrupted && !there.classList.contains("interrupted")) mark(there, line);
  });
  partial.textContent = transcript.partial;
  partial.hidden = !transcript.partial;
  empty.hidden = lines.length > 0 || !partial.hidden;
  follow();
}

/** @param {Line} line */
function itemOf(line) {
  const item = document.createElement("li");
  item.className = `line ${line.who}`;
  item.append(made("span", "who", `${NAMES[line.who]}: `), made("span", "text", line.text));
  return item;
}

/**
 * @param {Element} item
 * @param {Line} line
 */
function mark(item, line) {
  item.classList.add("interrupted");
  const [said, unsaid] = parts(line);
  const text = made("span", "text", said);
  if (unsaid) text.append(made("s", "unsaid", unsaid));
  item.querySelector(".text")?.replaceWith(text);
  item.append(made("span", "note", "interrupted"));
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} text
 */
function made(tag, className, text) {
  const one = document.createElement(tag);
  one.className = className;
  one.textContent = text;
  return one;
}
