// The agents: AI SDK loops. Each has a token of its own, made for the one thing
// that it is asked to do, out of the token of whoever asks it.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { generateText, stepCountIs, tool } from "ai";
import { ANY, Identity, guardTools } from "deputize/ai";
import { delegate } from "deputize/sign";
import { z } from "zod";

import { SERVICES } from "./bank.js";
import { models } from "./models.js";

/** What each sub-agent is given, and no more. */
export const SCOPES = { documents: "documents:read", credit: "credit:check", calendar: "calendar:read" };

const principal = (agent) => `agent:${agent}`;

/** Calls a tool of an MCP server. */
async function callService(place, token, name, args) {
  const client = new Client({ name: "agent", version: "1.0.0" });
  // With a fresh connection for each call, each is refused or answered on its own.
  const transport = new StreamableHTTPClientTransport(place, { requestInit: { headers: { authorization: `Bearer ${token}` } } });
  try {
    await client.connect(transport);
    const { content, isError } = await client.callTool({ name, arguments: args });
    return `${isError ? "refused: " : ""}${content[0].text}`;
  } catch (error) {
    return `refused: ${error.message.split("\n")[0]}`;
  } finally {
    await client.close();
  }
}

/** A token for the next hop. What is given, and what is not, is noted down. */
async function handOn(world, from, agent, wanted) {
  try {
    const next = await delegate(from.identity, principal(agent), wanted, world.sign);
    world.onHandedOn({ from: from.agent, to: agent, scope: next.scope, audience: next.audience, seconds: next.expires_in, token: next.token });
    return { agent, token: next.token, identity: Identity.of(world.policy, { token: next.token, audience: ANY }) };
  } catch (error) {
    world.onHandedOn({ from: from.agent, to: agent, scope: wanted.scope, refused: error.code });
    throw error;
  }
}

/** Runs a sub-agent with a token. It has a general MCP client, as agents do: it may ask any service for anything. */
export async function runSubAgent(world, self) {
  const tools = {
    call: tool({
      description: "Calls a tool of a service",
      inputSchema: z.object({ service: z.enum(["documents", "credit", "calendar"]), tool: z.string(), args: z.record(z.string(), z.string()) }),
      execute: ({ service, tool, args }) => callService(world.places[service], self.token, tool, args),
    }),
    get_token: tool({
      description: "Gets a token for an agent",
      inputSchema: z.object({ agent: z.string(), scope: z.string() }),
      execute: ({ agent, scope }) =>
        handOn(world, self, agent, { scope }).then(
          // A model, and whatever traces its tools, is given no token: what it holds, it can be talked into giving away.
          ({ agent }) => `a token for ${agent} is at hand`,
          (error) => `refused: ${error.code}`,
        ),
    }),
  };
  const { text } = await generateText({
    model: models[self.agent](),
    tools,
    prompt: "Help with the bakery's business account.",
    stopWhen: stepCountIs(5),
  });
  return text;
}

/** Runs the coordinator for whoever has logged in, and asks that person before an account is opened. */
export async function runCoordinator(world, login, person) {
  const human = { agent: person, token: login, identity: Identity.of(world.policy, { token: login, audience: ANY }) };
  const self = await handOn(world, human, "coordinator", { scope: `${Object.values(SCOPES).join(" ")} accounts:open`, lifetime: 900 });
  const { tools, toolApproval } = guardTools(
    {
      hand_to: tool({
        description: "Hands a task to another agent",
        inputSchema: z.object({ agent: z.enum(["documents", "credit", "calendar"]), task: z.string() }),
        execute: async ({ agent }) => runSubAgent(world, await handOn(world, self, agent, { scope: SCOPES[agent], audiences: [SERVICES[agent]] })),
      }),
      open_account: tool({
        description: "Opens a business account",
        inputSchema: z.object({ company: z.string() }),
        execute: ({ company }) => `The account of ${company} is open.`,
      }),
    },
    {
      policy: world.policy,
      who: self.identity,
      // Whether it may hand on, the policy's hops say.
      rules: { hand_to: "any-caller", open_account: { action: "can_open_account", type: "company", id: ({ company }) => company, ask: true } },
      onRuling: (ruling) => world.onRuling("coordinator", ruling),
    },
  );
  const model = models.coordinator();
  const messages = [{ role: "user", content: "Set up a business account for the bakery." }];
  for (;;) {
    const result = await generateText({ model, tools, toolApproval, messages, stopWhen: stepCountIs(5) });
    messages.push(...result.steps.flatMap(({ response }) => response.messages));
    const asked = result.content.filter(({ type, isAutomatic }) => type === "tool-approval-request" && isAutomatic !== true);
    if (asked.length === 0) return result.text;
    const answers = await Promise.all(
      asked.map(async ({ approvalId, toolCall }) => ({
        type: "tool-approval-response",
        approvalId,
        approved: await world.ask(person, toolCall.toolName, toolCall.input),
      })),
    );
    messages.push({ role: "tool", content: answers });
  }
}
