// The bank of the package's own tests, as it is now: tokens of anne's agent,
// each wrong in its own way.

import { createHash, createPublicKey, generateKeyPairSync, sign as signRaw } from "node:crypto";

import { Policy } from "deputize";

import { AUDIENCE, claims, sign, snapshot } from "../../../../wasm/tests/world.js";

export { AUDIENCE, ISSUER, snapshot } from "../../../../wasm/tests/world.js";

export const now = () => Math.floor(Date.now() / 1000);

/** A token of anne's agent. */
export const token = (more = {}, alg = "EdDSA") => sign(alg, claims({ iat: now() - 10, exp: now() + 300, ...more }));

export const expired = () => token({ iat: now() - 600, exp: now() - 300 });
export const foreign = () => token({ aud: "https://other.example" });
export const narrow = () => token({ scope: "calendar:read" });

/** Tokens that must not get anywhere, and the reasons. */
export const refused = { expired: [expired, "token.expired"], "of another audience": [foreign, "audience.mismatch"] };

export const policy = (more = {}) => Policy.fromJson(snapshot(more));

/** The same bank, where anne may read nothing any longer. */
export const stricter = () =>
  policy({ revision: "43", tuples: snapshot().tuples.filter(({ user, object }) => user !== "group:staff#member" || object !== "document:1") });

/** What the tools of the tests need. */
export const rules = {
  read: { action: "can_read", type: "document", id: ({ id }) => id },
  // Nobody has `blocked` by an agent's scopes: hidden from all.
  block: { action: "blocked", type: "document", id: ({ id }) => id },
  clock: "any-caller",
};

/** A rule that fails in the midst of the decision. */
export const broken = {
  action: "can_read",
  resource: () => {
    throw new Error("broken");
  },
  visible: () => true,
};

const client = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const { kty, crv, x, y } = createPublicKey(client.publicKey).export({ format: "jwk" });
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
let proofs = 0;

/** A token that is bound to the client's key. */
export const bound = (more = {}) =>
  token({ cnf: { jkt: createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url") }, ...more });

/** A DPoP proof of the client, each with a `jti` of its own. */
export function proof(token, method, htu, more = {}) {
  const ath = createHash("sha256").update(token).digest("base64url");
  const input = `${base64({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } })}.${base64({ jti: `proof-${proofs++}`, htm: method, htu, iat: now(), ath, ...more })}`;
  return `${input}.${signRaw("sha256", Buffer.from(input), { key: client.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
