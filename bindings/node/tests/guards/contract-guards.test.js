// The contract of guards, as every language runs it: `tests/vectors/guards.json`.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { GUARDS } from "./contract/guards.js";
import { FILE, World } from "./contract/world.js";

/** What only a failure of ours would tell. */
const SECRETS = ["secret-of", "user:anne", "document:1", "account:7", "    at "];

/** That an answer has this code, or one of these; without one, that it is refused, by whomever. */
function refusedAs(answer, code) {
  if (code === null) assert.notEqual(answer.code, "allowed");
  else assert.ok([code].flat().includes(answer.code), `${answer.code}: ${answer.told}`);
}

async function step(world, guard, given, has) {
  if ("policy" in given) world.inForce = given.policy;
  else if ("until" in given) await world.until(given.until);
  else if ("shown" in given) {
    if (has.includes("lists")) assert.deepEqual((await guard.shown()).sort(), given.shown);
  } else if ("seen" in given) assert.deepEqual(world.rulings.map(({ code }) => code), given.seen);
  else if ("door" in given) assert.equal(await guard.door(), given.door);
  else if ("listed" in given) assert.deepEqual((await guard.method(given.listed, {})).names, given.names);
  else if ("method" in given) refusedAs(await guard.method(given.method, given.params), given.code);
  else await call(world, guard, given, has);
}

async function call(world, guard, { call: tool, arguments: args = FILE.arguments[tool] ?? {}, code, status }, has) {
  const before = world.ran.length;
  const answer = await guard.call(tool, args);
  refusedAs(answer, code);
  if (has.includes("routes") && status !== undefined) assert.equal(answer.status, status);
  const ran = world.ran.slice(before);
  if (answer.code === "allowed") {
    assert.equal(ran.length, 1);
    const [[name, got]] = ran;
    assert.equal(name, tool);
    for (const [of, value] of Object.entries(got)) if (of in args) assert.equal(args[of], value);
  } else {
    assert.deepEqual(ran, []);
    for (const secret of SECRETS) assert.ok(!answer.told.includes(secret), answer.told);
  }
}

it("has every guard", () => {
  assert.deepEqual(Object.keys(GUARDS), Object.keys(FILE.guards.node));
  assert.equal(new Set(FILE.cases.map(({ name }) => name)).size, FILE.cases.length);
});

for (const [name, has] of Object.entries(FILE.guards.node)) {
  describe(name, () => {
    for (const test of FILE.cases.filter(({ needs = [] }) => needs.every((need) => has.includes(need)))) {
      it(test.name, async () => {
        const world = new World(test);
        if ("refused" in test) {
          await assert.rejects(async () => void (await GUARDS[name](world)).close(), { kind: "misuse", code: test.refused });
          return;
        }
        const guard = await GUARDS[name](world);
        try {
          for (const given of test.steps) await step(world, guard, given, has);
        } finally {
          await guard.close();
        }
      });
    }
  });
}
