// AuthZEN: a gateway that may ask about others, and everybody else, who may not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { start } from "./gate.js";
import { token } from "./world.js";

let gate;
before(async () => (gate = await start()));
after(() => gate.stop());

const gateway = (more = {}) => token({ sub: "gateway", act: undefined, scope: "authzen:evaluate", ...more });
const entity = (name) => ({ type: name.split(":")[0], id: name.split(":")[1] });
const ask = (path, body, given = gateway(), headers = {}) =>
  gate.ask(path, { method: "POST", token: given, headers: { "content-type": "application/json", ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });

const question = (subject, action, resource) => ({ subject: entity(subject), action: { name: action }, resource: entity(resource) });

test("an evaluation", async () => {
  const yes = await ask("/access/v1/evaluation", question("user:nora", "can_read", "document:case-118"), undefined, { "x-request-id": "r-1" });
  assert.deepEqual([yes.status, yes.json, yes.headers["x-request-id"]], [200, { decision: true }, "r-1"]);
  const no = await ask("/access/v1/evaluation", question("user:tom", "can_read", "document:case-118"));
  assert.deepEqual([no.status, no.json.decision, no.json.context.reason], [200, false, "subject.no_grant"]);
});

test("evaluations, with what they share", async () => {
  const body = { subject: entity("user:sara"), action: { name: "can_read" }, evaluations: ["fees", "case-118", "counter-guide"].map((id) => ({ resource: entity(`document:${id}`) })) };
  const answer = await ask("/access/v1/evaluations", body);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json.evaluations.map((one) => one.decision), [true, false, true]);
  const line = await gate.logged((line) => line.asked === 3);
  assert.deepEqual([line.by, line.asked, line.allowed], ["service:gateway", 3, 2]);
});

test("who may not ask", async () => {
  const body = question("user:nora", "can_read", "document:case-118");
  const cases = [
    [token({ scope: "authzen:evaluate" }), 403, "subject.no_grant"],
    [gateway({ scope: "documents:read" }), 403, "scope.insufficient"],
    [gateway({ sub: "nightly" }), 403, "subject.no_grant"],
    [token({}, { key: "stranger" }), 401, "token.signature"],
  ];
  for (const path of ["/access/v1/evaluation", "/access/v1/evaluations"]) {
    for (const [given, status, reason] of cases) {
      const answer = await ask(path, body, given);
      assert.deepEqual([answer.status, answer.json.reason], [status, reason]);
      assert.match(answer.headers["www-authenticate"], /scope="authzen:evaluate"/);
    }
    const without = await gate.ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    assert.deepEqual([without.status, without.json.reason], [401, "edge.token_missing"]);
  }
});

test("a body that is no question", async () => {
  for (const [body, reason] of [["", "authzen.json"], ["{", "authzen.json"], ["{}", "authzen.missing"], ['{"subject":1}', "authzen.shape"], ['{"subject":{},"subject":{}}', "authzen.json"]]) {
    const answer = await ask("/access/v1/evaluation", body);
    assert.deepEqual([answer.status, answer.json.reason], [400, reason], body);
  }
  assert.equal((await ask("/access/v1/evaluation", "x".repeat(256 * 1024 + 1))).status, 413);
  assert.equal((await ask("/access/v1/evaluation", Buffer.from([0x7b, 0xff, 0x7d]).toString("latin1"), undefined, { "content-type": "text/plain" })).status, 415);
  const bytes = await gate.ask("/access/v1/evaluation", { method: "POST", token: gateway(), headers: { "content-type": "application/json" }, body: Buffer.from([0x7b, 0xff, 0x7d]) });
  assert.deepEqual([bytes.status, bytes.json.reason], [400, "edge.body"]);
  assert.equal((await gate.ask("/access/v1/evaluation", { token: gateway() })).status, 405);
});
