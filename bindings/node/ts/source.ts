// A policy that is kept fresh from where its snapshot lies. All times here are
// in seconds.

import { DeputizeError, Policy } from "deputize";

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

/** Throws, or rejects, where content is not to be trusted. */
export type Check = (content: Content) => void | Promise<void>;

export interface SourceOptions {
  /** Seconds between two refreshes, give or take a tenth; 30 by default. 0: only when the origin notices a change, or when asked. */
  readonly refresh?: number;
  /**
   * Seconds after which a policy that its origin has not confirmed is no longer
   * given out; 300 by default (`Infinity` where `refresh` is 0).
   */
  readonly maxAge?: number;
  /** Seconds that reading may take; 30 by default. */
  readonly timeout?: number;
  /** What must hold of the bytes before anything reads them. */
  readonly check?: Check | readonly Check[];
}

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
  #confirmed = moment();
  #tried = moment();
  #toldStale = false;
  #refreshing: Promise<boolean> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  #closed = false;

  private constructor(origin: Origin, options: SourceOptions) {
    const { refresh = 30, maxAge = refresh === 0 ? Infinity : 300, timeout = 30, check = [] } = options;
    if (!(refresh >= 0 && timeout > 0 && maxAge > refresh)) {
      const message = "`refresh` must be 0 or more, `timeout` more than 0, and `maxAge` more than `refresh`";
      throw new DeputizeError({ kind: "misuse", code: "call.options", message });
    }
    this.#origin = origin;
    this.#refreshEvery = refresh;
    this.#maxAge = maxAge;
    this.#timeout = timeout;
    this.#checks = typeof check === "function" ? [check] : check;
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
   * Calls a listener when something happens.
   *
   * @returns Ends that.
   */
  on<E extends keyof SourceEvents>(event: E, listener: (event: SourceEvents[E]) => void): () => void {
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
      const content = await this.#read();
      if (content === undefined) {
        this.#confirm(begun);
        return false;
      }
      for (const check of this.#checks) await check(content);
      const policy = await compiled(content.bytes);
      const previous = this.#policy;
      this.#policy = policy;
      this.#version = content.version;
      this.#confirm(begun);
      if (previous === undefined) return true;
      this.#emit("changed", { policy, previous });
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

  async #read(): Promise<Content | undefined> {
    const known = this.#policy === undefined ? undefined : this.#version;
    const limit = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`it took longer than ${this.#timeout} seconds`);
        limit.abort(error);
        reject(error);
      }, this.#timeout * 1000);
    });
    try {
      const content = await Promise.race([this.#origin.read(known, limit.signal), tooLate]);
      if (content === undefined && known === undefined) throw new Error("it says that what is not known has not changed");
      return content;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Age counts from before the reading began. */
  #confirm(begun: Moment): void {
    this.#confirmed = begun;
    this.#toldStale = false;
  }

  #failure(thrown: unknown): DeputizeError {
    if (thrown instanceof DeputizeError) return thrown;
    const message = `cannot read a policy from ${this.#origin.name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    return new DeputizeError({ kind: "input", code: "source.unreachable", message }, { cause: thrown });
  }

  #emit<E extends keyof SourceEvents>(event: E, what: SourceEvents[E]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(what);
      } catch (thrown) {
        // A listener has no say in what is refreshed.
        if (event !== "failed") this.#emit("failed", { error: this.#failure(thrown) });
      }
    }
  }
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

/**
 * A file, watched, in Node, Deno and Bun. Its digest and its signature may lie
 * beside it, in `<path>.sha256` (as `sha256sum` writes it) and `<path>.sig`.
 */
export function file(path: string): Origin {
  const { readFile, stat } = process.getBuiltinModule("node:fs/promises");
  const { watch } = process.getBuiltinModule("node:fs");
  const { dirname } = process.getBuiltinModule("node:path");
  const beside = { sha256: `${path}.sha256`, signature: `${path}.sig` };
  return {
    name: `\`${path}\``,
    async read(known, signal) {
      // Before its content, so that what is written in between is seen the next time.
      const { mtimeNs, size, ino } = await stat(path, { bigint: true });
      const version = `${mtimeNs}-${size}-${ino}`;
      if (version === known) return undefined;
      const bytes = await readFile(path, { signal });
      return { bytes, version, about: async (name) => (await readFile(beside[name], "utf8")).trim().split(/\s/)[0] };
    },
    watch(changed) {
      // The folder, since a file that is replaced is another file.
      let timer: ReturnType<typeof setTimeout> | undefined;
      const watcher = watch(dirname(path), { persistent: false }, () => {
        clearTimeout(timer);
        timer = setTimeout(changed, 50);
        timer.unref();
      });
      // What cannot be watched any longer is still looked at from time to time.
      watcher.on("error", () => watcher.close());
      return () => {
        clearTimeout(timer);
        watcher.close();
      };
    },
  };
}

/** How {@link url} asks. */
export interface UrlOptions {
  /** Sent with each request. */
  readonly headers?: { readonly [name: string]: string };
  /** How many bytes a body may have; 256 MiB by default. */
  readonly maxBytes?: number;
  /** By default the global one. */
  readonly fetch?: typeof fetch;
}

/**
 * A URL, asked with the ETag of what is known. Its digest and its signature are
 * the response's headers `x-deputize-sha256` and `x-deputize-signature`, or
 * metadata of the same names as S3 shows it (`x-amz-meta-sha256`).
 */
export function url(href: string | URL, options: UrlOptions = {}): Origin {
  const { headers, maxBytes = 2 ** 28 } = options;
  const target = new URL(href);
  // Names and passwords of a URL have no place in messages.
  const name = `\`${target.origin}${target.pathname}\``;
  return {
    name,
    async read(known, signal) {
      const asked = known === undefined ? { ...headers } : { ...headers, "if-none-match": known };
      const response = await (options.fetch ?? fetch)(target, { headers: asked, signal, cache: "no-cache" });
      if (response.status === 304) return undefined;
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`it answered ${response.status}`);
      }
      const bytes = await limited(response, maxBytes);
      const about = (what: string): string | undefined => response.headers.get(`x-deputize-${what}`) ?? response.headers.get(`x-amz-meta-${what}`) ?? undefined;
      return { bytes, version: response.headers.get("etag") ?? undefined, about };
    },
  };
}

async function limited(response: Response, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    length += part.value.length;
    if (length > most) {
      await reader?.cancel();
      throw new Error(`its body has more than ${most} bytes`);
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
export function kv(namespace: KvLike, key: string): Origin {
  return {
    name: `KV \`${key}\``,
    async read(known) {
      const { value, metadata } = await namespace.getWithMetadata(key, "arrayBuffer");
      if (value === null) throw new Error("there is no such key");
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
  readonly customMetadata?: { [name: string]: string };
  arrayBuffer?(): Promise<ArrayBuffer>;
}

/** An object in R2; its digest and its signature are its custom metadata `sha256` and `signature`. */
export function r2(bucket: R2Like, key: string): Origin {
  return {
    name: `R2 \`${key}\``,
    async read(known) {
      const object = await (known === undefined ? bucket.get(key) : bucket.get(key, { onlyIf: { etagDoesNotMatch: known } }));
      if (object === null) throw new Error("there is no such key");
      const { etag, customMetadata } = object;
      if (etag === known) return undefined;
      if (object.arrayBuffer === undefined) throw new Error("it gave no body");
      return { bytes: new Uint8Array(await object.arrayBuffer()), version: etag, about: (name) => named(customMetadata, name) };
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
 * stays signed: its `not_after` says how long it may come back.
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
  const said = await content.about(name);
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

function distrust(code: string, what: string, cause?: unknown): DeputizeError {
  return new DeputizeError({ kind: "input", code, message: `the policy is not to be trusted: ${what}` }, { cause });
}
