// @ts-check
/** The lines of a talk, of what was heard and what the agent was made to say. */

/** @typedef {import("./session.js").Command} Command */
/** @typedef {import("./session.js").SessionEvent} SessionEvent */

/**
 * @typedef {{
 *   who: "user" | "agent",
 *   text: string,
 *   playId?: string,
 *   saidWords?: number,
 *   isInterrupted?: boolean,
 * }} Line
 */

export class Transcript {
  /** @type {Line[]} */ lines = [];
  /** @type {Map<number, string>} */ #partial = new Map();

  /** What is being said and not settled yet; empty if nothing is. */
  get partial() {
    return [...this.#partial.values()].join(" ");
  }

  /** @param {SessionEvent} event */
  hear(event) {
    const text = event.text ?? "";
    const index = event.index ?? 0;
    if (event.event === "asrDelta") {
      this.#partial.set(index, text);
    } else if (event.event === "asrFinal") {
      this.#partial.delete(index);
      if (text) this.lines.push({ who: "user", text });
    } else if (event.event === "interruption") {
      this.#interrupt(event);
    }
  }

  /** @param {Command} command that was sent */
  say(command) {
    if (command.command !== "tts") return;
    const text = String(command.text);
    this.lines.push({ who: "agent", text, playId: String(command.playId) });
  }

  /** What is not settled never will be. */
  end() {
    this.#partial.clear();
  }

  /** @param {SessionEvent} event */
  #interrupt(event) {
    const line = this.lines.findLast((each) => each.playId === event.playId);
    if (!line || line.who !== "agent") return;
    line.isInterrupted = true;
    line.saidWords = event.position;
  }
}

/**
 * What was heard of a line, and what was not any more.
 *
 * @param {Line} line
 * @returns {[string, string]}
 */
export function parts(line) {
  if (!line.isInterrupted || line.saidWords === undefined) return [line.text, ""];
  const words = line.text.split(/(?<=\s)(?=\S)/);
  return [words.slice(0, line.saidWords).join(""), words.slice(line.saidWords).join("")];
}
