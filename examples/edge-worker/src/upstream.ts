// Passing a request on that was allowed, and saying for whom it is.

import type { AuditRecord } from "@deputize/wasm";

import type { Env } from "./config.js";
import { note } from "./log.js";
import { Refusal } from "./refusal.js";

/** How long the API may take until its answer begins, in milliseconds. */
const PATIENCE = 15_000;

/**
 * What is passed on of a request. Everything else stays here: tokens, proofs
 * and cookies; headers in which a caller claims to be somebody; and those by
 * which some servers take another method or path than was decided on.
 */
const PASSED_ON = [
  "accept", "accept-encoding", "accept-language", "content-encoding", "content-language", "content-type",
  "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range",
  "traceparent", "tracestate", "user-agent",
];

/** @throws {Refusal} 502 or 504. */
export async function passOn(request: Request, env: Env, path: string, record: AuditRecord): Promise<Response> {
  const headers = new Headers();
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  headers.set("x-deputize-subject", written(record.chain[0] ?? ""));
  headers.set("x-deputize-actor", written(record.actor));
  headers.set("x-deputize-chain", record.chain.map(written).join(", "));
  headers.set("x-deputize-decision", record.id);
  headers.set("x-deputize-revision", written(record.revision));

  // Where it goes is made of what was decided on, and of the query.
  const query = /^[^?#]*(\?[^#]*)?/.exec(request.url)?.[1] ?? "";
  const timer = new AbortController();
  const late = setTimeout(() => timer.abort(), PATIENCE);
  try {
    const { method, body } = request;
    const answer = await env.UPSTREAM.fetch(`https://upstream${path}${query}`, { method, headers, body, redirect: "manual", signal: timer.signal });
    return new Response(answer.body, answer);
  } catch (thrown) {
    const status = timer.signal.aborted ? 504 : 502;
    note({ event: "upstream", status, message: String(thrown) });
    throw new Refusal(status, timer.signal.aborted ? "edge.upstream_timeout" : "edge.upstream");
  } finally {
    clearTimeout(late);
  }
}

/** A name in a header: percent-encoded UTF-8, so that it has neither commas nor line ends. */
function written(name: string): string {
  return encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("%40", "@");
}
