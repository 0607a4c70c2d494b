// One policy for all threads, and memory that stays what it was.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";

import { DeputizeError, Policy, engine } from "deputize";

import { NOW, claims, sign, snapshot } from "../../../wasm/tests/world.js";

/** A policy with 100,000 tuples. */
function large() {
  const tuples = [];
  for (let n = 0; n < 100_000; n++) tuples.push({ user: `user:u${n % 5_000}`, relation: "viewer", object: `document:d${n % 40_000}-${Math.floor(n / 40_000)}` });
  return Policy.fromJson(snapshot({ tuples }));
}

const megabytes = () => process.memoryUsage.rss() / 1e6;

/** A thread that runs these lines with `Policy`, `workerData` and `tell`. */
function thread(lines, workerData) {
  const head = `import { Policy } from ${JSON.stringify(import.meta.resolve("deputize"))};
    import { parentPort, workerData } from "node:worker_threads";
    const tell = (what) => parentPort.postMessage(what);\n`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(head + lines)}`), { workerData });
}

const codeOf = (what) => {
  try {
    what();
  } catch (error) {
    assert.ok(error instanceof DeputizeError);
    return error.code;
  }
  return undefined;
};

it("the native module is what is tested here", () => assert.equal(engine, "native"));

describe("a shared policy", () => {
  it("is opened by other threads, and is theirs too", async () => {
    let policy = large();
    const digest = policy.digest();
    const shared = policy.share();
    assert.deepEqual(policy.share(), shared);
    const lines = `
      const policy = Policy.fromShared(workerData);
      tell(policy.digest());
      parentPort.once("message", () => {
        let allowed = 0;
        for (let n = 0; n < 20_000; n++) allowed += policy.check("user:u" + (n % 5_000), "viewer", "document:d" + n + "-0");
        const again = Policy.fromShared(workerData);
        tell([allowed, again.digest() === policy.digest()]);
      });`;
    const workers = Array.from({ length: 4 }, () => thread(lines, shared));
    const first = await Promise.all(workers.map((worker) => once(worker, "message")));
    assert.deepEqual(first.flat(), Array(4).fill(digest));
    // Whoever opened it holds it, and may open it again, also when the first has let go.
    policy.free();
    policy = undefined;
    const answers = workers.map((worker) => once(worker, "message"));
    for (const worker of workers) worker.postMessage("on");
    assert.deepEqual((await Promise.all(answers)).flat(), Array(4).fill([20_000, true]));
    await Promise.all(workers.map((worker) => worker.terminate()));
    // The policies of a thread that ended go with it.
    for (let n = 0; n < 100 && codeOf(() => Policy.fromShared(shared).free()) === undefined; n++) await new Promise((done) => setTimeout(done, 20));
    assert.equal(codeOf(() => Policy.fromShared(shared)), "call.shared");
  });

  it("takes no memory of its own", () => {
    const policy = large();
    const shared = policy.share();
    const before = megabytes();
    const opened = Array.from({ length: 1_000 }, () => Policy.fromShared(shared));
    assert.ok(megabytes() - before < 30, `${megabytes() - before} MB for 1,000`);
    for (const one of opened) {
      assert.equal(one.check("user:u1", "viewer", "document:d1-0"), true);
      one.free();
    }
    policy.free();
  });

  it("is not found by a guess, nor by a name of another kind", () => {
    const policy = Policy.fromJson(snapshot());
    const { handle } = policy.share();
    assert.match(handle, /^[0-9a-f]{64}$/);
    const other = Policy.fromJson(snapshot());
    assert.notEqual(other.share().handle, handle);
    for (const forged of [handle.slice(1), handle.toUpperCase(), `${handle} `, "\0".repeat(64), "\ud800", "é".repeat(32)]) {
      if (forged !== handle) assert.equal(codeOf(() => Policy.fromShared({ handle: forged })), "call.shared");
    }
    policy.free();
    assert.equal(codeOf(() => Policy.fromShared({ handle })), "call.shared");
    assert.equal(codeOf(() => policy.share()), "call.freed");
  });
});

describe("threads", () => {
  it("that end in the midst of work take nothing with them", async () => {
    const policy = large();
    const shared = policy.share();
    const lines = `
      const policy = Policy.fromShared(workerData);
      const ids = Array.from({ length: 20_000 }, (_, n) => "document:d" + n + "-0");
      const work = async () => { for (;;) await Promise.all([policy.filterAsync("user:u1", "viewer", ids), Policy.fromCompiledAsync(policy.toCompiled())]); };
      work(); work(); tell("busy");`;
    for (let n = 0; n < 8; n++) {
      const worker = thread(lines, shared);
      await once(worker, "message");
      await new Promise((done) => setTimeout(done, 10 * n));
      await worker.terminate();
      assert.equal(policy.check("user:u1", "viewer", "document:d1-0"), true);
    }
    policy.free();
  });
});

describe("memory", () => {
  it("is flat over a million calls", async (t) => {
    const policy = Policy.fromJson(snapshot());
    const caller = policy.caller("user:anne", { now: NOW }).at(NOW);
    const token = sign("EdDSA", claims());
    const ids = ["document:1", "document:2", "nothing"];
    let allowed = 0;
    const hundredThousand = async () => {
      for (let n = 0; n < 1_000; n++) {
        for (let k = 0; k < 46; k++) {
          allowed += policy.check("user:anne", "viewer", "document:1");
          allowed += caller.can("viewer", "document:2");
        }
        allowed += policy.filter("user:anne", "viewer", ids).allowed;
        allowed += caller.filter("viewer", ids).allowed;
        allowed += policy.check("user:anne", "viewer", "document:1", { context: { hour: 1 } });
        try {
          policy.check("anne", "viewer", "document:1");
        } catch {
          allowed++;
        }
        const verified = policy.verify(token, { now: NOW });
        allowed += verified.decide("can_read", "document:1", undefined, NOW).allowed;
        verified.free();
        // Not freed: left to the collector.
        policy.caller("user:anne", { now: NOW });
        policy.verify(token, { now: NOW });
        if (n % 50 === 0) {
          Policy.fromJson(snapshot());
          allowed += (await policy.filterAsync("user:anne", "viewer", ids)).allowed;
          await new Promise(setImmediate);
        }
      }
    };
    for (let n = 0; n < 3; n++) await hundredThousand();
    const before = megabytes();
    for (let n = 0; n < 7; n++) await hundredThousand();
    const grown = megabytes() - before;
    t.diagnostic(`${grown.toFixed(1)} MB more after 700,000 calls than after 300,000`);
    assert.ok(grown < 25, `${grown} MB`);
    assert.equal(allowed, 10 * (46_000 + 1_000 * 5 + 20));
  });

  it("of policies that are forgotten is given back", async () => {
    const image = large().toCompiled();
    const round = async () => {
      for (let n = 0; n < 40; n++) {
        Policy.fromCompiled(image);
        await new Promise(setImmediate);
      }
    };
    await round();
    const before = megabytes();
    for (let n = 0; n < 3; n++) await round();
    assert.ok(megabytes() - before < 150, `${megabytes() - before} MB more for 120 policies of ${(image.length / 1e6).toFixed(1)} MB`);
  });
});
