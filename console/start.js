// @ts-check
/** The start page: what runs, and commands to copy. */

const ASK_AGAIN_MS = 5_000;
const COPIED_MS = 1_500;

for (const place of document.querySelectorAll("[data-origin]")) {
  place.textContent = location.origin;
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
  try {
    const response = await fetch("/health", { cache: "no-store" });
    const health = await response.json();
    const isStarting = health.status === "starting";
    if (response.ok) show("api-state", "ok", "Answers");
    else if (isStarting) show("api-state", "wait", "Starting");
    else show("api-state", "bad", `Answers ${response.status}`);
    // It is ready only while its worker is.
    if (response.ok) show("worker-state", "ok", "Answers the stack");
    else show("worker-state", "wait", isStarting ? "Not ready yet" : "Unknown");
  } catch {
    show("api-state", "bad", "Does not answer");
    show("worker-state", "bad", "Unknown");
  }
  setTimeout(ask, ASK_AGAIN_MS);
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

export {};
