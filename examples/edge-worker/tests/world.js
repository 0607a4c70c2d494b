// The bank, with keys that are made anew each run, and tokens that they sign.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign as signRaw } from "node:crypto";
import { readFileSync } from "node:fs";

import { Policy } from "@deputize/wasm";

import { API, ISSUER, snapshotOf } from "../snapshot.js";

export { API, ISSUER };

const bank = JSON.parse(readFileSync(process.env.DEPUTIZE_BANK, "utf8"));

/** By way of PEM: in Node 20, a fresh key shares a lock with what generated it. */
function pair(kind, options) {
  const privateKeyEncoding = { type: "pkcs8", format: "pem" };
  const publicKeyEncoding = { type: "spki", format: "pem" };
  const made = generateKeyPairSync(kind, { ...options, privateKeyEncoding, publicKeyEncoding });
  return { privateKey: createPrivateKey(made.privateKey), publicKey: createPublicKey(made.publicKey) };
}

const keys = {
  bank: { alg: "EdDSA", ...pair("ed25519") },
  "bank-ec": { alg: "ES256", ...pair("ec", { namedCurve: "P-256" }) },
  gate: { alg: "EdDSA", ...pair("ed25519") },
  stranger: { alg: "EdDSA", ...pair("ed25519") },
};
const holder = pair("ec", { namedCurve: "P-256" });
const thief = pair("ec", { namedCurve: "P-256" });

/** A public key, as it stands in a snapshot. */
export const publicJwk = (kid) => ({ ...keys[kid].publicKey.export({ format: "jwk" }), kid, alg: keys[kid].alg, use: "sig" });

/** The gate's secret. */
export const signingKey = (kid = "gate") => JSON.stringify({ ...keys[kid].privateKey.export({ format: "jwk" }), kid, alg: keys[kid].alg });

export const seconds = () => Math.floor(Date.now() / 1000);

/** The bank's snapshot, changed by `change`. */
export function snapshot({ revision = "1", issuedAt = seconds() - 10, lifetime = 3600, change = (it) => it } = {}) {
  const known = ["bank", "bank-ec", "gate"].map(publicJwk);
  return change(snapshotOf(structuredClone(bank), { keys: known, revision, issuedAt, lifetime }));
}

/** A snapshot as it lies in KV. */
export function compiled(options) {
  const policy = Policy.fromJson(snapshot(options));
  const bytes = policy.toCompiled();
  policy.free();
  return { bytes, digest: createHash("sha256").update(bytes).digest("hex"), revision: options?.revision ?? "1" };
}

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

function signed(header, claims, { alg, privateKey }) {
  const input = `${base64(header)}.${base64(claims)}`;
  const raw = alg === "ES256" ? signRaw("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }) : signRaw(null, Buffer.from(input), privateKey);
  return `${input}.${raw.toString("base64url")}`;
}

/** A token of the bank's: by default that of its document agent, which the coordinator called for Nora of legal. */
export function token(more = {}, { kid = "bank", key = kid, header = {} } = {}) {
  const now = seconds();
  const claims = {
    iss: ISSUER,
    aud: API,
    sub: "nora",
    act: { sub: "documents", act: { sub: "coordinator" } },
    scope: "documents:read",
    iat: now - 5,
    exp: now + 300,
    ...more,
  };
  return signed({ alg: keys[key].alg, kid, typ: "at+jwt", ...header }, claims, keys[key]);
}

/** Claims, or a text of them, with a header of one's own and without a signature that fits. */
export const unsigned = (header, claims) => `${base64(header)}.${base64(claims)}.`;

/** A thumbprint for `cnf`. */
export function thumbprint() {
  const { kty, crv, x, y } = holder.publicKey.export({ format: "jwk" });
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

let proofs = 0;

/** A DPoP proof of the holder, for a token and a request. */
export function proof(of, { method = "GET", uri = `${API}/documents/fees`, iat = seconds(), jti = `p-${++proofs}`, by = holder } = {}) {
  const { kty, crv, x, y } = by.publicKey.export({ format: "jwk" });
  const ath = createHash("sha256").update(of).digest("base64url");
  return signed({ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } }, { jti, htm: method, htu: uri, iat, ath }, { alg: "ES256", privateKey: by.privateKey });
}

export { thief };
