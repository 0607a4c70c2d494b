// Tokens for the next hop: claims that the policy has narrowed, signed with
// WebCrypto.

import { type Caller, DeputizeError, type ExchangeClaims, type WantedToken } from "deputize";

import type { Identity } from "./identity.js";

/** Signs claims: a JWT. */
export type Sign = (claims: { readonly [name: string]: unknown }) => Promise<string>;

/** A private key as a JWK, with the name under which the policy's issuer lists its public half. */
export interface SigningKey extends JsonWebKey {
  readonly kid: string;
}

/** What WebCrypto calls the algorithms of RFC 7518 and RFC 8037. */
const ALGORITHMS: { readonly [alg: string]: { name: string; hash?: string; namedCurve?: string; saltLength?: number } } = {
  EdDSA: { name: "Ed25519" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  RS384: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  RS512: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  PS384: { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
  PS512: { name: "RSA-PSS", hash: "SHA-512", saltLength: 64 },
};
const BY_CURVE: { readonly [curve: string]: string } = { "P-256": "ES256", "P-384": "ES384", Ed25519: "EdDSA" };

/**
 * What signs with a key. Each token gets a `jti` of its own where its claims
 * have none.
 *
 * @param typ The header's `typ`; `at+jwt` by default (RFC 9068).
 * @throws {DeputizeError} of the kind `misuse`: the key is none, or its `alg` is not said or not known.
 */
export async function signer(key: SigningKey, { typ = "at+jwt" }: { typ?: string } = {}): Promise<Sign> {
  const { kid, alg = BY_CURVE[key.crv ?? ""] ?? "", key_ops: _, use: __, ext: ___, ...material } = key;
  const algorithm = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  if (algorithm === undefined || typeof kid !== "string" || kid === "")
    throw misuse("a signing key needs a `kid`, and an `alg` of an asymmetric algorithm");
  let secret: CryptoKey;
  try {
    secret = await crypto.subtle.importKey("jwk", material, algorithm, false, ["sign"]);
  } catch (cause) {
    throw misuse(`the signing key is no private key for \`${alg}\``, cause);
  }
  const header = base64(JSON.stringify({ alg, kid, typ }));
  return async (claims) => {
    const input = `${header}.${base64(JSON.stringify({ jti: crypto.randomUUID(), ...claims }))}`;
    const signature = await crypto.subtle.sign(algorithm, secret, encoder.encode(input));
    return `${input}.${base64(new Uint8Array(signature))}`;
  };
}

/** What the next hop is given. Its scope is always said: nothing is handed on for want of a word. */
export interface Handed extends Omit<WantedToken, "scope"> {
  readonly scope: string;
}

/** A token for the next hop. */
export interface Delegated extends ExchangeClaims {
  readonly token: string;
}

/**
 * A token with which `actor` (`type:id`) acts for a caller: of the caller's
 * scopes, audiences and time it has what is asked for, and never more. It lives
 * for five minutes at most, unless a `lifetime` says otherwise.
 *
 * @throws {DeputizeError} of the kind `denied`, with `oauthError`: the policy does not let `actor` act for the caller, or that with this.
 */
export async function delegate(caller: Caller | Identity, actor: string, wanted: Handed, sign: Sign): Promise<Delegated> {
  if (typeof wanted?.scope !== "string") throw misuse("what is handed on needs a `scope`");
  const asked = { lifetime: 300, ...wanted };
  const now = "ask" in caller ? caller.caller() : caller.at();
  let next: ExchangeClaims;
  try {
    next = now.delegate(actor, asked);
  } finally {
    now.free();
  }
  return { ...next, token: await sign(next.claims) };
}

const encoder = new TextEncoder();

function base64(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

const misuse = (message: string, cause?: unknown): DeputizeError => new DeputizeError({ kind: "misuse", code: "call.options", message }, { cause });
