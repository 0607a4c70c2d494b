// How a request is turned down: the status, the challenge (RFC 6750, RFC 9449,
// RFC 9728) and the problem document (RFC 9457) with a stable reason.

import type { Config } from "./config.js";

/** The well-known path of RFC 9728 §3.1, for a resource without a path. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";

/** The algorithms of DPoP proofs that are read (RFC 9449 §5.1). */
export const PROOF_ALGORITHMS = ["EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

const TITLES: { readonly [status: number]: string } = {
  400: "The request is not understood",
  401: "A token is needed, or the one given does not count",
  403: "Not allowed",
  404: "There is nothing here",
  405: "The method does not fit",
  413: "The request is too large",
  415: "The request's media type is not understood",
  500: "Something is wrong here",
  502: "The API did not answer",
  503: "No decision can be made at the moment",
  504: "The API did not answer in time",
};

/** What more there is to say. */
export interface Details {
  readonly headers?: { readonly [name: string]: string };
  /** The id of the decision's audit record. */
  readonly decision?: string;
  /** For 401 and 403. */
  readonly challenge?: readonly Challenge[];
}

/** One challenge of `WWW-Authenticate`. */
export interface Challenge {
  readonly scheme: "Bearer" | "DPoP";
  readonly error?: string;
  /** The scopes that a token needs, where the request was for something that has them. */
  readonly scope?: string;
}

/** A request that is turned down. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    /** A stable code: one of the core's, or one that begins with `edge.`. */
    readonly reason: string,
    readonly details: Details = {},
  ) {
    super(reason);
  }

  answer(config: Config | undefined): Response {
    const { headers, decision, challenge = [] } = this.details;
    const status = this.status;
    const problem = { type: "about:blank", title: TITLES[status], status, reason: this.reason, decision };
    const answer = Response.json(problem, { status, headers: { ...headers, "cache-control": "no-store" } });
    answer.headers.set("content-type", "application/problem+json");
    for (const one of challenge) answer.headers.append("www-authenticate", written(one, this.reason, config));
    return answer;
  }
}

/** All that stands in the quotes is a constant, a scope, a code or a setting: none of it has quotes of its own. */
function written({ scheme, error, scope }: Challenge, reason: string, config: Config | undefined): string {
  const parameters = [];
  if (error !== undefined) parameters.push(`error="${error}"`, `error_description="${reason}"`);
  if (scope !== undefined) parameters.push(`scope="${scope}"`);
  if (scheme === "DPoP") parameters.push(`algs="${PROOF_ALGORITHMS.join(" ")}"`);
  if (config !== undefined) parameters.push(`resource_metadata="${config.origin}${METADATA_PATH}"`);
  return `${scheme} ${parameters.join(", ")}`;
}
