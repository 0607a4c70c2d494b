// The newest snapshot, from KV. A short manifest says which it is; the snapshot
// itself lies under its own digest, and never changes.

import { DeputizeError, Policy, memoryBytes } from "@deputize/wasm";

import { note } from "./log.js";

/** Where the manifest lies. */
export const MANIFEST = "snapshot/newest";

/** How long KV may take, and how long it is left alone after it failed, in milliseconds. */
const PATIENCE = 5_000;
const PAUSE = 500;

interface Manifest {
  readonly revision: string;
  /** SHA-256 of the compiled form, in lower-case hexadecimal. */
  readonly digest: string;
  /** The key under which it lies. */
  readonly key: string;
}

interface Held {
  readonly policy: Policy;
  readonly digest: string;
  /** When KV last said that this is the newest, in milliseconds. */
  checked: number;
  /** How many requests use it, and whether another has taken its place. */
  users: number;
  replaced: boolean;
}

/** Why there is no snapshot to decide by, or why the newest one is not taken. */
export class SnapshotFault extends Error {
  override readonly name = "SnapshotFault";

  constructor(readonly reason: string) {
    super(reason);
  }
}

/** A policy for the time of one request. */
export interface Lease extends Disposable {
  readonly policy: Policy;
}

/** Ages in seconds. */
export interface Ages {
  readonly refreshSeconds: number;
  readonly maxStaleSeconds: number;
}

/** The snapshot that this isolate holds. */
export class Snapshots {
  #held: Held | undefined;
  /** When the newest one that was ever held was made. */
  #issuedAt = 0;
  #refreshing = -Infinity;
  #failed: { at: number; fault: SnapshotFault } | undefined;

  constructor(readonly ages: Ages) {}

  /**
   * The policy to decide by: the one at hand while it is fresh; the one at hand
   * while a newer one is looked for, once it is not; a newer one, once it is
   * too old to be used at all.
   *
   * @param later Keeps work going that the answer does not wait for: `ctx.waitUntil`.
   * @throws {SnapshotFault} There is none, or none that is recent enough.
   */
  async take(kv: KVNamespace, now: number, later: (work: Promise<void>) => void): Promise<Lease> {
    const held = this.#held;
    const age = held === undefined ? Infinity : now - held.checked;
    if (held !== undefined && age < this.ages.maxStaleSeconds * 1000 && !hasEnded(held.policy, now)) {
      if (age >= this.ages.refreshSeconds * 1000) this.#refresh(kv, now, later);
      return lease(held);
    }
    await this.#load(kv, now);
    if (this.#held === undefined) throw new SnapshotFault("edge.snapshot_missing");
    return lease(this.#held);
  }

  /** Lets go of a policy that did not answer as it should. */
  drop(policy: Policy): void {
    if (this.#held?.policy === policy) this.#held = undefined;
  }

  /** One at a time; one that was cut off with its request does not stand in the way for long. */
  #refresh(kv: KVNamespace, now: number, later: (work: Promise<void>) => void): void {
    if (now - this.#refreshing < PATIENCE || this.#pausing(now) !== undefined) return;
    this.#refreshing = now;
    const done = () => {
      this.#refreshing = -Infinity;
    };
    // The load has told of it, and the old one goes on until it is too old.
    later(this.#load(kv, now).then(done, done));
  }

  #pausing(now: number): SnapshotFault | undefined {
    return this.#failed !== undefined && now - this.#failed.at < PAUSE ? this.#failed.fault : undefined;
  }

  /**
   * Each request that must wait loads for itself: one that waited for the work
   * of another would wait forever, were the other one cut off.
   */
  async #load(kv: KVNamespace, now: number): Promise<void> {
    const pausing = this.#pausing(now);
    if (pausing !== undefined) throw pausing;
    try {
      await this.#newest(kv, now);
      this.#failed = undefined;
    } catch (thrown) {
      let fault = thrown instanceof SnapshotFault ? thrown : new SnapshotFault("edge.snapshot_unreadable");
      note({ event: "snapshot", reason: fault.reason });
      // Something is at hand, but it is too old.
      if (this.#held !== undefined) fault = new SnapshotFault("snapshot.stale");
      this.#failed = { at: now, fault };
      throw fault;
    }
  }

  async #newest(kv: KVNamespace, now: number): Promise<void> {
    const manifest = readManifest(await inTime(kv.get(MANIFEST, { cacheTtl: 30 })));
    if (this.#confirms(manifest.digest, now)) return;
    const bytes = await inTime(kv.get(manifest.key, "arrayBuffer"));
    if (bytes === null) throw new SnapshotFault("edge.snapshot_missing");
    if ((await sha256(bytes)) !== manifest.digest) throw new SnapshotFault("edge.snapshot_digest");
    // Others may have loaded it in the meantime.
    if (this.#confirms(manifest.digest, now)) return;
    const policy = opened(bytes);
    try {
      this.#admit(policy, manifest, now);
    } catch (thrown) {
      policy.free();
      throw thrown;
    }
    const before = this.#held;
    this.#held = { policy, digest: manifest.digest, checked: now, users: 0, replaced: false };
    this.#issuedAt = policy.issuedAt ?? 0;
    if (before !== undefined) {
      before.replaced = true;
      freeIfDone(before);
    }
    note({ event: "snapshot", revision: policy.revision, digest: manifest.digest, tuples: policy.tupleCount, memory: memoryBytes() });
  }

  #confirms(digest: string, now: number): boolean {
    const held = this.#held;
    if (held?.digest !== digest || hasEnded(held.policy, now)) return false;
    held.checked = Math.max(held.checked, now);
    return true;
  }

  #admit(policy: Policy, manifest: Manifest, now: number): void {
    if (policy.revision !== manifest.revision) throw new SnapshotFault("edge.snapshot_revision");
    if (hasEnded(policy, now)) throw new SnapshotFault("snapshot.stale");
    // KV may for a while answer with what was there before: what was taken back
    // must not be given again.
    if ((policy.issuedAt ?? 0) < this.#issuedAt) throw new SnapshotFault("edge.snapshot_older");
  }
}

function hasEnded(policy: Policy, now: number): boolean {
  return policy.notAfter !== null && Math.floor(now / 1000) > policy.notAfter;
}

function opened(bytes: ArrayBuffer): Policy {
  try {
    return Policy.fromCompiled(bytes);
  } catch (thrown) {
    throw thrown instanceof DeputizeError && thrown.kind === "input" ? new SnapshotFault("edge.snapshot_damaged") : thrown;
  }
}

/** The policy's memory is given back when the last request is done that uses it. */
function lease(held: Held): Lease {
  held.users += 1;
  let open = true;
  return {
    policy: held.policy,
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      held.users -= 1;
      freeIfDone(held);
    },
  };
}

function freeIfDone(held: Held): void {
  if (held.replaced && held.users === 0) held.policy.free();
}

function readManifest(text: string | null): Manifest {
  if (text === null) throw new SnapshotFault("edge.snapshot_missing");
  let said: Partial<Manifest> | null;
  try {
    said = JSON.parse(text);
  } catch {
    throw new SnapshotFault("edge.snapshot_manifest");
  }
  const { revision, digest, key } = said ?? {};
  if (typeof revision !== "string" || typeof digest !== "string" || typeof key !== "string" || key === "") {
    throw new SnapshotFault("edge.snapshot_manifest");
  }
  return { revision, digest, key };
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SnapshotFault("edge.snapshot_timeout")), PATIENCE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer ?? null);
  }
}
