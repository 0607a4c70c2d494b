import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";

import * as client2 from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport as Memory1 } from "@modelcontextprotocol/sdk/inMemory.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as requireBearerAuth1 } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { Server as Server1 } from "@modelcontextprotocol/sdk/server/index.js";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import * as server2 from "@modelcontextprotocol/server";
import { Identity, authInfo, guardTools, resourceMetadata, tokenVerifier } from "deputize/mcp";
import express from "express";
import { z } from "zod";

import { AUDIENCE, bound, broken, expired, foreign, narrow, now, policy, proof, refused, rules, stricter, token } from "./world.js";

const versions = {
  "@modelcontextprotocol/sdk 1": {
    Server: McpServer1,
    Client: Client1,
    pair: () => Memory1.createLinkedPair(),
    invalidToken: (message) => new InvalidTokenError(message),
    isInvalid: (error) => error instanceof InvalidTokenError,
  },
  "@modelcontextprotocol/server 2": {
    Server: server2.McpServer,
    Client: client2.Client,
    pair: () => server2.InMemoryTransport.createLinkedPair(),
    invalidToken: (message) => new server2.OAuthError(server2.OAuthErrorCode.InvalidToken, message),
    isInvalid: (error) => error instanceof server2.OAuthError && error.code === "invalid_token",
  },
};

/** Tools whose calls are counted. */
function register(server, calls) {
  const text = (text) => ({ content: [{ type: "text", text }] });
  // The id is trimmed by the schema: what is decided on is what the tool gets.
  const inputSchema = z.object({ id: z.string().trim().default("1") });
  for (const name of ["read", "block", "unruled", "broken"]) {
    server.registerTool(name, { description: name, inputSchema }, async ({ id }) => {
      calls.push(`${name} ${id}`);
      return text(`${name} ${id}`);
    });
  }
  server.registerTool("clock", { description: "the time" }, async () => text("noon"));
  return server;
}

for (const [name, { Server, Client, pair, invalidToken, isInvalid }] of Object.entries(versions)) {
  describe(name, () => {
    /** A server and a client that shows it `shown`, or nothing. */
    async function connected(shown, options = {}) {
      const calls = [];
      const rulings = [];
      const server = new Server({ name: "documents", version: "1" });
      guardTools(server, {
        policy: policy(),
        audience: AUDIENCE,
        rules: { ...rules, broken },
        onRuling: (ruling) => rulings.push(ruling),
        ...options,
      });
      register(server, calls);
      const [near, far] = pair();
      const client = new Client({ name: "agent", version: "1" });
      const send = near.send.bind(near);
      const info = typeof shown === "string" ? { token: shown, clientId: "x", scopes: [] } : shown;
      near.send = (message, more) => send(message, { ...more, ...(info && { authInfo: info }) });
      await Promise.all([server.connect(far), client.connect(near)]);
      const call = (name, args) => client.callTool({ name, arguments: args });
      const listed = async () => (await client.listTools()).tools.map(({ name }) => name).sort();
      return { server, client, calls, rulings, call, listed };
    }
    const code = (result) => (result.isError ? result._meta?.["deputize/code"] : "allowed");

    it("shows and calls what the caller may, with records", async () => {
      const { call, listed, calls, rulings } = await connected(token());
      assert.deepEqual(await listed(), ["broken", "clock", "read"]);
      assert.equal((await call("read", { id: "1" })).content[0].text, "read 1");
      assert.equal(code(await call("clock")), "allowed");
      const denied = await call("read", { id: "2" });
      assert.equal(code(denied), "subject.no_grant");
      assert.equal(denied.content[0].text, "`read` is not permitted (subject.no_grant).");
      assert.deepEqual(calls, ["read 1"]);
      const [allowed, , refused] = rulings;
      assert.deepEqual([allowed.outcome, refused.outcome], ["allow", "deny"]);
      assert.equal(allowed.decisions[0].record.actor, "agent:triage");
      assert.equal(refused.decisions[0].record.resource, "document:2");
    });

    it("decides on the arguments as the tool gets them", async () => {
      const { call, calls } = await connected(token());
      assert.equal(code(await call("read", { id: " 2 " })), "subject.no_grant");
      assert.equal(code(await call("read", {})), "allowed");
      assert.equal(code(await call("read", { id: " 1 " })), "allowed");
      for (const id of ["", "*", "1#viewer", "1\n", "../1", "user:anne"])
        assert.notEqual(code(await call("read", { id })), id === "1\n" ? "never" : "allowed");
      assert.deepEqual(calls, ["read 1", "read 1", "read 1"]);
    });

    it("shows and calls nothing without a token", async () => {
      const { call, listed, calls, rulings } = await connected(undefined);
      assert.deepEqual(await listed(), []);
      for (const tool of ["read", "clock", "block"]) assert.equal(code(await call(tool, { id: "1" })), "guard.no_caller");
      assert.deepEqual(calls, []);
      assert.deepEqual(rulings.map(({ tool, code }) => [tool, code]), ["*", "read", "clock", "block"].map((tool) => [tool, "guard.no_caller"]), "also why nothing is listed");
    });

    for (const [what, [make, reason]] of Object.entries(refused)) {
      it(`shows and calls nothing with a token that is ${what}`, async () => {
        const { call, listed, calls, rulings } = await connected(make());
        assert.deepEqual(await listed(), []);
        assert.equal(code(await call("read", { id: "1" })), reason);
        assert.equal(code(await call("clock")), reason);
        assert.deepEqual(calls, []);
        assert.deepEqual([rulings[0].tool, rulings[0].code], ["*", reason]);
        assert.equal(rulings[1].decisions[0].record.reason, reason);
      });
    }

    it("refuses what the scope does not cover", async () => {
      const { call, listed, calls } = await connected(narrow());
      assert.deepEqual(await listed(), ["broken", "clock"]);
      assert.equal(code(await call("read", { id: "1" })), "scope.insufficient");
      assert.deepEqual(calls, []);
    });

    it("refuses a hidden tool that is called by its name, and one without a rule", async () => {
      const { call, calls } = await connected(token());
      assert.equal(code(await call("block", { id: "1" })), "scope.insufficient");
      for (const tool of ["unruled", "constructor", "__proto__", "nothing"]) assert.equal(code(await call(tool, { id: "1" })), "guard.no_rule");
      assert.deepEqual(calls, []);
    });

    it("denies where the decision or its record fails", async () => {
      const { call, calls, rulings } = await connected(token());
      assert.equal(code(await call("broken", { id: "1" })), "guard.error");
      assert.equal(rulings[0].error.message, "broken");
      const mute = await connected(token(), {
        onRuling: () => {
          throw new Error("disk full");
        },
      });
      assert.equal(code(await mute.call("read", { id: "1" })), "guard.callback");
      const gone = await connected(token(), {
        policy: () => {
          throw new Error("no policy");
        },
      });
      assert.equal(code(await gone.call("read", { id: "1" })), "guard.error");
      assert.deepEqual(await gone.listed(), []);
      assert.deepEqual([...calls, ...mute.calls, ...gone.calls], []);
    });

    it("asks the snapshot that is in force, and the time that it is", async (test) => {
      let current = policy();
      const { call, listed, calls } = await connected(token(), { policy: () => current });
      assert.equal(code(await call("read", { id: "1" })), "allowed");
      current = stricter();
      assert.equal(code(await call("read", { id: "1" })), "subject.no_grant");
      assert.deepEqual(await listed(), ["broken", "clock"]);
      current = policy();
      assert.equal(code(await call("read", { id: "1" })), "allowed");
      test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 400_000 });
      assert.equal(code(await call("read", { id: "1" })), "token.expired");
      assert.equal(code(await call("clock")), "token.expired");
      assert.deepEqual(await listed(), []);
      assert.equal(calls.length, 2);
    });

    it("rules on parallel calls one by one", async () => {
      const { call, calls } = await connected(token());
      const ids = ["1", "2", "3", "1", "2", "1"];
      const codes = await Promise.all(ids.map(async (id) => code(await call("read", { id }))));
      assert.deepEqual(
        codes.map((code) => code === "allowed"),
        [true, false, false, true, false, true],
      );
      assert.deepEqual(calls, ["read 1", "read 1", "read 1"]);
    });

    it("guards callbacks that are exchanged, and names that are", async () => {
      const { server, call, listed } = await connected(token());
      const late = server.registerTool("late", { inputSchema: z.object({ id: z.string() }) }, async () => ({ content: [] }));
      assert.equal(code(await call("late", { id: "1" })), "guard.no_rule");
      late.update({ name: "read2" });
      assert.deepEqual(await listed(), ["broken", "clock", "read"]);
    });

    it("guards a callback that takes another's place", async () => {
      const calls = [];
      const server = new Server({ name: "documents", version: "1" });
      guardTools(server, { policy: policy(), audience: AUDIENCE, rules, who: { token: token(), audience: AUDIENCE } });
      const tool = server.registerTool("read", { inputSchema: z.object({ id: z.string() }) }, async () => ({ content: [] }));
      tool.update({ callback: async ({ id }) => ({ content: [{ type: "text", text: calls.push(id) && id }] }) });
      const [near, far] = pair();
      const client = new Client({ name: "agent", version: "1" });
      await Promise.all([server.connect(far), client.connect(near)]);
      assert.equal(code(await client.callTool({ name: "read", arguments: { id: "2" } })), "subject.no_grant");
      assert.equal(code(await client.callTool({ name: "read", arguments: { id: "1" } })), "allowed");
      assert.deepEqual(calls, ["1"]);
    });

    it("asks for a human where the rule says so", async () => {
      const { call, calls } = await connected(token(), { rules: { read: { ...rules.read, ask: true } } });
      assert.equal(code(await call("read", { id: "1" })), "guard.not_approved");
      assert.equal(code(await call("read", { id: "2" })), "subject.no_grant");
      assert.deepEqual(calls, []);
    });

    it("guards a handler that takes the place of the SDK's", async () => {
      const { server, call, calls } = await connected(token());
      const handler = ({ params }) => ({ content: [{ type: "text", text: String(calls.push(`own ${params.arguments.id}`)) }] });
      server.server.setRequestHandler(Server === McpServer1 ? CallToolRequestSchema : "tools/call", handler);
      assert.equal(code(await call("read", { id: "2" })), "subject.no_grant");
      assert.equal(code(await call("read", { id: "1" })), "allowed");
      assert.deepEqual(calls, ["own 1"]);
    });

    it("is set up before any tool is", () => {
      const server = register(new Server({ name: "late", version: "1" }), []);
      const options = { policy: policy(), audience: AUDIENCE, rules };
      assert.throws(() => guardTools(server, options), { kind: "misuse" });
      assert.throws(() => guardTools(new Server({ name: "early", version: "1" }, { capabilities: { tools: {} } }), options), { kind: "misuse" });
      const fresh = () => new Server({ name: "late", version: "1" });
      assert.throws(() => guardTools(fresh(), { ...options, audience: undefined }), { kind: "misuse" });
      assert.throws(() => guardTools(fresh(), { ...options, policy: undefined }), { kind: "misuse" });
      assert.throws(() => guardTools(fresh(), { ...options, rules: { read: {} } }), { kind: "misuse" });
      assert.throws(() => guardTools(fresh(), { ...options, rules: { read: { action: "can_read", resource: () => "document:1" } } }), {
        kind: "misuse",
      });
    });

    it("verifies tokens for the SDK", async () => {
      const { verifyAccessToken } = tokenVerifier({ policy: policy(), audience: AUDIENCE, invalidToken });
      const info = await verifyAccessToken(token({ scope: "document:read other" }));
      assert.deepEqual([info.clientId, info.scopes, info.resource.href], ["agent:triage", ["document:read", "other"], `${AUDIENCE}/`]);
      assert.ok(info.expiresAt > now());
      for (const bad of [expired(), foreign(), "x.y.z", ""]) await assert.rejects(verifyAccessToken(bad), isInvalid);
      const stale = tokenVerifier({ policy: policy({ not_after: now() - 1 }), audience: AUDIENCE, invalidToken });
      await assert.rejects(stale.verifyAccessToken(token()), { code: "snapshot.stale" });
    });
  });
}

it("guards a low-level server of version 1", async () => {
  const server = new Server1({ name: "documents", version: "1" }, { capabilities: { tools: {} } });
  guardTools(server, { policy: policy(), audience: AUDIENCE, rules, who: { chain: ["user:anne", "agent:triage"], scopes: "document:read" } });
  const calls = [];
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: ["read", "block", "other"].map((name) => ({ name, inputSchema: { type: "object" } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({ content: [{ type: "text", text: String(calls.push(params.arguments.id)) }] }));
  const [near, far] = Memory1.createLinkedPair();
  const client = new Client1({ name: "agent", version: "1" });
  await Promise.all([server.connect(far), client.connect(near)]);
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ["read"],
  );
  const results = await Promise.all(["1", "2"].map((id) => client.callTool({ name: "read", arguments: { id } })));
  assert.deepEqual(
    results.map(({ isError }) => isError === true),
    [false, true],
  );
  assert.equal((await client.callTool({ name: "other", arguments: { id: "1" } })).isError, true);
  assert.deepEqual(calls, ["1"]);
});

/** What a fetch-like function answers to a call of a tool, over HTTP. */
const rpc = (bearer) => ({
  method: "POST",
  headers: {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...(bearer && { authorization: `Bearer ${bearer}` }),
  },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "read", arguments: { id: "1" } } }),
});

it("serves version 1 over HTTP, behind the SDK's own middleware", async () => {
  const app = express();
  const { url, path, document } = resourceMetadata({ resource: AUDIENCE, authorizationServers: ["https://id.example"], scopes: ["document:read"] });
  const verifier = tokenVerifier({ policy: policy(), audience: AUDIENCE, invalidToken: (message) => new InvalidTokenError(message) });
  app.get(path, (_, response) => response.json(document));
  app.post(
    "/mcp",
    express.json(),
    requireBearerAuth1({ verifier, resourceMetadataUrl: url, expectedResource: new URL(AUDIENCE) }),
    async (request, response) => {
      const server = guardTools(new McpServer1({ name: "documents", version: "1" }), { policy: policy(), audience: AUDIENCE, rules });
      register(server, []);
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
      await server.connect(transport);
      await transport.handleRequest(request, response, request.body);
    },
  );
  const http = createServer(app).listen(0, "127.0.0.1");
  await new Promise((ready) => http.once("listening", ready));
  try {
    const place = `http://127.0.0.1:${http.address().port}`;
    const metadata = await (await fetch(`${place}/.well-known/oauth-protected-resource`)).json();
    assert.equal(metadata.resource, AUDIENCE);
    for (const bad of [undefined, expired(), foreign()]) {
      const answer = await fetch(`${place}/mcp`, rpc(bad));
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get("www-authenticate"), /resource_metadata="https:\/\/api\.example\/\.well-known\/oauth-protected-resource"/);
    }
    const transport = new StreamableHTTPClientTransport(new URL(`${place}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token()}` } },
    });
    const client = new Client1({ name: "agent", version: "1" });
    await client.connect(transport);
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ["read", "clock"],
    );
    const [first, second] = await Promise.all(["1", "2"].map((id) => client.callTool({ name: "read", arguments: { id } })));
    assert.equal(first.content[0].text, "read 1");
    assert.equal(second.isError, true);
    await client.close();
  } finally {
    http.closeAllConnections();
    http.close();
  }
});

it("serves version 2 through its fetch handler", async () => {
  const verifier = tokenVerifier({
    policy: policy(),
    audience: AUDIENCE,
    invalidToken: (message) => new server2.OAuthError(server2.OAuthErrorCode.InvalidToken, message),
  });
  const gate = server2.requireBearerAuth({ verifier, expectedResource: new URL(AUDIENCE) });
  const handler = server2.createMcpHandler(() =>
    register(guardTools(new server2.McpServer({ name: "documents", version: "1" }), { policy: policy(), audience: AUDIENCE, rules }), []),
  );
  const serve = async (request) => {
    const info = await gate(request);
    return info instanceof Response ? info : handler.fetch(request, { authInfo: info });
  };
  for (const bad of [undefined, expired(), foreign()]) assert.equal((await serve(new Request("https://api.example/mcp", rpc(bad)))).status, 401);
  const transport = new client2.StreamableHTTPClientTransport(new URL("https://api.example/mcp"), {
    fetch: (url, init) => serve(new Request(url, init)),
    requestInit: { headers: { authorization: `Bearer ${token()}` } },
  });
  const client = new client2.Client({ name: "agent", version: "1" });
  await client.connect(transport);
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ["read", "clock"],
  );
  const [first, second] = await Promise.all(["1", "2"].map((id) => client.callTool({ name: "read", arguments: { id } })));
  assert.equal(first.content[0].text, "read 1");
  assert.equal(second.isError, true);
  await client.close();
});

it("asks its own policy for its own audience, whoever verified the token", async () => {
  const server = new McpServer1({ name: "documents", version: "1" });
  let current = policy();
  guardTools(server, { policy: () => current, audience: AUDIENCE, rules });
  register(server, []);
  const identity = Identity.of(policy(), { token: token(), audience: AUDIENCE });
  const infos = {
    ours: authInfo(identity, "unused", AUDIENCE),
    other: authInfo(Identity.of(policy(), { chain: ["user:anne", "agent:triage"] }), "unused", AUDIENCE),
  };
  const [near, far] = Memory1.createLinkedPair();
  const send = near.send.bind(near);
  let authInfoOf = infos.ours;
  near.send = (message) => send(message, { authInfo: authInfoOf });
  const client = new Client1({ name: "agent", version: "1" });
  await Promise.all([server.connect(far), client.connect(near)]);
  const read = async () => (await client.callTool({ name: "read", arguments: { id: "1" } })).isError === true;
  assert.equal(await read(), false);
  authInfoOf = infos.other;
  assert.equal(await read(), false);
  authInfoOf = infos.ours;
  current = stricter();
  assert.equal(await read(), true);
});

it("takes a token with a proof from whoever checked that, and asks again later", async (test) => {
  const good = bound();
  const uri = `${AUDIENCE}/mcp`;
  const identity = await Identity.verify(policy(), {
    token: good,
    audience: AUDIENCE,
    dpop: { proof: proof(good, "POST", uri), method: "POST", uri },
  });
  const info = authInfo(identity, good, AUDIENCE);
  let current = policy();
  const server = guardTools(new McpServer1({ name: "documents", version: "1" }), { policy: () => current, audience: AUDIENCE, rules });
  register(server, []);
  const [near, far] = Memory1.createLinkedPair();
  const send = near.send.bind(near);
  let given = info;
  near.send = (message) => send(message, { authInfo: given });
  const client = new Client1({ name: "agent", version: "1" });
  await Promise.all([server.connect(far), client.connect(near)]);
  const read = async () => (await client.callTool({ name: "read", arguments: { id: "1" } }))._meta?.["deputize/code"] ?? "allowed";
  assert.equal(await read(), "allowed");
  // The proof was good when it was shown, two minutes ago.
  test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 120_000 });
  current = policy({ revision: "43" });
  assert.equal(await read(), "allowed");
  current = stricter();
  assert.equal(await read(), "subject.no_grant");
  // The token without its proof is nothing.
  given = { ...info };
  assert.equal(await read(), "proof.missing");
});

it("guards what version 1's older ways register, or refuses it", async () => {
  const calls = [];
  const server = guardTools(new McpServer1({ name: "documents", version: "1" }), {
    policy: policy(),
    audience: AUDIENCE,
    rules: { ...rules, task: "any-caller" },
    who: { token: token(), audience: AUDIENCE },
  });
  server.tool("read", "reads", { id: z.string() }, async ({ id }) => ({ content: [{ type: "text", text: id + calls.push(id) }] }));
  const task = async () => calls.push("task");
  server.experimental.tasks.registerToolTask("task", { inputSchema: {} }, { createTask: task, getTask: task, getTaskResult: task });
  const [near, far] = Memory1.createLinkedPair();
  const client = new Client1({ name: "agent", version: "1" });
  await Promise.all([server.connect(far), client.connect(near)]);
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ["read", "task"],
  );
  const code = async (name, args) => (await client.callTool({ name, arguments: args }))._meta?.["deputize/code"] ?? "allowed";
  assert.equal(await code("read", { id: "1" }), "allowed");
  assert.equal(await code("read", { id: "2" }), "subject.no_grant");
  await client.callTool({ name: "task", arguments: {} }).then(
    ({ isError }) => assert.equal(isError, true),
    () => {},
  );
  assert.deepEqual(calls, ["1"]);
});
