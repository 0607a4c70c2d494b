// Decisions on their way to where they are kept: whatever becomes of them there,
// the decision stays what it was.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

import { Policy } from "deputize";
import { Audit, appendTo, fusionAuth, fusionAuthEntry, jsonLines, spans } from "deputize/audit";

import { NOW, snapshot } from "../../../wasm/tests/world.js";

const policy = Policy.fromJson(snapshot());
const caller = policy.caller(["user:anne", "agent:triage"], { now: NOW }).at(NOW);
const alone = policy.caller("user:anne", { now: NOW }).at(NOW);

describe("an audit", () => {
  it("gives each decision back as it was, and batches its record", async () => {
    const batches = [];
    const audit = new Audit({ sink: (records) => batches.push([...records]), batch: 3, delay: 0.02 });
    const made = caller.decide("can_read", "document:1");
    assert.equal(audit.record(made), made);
    assert.equal(audit.can(caller, "can_read", "document:1"), true);
    assert.equal(audit.can(caller, "can_read", "document:2"), false);
    assert.deepEqual(audit.decide(caller, "can_read", "document:2"), caller.decide("can_read", "document:2"));
    assert.deepEqual(batches, [], "the sink does not run in the midst of a request");
    await wait(60);
    assert.deepEqual(batches.map((batch) => batch.map(({ allowed }) => allowed)), [[true, true, false], [false]]);
    assert.equal(batches[0][0], made.record);
    assert.deepEqual(audit.counts, { written: 4, waiting: 0, dropped: 0, failed: 0 });
  });

  it("drops and counts what a slow sink leaves no room for", async () => {
    let release;
    let most = 0;
    const written = [];
    const problems = [];
    const sink = async (records) => {
      await new Promise((done) => {
        release = done;
      });
      written.push(...records);
    };
    const audit = new Audit({ sink, batch: 10, delay: 0, capacity: 25, onProblem: (problem) => problems.push(problem) });
    for (let n = 0; n < 10; n++) audit.decide(alone, "viewer", `document:${n}`);
    await wait(5);
    for (let n = 10; n < 1_000; n++) {
      const started = performance.now();
      assert.equal(audit.decide(alone, "viewer", `document:${n}`).allowed, false);
      most = Math.max(most, performance.now() - started);
    }
    assert.ok(most < 1_000, `${most} ms`);
    assert.deepEqual(audit.counts, { written: 0, waiting: 25, dropped: 975, failed: 0 });
    assert.deepEqual(problems[0], { kind: "full", lost: 1 });
    const closing = audit.close();
    for (let n = 0; n < 3; n++) {
      release();
      await wait(5);
    }
    await closing;
    // What was kept is in order and without a gap.
    assert.deepEqual(written.map(({ resource }) => resource), Array.from({ length: 25 }, (_, n) => `document:${n}`));
    audit.decide(alone, "viewer", "document:1");
    assert.deepEqual(audit.counts, { written: 25, waiting: 0, dropped: 976, failed: 0 });
    assert.equal(problems.at(-1).kind, "closed");
  });

  it("offers a batch again, and counts what a sink will not keep", async () => {
    const problems = [];
    const offered = [];
    const failing = [3, 1];
    const sink = (records) => {
      offered.push(records.length);
      if (failing[0]-- > 0) throw new Error("no");
      failing.shift();
    };
    const audit = new Audit({ sink, batch: 2, delay: 0, attempts: 3, onProblem: (problem) => problems.push(problem) });
    for (let n = 0; n < 4; n++) assert.equal(audit.can(alone, "viewer", "document:1"), true);
    await audit.flush();
    assert.deepEqual(offered, [2, 2, 2, 2]);
    assert.deepEqual(audit.counts, { written: 2, waiting: 0, dropped: 0, failed: 2 });
    assert.deepEqual(problems.map(({ kind, lost, error }) => [kind, lost, error.message]), [["sink", 2, "no"]]);
    const never = new Audit({ sink: () => new Promise(() => {}), attempts: 1, timeout: 0.02, delay: 0, onProblem: (problem) => problems.push(problem) });
    never.can(alone, "viewer", "document:1");
    await never.close();
    assert.match(problems.at(-1).error.message, /longer than 0.02 seconds/);
    assert.equal(never.counts.failed, 1);
  });

  it("lets nothing that throws reach a decision", async () => {
    const bad = () => {
      throw new Error("no");
    };
    const audit = new Audit({ sink: bad, observers: [bad, bad], onProblem: bad, attempts: 1, delay: 0 });
    assert.equal(audit.decide(alone, "viewer", "document:1").allowed, true);
    assert.equal(audit.decide(alone, "viewer", "document:2").allowed, false);
    await audit.close();
    assert.equal(audit.counts.failed, 2);
    // Without a sink nothing waits.
    const seen = [];
    const observed = new Audit({ observers: [({ allowed }) => seen.push(allowed)] });
    observed.can(alone, "viewer", "document:1");
    assert.deepEqual([seen, observed.counts.waiting], [[true], 0]);
  });

  it("writes on when records come while it writes", async () => {
    const written = [];
    const audit = new Audit({ sink: async (records) => void written.push(...records), batch: 7, delay: 0.001 });
    for (let n = 0; n < 500; n++) {
      audit.can(alone, "viewer", `document:${n}`);
      if (n % 10 === 0) await wait(0);
    }
    await audit.close();
    assert.deepEqual(written.map(({ resource }) => resource), Array.from({ length: 500 }, (_, n) => `document:${n}`));
  });
});

describe("JSON lines", () => {
  it("are records, which replay to the same bytes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "deputize-"));
    after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "audit.jsonl");
    const audit = new Audit({ sink: jsonLines(appendTo(path)), batch: 2 });
    const made = ["document:1", "document:2", "document:3"].map((resource) => audit.decide(caller, "can_read", resource));
    await audit.close();
    const lines = readFileSync(path, "utf8").split("\n");
    assert.equal(lines.pop(), "");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), made.map(({ record }) => record));
    for (const line of lines) assert.equal(policy.replay(JSON.parse(line)).record.id, JSON.parse(line).id);
    assert.equal(statSync(path).mode & 0o077, 0);
  });
});

describe("spans", () => {
  it("of the real SDK carry who acted, for whom, and each decision", () => {
    const exporter = new InMemorySpanExporter();
    const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
    const audit = new Audit({ observers: [spans(trace)] });
    const tracer = trace.getTracer("test");
    tracer.startActiveSpan("tool", (span) => {
      audit.can(caller, "can_read", "document:1");
      span.end();
    });
    tracer.startActiveSpan("tool", (span) => {
      audit.can(caller, "can_read", "document:2");
      audit.can(caller, "can_read", "document:1");
      span.end();
    });
    audit.can(caller, "can_read", "document:1");
    const [allowed, denied, ...rest] = exporter.getFinishedSpans();
    assert.deepEqual(rest, []);
    assert.deepEqual(allowed.attributes, { "deputize.actor": "agent:triage", "deputize.subject": "user:anne", "deputize.revision": "42" });
    assert.equal(denied.attributes["deputize.denied"], true, "a later yes does not cover it up");
    assert.deepEqual(denied.events.map(({ name }) => name), ["deputize.decision", "deputize.decision"]);
    const record = caller.decide("can_read", "document:2").record;
    assert.deepEqual(denied.events[0].attributes, {
      "deputize.allowed": false,
      "deputize.reason": "subject.no_grant",
      "deputize.message": caller.decide("can_read", "document:2").message,
      "deputize.action": "can_read",
      "deputize.resource": "document:2",
      "deputize.chain": ["user:anne", "agent:triage"],
      "deputize.digest": policy.digest(),
      "deputize.id": record.id,
    });
  });
});

describe("FusionAuth's audit log", () => {
  it("gets an entry a record, each once, also when a batch fails half-way", async () => {
    const entries = [];
    let answers = [];
    const server = createServer(async (request, response) => {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
      const status = answers.shift() ?? 200;
      if (status === 200) entries.push([request.method, request.url, request.headers.authorization, body]);
      response.writeHead(status).end();
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    after(() => server.close());
    const sink = fusionAuth({ url: `http://127.0.0.1:${server.address().port}`, apiKey: "key" });
    const audit = new Audit({ sink, batch: 4 });
    answers = [200, 500, 200, 200, 503];
    const made = ["document:1", "document:2", "document:3", "document:4"].map((resource) => audit.decide(caller, "can_read", resource).record);
    await audit.close();
    assert.deepEqual(audit.counts, { written: 4, waiting: 0, dropped: 0, failed: 0 });
    assert.deepEqual(entries.map(([, , , { auditLog }]) => auditLog.data.resource), made.map(({ resource }) => resource));
    assert.deepEqual(entries[1], ["POST", "/api/system/audit-log", "key", JSON.parse(JSON.stringify(fusionAuthEntry(made[1])))]);
    assert.deepEqual(fusionAuthEntry(made[1]), {
      auditLog: {
        insertUser: "agent:triage",
        message: "denied: agent:triage for user:anne, can_read on document:2",
        reason: "subject.no_grant",
        data: made[1],
      },
    });
    assert.equal(fusionAuthEntry(alone.decide("viewer", "document:1").record).auditLog.message, "allowed: user:anne, viewer on document:1");
  });
});

describe("an audit's callbacks", () => {
  it("end no process, and what they fail at is told", async (context) => {
    const policy = Policy.fromJson({ deputize: 1 });
    const problems = [];
    const audit = new Audit({ observers: [() => Promise.reject(new Error("mine"))], onProblem: (problem) => problems.push(problem.kind) });
    audit.record(policy.caller("user:anne").decide("read", "document:1"));
    await new Promise((done) => setTimeout(done, 5));
    assert.deepEqual(problems, ["observer"]);
    const { mock } = context.mock.method(console, "error", () => {});
    const mute = new Audit({
      observers: [
        () => {
          throw new Error("mine");
        },
      ],
      onProblem: async () => Promise.reject(new Error("mine too")),
    });
    mute.record(policy.caller("user:anne").decide("read", "document:1"));
    await new Promise((done) => setTimeout(done, 5));
    assert.equal(mock.callCount(), 1);
  });

  it("are read strictly", () => {
    const sink = () => {};
    for (const options of [{}, { sinks: sink }, { sink, onProblems: sink }, { sink: "file" }, { sink, observers: [async () => {}] }, { sink, observers: sink }, { sink, batch: 0 }, { sink, delay: "1" }])
      assert.throws(() => new Audit(options), { kind: "misuse", code: "guard.options" }, JSON.stringify(options));
  });
});
