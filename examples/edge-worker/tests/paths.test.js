// What stands in a request beside the token: its path, its method, its headers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { start } from "./gate.js";
import { token } from "./world.js";

let gate;
before(async () => (gate = await start()));
after(() => gate.stop());

// The document agent may read the price list for Nora. For Sara it may read the
// counter guide, and nobody's account.
const TRICKS = [
  "/documents/fees/../case-118", "/documents/../documents/case-118", "/documents/./case-118", "/./documents/case-118",
  "/documents/fees/%2e%2e/case-118", "/documents/fees/%2E%2E/case-118", "/documents/fees/.%2e/case-118", "/documents/%2e/case-118",
  "//documents/case-118", "/documents//case-118", "/documents/case-118/", "/documents/case-118//", "///documents/case-118",
  "/documents%2fcase-118", "/documents/fees%2f..%2fcase-118", "/documents/fees%252f..%252fcase-118", "/documents/case%2d118", "/%64ocuments/case-118",
  "/documents\\case-118", "/documents/fees\\..\\case-118", "/documents/fees%5c..%5ccase-118",
  "/documents/case-118;a=b", "/documents;a=b/case-118", "/documents/case-118%00", "/documents/case-118%0a", "/documents/case-118%23", "/documents/case-118%3f",
  "/documents/case-118%20", "/documents/case-118#", "/documents/fees#/../case-118", "/documents/c%C0%AFase", "/documents/case-118%", "/documents/*", "/documents/fees,case-118",
  "/documents/document:case-118", "/documents/fees@case-118", "/DOCUMENTS/case-118", "/documents", "/", "/documents/", "/documents/fees/more",
  `/documents/${"a".repeat(2_000)}`, "https://api.bank.example/documents/case-118", "http://evil.example/documents/fees/../case-118",
];

test("no way of writing a path leads to what may not be read", async () => {
  const seen = new Map();
  const sara = token({ sub: "sara" });
  for (const path of TRICKS) {
    let answer;
    try {
      answer = await gate.ask(path, { token: sara });
    } catch (thrown) {
      // Such a line is no request to the server, or none that this client would send.
      assert.ok(/HPE_|ECONNRESET|ERR_UNESCAPED/.test(thrown.code), `${path}: ${thrown.code}`);
      continue;
    }
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
    if (answer.status === 200) {
      // The runtime may have made it right before this Worker saw it: then it must be what was decided.
      assert.equal(answer.json.path, "/documents/fees", path);
      const resource = (await gate.logged((line) => line.record?.id === answer.json.headers["x-deputize-decision"])).record.resource;
      assert.equal(resource, "document:fees", path);
    } else {
      // A whole URL in the first line may be too much for the server in front of the Worker already.
      assert.ok([400, 403, 404].includes(answer.status) || (path.includes("://") && answer.json === undefined), `${path}: ${answer.status} ${answer.text}`);
    }
  }
  assert.ok((seen.get(400) ?? 0) > 15, JSON.stringify([...seen]));
});

test("each kind of path has its reason", async () => {
  const reasons = {
    "/documents/case%2d118": "path.encoding",
    "/documents//fees": "path.empty_segment",
    "/documents/fees/": "path.empty_segment",
    "/documents/fees;v=2": "path.character",
    "/documents/fees,": "path.character",
  };
  for (const [path, reason] of Object.entries(reasons)) {
    const answer = await gate.ask(path, { token: token() });
    assert.deepEqual([answer.status, answer.json.reason], [400, reason], path);
  }
});

test("no other method, and none in disguise", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
    const answer = await gate.ask("/documents/fees", { method, token: token() });
    assert.ok([405, 501].includes(answer.status), `${method}: ${answer.status}`);
    if (answer.status === 405) assert.deepEqual([answer.headers.allow, answer.json.reason], ["GET, HEAD", "edge.method"]);
  }
  const disguised = { "x-http-method-override": "DELETE", "x-method-override": "DELETE", "x-original-url": "/documents/case-118", "x-rewrite-url": "/documents/case-118", "x-forwarded-prefix": "/x" };
  const { json } = await gate.ask("/documents/fees", { token: token(), headers: disguised });
  for (const name of Object.keys(disguised)) assert.equal(json.headers[name], undefined, name);
  const head = await gate.ask("/documents/fees", { method: "HEAD", token: token() });
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("nobody says for whom he calls but by a token", async () => {
  const forged = {};
  for (const name of ["Subject", "Actor", "Chain", "Decision", "Revision", "Tenant", "Anything"]) {
    forged[`X-Deputize-${name}`] = "user:nora";
    forged[`x_deputize_${name.toLowerCase()}`] = "user:nora";
  }
  const headers = { ...forged, connection: "x-deputize-subject, x-deputize-actor", cookie: "session=1", dpop: "x", "x-forwarded-user": "nora", "x-trace": "1", traceparent: "00-1-1-01" };
  const { status, json } = await gate.ask("/documents/fees", { token: token({ sub: "sara" }), headers });
  assert.equal(status, 200);
  const { "x-deputize-decision": decision, "accept-encoding": _, ...others } = json.headers;
  assert.match(decision, /^[0-9a-f]{64}$/);
  assert.deepEqual(others, {
    traceparent: "00-1-1-01",
    "x-deputize-actor": "agent:documents",
    "x-deputize-chain": "user:sara, agent:coordinator, agent:documents",
    "x-deputize-revision": "1",
    "x-deputize-subject": "user:sara",
  });
  // And without a token they are nothing at all.
  assert.equal((await gate.ask("/documents/fees", { headers: forged })).status, 401);
});

test("names that have no place in a header are written so that they have", async () => {
  const { status, json, text } = await gate.ask("/documents/fees", { token: token({ sub: "zoë,nora", act: undefined }) });
  assert.equal(status, 200, text);
  assert.deepEqual([status, json.headers["x-deputize-subject"], json.headers["x-deputize-chain"]], [200, "user:zo%C3%AB%2Cnora", "user:zo%C3%AB%2Cnora"]);
});

test("the API's own answers come back as they are, its failures as a problem", async () => {
  const moved = await gate.ask("/documents/fees?status=302", { token: token() });
  assert.deepEqual([moved.status, moved.headers.location, moved.headers["x-own"]], [302, "https://elsewhere.example/", "1"]);
  const broken = await gate.ask("/documents/fees?status=500", { token: token() });
  assert.deepEqual([broken.status, broken.text], [500, "as it is"]);
  const thrown = await gate.ask("/documents/fees?throw", { token: token() });
  assert.deepEqual([thrown.status, thrown.json.reason, thrown.headers["content-type"]], [502, "edge.upstream", "application/problem+json"]);
  assert.equal((await gate.ask("/documents/fees", { token: token() })).status, 200);
});

test("an API that does not begin to answer is not waited for", { timeout: 40_000 }, async () => {
  const { status, json } = await gate.ask("/documents/fees?wait", { token: token() });
  assert.deepEqual([status, json.reason], [504, "edge.upstream_timeout"]);
});
