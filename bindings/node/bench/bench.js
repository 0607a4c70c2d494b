// What a check, a filter and a verification cost natively, beside others:
// `npm install && node bench.js` here, after `cargo xtask node`. Times are of
// this process's CPU, so that a busy machine counts for less.

import { execFileSync } from "node:child_process";
import { createHmac, createPublicKey, generateKeyPairSync, sign as signRaw } from "node:crypto";
import { createRequire } from "node:module";

import { DOCUMENTS, USERS, measure, random, snapshot } from "../../../wasm/bench/store.js";

const require = createRequire(import.meta.url);
const native = require("../dist/native.cjs");
const wasm = require("../../../wasm/dist/cjs/node.js");
const NOW = Math.floor(Date.now() / 1000);
const COUNT = 100_000;

const figure = (milliseconds) => (milliseconds >= 1 ? `${milliseconds.toFixed(2)} ms` : `${(milliseconds * 1000).toFixed(2)} µs`);
const shown = ({ best, middle }, each = 1) => `${figure(best / each)} (${figure(middle / each)})`;
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
const table = (...head) => {
  console.log();
  row(...head);
  row(...head.map(() => "---"));
};
let allowed = 0;

console.log(`node ${process.version}, ${native.engine} and ${wasm.engine}; the best round (the middle one)`);

const document = snapshot();
const bytes = new TextEncoder().encode(JSON.stringify(document));
const users = Array.from({ length: COUNT }, () => `user:u${random(USERS)}`);
const documents = Array.from({ length: COUNT }, () => `document:${random(DOCUMENTS)}`);
const ids = documents.slice(0, 10_000);
const packed = new TextEncoder().encode(ids.join("\n"));

async function relations({ Policy, engine }) {
  const load = shown(measure(() => Policy.fromJson(bytes).free(), 7));
  const policy = Policy.fromJson(bytes);
  const image = policy.toCompiled();
  const open = shown(measure(() => Policy.fromCompiled(image).free(), 15));
  const caller = policy.caller("user:u1", { now: NOW });
  const check = () => {
    for (let n = 0; n < COUNT; n++) allowed += policy.check(users[n], "viewer", documents[n]);
  };
  const same = () => {
    for (let n = 0; n < COUNT; n++) allowed += policy.check("user:u1", "viewer", "document:1");
  };
  const can = () => {
    for (let n = 0; n < COUNT; n++) allowed += caller.can("viewer", documents[n]);
  };
  const started = performance.now();
  for (let n = 0; n < 20; n++) allowed += (await policy.filterAsync(`user:u${n}`, "viewer", packed)).allowed;
  const later = (performance.now() - started) / 20;
  row(
    `deputize, ${engine}`,
    load,
    open,
    shown(measure(check, 15), COUNT),
    shown(measure(same, 15), COUNT),
    shown(measure(can, 15), COUNT),
    shown(measure((n) => (allowed += policy.filter(`user:u${n}`, "viewer", ids).allowed), 40)),
    shown(measure((n) => (allowed += policy.filter(`user:u${n}`, "viewer", packed).allowed), 40)),
    shown(measure(() => (allowed += caller.filter("viewer", ids).allowed), 40)),
    figure(later),
  );
  return policy;
}

table("100,000 tuples", "JSON loaded", "compiled opened", "check, random", "check, the same", "can, random", "filter 10,000 ids: `string[]`", "packed", "of a caller", "filterAsync, packed, on the clock");
const policy = await relations(native);
await relations(wasm);

/** The same store for Cedar: the entities that a request needs, found for it beforehand. */
function cedar() {
  const { preparsePolicySet, statefulIsAuthorized } = require("@cedar-policy/cedar-wasm/nodejs");
  const text = 'permit(principal, action == Action::"view", resource) when { principal in resource.viewers };';
  preparsePolicySet("all", { staticPolicies: text });
  const entity = (name) => {
    const [type, id] = name.replace("#member", "").split(":");
    return { type, id };
  };
  const groups = new Map();
  const viewers = new Map();
  for (const { user, relation, object } of document.tuples) {
    const [index, from, to] = relation === "member" ? [groups, user, object] : [viewers, object, user];
    index.set(from, [...(index.get(from) ?? []), entity(to)]);
  }
  return (user, object) => {
    const [principal, resource] = [entity(user), entity(object)];
    const seen = (viewers.get(object) ?? []).map((one) => ({ __entity: one }));
    const parents = groups.get(user) ?? [];
    const entities = [
      { uid: principal, attrs: {}, parents },
      { uid: resource, attrs: { viewers: seen }, parents: [] },
    ];
    const answer = statefulIsAuthorized({ principal, action: { type: "Action", id: "view" }, resource, context: {}, preparsedPolicySetId: "all", entities });
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    return answer.response.decision === "allow";
  };
}

async function casbin() {
  const { newEnforcer, newModelFromString } = require("casbin");
  const model = newModelFromString(
    "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj\n[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.obj == p.obj && g(r.sub, p.sub)\n",
  );
  const enforcer = await newEnforcer(model);
  const of = (kind) => document.tuples.filter(({ relation }) => relation === kind).map(({ user, object }) => [user.replace("#member", ""), object]);
  await enforcer.addPolicies(of("viewer"));
  await enforcer.addGroupingPolicies(of("member"));
  return (user, object) => enforcer.enforceSync(user, object);
}

table("beside", "check, random", "10,000 ids, one by one", "loaded");
for (const [name, make, checks, all] of [
  ["@cedar-policy/cedar-wasm, policies parsed before, entities sliced", cedar, 2_000, true],
  ["casbin", casbin, 10, false],
]) {
  const before = process.cpuUsage();
  const check = await make();
  const { user, system } = process.cpuUsage(before);
  for (let n = 0; n < checks; n++) {
    const other = check(users[n], documents[n]);
    if (other !== policy.check(users[n], "viewer", documents[n])) throw new Error(`${name} says ${other} of ${users[n]} and ${documents[n]}`);
  }
  const each = measure(() => {
    for (let n = 0; n < checks; n++) allowed += check(users[n], documents[n]);
  }, 3);
  const many = () => {
    for (const id of ids) allowed += check("user:u1", id);
  };
  row(name, shown(each, checks), all ? shown(measure(many, 1)) : "not run", `${((user + system) / 1000).toFixed(0)} ms`);
}

/** Verification, by keys that were read before, without a cache. */
async function verification() {
  const jose = await import("jose");
  const fast = require("fast-jwt");
  const jsonwebtoken = require("jsonwebtoken");
  const kinds = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  };
  const [issuer, audience] = ["https://id.example", "https://api.example"];
  table("verify", "deputize", "of which no signature, at most (HS256)", "deputize, wasm", "jose", "fast-jwt", "jsonwebtoken");
  const loop = (what, times = 1_000) => {
    const rounds = () => {
      for (let n = 0; n < times; n++) what();
    };
    return shown(measure(rounds, 9), times);
  };
  const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const secret = Buffer.alloc(32, "a secret");
  const issued = (alg, key) => ({ deputize: 1, model: document.model, issuers: [{ issuer, audiences: [audience], algorithms: [alg], keys: { keys: [{ ...key, kid: "k", alg }] }, subject: "user:{sub}", scopes: "ignore" }] });
  const signed = (alg, make) => {
    const input = `${base64({ alg, kid: "k", typ: "at+jwt" })}.${base64({ iss: issuer, aud: audience, sub: "u1", iat: NOW - 10, exp: NOW + 3_000, jti: "1" })}`;
    return `${input}.${make(Buffer.from(input)).toString("base64url")}`;
  };
  const shared = native.Policy.fromJson(issued("HS256", { kty: "oct", k: secret.toString("base64url") }));
  const sharedToken = signed("HS256", (input) => createHmac("sha256", secret).update(input).digest());
  for (const [alg, generate] of Object.entries(kinds)) {
    const { privateKey, publicKey } = generate();
    const token = signed(alg, (input) => signRaw(alg === "EdDSA" ? null : "sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" }));
    const jwk = publicKey.export({ format: "jwk" });
    const pem = publicKey.export({ format: "pem", type: "spki" });
    const snapshot = issued(alg, jwk);
    const own = native.Policy.fromJson(snapshot);
    const other = wasm.Policy.fromJson(snapshot);
    const key = await jose.importJWK(jwk, alg);
    const verifier = fast.createVerifier({ key: pem, algorithms: [alg], allowedAud: audience, allowedIss: issuer, cache: false });
    const object = createPublicKey(pem);
    const options = { algorithms: [alg], audience, issuer };
    // jose alone answers later; its work is done on threads of their own, which count.
    const before = process.cpuUsage();
    const started = performance.now();
    for (let n = 0; n < 3_000; n++) await jose.jwtVerify(token, key, { algorithms: [alg], audience, issuer });
    const clock = (performance.now() - started) / 3_000;
    const used = process.cpuUsage(before);
    row(
      alg,
      loop(() => own.verify(token, { now: NOW }).free()),
      loop(() => shared.verify(sharedToken, { now: NOW }).free()),
      loop(() => other.verify(token, { now: NOW }).free(), 50),
      `${figure((used.user + used.system) / 3e6)}; ${figure(clock)} on the clock`,
      loop(() => verifier(token)),
      alg === "EdDSA" ? "does not know it" : loop(() => jsonwebtoken.verify(token, object, options)),
    );
  }
}
await verification();

table("first import, a process each", "best of 15", "middle");
for (const [name, file] of [
  ["deputize", new URL("../dist/node.js", import.meta.url)],
  ["@deputize/wasm", new URL("../../../wasm/dist/esm/node.js", import.meta.url)],
]) {
  const code = `const before = performance.now(); const { Policy } = await import(${JSON.stringify(String(file))}); const loaded = performance.now(); Policy.fromJson('{"deputize":1}'); console.log(loaded - before, performance.now() - before)`;
  const times = Array.from({ length: 15 }, () => execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }).split(" ").map(Number));
  const sorted = [0, 1].map((column) => times.map((time) => time[column]).sort((a, b) => a - b));
  row(`${name}; with a first policy`, sorted.map((column) => figure(column[0])).join("; "), sorted.map((column) => figure(column[7])).join("; "));
}
if (allowed < 0) console.log(allowed);
