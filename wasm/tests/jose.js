// JOSE vectors that others wrote (Wycheproof's JWS and JWK cases, the
// signatures of RFC 7520), as what this package is asked and has to answer.
// They lie beside the project, not in it; without them there is nothing to run.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../../shared/conformance", import.meta.url));
const folder = `${process.env["DEPUTIZE_CONFORMANCE"] ?? beside}/jose`;

/** Why there is nothing to run, or `false`. */
export const missing = existsSync(folder) ? false : "there is no folder `jose` among the conformance cases";

/** Cases whose expected result is not ours: `core/tests/it/jose.rs` says why. */
const EXCEPTIONS = new Set([346, 347, 350, 351, 367, 370, 372, 373].map((id) => `json_web_signature_test ${id}`));
const WYCHEPROOF = ["json_web_signature_test", "json_web_key_test", "json_web_crypto_test"];
const COOKBOOK = [
  "jws/4_1.rsa_v15_signature",
  "jws/4_2.rsa-pss_signature",
  "jws/4_3.ecdsa_signature",
  "jws/4_4.hmac-sha2_integrity_protection",
  "jws/4_5.signature_with_detached_content",
  "jws/4_6.protecting_specific_header_fields",
  "jws/4_7.protecting_content_only",
  "curve25519/jws",
];
/** Of the cookbook: P-521 is not supported, and a header must be protected. */
const REFUSED = { "jws/4_3.ecdsa_signature": "token.algorithm", "jws/4_7.protecting_content_only": "token.malformed" };

const read = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));

/** The public part of a key, whatever it holds. */
function shown(jwk) {
  if (jwk.kty === "oct") return jwk;
  const { d, p, q, dp, dq, qi, ...rest } = jwk;
  return rest;
}

/** The algorithm that a token claims: what an attacker would wish to be used. */
function claimed(token) {
  try {
    return JSON.parse(Buffer.from(token.split(".")[0], "base64url").toString()).alg;
  } catch {
    return undefined;
  }
}

const SUPPORTED = new Set([..."RS PS HS".split(" ").flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`)), "ES256", "ES384", "EdDSA", "Ed25519"]);

function asked(name, keys, token, expected) {
  const named = keys.map((key) => key.alg).filter((alg) => SUPPORTED.has(alg));
  const algorithms = named.length > 0 ? [...new Set(named)] : [claimed(token)].filter((alg) => SUPPORTED.has(alg));
  return { name, token, keys: { keys }, options: { algorithms }, expected };
}

function* wycheproof(file) {
  for (const group of read(`wycheproof/${file}`).testGroups) {
    const key = group.public ?? group.private;
    const keys = (key.keys ?? [key]).map(shown);
    for (const { jws, tcId, result } of group.tests) {
      // Encrypted tokens are not ours to read.
      if (jws === undefined) continue;
      const name = `${file} ${tcId}`;
      const token = typeof jws === "string" ? jws : JSON.stringify(jws);
      yield asked(name, keys, token, (result === "valid") !== EXCEPTIONS.has(name));
    }
  }
}

/** Each valid signature, and the same with one bit changed. */
function* cookbook(name) {
  const { input, signing } = read(`jose-cookbook/${name}`);
  const algorithm = signing.protected?.alg ?? signing.unprotected.alg;
  // Where the signed header names no key, the one that signed is named.
  const key = { ...shown(input.key), kid: signing.protected?.kid ?? "it" };
  const options = { algorithms: SUPPORTED.has(algorithm) ? [algorithm] : [], kid: "it" };
  const keys = { keys: [key] };
  const token = `${signing["sig-input"]}.${signing.sig}`;
  const refused = REFUSED[name];
  yield { name, token, keys, options, expected: refused ?? true };
  if (refused !== undefined) return;
  const place = signing["sig-input"].length + 10;
  const forged = `${token.slice(0, place)}${token[place] === "A" ? "B" : "A"}${token.slice(place + 1)}`;
  yield { name: `${name}, forged`, token: forged, keys, options, expected: "token.signature" };
}

/** All cases: `expected` is whether it is accepted, or the code of its refusal. */
export function cases() {
  return [...WYCHEPROOF.flatMap((file) => [...wycheproof(file)]), ...COOKBOOK.flatMap((name) => [...cookbook(name)])];
}
