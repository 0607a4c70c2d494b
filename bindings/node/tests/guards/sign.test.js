import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { it } from "node:test";

import { Policy } from "deputize";
import { Identity } from "deputize/mcp";
import { delegate, signer } from "deputize/sign";

import { now } from "./world.js";

const ISSUER = "https://id.example";
const [FRONT, BACK] = ["https://front.example", "https://back.example"];
const KINDS = {
  EdDSA: ["ed25519"],
  ES256: ["ec", { namedCurve: "P-256" }],
  ES384: ["ec", { namedCurve: "P-384" }],
  ...Object.fromEntries(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((alg) => [alg, ["rsa", { modulusLength: 2048 }]])),
};
const keys = Object.fromEntries(
  Object.entries(KINDS).map(([alg, given]) => {
    const { privateKey, publicKey } = generateKeyPairSync(...given);
    const named = (key) => ({ ...key.export({ format: "jwk" }), kid: alg, alg });
    return [alg, { secret: named(privateKey), open: { ...named(publicKey), use: "sig" } }];
  }),
);

/** anne, an agent that she starts, and one that it calls. */
const policy = () =>
  Policy.fromJson({
    deputize: 1,
    model:
      "model\n  schema 1.1\ntype user\ntype agent\n  relations\n    define invoke: [user, agent]\ntype document\n  relations\n    define can_read: [user, agent]\n    define can_write: [user, agent]\n",
    tuples: [
      { user: "user:anne", relation: "invoke", object: "agent:front" },
      { user: "agent:front", relation: "invoke", object: "agent:back" },
      ...["user:anne", "agent:front", "agent:back"].flatMap((user) =>
        ["can_read", "can_write"].map((relation) => ({ user, relation, object: "document:1" })),
      ),
    ],
    issuers: [
      {
        issuer: ISSUER,
        audiences: [FRONT, BACK],
        algorithms: Object.keys(keys),
        keys: { keys: Object.values(keys).map(({ open }) => open) },
        subject: "user:{sub}",
        actor: "agent:{sub}",
        chain: "rfc8693",
        scopes: "required",
      },
    ],
    scopes: { read: [{ action: "can_read", resource: "document:*" }], write: [{ action: "can_write", resource: "document:*" }] },
    delegation: { hops: ["user", "agent"].map((from) => ({ from, to: "agent", any_of: [{ user: "{from}", relation: "invoke", object: "{to}" }] })) },
  });
const login = () => ({ iss: ISSUER, sub: "anne", aud: [FRONT, BACK], scope: "read write", iat: now(), exp: now() + 900 });

for (const [alg, { secret }] of Object.entries(keys)) {
  it(`signs with ${alg}`, async () => {
    const sign = await signer(secret);
    const caller = policy().verify(await sign(login()), { audience: FRONT });
    assert.equal(caller.subject, "user:anne");
  });
}

it("narrows each hop's token, and never widens one", async () => {
  const sign = await signer(keys.EdDSA.secret);
  const bank = policy();
  const anne = bank.verify(await sign(login()), { audience: FRONT });
  const front = await delegate(anne, "agent:front", { scope: "read write" }, sign);
  const first = Identity.of(bank, { token: front.token, audience: FRONT });
  const back = await delegate(first, "agent:back", { scope: "read", audiences: [BACK], lifetime: 60 }, sign);
  const last = bank.verify(back.token, { audience: BACK });
  assert.deepEqual(
    last.chain.map(({ principal }) => principal),
    ["user:anne", "agent:front", "agent:back"],
  );
  assert.deepEqual([last.can("can_read", "document:1"), last.can("can_write", "document:1")], [true, false]);
  assert.ok(front.expires_in <= 300 && back.expires_in <= 60);
  assert.ok(back.expires_at <= front.expires_at && front.expires_at <= anne.until);
  assert.throws(() => bank.verify(back.token, { audience: FRONT }), { code: "audience.mismatch" });
  assert.notEqual(front.token, (await delegate(anne, "agent:front", { scope: "read write" }, sign)).token);

  const refused = async (caller, actor, wanted) =>
    delegate(caller, actor, wanted, sign).then(
      () => "given",
      ({ kind, code, oauthError }) => [kind, code, oauthError].filter(Boolean).join(" "),
    );
  assert.match(await refused(last, "agent:front", { scope: "read" }), /^denied chain\./);
  assert.match(await refused(anne, "agent:back", { scope: "read" }), /^denied chain\.hop_not_permitted/);
  assert.match(await refused(first, "agent:back", { scope: "read admin" }), /invalid_scope$/);
  assert.match(await refused(first, "agent:back", { scope: "read", audiences: ["https://elsewhere.example"] }), /invalid_target$/);
  assert.match(await refused(first, "agent:back", {}), /^misuse/);
  assert.match(await refused(first, "agent:back", undefined), /^misuse/);
  const longest = await delegate(first, "agent:back", { scope: "read", lifetime: 100_000 }, sign).catch(({ code }) => code);
  assert.ok(longest === "exchange.lifetime" || longest.expires_at <= front.expires_at);
});

it("hands nothing on once the caller has expired", async (test) => {
  const sign = await signer(keys.ES256.secret);
  const anne = policy().verify(await sign(login()));
  test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 1_000_000 });
  await assert.rejects(delegate(anne, "agent:front", { scope: "read" }, sign), { code: "token.expired" });
});

it("takes private keys with a name and a known algorithm", async () => {
  const { secret, open } = keys.ES256;
  const { alg: _, ...plain } = secret;
  await signer(plain);
  for (const bad of [
    open,
    { ...secret, kid: "" },
    { ...secret, alg: "none" },
    { ...secret, alg: "RS256" },
    { ...keys.RS256.secret, alg: undefined },
    { kty: "oct", k: "AAAA", alg: "HS256", kid: "x" },
    { ...secret, alg: "constructor" },
  ]) {
    await assert.rejects(signer(bad), { kind: "misuse" });
  }
});
