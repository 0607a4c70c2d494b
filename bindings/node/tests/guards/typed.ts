// What TypeScript makes of the guards beside the frameworks' own types.

import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import type { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { BaseRetriever } from "@langchain/core/retrievers";
import type { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { tool as langchainTool } from "@langchain/core/tools";
import type { OAuthTokenVerifier } from "@modelcontextprotocol/sdk/server/auth/provider.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  McpServer as McpServer2,
  OAuthError,
  OAuthErrorCode,
  type OAuthTokenVerifier as Verifier2,
  requireBearerAuth,
} from "@modelcontextprotocol/server";
import { Agent, tool as agentTool } from "@openai/agents";
import { generateText, tool } from "ai";
import { generateText as generateText6, tool as tool6 } from "ai6";
import type { Caller, Policy } from "deputize";
import * as ai from "deputize/ai";
import * as forExpress from "deputize/express";
import * as forHono from "deputize/hono";
import * as langchain from "deputize/langchain";
import { AuthorizedCompressor, AuthorizedRetriever } from "deputize/langchain";
import * as mcp from "deputize/mcp";
import * as openai from "deputize/openai-agents";
import { delegate, signer } from "deputize/sign";
import express from "express";
import { Hono } from "hono";
import { createAgent, createMiddleware } from "langchain";
import { z } from "zod";

declare const policy: Policy;
declare const embeddings: EmbeddingsInterface;
declare const model: Parameters<typeof generateText>[0]["model"];
declare const model6: Parameters<typeof generateText6>[0]["model"];
const who = { token: "…", audience: "https://api.example" };
const audience = "https://api.example";

// MCP: both SDKs take the verifier, and the guard takes both servers.
const read = { action: "can_read", type: "document", id: ({ id }: { id: string }) => id } as const;
const verifier: OAuthTokenVerifier = mcp.tokenVerifier({ policy, audience, invalidToken: (message) => new InvalidTokenError(message) });
const verifier2: Verifier2 = mcp.tokenVerifier({ policy, audience, invalidToken: (message) => new OAuthError(OAuthErrorCode.InvalidToken, message) });
void [verifier, requireBearerAuth({ verifier: verifier2 })];
const server1: McpServer1 = mcp.guardTools(new McpServer1({ name: "", version: "" }), { policy, audience, rules: { read } });
const server2: McpServer2 = mcp.guardTools(new McpServer2({ name: "", version: "" }), { policy: () => policy, audience, rules: { read } });
server1.registerTool("read", { inputSchema: { id: z.string() } }, async ({ id }) => ({ content: [{ type: "text", text: id }] }));
server2.registerTool("read", { inputSchema: z.object({ id: z.string() }) }, async ({ id }) => ({ content: [{ type: "text", text: id }] }));
// @ts-expect-error A rule of which nobody can say who sees the tool.
mcp.guardTools(server1, { policy, audience, rules: { read: { action: "can_read", resource: () => "document:1" } } });

// The AI SDK: rules get the tools' own inputs, and the tools stay as they are.
const tools = {
  read: tool({ inputSchema: z.object({ id: z.string() }), execute: async ({ id }) => ({ length: id.length }) }),
  clock: tool({ inputSchema: z.object({}), execute: () => "noon" }),
};
const guard = ai.guardTools(tools, {
  policy,
  who,
  rules: { read: { action: "can_read", type: "document", id: ({ id }) => id.trim() }, clock: "any-caller" },
});
const guarded: typeof tools = guard.tools;
void generateText({ model, prompt: "", tools: guarded, toolApproval: guard.toolApproval, activeTools: guard.activeTools() });
// @ts-expect-error A tool without a rule.
ai.guardTools(tools, { policy, who, rules: { clock: "any-caller" } });
// @ts-expect-error An argument that the tool has not.
ai.guardTools(tools, { policy, who, rules: { read: { action: "can_read", type: "document", id: ({ name }) => name }, clock: "any-caller" } });
const tools6 = { read: tool6({ inputSchema: z.object({ id: z.string() }), execute: async ({ id }) => ({ length: id.length }) }) };
const guard6 = ai.guardTools(tools6, {
  policy,
  who: ({ context }) => context as ai.Who,
  rules: { read: { action: "can_read", type: "document", id: ({ id }) => id.trim() } },
});
void generateText6({ model: model6, prompt: "", tools: guard6.tools, activeTools: guard6.activeTools() });

// LangChain: any store will do, and its filter is typed.
const store = new MemoryVectorStore(embeddings);
new AuthorizedRetriever({ policy, store, action: "can_read", resource: "document", pushDown: "function" }) satisfies BaseRetriever;
const byIds = {
  by: "ids",
  type: "document",
  filter: (ids: readonly string[]) => (document: Document) => ids.includes(document.metadata["document"]),
} as const;
new AuthorizedRetriever({ policy, store, action: "can_read", resource: ({ id }) => id, pushDown: byIds });
new AuthorizedCompressor({ policy, who, action: "can_read", resource: "document" }) satisfies BaseDocumentCompressor;
// @ts-expect-error Nobody says who asks.
new AuthorizedCompressor({ policy, action: "can_read", resource: "document" });
const lookUp = langchainTool(async ({ id }: { id: string }) => id, { name: "read", schema: z.object({ id: z.string() }) });
const chains = langchain.guardTools([lookUp], { policy, audience, rules: { read } });
createAgent({ model: "none:none", tools: chains.tools, middleware: [createMiddleware({ name: "Deputize", wrapModelCall: chains.wrapModelCall })] });

// The OpenAI Agents SDK: what `tool` takes, its guardrails and its context.
const agents = openai.guardTools<{ who?: openai.Who }>({ policy, who: (context) => context.who, rules: { read, other: read } });
const guardedTool = agentTool(
  agents.tool({ name: "read", description: "", parameters: z.object({ id: z.string() }), execute: async ({ id }: { id: string }) => id }),
);
const other = agentTool({
  name: "other",
  description: "",
  parameters: z.object({ id: z.string() }),
  execute: ({ id }) => id,
  inputGuardrails: [agents.inputGuardrail],
  isEnabled: agents.isEnabled("other"),
});
new Agent<{ who?: openai.Who }>({ name: "", tools: [guardedTool, other] });

// Hono and Express: handlers find the caller.
const hono = forHono.guardRoutes({ policy, audience });
new Hono().get(
  "/documents/:id",
  hono.authenticate,
  hono.permit("can_read", (context) => `document:${context.req.param("id")}`),
  (context) => {
    const caller: Caller = context.get("caller");
    return context.text(caller.actor);
  },
);
const routes = forExpress.guardRoutes({ policy, audience });
express().get(
  "/documents/:id",
  routes.authenticate,
  routes.permit("can_read", (request: express.Request<{ id: string }>) => `document:${request.params.id}`),
  (request, response) => {
    const caller: Caller | undefined = request.caller;
    response.send(caller?.actor);
  },
);

// Signing: a scope is always said.
const sign = await signer({ kid: "k", kty: "OKP" });
const handed: { token: string; expires_in: number } = await delegate(policy.caller("user:anne"), "agent:x", { scope: "read" }, sign);
void handed;
// @ts-expect-error Nothing is handed on for want of a word.
void delegate(policy.caller("user:anne"), "agent:x", {}, sign);
