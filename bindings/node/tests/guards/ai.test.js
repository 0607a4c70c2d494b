import assert from "node:assert/strict";
import { describe, it } from "node:test";

import * as ai7 from "ai";
import { MockLanguageModelV4, simulateReadableStream } from "ai/test";
import * as ai6 from "ai6";
import { MockLanguageModelV3 } from "ai6/test";
import { guardTools } from "deputize/ai";
import { z } from "zod";

import { AUDIENCE, broken, narrow, policy, refused, rules, stricter, token } from "./world.js";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const finish = (reason) => ({ unified: reason, raw: reason });

/** What a scripted model says at its next steps: calls of tools `[name, input]`, or a text. */
function content(step) {
  if (typeof step === "string") return [{ type: "text", text: step }];
  return step.map(([toolName, input], place) => ({
    type: "tool-call",
    toolCallId: `${toolName}-${place}-${JSON.stringify(input)}`,
    toolName,
    input: JSON.stringify(input),
  }));
}
const reasonOf = (step) => finish(typeof step === "string" ? "stop" : "tool-calls");

const versions = {
  "ai 6": { ai: ai6, Model: MockLanguageModelV3, context: (who) => ({ experimental_context: { who } }) },
  "ai 7": { ai: ai7, Model: MockLanguageModelV4 },
  "ai 7 with toolApproval": { ai: ai7, Model: MockLanguageModelV4, approval: true },
};

for (const [name, { ai, Model, approval, context }] of Object.entries(versions)) {
  describe(name, () => {
    function setUp(options = {}) {
      const calls = [];
      const rulings = [];
      const read = (name) =>
        ai.tool({
          description: name,
          inputSchema: z.object({ id: z.string().trim() }),
          execute: async ({ id }) => {
            calls.push(`${name} ${id}`);
            return `text ${id}`;
          },
        });
      const tools = {
        read: read("read"),
        block: read("block"),
        broken: read("broken"),
        clock: ai.tool({ inputSchema: z.object({}), execute: () => "noon" }),
      };
      const guard = guardTools(tools, {
        policy: policy(),
        who: { token: token(), audience: AUDIENCE },
        rules: { ...rules, broken },
        onRuling: (ruling) => rulings.push(ruling),
        ...options,
      });
      return { guard, calls, rulings };
    }

    /** Runs a scripted model with the guarded tools; what each call came to, by its id. */
    async function run({ guard }, steps, { stream = false, messages = [{ role: "user", content: "go on" }], ...more } = {}) {
      const left = [...steps];
      const seen = [];
      const model = new Model({
        doGenerate: async (options) => {
          seen.push(options.tools?.map(({ name }) => name));
          const step = left.shift();
          return { content: content(step), finishReason: reasonOf(step), usage, warnings: [] };
        },
        doStream: async () => {
          const step = left.shift();
          const parts = content(step).flatMap((part) =>
            part.type === "text"
              ? [
                  { type: "text-start", id: "t" },
                  { type: "text-delta", id: "t", delta: part.text },
                  { type: "text-end", id: "t" },
                ]
              : [
                  { type: "tool-input-start", id: part.toolCallId, toolName: part.toolName },
                  { type: "tool-input-delta", id: part.toolCallId, delta: part.input },
                  { type: "tool-input-end", id: part.toolCallId },
                  part,
                ],
          );
          return {
            stream: simulateReadableStream({
              chunks: [{ type: "stream-start", warnings: [] }, ...parts, { type: "finish", finishReason: reasonOf(step), usage }],
            }),
          };
        },
      });
      const options = {
        model,
        tools: guard.tools,
        messages,
        stopWhen: ai.stepCountIs(5),
        ...(approval && { toolApproval: guard.toolApproval }),
        ...more,
      };
      const result = stream ? ai.streamText(options) : await ai.generateText(options);
      if (stream) await result.consumeStream();
      const told = await result.steps;
      const all = told.flatMap(({ content }) => content);
      // In version 6 the last step has the messages of all.
      const answers = ai === ai6 ? (await result.response).messages : told.flatMap(({ response }) => response.messages);
      return { all, seen, text: await result.text, messages: [...messages, ...answers] };
    }
    /** The results and errors of tools, as the model gets them. */
    const outputs = ({ all, messages }) => {
      const told = messages.flatMap(({ role, content }) => (role === "tool" ? content : [])).filter(({ type }) => type === "tool-result");
      assert.ok(all.length > 0);
      return Object.fromEntries(
        told.map(({ toolCallId, output }) => [toolCallId, output.type === "text" ? output.value : `${output.type} ${output.value ?? output.reason}`]),
      );
    };
    const codeOf = (output) => /\((.+)\)\.$/.exec(output)?.[1] ?? output;
    /** What the one call of a run came to. */
    const one = async (world, call, more) => codeOf(Object.values(outputs(await run(world, [[call], "done"], more)))[0]);

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
          [["read", { id: "3" }]],
          "done",
        ];
        const result = await run(world, steps, { stream });
        const said = Object.values(outputs(result)).map(codeOf);
        assert.deepEqual([...said].sort(), ["noon", "subject.no_grant", "subject.no_grant", "text 1", "text 1"].sort());
        assert.deepEqual(world.calls, ["read 1", "read 1"]);
        assert.equal(result.text, "done");
        assert.deepEqual(world.rulings.map(({ outcome }) => outcome).sort(), ["allow", "allow", "allow", "deny", "deny"]);
        assert.ok(world.rulings.every(({ tool, decisions }) => tool === "clock" || decisions.length === 1));
      }
    });

    it("runs nothing without a caller", async () => {
      for (const who of [() => undefined, undefined]) {
        const world = setUp({ who });
        assert.equal(await one(world, ["read", { id: "1" }]), "guard.no_caller");
        assert.equal(await one(world, ["clock", {}]), "guard.no_caller");
        assert.deepEqual(world.guard.activeTools(), []);
        assert.deepEqual(world.calls, []);
      }
    });

    for (const [what, [make, reason]] of Object.entries({ ...refused, "too narrow": [narrow, "scope.insufficient"] })) {
      it(`runs nothing with a token that is ${what}`, async () => {
        const world = setUp({ who: { token: make(), audience: AUDIENCE } });
        assert.equal(await one(world, ["read", { id: "1" }]), reason);
        assert.equal(world.rulings[0].decisions[0].record.reason, reason);
        assert.deepEqual(world.calls, []);
      });
    }

    it("hides tools that the caller may not call, and refuses them by their names", async () => {
      const world = setUp();
      const activeTools = world.guard.activeTools();
      assert.deepEqual(activeTools, ["read", "broken", "clock"]);
      const { seen } = await run(world, [[["block", { id: "1" }]], [["nothing", {}]], "done"], { activeTools });
      assert.deepEqual(seen[0], activeTools);
      assert.deepEqual(world.calls, []);
      assert.equal(await one(world, ["block", { id: "1" }]), "scope.insufficient");
      assert.deepEqual(world.calls, []);
      const unruled = setUp({ rules: { read: rules.read } });
      assert.equal(await one(unruled, ["block", { id: "1" }]), "guard.no_rule");
      assert.deepEqual(unruled.calls, []);
    });

    it("denies where the decision fails", async () => {
      const world = setUp();
      assert.equal(await one(world, ["broken", { id: "1" }]), "guard.error");
      const gone = setUp({
        policy: () => {
          throw new Error("no policy");
        },
      });
      assert.equal(await one(gone, ["read", { id: "1" }]), "guard.error");
      const mute = setUp({
        onRuling: () => {
          throw new Error("disk full");
        },
      });
      assert.equal(await one(mute, ["read", { id: "1" }]), "guard.callback");
      const asking = setUp({
        rules: {
          ...rules,
          read: {
            ...rules.read,
            ask: () => {
              throw new Error("broken");
            },
          },
        },
      });
      assert.equal(await one(asking, ["read", { id: "1" }]), "guard.error");
      assert.deepEqual([...world.calls, ...gone.calls, ...mute.calls, ...asking.calls], []);
    });

    it("asks the snapshot that is in force, and the time that it is", async (test) => {
      let current = policy();
      const world = setUp({ policy: () => current });
      world.guard.tools.clock.execute = (
        (execute) =>
        (...given) => {
          current = stricter();
          return execute(...given);
        }
      )(world.guard.tools.clock.execute);
      const result = await run(world, [[["read", { id: "1" }]], [["clock", {}]], [["read", { id: " 1" }]], "done"]);
      assert.deepEqual(Object.values(outputs(result)).map(codeOf), ["text 1", "noon", "subject.no_grant"]);
      assert.deepEqual(world.guard.activeTools(), ["broken", "clock"]);
      current = policy();
      test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 400_000 });
      assert.equal(await one(world, ["read", { id: "1" }]), "token.expired");
      assert.deepEqual(world.guard.activeTools(), []);
      assert.deepEqual(world.calls, ["read 1"]);
    });

    it("asks a human where the rule says so, and about nothing that is denied", async () => {
      for (const ask of [true, { unless: "blocked" }, ({ id }) => id === "1"]) {
        for (const answer of [true, false]) {
          const world = setUp({ rules: { ...rules, read: { ...rules.read, ask } } });
          const first = await run(world, [
            [
              ["read", { id: "1" }],
              ["read", { id: "2" }],
            ],
          ]);
          assert.deepEqual(world.calls, []);
          const requests = first.all.filter(({ type, isAutomatic }) => type === "tool-approval-request" && isAutomatic !== true);
          assert.equal(requests.length, 1);
          const reply = requests.map(({ approvalId }) => ({ type: "tool-approval-response", approvalId, approved: answer }));
          await run(world, ["done"], { messages: [...first.messages, { role: "tool", content: reply }] });
          assert.deepEqual(world.calls, answer ? ["read 1"] : []);
        }
      }
    });

    it("does not take an approval for a right", async () => {
      let current = policy();
      const world = setUp({ policy: () => current, rules: { ...rules, read: { ...rules.read, ask: true } } });
      const first = await run(world, [[["read", { id: "1" }]]]);
      const { approvalId } = first.all.find(({ type }) => type === "tool-approval-request");
      current = stricter();
      await run(world, ["done"], {
        messages: [...first.messages, { role: "tool", content: [{ type: "tool-approval-response", approvalId, approved: true }] }],
      });
      assert.deepEqual(world.calls, []);
    });

    it("does not run what was never approved", () => {
      const { guard, calls } = setUp({ rules: { ...rules, read: { ...rules.read, ask: true } } });
      const call = (messages) => guard.tools.read.execute({ id: "1" }, { toolCallId: "c", messages });
      const request = { role: "assistant", content: [{ type: "tool-approval-request", approvalId: "a", toolCallId: "c" }] };
      const automatic = { role: "assistant", content: [{ ...request.content[0], isAutomatic: true }] };
      const reply = (approvalId, approved) => ({ role: "tool", content: [{ type: "tool-approval-response", approvalId, approved }] });
      for (const messages of [
        [],
        [request],
        [request, reply("a", false)],
        [automatic, reply("a", true)],
        [request, reply("b", true)],
        [reply("a", true)],
      ]) {
        assert.throws(() => call(messages), { kind: "denied", code: "guard.not_approved" });
      }
      call([request, reply("a", true)]);
      assert.deepEqual(calls, ["read 1"]);
    });

    it("leaves streams of results as they are", async () => {
      const watch = ai.tool({
        inputSchema: z.object({ id: z.string() }),
        async *execute({ id }) {
          yield `first ${id}`;
          yield `last ${id}`;
        },
      });
      const guard = guardTools({ watch }, { policy: policy(), who: { token: token(), audience: AUDIENCE }, rules: { watch: rules.read } });
      const result = await run(
        { guard },
        [
          [
            ["watch", { id: "1" }],
            ["watch", { id: "2" }],
          ],
          "done",
        ],
        { stream: true },
      );
      assert.deepEqual(Object.values(outputs(result)).map(codeOf).sort(), ["last 1", "subject.no_grant"]);
    });

    if (context !== undefined) {
      it("finds the caller in the context", async () => {
        const world = setUp({ who: ({ context }) => context?.who });
        assert.equal(await one(world, ["read", { id: "1" }], context({ token: token(), audience: AUDIENCE })), "text 1");
        assert.equal(await one(world, ["read", { id: "1" }], context({ chain: ["user:bob", "agent:triage"] })), "chain.hop_not_permitted");
        assert.equal(await one(world, ["read", { id: "1" }], context(undefined)), "guard.no_caller");
        assert.equal(await one(world, ["read", { id: "1" }]), "guard.no_caller");
      });
    }

    it("guards no tool that runs elsewhere", () => {
      const remote = ai.tool({ inputSchema: z.object({}) });
      assert.throws(() => guardTools({ remote }, { policy: policy(), who: { token: token(), audience: AUDIENCE }, rules: { remote: rules.read } }), { kind: "misuse" });
      guardTools({ remote }, { policy: policy(), who: { token: token(), audience: AUDIENCE }, rules: { remote: "any-caller" } });
    });
  });
}

it("finds the caller in the context of version 7's tools", async () => {
  const seen = [];
  const read = ai7.tool({ inputSchema: z.object({ id: z.string() }), contextSchema: z.object({ who: z.any() }), execute: async ({ id }) => id });
  const guard = guardTools(
    { read },
    { policy: policy(), who: ({ context }) => context?.who, rules: { read: rules.read }, onRuling: ({ code }) => seen.push(code) },
  );
  for (const who of [{ token: token(), audience: AUDIENCE }, undefined]) {
    const model = new MockLanguageModelV4({
      doGenerate: [[["read", { id: "1" }]], "done"].map((step) => ({ content: content(step), finishReason: reasonOf(step), usage, warnings: [] })),
    });
    const { toolApproval, tools } = guard;
    await ai7.generateText({ model, tools, toolApproval, toolsContext: { read: { who } }, prompt: "go on", stopWhen: ai7.stepCountIs(3) });
  }
  assert.deepEqual(seen, ["allowed", "guard.no_caller"]);
});
