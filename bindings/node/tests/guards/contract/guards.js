// Each guard with its framework, as the cases ask it: calls of the same tools,
// and lists of them.

import { createServer } from "node:http";

import { tool as langchainTool } from "@langchain/core/tools";
import { McpServer as McpServer1, ResourceTemplate as Template1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as requireBearerAuth1 } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport as Memory1 } from "@modelcontextprotocol/sdk/inMemory.js";
import * as client2 from "@modelcontextprotocol/client";
import * as server2 from "@modelcontextprotocol/server";
import { Agent, Runner, setTracingDisabled, tool as agentTool } from "@openai/agents";
import { ScriptedModel, assistantMessage, functionCall } from "@openai/agents/testing";
import * as ai7 from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as ai6 from "ai6";
import { MockLanguageModelV3 } from "ai6/test";
import { guardTools as guardAi } from "deputize/ai";
import * as forExpress from "deputize/express";
import * as forHono from "deputize/hono";
import { Identity, guardTools as guardLangChain } from "deputize/langchain";
import { guardTools as guardMcp, tokenVerifier } from "deputize/mcp";
import { guardTools as guardAgents } from "deputize/openai-agents";
import express from "express";
import { Hono } from "hono";
import { z } from "zod";

import { AUDIENCE } from "./world.js";

setTracingDisabled(true);

/** The tools' parameters. */
const PARAMETERS = {
  read: { id: z.string() },
  pay: { account: z.string(), amount: z.number().default(1000) },
  number: { n: z.number().int() },
  erase: { id: z.string() },
  bare: { id: z.string() },
  clock: {},
};
const NAMES = Object.keys(PARAMETERS);
const ran = (world, name) => (args) => (world.ran.push([name, args]), "ran");

/** What came of a request; without a code, the framework refused it by itself. */
export function told(text) {
  return { code: /`[\w/:]+` is not permitted \(([a-z_.]+)\)\.$/.exec(text)?.[1] ?? null, told: text };
}
const allowed = (text) => ({ code: "allowed", told: text });

/** MCP over HTTP where a token, or nobody, asks; in memory where the host says who. */
function mcp({ Server, Template, door, invalidToken, serve, Client, pair }) {
  const verifierOf = (world) => tokenVerifier({ policy: () => world.policy(), audience: AUDIENCE, invalidToken });
  return async (world) => {
    const local = world.who !== null && world.who.token === undefined;
    // Who is given to a server for where there is no HTTP.
    const standsIn = world.test.local !== undefined ? { token: world.token(world.test.local), audience: AUDIENCE } : local ? world.identity() : undefined;
    const make = () => {
      const server = new Server({ name: "tools", version: "1" });
      guardMcp(server, { ...world.options(), rules: world.rules(), ...(standsIn !== undefined && { who: standsIn }) });
      for (const name of NAMES) {
        const inputSchema = z.object(PARAMETERS[name]);
        const act = ran(world, name);
        const content = (text) => ({ content: [{ type: "text", text }] });
        server.registerTool(name, { description: name, inputSchema }, async (args) => content(act(args)));
      }
      const argsSchema = Server === McpServer1 ? {} : z.object({});
      server.registerPrompt("hello", { argsSchema }, () => ({ messages: [{ role: "user", content: { type: "text", text: "hello" } }] }));
      // Its completion is another method.
      server.registerResource("any", new Template("docs://{id}", { list: undefined, complete: { id: () => ["one"] } }), {}, () => ({ contents: [] }));
      server.registerResource("one", "docs://one", {}, () => ({ contents: [{ uri: "docs://one", text: "text" }] }));
      return server;
    };
    let ask;
    let close = () => {};
    if (local) {
      const [near, far] = pair();
      const client = new Client({ name: "agent", version: "1" });
      await Promise.all([make().connect(far), client.connect(near)]);
      ask = async (method, params) => {
        const result = method === "tools/list" ? await client.listTools() : await client.callTool(params);
        return { result };
      };
      close = () => client.close();
    } else {
      // A server that is set up wrongly, would be the same at each request.
      make();
      // It takes any token: what it lets through, the guard looks at.
      const authInfo = world.who === null ? undefined : { token: world.token(world.who.token), clientId: "somebody", scopes: [] };
      ask = async (method, params) => {
        const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18" };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
        const answer = await serve(make, new Request("https://tools.example/mcp", { method: "POST", headers, body }), authInfo);
        const text = await answer.text();
        return JSON.parse(/^data: (.+)$/m.exec(text)?.[1] ?? text);
      };
    }
    return {
      call: async (tool, args) => {
        const { result, error } = await ask("tools/call", { name: tool, arguments: args });
        if (error !== undefined) return told(error.message);
        const [{ text }] = result.content;
        return result.isError ? told(text) : allowed(text);
      },
      shown: async () => (await ask("tools/list", {})).result.tools.map(({ name }) => name),
      method: async (method, params) => {
        const { result, error } = await ask(method, params);
        if (error !== undefined) return told(error.message);
        return { ...allowed(""), names: Object.values(result).find(Array.isArray)?.map(({ name, uri }) => name ?? uri) ?? [] };
      },
      door: () => door(verifierOf(world), world.who === null ? {} : { authorization: `Bearer ${world.token(world.who.token)}` }),
      close,
    };
  };
}

const mcp1 = mcp({
  invalidToken: (message) => new InvalidTokenError(message),
  door: async (verifier, headers) => {
    const app = express().post("/mcp", requireBearerAuth1({ verifier }), (_, response) => response.send("in"));
    const http = createServer(app).listen(0, "127.0.0.1");
    await new Promise((ready) => http.once("listening", ready));
    const { status } = await fetch(`http://127.0.0.1:${http.address().port}/mcp`, { method: "POST", headers });
    http.closeAllConnections();
    http.close();
    return status;
  },
  Server: McpServer1,
  Template: Template1,
  Client: Client1,
  pair: () => Memory1.createLinkedPair(),
  serve: async (make, request, authInfo) => {
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await make().connect(transport);
    return transport.handleRequest(request, authInfo && { authInfo });
  },
});
const mcp2 = mcp({
  invalidToken: (message) => new server2.OAuthError(server2.OAuthErrorCode.InvalidToken, message),
  door: async (verifier, headers) => {
    const letIn = await server2.requireBearerAuth({ verifier })(new Request("https://tools.example/mcp", { method: "POST", headers })).catch(() => ({ status: 500 }));
    return letIn.status ?? 200;
  },
  Server: server2.McpServer,
  Template: server2.ResourceTemplate,
  Client: client2.Client,
  pair: () => server2.InMemoryTransport.createLinkedPair(),
  serve: (make, request, authInfo) => server2.createMcpHandler(make).fetch(request, authInfo && { authInfo }),
});

function ai(sdk, Model) {
  return async (world) => {
    const tools = Object.fromEntries(
      NAMES.map((name) => [name, sdk.tool({ description: name, inputSchema: z.object(PARAMETERS[name]), execute: async (input) => ran(world, name)(input) })]),
    );
    const { audience: _, ...options } = world.options();
    const guard = guardAi(tools, { ...options, who: () => world.identity(), rules: world.rules() });
    const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };
    return {
      call: async (tool, args) => {
        const said = [[{ type: "tool-call", toolCallId: "c1", toolName: tool, input: JSON.stringify(args) }], [{ type: "text", text: "done" }]];
        const reasons = ["tool-calls", "stop"];
        const model = new Model({
          doGenerate: async () => {
            const unified = reasons.shift();
            return { content: said.shift(), finishReason: { unified, raw: unified }, usage, warnings: [] };
          },
        });
        const { steps } = await sdk.generateText({ model, tools: guard.tools, prompt: "go on", stopWhen: sdk.stepCountIs(3) });
        const [last] = steps.flatMap(({ content }) => content).filter(({ type }) => type === "tool-result" || type === "tool-error");
        return last.type === "tool-error" ? told(String(last.error?.message ?? last.error)) : allowed(last.output);
      },
      shown: async () => guard.activeTools(),
      close: () => {},
    };
  };
}

async function langchain(world) {
  const tools = NAMES.map((name) => langchainTool(ran(world, name), { name, description: name, schema: z.object(PARAMETERS[name]) }));
  const guard = guardLangChain(tools, { ...world.options(), rules: world.rules() });
  // A chain is not taken from there as it is: a server's clients may write into `configurable`.
  const who = world.identity();
  const config = { configurable: { caller: who?.chain === undefined ? who : Identity.of(() => world.policy(), who) } };
  return {
    call: async (tool, args) => {
      const named = guard.tools.find(({ name }) => name === tool);
      const message = await named.invoke({ type: "tool_call", id: "c1", name: tool, args }, config).catch((error) => ({ status: "error", content: error.message }));
      return message.status === "error" ? told(message.content) : allowed(message.content);
    },
    shown: async () => guard.visible(config).map(({ name }) => name),
    close: () => {},
  };
}

async function agents(world) {
  const { audience: _, ...options } = world.options();
  const guard = guardAgents({ ...options, who: () => world.identity(), rules: world.rules() });
  const tools = NAMES.map((name) => agentTool(guard.tool({ name, description: name, parameters: z.object(PARAMETERS[name]), execute: ran(world, name) })));
  return {
    call: async (tool, args) => {
      const model = new ScriptedModel([[functionCall(tool, JSON.stringify(args), { callId: "c1" })], [assistantMessage("done")]]);
      // A tool that somebody else lets through is ruled on all the same.
      const open = tools.map((each) => ({ ...each, isEnabled: async () => true }));
      const result = await new Runner({ tracingDisabled: true }).run(new Agent({ name: "agent", model, tools: open }), "go on", { context: {} });
      const { output } = result.newItems.find(({ type }) => type === "tool_call_output_item");
      return output === "ran" ? allowed(output) : told(output);
    },
    shown: async () => {
      const enabled = await Promise.all(tools.map((tool) => tool.isEnabled({ context: {} }, undefined)));
      return NAMES.filter((_, at) => enabled[at]);
    },
    close: () => {},
  };
}

/** What a route answered. */
async function answered(answer) {
  const text = await answer.text();
  if (answer.status === 200) return { ...allowed(text), status: 200 };
  const { code } = JSON.parse(text);
  const wrong = answer.headers.get("cache-control") !== "no-store" || answer.headers.has("www-authenticate") !== (answer.status === 401 || code === "scope.insufficient");
  return { code: wrong ? `headers of ${answer.status}` : code, told: text, status: answer.status };
}

const pathOf = (tool, args) => ["", tool, ...Object.values(args).map(encodeURIComponent)].join("/");
const headersOf = (world) => (world.who === null ? {} : { authorization: `Bearer ${world.token(world.who.token)}` });

async function hono(world) {
  const guard = forHono.guardRoutes(world.options());
  const { action, resource } = world.rules().read;
  const app = new Hono();
  app.use("*", guard.authenticate);
  app.get("/read/:id", guard.permit(action, resource), (context) => context.text(ran(world, "read")({ id: context.req.param("id") })));
  app.get("/clock", (context) => context.text(ran(world, "clock")({})));
  return {
    call: async (tool, args) => answered(await app.request(`https://tools.example${pathOf(tool, args)}`, { headers: headersOf(world) })),
    close: () => {},
  };
}

async function expressed(world) {
  const guard = forExpress.guardRoutes(world.options());
  const { action, resource } = world.rules().read;
  const app = express();
  app.use(guard.authenticate);
  app.get("/read/:id", guard.permit(action, resource), (request, response) => response.send(ran(world, "read")({ id: request.params.id })));
  app.get("/clock", (_, response) => response.send(ran(world, "clock")({})));
  const http = createServer(app).listen(0, "127.0.0.1");
  await new Promise((ready) => http.once("listening", ready));
  return {
    call: async (tool, args) => answered(await fetch(`http://127.0.0.1:${http.address().port}${pathOf(tool, args)}`, { headers: headersOf(world) })),
    close: () => (http.closeAllConnections(), http.close()),
  };
}

export const GUARDS = {
  "mcp 1": mcp1,
  "mcp 2": mcp2,
  "ai 6": ai(ai6, MockLanguageModelV3),
  "ai 7": ai(ai7, MockLanguageModelV4),
  langchain,
  "openai agents": agents,
  hono,
  express: expressed,
};
