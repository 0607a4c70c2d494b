// Token exchange (RFC 8693): an agent that was handed a token gets the one with
// which it acts itself. It may only narrow; the policy says who may act for whom.

import { DeputizeError, type DpopUse, type ExchangeClaims, type Policy } from "@deputize/wasm";

import { readBody } from "./body.js";
import { type Gate, proofOf, seconds } from "./gate.js";
import { note } from "./log.js";
import { Refusal } from "./refusal.js";
import { sign } from "./signing.js";

export const TOKEN_PATH = "/oauth/token";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const JWT = "urn:ietf:params:oauth:token-type:jwt";

const KNOWN = new Set([
  "grant_type", "subject_token", "subject_token_type", "actor_token", "actor_token_type",
  "requested_token_type", "scope", "audience", "resource",
]);

/** An error response (RFC 6749 §5.2), with the reason's stable code beside it. */
class TokenRefusal extends Error {
  constructor(
    readonly error: string,
    readonly reason: string,
    readonly status = 400,
  ) {
    super(reason);
  }

  answer(): Response {
    const body = { error: this.error, error_description: this.reason, reason: this.reason };
    return Response.json(body, { status: this.status, headers: { "cache-control": "no-store" } });
  }
}

export async function answerExchange(gate: Gate, policy: Policy, request: Request, path: string): Promise<Response> {
  if (request.method !== "POST") throw new Refusal(405, "edge.method", { headers: { allow: "POST" } });
  try {
    const next = exchanged(gate, policy, request, path, readForm(await readBody(request, "application/x-www-form-urlencoded")));
    const claims = { ...next.claims, jti: crypto.randomUUID() };
    const token = await sign(gate.config.signer, claims);
    await readBack(policy, token, next);
    const { chain, audience, scope, expires_at, expires_in } = next;
    const parties = chain.map((party) => party.principal);
    note({ event: "exchange", allowed: true, chain: parties, audience, scope, expires_at, jti: claims.jti, revision: policy.revision });
    const body = {
      access_token: token,
      issued_token_type: ACCESS_TOKEN,
      token_type: isBound(next) ? "DPoP" : "Bearer",
      expires_in,
      ...(scope === null ? {} : { scope }),
    };
    return Response.json(body, { headers: { "cache-control": "no-store" } });
  } catch (thrown) {
    if (thrown instanceof TokenRefusal) {
      note({ event: "exchange", allowed: false, reason: thrown.reason, revision: policy.revision });
      return thrown.answer();
    }
    if (!(thrown instanceof Refusal)) gate.snapshots.drop(policy);
    throw thrown;
  }
}

function exchanged(gate: Gate, policy: Policy, request: Request, path: string, form: URLSearchParams): ExchangeClaims {
  const { config, proofs } = gate;
  const now = seconds();
  const subject_token = form.get("subject_token");
  const actor_token = form.get("actor_token");
  if (form.get("grant_type") !== EXCHANGE) throw new TokenRefusal("unsupported_grant_type", "edge.grant_type");
  if (subject_token === null || !isTokenType(form.get("subject_token_type"))) throw new TokenRefusal("invalid_request", "edge.subject_token");
  // With a type and without a token, or the other way round, somebody meant something else (RFC 8693 §2.1).
  const actor_type = form.get("actor_token_type");
  if (actor_token === null ? actor_type !== null : !isTokenType(actor_type)) throw new TokenRefusal("invalid_request", "edge.actor_token");
  if (form.has("requested_token_type") && !isTokenType(form.get("requested_token_type"))) {
    throw new TokenRefusal("invalid_request", "edge.requested_token_type");
  }
  // The proof is of the one that asks: the actor, where there is one.
  const proof = request.headers.get("dpop");
  const presented = proof === null ? {} : { dpop: proofOf(request, config, path, proof) };
  const wanted = {
    audiences: form.getAll("audience"),
    resources: form.getAll("resource"),
    lifetime: config.tokenSeconds,
    ...(form.has("scope") ? { scope: form.get("scope") ?? "" } : {}),
  };
  const parties = actor_token === null ? { subject: presented } : { actor_token, actor: presented };
  let next: ExchangeClaims;
  try {
    next = policy.exchange({ subject_token, wanted, now, ...parties });
  } catch (thrown) {
    if (!(thrown instanceof DeputizeError) || thrown.kind !== "denied") throw thrown;
    const error = thrown.code === "proof.invalid" ? "invalid_dpop_proof" : thrown.oauthError;
    throw new TokenRefusal(error ?? "invalid_request", thrown.code, thrown.code === "snapshot.stale" ? 503 : 400);
  }
  const isFirst = (use: DpopUse) => proofs.first(use, now);
  if (!next.dpop.every(isFirst)) throw new TokenRefusal("invalid_dpop_proof", "edge.proof_replayed");
  return next;
}

function isTokenType(type: string | null): boolean {
  return type === ACCESS_TOKEN || type === JWT;
}

function isBound(next: ExchangeClaims): boolean {
  return next.claims["cnf"] !== undefined;
}

/**
 * Nothing is handed out that would not be accepted: a signing key of which the
 * snapshot does not know, or which was revoked.
 */
async function readBack(policy: Policy, token: string, next: ExchangeClaims): Promise<void> {
  try {
    const caller = await policy.verifyAsync(token, { now: next.issued_at });
    caller.free();
  } catch (thrown) {
    if (!(thrown instanceof DeputizeError)) throw thrown;
    // Its signature and its claims were accepted before that.
    if (thrown.code === "proof.missing" && isBound(next)) return;
    if (thrown.kind !== "denied") throw thrown;
    note({ event: "signing_key", reason: thrown.code });
    throw new TokenRefusal("server_error", "edge.signing_key", 500);
  }
}

/** Parameters of this grant; one that stands twice is refused, where RFC 8693 §2.1 does not allow it. */
function readForm(body: string): URLSearchParams {
  const form = new URLSearchParams(body);
  for (const name of new Set(form.keys())) {
    const several = name === "audience" || name === "resource";
    if (KNOWN.has(name) && !several && form.getAll(name).length > 1) throw new TokenRefusal("invalid_request", "edge.parameter_twice");
  }
  // An empty one counts as left out (RFC 6749 §3.2).
  const empty = [...form].filter(([, value]) => value === "").map(([name]) => name);
  for (const name of empty) form.delete(name, "");
  return form;
}
