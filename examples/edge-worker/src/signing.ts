// Signing tokens with WebCrypto, by a key from the Worker's secrets.

const ALGORITHMS = {
  EdDSA: { name: "Ed25519" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
} as const;

/** A key that signs and cannot be read back. */
export interface Signer {
  readonly algorithm: keyof typeof ALGORITHMS;
  readonly kid: string;
  readonly key: CryptoKey;
}

/** A private JWK as text; `undefined` where it is none that can be used. */
export async function readSigner(secret: unknown): Promise<Signer | undefined> {
  try {
    const jwk = JSON.parse(secret as string);
    const algorithm = jwk.alg as keyof typeof ALGORITHMS;
    if (!Object.hasOwn(ALGORITHMS, algorithm)) return undefined;
    if (typeof jwk.kid !== "string" || jwk.kid === "" || typeof jwk.d !== "string") return undefined;
    const { kty, crv, x, y, d } = jwk;
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, ALGORITHMS[algorithm], false, ["sign"]);
    return { algorithm, kid: jwk.kid, key };
  } catch {
    // Whatever is thrown may repeat the secret.
    return undefined;
  }
}

/** An access token (RFC 9068) of these claims. */
export async function sign(signer: Signer, claims: { readonly [name: string]: unknown }): Promise<string> {
  const header = { alg: signer.algorithm, kid: signer.kid, typ: "at+jwt" };
  const input = `${text(header)}.${text(claims)}`;
  const signature = await crypto.subtle.sign(ALGORITHMS[signer.algorithm], signer.key, utf8.encode(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

const utf8 = new TextEncoder();

function text(value: object): string {
  return base64url(utf8.encode(JSON.stringify(value)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
