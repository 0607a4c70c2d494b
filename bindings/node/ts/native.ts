// Node's native module, as `src/` exports it: from the package of this platform
// that npm has installed beside this one.

import { createRequire } from "node:module";

export interface RawPolicy {
  share(): string;
  toCompiled(): Uint8Array;
  number(): number;
  /** What `number` gave, once it was asked for. */
  n?: number;
  filter(user: string, relation: string, ids: Uint8Array, options: string): Uint8Array;
  filterAsync(user: string, relation: string, ids: Uint8Array, options: string): Promise<Uint8Array>;
  caller(method: string, given: string, timed: boolean): RawCaller;
  ask(method: string, given: string): string;
  free(): void;
}

export interface RawCaller {
  at(now: number, given: boolean): RawCaller;
  under(policy: RawPolicy, now: number, given: boolean): RawCaller;
  withTuples(tuples: string): RawCaller;
  number(): number;
  /** What `number` gave, once it was asked for. */
  n?: number;
  filter(action: string, ids: Uint8Array, now: number, given: boolean): Uint8Array;
  filterAsync(action: string, ids: Uint8Array, now: number, given: boolean): Promise<Uint8Array>;
  ask(method: string, args: string, now: number, given: boolean): string;
  free(): void;
}

interface Native {
  RawPolicy: {
    fromJson(document: Uint8Array): RawPolicy;
    fromJsonAsync(document: Uint8Array): Promise<RawPolicy>;
    fromCompiled(image: Uint8Array): RawPolicy;
    fromCompiledAsync(image: Uint8Array): Promise<RawPolicy>;
    fromShared(handle: string): RawPolicy;
  };
  check(policy: number, desk: Uint8Array, user: number, relation: number, object: number): number;
  can(caller: number, desk: Uint8Array, action: number, resource: number, now: number): number;
  ask(method: string, given: string): string;
  version(): string;
}

const { platform, arch } = process;
/** What a platform's packages are called: on Linux npm installs the one that fits its C library. */
const names = platform === "linux" ? ["gnu", "musl"].map((libc) => `linux-${arch}-${libc}`) : [platform === "win32" ? `win32-${arch}-msvc` : `${platform}-${arch}`];
/** Where they lie: installed, or as this repository has built them. */
const places = ["@deputize", "../npm"];

/**
 * The native module. Where there is none, what is thrown has the `code`
 * `MODULE_NOT_FOUND`; anything else is one that does not load.
 */
export const native: Native = load();

function load(): Native {
  const require = createRequire(__filename);
  let failed: unknown;
  for (const place of places) {
    for (const name of names) {
      try {
        const found = require(`${place}/node-${name}`) as Native;
        if (found.version() === VERSION) return found;
        failed = new Error(`${place}/node-${name} is of version ${found.version()}, not ${VERSION}`);
      } catch (thrown) {
        // That one is not there says less than that one does not load.
        const absent = (thrown as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
        if (failed === undefined || !absent) failed = thrown;
      }
    }
  }
  throw failed;
}

/** The version of this package, put in by the build. */
declare const VERSION: string;
