// Policies that are kept fresh: from files, a real HTTP server, KV and R2.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { DeputizeError, Policy } from "deputize";
import { Source, file, kv, r2, sha256, signature, url } from "deputize/source";

const model = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]";
const snapshot = (revision, ...users) => ({ deputize: 1, revision, model, tuples: users.map((user) => ({ user, relation: "viewer", object: "document:1" })) });
const bytesOf = (document) => new TextEncoder().encode(JSON.stringify(document));
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function open(...words) {
  const source = await Source.open(...words);
  after(() => source.close());
  return source;
}

/** Waits until something holds. */
async function until(holds, limit = 5_000) {
  for (const end = Date.now() + limit; !holds(); await wait(5)) assert.ok(Date.now() < end, `not within ${limit} ms: ${holds}`);
}

async function codeOf(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof DeputizeError, String(error));
    return error.code;
  }
  return undefined;
}

function codeAtOnce(what) {
  try {
    what();
  } catch (error) {
    assert.ok(error instanceof DeputizeError, String(error));
    return `${error.kind} ${error.code}`;
  }
  return undefined;
}

/** A server of one snapshot, which the test may change, damage or stop. */
async function serve() {
  const state = { body: bytesOf(snapshot("1", "user:anne")), status: 200, headers: {}, asked: [], etag: true, handle: undefined };
  const server = createServer((request, response) => {
    state.asked.push(request.headers);
    if (state.handle !== undefined) return state.handle(request, response);
    const etag = `"${hash(state.body)}"`;
    if (state.etag && request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    response.writeHead(state.status, { ...(state.etag && { etag }), ...state.headers }).end(state.body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(state, { href: `http://127.0.0.1:${server.address().port}/policy.json?key=secret`, server });
}

describe("a URL", () => {
  it("is asked with its ETag, and its policy replaced as a whole", async () => {
    const state = await serve();
    const source = await open(url(state.href, { headers: { authorization: "Bearer t" } }), { refresh: 0 });
    const changes = [];
    source.on("changed", ({ policy, previous }) => changes.push([previous.revision, policy.revision]));
    assert.equal(source.policy.revision, "1");
    assert.equal(await source.refresh(), false);
    assert.equal(state.asked[0]["if-none-match"], undefined);
    assert.equal(state.asked[1]["if-none-match"], `"${hash(state.body)}"`);
    assert.equal(state.asked[1].authorization, "Bearer t");
    const before = source.policy;
    state.body = bytesOf(snapshot("2", "user:bob"));
    assert.equal(await source.refresh(), true);
    assert.deepEqual(changes, [["1", "2"]]);
    assert.equal(source.policy.check("user:bob", "viewer", "document:1"), true);
    assert.equal(before.check("user:anne", "viewer", "document:1"), true, "who still asks the old one may");
    // Without an ETag all is read again each time, and the same bytes are the same policy.
    state.etag = false;
    assert.equal(await source.refresh(), false);
    assert.equal(await source.refresh(), false);
    assert.equal(state.asked.at(-1)["if-none-match"], undefined);
    // The compiled form is known by its first bytes.
    state.body = Policy.fromJson(snapshot("3", "user:anne")).toCompiled();
    await source.refresh();
    assert.equal(source.policy.revision, "3");
  });

  it("that fails leaves the policy as it was, and says why", async () => {
    const state = await serve();
    const source = await open(url(state.href, { maxBytes: 5_000 }), { refresh: 0, timeout: 0.3 });
    const told = [];
    source.on("failed", ({ error }) => told.push(error));
    const compiled = Policy.fromJson(snapshot("9", "user:eve")).toCompiled();
    const damaged = Uint8Array.from(compiled);
    damaged[damaged.length >> 1] ^= 1;
    const whole = bytesOf(snapshot("9", "user:eve"));
    const body = (bytes, status = 200) => (_, response) => response.writeHead(status).end(bytes);
    const failures = [
      [body("not found", 404), "source.unreachable"],
      [body("", 500), "source.unreachable"],
      [body(""), "snapshot.json"],
      [body(whole.subarray(0, whole.length - 1)), "snapshot.json"],
      [body(JSON.stringify({ deputize: 1, tupels: [] })), "snapshot.shape"],
      [body("<html>"), "snapshot.json"],
      [body(damaged), "compiled.damaged"],
      [body(compiled.subarray(0, 100)), "compiled.damaged"],
      [body(new Uint8Array(5_001).fill(32)), "source.too_large"],
      // The connection ends in the midst of the body; it never answers; it sends nothing more.
      [(_, response) => response.writeHead(200, { "content-length": 500 }).write(whole, () => response.destroy()), "source.unreachable"],
      [() => {}, "source.timeout"],
      [(_, response) => response.writeHead(200).write(whole), "source.timeout"],
      // 304 to one who has named no version would be no answer at all.
    ];
    for (const [handle, code] of failures) {
      state.handle = handle;
      const found = await codeOf(source.refresh());
      assert.ok(found === code || (code.startsWith("compiled.") && found?.startsWith("compiled.")), `${handle}: ${found}`);
      assert.equal(told.at(-1).code, found);
      assert.ok(!told.at(-1).message.includes("secret"), told.at(-1).message);
      assert.equal(source.policy.revision, "1");
      assert.equal(source.policy.check("user:eve", "viewer", "document:1"), false);
    }
    assert.equal(told.length, failures.length);
    state.handle = body(whole);
    assert.equal(await source.refresh(), true, "a failure is not the end");
    state.handle = (_, response) => response.writeHead(304).end();
    assert.equal(await codeOf(Source.open(url(state.href))), "source.unreachable", "nothing is unchanged at first");
    state.server.closeAllConnections();
    await new Promise((done) => state.server.close(done));
    assert.equal(await codeOf(source.refresh()), "source.unreachable");
    assert.equal(await codeOf(Source.open(url(state.href))), "source.unreachable");
    assert.equal(source.policy.revision, "9");
  });

  it("refreshes by itself, grows stale without an answer, and comes back", async () => {
    const state = await serve();
    const source = await open(url(state.href), { refresh: 0.05, maxAge: 0.4 });
    const stale = [];
    source.on("stale", ({ age }) => stale.push(age));
    state.body = bytesOf(snapshot("2"));
    await until(() => source.policy.revision === "2");
    // Unchanged is confirmed: it stays fresh far beyond its greatest age.
    await wait(800);
    assert.equal(source.policy.revision, "2");
    state.status = 503;
    state.body = bytesOf(snapshot("3"));
    await until(() => source.age > 0.4);
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
    await wait(100);
    assert.equal(stale.length, 1);
    state.status = 200;
    await until(() => codeAtOnce(() => source.policy) === undefined);
    assert.equal(source.policy.revision, "3");
    source.close();
    await wait(150);
    const { length } = state.asked;
    await wait(200);
    assert.equal(state.asked.length, length, "closed is closed");
    await until(() => codeAtOnce(() => source.policy) === "denied snapshot.stale");
  });

  it("is stale by the clock on the wall too", async (t) => {
    const state = await serve();
    const source = await open(url(state.href), { refresh: 0, maxAge: 300 });
    const now = Date.now();
    t.mock.method(Date, "now", () => now + 301_000);
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
    // Set back, it makes nothing younger.
    t.mock.method(Date, "now", () => now - 1e9);
    assert.ok(source.age >= 0);
    t.mock.method(performance, "now", () => 1e12);
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
    t.mock.method(performance, "now", () => Number.NaN);
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
  });

  it("is asked once at a time, and when it is due", async () => {
    const state = await serve();
    const source = await open(url(state.href), { refresh: 60, maxAge: 600 });
    await Promise.all([source.refresh(), source.refresh(), source.refresh()]);
    assert.equal(state.asked.length, 2);
    await source.refreshIfDue();
    assert.equal(state.asked.length, 2);
    const eager = await open(url(state.href), { refresh: 0 });
    state.status = 500;
    state.etag = false;
    await eager.refreshIfDue();
    assert.equal(state.asked.length, 4);
  });

  it("swaps under load: every answer is one policy's", async () => {
    const state = await serve();
    // In each policy both users may, or neither.
    const documents = ["even", "odd"].map((revision, n) => snapshot(revision, ...(n ? ["user:anne", "user:bob"] : [])));
    state.body = bytesOf(documents[0]);
    const source = await open(url(state.href), { refresh: 0 });
    let swaps = 0;
    let asked = 0;
    let busy = true;
    source.on("changed", () => swaps++);
    const load = Array.from({ length: 8 }, async () => {
      while (busy) {
        const { policy } = source;
        const odd = policy.revision === "odd";
        const caller = policy.caller("user:bob");
        assert.equal(policy.check("user:anne", "viewer", "document:1"), odd);
        const { allowed } = await policy.filterAsync("user:anne", "viewer", Array(200).fill("document:1"));
        assert.equal(allowed, odd ? 200 : 0);
        assert.equal(caller.can("viewer", "document:1"), odd);
        asked++;
        await new Promise(setImmediate);
      }
    });
    for (let n = 1; n <= 200; n++) {
      // Every third is damaged.
      state.body = n % 3 ? bytesOf(documents[n % 2]) : new TextEncoder().encode('{"deputize":1,');
      await source.refresh().catch(() => {});
    }
    busy = false;
    await Promise.all(load);
    assert.ok(swaps > 60 && asked > 200, `${swaps} swaps, ${asked} rounds`);
  });
});

describe("a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "deputize-"));
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "policy.json");

  it("is watched: written over, replaced, gone and back", async () => {
    writeFileSync(path, bytesOf(snapshot("1")));
    const source = await open(file(path), { refresh: 0 });
    const failed = [];
    source.on("failed", ({ error }) => failed.push(error.code));
    writeFileSync(path, bytesOf(snapshot("2")));
    await until(() => source.policy.revision === "2");
    writeFileSync(join(folder, "next"), bytesOf(snapshot("3")));
    renameSync(join(folder, "next"), path);
    await until(() => source.policy.revision === "3");
    writeFileSync(path, "{");
    await until(() => failed.includes("snapshot.json"));
    assert.equal(source.policy.revision, "3");
    rmSync(path);
    await until(() => failed.includes("source.unreachable"));
    writeFileSync(path, Policy.fromJson(snapshot("4")).toCompiled());
    await until(() => source.policy.revision === "4");
    assert.equal(await source.refresh(), false);
    for (const nothing of ["nothing", "no/such/folder"]) {
      assert.equal(await codeOf(Source.open(file(join(folder, nothing)))), "source.unreachable");
    }
  });

  it("has its digest and its signature beside it", async () => {
    const bytes = bytesOf(snapshot("1"));
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const key = publicKey.export({ format: "jwk" });
    writeFileSync(path, bytes);
    writeFileSync(`${path}.sha256`, `${hash(bytes)}  policy.json\n`);
    writeFileSync(`${path}.sig`, `${sign(null, bytes, privateKey).toString("base64url")}\n`);
    const source = await open(file(path), { refresh: 0, check: [sha256(), signature(key)] });
    assert.equal(source.policy.revision, "1");
    writeFileSync(`${path}.sig`, sign(null, bytes, generateKeyPairSync("ed25519").privateKey).toString("base64"));
    assert.equal(await codeOf(Source.open(file(path), { check: signature(key) })), "source.signature");
    rmSync(`${path}.sha256`);
    assert.equal(await codeOf(Source.open(file(path), { check: sha256() })), "source.digest");
  });
});

describe("a check", () => {
  const body = bytesOf(snapshot("1", "user:anne"));
  const sources = {
    Ed25519: generateKeyPairSync("ed25519"),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  };
  const made = (name, bytes) => sign(name === "Ed25519" ? null : "sha256", bytes, { key: sources[name].privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");

  it("knows what is signed, by any of several keys, and nothing else", async () => {
    const state = await serve();
    state.body = body;
    const keys = Object.values(sources).map(({ publicKey }) => publicKey.export({ format: "jwk" }));
    for (const name of Object.keys(sources)) {
      state.headers = { "x-deputize-signature": made(name, body) };
      (await Source.open(url(state.href), { check: signature(...keys) })).close();
      const others = keys.filter((_, n) => Object.keys(sources)[n] !== name);
      const other = Buffer.from(made(name, Buffer.concat([body, Buffer.from(" ")])), "base64url").toString("base64");
      for (const [headers, known] of [
        [state.headers, others],
        [{ "x-deputize-signature": other }, keys],
        [{ "x-deputize-signature": "%%%" }, keys],
        [{ "x-deputize-signature": "" }, keys],
        [{}, keys],
        [state.headers, []],
        [state.headers, [{ kty: "oct", k: "AAAA" }]],
      ]) {
        state.headers = headers;
        assert.equal(await codeOf(Source.open(url(state.href), { check: signature(...known) })), "source.signature");
      }
    }
    // Metadata as S3 shows it.
    state.headers = { "x-amz-meta-sha256": hash(body).toUpperCase() };
    (await Source.open(url(state.href), { check: sha256() })).close();
  });

  it("comes before anything reads the bytes", async () => {
    const state = await serve();
    state.body = body;
    state.headers = { "x-deputize-sha256": hash(body) };
    const source = await open(url(state.href), { refresh: 0, check: sha256() });
    state.body = bytesOf(snapshot("2", "user:eve"));
    assert.equal(await codeOf(source.refresh()), "source.digest");
    assert.equal(source.policy.revision, "1");
    state.headers = {};
    assert.equal(await codeOf(source.refresh()), "source.digest");
    state.headers = { "x-deputize-sha256": hash(state.body) };
    assert.equal(await source.refresh(), true);
    assert.equal(await codeOf(Source.open(url(state.href), { check: sha256(hash(body)) })), "source.digest");
    (await Source.open(url(state.href), { check: sha256(hash(body), hash(state.body)) })).close();
    assert.equal(await codeOf(Source.open(url(state.href), { check: () => Promise.reject(new Error("mine")) })), "source.check");
  });
});

describe("a source", () => {
  it("refuses odd options, and listeners have no say", async (context) => {
    const origin = { name: "here", read: async () => ({ bytes: bytesOf(snapshot("1")), about: () => undefined }) };
    for (const options of [{ refresh: -1 }, { refresh: Number.NaN }, { maxAge: 10 }, { refresh: 5, maxAge: 5 }, { timeout: 0 }, { maxAge: Number.NaN }, { chek: sha256() }, { check: "sha256" }, { check: [undefined] }, { timeout: "30" }]) {
      assert.equal(await codeOf(Source.open(origin, options)), "source.options", JSON.stringify(options));
    }
    assert.equal(codeAtOnce(() => url("http://127.0.0.1/", { header: {} })), "misuse source.options");
    let revision = 1;
    origin.read = async () => ({ bytes: bytesOf(snapshot(String(revision++))), about: () => undefined });
    const source = await open(origin, { refresh: 0 });
    assert.throws(() => source.on("change", () => {}), { code: "source.options" });
    const failed = [];
    source.on("changed", () => {
      throw new Error("mine");
    });
    // One that rejects ends no process.
    source.on("changed", async () => {
      throw new Error("mine");
    });
    source.on("failed", ({ error }) => failed.push(error.code));
    const { mock } = context.mock.method(console, "error", () => {});
    source.on("failed", async () => {
      throw new Error("mine too");
    });
    const off = source.on("changed", () => assert.fail("it was ended"));
    off();
    assert.equal(await source.refresh(), true);
    await until(() => mock.callCount() === 2);
    assert.deepEqual(failed, ["source.listener", "source.listener"]);
  });

  it("takes no older policy, and none without a time after one with", async () => {
    const state = await serve();
    const at = (issued_at, ...users) => (state.body = bytesOf({ ...snapshot("1", ...users), ...(issued_at && { issued_at }) }));
    at(100, "user:mallory");
    const source = await open(url(state.href), { refresh: 0 });
    at(200);
    assert.equal(await source.refresh(), true);
    for (const older of [100, 199, undefined]) {
      at(older, "user:mallory");
      assert.equal(await codeOf(source.refresh()), "source.rollback");
      assert.equal(source.policy.check("user:mallory", "viewer", "document:1"), false);
    }
    at(200, "user:anne");
    assert.equal(await source.refresh(), true);
  });

  it("waits for a check, takes only a yes, and outlives one that never ends", async () => {
    const origin = { name: "here", read: async () => ({ bytes: bytesOf(snapshot(String(revision++))), about: () => undefined }) };
    let revision = 1;
    for (const no of [() => false, async () => false, () => null, () => 1, async () => "no", () => Promise.reject(new Error("secret"))]) {
      assert.equal(await codeOf(Source.open(origin, { check: no })), "source.check", String(no));
    }
    let answer = true;
    const source = await open(origin, { refresh: 0.05, timeout: 0.1, maxAge: 1, check: () => answer });
    const failed = [];
    source.on("failed", ({ error }) => failed.push(error.code));
    answer = new Promise(() => {});
    await until(() => failed.length > 2);
    assert.deepEqual(failed.slice(0, 3), ["source.timeout", "source.timeout", "source.timeout"]);
    answer = Promise.resolve(true);
    const before = source.policy.revision;
    await until(() => source.policy.revision !== before);
  });

  it("grows old where nothing is said of it", async (context) => {
    const origin = { name: "here", read: async () => ({ bytes: bytesOf(snapshot("1")), about: () => undefined }) };
    const source = await open(origin, { refresh: 0 });
    const now = Date.now();
    context.mock.method(Date, "now", () => now + 301_000);
    assert.equal(codeAtOnce(() => source.policy), "denied snapshot.stale");
  });

  it("follows no redirect, and tells nobody its secrets", async () => {
    const elsewhere = await serve();
    const state = await serve();
    const { host } = new URL(state.href);
    const secret = `http://reader:PASSWORD@${host}/policy.json?sig=PRESIGNED#fragment`;
    const source = await open(url(secret, { headers: { "x-api-key": "KEY" } }), { refresh: 0 });
    assert.equal(state.asked[0].authorization, `Basic ${Buffer.from("reader:PASSWORD").toString("base64")}`);
    const errors = [];
    source.on("failed", ({ error }) => errors.push(error));
    state.handle = (_, response) => response.writeHead(302, { location: elsewhere.href }).end();
    assert.equal(await codeOf(source.refresh()), "source.redirect");
    assert.equal(elsewhere.asked.length, 0, "nobody else is asked");
    state.server.closeAllConnections();
    await new Promise((done) => state.server.close(done));
    assert.equal(await codeOf(source.refresh()), "source.unreachable");
    for (const bad of ["http://reader:PASSWORD@:bad", "ftp://reader:PASSWORD@host/"]) assert.throws(() => url(bad), (error) => errors.push(error) > 0);
    const { inspect } = await import("node:util");
    for (const error of errors) assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }).replaceAll(/at .*/g, ""), /PASSWORD|PRESIGNED|KEY|fragment/);
    assert.match(errors[1].message, /ECONNREFUSED/);
  });

  it("sees a file that is exchanged by a link to another folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "deputize-"));
    after(() => rmSync(folder, { recursive: true }));
    for (const [name, ...users] of [["one"], ["two", "user:anne"]]) {
      mkdirSync(join(folder, "mounted", name), { recursive: true });
      writeFileSync(join(folder, "mounted", name, "p.json"), JSON.stringify(snapshot(name, ...users)));
    }
    const exchange = (to) => {
      symlinkSync(to, join(folder, "mounted", "..data_tmp"));
      renameSync(join(folder, "mounted", "..data_tmp"), join(folder, "mounted", "..data"));
    };
    exchange("two");
    symlinkSync("..data/p.json", join(folder, "mounted", "p.json"));
    mkdirSync(join(folder, "etc"));
    symlinkSync("../mounted/p.json", join(folder, "etc", "p.json"));
    const source = await open(file(join(folder, "etc", "p.json")), { refresh: 0 });
    assert.equal(source.policy.revision, "two");
    exchange("one");
    await until(() => source.policy.revision === "one");
    exchange("two");
    await until(() => source.policy.revision === "two");
    // Of the same size, and set back to the same time.
    const path = join(folder, "mounted", "two", "p.json");
    const { atime, mtime } = statSync(path);
    writeFileSync(path, JSON.stringify(snapshot("TWO", "user:anne")));
    utimesSync(path, atime, mtime);
    assert.equal(await source.refresh().then(() => source.policy.revision), "TWO");
  });

  it("looks again at what changed while it looked", async () => {
    let changed;
    let revision = "1";
    let release = () => {};
    const origin = {
      name: "here",
      async read() {
        const bytes = bytesOf(snapshot(revision));
        await new Promise((done) => {
          release = done;
        });
        return { bytes, about: () => undefined };
      },
      watch(call) {
        changed = call;
        return () => {};
      },
    };
    const opening = Source.open(origin, { refresh: 0 });
    await until(() => release.length > 0 || release !== undefined);
    await wait(5);
    revision = "2";
    changed();
    release();
    const source = await opening;
    after(() => source.close());
    assert.equal(source.policy.revision, "1");
    await wait(5);
    release();
    await until(() => source.policy.revision === "2");
  });
});

describe("KV and R2", () => {
  it("as Cloudflare's own types have them", async () => {
    // A store with the answers that workerd gives; `edge.test.js` asks workerd itself.
    const kvStore = { value: bytesOf(snapshot("1")).buffer, metadata: null };
    const namespace = { getWithMetadata: async () => ({ ...kvStore }) };
    const fromKv = await open(kv(namespace, "policy"), { refresh: 0 });
    assert.equal(await fromKv.refresh(), false);
    kvStore.value = bytesOf(snapshot("2")).buffer;
    assert.equal(await fromKv.refresh(), true);
    assert.equal(fromKv.policy.revision, "2");
    kvStore.value = null;
    assert.equal(await codeOf(fromKv.refresh()), "source.unreachable");
    const bucket = { get: async () => ({ etag: "a", arrayBuffer: undefined }) };
    assert.equal(await codeOf(Source.open(r2(bucket, "policy"))), "source.unreachable");
    assert.equal(await codeOf(Source.open(r2({ get: async () => null }, "policy"))), "source.unreachable");
  });
});
