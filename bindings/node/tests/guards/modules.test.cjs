// The guards by `require`, beside those by `import`.

const assert = require("node:assert/strict");
const { it } = require("node:test");

const names = ["ai", "express", "hono", "langchain", "mcp", "openai-agents", "sign"];

it("exports the same both ways", async () => {
  for (const name of names) {
    const required = require(`deputize/${name}`);
    const imported = await import(`deputize/${name}`);
    const exported = Object.keys(imported).filter((each) => each !== "default" && each !== "module.exports");
    assert.deepEqual(Object.keys(required).sort(), exported.sort(), name);
  }
});

it("takes an identity from either", async () => {
  const { policy, rules, token } = await import("./world.js");
  const { Identity } = await import("deputize/hono");
  const { guardTools } = require("deputize/ai");
  const who = Identity.of(policy(), { token: token(), audience: "https://api.example" });
  assert.ok(who instanceof require("deputize/mcp").Identity);
  assert.ok(!({} instanceof Identity) && !(null instanceof Identity) && !(JSON.parse(JSON.stringify(who)) instanceof Identity));
  const { tools } = guardTools({ read: { execute: ({ id }) => id } }, { policy: policy(), who, rules: { read: rules.read } });
  assert.equal(tools.read.execute({ id: "1" }, {}), "1");
  assert.throws(() => tools.read.execute({ id: "2" }, {}), { code: "subject.no_grant" });
});
