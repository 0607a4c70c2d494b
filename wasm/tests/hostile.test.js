// What an attacker may hand over: nothing of it stops the module, and whatever
// was loaded before goes on answering.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { DeputizeError, Policy, inspect } from "./package.js";

import { NOW, claims, dpop, model, sign, snapshot } from "./world.js";

const policy = Policy.fromJson(snapshot());
const at = { now: NOW };
const token = sign("EdDSA", claims());

/** Runs something that may be refused; that the module ended is no refusal. */
function attempt(what) {
  try {
    return what();
  } catch (error) {
    assert.ok(error instanceof DeputizeError, `${error}`);
    assert.notEqual(error.kind, "internal", error.message);
    return undefined;
  }
}

/** The module is the one that it was. */
function well() {
  assert.equal(policy.check("user:anne", "viewer", "document:1"), true);
  assert.equal(policy.verify(token, at).at(NOW).can("can_read", "document:2"), false);
}

/** The same numbers in every run. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutated(bytes, next) {
  const copy = Uint8Array.from(bytes);
  for (let n = 0; n <= next(4); n++) copy[next(copy.length)] = next(256);
  return next(4) ? copy : copy.subarray(0, next(copy.length));
}

describe("hostile bytes", () => {
  it("as a compiled policy", () => {
    const image = policy.toCompiled();
    const next = random(1);
    for (let n = 0; n < 3_000; n++) {
      const other = mutated(image, next);
      const opened = attempt(() => Policy.fromCompiled(other));
      // A byte may have been written over itself.
      assert.ok(opened === undefined || Buffer.compare(other, image) === 0);
      opened?.free();
    }
    well();
  });

  it("as a snapshot", () => {
    const document = new TextEncoder().encode(JSON.stringify(snapshot()));
    const next = random(2);
    for (let n = 0; n < 2_000; n++) attempt(() => Policy.fromJson(mutated(document, next)))?.free();
    well();
  });

  it("as a token, a proof, a request", () => {
    const next = random(3);
    const letters = "eyJ.=-_ \n{}\"é\u0000";
    const garble = (text) => {
      const parts = [...text];
      for (let n = 0; n <= next(3); n++) parts[next(parts.length)] = letters[next(letters.length)];
      return parts.join("");
    };
    const proof = dpop(token);
    for (let n = 0; n < 2_000; n++) {
      const bad = garble(token);
      attempt(() => policy.verify(bad, at));
      attempt(() => policy.verify(token, { ...at, dpop: { ...proof, proof: garble(proof.proof) } }));
      attempt(() => inspect(bad, at));
      attempt(() => policy.inspect(bad, at));
      attempt(() => policy.decide(bad, { action: garble("can_read"), resource: garble("document:1") }, at));
      attempt(() => policy.evaluate(garble('{"subject":{"type":"user","id":"anne"},"action":{"name":"a"},"resource":{}}'), at));
      attempt(() => policy.check(garble("user:anne"), garble("viewer"), garble("document:1")));
      attempt(() => policy.replay({ ...policy.caller("user:anne", at).decide("viewer", "document:1").record, action: bad }));
    }
    well();
  });

  it("found by the native fuzzers", (t) => {
    // The seeds, and the corpus that earlier runs have left here, if any.
    const folders = ["../../fuzz/seeds/", "../../fuzz/corpus/"].map((place) => fileURLToPath(new URL(place, import.meta.url)));
    let ran = 0;
    for (const folder of folders.filter(existsSync)) {
      for (const file of readdirSync(folder, { recursive: true })) {
        const path = join(folder, file);
        if (!statSync(path).isFile()) continue;
        const bytes = readFileSync(path);
        const text = bytes.toString("utf8");
        attempt(() => Policy.fromJson(bytes))?.free();
        attempt(() => Policy.fromCompiled(bytes))?.free();
        attempt(() => Policy.fromJson({ deputize: 1, model: text }))?.free();
        attempt(() => policy.verify(text, at));
        attempt(() => inspect(text, at));
        attempt(() => policy.evaluations(text, at));
        attempt(() => policy.check(text, "viewer", text));
        ran++;
      }
    }
    t.diagnostic(`${ran} inputs`);
    assert.ok(ran > 40);
    well();
  });
});

describe("deep nesting", () => {
  const depths = [100, 1_000, 20_000, 500_000];

  it("of JSON, in every document", () => {
    for (const depth of depths) {
      for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
        const deep = open.repeat(depth) + (open === "[" ? "" : "1") + close.repeat(depth);
        attempt(() => Policy.fromJson(deep));
        attempt(() => Policy.fromJson(`{"deputize":1,"model":${deep}}`));
        attempt(() => Policy.fromJson(`{"deputize":1,"entities":${deep}}`));
        attempt(() => Policy.fromJson(`{"deputize":1,"principals":[{"id":"a:b","attributes":{"x":${deep}}}]}`));
        attempt(() => policy.evaluate(deep, at));
        const segment = Buffer.from(deep).toString("base64url");
        attempt(() => policy.verify(`${segment}.${segment}.AAAA`, at));
        attempt(() => inspect(`${segment}.${segment}.AAAA`, at));
      }
    }
    well();
  });

  it("of a model and of its conditions", () => {
    for (const depth of depths) {
      const brackets = "(".repeat(depth) + "a" + ")".repeat(depth);
      attempt(() => Policy.fromJson({ deputize: 1, model: `model\n  schema 1.1\ntype user\ntype d\n  relations\n    define a: [user]\n    define b: ${brackets}` }));
      const bodies = [brackets, "!".repeat(depth) + "a", "[".repeat(depth) + "]".repeat(depth), `a${" && a".repeat(depth)}`, `a${".b".repeat(depth)}`];
      for (const body of bodies) {
        attempt(() => Policy.fromJson({ deputize: 1, model: `${model}\ncondition deep(a: bool) {\n  ${body}\n}\n` }))?.free();
      }
    }
    well();
  });

  it("of groups, in an exclusion too", () => {
    const size = 20_000;
    const tuples = Array.from({ length: size }, (_, n) => ({ user: `group:g${n}#member`, relation: "member", object: `group:g${n + 1}` }));
    tuples.push({ user: "user:anne", relation: "member", object: "group:g0" });
    tuples.push({ user: `group:g${size}#member`, relation: "viewer", object: "document:1" });
    const deep = Policy.fromJson({ deputize: 1, model, tuples });
    assert.equal(deep.check("user:anne", "viewer", "document:1"), true);
    assert.equal(deep.check("user:anne", "can_read", "document:1"), true);
    assert.equal(deep.check("user:bob", "can_read", "document:1"), false);
    assert.equal(deep.explain("user:anne", "can_read", "document:1").allowed, true);
    assert.deepEqual(deep.listUsers("document:1", "can_read", "user"), ["user:anne"]);
    deep.free();
    well();
  });

  it("of the program that calls", () => {
    // A call that finds no stack left stops the module half-way: the instance
    // is replaced, and what was in it says so.
    let codes = new Set();
    const down = (depth) => {
      try {
        policy.check("user:anne", "viewer", "document:1");
      } catch (error) {
        if (error instanceof DeputizeError) codes.add(error.code);
        return;
      }
      down(depth + 1);
    };
    try {
      down(0);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
    for (const code of codes) assert.ok(["internal", "call.freed"].includes(code), code);
    const again = Policy.fromJson(snapshot());
    assert.equal(again.check("user:anne", "viewer", "document:1"), true);
    try {
      assert.equal(policy.check("user:anne", "viewer", "document:1"), true);
    } catch (error) {
      assert.equal(error.code, "call.freed");
    }
    policy.free();
  });
});
