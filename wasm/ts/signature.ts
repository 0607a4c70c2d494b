// Signatures that the host's WebCrypto checks.

import type { SignatureToCheck } from "./shapes.js";

type Importing = RsaHashedImportParams | EcKeyImportParams;
type Verifying = Algorithm | RsaPssParams | EcdsaParams;

function rsa(name: string, hash: number): [Importing, Verifying] {
  const key = { name, hash: `SHA-${hash}` };
  // RFC 7518 §3.5: the salt is as long as the hash.
  return [key, name === "RSA-PSS" ? { name, saltLength: hash / 8 } : { name }];
}

function ecdsa(namedCurve: string, hash: number): [Importing, Verifying] {
  const name = "ECDSA";
  return [{ name, namedCurve }, { name, hash: `SHA-${hash}` }];
}

const ALGORITHMS: { [name: string]: [Importing, Verifying] } = {
  RS256: rsa("RSASSA-PKCS1-v1_5", 256),
  RS384: rsa("RSASSA-PKCS1-v1_5", 384),
  RS512: rsa("RSASSA-PKCS1-v1_5", 512),
  PS256: rsa("RSA-PSS", 256),
  PS384: rsa("RSA-PSS", 384),
  PS512: rsa("RSA-PSS", 512),
  ES256: ecdsa("P-256", 256),
  ES384: ecdsa("P-384", 384),
};

/**
 * Whether the signature fits; `undefined` where the host cannot tell: it has no
 * WebCrypto (a page without TLS has none), or not this algorithm.
 */
export async function signatureFits(asked: SignatureToCheck): Promise<boolean | undefined> {
  const subtle = globalThis.crypto?.subtle;
  const known = Object.hasOwn(ALGORITHMS, asked.algorithm) ? ALGORITHMS[asked.algorithm] : undefined;
  if (subtle === undefined || known === undefined) return undefined;
  const [importing, verifying] = known;
  try {
    const jwk = asked.jwk as JsonWebKey;
    const key = await subtle.importKey("jwk", jwk, importing, false, ["verify"]);
    return await subtle.verify(verifying, key, fromBase64Url(asked.signature), new TextEncoder().encode(asked.input));
  } catch {
    return undefined;
  }
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}
