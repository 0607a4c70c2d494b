// Settings that are missing or unsound: nothing is answered but that.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Miniflare } from "miniflare";

import { echoWorker, gateWorker, later } from "./gate.js";
import { signingKey, token } from "./world.js";

const key = JSON.parse(signingKey());
const BAD = {
  "no snapshots": { without: ["POLICIES"] },
  "no API": { without: ["UPSTREAM"] },
  "no signing key": { vars: { SIGNING_KEY: undefined } },
  "a signing key that is no JSON": { vars: { SIGNING_KEY: "secret-in-the-wrong-form" } },
  "a signing key for reading": { vars: { SIGNING_KEY: JSON.stringify({ ...key, d: undefined }) } },
  "a signing key without an id": { vars: { SIGNING_KEY: JSON.stringify({ ...key, kid: undefined }) } },
  "a shared secret": { vars: { SIGNING_KEY: JSON.stringify({ kty: "oct", k: "AAAA", kid: "x", alg: "HS256" }) } },
  "no resource": { vars: { RESOURCE: undefined } },
  "an origin with a path": { vars: { ORIGIN: "https://api.bank.example/" } },
  "an origin without TLS": { vars: { ORIGIN: "http://api.bank.example" } },
  "no issuers": { vars: { AUTHORIZATION_SERVERS: [] } },
  "a text for a number": { vars: { MAX_STALE_SECONDS: "900" } },
  "no time at all": { vars: { TOKEN_SECONDS: 0 } },
  "stale before it is old": { vars: { REFRESH_SECONDS: 60, MAX_STALE_SECONDS: 30 } },
};

let miniflare;
let logged = "";
const names = new Map(Object.keys(BAD).map((what, place) => [what, `gate-${place}`]));

before(() => {
  miniflare = new Miniflare({
    handleRuntimeStdio: (out) => out.on("data", (chunk) => (logged += chunk)),
    workers: [...Object.entries(BAD).map(([what, options]) => gateWorker(names.get(what), options)), echoWorker()],
  });
  return miniflare.ready;
});
after(() => miniflare.dispose());

for (const [what, { vars = {}, without = [] }] of Object.entries(BAD)) {
  test(`settings: ${what}`, async () => {
    const gate = await miniflare.unsafeGetDirectURL(names.get(what));
    for (const path of ["/documents/fees", "/.well-known/oauth-protected-resource", "/oauth/token"]) {
      const answer = await fetch(new URL(path, gate), { headers: { authorization: `Bearer ${token()}` } });
      assert.equal(answer.status, 500);
      assert.deepEqual(await answer.json(), { type: "about:blank", title: "Something is wrong here", status: 500, reason: "edge.config" });
    }
    const setting = without[0] ?? Object.keys(vars).at(-1);
    const told = () => logged.split("\n").some((line) => line.includes('"edge.config"') && line.includes(`${setting} must be`));
    for (let again = 0; again < 100 && !told(); again++) await later(10);
    assert.ok(told(), logged);
    if (vars.SIGNING_KEY !== undefined) assert.ok(!logged.includes(vars.SIGNING_KEY.slice(0, 12)));
  });
}
