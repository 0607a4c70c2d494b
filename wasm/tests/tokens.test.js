import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Policy, inspect, verifySignature, verifySignatureAsync } from "./package.js";

import { ALGORITHMS, AUDIENCE, NOW, claims, dpop, rejected, sign, snapshot, thrown, thumbprint } from "./world.js";

const policy = Policy.fromJson(snapshot());
const at = { now: NOW };

describe("a token", () => {
  for (const alg of [...ALGORITHMS, "HS256"]) {
    it(`signed with ${alg} is verified both ways`, async () => {
      const more = alg === "HS256" ? { iss: "https://shared.example", act: undefined } : {};
      const token = sign(alg, claims(more));
      const callers = [policy.verify(token, at), await policy.verifyAsync(token, at)].map((caller) => caller.at(NOW));
      for (const caller of callers) {
        assert.equal(caller.subject, "user:anne");
        assert.equal(caller.can("can_read", "document:1"), true);
        assert.equal(caller.can("can_read", "document:2"), false);
        assert.equal(caller.can("viewer", "document:1"), false, "no scope covers it");
      }
      assert.deepEqual(callers[0].decide("can_read", "document:1"), callers[1].decide("can_read", "document:1"));
    });
  }

  it("that is refused is refused for the same reason both ways", async () => {
    const cases = {
      "token.expired": (alg) => sign(alg, claims({ exp: NOW })),
      "token.not_yet_valid": (alg) => sign(alg, claims({ nbf: NOW + 5 })),
      "audience.mismatch": (alg) => sign(alg, claims({ aud: "https://other.example" })),
      "issuer.unknown": (alg) => sign(alg, claims({ iss: "https://other.example" })),
      "key.unknown": (alg) => sign(alg, claims(), { kid: "other" }),
      "key.unfit": (alg) => sign(alg, claims(), { kid: ALGORITHMS.find((other) => other !== alg) }),
      "token.critical": (alg) => sign(alg, claims(), { header: { crit: ["exp"] } }),
      "token.type": (alg) => sign(alg, claims(), { typ: "dpop+jwt" }),
      "chain.hop_not_permitted": (alg) => sign(alg, claims({ act: { sub: "other" } })),
      "chain.cycle": (alg) => sign(alg, claims({ act: { sub: "triage", act: { sub: "triage" } } })),
      "token.malformed": (alg) => `${sign(alg, claims())}.`,
      "proof.missing": (alg) => sign(alg, claims({ cnf: { jkt: thumbprint() } })),
    };
    for (const alg of ALGORITHMS) {
      for (const [code, make] of Object.entries(cases)) {
        const token = make(alg);
        const sync = thrown(() => policy.verify(token, at));
        assert.deepEqual([sync.kind, sync.code], ["denied", code], alg);
        assert.deepEqual(await rejected(() => policy.verifyAsync(token, at)), sync);
      }
    }
  });

  it("with any byte of its signature changed is refused both ways", async () => {
    for (const alg of ALGORITHMS) {
      const token = sign(alg, claims());
      const dot = token.lastIndexOf(".");
      const signature = Buffer.from(token.slice(dot + 1), "base64url");
      const wrong = [
        Buffer.alloc(signature.length),
        Buffer.alloc(signature.length, 255),
        signature.subarray(1),
        Buffer.concat([signature, Buffer.of(0)]),
        Buffer.alloc(0),
        ...Array.from({ length: 12 }, (_, n) => {
          const copy = Buffer.from(signature);
          copy[(n * 37) % copy.length] ^= 1 << n % 8;
          return copy;
        }),
      ];
      for (const bytes of wrong) {
        const forged = `${token.slice(0, dot)}.${bytes.toString("base64url")}`;
        const sync = thrown(() => policy.verify(forged, at));
        assert.equal(sync.code, "token.signature", alg);
        assert.deepEqual(await rejected(() => policy.verifyAsync(forged, at)), sync);
      }
    }
  });

  it("is verified without WebCrypto too", async () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, "crypto");
    Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
    try {
      const caller = await policy.verifyAsync(sign("RS256", claims()), at);
      assert.equal(caller.actor, "agent:triage");
      const forged = await rejected(() => policy.verifyAsync(`${sign("RS256", claims()).slice(0, -8)}AAAAAAAA`, at));
      assert.equal(forged.code, "token.signature");
    } finally {
      Object.defineProperty(globalThis, "crypto", own);
    }
  });

  it("counts from the host's clock by default", () => {
    const now = Math.floor(Date.now() / 1000);
    const fresh = sign("EdDSA", claims({ iat: now, exp: now + 60 }));
    assert.equal(policy.verify(fresh).subject, "user:anne");
    assert.equal(thrown(() => policy.verify(sign("EdDSA", claims()))).code, "token.expired");
    assert.equal(policy.verify(sign("EdDSA", claims()), { now: new Date(NOW * 1000 + 999) }).time, NOW);
  });

  it("that is bound to a key needs its proof", async () => {
    const token = sign("RS256", claims({ cnf: { jkt: thumbprint() } }));
    const caller = await policy.verifyAsync(token, { ...at, dpop: dpop(token) });
    assert.deepEqual(caller.dpop, { id: "p-1", issued_at: NOW, thumbprint: thumbprint() });
    const codes = [
      [{ dpop: { ...dpop(token), method: "POST" } }, "proof.invalid"],
      [{ dpop: dpop(token, { iat: NOW - 61 }) }, "proof.invalid"],
      [{ dpop: dpop(token, { iat: NOW + 6 }) }, "proof.invalid"],
      [{ dpop: dpop(`${token}x`) }, "proof.invalid"],
    ];
    for (const [options, code] of codes) {
      assert.equal(thrown(() => policy.verify(token, { ...at, ...options })).code, code);
    }
    assert.equal(policy.verify(token, { ...at, dpop: { ...dpop(token, { iat: NOW - 61 }), max_age: 90 } }).subject, "user:anne");
  });

  it("that is bound to a certificate needs it", () => {
    const der = Buffer.from("any bytes stand for a certificate");
    const digest = "VjHAHbK3hJLZSo2qg5gSpJyUu4SgfvvV1yrqNHnmBws";
    const sha256 = Buffer.from(digest, "base64url");
    const token = sign("EdDSA", claims({ cnf: { "x5t#S256": digest } }));
    const hex = sha256.toString("hex");
    for (const shown of [digest, hex, hex.toUpperCase().match(/../g).join(":")]) {
      assert.equal(policy.verify(token, { ...at, certificate: { sha256: shown } }).subject, "user:anne");
    }
    assert.equal(thrown(() => policy.verify(token, at)).code, "proof.missing");
    assert.equal(thrown(() => policy.verify(token, { ...at, certificate: { der: der.toString("base64") } })).code, "proof.mismatch");
    assert.equal(thrown(() => policy.verify(token, { ...at, certificate: { sha256: "abc" } })).code, "call.options");
  });
});

describe("a caller", () => {
  const timed = policy.verify(sign("EdDSA", claims()), { ...at, audience: AUDIENCE });
  const caller = timed.at(NOW);

  it("says who it is", () => {
    assert.equal(caller.subject, "user:anne");
    assert.equal(caller.actor, "agent:triage");
    assert.deepEqual(
      caller.chain.map((party) => [party.principal, party.subject]),
      [
        ["user:anne", "anne"],
        ["agent:triage", "triage"],
      ],
    );
    assert.deepEqual(caller.scopes, { scope: "document:read" });
    assert.deepEqual([caller.tenant, caller.time, caller.until, caller.freshUntil, caller.dpop], [null, NOW, NOW + 300, NOW + 300, null]);
  });

  it("answers, with reasons", () => {
    assert.deepEqual(caller.check("can_read", "document:1"), {
      allowed: true,
      reason: "allowed",
      message: "every part of the effective authority allows",
    });
    assert.equal(caller.check("can_read", "document:2").reason, "subject.no_grant");
    assert.equal(caller.check("viewer", "document:1").reason, "scope.insufficient");
    assert.equal(caller.can("can_read", "no such thing"), false);
    assert.equal(caller.can("can_read", "document:1", { hour: 3 }), true);
  });

  it("filters, lists and names its terms", () => {
    const { mask, allowed, dropped } = caller.filter("can_read", ["document:2", "document:1", "document:", "document:3"]);
    assert.deepEqual([[...mask], allowed], [[0, 1, 0, 0], 1]);
    assert.deepEqual(dropped, { "subject.no_grant": 2, "resource.malformed": 1 });
    assert.deepEqual(caller.list("can_read", "document"), ["document:1"]);
    assert.deepEqual(caller.terms("can_read", "document"), ["group:staff#member", "user:*", "user:anne"]);
  });

  it("lasts as long as its token", () => {
    assert.equal(caller.at(NOW + 299).can("can_read", "document:1"), true);
    assert.equal(thrown(() => caller.at(NOW + 300)).code, "token.expired");
    assert.equal(thrown(() => caller.at("soon")).code, "call.type");
    assert.equal(timed.can("can_read", "document:1", undefined, NOW + 299), true);
    assert.equal(timed.can("can_read", "document:1", undefined, new Date((NOW + 300) * 1000)), false);
    assert.equal(timed.check("can_read", "document:1", undefined, NOW + 300).reason, "token.expired");
    assert.equal(timed.decide("can_read", "document:1", undefined, NOW + 300).reason, "token.expired");
    for (const ask of [
      () => timed.filter("can_read", ["document:1"], NOW + 300),
      () => timed.list("can_read", "document", NOW + 300),
      () => timed.terms("can_read", "document", NOW + 300),
    ]) {
      assert.equal(thrown(ask).code, "token.expired");
    }
  });

  it("that was given its time is given one with each question", async () => {
    for (const ask of [
      () => timed.can("can_read", "document:1"),
      () => timed.can("can_read", "document:1", {}),
      () => timed.check("can_read", "document:1"),
      () => timed.decide("can_read", "document:1"),
      () => timed.filter("can_read", ["document:1"]),
      () => timed.list("can_read", "document"),
      () => timed.terms("can_read", "document"),
      () => timed.delegate("agent:other"),
    ]) {
      const { kind, code } = thrown(ask);
      assert.deepEqual([kind, code], ["misuse", "call.now"]);
    }
    await assert.rejects(timed.filterAsync("can_read", ["document:1"]), { code: "call.now" });
    assert.equal((await timed.filterAsync("can_read", ["document:1"], NOW)).allowed, 1);
  });

  it("grows old by the host's clock", async (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: NOW * 1000 });
    const kept = policy.verify(sign("EdDSA", claims()), { audience: AUDIENCE });
    const vouched = policy.caller(["user:anne", "agent:triage"]);
    assert.equal(vouched.freshUntil, NOW + 3600);
    for (const caller of [kept, vouched, kept.at(), vouched.at()]) assert.equal(caller.can("can_read", "document:1"), true);
    t.mock.timers.setTime((NOW + 3600) * 1000);
    for (const [caller, code] of [
      [kept, "token.expired"],
      [vouched, "caller.expired"],
    ]) {
      assert.equal(caller.can("can_read", "document:1"), false);
      assert.equal(caller.can("can_read", "document:1", {}), false);
      assert.equal(caller.check("can_read", "document:1").reason, code);
      assert.equal(caller.decide("can_read", "document:1").reason, code);
      assert.equal(thrown(() => caller.filter("can_read", ["document:1"])).code, code);
      assert.equal(thrown(() => caller.at()).code, code);
      await assert.rejects(caller.filterAsync("can_read", ["document:1"]), { code });
    }
  });

  it("may be vouched for by the host", () => {
    const vouched = policy.caller(["user:anne", "agent:triage"], at).at(NOW);
    assert.equal(vouched.can("can_read", "document:1"), true);
    assert.equal(vouched.scopes, null);
    const narrowed = policy.caller("user:anne", { ...at, scopes: [] }).at(NOW);
    assert.equal(narrowed.check("can_read", "document:1").reason, "scope.insufficient");
    const wide = policy.caller("user:anne", { ...at, scopes: "document:read other" }).at(NOW);
    assert.equal(wide.can("can_read", "document:1"), true);
    assert.equal(thrown(() => policy.caller(["user:anne", "agent:other"], at)).code, "chain.hop_not_permitted");
    assert.equal(thrown(() => policy.caller("user:anne", { ...at, scopes: ["a b"] })).code, "scope.grammar");
  });

  it("decides, and what it decided can be replayed", () => {
    const decision = caller.decide("can_read", "document:1");
    assert.equal(decision.allowed, true);
    assert.equal(decision.record.actingOnBehalfOf, "user:anne");
    assert.deepEqual(policy.replay(decision.record).record, decision.record);
    const refused = policy.decide(sign("RS256", claims({ exp: NOW })), { action: "can_read", resource: "document:1" }, at);
    assert.deepEqual([refused.allowed, refused.reason], [false, "token.expired"]);
    assert.equal(thrown(() => policy.replay(refused.record)).code, "replay.token_needed");
    const token = sign("EdDSA", claims());
    const one = policy.decide(token, { action: "can_read", resource: "document:1" }, at);
    assert.equal(policy.replay(one.record, { token }).record.id, one.record.id);
    assert.equal(thrown(() => policy.replay(one.record, { token: `${token}x` })).code, "replay.other_token");
    assert.equal(thrown(() => policy.replay({ ...one.record, extra: 1 })).code, "call.record");
  });
});

describe("the next token", () => {
  it("is what an exchange gives", () => {
    const subject_token = sign("RS256", claims({ act: undefined }));
    const actor_token = sign("RS256", claims({ sub: "triage", act: undefined, scope: undefined }));
    const next = policy.exchange({ ...at, subject_token, actor: { principal: "agent:triage" }, wanted: { lifetime: 60 } });
    assert.deepEqual(next.claims.act, { sub: "triage" });
    assert.deepEqual([next.expires_in, next.expires_at, next.scope], [60, NOW + 60, "document:read"]);
    const refused = thrown(() => policy.exchange({ ...at, subject_token, actor: { principal: "agent:other" } }));
    assert.deepEqual([refused.kind, refused.oauth_error], ["denied", "unauthorized_client"]);
    const wide = thrown(() => policy.exchange({ ...at, subject_token, wanted: { scope: "document:write" } }));
    assert.deepEqual([wide.code, wide.oauth_error], ["exchange.scope", "invalid_scope"]);
    for (const actor of [{}, { principal: "agent:triage", audience: "x" }]) {
      assert.equal(thrown(() => policy.exchange({ ...at, subject_token, actor })).pointer, "/actor");
    }
    const both = { ...at, subject_token, actor_token, actor: { principal: "agent:triage" } };
    assert.equal(thrown(() => policy.exchange(both)).code, "call.options");
    assert.equal(thrown(() => policy.exchange(at)).code, "call.options");
  });

  it("is what a caller hands on", () => {
    const own = policy.verify(sign("EdDSA", claims({ act: undefined })), at).at(NOW);
    const next = own.delegate("agent:triage", { lifetime: 30 });
    assert.deepEqual([next.chain.map((party) => party.principal), next.expires_in], [["user:anne", "agent:triage"], 30]);
    assert.equal(thrown(() => policy.caller("user:anne", at).delegate("agent:triage", undefined, NOW)).code, "exchange.no_token");
  });

  it("may be a first one", () => {
    const entities = Policy.fromJson({
      deputize: 1,
      entity_types: [{ id: "t1", name: "Mail", permissions: [{ id: "p1", name: "SendEmail" }] }],
      entities: [
        { id: "e1", name: "Mailer", type: { id: "t1" }, tenantId: "acme" },
        { id: "e2", name: "Agent", type: { id: "t1" }, tenantId: "acme" },
      ],
      entity_grants: [{ id: "g1", entity: { id: "e1" }, recipientEntityId: "e2", permissions: ["SendEmail"] }],
    });
    const given = entities.clientCredentials({ ...at, principal: "entity:e2", scope: "target-entity:e1:SendEmail" });
    assert.deepEqual(given.permissions, { e1: ["SendEmail"] });
    assert.deepEqual([given.claims.aud, given.claims.tid, given.tenant], ["e1", "acme", "acme"]);
    const refused = thrown(() => entities.clientCredentials({ ...at, principal: "entity:e1", scope: "target-entity:e2:SendEmail" }));
    assert.deepEqual([refused.kind, refused.oauth_error], ["denied", "invalid_scope"]);
  });
});

describe("AuthZEN", () => {
  const body = { subject: { type: "user", id: "anne" }, action: { name: "can_read" }, resource: { type: "document", id: "1" } };

  it("takes an object, a text or bytes", () => {
    for (const request of [body, JSON.stringify(body), new TextEncoder().encode(JSON.stringify(body))]) {
      assert.deepEqual(policy.evaluate(request, at), { decision: true });
    }
    const denied = policy.evaluate({ ...body, resource: { type: "document", id: "2" } }, at);
    assert.equal(denied.context.reason, "subject.no_grant");
  });

  it("answers many, and searches", () => {
    const many = policy.evaluations({ ...body, evaluations: [{}, { resource: { type: "document", id: "2" } }] }, at);
    assert.deepEqual(many.evaluations.map((one) => one.decision), [true, false]);
    assert.deepEqual(policy.searchResources({ ...body, resource: { type: "document" } }, at).results, [{ type: "document", id: "1" }]);
    assert.deepEqual(policy.searchSubjects({ ...body, subject: { type: "user" } }, at).results, [{ type: "user", id: "anne" }]);
    const actions = policy.searchActions({ subject: body.subject, resource: body.resource }, at).results;
    assert.deepEqual(actions.map((action) => action.name), ["can_read", "viewer"]);
  });

  it("says where a body is no request", () => {
    const error = thrown(() => policy.evaluate({ subject: body.subject }, at));
    assert.deepEqual([error.kind, error.code], ["input", "authzen.missing"]);
    assert.equal(thrown(() => policy.evaluate("{", at)).code, "authzen.json");
    assert.equal(thrown(() => policy.evaluate(new Uint8Array([255]), at)).code, "call.type");
  });
});

describe("inspect", () => {
  it("decodes and lints, and verifies nothing", () => {
    const token = sign("RS256", claims());
    const seen = inspect(token, at);
    assert.equal(seen.verified, false);
    assert.equal(seen.claims.sub, "anne");
    assert.equal(seen.header.alg, "RS256");
    assert.ok(inspect(token).findings.some((finding) => finding.code === "token.expired"));
    assert.ok(!inspect(token, { now: null }).findings.some((finding) => finding.code === "token.expired"));
    assert.equal(inspect("").verified, false);
  });

  it("by a policy names the rule of each hop, and believes nothing", () => {
    const seen = policy.inspect(sign("RS256", claims({ exp: NOW })), at);
    assert.deepEqual([seen.verified, seen.signature.fits, seen.refusal], [false, true, null]);
    assert.deepEqual(seen.chain.map((party) => party.principal), ["user:anne", "agent:triage"]);
    assert.equal(seen.hops[0].allowed, true);
    assert.deepEqual(seen.hops[0].grounds[0].rule, { user: "{from}", relation: "delegate_of", object: "{to}" });
    assert.deepEqual(seen.scopes, [[{ scope: "document:read", covers: ["`can_read` on every `document`"] }]]);
    const other = policy.inspect(sign("RS256", claims({ act: { sub: "other" } })), at);
    assert.equal(other.hops[0].allowed, false);
    assert.equal(policy.inspect("no token", at).signature.code, "token.malformed");
  });
});

describe("a signature without a policy", () => {
  const keys = snapshot().issuers[0].keys;

  /** The answer, or the code of the refusal: the same both ways. */
  async function asked(token, keys, options) {
    const ways = [() => verifySignature(token, keys, options), () => verifySignatureAsync(token, keys, options)];
    const said = await Promise.all(ways.map(async (way) => Promise.resolve().then(way).catch(({ kind, code, pointer }) => [kind, code, pointer])));
    assert.deepEqual(said[0], said[1]);
    return said[0];
  }

  it("is of one of the keys, whatever the claims say", async () => {
    for (const alg of ALGORITHMS) {
      const found = await asked(sign(alg, claims({ exp: 1 })), keys);
      assert.deepEqual(found, { kid: alg, algorithm: alg });
    }
    assert.deepEqual(await asked(sign("ES256", claims(), { header: { kid: undefined } }), keys, { kid: "ES256" }), { kid: "ES256", algorithm: "ES256" });
  });

  it("is refused with the reason", async () => {
    const token = sign("ES256", claims());
    assert.deepEqual(await asked(`${token.slice(0, -8)}AAAAAAAA`, keys), ["denied", "token.signature", undefined]);
    assert.deepEqual(await asked(sign("ES256", claims(), { kid: "other" }), keys), ["denied", "key.unknown", undefined]);
    assert.deepEqual(await asked(sign("ES256", claims(), { header: { kid: undefined } }), keys), ["denied", "key.unknown", undefined]);
    assert.deepEqual(await asked(token, keys, { algorithms: ["RS256"] }), ["denied", "token.algorithm", undefined]);
    assert.deepEqual(await asked(token, { keys: [] }), ["denied", "token.algorithm", undefined]);
    assert.deepEqual(await asked("opaque", keys), ["denied", "token.malformed", undefined]);
    assert.deepEqual(await asked(token, { keys: [{ ...keys.keys[6], d: "AA" }] }), ["input", "key.private", "/keys/0"]);
    assert.deepEqual(await asked(token, keys, { algorithms: ["none"] }), ["misuse", "call.options", "/algorithms/0"]);
    assert.deepEqual(await asked(token, keys, { fits: true }).then(([kind]) => kind), "misuse");
    assert.deepEqual(await asked(token, "[1", {}).then(([, code]) => code), "call.keys");
  });
});
