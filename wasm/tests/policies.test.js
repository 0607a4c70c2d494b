import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { DeputizeError, Policy, decodeId, encodeId, init, initSync, memoryBytes } from "./package.js";

import { NOW, rejected, snapshot, thrown } from "./world.js";

describe("a policy", () => {
  const policy = Policy.fromJson(snapshot());

  it("is the same from an object, a text and bytes", () => {
    const text = JSON.stringify(snapshot());
    const bytes = new TextEncoder().encode(text);
    for (const document of [text, bytes, bytes.buffer, Buffer.from(text)]) {
      const other = Policy.fromJson(document);
      assert.equal(other.digest(), policy.digest());
      other.free();
    }
  });

  it("is opened again from its compiled form", () => {
    const image = policy.toCompiled();
    assert.ok(image instanceof Uint8Array);
    const opened = Policy.fromCompiled(image);
    assert.equal(opened.digest(), policy.digest());
    assert.deepEqual(opened.toCompiled(), image);
    assert.equal(opened.check("user:anne", "viewer", "document:1"), true);
    assert.equal(Policy.fromCompiled(image.buffer.slice(image.byteOffset, image.byteOffset + image.byteLength)).revision, "42");
  });

  it("says what it is", () => {
    const dated = Policy.fromJson(snapshot({ issued_at: 5, not_after: NOW }));
    assert.deepEqual([dated.revision, dated.issuedAt, dated.notAfter, dated.tupleCount], ["42", 5, NOW, 8]);
    assert.deepEqual([policy.issuedAt, policy.notAfter], [null, null]);
    assert.match(policy.digest(), /^[0-9a-f]{64}$/);
    assert.deepEqual(policy.warnings(), []);
    const odd = Policy.fromJson(snapshot({ tuples: [{ user: "cat:tom", relation: "viewer", object: "document:1" }] }));
    assert.deepEqual(
      odd.warnings().map(({ code, pointer }) => [code, pointer]),
      [["tuple.not_assignable", "/tuples/0"]],
    );
    assert.match(odd.warnings()[0].message, /cat:tom/);
  });

  it("checks", () => {
    assert.equal(policy.check("user:anne", "viewer", "document:1"), true);
    assert.equal(policy.check("user:anne", "can_read", "document:3"), false);
    assert.equal(policy.check("user:zoë", "viewer", "document:1"), false);
    const tuple = { user: "user:zoë", relation: "member", object: "group:staff" };
    assert.equal(policy.check("user:zoë", "viewer", "document:1", { contextual_tuples: [tuple] }), true);
    assert.equal(policy.check("user:bob", "viewer", "document:2", { context: { hour: 10 } }), true);
    assert.equal(policy.check("user:bob", "viewer", "document:2", { context: { hour: 20 } }), false);
    assert.equal(policy.check("user:anne", "viewer", "document:1", {}), true);
  });

  it("checks many", () => {
    const item = (user, object) => ({ user, relation: "viewer", object });
    const answers = policy.batchCheck([
      item("user:anne", "document:1"),
      item("user:anne", "document:2"),
      item("user:anne", "cat:1"),
      item("user:bob", "document:2"),
    ]);
    assert.deepEqual(
      answers.map((answer) => [answer.allowed, answer.error?.code]),
      [
        [true, undefined],
        [false, undefined],
        [false, "request.unknown_type"],
        [false, "condition.missing_context"],
      ],
    );
    assert.deepEqual(policy.batchCheck([]), []);
  });

  it("lists, expands and explains", () => {
    assert.deepEqual(policy.listObjects("user:anne", "can_read", "document"), ["document:1"]);
    assert.deepEqual(policy.listUsers("document:1", "viewer", "user"), ["user:anne"]);
    assert.deepEqual(policy.listUsers("document:1", "viewer", "group#member"), ["group:staff#member"]);
    assert.deepEqual(policy.expand("viewer", "document:1"), { users: ["agent:triage", "group:staff#member"] });
    const why = policy.explain("user:anne", "can_read", "document:3");
    assert.equal(why.allowed, false);
    assert.equal(why.because.node, "document:3#can_read");
  });

  it("filters by a mask", () => {
    const objects = ["document:2", "document:1", "document:1", "cat:1", "document:9"];
    const { mask, allowed, dropped } = policy.filter("user:anne", "viewer", objects);
    assert.ok(mask instanceof Uint8Array);
    assert.deepEqual([...mask], [0, 1, 1, 0, 0]);
    assert.equal(mask.buffer.byteLength, 5);
    assert.deepEqual([allowed, dropped], [2, { not_allowed: 2, "resource.malformed": 1 }]);
    const none = policy.filter("user:anne", "viewer", []);
    assert.deepEqual([[...none.mask], none.allowed, none.dropped], [[], 0, {}]);
    assert.deepEqual([...policy.filter("user:anne", "viewer", [""]).mask], [0]);
  });

  it("drops ids that cannot cross, and no others", () => {
    const odd = ["document:1", "document:1\ndocument:1", "document:\ud800", "\n", "", "document:1"];
    const { mask, dropped } = policy.filter("user:anne", "viewer", odd);
    assert.deepEqual([...mask], [1, 0, 0, 0, 0, 1]);
    assert.deepEqual(dropped, { "resource.malformed": 4 });
    // As many line ends as one id too few.
    assert.deepEqual([...policy.filter("user:anne", "viewer", ["document:1", "a\nb", "document:1"]).mask], [1, 0, 1]);
  });

  it("filters packed ids to the same mask", () => {
    const caller = policy.caller("user:anne", { now: NOW }).at(NOW);
    const pack = (ids) => new TextEncoder().encode(ids.join("\n"));
    const lists = [[], ["document:1"], ["document:2", "document:1", "", "cat:1", "document:1"], ["", ""], Array(5_000).fill("document:1")];
    for (const ids of lists) {
      for (const ask of [(list) => policy.filter("user:anne", "viewer", list), (list) => caller.filter("viewer", list)]) {
        assert.deepEqual(ask(pack(ids)), ask(ids));
        assert.deepEqual(ask(Buffer.from(pack(ids))), ask(ids));
        const shared = new Uint8Array(new SharedArrayBuffer(pack(ids).length));
        shared.set(pack(ids));
        assert.deepEqual(ask(shared), ask(ids));
      }
    }
    // A line end at the end begins one id more, and what is not UTF-8 is no id; neither moves the others.
    const bytes = Buffer.concat([Buffer.from([255, 10]), Buffer.from("document:1\n")]);
    assert.deepEqual([...policy.filter("user:anne", "viewer", bytes).mask], [0, 1, 0]);
  });

  it("does on another thread what it does on this one", async () => {
    const caller = policy.caller("user:anne", { now: NOW }).at(NOW);
    const ids = ["document:2", "document:1", "nothing"];
    assert.deepEqual(await policy.filterAsync("user:anne", "viewer", ids), policy.filter("user:anne", "viewer", ids));
    assert.deepEqual(await policy.filterAsync("user:bob", "viewer", ids, { context: { hour: 10 } }), policy.filter("user:bob", "viewer", ids, { context: { hour: 10 } }));
    assert.deepEqual(await caller.filterAsync("can_read", ids), caller.filter("can_read", ids));
    assert.equal((await Policy.fromJsonAsync(snapshot())).digest(), policy.digest());
    assert.equal((await Policy.fromCompiledAsync(policy.toCompiled())).digest(), policy.digest());
    // What is written over, or freed, meanwhile is neither read nor missed.
    const text = new TextEncoder().encode(JSON.stringify(snapshot()));
    const loading = Policy.fromJsonAsync(text);
    text.fill(0);
    const loaded = await loading;
    const many = new TextEncoder().encode("document:1\n".repeat(20_000));
    const filtering = loaded.filterAsync("user:anne", "viewer", many);
    many.fill(0);
    loaded.free();
    assert.equal((await filtering).allowed, 20_000);
    const cases = [
      [() => Policy.fromJsonAsync("{"), "snapshot.json"],
      [() => Policy.fromJsonAsync(1n), "call.type"],
      [() => Policy.fromCompiledAsync(new Uint8Array(40)), "compiled.foreign"],
      [() => Policy.fromCompiledAsync("text"), "call.type"],
      [() => policy.filterAsync("anne", "viewer", ids), "request.invalid_user"],
      [() => policy.filterAsync("user:anne", "viewer", "document:1"), "call.type"],
      [() => policy.filterAsync("user:anne", "viewer", ids, { tenat: "a" }), "call.options"],
      [() => loaded.filterAsync("user:anne", "viewer", ids), "call.freed"],
      [() => caller.filterAsync(1, ids), "call.type"],
    ];
    for (const [what, code] of cases) assert.equal((await rejected(what)).code, code, String(what));
  });

  it("is shared by a message that names it, and by nothing else", () => {
    const posted = structuredClone(policy.share());
    const other = Policy.fromShared(posted);
    assert.equal(other.digest(), policy.digest());
    other.free();
    assert.equal(policy.check("user:anne", "viewer", "document:1"), true);
    for (const forged of [undefined, null, {}, "handle", { handle: "" }, { handle: "0".repeat(64) }, { handle: 1 }, { image: "text" }]) {
      assert.equal(thrown(() => Policy.fromShared(forged)).code, "call.shared");
    }
    assert.equal(thrown(() => Policy.fromShared({ image: new Uint8Array(40) })).code, "compiled.foreign");
    // Where no memory is shared, a copy is.
    assert.equal(Policy.fromShared({ image: policy.toCompiled() }).digest(), policy.digest());
  });

  it("never takes a lone surrogate for the character that stands for it", () => {
    const named = (id) => snapshot({ tuples: [{ user: "user:anne", relation: "viewer", object: id }] });
    const other = Policy.fromJson(named("document:\ufffd"));
    assert.equal(other.check("user:anne", "viewer", "document:\ufffd"), true);
    assert.equal(thrown(() => other.check("user:anne", "viewer", "document:\ud800")).code, "call.type");
    assert.deepEqual([...other.filter("user:anne", "viewer", ["document:\udc00", "document:\ufffd"]).mask], [0, 1]);
    const caller = other.caller("user:anne", { now: NOW });
    assert.equal(thrown(() => caller.can("viewer", "document:\ud800")).code, "call.type");
  });
});

describe("ids of any text", () => {
  const path = new URL("../../tests/vectors/ids.json", import.meta.url);

  it("are the same in every language", { skip: existsSync(path) ? false : "there is no tests/vectors" }, () => {
    const { ids, not_encoded } = JSON.parse(readFileSync(path, "utf8"));
    for (const [text, id] of ids) {
      assert.equal(encodeId(text), id);
      assert.equal(decodeId(id), text);
    }
    for (const wrong of not_encoded) assert.throws(() => decodeId(wrong), { kind: "misuse", code: "call.type" }, wrong);
  });

  it("are those that a policy takes, and no two texts have one", () => {
    const texts = ["*", "a#b", "a:b", "a b", "a%20b", "\u0000", "\ufeff", "日本 語"];
    const ids = texts.map(encodeId);
    assert.equal(new Set(ids).size, texts.length);
    const model = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user, user:*]";
    const tuples = ids.map((id) => ({ user: `user:${id}`, relation: "reader", object: `document:${id}` }));
    const policy = Policy.fromJson({ deputize: 1, model, tuples });
    for (const id of ids) {
      assert.equal(policy.check(`user:${id}`, "reader", `document:${id}`), true);
      assert.equal(policy.check("user:somebody-else", "reader", `document:${id}`), false);
    }
    for (const wrong of ["", "\ud800", null, 1]) assert.throws(() => encodeId(wrong), { kind: "misuse", code: "call.type" });
  });
});

describe("errors", () => {
  const policy = Policy.fromJson(snapshot());

  it("are of one class, with a kind, a code and a pointer", () => {
    assert.throws(() => Policy.fromJson("{"), DeputizeError);
    assert.deepEqual(thrown(() => Policy.fromJson({ deputize: 2 })), {
      kind: "input",
      code: "snapshot.format",
      message: "`2` is not a format known here; `1` is (at `/deputize`)",
      pointer: "/deputize",
    });
    const typo = thrown(() => Policy.fromJson({ deputize: 1, tupels: [] }));
    assert.deepEqual([typo.code, typo.pointer], ["snapshot.shape", "/tupels"]);
    const broken = thrown(() => Policy.fromJson({ deputize: 1, model: "model\n  schema 1.1\ntype user\ntype\n" }));
    assert.deepEqual([broken.kind, broken.pointer, broken.line], ["input", "/model", 4]);
    assert.equal(thrown(() => Policy.fromCompiled(new Uint8Array(40))).code, "compiled.foreign");
  });

  it("tell misuse apart from bad input", () => {
    const cases = [
      [() => policy.check("anne", "viewer", "document:1"), "input", "request.invalid_user"],
      [() => policy.check("user:anne", "viewer", "cat:1"), "input", "request.unknown_type"],
      [() => policy.check("user:anne", "viewer"), "misuse", "call.type"],
      [() => policy.check(1, 2, 3), "misuse", "call.type"],
      [() => policy.check("user:anne", "viewer", "document:1", { tenat: "a" }), "misuse", "call.options"],
      [() => policy.check("user:anne", "viewer", "document:1", "tenant"), "misuse", "call.type"],
      [() => policy.check("user:anne", "viewer", "document:1", { context: { n: 1n } }), "misuse", "call.type"],
      [() => policy.check("user:anne", "viewer", "document:1", { context: { s: "\ud800" } }), "misuse", "call.options"],
      [() => policy.filter("user:anne", "viewer", "document:1"), "misuse", "call.type"],
      [() => policy.filter("user:anne", "viewer", ["document:1", 2]), "misuse", "call.type"],
      [() => policy.filter("anne", "viewer", ["document:1"]), "input", "request.invalid_user"],
      [() => policy.batchCheck([{ user: "user:anne" }]), "misuse", "call.items"],
      [() => policy.caller([]), "denied", "chain.empty"],
      [() => policy.caller("user:anne", { now: Date.now() }), "misuse", "call.type"],
      [() => policy.caller("user:anne", { now: "now" }), "misuse", "call.type"],
      [() => policy.caller("user:anne", { now: -1 }), "misuse", "call.type"],
      [() => Policy.fromJson(undefined), "input", "snapshot.json"],
      [() => Policy.fromCompiled("text"), "misuse", "call.type"],
    ];
    for (const [what, kind, code] of cases) {
      const error = thrown(what);
      assert.deepEqual([error.kind, error.code], [kind, code], String(what));
      assert.ok(error.message.length > 5);
    }
    const options = { contextual_tuples: [{ user: "user:anne", relation: "viewer" }] };
    const pointed = thrown(() => policy.check("user:anne", "viewer", "document:1", options));
    assert.deepEqual([pointed.code, pointed.pointer], ["call.options", "/contextual_tuples/0"]);
    const wrong = { contextual_tuples: [{ user: "user:anne", relation: "owner", object: "document:1" }] };
    const refused = thrown(() => policy.check("user:anne", "viewer", "document:1", wrong));
    assert.deepEqual([refused.code, refused.pointer], ["request.contextual_tuple", "/contextual_tuples/0"]);
  });

  it("are known to `instanceof` in another copy of the class too", async () => {
    const body = { kind: "denied", code: "a.b", message: "said" };
    class Mine extends DeputizeError {}
    const { DeputizeError: Other } = await import("@deputize/wasm/web");
    assert.ok(Other === DeputizeError || new Other(body) instanceof DeputizeError);
    assert.ok(new Mine(body) instanceof DeputizeError);
    assert.ok(new Mine(body) instanceof Mine);
    assert.ok(!(new DeputizeError(body) instanceof Mine));
    for (const value of [undefined, null, 1, new Error("a"), body]) assert.ok(!(value instanceof DeputizeError));
  });

  it("survive being written down", () => {
    const error = new DeputizeError({ kind: "denied", code: "a.b", message: "said", oauth_error: "invalid_scope" });
    assert.equal(error.oauthError, "invalid_scope");
    assert.equal(String(error), "DeputizeError: said");
    assert.deepEqual(JSON.parse(JSON.stringify(error)), { kind: "denied", code: "a.b", message: "said", oauth_error: "invalid_scope" });
  });
});

describe("memory", () => {
  it("is given back", () => {
    const policy = Policy.fromJson(snapshot());
    const caller = policy.caller("user:anne", { now: NOW }).at(NOW);
    policy.free();
    policy.free();
    for (const what of [() => policy.revision, () => policy.check("user:anne", "viewer", "document:1"), () => policy.toCompiled()]) {
      assert.equal(thrown(what).code, "call.freed");
    }
    assert.equal(caller.can("can_read", "document:1"), true, "a caller holds what it needs");
    caller[Symbol.dispose]();
    assert.equal(thrown(() => caller.can("can_read", "document:1")).code, "call.freed");
    assert.equal(thrown(() => caller.subject).code, "call.freed");
  });

  it("holds many policies side by side", () => {
    const policies = Array.from({ length: 200 }, (_, n) =>
      Policy.fromJson(snapshot({ revision: `r${n}`, tuples: [{ user: "user:anne", relation: "viewer", object: `document:${n}` }] })),
    );
    for (const [n, policy] of policies.entries()) {
      assert.equal(policy.revision, `r${n}`);
      assert.deepEqual(policy.listObjects("user:anne", "viewer", "document"), [`document:${n}`]);
      if (n % 2) policy.free();
    }
    for (const [n, policy] of policies.entries()) {
      if (n % 2 === 0) assert.equal(policy.check("user:anne", "viewer", `document:${n}`), true);
    }
  });

  it("does not grow when what was loaded is freed", () => {
    const text = JSON.stringify(snapshot());
    const round = () => {
      for (let n = 0; n < 200; n++) {
        const policy = Policy.fromJson(text);
        policy.caller("user:anne", { now: NOW }).free();
        try {
          Policy.fromJson(text.slice(0, 100 + n));
        } catch {}
        policy.free();
      }
    };
    round();
    const before = memoryBytes();
    for (let n = 0; n < 10; n++) round();
    assert.equal(memoryBytes(), before);
  });

  it("is one instance, however often it is asked for", async () => {
    initSync();
    await init();
    await Promise.all([init(), init()]);
    assert.equal(Policy.fromJson(snapshot()).revision, "42");
  });
});
