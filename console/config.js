// @ts-check
/** What stands beside these pages: where the API and the media worker are. */

import { Trouble } from "./sentences.js";

/**
 * What is not named is at this page's own origin.
 *
 * @typedef {object} Config
 * @property {string} [apiUrl] of the HTTP API, without a path
 * @property {string} [sessionsUrl] of the media worker's sockets, without a path
 * @property {string} [clientsUrl] of the devices' sockets, whole
 * @property {string} [tokenUrl] what signs anybody in, on a laptop; in a cloud there is
 *   none, and users bring a token of their own
 */

const CONFIG = "/config.json";

/**
 * Raises `Trouble`.
 *
 * @returns {Promise<Config>}
 */
export async function configured() {
  const response = await asked(CONFIG);
  if (!response.ok) throw new Trouble("stack-away");
  return response.json();
}

/**
 * @param {Config} config
 * @returns {string} "" for this page's own
 */
export function apiUrlOf(config) {
  return (config.apiUrl ?? "").replace(/\/$/, "");
}

/** @param {Config} config */
export function sessionsUrlOf(config) {
  return config.sessionsUrl ?? location.origin.replace(/^http/, "ws");
}

/**
 * Raises `Trouble`.
 *
 * @param {string} url
 * @param {RequestInit} [how]
 */
export async function asked(url, how) {
  try {
    return await fetch(url, { cache: "no-store", ...how });
  } catch {
    throw new Trouble("stack-away");
  }
}
