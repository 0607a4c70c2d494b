// Chunks before a model sees them: which may be seen, and how to find k of them.
// Nothing here knows of a framework.

import type { Caller, Policy, Reason, RetrievalCode, Tuple } from "deputize";
import { DeputizeError } from "deputize";

import { type Identity, type PolicySource, inForce } from "./identity.js";
import { idOf, unknownIn } from "./rule.js";
import { type Options, atOnce, misuse, strict } from "./strict.js";

/** What a chunk says of itself. */
export type Metadata = { readonly [key: string]: unknown };

/** What a store must find under `key`: one of `values`, or, where it keeps a list there, a list with one of them. */
export interface Match {
  readonly key: string;
  readonly values: readonly string[];
  readonly listed: boolean;
}

/**
 * A chunk that names its resource in its metadata. `{ key: "source" }` finds
 * `document:42` there; with a `type`, the key holds the rest: `{ key: "doc",
 * type: "document" }` finds `42`. `types` says of which types whole names may
 * be; a store can be searched only for types that are known.
 */
export interface Named {
  readonly key: string;
  readonly type?: string;
  readonly types?: readonly string[];
}

/**
 * A chunk that carries its own readers in its metadata. They become contextual
 * tuples about an object of `type`, named after what they say.
 */
export interface Acl {
  readonly type: string;
  /** Which key holds names for which subjects, e.g. `{ users: "user:{}", groups: "team:{}#member" }`; a subject without `{}` is for a key that holds `true` or `false`. */
  readonly grants: { readonly [key: string]: string };
  /** The relation that they have; `reader` by default. */
  readonly relation?: string;
  /** Which key holds whole objects, and by which relation they stand to the chunk, e.g. `{ document: "parent" }`. */
  readonly links?: { readonly [key: string]: string };
}

/** Whose chunks are, and what is done with them. */
export interface SieveOptions<Chunk> {
  /** The action, e.g. `can_read`. */
  readonly action: string;
  /** A chunk's resource, `type:id`: the key of its metadata where that stands, a {@link Named}, or a function. */
  readonly resource?: string | Named | ((chunk: Chunk) => string | undefined);
  /** In place of `resource`: the readers that each chunk carries. */
  readonly acl?: Acl;
}

/** Why there was no further search. */
export type Stopped = "enough" | "exhausted" | "bound" | "fixed" | "nothing_allowed";

const NAMED: Options<Named> = { key: "text", type: "text", types: "texts" };
const ACL: Options<Acl> = { type: "text", grants: "any", relation: "text", links: "any" };
/** What no part of a name may hold, and what no whole name may. */
const NO_PART = /[:#*\s\p{Cc}]/u;
const NO_WHOLE = /[#*\s\p{Cc}]/u;

type Readers = readonly (readonly [subject: string, relation: string])[];
type Found = { readonly name: string; readonly readers?: Readers } | { readonly dropped: RetrievalCode | Reason };
type Sifting = { readonly mask: boolean[]; readonly dropped: { readonly [reason: string]: number } };

/** Decides chunks by the resource that each names, or the readers that each carries. */
export class Sieve<Chunk> {
  readonly action: string;
  readonly #resource: Named | ((chunk: Chunk) => string | undefined) | undefined;
  readonly #acl: Acl | undefined;
  readonly #metadata: (chunk: Chunk) => Metadata | undefined;

  /** @throws {DeputizeError} of the kind `misuse`. */
  constructor({ action, resource, acl }: SieveOptions<Chunk>, metadata: (chunk: Chunk) => Metadata | undefined) {
    if (typeof action !== "string" || action === "") throw misuse("`action` must say what is done with a chunk", "retrieval.options");
    if ((resource === undefined) === (acl === undefined)) throw misuse("either `resource` or `acl` must say whose a chunk is", "retrieval.options");
    if (acl !== undefined) readAcl(acl);
    if (typeof resource === "object") readNamed(resource);
    if (typeof resource === "function") strict({ resource }, "a sieve", { resource: "sync" }, "retrieval.options");
    this.action = action;
    this.#resource = typeof resource === "string" ? { key: resource } : resource;
    this.#acl = acl;
    this.#metadata = metadata;
  }

  /** Refuses an action or a type that the policy at hand does not have. @throws {DeputizeError} of the kind `misuse`. */
  known(source: PolicySource): void {
    let policy: Policy;
    try {
      policy = inForce(source);
    } catch {
      return; // None is at hand yet.
    }
    const named = typeof this.#resource === "object" ? this.#resource : undefined;
    const types = this.#acl !== undefined ? [this.#acl.type] : named?.type !== undefined ? [named.type] : (named?.types ?? []);
    for (const type of types) {
      const unknown = unknownIn(policy, this.action, type);
      if (unknown !== undefined) throw misuse(unknown, "retrieval.options");
    }
  }

  /** What to search a store for; nothing where the caller may see nothing. @throws {DeputizeError} of the kind `misuse`: it cannot be said. */
  matches(caller: Caller): Match[] {
    if (this.#acl !== undefined) return aclMatches(this.#acl, caller, this.action);
    if (typeof this.#resource !== "object") throw misuse("a store cannot be searched for resources that a function names", "retrieval.options");
    const { key, type, types } = this.#resource;
    const all = type !== undefined ? [type] : (types ?? []);
    if (all.length === 0) throw misuse("`types` of the resources must be given, to search a store for them", "retrieval.options");
    const names = all.flatMap((kind) => caller.list(this.action, kind));
    const values = type === undefined ? names : names.map((name) => name.slice(type.length + 1));
    return values.length === 0 ? [] : [{ key, values, listed: false }];
  }

  /** Whether one chunk names a resource that a question allows; for stores that are given a function. */
  allows(chunk: Chunk, allowed: (name: string) => boolean): boolean {
    if (this.#acl !== undefined) throw misuse("chunks that carry their readers are decided when they are found", "retrieval.options");
    const found = this.#find(chunk);
    return "name" in found && allowed(found.name);
  }

  /** Which chunks may be seen. @throws {DeputizeError} for what is wrong with the call as a whole: then none is. */
  async sift(identity: Identity, chunks: readonly Chunk[]): Promise<Sifting> {
    const found = chunks.map((chunk) => this.#find(chunk));
    const dropped: { [reason: string]: number } = {};
    const count = (reason: string, n = 1): void => {
      dropped[reason] = (dropped[reason] ?? 0) + n;
    };
    for (const one of found) if ("dropped" in one) count(one.dropped);
    const names: (string | undefined)[] = await Promise.all(found.map((one) => ("name" in one ? (one.readers ? this.#named(one.readers) : one.name) : undefined)));
    const tuples = new Map<string, Tuple[]>();
    found.forEach((one, at) => {
      const object = names[at];
      if (object !== undefined && "readers" in one && one.readers) tuples.set(object, one.readers.map(([user, relation]) => ({ user, relation, object })));
    });
    const wanted = [...new Set(names.filter((name) => name !== undefined))];
    const verdicts = tuples.size === 0 ? filtered(identity, this.action, wanted) : withReaders(identity, this.action, tuples);
    const mask = names.map((name) => {
      if (name === undefined) return false;
      const reason = verdicts.get(name) ?? "resource.malformed";
      if (reason !== "") count(reason);
      return reason === "";
    });
    return { mask, dropped: Object.fromEntries(Object.entries(dropped).sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  #find(chunk: Chunk): Found {
    try {
      const metadata = this.#metadata(chunk) ?? {};
      if (this.#acl !== undefined) return readersOf(this.#acl, metadata);
      if (typeof this.#resource === "function") return whole(atOnce<unknown>(this.#resource(chunk), "`resource`"), undefined);
      return this.#resource === undefined ? { dropped: "resource.missing" } : nameOf(this.#resource, metadata);
    } catch {
      return { dropped: "resource.error" };
    }
  }

  /** The object that stands for chunks with these readers: what they say, hashed. */
  async #named(readers: Readers): Promise<string> {
    const said = readers.map(([user, relation]) => `${user} ${relation}`).join("\n");
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said)));
    return `${this.#acl?.type}:acl-${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
}

/** For each name the reason that drops it, or the empty text. */
function filtered(identity: Identity, action: string, names: readonly string[]): Map<string, string> {
  return identity.ask((caller) => {
    const { mask, dropped } = caller.filter(action, names);
    const [only, ...more] = Object.keys(dropped);
    const reason = (name: string): string => (more.length === 0 && only !== undefined ? only : (Object.keys(caller.filter(action, [name]).dropped)[0] ?? "internal"));
    return new Map(names.map((name, at) => [name, mask[at] === 1 ? "" : reason(name)]));
  });
}

function withReaders(identity: Identity, action: string, tuples: ReadonlyMap<string, Tuple[]>): Map<string, string> {
  const said = (error: unknown): error is DeputizeError => error instanceof DeputizeError && error.code === "request.contextual_tuple";
  try {
    return filtered(identity.beside([...tuples.values()].flat()), action, [...tuples.keys()]);
  } catch (error) {
    if (!said(error)) throw error;
  }
  // One chunk's readers cannot stand. It alone is dropped for it.
  const verdicts = new Map<string, string>();
  for (const [name, own] of tuples) {
    try {
      for (const [one, reason] of filtered(identity.beside(own), action, [name])) verdicts.set(one, reason);
    } catch (error) {
      if (!said(error)) throw error;
      verdicts.set(name, "acl.malformed");
    }
  }
  return verdicts;
}

function readNamed(named: Named): void {
  const { key, type, types } = strict<Named>(named, "`resource`", NAMED, "retrieval.options");
  if (key === undefined || (type !== undefined && types !== undefined)) {
    throw misuse("`resource` must have a `key`, and either a `type` or `types`", "retrieval.options");
  }
}

function readAcl(acl: Acl): void {
  const { type, grants, links = {} } = strict<Acl>(acl, "`acl`", ACL, "retrieval.options");
  const texts = (given: unknown): given is { [key: string]: string } =>
    typeof given === "object" && given !== null && Object.values(given).every((value) => typeof value === "string" && value !== "");
  if (type === undefined || !texts(grants) || !texts(links) || Object.keys({ ...grants, ...links }).length === 0) {
    throw misuse("`acl` must have a `type`, and `grants` or `links` that name a metadata key", "retrieval.options");
  }
  for (const [key, subject] of Object.entries(grants)) {
    if (subject.split("{}").length > 2 || !subject.includes(":")) {
      throw misuse(`the subject of \`${key}\` must be like \`user:{}\` or \`team:{}#member\``, "retrieval.options");
    }
  }
}

/** A whole name of one of these types, where they are said. */
function whole(value: unknown, types: readonly string[] | undefined): Found {
  if (value === undefined || value === null) return { dropped: "resource.missing" };
  const name = idOf(value);
  if (name === "" || NO_WHOLE.test(name)) return { dropped: "resource.malformed" };
  if (!name.includes(":") && !name.startsWith("/")) return { dropped: "resource.untyped" };
  return types !== undefined && !types.includes(name.split(":")[0] ?? "") ? { dropped: "resource.malformed" } : { name };
}

function nameOf({ key, type, types }: Named, metadata: Metadata): Found {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  if (type === undefined) return whole(value, types);
  if (value === undefined || value === null) return { dropped: "resource.missing" };
  const id = idOf(value);
  return id === "" || NO_PART.test(id) ? { dropped: "resource.malformed" } : { name: `${type}:${id}` };
}

function readersOf({ grants, relation = "reader", links = {} }: Acl, metadata: Metadata): Found {
  const pairs = new Map<string, readonly [string, string]>();
  let found = false;
  const add = (subject: string, by: string): unknown => pairs.set(`${subject} ${by}`, [subject, by]);
  const valueOf = (key: string): unknown => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    found ||= value !== undefined && value !== null;
    return value ?? undefined;
  };
  for (const [key, subject] of Object.entries(grants)) {
    const value = valueOf(key);
    if (value === undefined) continue;
    if (!subject.includes("{}")) {
      if (typeof value !== "boolean") return { dropped: "acl.malformed" };
      if (value) add(subject, relation);
      continue;
    }
    const names = namesIn(value, NO_PART);
    if (names === undefined) return { dropped: "acl.malformed" };
    for (const name of names) add(subject.split("{}").join(name), relation);
  }
  for (const [key, by] of Object.entries(links)) {
    const value = valueOf(key);
    if (value === undefined) continue;
    const names = namesIn(value, NO_WHOLE);
    if (names === undefined) return { dropped: "acl.malformed" };
    for (const name of names) add(name, by);
  }
  if (!found) return { dropped: "acl.missing" };
  return { name: "", readers: [...pairs.keys()].sort().map((key) => pairs.get(key)!) };
}

/** Names, one or a list of them; a text that looks like a list of names is none. */
function namesIn(value: unknown, refused: RegExp): string[] | undefined {
  const all = value instanceof Set ? [...value] : Array.isArray(value) ? value : [value];
  const names = all.map(idOf);
  return names.every((name) => name !== "" && !refused.test(name) && !/[[\]",]/.test(name)) ? names : undefined;
}

function aclMatches({ type, grants, links }: Acl, caller: Caller, action: string): Match[] {
  if (links !== undefined && Object.keys(links).length > 0) {
    throw misuse("with `links` a store cannot be searched for readers alone: it would find too little", "retrieval.options");
  }
  const terms = caller.terms(action, type);
  return Object.entries(grants).flatMap(([key, subject]) => {
    const [before = "", after] = subject.split("{}");
    // A flag is not a text, which is what stores are asked for here.
    if (after === undefined) throw misuse(`\`${key}\` is a flag: a store cannot be searched for it`, "retrieval.options");
    const values = terms
      .filter((term) => term.startsWith(before) && term.endsWith(after) && term.length > before.length + after.length)
      .map((term) => term.slice(before.length, term.length - after.length))
      .filter((name) => !NO_PART.test(name));
    return values.length === 0 ? [] : [{ key, values, listed: true }];
  });
}

/**
 * How many to search for, until `k` may be seen. A search gives the best n, so a
 * later one gives what an earlier one gave and more: each answer stands for
 * itself.
 */
export class TopUp {
  readonly #k: number;
  readonly #most: number;
  readonly #fixed: boolean;
  #short = false;
  #found = 0;
  searches = 0;
  stopped: Stopped | undefined;
  /** How many chunks to search for next. */
  want: number;

  constructor(k: number, most: number, { pushed = false, fixed = false } = {}) {
    this.#k = k;
    this.#most = most;
    this.#fixed = fixed;
    this.want = pushed ? k : Math.min(most, Math.max(4 * k, 20));
  }

  /** Takes note of a search that gave `found`, of which `allowed` may be seen. */
  took(found: number, allowed: number): void {
    const grew = found > this.#found;
    this.searches++;
    this.#found = found;
    const short = found < this.want;
    if (allowed >= this.#k) this.stopped = "enough";
    else if (this.#fixed) this.stopped = "fixed";
    // A store may leave some out and still hold more: one that gave too few is asked once more.
    else if (found === 0 || (short && this.#short && !grew)) this.stopped = "exhausted";
    else if (this.want >= this.#most) this.stopped = short ? "exhausted" : "bound";
    this.#short = short;
    const share = allowed === 0 ? 4 : Math.min(16, (this.#k / allowed) * 1.25);
    this.want = Math.min(this.#most, Math.max(2 * this.want, Math.floor(found * share)));
  }
}
