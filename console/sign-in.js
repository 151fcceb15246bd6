// @ts-check
/** Who the user is, and where the media worker is. */

import { asked, configured, sessionsUrlOf } from "./config.js";
import { held } from "./credential.js";
import { Trouble, ofResponse } from "./sentences.js";

/** @typedef {"user" | "admin"} Role */

/**
 * As whoever has brought a token; on a laptop, as whoever `name` says. Raises `Trouble`.
 *
 * @param {string} name of a development user
 * @param {Role} [role]
 * @returns {Promise<{sessionsUrl: string, clientsUrl?: string, token: string}>}
 */
export async function signIn(name, role = "user") {
  const config = await configured();
  const urls = { sessionsUrl: sessionsUrlOf(config), clientsUrl: config.clientsUrl };
  if (!config.tokenUrl) return { ...urls, token: held().token };
  const given = await asked(config.tokenUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ uid: name, role }),
  });
  if (given.status === 403) throw new Trouble("page-refused");
  if (!given.ok) throw new Trouble("stack-away");
  const { token } = await given.json();
  return { ...urls, token };
}

/**
 * The worker's STUN and TURN servers; the first that is asked of it, so that it tells
 * whether it is there. Raises `Trouble`.
 *
 * @param {string} sessionsUrl
 * @param {string} token
 * @returns {Promise<RTCIceServer[]>}
 */
export async function iceServers(sessionsUrl, token) {
  const response = await askWorker(sessionsUrl, "/iceservers", token);
  /** @type {{urls: string[], username: string | null, credential: string | null}[]} */
  const servers = await response.json();
  return servers.map(({ urls, username, credential }) =>
    username === null ? { urls } : { urls, username, credential: credential ?? "" },
  );
}

/**
 * Why a socket did not open: a browser does not tell, but the worker does.
 *
 * @param {string} sessionsUrl
 * @param {string} token
 * @returns {Promise<Trouble>}
 */
export async function whyNotOpened(sessionsUrl, token) {
  try {
    await askWorker(sessionsUrl, "/iceservers", token);
    const { status } = await (await askWorker(sessionsUrl, "/health", token)).json();
    if (status === "draining") return new Trouble("worker-stopping");
    if (status === "starting") return new Trouble("worker-starting");
  } catch (error) {
    return error instanceof Trouble ? error : new Trouble("worker-away");
  }
  // It is there and knows us: it can have no room only.
  return ofResponse({ status: 503, headers: new Headers() });
}

/**
 * @param {string} sessionsUrl
 * @param {string} path
 * @param {string} token
 */
async function askWorker(sessionsUrl, path, token) {
  const base = sessionsUrl.replace(/^ws/, "http").replace(/\/$/, "");
  /** @type {Response} */
  let response;
  try {
    response = await fetch(base + path, {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
    });
  } catch {
    throw new Trouble("worker-away");
  }
  // A worker that starts answers for its health with 503.
  if (!response.ok && path !== "/health") throw ofResponse(response);
  return response;
}
