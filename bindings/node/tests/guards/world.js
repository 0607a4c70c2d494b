// The bank of the package's own tests, as it is now: tokens of anne's agent,
// each wrong in its own way.

import { Policy } from "deputize";

import { AUDIENCE, claims, sign, snapshot } from "../../../../wasm/tests/world.js";

export { AUDIENCE, ISSUER, dpop, snapshot, thumbprint } from "../../../../wasm/tests/world.js";

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
export const stricter = () => policy({ revision: "43", tuples: snapshot().tuples.filter(({ user, object }) => user !== "group:staff#member" || object !== "document:1") });

/** What the tools of the tests need. */
export const rules = {
  read: { action: "can_read", type: "document", id: ({ id }) => id },
  // Nobody has `blocked` by an agent's scopes: hidden from all.
  block: { action: "blocked", type: "document", id: ({ id }) => id },
  clock: "any-caller",
};

/** A rule that fails in the midst of the decision. */
export const broken = { action: "can_read", resource: () => { throw new Error("broken"); }, visible: () => true };

export { AUDIENCE as audience };
