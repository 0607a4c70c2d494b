// A request's token and what answers it, for servers of any kind: RFC 6750
// (Bearer), RFC 9449 (DPoP), RFC 9728 (metadata), RFC 9457 (problems).

import { DeputizeError, type DpopUse, type VerifyOptions, inspect } from "deputize";

import { ANY, type Audience, Identity, asked, audienceOf, inForce, policySource } from "./identity.js";
import { GUARDING, type Guarding } from "./rule.js";
import { type Options, adrift, atOnce, number, strict, within } from "./strict.js";

/** How requests are authenticated. */
export interface Authentication extends Guarding {
  /** Who is asked: a token must name this audience. `ANY`: one of its issuer's `audiences`. */
  readonly audience: Audience;
  /** The origin under which clients know this server, for DPoP; by default that of the `audience`, where it is a URL, else the request's own. */
  readonly origin?: string;
  /** Where the metadata lies that {@link resourceMetadata} gives: challenges name it (RFC 9728 §5.1). */
  readonly metadata?: string | URL;
  /** The scope that challenges name, for clients to ask for. */
  readonly scope?: string;
  /** DPoP; `true` by default: proofs are checked, and tokens that are bound to a key need one. */
  readonly dpop?: boolean | DpopOptions;
}

export interface DpopOptions {
  /** Tokens that are not bound to a key are refused. */
  readonly required?: boolean;
  /** The algorithms that challenges name. */
  readonly algorithms?: readonly string[];
  /** The nonce that proofs must have (RFC 9449 §9), and that answers hand out. */
  readonly nonce?: () => string;
  /** How old a proof may be, in seconds; 60 by default. */
  readonly maxAge?: number;
  /**
   * Takes a proof, once: `false` where it was taken before. Anything but `true`
   * within ten seconds refuses it. By default this process remembers; where
   * several serve, let them share what they remember.
   */
  readonly take?: (proof: DpopUse) => boolean | Promise<boolean>;
}

/** What of a request counts. */
export interface Presented {
  /** The values of `Authorization` and `DPoP`, each as often as it came. */
  readonly authorization: readonly string[];
  readonly dpop: readonly string[];
  readonly method: string;
  /** The origin that was asked, as the request has it, and the path with its query. */
  readonly origin: string;
  readonly path: string;
}

/** An answer to a request that goes no further. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: { readonly [name: string]: string };
  /** A problem document. */
  readonly problem: Problem;
}

/** RFC 9457, with the reason's code. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: string;
}

const TITLES = { 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" } as const;
const ALGORITHMS = ["ES256", "ES384", "EdDSA", "RS256", "PS256"];
/** What a header's parameter may hold (RFC 6750 §3). */
const quoted = (text: string): string => `"${text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "")}"`;

const AUTHENTICATION: Options<Authentication> = { ...GUARDING, audience: "any", origin: "text", metadata: "any", scope: "text", dpop: "any" };
const DPOP: Options<DpopOptions> = { required: "flag", algorithms: "texts", nonce: "sync", maxAge: "any", take: "function" };

/** How long a store of proofs may take, in seconds. */
const PATIENCE = 10;
/** How old a proof may be, where nothing is said, in seconds. */
const MAX_AGE = 60;

/** Reads what is said of DPoP. @throws {DeputizeError} of the kind `misuse`. */
function readDpop(dpop: boolean | DpopOptions): DpopOptions | undefined {
  if (typeof dpop === "boolean") return dpop ? {} : undefined;
  strict<DpopOptions>(dpop, "`dpop`", DPOP);
  if (dpop.maxAge !== undefined) number(dpop.maxAge, "maxAge", 1);
  return dpop;
}

/** Authenticates requests. */
export class Gate {
  readonly #options: Authentication;
  readonly #dpop: (DpopOptions & { readonly take: NonNullable<DpopOptions["take"]> }) | undefined;

  constructor(options: Authentication) {
    strict<Authentication>(options, "a guard of routes", AUTHENTICATION);
    policySource(options.policy);
    audienceOf(options.audience);
    this.#options = options;
    const dpop = readDpop(options.dpop ?? true);
    if (dpop !== undefined) this.#dpop = { ...dpop, take: dpop.take ?? remembering(dpop.maxAge ?? MAX_AGE) };
  }

  /** Who makes a request, or what answers it. */
  async admit(request: Presented): Promise<Identity | Refusal> {
    const [authorization, ...more] = request.authorization;
    if (authorization === undefined) return this.#challenge(401, "guard.no_caller");
    const [, scheme, token] = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*) *$/.exec(authorization) ?? [];
    if (more.length > 0 || scheme === undefined || token === undefined || request.dpop.length > 1) {
      return this.#challenge(400, "guard.malformed", "invalid_request");
    }
    const bound = scheme.toLowerCase() === "dpop";
    if (bound ? this.#dpop === undefined : scheme.toLowerCase() !== "bearer") return this.#challenge(401, "guard.no_caller");
    const { audience } = this.#options;
    const [proof] = request.dpop;
    let given: VerifyOptions = asked(audience);
    try {
      const nonce = this.#nonce();
      const max_age = this.#dpop?.maxAge;
      const { method } = request;
      const uri = this.#origin(request.origin) + request.path;
      if (bound && proof !== undefined) {
        given = { ...given, dpop: { proof, method, uri, ...(nonce !== undefined && { nonce }), ...(max_age !== undefined && { max_age }) } };
      }
      const identity = await Identity.verify(this.#options.policy, { ...given, token, audience });
      // RFC 9449 §7.1: whoever presents a token so, must present one that is bound.
      const use = identity.ask((caller) => caller.dpop);
      if (bound ? use === null : this.#dpop?.required === true) return this.#challenge(401, "proof.missing", "invalid_token");
      if (use !== null && !(await this.#takes(use))) return this.#challenge(401, "guard.proof_used", "invalid_dpop_proof");
      return identity;
    } catch (thrown) {
      this.#note(request, token, given, thrown);
      return this.#refused(thrown, bound ? proof : undefined);
    }
  }

  /** What answers a request whose caller may not do what it asks for, by the reason's code. */
  forbid(code: string): Refusal {
    if (code === "scope.insufficient") return this.#challenge(403, code, "insufficient_scope");
    // What is broken here is no fault of the caller's.
    if (isOurs(code)) return answer(503, code);
    // The token no longer counts.
    if (code.startsWith("token.") || code.startsWith("revoked.")) return this.#challenge(401, code, "invalid_token");
    return answer(403, code);
  }

  #nonce(): string | undefined {
    return atOnce(this.#dpop?.nonce?.(), "`nonce`");
  }

  async #takes(use: DpopUse): Promise<boolean> {
    const said = await within(this.#dpop?.take(use) ?? false, PATIENCE, () => new Error("the store of proofs did not answer in time"));
    return said === true;
  }

  /** The origin that a proof must be about: whoever writes the `Host` header must not choose it. */
  #origin(asked: string): string {
    const { origin, audience } = this.#options;
    if (origin !== undefined) return origin;
    return audience !== ANY && URL.canParse(audience) && new URL(audience).origin !== "null" ? new URL(audience).origin : asked;
  }

  /** Leaves a record of a token that was not accepted: its request stands for what it asked for. */
  #note({ method, path }: Presented, token: string, given: VerifyOptions, error: unknown): void {
    const { policy, onRuling } = this.#options;
    if (onRuling === undefined) return;
    const ruling = {
      tool: "route",
      outcome: "deny",
      ...(error instanceof DeputizeError ? { code: error.code, message: error.message } : { code: "guard.error", message: String(error) }),
      error,
    } as const;
    try {
      const [resource = ""] = path.split("?");
      const decision = inForce(policy).decide({ token }, { action: method, resource }, given);
      adrift(onRuling({ ...ruling, decisions: decision.allowed ? [] : [decision] }));
    } catch {
      // It is refused in any case.
    }
  }

  #refused(thrown: unknown, proof: string | undefined): Refusal {
    // A policy that is stale, or cannot be had, is no fault of the token.
    if (!(thrown instanceof DeputizeError) || thrown.kind !== "denied" || isOurs(thrown.code)) {
      return answer(503, thrown instanceof DeputizeError ? thrown.code : "guard.error");
    }
    const { code } = thrown;
    if (proof === undefined || !code.startsWith("proof.")) return this.#challenge(401, code, "invalid_token");
    const nonce = this.#nonce();
    const said = inspect(proof, { now: null }).claims as { nonce?: unknown } | null;
    // RFC 9449 §9: the client is to try again with the nonce of this answer.
    return this.#challenge(401, code, nonce !== undefined && said?.nonce !== nonce ? "use_dpop_nonce" : "invalid_dpop_proof");
  }

  #challenge(status: 400 | 401 | 403, code: string, error?: string): Refusal {
    const { metadata, scope } = this.#options;
    const shared = [
      ...(scope !== undefined ? [`scope=${quoted(scope)}`] : []),
      ...(metadata !== undefined ? [`resource_metadata=${quoted(String(metadata))}`] : []),
    ];
    const said = (scheme: "Bearer" | "DPoP", own: string[]): string => {
      // RFC 6750 §3.1: where nothing was presented, no error is named.
      const parts = [...(error !== undefined ? [`error=${quoted(error)}`, `error_description=${quoted(code)}`] : []), ...shared, ...own];
      return parts.length === 0 ? scheme : `${scheme} ${parts.join(", ")}`;
    };
    const challenges = this.#dpop?.required === true || error?.includes("dpop") ? [] : [said("Bearer", [])];
    if (this.#dpop !== undefined) challenges.push(said("DPoP", [`algs=${quoted((this.#dpop.algorithms ?? ALGORITHMS).join(" "))}`]));
    const nonce = this.#nonce();
    return answer(status, code, { "WWW-Authenticate": challenges.join(", "), ...(nonce !== undefined && { "DPoP-Nonce": nonce }) });
  }
}

/** Whether this is an answer. */
export const isRefusal = (value: Identity | Refusal): value is Refusal => !(value instanceof Identity);

function answer(status: Refusal["status"], code: string, headers: { [name: string]: string } = {}): Refusal {
  const problem: Problem = { type: "about:blank", title: TITLES[status], status, code };
  return { status, headers: { ...headers, "Content-Type": "application/problem+json", "Cache-Control": "no-store" }, problem };
}

/** Codes of what is broken here. */
const OURS: ReadonlySet<string> = new Set(["snapshot.stale", "guard.error", "guard.callback", "guard.options", "internal"]);

const isOurs = (code: string): boolean => OURS.has(code) || code.startsWith("call.") || code.startsWith("source.");

/** How many proofs are remembered at most, of all keys and of one: beyond that, none is taken until some have expired. */
const REMEMBERED = 200_000;
const OF_ONE_KEY = 20_000;
/** How far ahead a proof's clock may be, twice: a proof is remembered for a little longer than it counts. In seconds. */
const SKEW = 10;

/** Takes each proof once, and forgets it when it no longer counts. */
function remembering(maxAge: number): (proof: DpopUse) => Promise<boolean> {
  /** When each may be forgotten, oldest first: all are kept for the same time. */
  const until = new Map<string, { readonly end: number; readonly key: string }>();
  const counts = new Map<string, number>();
  const forget = (now: number): void => {
    for (const [name, { end, key }] of until) {
      if (end >= now) return;
      until.delete(name);
      const left = (counts.get(key) ?? 1) - 1;
      if (left === 0) counts.delete(key);
      else counts.set(key, left);
    }
  };
  return async ({ id, thumbprint: key }) => {
    // Whoever sends it chooses how long an id is; its digest is as long as any other.
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify([key, id])));
    const name = String.fromCharCode(...new Uint8Array(digest));
    const now = Date.now() / 1000;
    forget(now);
    const taken = counts.get(key) ?? 0;
    if (until.has(name) || until.size >= REMEMBERED || taken >= OF_ONE_KEY) return false;
    until.set(name, { end: now + maxAge + SKEW, key });
    counts.set(key, taken + 1);
    return true;
  };
}

/** What a protected resource says of itself (RFC 9728 §2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers?: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ["header"];
  readonly resource_name?: string;
  readonly resource_documentation?: string;
  readonly dpop_signing_alg_values_supported?: readonly string[];
  readonly dpop_bound_access_tokens_required?: boolean;
}

/** A resource and its metadata. */
export interface ResourceOptions {
  /** The resource's identifier: its URL, and the audience of its tokens. */
  readonly resource: string | URL;
  /** The issuers at which clients get tokens for it. */
  readonly authorizationServers: readonly string[];
  /** The scopes that it understands. */
  readonly scopes?: readonly string[];
  /** Its name, for people. */
  readonly name?: string;
  /** Where people read about it. */
  readonly documentation?: string;
  /** As in {@link Authentication}. */
  readonly dpop?: boolean | DpopOptions;
}

const RESOURCE: Options<ResourceOptions> = { resource: "any", authorizationServers: "texts", scopes: "texts", name: "text", documentation: "text", dpop: "any" };

/**
 * The metadata of a protected resource, and the URL and path under which it is
 * to be served (RFC 9728 §3.1).
 */
export function resourceMetadata(options: ResourceOptions): { url: string; path: string; document: ResourceMetadata } {
  strict<ResourceOptions>(options, "a resource's metadata", RESOURCE);
  const { resource, authorizationServers, scopes, name, documentation } = options;
  const url = new URL(resource);
  const identifier = String(resource);
  const path = `/.well-known/oauth-protected-resource${url.pathname === "/" ? "" : url.pathname}${url.search}`;
  const proofs = readDpop(options.dpop ?? true);
  const document: ResourceMetadata = {
    resource: identifier,
    authorization_servers: authorizationServers,
    ...(scopes && { scopes_supported: scopes }),
    bearer_methods_supported: ["header"],
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
    ...(proofs !== undefined && { dpop_signing_alg_values_supported: proofs.algorithms ?? ALGORITHMS }),
    ...(proofs !== undefined && proofs.required === true && { dpop_bound_access_tokens_required: true }),
  };
  return { url: `${url.origin}${path}`, path, document };
}
