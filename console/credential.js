// @ts-check
/** A token that its user brings: read, kept as long as the tab, never sent elsewhere. */

import { Trouble } from "./sentences.js";

/** @typedef {import("./sign-in.js").Role} Role */
/** @typedef {{token: string, uid: string, role: Role}} Credential */

const TOKEN = "parley.token";
const PARAMETER = "token";
const UIDS = ["sub", "userId", "uid"];

/**
 * Whose the token is, as it says itself; whether that is true, the API knows. Raises
 * `Trouble`.
 *
 * @param {string} text as it was pasted
 * @param {number} [nowMs]
 * @returns {Credential}
 */
export function read(text, nowMs = Date.now()) {
  const token = text.trim().replace(/^Bearer\s+/i, "");
  const claims = claimsOf(token);
  const uid = UIDS.map((name) => claims[name]).find((one) => typeof one === "string" && one);
  if (typeof uid !== "string") throw new Trouble("token-unreadable");
  if (typeof claims.exp === "number" && claims.exp * 1_000 <= nowMs) {
    throw new Trouble("token-expired");
  }
  return { token, uid, role: claims.role === "admin" ? "admin" : "user" };
}

/** @param {Credential} credential */
export function keep(credential) {
  sessionStorage.setItem(TOKEN, credential.token);
}

export function forget() {
  sessionStorage.removeItem(TOKEN);
}

/**
 * The one that is kept. Raises `Trouble`.
 *
 * @param {number} [nowMs]
 * @returns {Credential}
 */
export function held(nowMs = Date.now()) {
  const token = sessionStorage.getItem(TOKEN);
  if (!token) throw new Trouble("sign-in-missing");
  return read(token, nowMs);
}

/**
 * What a link to this page has brought in its query or, better, its fragment, which no
 * server sees. It is taken out of the address, so that it is neither copied nor kept in
 * the history.
 *
 * @param {{href: string}} place
 * @param {(url: string) => void} replace
 * @returns {string | undefined}
 */
export function brought(place, replace) {
  const url = new URL(place.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const token = fragment.get(PARAMETER) ?? url.searchParams.get(PARAMETER);
  if (token === null) return undefined;
  url.searchParams.delete(PARAMETER);
  fragment.delete(PARAMETER);
  url.hash = fragment.toString();
  replace(url.href);
  return token;
}

/**
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function claimsOf(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Trouble("token-unreadable");
  try {
    const bytes = atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
    const claims = JSON.parse(text);
    if (claims && typeof claims === "object") return claims;
  } catch {
    // Neither base64 nor JSON.
  }
  throw new Trouble("token-unreadable");
}
