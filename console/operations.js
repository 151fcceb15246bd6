// @ts-check
/** The operations view: live and ended calls, sessions, a call's timeline, replays. */

import { inShort, inWords } from "./call-words.js";
import { element, made, write } from "./page.js";
import { inTime } from "./recent.js";
import { sentenceOf } from "./rooms.js";
import { rowsOf, summaryOf } from "./timeline.js";

/** @typedef {import("./account.js").Account} Account */
/** @typedef {import("./recent.js").Listed} Listed */
/** @typedef {import("./timeline.js").Row} Row */
/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {{id: string, call_type: string, created_at: string,
 *   option?: {caller?: string, callee?: string}}} Session */

const EACH_MS = 3_000;
const SOON_MS = 700;
/** Until a webhook that was asked for has been posted. */
const MOST = 25;

export class Operations {
  /** @type {Account} */ #account;
  /** @type {string | undefined} */ #chosen;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #isOpen = false;

  /** @param {Account} account */
  constructor(account) {
    this.#account = account;
    write(element("whose", HTMLElement), this.#isAdmin ? "of everybody" : "of yours");
  }

  /** Asks anew every few seconds, until `close`. */
  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#turn();
  }

  close() {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  get #isAdmin() {
    return this.#account.role === "admin";
  }

  async #turn() {
    await this.#refresh();
    if (this.#isOpen) this.#timer = setTimeout(() => void this.#turn(), EACH_MS);
  }

  async #refresh() {
    try {
      const [live, ended, sessions] = await Promise.all([
        this.#get(`/v1/calls?state=active&limit=${MOST}`),
        this.#get(`/v1/calls?state=ended&limit=${MOST}`),
        this.#get("/call/lists"),
      ]);
      this.#fill("live", live.calls);
      this.#fill("ended", ended.calls);
      showSessions(sessions.calls);
      if (this.#chosen) await this.#show(this.#chosen);
      write(element("lists-trouble", HTMLElement), "");
    } catch (error) {
      write(element("lists-trouble", HTMLElement), error instanceof Error ? error.message : "");
    }
  }

  /**
   * @param {"live" | "ended"} id
   * @param {Listed[]} calls
   */
  #fill(id, calls) {
    const list = element(id, HTMLUListElement);
    element(`no-${id}`, HTMLElement).hidden = calls.length > 0;
    const shown = JSON.stringify(calls.map((call) => [call.id, call.state]));
    if (list.dataset.shown !== shown) {
      list.dataset.shown = shown;
      const focused = document.activeElement instanceof HTMLElement && document.activeElement.dataset.call;
      list.replaceChildren(...calls.map((call) => this.#pick(call)));
      /** @type {HTMLElement | null} */
      const again = focused ? list.querySelector(`[data-call="${CSS.escape(focused)}"]`) : null;
      again?.focus();
    }
    this.#mark();
  }

  /** @param {Listed} call */
  #pick(call) {
    const item = made("li");
    const button = made("button", "pick");
    button.type = "button";
    button.dataset.call = call.id;
    const others = call.uids.filter((uid) => uid !== call.creator).join(", ");
    const end = { caller: call.creator, reason: call.end_reason, duration: call.duration };
    const how = call.state === "ended" ? inShort(end, call.creator) : call.state;
    button.append(
      made("span", "name", `${call.creator} → ${others || "nobody"}`),
      made("span", "what", `${inTime(call.created_at_ms)} · ${call.media_type} · ${how}`),
    );
    button.addEventListener("click", () => {
      this.#chosen = call.id;
      write(element("timeline-told", HTMLElement), "");
      this.#mark();
      void this.#show(call.id).catch((error) => {
        write(element("timeline-told", HTMLElement), error.message);
      });
    });
    item.append(button);
    return item;
  }

  #mark() {
    for (const one of document.querySelectorAll(".pick")) {
      if (!(one instanceof HTMLElement)) continue;
      const isChosen = one.dataset.call === this.#chosen;
      if (isChosen) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
  }

  /** @param {string} id */
  async #show(id) {
    /** @type {Timeline} */
    const timeline = await this.#get(`/v1/calls/${encodeURIComponent(id)}/timeline`);
    if (id !== this.#chosen) return;
    element("no-timeline", HTMLElement).hidden = true;
    const place = element("timeline", HTMLElement);
    place.hidden = false;
    const shown = JSON.stringify(timeline);
    if (place.dataset.shown === shown) return;
    place.dataset.shown = shown;
    write(element("summary", HTMLElement), summaryOf(timeline.call));
    write(element("call-id", HTMLElement), id);
    element("parties", HTMLElement).replaceChildren(
      ...timeline.call.participants.map(partyOf),
    );
    const rows = rowsOf(timeline).map((row) => this.#row(row, id));
    element("happenings", HTMLElement).replaceChildren(...rows);
  }

  /**
   * @param {Row} row
   * @param {string} callId
   */
  #row(row, callId) {
    const item = made("li", row.kind);
    item.dataset.is = row.is;
    const what = made("span", "happening");
    what.append(made("span", "name", row.title), made("span", "what", row.detail));
    item.append(made("span", "offset", row.offset), what);
    const { replay } = row;
    if (!replay || !this.#isAdmin) return item;
    const button = made("button", "plain", "Replay");
    button.type = "button";
    button.setAttribute("aria-label", `Replay ${row.detail}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      await this.#replay(replay, callId);
      button.disabled = false;
    });
    item.append(button);
    return item;
  }

  /**
   * @param {{endpointId: string, webhookId: string}} replay
   * @param {string} callId
   */
  async #replay({ endpointId, webhookId }, callId) {
    const told = element("timeline-told", HTMLElement);
    write(told, "Asking for it…");
    try {
      await this.#get(`/v1/webhooks/endpoints/${encodeURIComponent(endpointId)}/replay`, {
        event_id: webhookId,
        call_id: callId,
      });
      write(told, `The webhook is posted to ${endpointId} once more.`);
      setTimeout(() => void this.#refresh(), SOON_MS);
    } catch (error) {
      write(told, error instanceof Error ? error.message : "It was not posted.");
    }
  }

  /**
   * @param {string} path
   * @param {unknown} [body]
   */
  async #get(path, body) {
    const response = await this.#account.ask(path, body).catch(() => undefined);
    const answer = await response?.json().catch(() => undefined);
    if (response?.ok && answer) return answer;
    throw new Error(sentenceOf(response?.status ?? 0, answer?.message ?? ""));
  }
}

/** @param {Record<string, any>} member */
function partyOf({ uid, state, end_reason, device_type, device, joined_at_ms, left_at_ms }) {
  const item = made("li");
  const how = [device_type, device].filter(Boolean).join(" ");
  const long = joined_at_ms && left_at_ms ? `in for ${inWords((left_at_ms - joined_at_ms) / 1_000)}` : "";
  item.append(made("strong", "", uid), ` ${[state, end_reason, how, long].filter(Boolean).join(" · ")}`);
  return item;
}

/** @param {Session[]} sessions */
function showSessions(sessions) {
  const list = element("sessions", HTMLUListElement);
  element("no-sessions", HTMLElement).hidden = sessions.length > 0;
  const items = sessions.map(({ id, call_type, created_at, option }) => {
    const item = made("li");
    const parties = [option?.caller, option?.callee].filter(Boolean).join(" → ");
    item.append(made("strong", "", parties || call_type), ` ${call_type}, since ${inTime(Date.parse(created_at))} `);
    item.append(made("code", "soft", id));
    return item;
  });
  list.replaceChildren(...items);
}
