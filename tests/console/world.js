/** Virtual time and fake sockets, for what has its world given. */

export class FakeSocket extends EventTarget {
  sent = [];
  isClosed = false;
  closedWith = undefined;

  constructor(url) {
    super();
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.isClosed = true;
    this.closedWith = code ?? 1005;
  }

  open() {
    this.dispatchEvent(new Event("open"));
  }

  hear(told) {
    const data = typeof told === "string" ? told : JSON.stringify(told);
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  lose(code = 1006) {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

export class Time {
  #now = 0;
  #timers = new Map();
  #next = 1;

  after = (ms, then) => {
    this.#timers.set(this.#next, { at: this.#now + ms, then });
    return this.#next++;
  };
  cancel = (timer) => this.#timers.delete(timer);
  now = () => this.#now;

  pass(ms) {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until);
      if (!due.length) break;
      due.sort(([, one], [, other]) => one.at - other.at);
      const [timer, { at, then }] = due[0];
      this.#timers.delete(timer);
      this.#now = at;
      then();
    }
    this.#now = until;
  }
}

/** What is waiting to be done at once, is. */
export async function settled() {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** A tab's storage. */
export class FakeStorage {
  #items = new Map();

  getItem(name) {
    return this.#items.get(name) ?? null;
  }

  setItem(name, value) {
    this.#items.set(name, String(value));
  }

  removeItem(name) {
    this.#items.delete(name);
  }
}

/** A token with these claims, which nobody has signed. */
export function tokenOf(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}
