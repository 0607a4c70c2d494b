// How the classes reach the core: here through WebAssembly. The package
// `deputize` has a file of the same exports that goes to its native module.

import type { Asked } from "./arguments.js";
import { misuse } from "./error.js";
import { type RawCaller, type RawPolicy, call, instance, lay } from "./instance.js";

/** @internal */
export { type RawCaller, type RawPolicy, call } from "./instance.js";
export { type Source, type SyncSource, init, initSync, memoryBytes } from "./instance.js";
/** @internal */
export { signatureFits } from "./signature.js";

/** What answers: Node's native module, or WebAssembly. */
export const engine: "native" | "wasm" = "wasm";

/** A policy on its way to another thread, to be posted as it is. */
export interface SharedPolicy {
  /** Natively: what the process keeps it under. */
  readonly handle?: string;
  /** Elsewhere: its compiled form. */
  readonly image?: Uint8Array;
}

/** @internal */
export const fromJson = (document: Uint8Array): RawPolicy => instance().RawPolicy.fromJson(document);
/** @internal */
export const fromCompiled = (image: Uint8Array): RawPolicy => instance().RawPolicy.fromCompiled(image);
/** @internal */
export const ask = (method: string, given: string): string => instance().ask(method, given);

/** A check without options: 0 for no, 1 for yes, 2 where it has to be asked another way. @internal */
export function checkAtOnce(raw: RawPolicy, user: string, relation: string, object: string): number {
  const first = lay(user, 0);
  const second = lay(relation, first);
  const third = lay(object, second);
  if (third < 0) return 2;
  return call(() => raw.check(first, second - first, third - second));
}

/** As {@link checkAtOnce}, for a caller's question without a context or a time of its own. @internal */
export function canAtOnce(raw: RawCaller, action: string, resource: string, now: number): number {
  const first = lay(action, 0);
  const second = lay(resource, first);
  if (second < 0) return 2;
  return call(() => raw.can(first, second - first, now));
}

// One thread is all there is: what is asked for later is done now.

/** @internal */
export const fromJsonLater = async (document: Uint8Array): Promise<RawPolicy> => call(() => fromJson(document));
/** @internal */
export const fromCompiledLater = async (image: Uint8Array): Promise<RawPolicy> => call(() => fromCompiled(image));

/** @internal */
export async function filterLater(raw: RawPolicy, user: string, relation: string, ids: Uint8Array, options: string): Promise<Uint8Array> {
  return call(() => raw.filter(user, relation, ids, options));
}

/** @internal */
export async function callerFilterLater(raw: RawCaller, action: string, ids: Uint8Array, time: Asked): Promise<Uint8Array> {
  return call(() => raw.filter(action, ids, time.now, time.given));
}

/** @internal */
export const share = (raw: RawPolicy): SharedPolicy => ({ image: raw.toCompiled() });

/** @internal */
export function open(_handle: string): RawPolicy {
  throw misuse("call.shared", "a policy that the native module shares cannot be opened in WebAssembly");
}
