// A policy that is kept fresh from where its snapshot lies. All times here are
// in seconds.

import { DeputizeError, Policy, type SourceCode } from "deputize";

import { type Options, adrift, misuse, number, strict, within } from "./guards/strict.js";

/** What an origin has given. */
export interface Content {
  /** The snapshot, as JSON in UTF-8 or compiled. */
  readonly bytes: Uint8Array;
  /** What the origin calls this version of it. */
  readonly version?: string | undefined;
  /** What the origin says about it, for checks: `sha256` and `signature`. */
  about(name: "sha256" | "signature"): string | undefined | Promise<string | undefined>;
}

/** Where snapshots come from. */
export interface Origin {
  /** The place, for messages. */
  readonly name: string;
  /**
   * Reads what is there now; `undefined` where that is still the known version.
   * Whatever is thrown is a failed refresh.
   */
  read(known: string | undefined, signal: AbortSignal): Promise<Content | undefined>;
  /** Calls when there may be something new, until the function that it gives is called. */
  watch?(changed: () => void): () => void;
}

/** Whether content is to be trusted: throws or rejects where it is not. What it gives is waited for, and anything but `undefined` or `true` is a no. */
export type Check = (content: Content) => void | undefined | boolean | Promise<void | undefined | boolean>;

export interface SourceOptions {
  /** Seconds between two refreshes, give or take a tenth; 30 by default. 0: only when the origin notices a change, or when asked. */
  readonly refresh?: number;
  /**
   * Seconds after which a policy that its origin has not confirmed is no longer
   * given out; 300 by default, by whichever clock says more.
   */
  readonly maxAge?: number;
  /** Seconds that a refresh may take in all: reading, checking and compiling; 30 by default. */
  readonly timeout?: number;
  /** What must hold of the bytes before anything reads them. */
  readonly check?: Check | readonly Check[];
}

const OPTIONS: Options<SourceOptions> = { refresh: "any", maxAge: "any", timeout: "any", check: "any" };

/** What happens to a source. */
export interface SourceEvents {
  /** Another policy has taken the place of the one before it, at once and as a whole. */
  changed: { readonly policy: Policy; readonly previous: Policy };
  /** A refresh failed; the policy stays as it is, and grows older. */
  failed: { readonly error: DeputizeError };
  /** The policy has grown older than `maxAge`. */
  stale: { readonly age: number };
}

type Listeners = { [E in keyof SourceEvents]: Set<(event: SourceEvents[E]) => void> };

/** A policy that is kept fresh: ask {@link Source.policy} anew for each request. */
export class Source implements Disposable {
  readonly #origin: Origin;
  readonly #refreshEvery: number;
  readonly #maxAge: number;
  readonly #timeout: number;
  readonly #checks: readonly Check[];
  readonly #listeners: Listeners = { changed: new Set(), failed: new Set(), stale: new Set() };
  #policy: Policy | undefined;
  #version: string | undefined;
  /** The SHA-256 of the bytes in use. */
  #digest: string | undefined;
  #confirmed = moment();
  #tried = moment();
  #toldStale = false;
  #refreshing: Promise<boolean> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  #closed = false;

  private constructor(origin: Origin, options: SourceOptions) {
    const { refresh = 30, maxAge = 300, timeout = 30, check = [] } = strict<SourceOptions>(options, "a source", OPTIONS, "source.options");
    for (const [name, value] of Object.entries({ refresh, maxAge, timeout })) number(value, name, 0, "source.options");
    if (!(timeout > 0 && maxAge > refresh)) throw misuse("`timeout` must be more than 0, and `maxAge` more than `refresh`", "source.options");
    this.#origin = origin;
    this.#refreshEvery = refresh;
    this.#maxAge = maxAge;
    this.#timeout = timeout;
    const checks: readonly Check[] = Array.isArray(check) ? [...check] : [check as Check];
    for (const one of checks) if (typeof one !== "function") throw misuse("`check` must be a function, or a list of functions", "source.options");
    this.#checks = checks;
  }

  /**
   * Reads the first policy, and keeps it fresh from then on.
   *
   * @throws {DeputizeError} `source.*`, or what is wrong with the snapshot: without a first policy there is no source.
   */
  static async open(origin: Origin, options: SourceOptions = {}): Promise<Source> {
    const source = new Source(origin, options);
    try {
      // Watched first, so that no change falls between.
      source.#unwatch = origin.watch?.(() => source.#noticed());
      await source.refresh();
    } catch (thrown) {
      source.close();
      throw source.#failure(thrown);
    }
    source.#schedule();
    return source;
  }

  /**
   * The policy as it is now.
   *
   * @throws {DeputizeError} `snapshot.stale`, of the kind `denied`: its origin has not confirmed it for `maxAge`.
   */
  get policy(): Policy {
    const age = this.age;
    // Written so that no age at all is too old.
    if (this.#policy !== undefined && age <= this.#maxAge) return this.#policy;
    if (!this.#toldStale) {
      this.#toldStale = true;
      this.#emit("stale", { age });
    }
    const message = `the policy from ${this.#origin.name} was last confirmed ${Math.round(age)} seconds ago; ${this.#maxAge} are allowed`;
    throw new DeputizeError({ kind: "denied", code: "snapshot.stale", message });
  }

  /** Seconds since the origin last confirmed the policy. */
  get age(): number {
    return since(this.#confirmed);
  }

  /**
   * Looks now, and says whether another policy is there.
   *
   * @throws {DeputizeError} what also the event `failed` tells; the policy stays as it is.
   */
  refresh(): Promise<boolean> {
    return (this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      if (this.#again) this.#noticed();
    }));
  }

  /**
   * Looks if it is time to. For Workers, where nothing runs between requests:
   * `ctx.waitUntil(source.refreshIfDue())`. Never rejects.
   */
  async refreshIfDue(): Promise<void> {
    if (since(this.#tried) < this.#refreshEvery) return;
    await this.refresh().catch(() => {});
  }

  /**
   * Calls a listener when something happens. What it throws or rejects with is
   * told as `failed`, and has no say in what is refreshed.
   *
   * @returns Ends that.
   */
  on<E extends keyof SourceEvents>(event: E, listener: (event: SourceEvents[E]) => void): () => void {
    if (!Object.hasOwn(this.#listeners, event) || typeof listener !== "function") {
      throw misuse("`on` takes `changed`, `failed` or `stale`, and a function", "source.options");
    }
    const listeners: Set<typeof listener> = this.#listeners[event];
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Ends the refreshing. The policy is given out until it is stale. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** {@link Source.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #schedule(): void {
    if (this.#closed || this.#refreshEvery === 0) return;
    // Many that began together do not stay together.
    const delay = this.#refreshEvery * (0.9 + Math.random() / 5);
    this.#timer = setTimeout(() => {
      void this.refresh()
        .catch(() => {})
        .then(() => this.#schedule());
    }, delay * 1000);
    // In Node it keeps no process alive; elsewhere a timer is a number.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** There may be something new. What is being read may have been read before it was there. */
  #noticed(): void {
    if (this.#closed) return;
    this.#again = this.#refreshing !== undefined;
    if (!this.#again) void this.refresh().catch(() => {});
  }

  async #refresh(): Promise<boolean> {
    const begun = moment();
    this.#tried = begun;
    try {
      const limit = new AbortController();
      const late = (): DeputizeError => {
        const error = fault("source.timeout", `a look at ${this.#origin.name} took longer than ${this.#timeout} seconds`);
        limit.abort(error);
        return error;
      };
      // What comes after that is not put in use.
      const found = await within(this.#look(limit.signal), this.#timeout, late);
      if (this.#closed && this.#policy !== undefined) return false;
      if (found === undefined) {
        this.#confirm(begun);
        return false;
      }
      const { policy, version, digest } = found;
      const previous = this.#policy;
      this.#policy = policy ?? previous;
      this.#version = version;
      this.#digest = digest;
      this.#confirm(begun);
      if (policy === undefined) return false;
      if (previous !== undefined) this.#emit("changed", { policy, previous });
      return true;
    } catch (thrown) {
      const error = this.#failure(thrown);
      this.#emit("failed", { error });
      // Somebody should know when it became too old, even if nobody asks.
      if (this.#policy !== undefined && this.age > this.#maxAge && !this.#toldStale) {
        this.#toldStale = true;
        this.#emit("stale", { age: this.age });
      }
      throw error;
    }
  }

  /** What the origin has now, checked and compiled; no policy where its bytes are those in use; nothing where it has not changed. */
  async #look(signal: AbortSignal): Promise<{ policy: Policy | undefined; version: string | undefined; digest: string } | undefined> {
    const known = this.#policy === undefined ? undefined : this.#version;
    const content = await this.#origin.read(known, signal);
    if (content === undefined) {
      if (known === undefined) throw fault("source.unreachable", `${this.#origin.name} says that what is not known has not changed`);
      return undefined;
    }
    const { bytes, version } = content;
    for (const check of this.#checks) await this.#trust(check, content);
    const digest = hex(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
    if (this.#policy !== undefined && digest === this.#digest) return { policy: undefined, version, digest };
    const policy = await compiled(bytes);
    this.#notOlder(policy);
    return { policy, version, digest };
  }

  async #trust(check: Check, content: Content): Promise<void> {
    let said: unknown;
    try {
      said = await check(content);
    } catch (thrown) {
      if (thrown instanceof DeputizeError) throw thrown;
      throw fault("source.check", `a check refused what ${this.#origin.name} gave${kindOf(thrown)}`);
    }
    if (said !== undefined && said !== true) throw fault("source.check", `a check did not say yes to what ${this.#origin.name} gave`);
  }

  /** What was taken back must not be given again: a store may for a while answer with what was there before. */
  #notOlder({ issuedAt }: Policy): void {
    const before = this.#policy?.issuedAt ?? null;
    if (before === null || (issuedAt !== null && issuedAt >= before)) return;
    throw fault("source.rollback", `${this.#origin.name} gave a policy issued at ${issuedAt}; the one in use was at ${before}`);
  }

  /** Age counts from before the reading began. */
  #confirm(begun: Moment): void {
    this.#confirmed = begun;
    this.#toldStale = false;
  }

  /** An error of which nothing is told but its kind: its text may hold a URL with its secrets. */
  #failure(thrown: unknown): DeputizeError {
    if (thrown instanceof DeputizeError) return thrown;
    return fault("source.unreachable", `cannot read a policy from ${this.#origin.name}${kindOf(thrown)}`);
  }

  #emit<E extends keyof SourceEvents>(event: E, what: SourceEvents[E]): void {
    const failed = (thrown: unknown): void => {
      const error = fault("source.listener", `a listener of \`${event}\` failed${kindOf(thrown)}`);
      if (event !== "failed") this.#emit("failed", { error });
      // Nobody is left to tell but the process.
      else console.error(error.message);
    };
    for (const listener of this.#listeners[event]) {
      try {
        adrift(listener(what) as unknown, failed);
      } catch (thrown) {
        failed(thrown);
      }
    }
  }
}

/** A failure of an origin, or of what it gave. */
function fault(code: SourceCode, message: string): DeputizeError {
  return new DeputizeError({ kind: "input", code, message });
}

/** A word of what was thrown that holds nothing of its text: a system's code such as `ENOENT`. */
function kindOf(thrown: unknown): string {
  const codes = [thrown, (thrown as { cause?: unknown } | null | undefined)?.cause].map((one) => (one as { code?: unknown } | null | undefined)?.code);
  const code = codes.find((one) => typeof one === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(one));
  return code === undefined ? "" : ` (${String(code)})`;
}

/** A moment, on a clock that may be set and on one that only runs, which may stop while a machine sleeps. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

const moment = (): Moment => ({ wall: Date.now(), steady: performance.now() });

/** Seconds since then: by whichever clock says more. */
function since(then: Moment): number {
  const now = moment();
  return Math.max(now.wall - then.wall, now.steady - then.steady) / 1000;
}

/** JSON begins with a brace, white space or a byte-order mark; a compiled policy with its name. */
function compiled(bytes: Uint8Array): Promise<Policy> {
  return bytes[0] === 0x44 ? Policy.fromCompiledAsync(bytes) : Policy.fromJsonAsync(bytes);
}

/** How many bytes a snapshot may have, where nothing is said. */
const MAX_BYTES = 2 ** 28;

/** What every origin can be told. */
export interface SizeOptions {
  /** How many bytes a snapshot may have; 256 MiB by default. */
  readonly maxBytes?: number;
}

function maxBytesOf(options: SizeOptions, what: string): number {
  const { maxBytes = MAX_BYTES } = strict<SizeOptions>(options, what, { maxBytes: "any" }, "source.options");
  number(maxBytes, "maxBytes", 1, "source.options");
  return maxBytes;
}

const tooLarge = (name: string, most: number): DeputizeError => fault("source.too_large", `${name} has more than the ${most} bytes that are allowed`);

/**
 * A file, watched, in Node, Deno and Bun. It may be a link. Its digest and its
 * signature may lie next to it, in `<path>.sha256` (as `sha256sum` writes it)
 * and `<path>.sig`.
 */
export function file(path: string, options: SizeOptions = {}): Origin {
  const { open, readFile } = process.getBuiltinModule("node:fs/promises");
  const { realpathSync, watch } = process.getBuiltinModule("node:fs");
  const { dirname } = process.getBuiltinModule("node:path");
  if (typeof path !== "string" || path === "") throw misuse("`file` takes a path", "source.options");
  const most = maxBytesOf(options, "`file`");
  const beside = { sha256: `${path}.sha256`, signature: `${path}.sig` };
  const name = `\`${path}\``;
  return {
    name,
    async read(known, signal) {
      const handle = await open(path);
      try {
        // Before its content, so that what is written in between is seen the next time.
        const { mtimeNs, ctimeNs, size, ino, dev, mtimeMs, ctimeMs } = await handle.stat({ bigint: true });
        const version = `${mtimeNs}-${ctimeNs}-${size}-${ino}-${dev}`;
        if (version === known) return undefined;
        if (size > BigInt(most)) throw tooLarge(name, most);
        const bytes = await handle.readFile({ signal });
        if (bytes.length > most) throw tooLarge(name, most);
        // A clock of files has coarse ticks: what was written just now may be written again within the same one.
        const settled = Date.now() - Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs) > 2_000;
        const about = async (what: "sha256" | "signature") => (await readFile(beside[what], "utf8")).trim().split(/\s/)[0];
        return { bytes, version: settled ? version : undefined, about };
      } finally {
        await handle.close();
      }
    },
    watch(changed) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const watchers = new Map<string, ReturnType<typeof watch>>();
      // Folders, since a file that is replaced is another file: the link's own, and those of what it leads to, which may change.
      const look = (): void => {
        const wanted = new Set([dirname(path), ...real(path, realpathSync, dirname)]);
        for (const [folder, watcher] of watchers) if (!wanted.has(folder)) (watcher.close(), watchers.delete(folder));
        for (const folder of wanted) if (!watchers.has(folder)) observe(folder);
      };
      const observe = (folder: string): void => {
        const noticed = (): void => {
          clearTimeout(timer);
          timer = setTimeout(() => (look(), changed()), 50);
          timer.unref();
        };
        try {
          const watcher = watch(folder, { persistent: false }, noticed);
          // What cannot be watched any longer is still looked at from time to time.
          watcher.on("error", () => (watcher.close(), watchers.delete(folder)));
          watchers.set(folder, watcher);
        } catch (thrown) {
          if (folder === dirname(path)) throw thrown;
        }
      };
      look();
      return () => {
        clearTimeout(timer);
        for (const watcher of watchers.values()) watcher.close();
      };
    },
  };
}

/** The folders in which lies what a path leads to: a mounted volume is exchanged by a link next to the folder that holds the file. */
function real(path: string, resolve: (path: string) => string, dirname: (path: string) => string): string[] {
  const { lstatSync, readlinkSync } = process.getBuiltinModule("node:fs");
  const { resolve: join } = process.getBuiltinModule("node:path");
  const folders: string[] = [];
  try {
    let at = path;
    for (let links = 0; links < 40 && lstatSync(at).isSymbolicLink(); links++) {
      at = join(dirname(at), readlinkSync(at));
      folders.push(dirname(at), dirname(dirname(at)));
    }
    folders.push(dirname(resolve(path)));
  } catch {
    // There may be nothing there for now.
  }
  return folders;
}

/** How {@link url} asks. */
export interface UrlOptions extends SizeOptions {
  /** Sent with each request. */
  readonly headers?: { readonly [name: string]: string };
  /** By default the global one. */
  readonly fetch?: typeof fetch;
}

/**
 * A URL, asked with the ETag of what is known. Redirects are not followed. A
 * name and a password in it are sent as `Authorization`. The digest and the
 * signature are the response's headers `x-deputize-sha256` and
 * `x-deputize-signature`, or metadata of the same names as S3 shows it
 * (`x-amz-meta-sha256`).
 */
export function url(href: string | URL, options: UrlOptions = {}): Origin {
  strict<UrlOptions>(options, "`url`", { headers: "any", maxBytes: "any", fetch: "function" }, "source.options");
  const { maxBytes, fetch: ask } = options;
  const most = maxBytesOf({ ...(maxBytes !== undefined && { maxBytes }) }, "`url`");
  const { target, headers } = addressed(href, options.headers);
  // Names, passwords, queries and fragments have no place in messages.
  const name = `\`${target.origin}${target.pathname}\``;
  return {
    name,
    async read(known, signal) {
      const asked = known === undefined ? headers : { ...headers, "if-none-match": known };
      const response = await (ask ?? fetch)(target, { headers: asked, signal, cache: "no-cache", redirect: "manual" });
      const { status, type } = response;
      if (status === 304) return undefined;
      // A part of it, say, is not it.
      if (status !== 200) {
        await response.body?.cancel();
        if (type === "opaqueredirect" || (status >= 300 && status < 400)) throw fault("source.redirect", `${name} leads elsewhere, where nobody goes`);
        throw fault("source.unreachable", `${name} answered ${status}`);
      }
      // One that follows all the same must not have gone elsewhere.
      if (response.redirected) throw fault("source.redirect", `${name} led elsewhere`);
      const bytes = await limited(response, most, name);
      if (!(await isWhole(response.headers, bytes))) throw fault("source.damaged", `the body of ${name} is not what its own digest says`);
      const about = (what: string): string | undefined => response.headers.get(`x-deputize-${what}`) ?? response.headers.get(`x-amz-meta-${what}`) ?? undefined;
      return { bytes, version: response.headers.get("etag") ?? undefined, about };
    },
  };
}

/** Whether a body is what its `Repr-Digest` or `Content-Digest` says, where there is one (RFC 9530). */
async function isWhole(headers: Headers, bytes: Uint8Array): Promise<boolean> {
  // What was encoded on the way was something else then.
  if (headers.has("content-encoding")) return true;
  const fields = ["repr-digest", "content-digest"].flatMap((name) => headers.get(name)?.split(",") ?? []);
  const said = fields.flatMap((field) => /^\s*sha-256=:?([^:]*):?\s*$/.exec(field)?.[1] ?? []);
  if (said.length === 0) return true;
  const own = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource))));
  return said.every((one) => one === own);
}

/** A URL without its secrets, and the headers that carry them. @throws {DeputizeError} of the kind `misuse`, which quotes nothing. */
function addressed(href: string | URL, headers: UrlOptions["headers"]): { target: URL; headers: { [name: string]: string } } {
  if (!URL.canParse(String(href))) throw misuse("`url` takes an absolute URL", "source.options");
  const target = new URL(href);
  if (target.protocol !== "https:" && target.protocol !== "http:") throw misuse("`url` takes an `https:` or `http:` URL", "source.options");
  const { username, password } = target;
  target.username = "";
  target.password = "";
  target.hash = "";
  if (username === "" && password === "") return { target, headers: { ...headers } };
  const bytes = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { target, headers: { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}`, ...headers } };
}

async function limited(response: Response, most: number, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    length += part.value.length;
    if (length > most) {
      await reader?.cancel();
      throw tooLarge(name, most);
    }
    parts.push(part.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** As much of Workers KV as is needed here. */
export interface KvLike {
  getWithMetadata(key: string, type: "arrayBuffer"): Promise<{ value: ArrayBuffer | null; metadata: unknown }>;
}

/** A value in Workers KV; its digest and its signature are its metadata `sha256` and `signature`. */
export function kv(namespace: KvLike, key: string, options: SizeOptions = {}): Origin {
  const most = maxBytesOf(options, "`kv`");
  const name = `KV \`${key}\``;
  return {
    name,
    async read(known) {
      const { value, metadata } = await namespace.getWithMetadata(key, "arrayBuffer");
      if (value === null) throw fault("source.unreachable", `there is no ${name}`);
      if (value.byteLength > most) throw tooLarge(name, most);
      const bytes = new Uint8Array(value);
      // KV has no versions of its own.
      const version = hex(await crypto.subtle.digest("SHA-256", bytes));
      if (version === known) return undefined;
      return { bytes, version, about: (name) => named(metadata, name) };
    },
  };
}

/** As much of an R2 bucket as is needed here. */
export interface R2Like {
  get(key: string, options: { onlyIf: { etagDoesNotMatch: string } }): Promise<R2ObjectLike | null>;
  get(key: string): Promise<R2ObjectLike | null>;
}

/** As much of an object in R2 as is needed here; it has a body where its condition held. */
export interface R2ObjectLike {
  readonly etag: string;
  readonly size?: number;
  readonly customMetadata?: { [name: string]: string };
  arrayBuffer?(): Promise<ArrayBuffer>;
}

/** An object in R2; its digest and its signature are its custom metadata `sha256` and `signature`. */
export function r2(bucket: R2Like, key: string, options: SizeOptions = {}): Origin {
  const most = maxBytesOf(options, "`r2`");
  const name = `R2 \`${key}\``;
  return {
    name,
    async read(known) {
      const object = await (known === undefined ? bucket.get(key) : bucket.get(key, { onlyIf: { etagDoesNotMatch: known } }));
      if (object === null) throw fault("source.unreachable", `there is no ${name}`);
      const { etag, customMetadata } = object;
      if (etag === known) return undefined;
      if (object.arrayBuffer === undefined) throw fault("source.unreachable", `${name} gave no body`);
      if ((object.size ?? 0) > most) throw tooLarge(name, most);
      const bytes = new Uint8Array(await object.arrayBuffer());
      if (bytes.length > most) throw tooLarge(name, most);
      return { bytes, version: etag, about: (name) => named(customMetadata, name) };
    },
  };
}

function named(metadata: unknown, name: string): string | undefined {
  if (typeof metadata !== "object" || metadata === null || !Object.hasOwn(metadata, name)) return undefined;
  const value: unknown = (metadata as { [name: string]: unknown })[name];
  return typeof value === "string" ? value : undefined;
}

/**
 * The bytes have the SHA-256 that stands beside them, in hexadecimal, or one of
 * those given: damage is noticed, and with those given any change.
 */
export function sha256(...expected: string[]): Check {
  return async (content) => {
    const said = expected.length > 0 ? expected : [await beside(content, "sha256")];
    const found = hex(await crypto.subtle.digest("SHA-256", content.bytes as BufferSource));
    if (!said.some((one) => one.toLowerCase() === found)) throw distrust("source.digest", `its SHA-256 is ${found}, which is not what was said`);
  };
}

/**
 * The bytes are signed by the holder of one of these keys (Ed25519, ECDSA over
 * P-256, or RSA PKCS #1 v1.5; the last two with SHA-256). The signature stands
 * beside them, in base64 or base64url. An older snapshot that was signed once
 * stays signed: a source that runs refuses it by its `issued_at`, one that
 * begins only by its `not_after`.
 */
export function signature(...keys: JsonWebKey[]): Check {
  return async (content) => {
    const said = fromBase64(await beside(content, "signature"));
    for (const key of keys) {
      const algorithm = algorithmOf(key);
      const { kty, crv, x, y, n, e } = key;
      const bare = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JsonWebKey;
      const imported = await crypto.subtle.importKey("jwk", bare, algorithm, false, ["verify"]);
      if (await crypto.subtle.verify(algorithm, imported, said, content.bytes as BufferSource)) return;
    }
    throw distrust("source.signature", "none of the keys has made its signature");
  };
}

function algorithmOf({ kty, crv }: JsonWebKey): { name: string; hash: string; namedCurve?: string } {
  const hash = "SHA-256";
  if (kty === "OKP" && crv === "Ed25519") return { name: "Ed25519", hash };
  if (kty === "EC" && crv === "P-256") return { name: "ECDSA", namedCurve: crv, hash };
  if (kty === "RSA") return { name: "RSASSA-PKCS1-v1_5", hash };
  throw distrust("source.signature", `no signature is known for a key of ${kty} and ${crv}`);
}

async function beside(content: Content, name: "sha256" | "signature"): Promise<string> {
  // What cannot be read is not there.
  const said = await Promise.resolve(content.about(name)).catch(() => undefined);
  if (said === undefined) throw distrust(name === "sha256" ? "source.digest" : "source.signature", `no \`${name}\` stands beside it`);
  return said;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    const raw = atob(text.trim().replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  } catch (thrown) {
    throw distrust("source.signature", "its signature is not base64", thrown);
  }
}

function hex(digest: ArrayBuffer): string {
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function distrust(code: SourceCode, what: string, cause?: unknown): DeputizeError {
  return new DeputizeError({ kind: "input", code, message: `the policy is not to be trusted: ${what}` }, cause === undefined ? undefined : { cause });
}
