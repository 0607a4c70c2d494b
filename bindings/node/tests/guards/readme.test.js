// The README's examples of the guards, as they stand there.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, it } from "node:test";

import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { McpServer, OAuthError, OAuthErrorCode } from "@modelcontextprotocol/server";
import { tool as agentTool } from "@openai/agents";
import { generateText, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { Hono } from "hono";
import { z } from "zod";

import { AUDIENCE, expired, policy, snapshot, token } from "./world.js";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const examples = new Map(
  [...readme.slice(readme.indexOf("## Guards")).matchAll(/```js\n([^]*?)```/g)].map(([, code]) => [/from "(deputize\/[a-z-]+)"/.exec(code)[1], code]),
);

// Beside the frameworks, where they are found.
const folder = new URL("node_modules/.readme/", import.meta.url);
mkdirSync(folder, { recursive: true });
after(() => rmSync(folder, { recursive: true }));

/** Runs an example with what it takes for granted, and gives what it made. */
async function run(name, given, made) {
  const code = examples.get(name);
  examples.delete(name);
  const file = new URL(`${name.replace("/", "-")}-${Object.keys(given).length}.mjs`, folder);
  const imports = code.match(/^import .*$/gm).join("\n");
  const body = code.replace(/^import .*$/gm, "");
  writeFileSync(file, `${imports}\nexport async function run({ ${Object.keys(given).join(", ")} }) {\n${body}\nreturn { ${made.join(", ")} };\n}\n`);
  return (await import(file)).run(given);
}

it("deputize/ai", async () => {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const calls = ["1", "2"].map((id) => ({ type: "tool-call", toolCallId: id, toolName: "read", input: JSON.stringify({ id }) }));
  const model = new MockLanguageModelV4({ doGenerate: { content: calls, finishReason: { unified: "tool-calls" }, usage, warnings: [] } });
  const ran = [];
  const tools = {
    read: tool({ inputSchema: z.object({ id: z.string() }), execute: ({ id }) => ran.push(id) }),
    send: tool({ inputSchema: z.object({}), execute: () => ran.push("send") }),
    clock: tool({ inputSchema: z.object({}), execute: () => "noon" }),
  };
  const records = [];
  const { guard } = await run(
    "deputize/ai",
    {
      tools,
      policy: policy({ model: snapshot().model.replace("type document", "type outbox\n  relations\n    define can_send: [user]\ntype document") }),
      token: token(),
      audit: { record: (decision) => records.push(decision.record.reason) },
      generateText,
      model,
      prompt: "go on",
    },
    ["guard"],
  );
  assert.deepEqual(ran, ["1"]);
  assert.deepEqual(records.sort(), ["allowed", "subject.no_grant"]);
  assert.deepEqual(guard.activeTools(), ["read", "clock"]);
});

it("deputize/mcp", async () => {
  const { server, verifier } = await run(
    "deputize/mcp",
    { policy: policy(), McpServer, OAuthError, OAuthErrorCode, z, read: () => ({ content: [] }) },
    ["server", "verifier"],
  );
  assert.ok(server instanceof McpServer);
  assert.equal((await verifier.verifyAccessToken(token())).clientId, "agent:triage");
  await assert.rejects(verifier.verifyAccessToken(expired()), { code: "invalid_token" });
});

it("deputize/langchain", async () => {
  const embeddings = { embedQuery: async () => [1], embedDocuments: async (texts) => texts.map(() => [1]) };
  const documents = ["document:1", "document:2", "document:3"].map((document) => new Document({ pageContent: document, metadata: { document } }));
  const store = await MemoryVectorStore.fromDocuments(documents, embeddings);
  const made = await run("deputize/langchain", { policy: policy(), store, token: token() }, ["documents"]);
  assert.deepEqual(
    made.documents.map(({ pageContent }) => pageContent),
    ["document:1"],
  );
});

it("deputize/openai-agents", async () => {
  const { read } = await run("deputize/openai-agents", { policy: policy(), tool: agentTool, z, texts: { 1: "one", 2: "two" } }, ["read"]);
  const as = { context: { who: { token: token(), audience: AUDIENCE } } };
  assert.equal(await read.invoke(as, '{"id":"1"}'), "one");
  assert.match(await read.invoke(as, '{"id":"2"}'), /subject\.no_grant/);
});

it("deputize/hono", async () => {
  const app = new Hono();
  await run("deputize/hono", { policy: policy(), app }, []);
  const get = async (id) => app.request(`https://api.example/documents/${id}`, { headers: { authorization: `Bearer ${token()}` } });
  assert.equal(await (await get("1")).text(), "agent:triage");
  assert.equal((await get("2")).status, 403);
});

it("deputize/sign", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = { ...privateKey.export({ format: "jwk" }), kid: "k" };
  const bank = policy({
    model: snapshot().model.replace("define delegate_of: [user]", "define delegate_of: [user, agent]"),
    tuples: [...snapshot().tuples, { user: "agent:triage", relation: "delegate_of", object: "agent:search" }],
    issuers: snapshot().issuers.map((issuer) => ({ ...issuer, audiences: ["https://api.example", "https://search.example"] })),
    delegation: {
      hops: ["user", "agent"].map((from) => ({ from, to: "agent", any_of: [{ user: "{from}", relation: "delegate_of", object: "{to}" }] })),
    },
  });
  const caller = bank.verify(token({ aud: ["https://api.example", "https://search.example"] }));
  const { next } = await run("deputize/sign", { caller, key }, ["next"]);
  assert.deepEqual(
    next.chain.map(({ principal }) => principal),
    ["user:anne", "agent:triage", "agent:search"],
  );
  assert.match(next.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
});

it("has no example that was not run", () => assert.deepEqual([...examples.keys()], []));
