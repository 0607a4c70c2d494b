// AuthZEN 1.0: another gateway asks here about its own callers, for whom it
// vouches. It must be allowed to, as anybody else must, by the same policy.

import { DeputizeError } from "@deputize/wasm";

import { readBody } from "./body.js";
import { type Gate, admit, seconds } from "./gate.js";
import { note } from "./log.js";
import { Refusal } from "./refusal.js";
import { ASK } from "./routes.js";
import type { Lease } from "./snapshot.js";

/** The endpoints, and what answers them. */
export const AUTHZEN: { readonly [path: string]: "evaluate" | "evaluations" } = {
  "/access/v1/evaluation": "evaluate",
  "/access/v1/evaluations": "evaluations",
};

export async function answerAuthZen(gate: Gate, { policy }: Lease, request: Request, path: string, method: "evaluate" | "evaluations"): Promise<Response> {
  if (request.method !== "POST") throw new Refusal(405, "edge.method", { headers: { allow: "POST" } });
  // Only whether it may is asked of this caller.
  const { caller, record } = await admit(gate, policy, request, path, ASK);
  caller.free();
  const body = await readBody(request, "application/json");
  try {
    const answer = policy[method](body, { now: seconds() });
    const asked = "evaluations" in answer ? answer.evaluations : [answer];
    const allowed = asked.filter((one) => one.decision).length;
    note({ event: "evaluations", by: record.actor, decision: record.id, asked: asked.length, allowed, revision: policy.revision });
    const headers = new Headers({ "cache-control": "no-store" });
    const id = request.headers.get("x-request-id");
    if (id !== null && /^[\x21-\x7e]{1,128}$/.test(id)) headers.set("x-request-id", id);
    return Response.json(answer, { headers });
  } catch (thrown) {
    if (thrown instanceof DeputizeError && thrown.kind === "input") throw new Refusal(400, thrown.code);
    gate.snapshots.drop(policy);
    throw thrown;
  }
}
