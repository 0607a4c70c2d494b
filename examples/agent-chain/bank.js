// The bank: who may do what, who hands work to whom, and what signs tokens.

import { generateKeyPairSync } from "node:crypto";

import { Policy } from "deputize";
import { signer } from "deputize/sign";

export const ISSUER = "https://id.bank.example";

/** The agents' services, by the names under which tokens are made out to them. */
export const SERVICES = {
  coordinator: "https://coordinator.bank.example",
  documents: "https://documents.bank.example",
  credit: "https://credit.bank.example",
  calendar: "https://calendar.bank.example",
};

const model = `model
  schema 1.1

type user

type team
  relations
    define member: [user]

# Agents have rights of their own: what one may do for a person is what both may do.
type agent
  relations
    define can_invoke: [agent, team#member]

type document
  relations
    define can_read: [agent, team#member]

type company
  relations
    define can_check_credit: [agent, team#member]
    define can_open_account: [agent, team#member]

type calendar
  relations
    define can_read: [user, agent]
    define can_change: [user]
`;

const grants = [
  // Lena works in business banking, Frank looks into fraud.
  ["user:lena", "member", "team:business"],
  ["user:frank", "member", "team:fraud"],

  // People of business banking start the coordinator; it alone calls the others.
  ["team:business#member", "can_invoke", "agent:coordinator"],
  ["agent:coordinator", "can_invoke", "agent:documents"],
  ["agent:coordinator", "can_invoke", "agent:credit"],
  ["agent:coordinator", "can_invoke", "agent:calendar"],

  // The document agent reads whatever it is asked for; for whom it acts decides what it gets to see.
  ["team:business#member", "can_read", "document:bakery-register"],
  ["team:business#member", "can_read", "document:bakery-statutes"],
  ["team:fraud#member", "can_read", "document:case-118"],
  ["agent:documents", "can_read", "document:bakery-register"],
  ["agent:documents", "can_read", "document:bakery-statutes"],
  ["agent:documents", "can_read", "document:case-118"],

  ["team:business#member", "can_check_credit", "company:bakery"],
  ["agent:credit", "can_check_credit", "company:bakery"],
  ["team:business#member", "can_open_account", "company:bakery"],
  ["agent:coordinator", "can_open_account", "company:bakery"],

  ["user:lena", "can_read", "calendar:lena"],
  ["user:lena", "can_change", "calendar:lena"],
  ["agent:calendar", "can_read", "calendar:lena"],
];

/** What a scope covers. */
const scopes = {
  "documents:read": [{ action: "can_read", resource: "document:*" }],
  "credit:check": [{ action: "can_check_credit", resource: "company:*" }],
  "calendar:read": [{ action: "can_read", resource: "calendar:*" }],
  "calendar:change": [{ action: "can_change", resource: "calendar:*" }],
  "accounts:open": [{ action: "can_open_account", resource: "company:*" }],
};

/** The bank's policy, and the key of its issuer, which is made for this one run. */
export async function open() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const named = (key) => ({ ...key.export({ format: "jwk" }), kid: "bank-1", alg: "EdDSA" });
  const policy = Policy.fromJson({
    deputize: 1,
    revision: "7",
    model,
    tuples: grants.map(([user, relation, object]) => ({ user, relation, object })),
    principals: ["coordinator", "documents", "credit", "calendar"].map((name) => ({
      id: `agent:${name}`,
      identities: [{ issuer: ISSUER, subject: name }],
    })),
    issuers: [
      {
        issuer: ISSUER,
        audiences: Object.values(SERVICES),
        algorithms: ["EdDSA"],
        keys: { keys: [{ ...named(publicKey), use: "sig" }] },
        subject: "user:{sub}",
        actor: "agent:{sub}",
        chain: "rfc8693",
        scopes: "required",
      },
    ],
    scopes,
    delegation: {
      hops: ["user", "agent"].map((from) => ({ from, to: "agent", any_of: [{ user: "{from}", relation: "can_invoke", object: "{to}" }] })),
    },
  });
  const sign = await signer(named(privateKey));
  /** What somebody gets by logging in. */
  const login = (sub) => {
    const now = Math.floor(Date.now() / 1000);
    return sign({ iss: ISSUER, sub, aud: Object.values(SERVICES), scope: Object.keys(scopes).join(" "), iat: now, exp: now + 3600 });
  };
  return { policy, sign, login };
}
