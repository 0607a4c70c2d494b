// Where the snapshot comes from, and what becomes of a bad one: what is at hand
// goes on for a while, and then nothing is allowed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Miniflare } from "miniflare";

import { echoWorker, eventually, gateWorker, later, openKv, publish, start } from "./gate.js";
import { compiled, seconds, token } from "./world.js";

const FEES = "/documents/fees";

async function within(options, body) {
  const gate = await start(options);
  try {
    await body(gate, () => gate.ask(FEES, { token: token() }));
  } finally {
    await gate.stop();
  }
}

function unavailable(answer, reason) {
  assert.deepEqual([answer.status, answer.json?.reason, answer.headers["retry-after"], answer.headers["www-authenticate"]], [503, reason, "5", undefined], answer.text);
}

/** Without the fees on a shelf that is everyone's, the document agent may not read them. */
const withoutFees = (snapshot) => ({ ...snapshot, tuples: snapshot.tuples.filter((tuple) => tuple.object !== "document:fees") });
const revisionOf = (answer) => answer.json.headers["x-deputize-revision"];

const whole = compiled({ revision: "2", issuedAt: seconds() });
const changed = (place) => (bytes) => {
  const other = new Uint8Array(bytes);
  other[place < 0 ? other.length + place : place] ^= 1;
  return other;
};
const sha = async (bytes) => Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");

/** Bad publications: the reason in the log, the bytes, the manifest. */
const BAD = {
  "a manifest that is no JSON": { reason: "edge.snapshot_manifest", put: (kv) => kv.put("snapshot/newest", "{") },
  "a manifest that says nothing": { reason: "edge.snapshot_manifest", put: (kv) => kv.put("snapshot/newest", "null") },
  "a manifest without a digest": { reason: "edge.snapshot_manifest", manifest: { digest: undefined } },
  "a manifest of what is not there": { reason: "edge.snapshot_missing", manifest: { key: "snapshot/none" } },
  "a key that KV cannot have": { reason: "edge.snapshot_unreadable", manifest: { key: "x".repeat(600) } },
  "another revision": { reason: "edge.snapshot_revision", manifest: { revision: "3" } },
  "another digest": { reason: "edge.snapshot_digest", manifest: { digest: "0".repeat(64) } },
  "one bit at the start": { reason: "edge.snapshot_digest", damage: changed(0) },
  "one bit at the end": { reason: "edge.snapshot_digest", damage: changed(-1) },
  "cut off": { reason: "edge.snapshot_digest", damage: (bytes) => bytes.slice(0, -100) },
  "nothing at all": { reason: "edge.snapshot_digest", damage: () => new Uint8Array() },
  "one bit, under a digest that fits": { reason: "edge.snapshot_damaged", bytes: changed(whole.bytes.length >> 1)(whole.bytes) },
  "cut off, under a digest that fits": { reason: "edge.snapshot_damaged", bytes: whole.bytes.slice(0, -100) },
  "something else, under a digest that fits": { reason: "edge.snapshot_damaged", bytes: new TextEncoder().encode('{"deputize":1}') },
  "already over": { reason: "snapshot.stale", options: { revision: "2", issuedAt: seconds() - 7200 } },
};

async function publishBad(kv, { put, bytes, options, ...how }) {
  if (put !== undefined) return put(kv);
  const digest = bytes === undefined ? undefined : await sha(bytes);
  return publish(kv, options ?? (bytes === undefined ? whole : { bytes, digest, revision: "2" }), how);
}

// Most of their time they wait.
describe("snapshots", { concurrency: 3 }, () => {
  test("an empty KV: nothing is allowed, and what comes later is taken", () =>
    within({ snapshot: null }, async (gate, ask) => {
      unavailable(await ask(), "edge.snapshot_missing");
      unavailable(await gate.form({ grant_type: "x" }), "edge.snapshot_missing");
      unavailable(await gate.ask("/access/v1/evaluation", { method: "POST", token: token() }), "edge.snapshot_missing");
      assert.equal((await gate.ask("/.well-known/oauth-protected-resource")).status, 200);
      await gate.publish({});
      await eventually(ask, ({ status }) => status === 200);
    }));

  test("a bad snapshot at the start: nothing is allowed", async (t) => {
    const cases = Object.entries(BAD).map(([what, bad], place) => ({ what, bad, kv: `policies-${place}`, name: `gate-${place}` }));
    const workers = [...cases.map(({ name, kv }) => gateWorker(name, { kv })), echoWorker(...cases.map(({ kv }) => kv))];
    const miniflare = new Miniflare({ handleRuntimeStdio: (out) => out.resume(), workers });
    try {
      for (const { what, bad, kv, name } of cases) {
        await t.test(what, async () => {
          await publishBad(await openKv(miniflare, kv), bad);
          const gate = await miniflare.unsafeGetDirectURL(name);
          for (let again = 0; again < 3; again++) {
            const answer = await fetch(new URL(FEES, gate), { headers: { authorization: `Bearer ${token()}` } });
            assert.deepEqual([answer.status, (await answer.json()).reason], [503, bad.reason]);
          }
        });
      }
    } finally {
      await miniflare.dispose();
    }
  });

  test("a bad snapshot later: the one at hand goes on", () =>
    within({}, async (gate, ask) => {
      assert.equal(revisionOf(await ask()), "1");
      for (const [what, bad] of Object.entries(BAD)) {
        const before = gate.log().filter((line) => line.event === "snapshot").length;
        await publishBad(gate.kv, bad);
        await eventually(
          async () => {
            const answer = await ask();
            assert.equal(revisionOf(answer), "1", what);
            return answer;
          },
          () => gate.log().filter((line) => line.event === "snapshot").slice(before).some((line) => line.reason === bad.reason),
        );
      }
      // And a good one is taken as if nothing had been.
      await gate.publish({ revision: "4", issuedAt: seconds() });
      await eventually(ask, (answer) => revisionOf(answer) === "4");
    }));

  test("an older snapshot does not take the place of a newer one", () =>
    within({ snapshot: { revision: "new", issuedAt: seconds(), change: withoutFees } }, async (gate, ask) => {
      assert.equal((await ask()).status, 403);
      await gate.publish({ revision: "old", issuedAt: seconds() - 60 });
      await later(2_500);
      for (let again = 0; again < 5; again++) assert.equal((await ask()).status, 403);
      assert.ok(await gate.logged((line) => line.reason === "edge.snapshot_older"));
    }));

  test("a snapshot that ends is refused from then on, until there is another", () =>
    within({ snapshot: null }, async (gate, ask) => {
      await gate.publish({ issuedAt: seconds() - 10, lifetime: 13 });
      const from = Date.now();
      let last = await ask();
      assert.equal(last.status, 200, last.text);
      last = await eventually(ask, ({ status }) => status !== 200);
      assert.ok(Date.now() - from > 2_000 && Date.now() - from < 6_000, `${Date.now() - from}`);
      unavailable(last, "snapshot.stale");
      unavailable(await gate.form({ grant_type: "x" }), "snapshot.stale");
      for (let again = 0; again < 20; again++) unavailable(await ask(), "snapshot.stale");
      await gate.publish({ revision: "2", issuedAt: seconds() });
      await eventually(ask, ({ status }) => status === 200);
    }));

  test("without word from KV what is at hand counts for so long, and no longer", () =>
    within({ vars: { MAX_STALE_SECONDS: 6 } }, async (gate, ask) => {
      assert.equal((await ask()).status, 200);
      // The snapshot itself is still good; KV does not say whether there is another.
      await gate.kv.delete("snapshot/newest");
      await later(1_500);
      assert.equal((await ask()).status, 200);
      unavailable(await eventually(ask, ({ status }) => status !== 200), "snapshot.stale");
      await gate.publish({});
      await eventually(ask, ({ status }) => status === 200);
    }));

  test("an isolate that slept looks first, and then answers", () =>
    within({ vars: { MAX_STALE_SECONDS: 1 } }, async (gate, ask) => {
      assert.equal((await ask()).status, 200);
      await gate.publish({ revision: "2", issuedAt: seconds(), change: withoutFees });
      await later(1_300);
      // The very first answer is by the new one.
      assert.deepEqual([(await ask()).status], [403]);
    }));

  test("a request that takes its time is answered by the snapshot that it began with", () =>
    within({}, async (gate, ask) => {
      const type = "urn:ietf:params:oauth:token-type:access_token";
      const fields = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: token({ act: undefined }), subject_token_type: type };
      const form = new URLSearchParams(fields).toString();
      let rest;
      const begun = new Promise((done) => {
        rest = (sent) => {
          sent.write(form.slice(0, 100));
          done(() => sent.end(form.slice(100)));
        };
      });
      const answer = gate.ask("/oauth/token", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: rest });
      const finish = await begun;
      assert.equal(revisionOf(await ask()), "1");
      await gate.publish({ revision: "2", issuedAt: seconds() });
      await eventually(ask, (other) => revisionOf(other) === "2");
      finish();
      const { status, text } = await answer;
      assert.equal(status, 200, text);
      assert.equal((await gate.logged((line) => line.event === "exchange")).revision, "1");
    }));

  test("requests that are cut off stand in nobody's way", () =>
    within({ vars: { MAX_STALE_SECONDS: 1 } }, async (gate, ask) => {
      for (let round = 0; round < 3; round++) {
        const cuts = Array.from({ length: 20 }, () => new AbortController());
        const gone = cuts.map(({ signal }) => gate.ask(FEES, { token: token(), signal }).catch((thrown) => thrown.name));
        setTimeout(() => cuts.forEach((cut) => cut.abort()), 20 * round);
        const [here, ...others] = await Promise.all([ask(), ...gone]);
        assert.equal(here.status, 200, here.text);
        if (round === 0) assert.ok(others.includes("AbortError"));
        // By now what is at hand is too old, so the next ones have to wait for KV.
        await later(1_200);
      }
    }));
});
