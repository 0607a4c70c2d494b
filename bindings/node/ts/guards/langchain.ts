// LangChain (`@langchain/core` 1): what a retriever finds, cut down to what the
// caller may see, and tools that are decided on when they are about to run.

import type { CallbackManagerForRetrieverRun, Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { ToolMessage } from "@langchain/core/messages/tool";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { type RunnableConfig, ensureConfig } from "@langchain/core/runnables";
import type { Caller } from "deputize";

import { Identity, type PolicySource, type Who, isCaller, misuse, refusal } from "./identity.js";
import { type Guarding, Judge, type Rules, type Ruling, denied, told } from "./rule.js";

export { type Credential, Identity, type PolicySource, type Who } from "./identity.js";
export type { Guarding, Need, Rule, Rules, Ruling } from "./rule.js";

/** What a run is configured with, as much as says who asks. */
export type Config = Pick<RunnableConfig, "configurable"> & { readonly context?: unknown };

/** Who asks, in LangChain's runs. */
export interface Asked {
  /** The policy in force. */
  readonly policy: PolicySource;
  /**
   * Who asks: the same in all runs, or found in a run's config. Without it,
   * `configurable.deputize` says it: an `Identity`, a `Caller` or a
   * `{ token }`. Nothing else is taken from there, since a server's clients may
   * write into `configurable`.
   */
  readonly who?: Who | ((config: Config) => Who | undefined);
  /** Whom the tokens in `configurable` must name as their audience. */
  readonly audience?: string;
}

/** Who asks in a run. @throws {DeputizeError} `guard.no_caller`: nothing says so. */
function finder({ policy, who, audience }: Asked): (config: Config | undefined) => Identity {
  if (policy === undefined || policy === null) throw misuse("a guard needs a `policy`");
  if (typeof who === "function") return (config) => Identity.of(policy, config && who(config));
  if (who !== undefined) {
    let known: Identity | undefined;
    return () => (known ??= Identity.of(policy, who));
  }
  return (config) => {
    const said: unknown = config?.configurable?.["deputize"];
    if (typeof said !== "object" || said === null) throw refusal("guard.no_caller", "`configurable.deputize` says nothing of who asks");
    if (said instanceof Identity) return said;
    if (isCaller(said)) return Identity.of(policy, said);
    if (!("token" in said) || typeof said.token !== "string")
      throw refusal("guard.no_caller", "`configurable.deputize` must be an `Identity`, a `Caller` or a `{ token }`");
    return Identity.of(policy, { token: said.token, ...(audience !== undefined && { audience }) });
  };
}

/** Which documents a caller may see. */
export interface Sight extends Asked {
  /** The action, e.g. `can_read`. */
  readonly action: string;
  /** A document's resource, `type:id`: the key of its metadata where that stands, or a function. A document that names none is dropped. */
  readonly resource: string | ((document: DocumentInterface) => string | undefined);
}

/** What came of a search. */
export interface Sifted {
  /** How many documents were given out. */
  readonly allowed: number;
  /** How many documents the last search gave. */
  readonly fetched: number;
  /** How often the store was searched. */
  readonly searches: number;
  /** How many of the last search's were dropped, by their reasons. */
  readonly dropped: { readonly [reason: string]: number };
}

/** The resources of documents; the empty text, which is none, where one cannot be had. */
function resourcesOf(documents: readonly DocumentInterface[], resource: Sight["resource"]): string[] {
  return documents.map((document) => {
    try {
      const said: unknown = typeof resource === "function" ? resource(document) : document.metadata?.[resource];
      return typeof said === "string" ? said : "";
    } catch {
      return "";
    }
  });
}

/** The documents that a caller may see, in the order that they came in, and why others are dropped. */
function sift<D extends DocumentInterface>(
  identity: Identity,
  documents: readonly D[],
  { action, resource }: Sight,
): { kept: D[]; dropped: { readonly [reason: string]: number } } {
  const { mask, dropped } = identity.ask((caller) => caller.filter(action, resourcesOf(documents, resource)));
  return { kept: documents.filter((_, place) => mask[place] === 1), dropped };
}

/** As much of a vector store as is needed. */
export interface SearchStore<Filter> {
  similaritySearch(query: string, k?: number, filter?: Filter, callbacks?: Callbacks): Promise<DocumentInterface[]>;
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
      /** With more names than this, the store is searched without; 10,000 by default. */
      readonly most?: number;
    };

export interface RetrieverOptions<Filter> extends BaseRetrieverInput, Sight {
  /** What is searched. */
  readonly store: SearchStore<Filter>;
  /** How many documents are wanted; 4 by default. */
  readonly k?: number;
  /** The most documents that one search may ask the store for; 4,096 by default. */
  readonly most?: number;
  /** A filter of the host's own, which goes to the store; with `ids` and `terms` it is theirs to bring in. */
  readonly filter?: Filter;
  /** What the store is searched with beside. */
  readonly pushDown?: PushDown<Filter>;
  /** Sees what came of each search. */
  readonly onSifted?: (sifted: Sifted) => void;
}

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
  /** Who asks, in one run. */
  #identity: Identity | undefined;

  /** @throws {DeputizeError} of the kind `misuse`. */
  constructor(options: RetrieverOptions<Filter>) {
    super(tracing(options));
    const { store, k = 4, most = 4096 } = options;
    if (!(Number.isInteger(k) && k > 0 && Number.isInteger(most) && most >= k)) throw misuse("`k` must be a number from 1, and `most` one from `k`");
    if (typeof store?.similaritySearch !== "function") throw misuse("a retriever needs a `store`");
    this.#options = options;
    this.#find = finder(options);
  }

  override async invoke(query: string, config?: RunnableConfig): Promise<DocumentInterface[]> {
    // The base class hands no config on, and runs go on side by side: each has a retriever of its own.
    const run = new AuthorizedRetriever({ ...this.#options, ...tracing(this) });
    run.#identity = this.#find(ensureConfig(config));
    return super.invoke.call(run, query, config);
  }

  override async _getRelevantDocuments(query: string, runManager?: CallbackManagerForRetrieverRun): Promise<DocumentInterface[]> {
    const { store, k = 4, most = 4096, onSifted } = this.#options;
    const identity = this.#identity ?? this.#find(undefined);
    const filter = identity.ask((caller) => this.#filter(identity, caller));
    if (filter === NOTHING) {
      onSifted?.({ allowed: 0, fetched: 0, searches: 0, dropped: {} });
      return [];
    }
    let wanted = filter === this.#options.filter ? Math.min(4 * k, most) : k;
    for (let searches = 1; ; searches++) {
      const found = await store.similaritySearch(query, wanted, filter, runManager?.getChild());
      const { kept, dropped } = sift(identity, found, this.#options);
      if (kept.length >= k || found.length < wanted || wanted >= most) {
        const documents = kept.slice(0, k);
        onSifted?.({ allowed: documents.length, fetched: found.length, searches, dropped });
        return documents;
      }
      // As many as the share that was allowed makes likely, and half as many again; at least twice as many.
      const likely = kept.length === 0 ? 4 * wanted : Math.ceil((1.5 * wanted * k) / kept.length);
      wanted = Math.min(most, Math.max(2 * wanted, likely));
    }
  }

  #filter(identity: Identity, caller: Caller): Filter | undefined | typeof NOTHING {
    const { pushDown, filter, action, resource } = this.#options;
    if (pushDown === undefined) return filter;
    if (pushDown === "function") {
      const own = filter as unknown as ((document: DocumentInterface) => boolean) | undefined;
      const known = new Map<string, boolean>();
      const allowed = (name: string): boolean => {
        const answer = known.get(name) ?? identity.ask((caller) => caller.can(action, name));
        known.set(name, answer);
        return answer;
      };
      return ((document: DocumentInterface) =>
        (own === undefined || own(document)) && resourcesOf([document], resource).every(allowed)) as unknown as Filter;
    }
    const { by, type, most = 10_000 } = pushDown;
    const names = by === "ids" ? caller.list(action, type) : caller.terms(action, type);
    if (names.length === 0) return NOTHING;
    return names.length > most ? filter : pushDown.filter(names);
  }
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
  readonly #sight: Sight & { readonly onSifted?: (sifted: Sifted) => void };
  readonly #find: (config: Config | undefined) => Identity;

  /**
   * @param sight LangChain hands compressors no config: `who` must say who asks, be it by a function.
   * @throws {DeputizeError} of the kind `misuse`.
   */
  constructor(sight: Sight & { readonly who: NonNullable<Sight["who"]>; readonly onSifted?: (sifted: Sifted) => void }) {
    super();
    if (sight.who === undefined || sight.who === null) throw misuse("a compressor needs to be told `who` asks");
    this.#sight = sight;
    this.#find = finder(sight);
  }

  async compressDocuments(documents: DocumentInterface[]): Promise<DocumentInterface[]> {
    const { kept, dropped } = sift(this.#find({}), documents, this.#sight);
    this.#sight.onSifted?.({ allowed: kept.length, fetched: documents.length, searches: 0, dropped });
    return kept;
  }
}

export interface ToolGuarding extends Guarding, Asked {
  /** What each tool needs. */
  readonly rules: Rules;
  /** Asks a human about a call that its rule wants asked about, e.g. by LangGraph's `interrupt`; without it, none is approved. */
  readonly approve?: (call: { readonly tool: string; readonly args: unknown }, config: Config) => boolean | Promise<boolean>;
}

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
  const visible = (names: readonly unknown[], config: Config | undefined): unknown[] =>
    names.filter((tool) => {
      const name: unknown = (tool as { name?: unknown } | null)?.name;
      return typeof name === "string" && judge.shows(name, config);
    });
  return {
    tools: wrapped,
    visible: (config) => visible(wrapped, config) as Tool[],
    wrapModelCall: (request, handler) => handler({ ...request, tools: visible(request.tools, request.runtime as Config | undefined) }),
  };
}

const refused = (ruling: Ruling, tool_call_id: string): ToolMessage =>
  new ToolMessage({ content: told(ruling), tool_call_id, name: ruling.tool, status: "error", additional_kwargs: { "deputize/code": ruling.code } });
