// @ts-check
/** The agent of examples/agent, in the page: events in, commands out. No socket, no clock. */

/** @typedef {import("./session.js").Command} Command */
/** @typedef {import("./session.js").SessionEvent} SessionEvent */

export const GREETING = "Hello, this is Parley. Please say something, and I will say it back.";
export const GOODBYE = "Thank you for the talk. Goodbye.";
export const TURNS = 20;

/** Empty options mean the voice and the ear that Parley brings with it. */
export const OPTION = Object.freeze({
  vad: { speechPadding: 120, silencePadding: 100 },
  asr: {},
  tts: {},
});

const PARTING = /\b(good[ -]?bye|bye[ -]bye)\b/i;

/**
 * Stands where your own model would: what was heard -> what is answered. A model that
 * takes its time stands behind your own server, beside the session's socket.
 *
 * @param {string} text
 */
export function repeat(text) {
  const words = text.split(/\s+/).filter(Boolean).length;
  return `I heard ${words} ${words === 1 ? "word" : "words"}. You said: ${text}`;
}

/** Call `hear` with each event, and send what it returns. */
export class Agent {
  /** @type {(text: string) => string} */ #think;
  /** @type {number} */ #turns;
  /** @type {string | undefined} */ #playing;
  #answers = 0;
  #isParting = false;

  /**
   * After `turns` answers, or when it hears a goodbye, it says goodbye and hangs up.
   *
   * @param {(text: string) => string} [think] makes an answer of what was said
   * @param {number} [turns]
   */
  constructor(think = repeat, turns = TURNS) {
    this.#think = think;
    this.#turns = turns;
  }

  /**
   * @param {SessionEvent} event
   * @returns {Command[]}
   */
  hear(event) {
    switch (event.event) {
      case "answer":
        return [say("greeting", GREETING)];
      case "trackStart":
        this.#playing = event.playId ?? this.#playing;
        return [];
      case "trackEnd":
        if (event.playId === this.#playing) this.#playing = undefined;
        return [];
      case "speaking":
        return this.#isInterruptible ? [{ command: "interrupt" }] : [];
      case "asrFinal":
        return this.#isParting ? [] : this.#answer(event.text ?? "");
      default:
        return [];
    }
  }

  get #isInterruptible() {
    return this.#playing !== undefined && !this.#isParting;
  }

  /** @param {string} heard */
  #answer(heard) {
    this.#answers += 1;
    if (this.#answers > this.#turns || PARTING.test(heard)) {
      this.#isParting = true;
      return [say("goodbye", GOODBYE, true)];
    }
    const answer = this.#think(heard);
    return [
      { command: "history", speaker: "user", text: heard },
      { command: "history", speaker: "bot", text: answer },
      say(`answer-${this.#answers}`, answer),
    ];
  }
}

/**
 * @param {string} playId
 * @param {string} text
 * @param {boolean} [autoHangup]
 * @returns {Command}
 */
function say(playId, text, autoHangup = false) {
  return { command: "tts", text, playId, autoHangup };
}
