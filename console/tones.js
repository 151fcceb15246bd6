// @ts-check
/** What rings: made of sine waves, so that there is no file to load. */

/** @typedef {"ringing" | "ringback" | "none"} Tone */

/** Notes are [start, Hz, seconds]. @type {Record<Tone, {everyMs: number, gain: number, notes: number[][]}>} */
const TONES = {
  ringing: {
    everyMs: 2_800,
    gain: 0.16,
    notes: [[0, 659, 0.35], [0.18, 880, 0.35], [0.36, 1_109, 0.55], [0.9, 659, 0.35], [1.08, 880, 0.35], [1.26, 1_109, 0.7]],
  },
  ringback: { everyMs: 4_000, gain: 0.05, notes: [[0, 425, 1]] },
  none: { everyMs: 0, gain: 0, notes: [] },
};
const SHAKE_MS = [400, 150, 400];

export class Tones {
  /** @type {Tone} */ #tone = "none";
  /** @type {AudioContext | undefined} */ #context;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** From a click: a browser lets no page sound before. */
  allow() {
    this.#context ??= new AudioContext();
    void this.#context.resume();
  }

  /** @param {Tone} tone until another is played */
  play(tone) {
    if (tone === this.#tone) return;
    this.#tone = tone;
    clearInterval(this.#timer);
    this.#hush();
    if (tone === "none") return;
    this.#sound();
    this.#timer = setInterval(() => this.#sound(), TONES[tone].everyMs);
  }

  #sound() {
    if (this.#tone === "ringing" && navigator.userActivation?.hasBeenActive) {
      navigator.vibrate?.(SHAKE_MS);
    }
    if (this.#context?.state !== "running") return;
    const { gain, notes } = TONES[this.#tone];
    for (const [start, hertz, seconds] of notes) this.#note(start, hertz, seconds, gain);
  }

  /** @type {Set<OscillatorNode>} */ #sounding = new Set();

  #hush() {
    for (const one of this.#sounding) one.stop();
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
  }

  /**
   * @param {number} start
   * @param {number} hertz
   * @param {number} seconds
   * @param {number} loud
   */
  #note(start, hertz, seconds, loud) {
    const context = this.#context;
    if (!context) return;
    const at = context.currentTime + start;
    const [wave, gain] = [context.createOscillator(), context.createGain()];
    wave.frequency.value = hertz;
    // Neither end may click.
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.02);
    gain.gain.setValueAtTime(loud, at + seconds * 0.4);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    wave.connect(gain).connect(context.destination);
    wave.addEventListener("ended", () => this.#sounding.delete(wave));
    this.#sounding.add(wave);
    wave.start(at);
    wave.stop(at + seconds);
  }
}
