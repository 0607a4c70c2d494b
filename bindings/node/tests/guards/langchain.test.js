import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ContextualCompressionRetriever } from "@langchain/classic/retrievers/contextual_compression";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { RunnableLambda, RunnableSequence } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Policy } from "deputize";
import { AuthorizedCompressor, AuthorizedRetriever, Identity, guardTools } from "deputize/langchain";
import { AIMessage, createAgent, createMiddleware, fakeModel } from "langchain";
import { z } from "zod";

import { AUDIENCE, broken, expired, foreign, narrow, now, policy, refused, rules, stricter, token } from "./world.js";

/** The nearest to a query `7` are the texts `7 …`, then `8 …`, and so on: the rank is known. */
const embeddings = {
  embedQuery: async (text) => at(Number.parseInt(text, 10)),
  embedDocuments: async (texts) => texts.map((text) => at(Number.parseInt(text, 10))),
};
const at = (place) => [Math.cos(place / 2000), Math.sin(place / 2000)];

/** Chunks `n`, of document `n`, of which anne may read each one in `every`. */
function library(count, every) {
  const places = Array.from({ length: count }, (_, place) => place);
  const allowed = places.filter((place) => place % every === every - 1);
  const snapshot = {
    deputize: 1,
    model: "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define can_read: [user]\n",
    tuples: allowed.map((place) => ({ user: "user:anne", relation: "can_read", object: `document:${place}` })),
  };
  return { policy: Policy.fromJson(snapshot), documents: places.map((place) => chunk(place)), allowed };
}
const chunk = (place, resource = `document:${place}`) =>
  new Document({ pageContent: `${place} text`, metadata: resource === undefined ? {} : { resource } });
const pages = (documents) => documents.map(({ pageContent }) => Number.parseInt(pageContent, 10));

/** A store that counts its searches. */
async function stored(documents) {
  const store = await MemoryVectorStore.fromDocuments(documents, embeddings);
  const searches = [];
  const search = store.similaritySearch.bind(store);
  store.similaritySearch = (query, k, filter, callbacks) => {
    searches.push([k, filter]);
    return search(query, k, filter, callbacks);
  };
  return { store, searches };
}

const sight = { action: "can_read", resource: "resource" };
const anne = { chain: "user:anne" };

describe("AuthorizedRetriever", () => {
  it("gives k of k at one in a hundred, best first, with few searches", async () => {
    const { policy, documents, allowed } = library(5000, 100);
    const { store, searches } = await stored(documents);
    for (const pushDown of [undefined, "function"]) {
      searches.length = 0;
      let sifted;
      const retriever = new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 5, pushDown, onSifted: (said) => (sifted = said) });
      assert.deepEqual(pages(await retriever.invoke("0")), allowed.slice(0, 5));
      assert.equal(sifted.allowed, 5);
      assert.equal(sifted.searches, searches.length);
      assert.ok(pushDown === undefined ? searches.length <= 5 && searches.length > 1 : searches.length === 1, `${searches.length} searches`);
    }
  });

  it("gives fewer where there are no more, and stops", async () => {
    const { policy, documents, allowed } = library(300, 100);
    const { store, searches } = await stored(documents);
    const retriever = (more) => new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 5, ...more });
    assert.deepEqual(pages(await retriever().invoke("0")), allowed);
    assert.ok(searches.every(([k]) => k <= 4096));
    searches.length = 0;
    assert.deepEqual(await retriever({ most: 50 }).invoke("0"), []);
    assert.equal(Math.max(...searches.map(([k]) => k)), 50);
    assert.deepEqual(await retriever({ who: { chain: "user:nobody" } }).invoke("0"), []);
  });

  it("keeps duplicates, several chunks of a document, and the rank", async () => {
    const { policy } = library(10, 1);
    const documents = [0, 0, 1, 1, 1].map((place) => chunk(place));
    const { store } = await stored(documents);
    const retriever = new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 5 });
    assert.deepEqual(pages(await retriever.invoke("0")), [0, 0, 1, 1, 1]);
  });

  it("drops what names no resource, or none that is known", async () => {
    const { policy } = library(10, 1);
    const odd = [
      chunk(0, undefined),
      chunk(1, ""),
      chunk(2, 2),
      chunk(3, "document:nothing"),
      chunk(4, "document:1\ndocument:2"),
      chunk(5, "user:anne"),
      chunk(6, "document:*"),
      chunk(7, ["document:7"]),
      chunk(8),
    ];
    delete odd[0].metadata.resource;
    const { store } = await stored(odd);
    const sifted = [];
    const retriever = new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 9, onSifted: (said) => sifted.push(said) });
    assert.ok(odd.every(({ id }) => id === undefined));
    assert.deepEqual(pages(await retriever.invoke("0")), [8]);
    assert.equal(
      Object.values(sifted[0].dropped).reduce((sum, count) => sum + count),
      8,
    );
    const throwing = new AuthorizedRetriever({ ...sight, resource: ({ metadata }) => metadata.resource.trim(), policy, who: anne, store, k: 9 });
    assert.deepEqual(pages(await throwing.invoke("0")), [8]);
  });

  it("never searches with an empty list of ids, nor without a filter because of one", async () => {
    const { policy, documents, allowed } = library(200, 100);
    const { store, searches } = await stored(documents);
    const given = [];
    const pushDown = { by: "ids", type: "document", filter: (ids) => given.push(ids) && (({ metadata }) => ids.includes(metadata.resource)) };
    const retriever = (who) => new AuthorizedRetriever({ ...sight, policy, who, store, k: 2, pushDown });
    assert.deepEqual(pages(await retriever(anne).invoke("0")), allowed);
    assert.deepEqual(given, [["document:199", "document:99"]]);
    assert.deepEqual(
      searches.map(([k]) => k),
      [2],
    );
    assert.deepEqual(await retriever({ chain: "user:nobody" }).invoke("0"), []);
    assert.equal(searches.length, 1);
    // Too many names for the store: it is searched without, and sifted.
    const few = new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 2, pushDown: { ...pushDown, most: 1 } });
    assert.deepEqual(pages(await few.invoke("0")), allowed);
    assert.equal(searches[1][1], undefined);
  });

  it("looks again at what a store with a filter of its own gives", async () => {
    const { policy, documents, allowed } = library(200, 100);
    const { store } = await stored(documents);
    const pushDown = { by: "terms", type: "document", filter: () => () => true };
    const retriever = new AuthorizedRetriever({ ...sight, policy, who: anne, store, k: 2, pushDown });
    assert.deepEqual(pages(await retriever.invoke("0")), allowed);
  });

  it("knows who asks from the run alone, side by side, in chains and in graphs", async () => {
    const { policy, documents, allowed } = library(50, 10);
    const { store } = await stored(documents);
    const retriever = new AuthorizedRetriever({ ...sight, policy, store, k: 2 });
    const as = (who) => ({ configurable: { caller: who } });
    const caller = policy.caller("user:anne");
    const identity = Identity.of(policy, anne);
    const nobody = policy.caller("user:nobody");
    const both = await Promise.all([retriever.invoke("0", as(caller)), retriever.invoke("0", as(nobody)), retriever.invoke("0", as(identity))]);
    assert.deepEqual(both.map(pages), [allowed.slice(0, 2), [], allowed.slice(0, 2)]);
    for (const call of [
      () => retriever.invoke("0"),
      () => retriever.invoke("0", {}),
      () => retriever._getRelevantDocuments("0"),
      () => retriever.batch(["0"]),
    ]) {
      await assert.rejects(call, { code: "guard.no_caller" });
    }
    // What a client could have written there is not believed.
    for (const said of ["user:anne", anne, { chain: ["user:anne"] }, { at: "user:anne" }, null, []]) {
      await assert.rejects(retriever.invoke("0", as(said)), { code: "guard.no_caller" });
    }
    const chain = RunnableSequence.from([RunnableLambda.from((text) => text), retriever]);
    assert.deepEqual(pages(await chain.invoke("0", as(caller))), allowed.slice(0, 2));
    await assert.rejects(chain.invoke("0"), { code: "guard.no_caller" });
    const inside = RunnableLambda.from((text, config) => retriever.invoke(text, config));
    assert.deepEqual(pages(await inside.invoke("0", as(caller))), allowed.slice(0, 2));
  });

  it("refuses tokens that are not good, and takes nothing else beside one", async () => {
    const store = {
      similaritySearch: async () => ["document:1", "document:2"].map((resource) => new Document({ pageContent: "0", metadata: { resource } })),
    };
    const retriever = new AuthorizedRetriever({ ...sight, policy: policy(), audience: AUDIENCE, store });
    const as = (token, more) => retriever.invoke("0", { configurable: { caller: { token, ...more } } });
    assert.equal((await as(token())).length, 1);
    assert.equal((await as(token(), { contextual_tuples: [{ user: "user:anne", relation: "viewer", object: "document:2" }] })).length, 1);
    await assert.rejects(as(expired()), { code: "token.expired" });
    await assert.rejects(as(foreign()), { code: "audience.mismatch" });
    await assert.rejects(as(undefined), { code: "guard.no_caller" });
    assert.deepEqual(await as(narrow()), []);
  });

  it("asks the snapshot that is in force, and the time that it is", async (test) => {
    const store = { similaritySearch: async () => [new Document({ pageContent: "0", metadata: { resource: "document:1" } })] };
    let current = policy();
    const retriever = new AuthorizedRetriever({ ...sight, policy: () => current, who: { token: token(), audience: AUDIENCE }, store });
    assert.equal((await retriever.invoke("0")).length, 1);
    current = stricter();
    assert.equal((await retriever.invoke("0")).length, 0);
    current = policy({ not_after: now() - 1 });
    await assert.rejects(retriever.invoke("0"), { code: "snapshot.stale" });
    current = policy();
    test.mock.timers.enable({ apis: ["Date"], now: Date.now() + 400_000 });
    await assert.rejects(retriever.invoke("0"), { code: "token.expired" });
  });

  it("passes a store's failure on, and is set up right", async () => {
    const { policy } = library(10, 1);
    const store = {
      similaritySearch: async () => {
        throw new Error("no store");
      },
    };
    await assert.rejects(new AuthorizedRetriever({ ...sight, policy, who: anne, store }).invoke("0"), /no store/);
    for (const more of [{ k: 0 }, { k: 5, most: 4 }, { store: {} }, { policy: undefined }]) {
      assert.throws(() => new AuthorizedRetriever({ ...sight, policy, who: anne, store, ...more }), { kind: "misuse" });
    }
  });
});

describe("AuthorizedCompressor", () => {
  it("keeps what the caller may see, in its order", async () => {
    const { policy, documents, allowed } = library(100, 10);
    const { store } = await stored(documents);
    const baseCompressor = new AuthorizedCompressor({ ...sight, policy, who: anne });
    const retriever = new ContextualCompressionRetriever({ baseCompressor, baseRetriever: store.asRetriever({ k: 60 }) });
    assert.deepEqual(pages(await retriever.invoke("0")), allowed.slice(0, 6));
    const unknown = new AuthorizedCompressor({ ...sight, policy, who: () => undefined });
    await assert.rejects(unknown.compressDocuments(documents), { code: "guard.no_caller" });
    assert.throws(() => new AuthorizedCompressor({ ...sight, policy }), { kind: "misuse" });
  });
});

describe("guardTools", () => {
  function setUp(options = {}) {
    const calls = [];
    const rulings = [];
    const read = (name, more) =>
      tool(({ id }) => (calls.push(`${name} ${id}`), more ? [`text ${id}`, { id }] : `text ${id}`), {
        name,
        description: name,
        schema: z.object({ id: z.string().trim() }),
        ...more,
      });
    const tools = [
      read("read"),
      read("block"),
      read("unruled"),
      read("broken"),
      read("artifact", { responseFormat: "content_and_artifact" }),
      tool(() => "noon", { name: "clock", description: "the time", schema: z.object({}) }),
    ];
    const guard = guardTools(tools, {
      policy: policy(),
      audience: AUDIENCE,
      rules: { ...rules, artifact: rules.read, broken },
      onRuling: (ruling) => rulings.push(ruling),
      ...options,
    });
    const named = (name) => guard.tools.find((tool) => tool.name === name);
    return { guard, named, calls, rulings };
  }
  const as = (who) => ({ configurable: { caller: who } });
  const codeOf = (text) => /\((.+)\)\.$/.exec(text)?.[1] ?? text;
  const told = async ({ named }, name, args, config) => {
    const message = await named(name).invoke({ type: "tool_call", id: "c", name, args }, config);
    assert.equal(message.tool_call_id, "c");
    return message.status === "error" ? codeOf(message.content) : message.content;
  };

  it("decides on the arguments as the tool gets them", async () => {
    const world = setUp();
    const config = as({ token: token(), audience: AUDIENCE });
    assert.equal(await told(world, "read", { id: " 1 " }, config), "text 1");
    assert.equal(await told(world, "read", { id: " 2 " }, config), "subject.no_grant");
    assert.equal(await told(world, "artifact", { id: "1" }, config), "text 1");
    assert.equal(await told(world, "artifact", { id: "2" }, config), "subject.no_grant");
    assert.equal(await told(world, "clock", {}, config), "noon");
    assert.equal(await world.named("read").invoke({ id: "1" }, config), "text 1");
    await assert.rejects(world.named("read").invoke({ id: "2" }, config), { kind: "denied", code: "subject.no_grant" });
    assert.deepEqual(world.calls, ["read 1", "artifact 1", "read 1"]);
  });

  it("runs nothing for whoever is not known, or may not", async () => {
    const world = setUp();
    const good = as({ token: token(), audience: AUDIENCE });
    const cases = [
      ["read", undefined, "guard.no_caller"],
      ["clock", undefined, "guard.no_caller"],
      ["read", as({ chain: ["user:anne", "agent:triage"] }), "guard.no_caller"],
      ...Object.values(refused).map(([make, reason]) => ["read", as({ token: make(), audience: AUDIENCE }), reason]),
      ["read", as({ token: narrow(), audience: AUDIENCE }), "scope.insufficient"],
      ["block", good, "scope.insufficient"],
      ["unruled", good, "guard.no_rule"],
      ["broken", good, "guard.error"],
    ];
    for (const [name, config, reason] of cases) assert.equal(await told(world, name, { id: "1" }, config), reason);
    const mute = setUp({
      onRuling: () => {
        throw new Error("disk full");
      },
    });
    assert.equal(await told(mute, "read", { id: "1" }, good), "guard.callback");
    assert.deepEqual([...world.calls, ...mute.calls], []);
    assert.deepEqual(
      world.guard.visible(good).map(({ name }) => name),
      ["read", "broken", "artifact", "clock"],
    );
    assert.deepEqual(world.guard.visible(undefined), []);
  });

  it("asks the snapshot that is in force, and a human where the rule says so", async () => {
    let current = policy();
    const asked = [];
    let answer = true;
    const world = setUp({ policy: () => current, rules: { read: { ...rules.read, ask: true } }, approve: (call) => asked.push(call) && answer });
    const config = as({ token: token(), audience: AUDIENCE });
    assert.equal(await told(world, "read", { id: "1" }, config), "text 1");
    answer = "yes";
    assert.equal(await told(world, "read", { id: "1" }, config), "guard.not_approved");
    assert.equal(await told(world, "read", { id: "2" }, config), "subject.no_grant");
    assert.deepEqual(asked, [
      { tool: "read", args: { id: "1" } },
      { tool: "read", args: { id: "1" } },
    ]);
    answer = true;
    current = stricter();
    assert.equal(await told(world, "read", { id: "1" }, config), "subject.no_grant");
    assert.equal(await told(setUp({ rules: { read: { ...rules.read, ask: true } } }), "read", { id: "1" }, config), "guard.not_approved");
    assert.deepEqual(world.calls, ["read 1"]);
  });

  for (const stream of [false, true]) {
    it(`guards an agent's tools, in parallel${stream ? " and streamed" : ""}, and hides what it may not call`, async () => {
      const world = setUp();
      const shown = [];
      const model = fakeModel()
        .respondWithTools([
          { name: "read", args: { id: "1" }, id: "a" },
          { name: "read", args: { id: "2" }, id: "b" },
          { name: "block", args: { id: "1" }, id: "c" },
          { name: "clock", args: {}, id: "d" },
        ])
        .respond(new AIMessage("done"));
      const spy = createMiddleware({
        name: "Spy",
        wrapModelCall: (request, handler) => (shown.push(request.tools.map(({ name }) => name)), handler(request)),
      });
      const guard = createMiddleware({ name: "Deputize", wrapModelCall: world.guard.wrapModelCall });
      const agent = createAgent({ model, tools: world.guard.tools, middleware: [guard, spy] });
      const config = as({ token: token(), audience: AUDIENCE });
      const input = { messages: [{ role: "user", content: "go on" }] };
      let messages;
      if (stream) for await (const state of await agent.stream(input, { ...config, streamMode: "values" })) messages = state.messages;
      else ({ messages } = await agent.invoke(input, config));
      const said = messages.filter(({ type }) => type === "tool").map(({ tool_call_id, content }) => `${tool_call_id} ${codeOf(content)}`);
      assert.deepEqual(said.sort(), ["a text 1", "b subject.no_grant", "c scope.insufficient", "d noon"]);
      assert.deepEqual(world.calls, ["read 1"]);
      assert.deepEqual(shown, [
        ["read", "broken", "artifact", "clock"],
        ["read", "broken", "artifact", "clock"],
      ]);
      assert.equal(messages.at(-1).content, "done");
    });
  }
});
