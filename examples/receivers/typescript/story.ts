/** The events of each call, put in order again. Pure: it is told what time it is. */

/** How long an event waits for those before it: some may never have been for us. */
export const PATIENCE_MS = 3_000;
const MOST_CALLS = 10_000;
const MOST_IDS = 100_000;

/** A webhook whose signature was right. */
export interface Event {
  id: string;
  type: string;
  call: string;
  /** Its place in the call's story, from 1; 0 for what is of no call. */
  seq: number;
  body: unknown;
}

interface Call {
  /** The place up to which all has been handed out. */
  done: number;
  waiting: { event: Event; cameMs: number }[];
}

/** Hands out every event once, and each call's in order where it can. */
export class Stories {
  readonly #calls = new Map<string, Call>();
  readonly #ids = new Set<string>();
  readonly #patienceMs: number;

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  /** True once for each id. Keep the ids in your database, for a week. */
  isNew(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    dropFirst(this.#ids, MOST_IDS);
    return true;
  }

  /** What can be worked on now: this one, those that waited for it, or none. */
  take(event: Event, nowMs: number): Event[] {
    const call = this.#calls.get(event.call) ?? { done: 0, waiting: [] };
    this.#calls.delete(event.call);
    this.#calls.set(event.call, call);
    dropFirst(this.#calls, MOST_CALLS);
    if (event.seq <= call.done) return [event];
    call.waiting.push({ event, cameMs: nowMs });
    call.waiting.sort((one, other) => one.event.seq - other.event.seq);
    return ready(call);
  }

  /** Those that have waited long enough, and what follows them. */
  overdue(nowMs: number): Event[] {
    const found: Event[] = [];
    for (const call of this.#calls.values()) {
      while (call.waiting.some((one) => one.cameMs <= nowMs - this.#patienceMs)) {
        call.done = call.waiting[0]!.event.seq - 1;
        found.push(...ready(call));
      }
    }
    return found;
  }
}

function ready(call: Call): Event[] {
  const found: Event[] = [];
  for (;;) {
    const first = call.waiting[0];
    if (first === undefined || first.event.seq > call.done + 1) return found;
    call.waiting.shift();
    call.done = Math.max(call.done, first.event.seq);
    found.push(first.event);
  }
}

function dropFirst(kept: Map<string, unknown> | Set<string>, most: number): void {
  if (kept.size <= most) return;
  const first = kept.keys().next();
  if (!first.done) kept.delete(first.value);
}
