// Ten thousand requests over loopback: each is answered as it should be, also
// while snapshots are swapped, and memory does not grow.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { Agent } from "node:http";
import { test } from "node:test";

import { eventually, start } from "./gate.js";
import { API, compiled, proof, seconds, thumbprint, token } from "./world.js";

const REQUESTS = 10_000;
const AT_ONCE = 32;
/** By how much what is left in memory may differ between before and after, in MB. */
const SLACK = 8;

/**
 * How many MB of memory workerd holds (its resident set), where the system says
 * so. It is told and not judged: the runtime's own part grows as well, also
 * around a Worker that only says hello.
 */
function resident() {
  let total;
  for (const pid of process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : []) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (!/^Name:\tworkerd$/m.test(status) || !new RegExp(`^PPid:\\t${process.pid}$`, "m").test(status)) continue;
      total = (total ?? 0) + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) / 1024;
    } catch {
      // It has just ended.
    }
  }
  return total;
}

/** Runs `one(n)` for each n, so many at a time. */
async function inParallel(from, to, one) {
  let next = from;
  const worker = async () => {
    while (next < to) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * What is left of the Worker's JavaScript once its garbage is collected, in MB.
 * Nothing outside can ask for a collection, so large bodies that are refused
 * make garbage until there are some; the least that is seen is just after one.
 */
async function leftOver(gate) {
  const headers = { "content-type": "application/json" };
  const body = `{${" ".repeat(250_000)}`;
  const given = token({ sub: "gateway", act: undefined, scope: "authzen:evaluate" });
  return gate.watchHeap(async (used) => {
    let least = Infinity;
    for (let round = 0; round < 100; round++) {
      const answer = await gate.ask("/access/v1/evaluation", { method: "POST", token: given, headers, body });
      assert.equal(answer.status, 400, answer.text);
      least = Math.min(least, await used());
    }
    return least / 1e6;
  });
}

/** How many MB the module has taken for all policies and callers, as the last line of the log says. */
const moduleMemory = (gate) => gate.log().findLast((line) => line.memory !== undefined).memory / 1e6;

/** The longest of all but the slowest hundredth, in milliseconds. */
const p99 = (times) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];

test(`${REQUESTS} requests, ${AT_ONCE} at a time`, { timeout: 240_000 }, async (t) => {
  const gate = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const now = seconds();
  const bound = token({ cnf: { jkt: thumbprint() } });
  // What is asked, and how it must come out: the status, and whom the API must be told of.
  const kinds = [
    { path: "/documents/fees", given: token({}, { kid: "bank-ec" }), status: 200, subject: "user:nora" },
    ...["nora", "sara", "leo"].map((sub) => ({ path: "/documents/fees", given: token({ sub }), status: 200, subject: `user:${sub}` })),
    { path: "/sections/dispute-policy-3", given: token(), status: 200, subject: "user:nora" },
    { path: "/sections/dispute-policy-3", given: token({ sub: "sara" }), status: 403 },
    { path: "/documents/case-118", given: token(), status: 403 },
    { path: "/documents/fees", given: token({ scope: "calendars:read" }), status: 403 },
    { path: "/documents/fees", given: token({}, { key: "stranger" }), status: 401 },
    { path: "/documents/fees", given: token({ iat: now - 600, exp: now - 1 }), status: 401 },
    { path: "/documents/fees", given: token({ aud: "https://calendars.bank.example" }), status: 401 },
    { path: "/documents/fees", given: token({ sub: "dina" }), status: 401 },
    { path: "/documents/fees%2f..%2fcase-118", given: token(), status: 400 },
    { path: "/documents/fees", given: undefined, status: 401 },
    { path: "/documents/fees", given: bound, bound: true, status: 200, subject: "user:nora" },
    { path: "/documents/fees", given: bound, status: 401 },
  ];
  const counts = new Map();
  const times = [];
  const memory = [];
  try {
    let began = performance.now();
    let before;
    for (let from = 0; from < REQUESTS; from += 2_000) {
      if (from === 2_000) {
        const paused = performance.now();
        before = await leftOver(gate);
        began += performance.now() - paused;
      }
      await inParallel(from, from + 2_000, async (n) => {
        const { path, given, bound, status, subject } = kinds[n % kinds.length];
        const headers = bound ? { authorization: `DPoP ${given}`, dpop: proof(given, { uri: API + path }) } : {};
        const start = performance.now();
        const answer = await gate.ask(path, { agent, headers, ...(bound ? {} : { token: given }) });
        times.push(performance.now() - start);
        assert.equal(answer.status, status, `${path}: ${answer.text}`);
        if (status === 200) assert.deepEqual([answer.json.path, answer.json.headers["x-deputize-subject"]], [path, subject]);
        counts.set(status, (counts.get(status) ?? 0) + 1);
      });
      memory.push(resident());
    }
    const took = (performance.now() - began) / 1000;
    t.diagnostic(`${[...counts].map(([status, count]) => `${count} × ${status}`).join(", ")} in ${took.toFixed(1)} s; 99 of 100 within ${p99(times).toFixed(0)} ms`);
    assert.equal(times.length, REQUESTS);
    const after = await leftOver(gate);
    const first = moduleMemory(gate);
    await gate.publish({ revision: "2", issuedAt: seconds() });
    await eventually(() => gate.ask("/documents/fees", { token: token() }), ({ json }) => json.headers["x-deputize-revision"] === "2");
    assert.ok(await gate.logged((line) => line.event === "snapshot" && line.revision === "2"));
    t.diagnostic(`JavaScript, its garbage collected: ${before.toFixed(1)} MB after 2,000, ${after.toFixed(1)} MB after all; the module: ${first.toFixed(1)} MB before, ${moduleMemory(gate).toFixed(1)} MB after`);
    if (memory[0] !== undefined) t.diagnostic(`resident memory of workerd after each 2,000: ${memory.map((size) => size.toFixed(0)).join(", ")} MB`);
    assert.ok(after - before < SLACK && moduleMemory(gate) - first < SLACK, "memory grows");
  } finally {
    agent.destroy();
    await gate.stop();
  }
});

test("snapshots are swapped under load: every answer is by one of them", { timeout: 240_000 }, async (t) => {
  // By every other snapshot the price list is nobody's; each is told by its revision.
  const began = seconds() - 100;
  const change = (snapshot) => ({ ...snapshot, tuples: snapshot.tuples.filter((tuple) => tuple.object !== "document:fees") });
  const snapshots = Array.from({ length: 6 }, (_, n) => compiled({ revision: `${n}`, issuedAt: began + n, ...(n % 2 === 1 ? { change } : {}) }));
  const gate = await start({ snapshot: snapshots[0] });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  // The signature of the second one is checked by WebCrypto.
  const [nora, noraToo] = [token(), token({}, { kid: "bank-ec" })];
  const notices = new Map();
  let published = 0;
  let asked = 0;
  let running = true;
  try {
    const asking = Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (running) {
          const answer = await gate.ask("/documents/fees", { agent, token: asked++ % 4 === 0 ? nora : noraToo });
          assert.ok(answer.status === 200 || answer.status === 403, `${answer.status} ${answer.text}`);
          if (answer.status !== 200) continue;
          const revision = Number(answer.json.headers["x-deputize-revision"]);
          assert.equal(revision % 2, 0, "an answer that no snapshot gives");
          assert.ok(revision <= published);
          notices.set(revision, (notices.get(revision) ?? 0) + 1);
        }
      }),
    );
    const swapping = (async () => {
      await eventually(() => gate.ask("/documents/fees", { token: nora }), ({ status }) => status === 200);
      for (const snapshot of snapshots.slice(1)) {
        published += 1;
        await gate.publish(snapshot);
        const wanted = published % 2 === 1 ? 403 : 200;
        await eventually(() => gate.ask("/documents/fees", { token: nora }), ({ status }) => status === wanted);
      }
      // The last one denies. Whatever is asked from here on is denied.
      for (let again = 0; again < 100; again++) {
        assert.equal((await gate.ask("/documents/fees", { agent, token: nora })).status, 403);
      }
      running = false;
    })().finally(() => (running = false));
    await Promise.all([asking, swapping]);
    t.diagnostic(`${asked} requests over ${published} swaps; allowed by revision ${[...notices].map(([revision, count]) => `${revision}: ${count}`).join(", ")}`);
    assert.equal(notices.size, 3);
    const modules = gate.log().flatMap((line) => (line.memory === undefined ? [] : [line.memory / 1e6]));
    t.diagnostic(`the module's memory at each swap: ${modules.map((size) => size.toFixed(1)).join(", ")} MB`);
    assert.equal(modules.length, snapshots.length);
    assert.ok(modules.at(-1) - modules[1] < SLACK, "memory grows");
  } finally {
    running = false;
    agent.destroy();
    await gate.stop();
  }
});
