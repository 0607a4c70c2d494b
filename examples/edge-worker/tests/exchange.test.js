// Token exchange: an agent gets the token with which it acts, or hears why not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { start } from "./gate.js";
import { API, ISSUER, proof, seconds, signingKey, thumbprint, token } from "./world.js";

let gate;
before(async () => (gate = await start()));
after(() => gate.stop());

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const SERVICES = [API, "https://documents.bank.example"];

/** Nora's login, for several services and scopes. */
const login = (more = {}) => token({ sub: "nora", act: undefined, aud: SERVICES, scope: "documents:read calendars:read", ...more });
/** An agent's own token, which says nothing of anybody else. */
const own = (sub, more = {}) => token({ sub, act: undefined, aud: SERVICES, ...more });

function fields(subject, actor, more = {}) {
  const acting = actor === undefined ? {} : { actor_token: actor, actor_token_type: ACCESS_TOKEN };
  return { grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, ...acting, ...more };
}

const claimsOf = (answer) => JSON.parse(Buffer.from(answer.json.access_token.split(".")[1], "base64url"));

function refused(answer, error, reason, status = 400) {
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual(answer.json, { error, error_description: reason, reason });
  assert.equal(answer.headers["cache-control"], "no-store");
}

test("a login, handed on twice and narrowed, is a token that passes", async () => {
  const started = await gate.form(fields(login(), own("coordinator")));
  assert.equal(started.status, 200, started.text);
  assert.equal(started.json.scope, "documents:read");
  const called = await gate.form(fields(started.json.access_token, own("documents"), { scope: "documents:read", audience: API }));
  assert.equal(called.status, 200, called.text);
  const { access_token, expires_in, ...rest } = called.json;
  assert.deepEqual(rest, { issued_token_type: ACCESS_TOKEN, token_type: "Bearer", scope: "documents:read" });
  assert.ok(expires_in > 200 && expires_in <= 300);
  assert.equal(called.headers["cache-control"], "no-store");
  const { iss, sub, act, aud, scope, exp, jti } = claimsOf(called);
  assert.deepEqual({ iss, sub, act, aud, scope }, { iss: ISSUER, sub: "nora", act: { sub: "documents", act: { sub: "coordinator" } }, aud: API, scope: "documents:read" });
  assert.ok(exp <= seconds() + 300);
  assert.match(jti, /^[0-9a-f-]{36}$/);

  const read = await gate.ask("/sections/dispute-policy-3", { token: access_token });
  assert.deepEqual([read.status, read.json.headers["x-deputize-chain"]], [200, "user:nora, agent:coordinator, agent:documents"]);
  // It was narrowed: the calendar is no longer within it.
  const calendar = await gate.ask("/calendars/nora", { token: access_token });
  assert.deepEqual([calendar.status, calendar.json.reason], [403, "scope.insufficient"]);

  const line = await gate.logged((line) => line.event === "exchange" && line.jti === jti);
  assert.deepEqual([line.allowed, line.chain, line.scope], [true, ["user:nora", "agent:coordinator", "agent:documents"], "documents:read"]);
});

test("without an actor a token is only narrowed, and lives no longer", async () => {
  const answer = await gate.form(fields(login({ exp: seconds() + 60 }), undefined, { scope: "calendars:read", audience: API }));
  assert.equal(answer.status, 200, answer.text);
  const { sub, act, aud, scope } = claimsOf(answer);
  assert.deepEqual({ sub, act, aud, scope }, { sub: "nora", act: undefined, aud: API, scope: "calendars:read" });
  assert.ok(answer.json.expires_in <= 60);
});

const REFUSED = {
  "an agent that only the coordinator may call": [fields(login(), own("documents")), "invalid_request", "chain.hop_not_permitted"],
  "a teller starts the coordinator": [fields(login({ sub: "tom" }), own("coordinator")), "invalid_request", "chain.hop_not_permitted"],
  "a wider scope": [fields(login(), own("coordinator"), { scope: "documents:read accounts:limit" }), "invalid_scope", "exchange.scope"],
  "another audience": [fields(login(), own("coordinator"), { audience: "https://accounts.bank.example" }), "invalid_target", "exchange.target"],
  "one audience of two that is another": [[...Object.entries(fields(login(), own("coordinator"))), ["audience", API], ["audience", "https://accounts.bank.example"]], "invalid_target", "exchange.target"],
  "an expired login": [fields(login({ iat: seconds() - 90, exp: seconds() - 30 }), own("coordinator")), "invalid_request", "token.expired"],
  "a stranger's login": [fields(token({}, { key: "stranger" }), own("coordinator")), "invalid_request", "token.signature"],
  "a stranger as the actor": [fields(login(), token({ sub: "coordinator", act: undefined }, { key: "stranger" })), "invalid_request", "token.signature"],
  "an actor's token that is a chain": [fields(login(), token({ act: { sub: "coordinator" } })), "invalid_request", "exchange.actor"],
  "whom the login does not let act": [fields(login({ may_act: { sub: "calendar" } }), own("coordinator")), "invalid_request", "chain.may_act"],
  "a bound login without its proof": [fields(login({ cnf: { jkt: thumbprint() } }), own("coordinator")), "invalid_request", "proof.missing"],
  "another grant": [{ grant_type: "client_credentials" }, "unsupported_grant_type", "edge.grant_type"],
  "nothing": [{}, "unsupported_grant_type", "edge.grant_type"],
  "no login": [{ grant_type: EXCHANGE }, "invalid_request", "edge.subject_token"],
  "a login of an unknown type": [fields(login(), undefined, { subject_token_type: "urn:ietf:params:oauth:token-type:saml2" }), "invalid_request", "edge.subject_token"],
  "a refresh token": [fields(login(), undefined, { requested_token_type: "urn:ietf:params:oauth:token-type:refresh_token" }), "invalid_request", "edge.requested_token_type"],
  "an actor's type without the actor": [fields(login(), undefined, { actor_token_type: ACCESS_TOKEN }), "invalid_request", "edge.actor_token"],
  "two logins": [[...Object.entries(fields(login(), own("coordinator"))), ["subject_token", login()]], "invalid_request", "edge.parameter_twice"],
};

for (const [what, [form, error, reason]] of Object.entries(REFUSED)) {
  test(`refused: ${what}`, async () => refused(await gate.form(form), error, reason));
}

test("another media type, another method, too much", async () => {
  const json = await gate.ask("/oauth/token", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  assert.deepEqual([json.status, json.json.reason], [415, "edge.media_type"]);
  const get = await gate.ask("/oauth/token");
  assert.deepEqual([get.status, get.headers.allow], [405, "POST"]);
  const large = await gate.form({ grant_type: "x".repeat(256 * 1024) });
  assert.deepEqual([large.status, large.json.reason], [413, "edge.body_too_large"]);
});

test("an actor's token that is bound binds the next one, and its proof counts once", async () => {
  const bound = own("coordinator", { cnf: { jkt: thumbprint() } });
  const dpop = proof(bound, { method: "POST", uri: `${API}/oauth/token` });
  const answer = await gate.form(fields(login(), bound), { headers: { dpop } });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.token_type, "DPoP");
  assert.deepEqual(claimsOf(answer).cnf, { jkt: thumbprint() });
  refused(await gate.form(fields(login(), bound), { headers: { dpop } }), "invalid_dpop_proof", "edge.proof_replayed");
  refused(await gate.form(fields(login(), bound), { headers: { dpop: proof(bound, { method: "POST", uri: `${API}/` }) } }), "invalid_dpop_proof", "proof.invalid");
  refused(await gate.form(fields(login(), bound)), "invalid_request", "proof.missing");
});

test("a key that the snapshot does not know signs nothing", async () => {
  const other = await start({ vars: { SIGNING_KEY: signingKey("stranger") } });
  try {
    const answer = await other.form(fields(login(), own("coordinator")));
    refused(answer, "server_error", "edge.signing_key", 500);
    assert.deepEqual(await other.logged((line) => line.event === "signing_key"), { event: "signing_key", reason: "key.unknown" });
  } finally {
    await other.stop();
  }
});

test("an ES256 key signs as well", async () => {
  const other = await start({ vars: { SIGNING_KEY: signingKey("bank-ec") } });
  try {
    const answer = await other.form(fields(login(), own("coordinator"), { audience: API }));
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await other.ask("/documents/fees", { token: answer.json.access_token })).json?.reason, "actor.no_grant");
  } finally {
    await other.stop();
  }
});
