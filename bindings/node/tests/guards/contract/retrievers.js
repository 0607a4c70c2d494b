// Each retriever with its framework, as the cases ask it: over the framework's
// own store.

import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { Document } from "@langchain/core/documents";
import { AuthorizedCompressor, AuthorizedRetriever, Identity } from "deputize/langchain";

import { AUDIENCE, Scene, functionOf, read } from "./world.js";

export const FILE = read("retrieval");

/** One case's chunks, and what it says of whoever looks for them. */
export class Shelf extends Scene {
  counts = [];

  constructor(test) {
    super(FILE, test);
    const { chunks = [] } = test;
    const all = Array.isArray(chunks) ? chunks : Array.from({ length: chunks.documents }, (_, place) => ({ source: `document:${place}` }));
    this.chunks = all.map(({ "#": name, ...metadata }, place) => {
      // A chunk that comes twice is the same in all.
      const first = name === undefined ? place : all.findIndex((one) => one["#"] === name);
      return new Document({ pageContent: `chunk ${first}`, id: `id of ${first}`, metadata });
    });
  }

  /** What a retriever is set up with, but for what it searches. */
  options() {
    const { action = "can_read", acl, resource = "source", option } = this.test;
    const said = typeof resource === "object" && resource !== null && !("key" in resource) ? functionOf(resource) : resource;
    return {
      action,
      policy: () => this.policy(),
      audience: AUDIENCE,
      ...(acl !== undefined && { acl }),
      ...(("resource" in this.test || acl === undefined) && said !== null && { resource: said }),
      onSifted: (counts) => this.#sink(counts),
      ...(option !== undefined && { [option]: "source" }),
    };
  }

  #sink(counts) {
    if (this.test.sink === "throws") throw new Error("the disk is full");
    if (this.test.sink === "false") return false;
    this.counts.push(counts);
  }

  /** Who asks, as a run's `configurable` takes it. */
  asks() {
    const who = this.identity();
    return who?.chain === undefined ? who : Identity.of(() => this.policy(), who);
  }

  found(documents, watched = "") {
    const { dropped, stopped } = this.counts.at(-1);
    return { given: documents.map(({ pageContent }) => Number(pageContent.split(" ")[1])), dropped, stopped, watched };
  }
}

/** The nearest to any query is the chunk 0, then 1, and so on. */
const place = (text) => Number(/\d+$/.exec(text)?.[0] ?? 0);
const vector = (text) => [Math.cos((place(text) / 4000) * Math.PI), Math.sin((place(text) / 4000) * Math.PI)];
const embeddings = { embedQuery: async (text) => vector(text), embedDocuments: async (texts) => texts.map(vector) };

/** LangChain's own store, at one of whose searches something happens. */
class Store extends MemoryVectorStore {
  searches = 0;

  constructor(shelf) {
    super(embeddings);
    this.shelf = shelf;
  }

  async similaritySearch(...given) {
    const { fails, at, policy, until } = this.shelf.test.store ?? {};
    this.searches++;
    if (fails === this.searches) throw new Error("the store is gone");
    const found = await super.similaritySearch(...given);
    if (at === this.searches) {
      if (policy !== undefined) this.shelf.inForce = policy;
      else await this.shelf.until(until);
    }
    return found;
  }
}

/** Keeps whatever any callback is told. */
function watching() {
  const told = [];
  const watcher = BaseCallbackHandler.fromMethods({});
  const names = new Set(["handleRetrieverStart", "handleRetrieverEnd", "handleRetrieverError", "handleChainStart", "handleChainEnd", "handleText", "handleCustomEvent"]);
  for (const name of names) watcher[name] = (...given) => void told.push(JSON.stringify(given));
  return { watcher, told };
}

export const RETRIEVERS = {
  langchain: (shelf) => {
    const { k = 10, most } = shelf.test;
    const store = new Store(shelf);
    const retriever = new AuthorizedRetriever({ ...shelf.options(), store, k, ...(most !== undefined && { most }) });
    return async () => {
      await store.addDocuments(shelf.chunks);
      const { watcher, told } = watching();
      const documents = await retriever.invoke("q", { configurable: { caller: shelf.asks() }, callbacks: [watcher] });
      return shelf.found(documents, told.join(" "));
    };
  },
  "langchain's compressor": (shelf) => {
    const { audience: _, ...options } = shelf.options();
    const compressor = new AuthorizedCompressor({ ...options, who: () => shelf.identity() });
    return async () => shelf.found(await compressor.compressDocuments(shelf.chunks));
  },
};
