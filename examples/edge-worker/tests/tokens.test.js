import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { deputize, local } from "../bank.js";
import { start } from "./gate.js";
import { API, compiled, proof, publicJwk, seconds, signingKey, snapshot, thief, thumbprint, token, unsigned } from "./world.js";

let gate;
const now = seconds();

const issuedAt = now - 10;
const revoked = { tokens: ["taken-back"], keys: [{ issuer: "https://id.bank.example", kid: "bank-ec" }], principals: { "user:tom": now - 1 } };
const change = (snapshot) => ({ ...snapshot, revoked });

before(async () => (gate = await start({ snapshot: { issuedAt, change } })));
after(() => gate.stop());

/** The answer is a problem of that status and reason, and nothing came through. */
function refused(answer, status, reason) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers["content-type"], "application/problem+json");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual({ ...answer.json, decision: undefined, title: undefined }, { type: "about:blank", status, reason, decision: undefined, title: undefined });
}

test("a good token passes, and the API is told for whom", async () => {
  const answer = await gate.ask("/documents/dispute-policy?page=2", { token: token() });
  assert.equal(answer.status, 200, answer.text);
  const { method, url, headers } = answer.json;
  assert.equal(method, "GET");
  assert.equal(new URL(url).pathname + new URL(url).search, "/documents/dispute-policy?page=2");
  assert.equal(headers["x-deputize-subject"], "user:nora");
  assert.equal(headers["x-deputize-actor"], "agent:documents");
  assert.equal(headers["x-deputize-chain"], "user:nora, agent:coordinator, agent:documents");
  assert.match(headers["x-deputize-decision"], /^[0-9a-f]{64}$/);
  assert.equal(headers["x-deputize-revision"], "1");
  assert.equal(headers.authorization, undefined);

  const line = await gate.logged((line) => line.record?.id === headers["x-deputize-decision"]);
  assert.equal(line.event, "decision");
  assert.deepEqual([line.record.allowed, line.record.actor, line.record.actingOnBehalfOf, line.record.resource], [true, "agent:documents", "user:nora", "document:dispute-policy"]);
});

test("a person's own token passes, and a body goes on as it came", async () => {
  const body = JSON.stringify({ phone: "+31 20 555 0100" });
  const asked = { method: "PUT", token: token({ sub: "sara", act: { sub: "business", act: { sub: "coordinator" } }, scope: "accounts:phone" }), body, headers: { "content-type": "application/json" } };
  const answer = await gate.ask("/accounts/carla/phone", asked);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.json.method, answer.json.body, answer.json.headers["content-type"]], ["PUT", body, "application/json"]);
  const own = await gate.ask("/documents/fees", { token: token({ sub: "carla", act: undefined }) });
  assert.deepEqual([own.status, own.json.headers["x-deputize-chain"]], [200, "user:carla"]);
});

test("without a token the challenge says where to get one", async () => {
  const answer = await gate.ask("/documents/fees");
  refused(answer, 401, "edge.token_missing");
  const metadata = `${API}/.well-known/oauth-protected-resource`;
  assert.equal(
    answer.headers["www-authenticate"],
    `Bearer scope="documents:read", resource_metadata="${metadata}", DPoP scope="documents:read", algs="EdDSA ES256 ES384 PS256 PS384 PS512 RS256 RS384 RS512", resource_metadata="${metadata}"`,
  );
});

const secret = JSON.parse(signingKey("bank")).x;
const header = { alg: "HS256", kid: "bank", typ: "at+jwt" };
const symmetric = unsigned(header, { iss: "https://id.bank.example", aud: API, sub: "nora", scope: "documents:read", iat: now, exp: now + 300 });

const BAD = {
  "another scheme": ["edge.token_malformed", { authorization: "Basic bm9yYTpub3Jh" }],
  "no token after the scheme": ["edge.token_malformed", { authorization: "Bearer " }],
  "two headers": ["edge.token_malformed", { authorization: [`Bearer ${token()}`, `Bearer ${token()}`] }],
  garbage: ["token.malformed", "garbage"],
  "four segments": ["token.malformed", `${token()}.x`],
  "padding": ["token.malformed", `${token()}=`],
  "no algorithm": ["token.algorithm", unsigned({ alg: "none", kid: "bank" }, {})],
  "the public key as a shared secret": ["token.algorithm", symmetric + createHmac("sha256", Buffer.from(secret, "base64url")).update(symmetric.slice(0, -1)).digest("base64url")],
  "a stranger's signature": ["token.signature", token({}, { key: "stranger" })],
  "a signature of another token": ["token.signature", `${token({ sub: "leo" }).split(".").slice(0, 2).join(".")}.${token().split(".")[2]}`],
  "an unknown key": ["key.unknown", token({}, { kid: "stranger" })],
  "its own key in the header": ["token.signature", token({}, { key: "stranger", header: { jwk: publicJwk("stranger") } })],
  "an extension that must be understood": ["token.critical", token({}, { header: { crit: ["b64"], b64: false } })],
  "another type": ["token.type", token({}, { header: { typ: "logout+jwt" } })],
  "no issuer": ["issuer.missing", token({ iss: undefined })],
  "another issuer": ["issuer.unknown", token({ iss: "https://id.bank.example/" })],
  expired: ["token.expired", token({ iat: now - 600, exp: now - 1 })],
  "not yet valid": ["token.not_yet_valid", token({ nbf: now + 120 })],
  "without an end": ["token.claim_missing", token({ exp: undefined })],
  "an end that is no number": ["token.claim", token({ exp: "tomorrow" })],
  "too long a life": ["token.lifetime", token({ exp: now + 100_000 })],
  "no audience": ["audience.missing", token({ aud: undefined })],
  "another audience": ["audience.mismatch", token({ aud: "https://calendars.bank.example" })],
  "scopes that are none": ["scope.grammar", token({ scope: 'documents:read "' })],
  "nobody": ["identity.missing", token({ sub: undefined, act: undefined })],
  "an agent as the subject": ["chain.root_type", token({ sub: "documents", act: undefined })],
  "an agent that was not called": ["chain.hop_not_permitted", token({ sub: "sara", act: { sub: "documents" } })],
  "a teller starts the coordinator": ["chain.hop_not_permitted", token({ sub: "dina", act: { sub: "coordinator" } })],
  "an agent twice": ["chain.cycle", token({ act: { sub: "coordinator", act: { sub: "documents", act: { sub: "coordinator" } } } })],
  "a cut chain": ["chain.incomplete", token({ chain_complete: false })],
  "taken back": ["revoked.token", token({ jti: "taken-back" })],
  "of a revoked key": ["revoked.key", token({}, { kid: "bank-ec" })],
  "of a revoked person": ["revoked.principal", token({ sub: "tom", act: undefined })],
  "bound to a key, shown as if it were not": ["proof.missing", token({ cnf: { jkt: thumbprint() } })],
  "bound in an unknown way": ["proof.unsupported", token({ cnf: { kid: "1" } })],
};

for (const [what, [reason, given]] of Object.entries(BAD)) {
  test(`a bad token: ${what}`, async () => {
    const headers = typeof given === "string" ? { authorization: `Bearer ${given}` } : given;
    const answer = await gate.ask("/documents/fees", { headers });
    refused(answer, 401, reason);
    const scheme = reason.startsWith("proof.") ? "DPoP" : "Bearer";
    assert.match(answer.headers["www-authenticate"], new RegExp(`^${scheme} error="invalid_token", error_description="${reason}", scope="documents:read"`));
    assert.match(answer.headers["www-authenticate"], /resource_metadata="https:\/\/api\.bank\.example\/\.well-known\/oauth-protected-resource"$/);
  });
}

test("a token longer than any that is read", async () => {
  const answer = await gate.ask("/documents/fees", { token: token({ filler: "x".repeat(60_000) }) });
  refused(answer, 401, "token.too_large");
});

const DENIED = {
  "a scope that does not cover it": ["scope.insufficient", "/documents/fees", token({ scope: "calendars:read" }), 'error="insufficient_scope"'],
  "no scope": ["scope.insufficient", "/documents/fees", token({ scope: undefined }), 'error="insufficient_scope"'],
  "a person who may not": ["subject.no_grant", "/documents/case-118", token({ sub: "sara" })],
  "an agent that may not, for a person who may": ["actor.no_grant", "/documents/case-118", token()],
  "what does not exist": ["subject.no_grant", "/documents/no-such-thing", token()],
  "an agent for another's phone number": ["scope.insufficient", "/accounts/carla/phone", token(), 'error="insufficient_scope"', "PUT"],
};

for (const [what, [reason, path, given, error, method = "GET"]] of Object.entries(DENIED)) {
  test(`not allowed: ${what}`, async () => {
    const answer = await gate.ask(path, { token: given, method });
    refused(answer, 403, reason);
    const challenge = answer.headers["www-authenticate"];
    assert.equal(/error="[a-z_]+"/.exec(challenge)?.[0], error);
    assert.match(challenge, /^Bearer .*scope="[a-z]+:[a-z]+".*resource_metadata="https:/);
    const line = await gate.logged((line) => line.record?.id === answer.json.decision);
    assert.deepEqual([line.record.allowed, line.record.reason], [false, reason]);
  });
}

test("a bound token with its proof passes, once for each proof", async () => {
  const bound = token({ cnf: { jkt: thumbprint() } });
  const dpop = proof(bound);
  const headers = { authorization: `DPoP ${bound}`, dpop };
  assert.equal((await gate.ask("/documents/fees", { headers })).status, 200);
  const again = await gate.ask("/documents/fees", { headers });
  refused(again, 401, "edge.proof_replayed");
  assert.match(again.headers["www-authenticate"], /^DPoP error="invalid_dpop_proof"/);
  assert.equal((await gate.ask("/documents/fees?a=b", { headers: { ...headers, dpop: proof(bound) } })).status, 200);
  // Many at once: one of them.
  const raced = { ...headers, dpop: proof(bound) };
  const answers = await Promise.all(Array.from({ length: 20 }, () => gate.ask("/documents/fees", { headers: raced })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test("a proof of something else does not count", async () => {
  const bound = token({ cnf: { jkt: thumbprint() } });
  const cases = {
    "another path": [{ uri: `${API}/documents/counter-guide` }, "proof.invalid", "invalid_dpop_proof"],
    "another host": [{ uri: "https://evil.example/documents/fees" }, "proof.invalid", "invalid_dpop_proof"],
    "another method": [{ method: "PUT" }, "proof.invalid", "invalid_dpop_proof"],
    "too old": [{ iat: seconds() - 70 }, "proof.invalid", "invalid_dpop_proof"],
    "from the future": [{ iat: seconds() + 30 }, "proof.invalid", "invalid_dpop_proof"],
    "of a thief": [{ by: thief }, "proof.mismatch", "invalid_token"],
  };
  for (const [what, [made, reason, error]] of Object.entries(cases)) {
    const headers = { authorization: `DPoP ${bound}`, dpop: proof(bound, made), host: "evil.example" };
    const answer = await gate.ask("/documents/fees", { headers });
    refused(answer, 401, reason);
    assert.ok(answer.headers["www-authenticate"].startsWith(`DPoP error="${error}"`), what);
  }
  const good = proof(bound);
  for (const dpop of [undefined, "", "x", [good, good], `${good}, ${proof(bound)}`, proof(token())]) {
    const headers = { authorization: `DPoP ${bound}`, ...(dpop === undefined ? {} : { dpop }) };
    refused(await gate.ask("/documents/fees", { headers }), 401, "proof.invalid");
  }
  // A token that is not bound is no DPoP token.
  const free = token();
  refused(await gate.ask("/documents/fees", { headers: { authorization: `DPoP ${free}`, dpop: proof(free) } }), 401, "proof.invalid");
  // With a proof, but to be borne by anybody.
  refused(await gate.ask("/documents/fees", { headers: { authorization: `Bearer ${bound}`, dpop: proof(bound) } }), 401, "proof.missing");
});

test("the log holds no token, no proof and no secret", async () => {
  const bound = token({ cnf: { jkt: thumbprint() } });
  const dpop = proof(bound);
  await gate.ask("/documents/fees", { headers: { authorization: `DPoP ${bound}`, dpop } });
  await gate.ask("/documents/fees", { headers: { authorization: `DPoP ${bound}`, dpop } });
  const raw = gate.raw();
  assert.ok(await gate.logged((line) => line.event === "refused" && line.reason === "edge.proof_replayed"));
  assert.equal(/eyJ/.test(raw), false);
  assert.equal(raw.includes(JSON.parse(signingKey()).d), false);
  assert.equal(raw.includes(bound.split(".")[2]), false);
});

test("a decision that runs out of steps is a denial", async () => {
  const poor = await start({ snapshot: { change: (it) => ({ ...it, limits: { steps: 1 } }) } });
  try {
    refused(await poor.ask("/documents/dispute-policy", { token: token({ sub: "nora", act: undefined }) }), 403, "budget.exhausted");
  } finally {
    await poor.stop();
  }
});

test("the program decides again what the log says, and comes to the same", async () => {
  await gate.ask("/documents/dispute-policy", { token: token() });
  await gate.ask("/documents/case-118", { token: token() });
  assert.ok(await gate.logged((line) => line.record?.resource === "document:case-118"));
  const records = gate.log().flatMap(({ record }) => (record === undefined ? [] : [JSON.stringify(record)]));
  const [audit, policy] = [`${local}/audit.jsonl`, `${local}/audit.json`];
  writeFileSync(audit, records.join("\n"));
  writeFileSync(policy, JSON.stringify(snapshot({ issuedAt, change })));
  const [last] = deputize("replay", audit, "-s", policy).trim().split("\n").slice(-1);
  assert.equal(last, `${records.length} the same, 0 different, 0 not decided again`);
});

test("the metadata of RFC 9728", async () => {
  const answer = await gate.ask("/.well-known/oauth-protected-resource");
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {
    resource: API,
    authorization_servers: ["https://id.bank.example"],
    scopes_supported: ["accounts:phone", "authzen:evaluate", "calendars:read", "documents:read"],
    bearer_methods_supported: ["header"],
    dpop_signing_alg_values_supported: ["EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
  });
  assert.equal((await gate.ask("/.well-known/oauth-protected-resource", { method: "POST" })).status, 405);
});

test("the snapshot that these tests publish is the one that the program compiles", () => {
  const [from, to] = [`${local}/compare.json`, `${local}/compare.deputize`];
  writeFileSync(from, JSON.stringify(snapshot({ issuedAt: now })));
  deputize("compile", "-s", from, "-o", to);
  assert.deepEqual(readFileSync(to), Buffer.from(compiled({ issuedAt: now }).bytes));
});
