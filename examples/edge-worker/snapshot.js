// The bank's snapshot, as `deputize demo --write` gives it, made this gate's:
// with the API as an audience, the gate's own key beside the bank's, and a
// gateway that may ask about others.

/** Where the API is. */
export const API = "https://api.bank.example";
export const ISSUER = "https://id.bank.example";

/**
 * @param bank The bank's snapshot.
 * @param keys Public keys of the issuer, as JWKs.
 * @param issuedAt In seconds since the Unix epoch.
 * @param lifetime For how many seconds the snapshot is to hold.
 */
export function snapshotOf(bank, { keys, revision, issuedAt, lifetime }) {
  const [issuer] = bank.issuers;
  const identities = [{ issuer: ISSUER, subject: "gateway" }];
  return {
    ...bank,
    revision,
    issued_at: issuedAt,
    not_after: issuedAt + lifetime,
    issuers: [{ ...issuer, audiences: [...issuer.audiences, API], algorithms: ["EdDSA", "ES256"], keys: { keys } }],
    principals: [...bank.principals, { id: "service:gateway", identities }],
    access: [{ principal: "service:gateway", action: "authzen:evaluate", resource: "/access/v1/" }],
    scopes: { ...bank.scopes, "authzen:evaluate": [{ action: "authzen:evaluate", resource: "/access/v1/" }] },
  };
}
