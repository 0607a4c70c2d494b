import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Agent, Runner, setTracingDisabled, tool } from "@openai/agents";
import { ScriptedModel, assistantMessage, functionCall } from "@openai/agents/testing";
import { guardTools } from "deputize/openai-agents";
import { z } from "zod";

import { AUDIENCE, broken, narrow, policy, refused, rules, stricter, token } from "./world.js";

setTracingDisabled(true);

describe("@openai/agents", () => {
  function setUp(options = {}) {
    const calls = [];
    const rulings = [];
    const guard = guardTools({
      policy: policy(),
      who: (context) => context?.who,
      rules: { ...rules, broken },
      onRuling: (ruling) => rulings.push(ruling),
      ...options,
    });
    const read = (name) => ({
      name,
      description: name,
      parameters: z.object({ id: z.string().trim() }),
      execute: async ({ id }) => {
        calls.push(`${name} ${id}`);
        return `text ${id}`;
      },
    });
    const clock = { name: "clock", description: "the time", parameters: z.object({}), execute: () => "noon" };
    const tools = [...["read", "block", "broken", "unruled"].map(read), clock].map((options) => tool(guard.tool(options)));
    return { guard, calls, rulings, tools };
  }
  let ids = 0;
  const call = ([name, args]) => functionCall(name, typeof args === "string" ? args : JSON.stringify(args), { callId: `${ids++}` });
  const codeOf = (text) => /\((.+)\)\./.exec(text)?.[1] ?? text;

  async function run({ tools }, steps, who = { token: token(), audience: AUDIENCE }, { stream = false } = {}) {
    const model = new ScriptedModel(steps.map((step) => (typeof step === "string" ? [assistantMessage(step)] : step.map(call))));
    const agent = new Agent({ name: "agent", model, tools });
    const runner = new Runner({ tracingDisabled: true });
    const result = await runner.run(agent, "go on", { context: { who }, stream });
    if (stream) {
      for await (const _ of result);
      await result.completed;
    }
    const outputs = result.newItems.filter(({ type }) => type === "tool_call_output_item").map(({ output }) => codeOf(output));
    const shown = model.calls.map(({ request }) => request.tools.map(({ name }) => name));
    return { result, agent, runner, model, outputs, shown };
  }
  const one = async (world, step, who) => (await run(world, [[step], "done"], who)).outputs[0];

  it("runs what is allowed and refuses what is not, in parallel and streamed", async () => {
    for (const stream of [false, true]) {
      const world = setUp();
      const steps = [
        [
          ["read", { id: "1" }],
          ["read", { id: "2" }],
          ["clock", {}],
          ["read", { id: " 1 " }],
        ],
        [["read", { id: " 3" }]],
        "done",
      ];
      const { outputs, shown, result } = await run(world, steps, undefined, { stream });
      assert.deepEqual(outputs, ["text 1", "subject.no_grant", "noon", "text 1", "subject.no_grant"]);
      assert.deepEqual(shown[0], ["read", "broken", "clock"]);
      assert.equal(result.finalOutput, "done");
      assert.deepEqual(world.calls, ["read 1", "read 1"]);
      assert.deepEqual(world.rulings.map(({ outcome }) => outcome).sort(), ["allow", "allow", "allow", "deny", "deny"]);
    }
  });

  it("shows and runs nothing for whoever is not known", async () => {
    const cases = [[undefined, "guard.no_caller"], ...Object.values(refused).map(([make, reason]) => [{ token: make(), audience: AUDIENCE }, reason])];
    for (const [who, reason] of cases) {
      const world = setUp();
      for (const tool of world.tools) assert.equal(await tool.isEnabled({ context: { who } }, undefined), false);
      const [read] = world.tools;
      const { behavior } = await read.inputGuardrails[0].run({ context: { context: { who } }, toolCall: { name: "read", arguments: '{"id":"1"}' } });
      assert.equal(codeOf(behavior.message), reason);
      await assert.rejects(run(world, [[["read", { id: "1" }]], "done"], who === undefined ? null : who), /not found/);
      assert.deepEqual(world.calls, []);
    }
  });

  it("refuses what the scope does not cover, hidden tools by their names, and tools without a rule", async () => {
    for (const [tool, who] of [
      ["read", { token: narrow(), audience: AUDIENCE }],
      ["block", { token: token(), audience: AUDIENCE }],
      ["unruled", { token: token(), audience: AUDIENCE }],
    ]) {
      const world = setUp();
      await assert.rejects(run(world, [[[tool, { id: "1" }]], "done"], who), /not found/);
      // A tool that another guard lets through is ruled on all the same.
      const open = world.tools.map((each) => ({ ...each, isEnabled: async () => true }));
      const code = await one({ tools: open }, [tool, { id: "1" }], who);
      assert.equal(code, tool === "unruled" ? "guard.no_rule" : "scope.insufficient");
      assert.deepEqual(world.calls, []);
    }
  });

  it("denies where the decision, its record or the arguments fail", async () => {
    const world = setUp();
    assert.equal(await one(world, ["broken", { id: "1" }]), "guard.error");
    assert.notEqual(await one(world, ["read", "{"]), "text 1");
    assert.notEqual(await one(world, ["read", { name: "1" }]), "text 1");
    const mute = setUp({
      onRuling: () => {
        throw new Error("disk full");
      },
    });
    assert.equal(await one(mute, ["read", { id: "1" }]), "guard.callback");
    assert.deepEqual([...world.calls, ...mute.calls], []);
    assert.throws(() => world.guard.tool({ description: "", parameters: z.object({}), execute: () => "" }), { kind: "misuse" });
  });

  it("asks the snapshot that is in force, and the time that it is", async (test) => {
    let current = policy();
    const world = setUp({ policy: () => current });
    world.tools.push(tool({ name: "swap", description: "", parameters: z.object({}), execute: () => ((current = stricter()), "swapped") }));
    const open = world.tools.map((each) => ({ ...each, isEnabled: async () => true }));
    const { outputs } = await run({ tools: open }, [[["read", { id: "1" }]], [["swap", {}]], [["read", { id: "1" }]], "done"]);
    assert.deepEqual(outputs, ["text 1", "swapped", "subject.no_grant"]);
    current = policy();
    const who = { token: token(), audience: AUDIENCE };
    test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 400_000 });
    assert.equal(await one({ tools: open }, ["read", { id: "1" }], who), "token.expired");
    assert.deepEqual(world.calls, ["read 1"]);
  });

  it("asks a human where the rule says so, and about nothing that is denied", async () => {
    for (const answer of ["approve", "reject"]) {
      const world = setUp({ rules: { read: { ...rules.read, ask: true } } });
      const { result, runner, agent } = await run(world, [
        [
          ["read", { id: "1" }],
          ["read", { id: "2" }],
        ],
        "done",
      ]);
      assert.deepEqual(world.calls, []);
      assert.equal(result.interruptions.length, 1);
      result.state[answer](result.interruptions[0]);
      const after = await runner.run(agent, result.state);
      assert.equal(after.finalOutput, "done");
      assert.deepEqual(world.calls, answer === "approve" ? ["read 1"] : []);
    }
  });

  it("does not take an approval for a right", async () => {
    let current = policy();
    const world = setUp({ policy: () => current, rules: { read: { ...rules.read, ask: true } } });
    const { result, runner, agent } = await run(world, [[["read", { id: "1" }]], "done"]);
    current = stricter();
    result.state.approve(result.interruptions[0]);
    await runner.run(agent, result.state);
    assert.deepEqual(world.calls, []);
    const [read] = world.tools;
    current = policy();
    // Nothing was approved: whoever calls the tool directly gets nowhere.
    assert.match(
      await read.invoke({ context: { who: { token: token(), audience: AUDIENCE } }, isToolApproved: () => undefined }, '{"id":"1"}', { toolCall: { callId: "x" } }),
      /guard\.not_approved/,
    );
    assert.deepEqual(world.calls, []);
  });

  it("guards tools that are made elsewhere by their arguments as written", async () => {
    const calls = [];
    const rulings = [];
    const guard = guardTools({
      policy: policy(),
      who: { token: token(), audience: AUDIENCE },
      rules: { ...rules, ask: { ...rules.read, ask: true } },
      onRuling: (ruling) => rulings.push(ruling),
    });
    const made = (name) =>
      tool({
        name,
        description: "",
        parameters: z.object({ id: z.string() }),
        execute: ({ id }) => `${name} ${calls.push(id) && id}`,
        inputGuardrails: [guard.inputGuardrail],
        isEnabled: guard.isEnabled(name),
      });
    const world = { tools: ["read", "block", "ask"].map(made) };
    const { outputs, shown } = await run(world, [
      [
        ["read", { id: "1" }],
        ["read", { id: "2" }],
        ["ask", { id: "1" }],
        ["read", "{}"],
      ],
      "done",
    ]);
    assert.deepEqual(outputs.slice(0, 3), ["read 1", "subject.no_grant", "guard.not_approved"]);
    assert.deepEqual(shown[0], ["read", "ask"]);
    assert.deepEqual(calls, ["1"]);
    assert.ok(rulings.filter(({ outcome }) => outcome === "allow").length === 1);
  });
});
