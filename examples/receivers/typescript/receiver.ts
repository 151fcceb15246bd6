/**
 * WEBHOOK_SECRET=whsec_… npm start: Ctrl-C ends it.
 *
 * Prints one line of JSON for each event, in the order in which it is worked on.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { env, exit, stderr, stdout } from "node:process";

import { Webhook } from "standardwebhooks";

import { type Event, Stories } from "./story.js";

const MOST_BYTES = 1 << 20;
const LOOK_MS = 200;

class TooLarge extends Error {}

const secret = env["WEBHOOK_SECRET"] ?? "";
if (secret === "") {
  stderr.write("WEBHOOK_SECRET is the endpoint's secret.\n");
  exit(2);
}
const standard = secret.startsWith("whsec_")
  ? new Webhook(secret)
  : new Webhook(secret, { format: "raw" });
const verify = env["WEBHOOK_SIGNATURE"] === "tgortc" ? verifyTgoRTC : verifyStandard;

/**
 * Refuses what is older than five minutes too, so nobody can send it again.
 * While a secret is rotated there are two signatures: either will do.
 */
function verifyStandard(raw: Buffer, headers: Record<string, string>): void {
  standard.verify(raw, headers, { jsonParse: false });
}

/** TgoRTC's way says nothing of time: only the id protects from a replay. */
function verifyTgoRTC(raw: Buffer, headers: Record<string, string>): void {
  const expected = createHmac("sha256", secret).update(raw).digest();
  const given = Buffer.from(headers["x-signature"] ?? "", "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error("the signature is wrong");
  }
}

/** The bytes as they came: they are verified before anybody reads them. */
async function rawBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > MOST_BYTES) throw new TooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function eventOf(raw: Buffer, headers: Record<string, string>): Event {
  const body = JSON.parse(raw.toString("utf8"));
  if (Object(body) !== body || Array.isArray(body)) throw new Error("no event");
  const id = headers["webhook-id"] ?? headers["x-event-id"] ?? "";
  const call = body.room_id ?? body.data?.call_id ?? body.data?.session_id ?? id;
  const type = headers["x-event-type"] ?? String(body.type);
  const seq = Number.parseInt(headers["x-event-seq"] ?? "0", 10);
  return { id, type, call: String(call), seq, body };
}

/** What your business does. */
function work({ id, type, call, seq }: Event): void {
  stdout.write(`${JSON.stringify({ id, type, call, seq })}\n`);
}

const stories = new Stories();

/** Put it into your database here: once 2xx is said, it is yours. */
function take(event: Event): void {
  setImmediate(() => {
    if (stories.isNew(event.id)) stories.take(event, performance.now()).forEach(work);
  });
}

setInterval(() => stories.overdue(performance.now()).forEach(work), LOOK_MS);

async function statusOf(request: IncomingMessage): Promise<number> {
  if (request.method !== "POST") return 405;
  const headers = request.headers as Record<string, string>;
  try {
    const raw = await rawBody(request);
    verify(raw, headers);
    take(eventOf(raw, headers));
    return 204;
  } catch (error) {
    return error instanceof TooLarge ? 413 : 401;
  }
}

const server = createServer(async (request, response) => {
  const status = await statusOf(request);
  const close = status === 413 ? { connection: "close" } : {};
  response.writeHead(status, { "content-length": "0", ...close }).end();
});
server.listen(Number(env["PORT"] ?? "9000"), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  stderr.write(`listening on http://127.0.0.1:${port}\n`);
});
