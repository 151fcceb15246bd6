// @ts-check
/** The start page: what runs, and commands to copy. */

import { apiUrlOf, configured, sessionsUrlOf } from "./config.js";

const ASK_AGAIN_MS = 5_000;
const COPIED_MS = 1_500;

/** @type {import("./config.js").Config} */
const config = await configured().catch(() => ({ tokenUrl: "unknown" }));
const apiUrl = apiUrlOf(config);
const sessionsUrl = sessionsUrlOf(config);
const at = config.tokenUrl ? "laptop" : "cloud";

for (const place of document.querySelectorAll("[data-origin]")) {
  place.textContent = apiUrl || location.origin;
}
for (const place of document.querySelectorAll("[data-sessions]")) {
  place.textContent = sessionsUrl;
}
for (const place of document.querySelectorAll("[data-at]")) {
  if (place instanceof HTMLElement) place.hidden = place.dataset.at !== at;
}
offerCopies();
void ask();

/**
 * @param {string} id
 * @param {"ok" | "wait" | "bad"} is
 * @param {string} text
 */
function show(id, is, text) {
  const element = document.getElementById(id);
  if (!element) return;
  // Written only when it changes, so that a screen reader does not repeat it.
  if (element.textContent !== text) element.textContent = text;
  element.dataset.is = is;
}

async function ask() {
  if (at === "laptop") await askStack();
  else await Promise.all([askApi(), askWorker()]);
  setTimeout(ask, ASK_AGAIN_MS);
}

/** Which is ready only while its worker is. */
async function askStack() {
  try {
    const response = await fetch("/health", { cache: "no-store" });
    const health = await response.json();
    const isStarting = health.status === "starting";
    if (response.ok) show("api-state", "ok", "Answers");
    else if (isStarting) show("api-state", "wait", "Starting");
    else show("api-state", "bad", `Answers ${response.status}`);
    if (response.ok) show("worker-state", "ok", "Answers the stack");
    else show("worker-state", "wait", isStarting ? "Not ready yet" : "Unknown");
  } catch {
    show("api-state", "bad", "Does not answer");
    show("worker-state", "bad", "Unknown");
  }
}

async function askApi() {
  const response = await fetch(`${apiUrl}/health`, { cache: "no-store" }).catch(() => undefined);
  if (response?.ok) show("api-state", "ok", "Answers");
  else show("api-state", "bad", response ? `Answers ${response.status}` : "Does not answer");
}

async function askWorker() {
  try {
    const url = `${sessionsUrl.replace(/^ws/, "http").replace(/\/$/, "")}/health`;
    const { status } = await (await fetch(url, { cache: "no-store" })).json();
    if (status === "ok") show("worker-state", "ok", "Answers");
    else show("worker-state", "wait", status === "draining" ? "Stopping" : "Starting");
  } catch {
    show("worker-state", "bad", "Does not answer");
  }
}

function offerCopies() {
  if (!navigator.clipboard) return;
  for (const command of document.querySelectorAll(".command")) {
    const text = command.querySelector("pre");
    if (!text) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = "Copy";
    button.setAttribute("aria-describedby", text.id);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, COPIED_MS);
    });
    command.append(button);
  }
}
