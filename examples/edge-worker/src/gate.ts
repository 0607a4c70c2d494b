// What every request needs: the settings, the snapshot, the proofs that were
// used; and the one place that lets a request pass.

import { type AuditRecord, type Caller, DeputizeError, type Policy } from "@deputize/wasm";

import { type Config, type Env, readConfig } from "./config.js";
import { note } from "./log.js";
import { type Challenge, Refusal } from "./refusal.js";
import { PROOF_MAX_AGE, PROOF_MAX_AHEAD, UsedProofs } from "./replay.js";
import type { Question } from "./routes.js";
import { type Lease, SnapshotFault, Snapshots } from "./snapshot.js";

/** What this isolate keeps between requests. */
export interface Gate {
  readonly config: Config;
  readonly snapshots: Snapshots;
  readonly proofs: UsedProofs;
}

let gate: Gate | undefined;

/** @throws {ConfigError} Until the settings are sound. */
export async function openGate(env: Env): Promise<Gate> {
  if (gate !== undefined) return gate;
  const config = await readConfig(env);
  // Two first requests may both come as far as this: the later one takes what the other made.
  gate ??= { config, snapshots: new Snapshots(config), proofs: new UsedProofs() };
  return gate;
}

/**
 * The newest policy, for the time of a request.
 *
 * @throws {Refusal} 503.
 */
export async function takePolicy({ snapshots }: Gate, env: Env, ctx: ExecutionContext): Promise<Lease> {
  try {
    return await snapshots.take(env.POLICIES, Date.now(), (work) => ctx.waitUntil(work));
  } catch (thrown) {
    if (!(thrown instanceof SnapshotFault)) throw thrown;
    throw new Refusal(503, thrown.reason, { headers: { "retry-after": "5" } });
  }
}

/** Seconds since the Unix epoch. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** A proof as the core reads it, of this request. */
export function proofOf(request: Request, config: Config, path: string, proof: string) {
  const uri = config.origin + path;
  return { proof, method: request.method, uri, max_age: PROOF_MAX_AGE, max_ahead: PROOF_MAX_AHEAD };
}

/**
 * Lets a request pass, or throws. Nothing else in this Worker allows anything.
 *
 * @returns The caller, and the record of the decision.
 * @throws {Refusal} 401, 403 or 503.
 */
export async function admit(gate: Gate, policy: Policy, request: Request, path: string, question: Question): Promise<{ caller: Caller; record: AuditRecord }> {
  const { config, snapshots, proofs } = gate;
  const { action, resource, scope } = question;
  const refuse = (status: number, reason: string, challenge?: readonly Challenge[]): Refusal => {
    note({ event: "refused", status, reason, method: request.method, path, action, resource, revision: policy.revision });
    return new Refusal(status, reason, challenge === undefined ? {} : { challenge });
  };
  const header = request.headers.get("authorization");
  if (header === null) throw refuse(401, "edge.token_missing", [{ scheme: "Bearer", scope }, { scheme: "DPoP", scope }]);
  const [, said, token] = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? [];
  if (said === undefined || token === undefined) throw refuse(401, "edge.token_malformed", [{ scheme: "Bearer", error: "invalid_token", scope }]);
  const scheme = said.toLowerCase() === "dpop" ? "DPoP" : "Bearer";

  const now = seconds();
  const options = { audience: config.resource, now };
  let caller: Caller;
  try {
    // A token that is bound to a key is none to bear (RFC 9449 §7.1): its proof is looked at only beside the scheme `DPoP`.
    const dpop = scheme === "DPoP" ? { dpop: proofOf(request, config, path, request.headers.get("dpop") ?? "") } : {};
    caller = await policy.verifyAsync(token, { ...options, ...dpop });
  } catch (thrown) {
    if (!(thrown instanceof DeputizeError) || thrown.kind !== "denied") {
      snapshots.drop(policy);
      throw thrown;
    }
    if (thrown.code === "snapshot.stale") throw refuse(503, thrown.code);
    const ofProof = thrown.code === "proof.invalid";
    const challenge = { scheme: thrown.code.startsWith("proof.") ? "DPoP" : scheme, error: ofProof ? "invalid_dpop_proof" : "invalid_token", scope } as const;
    throw refuse(401, thrown.code, [challenge]);
  }
  try {
    if (caller.dpop !== null && !proofs.first(caller.dpop, now)) {
      throw refuse(401, "edge.proof_replayed", [{ scheme, error: "invalid_dpop_proof", scope }]);
    }
    const { allowed, reason, record } = caller.decide(action, resource, undefined, now);
    note({ event: "decision", method: request.method, path, record });
    if (allowed !== true) {
      if (reason === "snapshot.stale") throw new Refusal(503, reason);
      // More scope helps against nothing but a lack of it.
      const more = reason === "scope.insufficient" ? { error: "insufficient_scope" } : {};
      throw new Refusal(403, reason, { decision: record.id, challenge: [{ scheme, scope, ...more }] });
    }
    return { caller, record };
  } catch (thrown) {
    caller.free();
    if (!(thrown instanceof Refusal)) snapshots.drop(policy);
    throw thrown;
  }
}
