// The built-in examples: the bank's people and agents, with tokens of a key
// whose secret is a sentence, so that every build makes the same bytes.

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { Policy } from "@deputize/wasm";
import { parse } from "yaml";

const ISSUER = "https://id.bank.example";
const AUDIENCES = ["coordinator", "documents", "accounts", "calendars"].map((name) => `https://${name}.bank.example`);
const [, DOCUMENTS, ACCOUNTS, CALENDARS] = AUDIENCES;
const SCOPES = "documents:read accounts:phone accounts:limit calendars:read";

/** When the examples happen: a Thursday morning, seconds since the Unix epoch. */
const NOW = Date.UTC(2026, 0, 15, 10) / 1000;

function pair(sentence) {
  const seed = createHash("sha256").update(sentence).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { privateKey, jwk: createPublicKey(privateKey).export({ format: "jwk" }) };
}

const bankKey = pair("the bank of the examples: anyone may know this key");
const holderKey = pair("a holder of the examples: anyone may know this key");
const KID = "bank-2026";

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function signed(claims, header = { alg: "EdDSA", kid: KID, typ: "at+jwt" }, { privateKey } = bankKey) {
  const input = `${base64(header)}.${base64(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
}

const bank = (file) => readFileSync(new URL(`../bank/${file}`, import.meta.url), "utf8");
const jwks = { keys: [{ ...bankKey.jwk, kid: KID, alg: "EdDSA", use: "sig" }] };
const trust = JSON.parse(bank("trust.json"));
trust.issuers[0].keys = jwks;
const snapshot = { deputize: 1, revision: "2026-01-15", model: bank("model.fga"), tuples: parse(bank("tuples.yaml")), ...trust };

const policy = Policy.fromJson(snapshot);

let tokens = 0;
/** The token that somebody gets by logging in. */
function login(sub, more = {}) {
  const jti = `t-${++tokens}`;
  return { iss: ISSUER, sub, aud: AUDIENCES, scope: SCOPES, jti, iat: NOW - 120, exp: NOW + 3480, ...more };
}

/** The token with which an agent goes on, as the policy gives it. */
function handOn(token, agent, { audience, scope, confirmation } = {}) {
  const { claims } = policy.exchange({
    subject_token: token,
    actor: { principal: `agent:${agent}` },
    wanted: { lifetime: 300, ...(confirmation && { confirmation }), ...(audience && { audiences: [audience] }), ...(scope && { scope }) },
    now: NOW - 60,
  });
  return signed({ ...claims, jti: `t-${++tokens}` });
}

const started = (sub) => handOn(signed(login(sub)), "coordinator");
const documents = (sub, more) => handOn(started(sub), "documents", { audience: DOCUMENTS, scope: "documents:read", ...more });
const actors = (...names) => names.reduce((act, sub) => (act ? { sub, act } : { sub }), undefined);
const short = { iat: NOW - 60, exp: NOW + 240 };

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

function unsigned(token) {
  return `${base64({ alg: "none", typ: "at+jwt" })}.${base64(claimsOf(token))}.`;
}

/** Somebody else's name under the same signature. */
function tampered(token) {
  const [header, , signature] = token.split(".");
  return `${header}.${base64({ ...claimsOf(token), sub: "nora" })}.${signature}`;
}

const { kty, crv, x } = holderKey.jwk;
const jkt = createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
const bound = documents("sara", { confirmation: { jkt } });
const uri = `${DOCUMENTS}/sections/dispute-policy-1`;
const proof = signed(
  { jti: "p-1", htm: "GET", htu: uri, iat: NOW - 1, ath: createHash("sha256").update(bound).digest("base64url") },
  { typ: "dpop+jwt", alg: "EdDSA", jwk: { kty, crv, x } },
  holderKey,
);

const OPEN = { action: "can_read", resource: "section:dispute-policy-1" };
const SECRET = { action: "can_read", resource: "section:dispute-policy-3" };
const CALENDAR = { action: "can_read", resource: "calendar:nora" };
const sara = documents("sara");
const calendar = handOn(started("nora"), "calendar", { audience: CALENDARS, scope: "calendars:read" });

/** Each example: what is pasted, when it is looked at, what is asked. */
export const examples = [
  {
    name: "delegated",
    title: "A person, two agents",
    summary: "Sara of support starts a coordinator, which calls the document agent. Both may read the first section.",
    token: sara,
    audience: DOCUMENTS,
    ask: OPEN,
  },
  {
    name: "not-for-sara",
    title: "The agent may, she may not",
    summary: "The document agent may read the legal section. Sara may not, so it may not for her.",
    token: sara,
    audience: DOCUMENTS,
    ask: SECRET,
  },
  {
    name: "limit",
    title: "A condition that fails",
    summary: "Lena of loans may change limits up to 10,000. Her agent asks for 12,000.",
    token: handOn(started("lena"), "business", { audience: ACCOUNTS, scope: "accounts:phone accounts:limit" }),
    audience: ACCOUNTS,
    ask: { action: "can_change_limit", resource: "account:carla", context: { amount: 12000, segment: "private" } },
  },
  {
    name: "nightly",
    title: "Started by a service",
    summary: "Nobody starts the nightly run by hand: the chain begins at a service.",
    token: documents("nightly"),
    audience: DOCUMENTS,
    ask: { action: "can_read", resource: "document:counter-guide" },
  },
  {
    name: "dpop",
    title: "Bound to a key, with its proof",
    summary: "Only the holder of a key may use this token. The request's DPoP proof shows that it is.",
    token: bound,
    audience: DOCUMENTS,
    dpop: { proof, method: "GET", uri },
    ask: OPEN,
  },
  {
    name: "dpop-stolen",
    title: "Bound to a key, stolen",
    summary: "The same token without a proof of the key: whoever copied it can do nothing with it.",
    fault: true,
    token: bound,
    audience: DOCUMENTS,
    ask: OPEN,
  },
  {
    name: "expired",
    title: "Expired",
    summary: "The first example's token, three hours after its end.",
    fault: true,
    token: sara,
    audience: DOCUMENTS,
    ask: OPEN,
    now: NOW + 240 + 3 * 3600,
  },
  {
    name: "alg-none",
    title: "No signature: alg none",
    summary: "The same claims with `alg` `none`. Anyone could have written it.",
    fault: true,
    token: unsigned(sara),
    audience: DOCUMENTS,
    ask: OPEN,
  },
  {
    name: "tampered",
    title: "Claims changed",
    summary: "Sara's token with Nora's name in it, under the old signature.",
    fault: true,
    token: tampered(sara),
    audience: DOCUMENTS,
    ask: SECRET,
  },
  {
    name: "wrong-audience",
    title: "Meant for another service",
    summary: "The calendar agent's token, stolen and shown to the document service.",
    fault: true,
    token: calendar,
    audience: DOCUMENTS,
    ask: SECRET,
  },
  {
    name: "hop-not-permitted",
    title: "A hop not permitted",
    summary: "The document agent hands on to the calendar agent. Only the coordinator may call that one.",
    fault: true,
    token: signed(login("sara", { ...short, aud: CALENDARS, scope: "calendars:read", act: actors("coordinator", "documents", "calendar") })),
    audience: CALENDARS,
    ask: { action: "can_read", resource: "calendar:sara" },
  },
  {
    name: "wide-scope",
    title: "A scope too wide",
    summary: "A careless token: its scope is for everything. What the calendar agent may do itself still bounds it.",
    fault: true,
    token: signed(login("nora", { ...short, aud: CALENDARS, scope: "*", act: actors("coordinator", "calendar") })),
    audience: CALENDARS,
    ask: SECRET,
  },
  {
    name: "cycle",
    title: "A chain that bites its tail",
    summary: "The coordinator calls the document agent, which calls the coordinator again.",
    fault: true,
    token: signed(login("sara", { ...short, aud: DOCUMENTS, scope: "documents:read", act: actors("coordinator", "documents", "coordinator") })),
    audience: DOCUMENTS,
    ask: OPEN,
  },
  {
    name: "keys",
    title: "With keys alone",
    summary: "A JWKS says whether the signature fits, and no more.",
    with: "keys",
    token: calendar,
    ask: CALENDAR,
  },
  {
    name: "nothing",
    title: "With nothing at hand",
    summary: "What can be told of a token by looking at it.",
    with: "nothing",
    token: calendar,
    ask: CALENDAR,
  },
].map((example) => ({ now: NOW, fault: false, with: "snapshot", ...example }));

export const policies = {
  snapshot: JSON.stringify(snapshot, null, 2),
  keys: JSON.stringify(jwks, null, 2),
  nothing: "",
};
