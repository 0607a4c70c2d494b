// A small bank: who may see what, and keys that sign its tokens. The private
// keys are made anew each run.

import { constants, createHash, createHmac, createPrivateKey, createPublicKey, createSign, generateKeyPairSync, sign as signRaw } from "node:crypto";

export const NOW = 1_763_719_200;
export const ISSUER = "https://id.example";
export const AUDIENCE = "https://api.example";

/**
 * Keys by way of their PEM: in Node 20, a generated key shares a lock with what
 * generated it, and a collection in the midst of exporting it waits forever.
 */
function pair(kind, options) {
  const privateKeyEncoding = { type: "pkcs8", format: "pem" };
  const publicKeyEncoding = { type: "spki", format: "pem" };
  const { privateKey, publicKey } = generateKeyPairSync(kind, { ...options, privateKeyEncoding, publicKeyEncoding });
  return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) };
}

const pairs = {
  RS: pair("rsa", { modulusLength: 2048 }),
  PS: pair("rsa", { modulusLength: 2048 }),
  ES256: pair("ec", { namedCurve: "P-256" }),
  ES384: pair("ec", { namedCurve: "P-384" }),
  EdDSA: pair("ed25519"),
};
const secret = Buffer.alloc(64, "not a secret at all");

export const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

const pairOf = (alg) => pairs[alg] ?? pairs[alg.slice(0, 2)];
const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A signed token. */
export function sign(alg, claims, { kid = alg, typ = "at+jwt", header = {}, key = pairOf(alg)?.privateKey } = {}) {
  const input = `${base64({ alg, kid, typ, ...header })}.${base64(claims)}`;
  return `${input}.${signature(alg, input, key).toString("base64url")}`;
}

function signature(alg, input, key) {
  const data = Buffer.from(input);
  const hash = `sha${alg.slice(2)}`;
  if (alg === "EdDSA") return signRaw(null, data, key);
  if (alg.startsWith("HS")) return createHmac(hash, secret).update(data).digest();
  if (alg.startsWith("ES")) return signRaw(hash, data, { key, dsaEncoding: "ieee-p1363" });
  if (alg.startsWith("RS")) return createSign(hash).update(data).sign(key);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return signRaw(hash, data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

/** The claims of a token of anne's agent. */
export function claims(more = {}) {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "anne",
    act: { sub: "triage" },
    scope: "document:read",
    iat: NOW - 10,
    exp: NOW + 300,
    jti: "t-1",
    ...more,
  };
}

function jwk(alg) {
  return { ...pairOf(alg).publicKey.export({ format: "jwk" }), kid: alg, alg, use: "sig" };
}

export const model = `model
  schema 1.1
type user
type agent
  relations
    define delegate_of: [user]
type group
  relations
    define member: [user, group#member]
type document
  relations
    define blocked: [user]
    define viewer: [user, user:*, agent, group#member, user with in_hours]
    define can_read: viewer but not blocked
condition in_hours(hour: int) {
  hour >= 9 && hour < 17
}
`;

export function snapshot(more = {}) {
  return {
    deputize: 1,
    revision: "42",
    model,
    tuples: [
      { user: "agent:triage", relation: "viewer", object: "document:1" },
      { user: "agent:triage", relation: "viewer", object: "document:2" },
      { user: "user:anne", relation: "delegate_of", object: "agent:triage" },
      { user: "user:anne", relation: "member", object: "group:staff" },
      { user: "group:staff#member", relation: "viewer", object: "document:1" },
      { user: "user:bob", relation: "viewer", object: "document:2", condition: { name: "in_hours" } },
      { user: "user:anne", relation: "viewer", object: "document:3" },
      { user: "user:anne", relation: "blocked", object: "document:3" },
    ],
    issuers: [
      {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        algorithms: ALGORITHMS,
        keys: { keys: ALGORITHMS.map(jwk) },
        subject: "user:{sub}",
        actor: "agent:{sub}",
        chain: "rfc8693",
        scopes: "required",
      },
      {
        issuer: "https://shared.example",
        audiences: [AUDIENCE],
        algorithms: ["HS256"],
        keys: { keys: [{ kty: "oct", kid: "HS256", alg: "HS256", k: secret.toString("base64url") }] },
        subject: "user:{sub}",
        scopes: "narrow",
      },
    ],
    scopes: { "document:read": [{ action: "can_read", resource: "document:*" }] },
    delegation: {
      hops: [{ from: "user", to: "agent", any_of: [{ user: "{from}", relation: "delegate_of", object: "{to}" }] }],
      max_depth: 2,
    },
    ...more,
  };
}

/** A DPoP proof with a key of its own, and the thumbprint of that key. */
export function dpop(token, { method = "GET", uri = "https://api.example/documents", iat = NOW } = {}) {
  const { privateKey, publicKey } = pairs.ES256;
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const ath = createHash("sha256").update(token).digest("base64url");
  const body = { jti: "p-1", htm: method, htu: uri, iat, ath };
  const input = `${base64({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } })}.${base64(body)}`;
  const signed = signRaw("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return { proof: `${input}.${signed.toString("base64url")}`, method, uri };
}

export function thumbprint() {
  const { kty, crv, x, y } = pairs.ES256.publicKey.export({ format: "jwk" });
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

/** What is thrown, as plain data; fails where nothing is. */
export function thrown(what) {
  try {
    what();
  } catch (error) {
    if (error?.name !== "DeputizeError") throw error;
    return error.toJSON();
  }
  throw new Error("nothing was thrown");
}

/** As {@link thrown}, of a promise. */
export async function rejected(what) {
  return thrown(await what().then(
    () => () => {},
    (error) => () => {
      throw error;
    },
  ));
}
