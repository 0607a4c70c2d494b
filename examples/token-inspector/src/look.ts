// Asking Deputize. Nothing is decided here: what the page shows of a token, a
// signature, a chain or a question is what the core answers.

import {
  type Decision,
  type Finding,
  DeputizeError,
  type Hop,
  type Party,
  Policy,
  type ScopeInWords,
  type SignatureFinding,
  inspect,
} from "@deputize/wasm";

/** What a token is looked at with. */
export type Material =
  | { kind: "nothing" }
  | { kind: "policy"; policy: Policy; document: { [section: string]: unknown } }
  | { kind: "keys"; keys: unknown; count: number }
  | { kind: "unreadable"; message: string };

/** How a token was presented. */
export type Presented = { audience: string; proof: string; method: string; uri: string };

/** What came of it. */
export type Verdict =
  | { kind: "accepted"; subject: string; actor: string; until: number | null }
  | { kind: "refused"; code: string; message: string }
  | { kind: "signed" }
  | { kind: "unsigned"; code: string; message: string }
  | { kind: "unchecked" };

/** Everything that is known of a token. */
export type Look = {
  now: number;
  verdict: Verdict;
  header: unknown;
  claims: unknown;
  findings: Finding[];
  signature: SignatureFinding | undefined;
  /** The parties as the policy reads them. */
  chain: Party[];
  refusal: { reason: string; message: string } | undefined;
  hops: Hop[];
  scopes: ScopeInWords[][] | undefined;
};

/** Reads what was pasted beside the token. */
export function material(text: string, kid: string): Material {
  const bare = text.trim();
  if (bare === "") return { kind: "nothing" };
  if (bare.startsWith("-----BEGIN")) return { kind: "keys", keys: [{ kid, pem: bare }], count: 1 };
  let read: unknown;
  try {
    read = JSON.parse(bare);
  } catch (thrown) {
    return { kind: "unreadable", message: `this is neither JSON nor PEM: ${(thrown as Error).message}` };
  }
  if (Array.isArray(read)) return { kind: "keys", keys: read, count: read.length };
  if (typeof read !== "object" || read === null) return { kind: "unreadable", message: "a snapshot or keys are a JSON object" };
  const members = read as { [section: string]: unknown };
  if (Array.isArray(members.keys)) return { kind: "keys", keys: members, count: members.keys.length };
  if ("kty" in members) return { kind: "keys", keys: { keys: [{ kid, ...members }] }, count: 1 };
  try {
    // A part of a snapshot, like a file of issuers, is one that says no more.
    const policy = Policy.fromJson("deputize" in members ? bare : { deputize: 1, ...members });
    return { kind: "policy", policy, document: members };
  } catch (thrown) {
    const error = failure(thrown);
    const place = [error.pointer && `at \`${error.pointer}\``, error.line && `line ${error.line}`].filter(Boolean).join(", ");
    return { kind: "unreadable", message: `${error.message}${place ? ` (${place})` : ""}` };
  }
}

/** Looks at a token. */
export function look(token: string, given: Material, presented: Presented, now: number): Look {
  if (given.kind === "policy") {
    const seen = given.policy.inspect(token, { now });
    let verdict: Verdict;
    try {
      using caller = given.policy.verify(token, options(presented, now));
      verdict = { kind: "accepted", subject: caller.subject, actor: caller.actor, until: caller.until };
    } catch (thrown) {
      const { code, message } = failure(thrown);
      verdict = { kind: "refused", code, message };
    }
    const { header, claims, findings, signature, chain, hops, scopes } = seen;
    return { now, verdict, header, claims, findings, signature, chain, hops, scopes, refusal: seen.refusal ?? undefined };
  }
  const seen = inspect(token, { now, ...(given.kind === "keys" && { keys: given.keys }) });
  const { header, claims, findings, signature } = seen;
  const verdict: Verdict =
    signature === undefined ? { kind: "unchecked" } : signature.fits ? { kind: "signed" } : { kind: "unsigned", ...signature };
  return { now, verdict, header, claims, findings, signature, chain: [], refusal: undefined, hops: [], scopes: undefined };
}

/** Answers one question. */
export function decide(
  token: string,
  policy: Policy,
  presented: Presented,
  now: number,
  question: { action: string; resource: string; context?: { [name: string]: unknown } },
): Decision {
  return policy.decide(token, question, options(presented, now));
}

function options({ audience, proof, method, uri }: Presented, now: number) {
  return {
    now,
    ...(audience !== "" && { audience }),
    ...(proof !== "" && { dpop: { proof, method, uri } }),
  };
}

/** Whatever was thrown, as an error of the core. */
export function failure(thrown: unknown): DeputizeError {
  if (thrown instanceof DeputizeError) return thrown;
  return new DeputizeError({ kind: "internal", code: "internal", message: String(thrown) });
}

/** One who acts, as a token names it: nobody has said that it is true. */
export type Named = { subject: string; issuer: string | undefined };

/**
 * The parties as RFC 8693 reads them, where no policy says how its issuer
 * writes them down: `sub`, then the actors, the innermost `act` first.
 */
export function named(claims: unknown): Named[] {
  const who = (value: unknown): Named | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    const { sub, iss } = value as { sub?: unknown; iss?: unknown };
    return { subject: typeof sub === "string" ? sub : "(nobody)", issuer: typeof iss === "string" ? iss : undefined };
  };
  const subject = who(claims);
  if (subject === undefined) return [];
  const actors: Named[] = [];
  let next = (claims as { act?: unknown }).act;
  for (let actor = who(next); actor !== undefined && actors.length < 100; actor = who(next)) {
    actors.unshift(actor);
    next = (next as { act?: unknown }).act;
  }
  return [subject, ...actors];
}
