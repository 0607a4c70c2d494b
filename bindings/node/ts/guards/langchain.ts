// LangChain (`@langchain/core` 1): what a retriever finds, cut down to what the
// caller may see, and tools that are decided on when they are about to run.

import type { CallbackManagerForRetrieverRun, Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { ToolMessage } from "@langchain/core/messages/tool";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { type RunnableConfig, ensureConfig } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import type { Caller } from "deputize";

import { type Audience, Identity, type PolicySource, type Who, audienceOf, isCaller, policySource } from "./identity.js";
import { type Match, Sieve, type SieveOptions, type Stopped, TopUp } from "./retrieval.js";
import { GUARDING, type Guarding, Judge, type Rules, type Ruling, denied, told } from "./rule.js";
import { type Options, atOnce, misuse, refusal, strict, within } from "./strict.js";

export { ANY, type Audience, type Credential, Identity, type PolicySource, type Who } from "./identity.js";
export type { Acl, Match, Named, Stopped } from "./retrieval.js";
export type { Guarding, Need, Rule, Rules, Ruling } from "./rule.js";

/** What a run is configured with, as much as says who asks. */
export type Config = Pick<RunnableConfig, "configurable"> & { readonly context?: unknown };

/** Who asks, in LangChain's runs. */
export interface Asked {
  /** The policy in force. */
  readonly policy: PolicySource;
  /**
   * Who asks: the same in all runs, or found in a run's config. Without it,
   * `configurable.caller` says it: an `Identity`, a `Caller` or a
   * `{ token }`. Nothing else is taken from there, since a server's clients may
   * write into `configurable`.
   */
  readonly who?: Who | ((config: Config) => Who | undefined);
  /** Whom the tokens in `configurable` must name as their audience: without it, none is accepted. */
  readonly audience?: Audience;
}

const ASKED: Options<Asked> = { policy: "any", who: "any", audience: "any" };

/** Who asks in a run. @throws {DeputizeError} `guard.no_caller`: nothing says so. */
function finder(options: Asked): (config: Config | undefined) => Identity {
  const { policy, who, audience } = options;
  policySource(policy);
  // One that is given as nothing is an environment variable that is not set.
  if ("audience" in options) audienceOf(audience);
  if (typeof who === "function") return (config) => Identity.of(policy, config && atOnce(who(config), "`who`"));
  if (who !== undefined) {
    const known = Identity.of(policy, who);
    return () => known;
  }
  return (config) => {
    const said: unknown = config?.configurable?.["caller"];
    if (typeof said !== "object" || said === null) throw refusal("guard.no_caller", "`configurable.caller` says nothing of who asks");
    if (said instanceof Identity || isCaller(said)) return Identity.of(policy, said as Who);
    if (!("token" in said) || typeof said.token !== "string")
      throw refusal("guard.no_caller", "`configurable.caller` must be an `Identity`, a `Caller` or a `{ token }`");
    return Identity.of(policy, { token: said.token, audience: audienceOf(audience) });
  };
}

/** Which documents a caller may see. A document that names no resource is dropped. */
export interface Sight extends Asked, SieveOptions<DocumentInterface> {}

const SIGHT: Options<Sight> = { ...ASKED, action: "text", resource: "any", acl: "any" };

function sieveOf(sight: Sight): Sieve<DocumentInterface> {
  const sieve = new Sieve<DocumentInterface>(sight, (document) => document.metadata);
  policySource(sight.policy);
  sieve.known(sight.policy);
  return sieve;
}

/** What came of a search. */
export interface Sifted {
  /** How many documents were given out. */
  readonly allowed: number;
  /** How many documents were asked for; all of them, by a compressor. */
  readonly asked: number;
  /** How many documents the last search gave. */
  readonly fetched: number;
  /** How often the store was searched. */
  readonly searches: number;
  /** How many of the last search's were dropped, by their reasons. */
  readonly dropped: { readonly [reason: string]: number };
  /** Why there was no further search. */
  readonly stopped: Stopped;
}

/** Sees what came of each search. It is waited for, for ten seconds at most; where it fails, so does the search. */
type OnSifted = (sifted: Sifted) => unknown;

async function tell(onSifted: OnSifted | undefined, sifted: Sifted): Promise<void> {
  try {
    const said = await within(onSifted?.(sifted), 10, () => new Error("`onSifted` did not end in time"));
    if (said !== false) return;
  } catch (error) {
    throw refusal("guard.callback", "`onSifted` failed", error);
  }
  throw refusal("guard.callback", "`onSifted` gave `false`");
}

/** As much of a vector store as is needed. */
export interface SearchStore<Filter> {
  similaritySearch(query: string, k?: number, filter?: Filter, callbacks?: Callbacks): Promise<DocumentInterface[]>;
  maxMarginalRelevanceSearch?(
    query: string,
    options: { k: number; fetchK?: number; lambda?: number; filter?: Filter },
    callbacks: Callbacks | undefined,
  ): Promise<DocumentInterface[]>;
}

/** As much of a retriever as is needed: what it finds by itself, without whoever watches its runs. */
export interface InnerRetriever {
  _getRelevantDocuments(query: string): Promise<DocumentInterface[]>;
}

/**
 * What the store is searched with, so that it looks only at what the caller
 * may see. It may let through too much: what comes back is looked at in any
 * case.
 *
 * - `function`: the store takes a function of a document as its filter, as `MemoryVectorStore` does.
 * - `ids`: a filter of the resources of a `type` that the caller may see.
 * - `terms`: a filter of the names under which the subject may stand in an access list that is stored with each document.
 */
export type PushDown<Filter> =
  | "function"
  | {
      readonly by: "ids" | "terms";
      readonly type: string;
      /** Never called with none: where there is nothing to search for, the store is not asked. */
      readonly filter: (names: readonly string[]) => Filter;
      /** With more names than this, the store is searched without; 1,000 by default. */
      readonly most?: number;
    }
  | {
      /** A filter of the keys of metadata, and the values under which documents stand that the caller may see: of a `Named` or an `Acl`. */
      readonly by: "matches";
      readonly filter: (matches: readonly Match[]) => Filter;
      readonly most?: number;
    };

export interface RetrieverOptions<Filter> extends BaseRetrieverInput, Sight {
  /** What is searched. */
  readonly store?: SearchStore<Filter>;
  /**
   * In place of a `store`: a retriever whose documents are cut down, such as
   * one of words or an ensemble. It is asked once, for as many as it gives. No
   * callback of the run sees what it finds; retrievers within it that are
   * traced by the environment (`LANGSMITH_TRACING`) are not kept from that.
   */
  readonly retriever?: InnerRetriever;
  /** `mmr`: the store looks for variety as well. */
  readonly searchType?: "similarity" | "mmr";
  /** What `mmr` is told: of how many candidates it chooses, and how much it cares for likeness, 0 to 1. */
  readonly mmr?: { readonly fetchK?: number; readonly lambda?: number };
  /** How many documents are wanted; 4 by default. */
  readonly k?: number;
  /** The most documents that one search may ask the store for; 10,000 by default. */
  readonly most?: number;
  /** A filter of the host's own, which goes to the store; with `ids` and `terms` it is theirs to bring in. */
  readonly filter?: Filter;
  /** What the store is searched with beside. */
  readonly pushDown?: PushDown<Filter>;
  /** Sees what came of each search. */
  readonly onSifted?: OnSifted;
}

const RETRIEVER: Options<RetrieverOptions<unknown>> = {
  ...SIGHT,
  ...{ store: "any", retriever: "any", k: "any", most: "any", filter: "any", pushDown: "any", onSifted: "function", searchType: "any", mmr: "any" },
  ...{ callbacks: "any", tags: "any", metadata: "any", verbose: "any" },
};

const NOTHING = Symbol("nothing to search for");

/**
 * A retriever that gives out what the caller may see: `k` documents wherever
 * the store has them within `most`, best first. Where fewer are allowed, more
 * are fetched. Whoever is not known gets an error, never documents.
 */
export class AuthorizedRetriever<Filter = unknown> extends BaseRetriever {
  static override lc_name(): string {
    return "AuthorizedRetriever";
  }

  readonly lc_namespace = ["deputize", "langchain"];
  readonly #options: RetrieverOptions<Filter>;
  readonly #find: (config: Config | undefined) => Identity;
  readonly #sieve: Sieve<DocumentInterface>;
  /** Who asks, in one run. */
  #identity: Identity | undefined;

  /** @throws {DeputizeError} of the kind `misuse`. */
  constructor(options: RetrieverOptions<Filter>) {
    strict<RetrieverOptions<unknown>>(options as RetrieverOptions<unknown>, "a retriever", RETRIEVER, "retrieval.options");
    super(tracing(options));
    readSearch(options as RetrieverOptions<unknown>);
    this.#options = options;
    this.#find = finder(options);
    this.#sieve = sieveOf(options);
  }

  override async invoke(query: string, config?: RunnableConfig): Promise<DocumentInterface[]> {
    // The base class hands no config on, and runs go on side by side: each has a retriever of its own.
    const run = new AuthorizedRetriever({ ...this.#options, ...tracing(this) });
    run.#identity = this.#find(ensureConfig(config));
    return super.invoke.call(run, query, config);
  }

  override async _getRelevantDocuments(query: string, _runManager?: CallbackManagerForRetrieverRun): Promise<DocumentInterface[]> {
    const { k = 4, most = 10_000, onSifted, filter: own, retriever } = this.#options;
    const identity = this.#identity ?? this.#find(undefined);
    const filter = identity.ask((caller) => this.#filter(identity, caller));
    if (filter === NOTHING) {
      await tell(onSifted, { allowed: 0, asked: k, fetched: 0, searches: 0, dropped: {}, stopped: "nothing_allowed" });
      return [];
    }
    const search = new TopUp(k, most, { pushed: filter !== own, fixed: retriever !== undefined });
    for (;;) {
      const found = await this.#search(query, search.want, filter);
      const { kept, dropped } = await distinct(this.#sieve, identity, found);
      search.took(found.length, kept.length);
      if (search.stopped === undefined) continue;
      const documents = kept.slice(0, k);
      const { searches, stopped } = search;
      await tell(onSifted, { allowed: documents.length, asked: k, fetched: found.length, searches, dropped, stopped });
      return documents;
    }
  }

  /** What is found is not decided yet: no callback of the run is handed on. */
  async #search(query: string, wanted: number, filter: Filter | undefined): Promise<DocumentInterface[]> {
    const { store, retriever, searchType, mmr = {} } = this.#options;
    // The run's config would reach what runs within by itself as well.
    return await AsyncLocalStorageProviderSingleton.runWithConfig(
      {},
      async () => {
        if (retriever !== undefined) return await retriever._getRelevantDocuments(query);
        if (searchType !== "mmr") return await store!.similaritySearch(query, wanted, filter);
        const options = { ...mmr, k: wanted, fetchK: Math.max(mmr.fetchK ?? 20, 2 * wanted), ...(filter !== undefined && { filter }) };
        return await store!.maxMarginalRelevanceSearch!(query, options, undefined);
      },
      true,
    );
  }

  #filter(identity: Identity, caller: Caller): Filter | undefined | typeof NOTHING {
    const { pushDown, filter, action } = this.#options;
    if (pushDown === undefined) return filter;
    if (pushDown === "function") {
      const own = filter as unknown as ((document: DocumentInterface) => boolean) | undefined;
      const known = new Map<string, boolean>();
      const allowed = (name: string): boolean => {
        const answer = known.get(name) ?? identity.ask((caller) => caller.can(action, name));
        known.set(name, answer);
        return answer;
      };
      return ((document: DocumentInterface) => (own === undefined || own(document)) && this.#sieve.allows(document, allowed)) as unknown as Filter;
    }
    const { most = 1_000 } = pushDown;
    if (pushDown.by === "matches") {
      const matches = this.#sieve.matches(caller);
      if (matches.length === 0) return NOTHING;
      return matches.reduce((sum, { values }) => sum + values.length, 0) > most ? filter : pushDown.filter(matches);
    }
    const names = pushDown.by === "ids" ? caller.list(action, pushDown.type) : caller.terms(action, pushDown.type);
    if (names.length === 0) return NOTHING;
    return names.length > most ? filter : pushDown.filter(names);
  }
}

/** Reads what is searched, and how. @throws {DeputizeError} of the kind `misuse`. */
function readSearch({ store, retriever, k = 4, most = 10_000, searchType = "similarity", mmr, pushDown, filter, acl }: RetrieverOptions<unknown>): void {
  const wrong = (message: string) => misuse(message, "retrieval.options");
  if (!(Number.isInteger(k) && k > 0 && Number.isInteger(most) && most >= k)) throw wrong("`k` must be a number from 1, and `most` one from `k`");
  if ((store === undefined) === (retriever === undefined)) throw wrong("a retriever needs a `store`, or another `retriever`");
  if (retriever !== undefined && typeof retriever?._getRelevantDocuments !== "function") throw wrong("`retriever` is none that can be asked by itself");
  if (store !== undefined && typeof store?.similaritySearch !== "function") throw wrong("a retriever needs a `store` that can be searched");
  if (searchType !== "similarity" && searchType !== "mmr") throw wrong("`searchType` must be `similarity` or `mmr`");
  if (searchType === "mmr" && typeof store?.maxMarginalRelevanceSearch !== "function") throw wrong("this `store` does not know of `mmr`");
  if (mmr !== undefined) strict(mmr, "`mmr`", { fetchK: "any", lambda: "any" }, "retrieval.options");
  if (retriever !== undefined && (pushDown !== undefined || filter !== undefined)) throw wrong("only a `store` can be searched with a filter");
  if (pushDown === "function" && acl !== undefined) throw wrong("chunks that carry their readers are not decided by a function in the store");
  if (pushDown === undefined || pushDown === "function") return;
  const read = strict(pushDown as { by: string; type?: string; filter: unknown; most?: number }, "`pushDown`", { by: "text", type: "text", filter: "sync", most: "any" }, "retrieval.options");
  const typed = read.by === "ids" || read.by === "terms";
  if (!(typed || read.by === "matches") || typed !== (read.type !== undefined) || read.filter === undefined) {
    throw wrong("`pushDown` must be `function`, or have `by`, a `type` where that is `ids` or `terms`, and a `filter`");
  }
}

/** The documents that a caller may see, each once, in the order that they came in, and why others are dropped. */
async function distinct<D extends DocumentInterface>(
  sieve: Sieve<DocumentInterface>,
  identity: Identity,
  documents: readonly D[],
): Promise<{ kept: D[]; dropped: { readonly [reason: string]: number } }> {
  const { mask, dropped } = await sieve.sift(identity, documents);
  const seen = new Set<string>();
  let twice = 0;
  // Only among the allowed: what is dropped must not stand for what is not. Two stores may call two documents the same.
  const kept = documents.filter((document, at) => {
    if (mask[at] !== true) return false;
    if (document.id === undefined || document.id === null) return true;
    const name = JSON.stringify([document.id, document.pageContent]);
    const first = !seen.has(name);
    if (!first) twice++;
    seen.add(name);
    return first;
  });
  return { kept, dropped: twice === 0 ? dropped : { ...dropped, duplicate: twice } };
}

/** What LangChain's own tracing is set up with. */
const tracing = ({ callbacks, tags, metadata, verbose }: BaseRetrieverInput): BaseRetrieverInput => ({
  ...(callbacks !== undefined && { callbacks }),
  ...(tags !== undefined && { tags }),
  ...(metadata !== undefined && { metadata }),
  ...(verbose !== undefined && { verbose }),
});

/** Cuts documents that something else has found down to what the caller may see: in their order, each as it is. */
export class AuthorizedCompressor extends BaseDocumentCompressor {
  readonly #onSifted: OnSifted | undefined;
  readonly #find: (config: Config | undefined) => Identity;
  readonly #sieve: Sieve<DocumentInterface>;

  /**
   * @param sight LangChain hands compressors no config: `who` must say who asks, be it by a function.
   * @throws {DeputizeError} of the kind `misuse`.
   */
  constructor(sight: Sight & { readonly who: NonNullable<Sight["who"]>; readonly onSifted?: OnSifted }) {
    super();
    strict(sight, "a compressor", { ...SIGHT, onSifted: "function" }, "retrieval.options");
    if (sight.who === undefined || sight.who === null) throw misuse("a compressor needs to be told `who` asks", "retrieval.options");
    this.#onSifted = sight.onSifted;
    this.#find = finder(sight);
    this.#sieve = sieveOf(sight);
  }

  async compressDocuments(documents: DocumentInterface[]): Promise<DocumentInterface[]> {
    const { kept, dropped } = await distinct(this.#sieve, this.#find({}), documents);
    const { length } = documents;
    await tell(this.#onSifted, { allowed: kept.length, asked: length, fetched: length, searches: 0, dropped, stopped: "fixed" });
    return kept;
  }
}

export interface ToolGuarding extends Guarding, Asked {
  /** What each tool needs. */
  readonly rules: Rules;
  /** Asks a human about a call that its rule wants asked about, e.g. by LangGraph's `interrupt`; without it, none is approved. */
  readonly approve?: (call: { readonly tool: string; readonly args: unknown }, config: Config) => boolean | Promise<boolean>;
}

const GUARDING_TOOLS: Options<ToolGuarding> = { ...GUARDING, ...ASKED, rules: "any", approve: "function" };

/** As much of a tool as is needed. */
interface AnyTool {
  readonly name: string;
  readonly responseFormat?: string;
  invoke(...given: never[]): unknown;
}

export interface Guarded<Tool> {
  /** The tools, decided on when they are about to run, with the arguments as they get them. */
  readonly tools: Tool[];
  /** The tools that a run's caller may call, as things stand. */
  visible(config?: Config): Tool[];
  /** For `createMiddleware`: the model is shown only what the run's caller may call. */
  readonly wrapModelCall: <Request extends { readonly tools: readonly unknown[]; readonly runtime?: unknown }, Answer>(
    request: Request,
    handler: (request: Request) => Answer,
  ) => Answer;
}

type Call = (args: unknown, runManager: unknown, config: (Config & { readonly toolCall?: { readonly id?: string } }) | undefined) => Promise<unknown>;

/**
 * Guards tools. A refusal is the answer to a model's call, with the status
 * `error`; whoever calls a tool directly gets it thrown.
 *
 * @throws {DeputizeError} of the kind `misuse`.
 */
export function guardTools<Tool extends AnyTool>(tools: readonly Tool[], options: ToolGuarding): Guarded<Tool> {
  strict<ToolGuarding>(options, "a guard of tools", GUARDING_TOOLS);
  const { approve } = options;
  const find = finder(options);
  const judge = new Judge<Config | undefined>(options, find, options.rules);
  const wrapped = tools.map((tool) => {
    const { _call: original } = tool as unknown as { _call?: Call };
    if (typeof original !== "function") throw misuse(`\`${tool.name}\` is no tool that can be guarded`);
    const guarded: Call = async (args, runManager, config) => {
      let ruling = judge.look(tool.name, args, config);
      if (ruling.outcome === "ask" && (await approve?.({ tool: tool.name, args }, config ?? {})) === true)
        ruling = judge.look(tool.name, args, config, true);
      ruling = judge.seen(ruling);
      if (ruling.outcome === "allow") return original.call(tool, args, runManager, config);
      const id = config?.toolCall?.id;
      if (id === undefined) throw denied(ruling);
      const answer = refused(ruling, id);
      return tool.responseFormat === "content_and_artifact" ? [answer, undefined] : answer;
    };
    // The tool as it is, but for what it does.
    return Object.create(tool, { _call: { value: guarded } }) as Tool;
  });
  const visible = (tools: readonly unknown[], config: Config | undefined): unknown[] => {
    const nameOf = (tool: unknown): string => String((tool as { name?: unknown } | null)?.name);
    const may = new Set(judge.shown(tools.map(nameOf), () => config));
    return tools.filter((tool) => may.has(nameOf(tool)));
  };
  return {
    tools: wrapped,
    visible: (config) => visible(wrapped, config) as Tool[],
    wrapModelCall: (request, handler) => handler({ ...request, tools: visible(request.tools, request.runtime as Config | undefined) }),
  };
}

const refused = (ruling: Ruling, tool_call_id: string): ToolMessage =>
  new ToolMessage({ content: told(ruling), tool_call_id, name: ruling.tool, status: "error", additional_kwargs: { "deputize/code": ruling.code } });
