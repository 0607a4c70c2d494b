// How the classes of `wasm/ts` reach the core natively: the build puts this
// file in the place of theirs.

import type { Asked } from "../../../wasm/ts/arguments.js";
import { DeputizeError } from "../../../wasm/ts/error.js";
import { type RawCaller, type RawPolicy, native } from "./native.js";

export type { RawCaller, RawPolicy } from "./native.js";

export const engine = "native";

/** Natively nothing is quicker than the module itself. */
export const signatureFits = undefined;

interface SharedPolicy {
  readonly handle?: string;
  readonly image?: Uint8Array;
}

/** There is nothing to wait for here. */
export async function init(): Promise<void> {}

/** There is nothing to do here. */
export function initSync(): void {}

/** Natively policies lie in the process's own memory, of which nobody keeps count. */
export const memoryBytes = (): number => 0;

/**
 * Calls into the module.
 *
 * @throws {DeputizeError}
 */
export function call<T>(run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw caught(thrown);
  }
}

/** What a call into the module has thrown, as an error: its own come as JSON. */
function caught(thrown: unknown): DeputizeError {
  if (thrown instanceof DeputizeError) return thrown;
  if (thrown instanceof Error && thrown.message.startsWith('{"')) return new DeputizeError(JSON.parse(thrown.message));
  return new DeputizeError({ kind: "internal", code: "internal", message: `the module stopped: ${String(thrown)}` }, { cause: thrown });
}

async function later<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw caught(thrown);
  }
}

export const fromJson = (document: Uint8Array): RawPolicy => native.RawPolicy.fromJson(document);
export const fromCompiled = (image: Uint8Array): RawPolicy => native.RawPolicy.fromCompiled(image);
export const ask = (method: string, given: string): string => native.ask(method, given);

// Short questions go to a policy or a caller by its number, which Node finds
// sooner than an object of a class, and are laid on a desk, from which the module
// reads them in one piece: a string would cost two calls back into Node each.

const DESK = 2048;
const desk = new Uint8Array(DESK);

/** How many bytes lie there after this text, or -1 where it does not fit or is not plain ASCII. */
function lay(text: string, at: number): number {
  const end = at + text.length;
  if (at < 0 || end > DESK) return -1;
  for (let place = at, letter = 0; place < end; place++, letter++) {
    const code = text.charCodeAt(letter);
    if (code > 127) return -1;
    desk[place] = code;
  }
  return end;
}

export function checkAtOnce(raw: RawPolicy, user: string, relation: string, object: string): number {
  const first = lay(user, 0);
  const second = lay(relation, first);
  const third = lay(object, second);
  if (third < 0) return 2;
  return call(() => native.check((raw.n ??= raw.number()), desk, first, second - first, third - second));
}

export function canAtOnce(raw: RawCaller, action: string, resource: string, now: number): number {
  const first = lay(action, 0);
  const second = lay(resource, first);
  if (second < 0) return 2;
  return call(() => native.can((raw.n ??= raw.number()), desk, first, second - first, now));
}

export const fromJsonLater = (document: Uint8Array): Promise<RawPolicy> => later(() => native.RawPolicy.fromJsonAsync(document));
export const fromCompiledLater = (image: Uint8Array): Promise<RawPolicy> => later(() => native.RawPolicy.fromCompiledAsync(image));

export const filterLater = (raw: RawPolicy, user: string, relation: string, ids: Uint8Array, options: string): Promise<Uint8Array> =>
  later(() => raw.filterAsync(user, relation, ids, options));
export const callerFilterLater = (raw: RawCaller, action: string, ids: Uint8Array, time: Asked): Promise<Uint8Array> =>
  later(() => raw.filterAsync(action, ids, time.now, time.given));

export const share = (raw: RawPolicy): SharedPolicy => ({ handle: raw.share() });

export const open = (handle: string): RawPolicy => native.RawPolicy.fromShared(handle);

// The two files export the same.
type Exports<A, B> = [Exclude<keyof A, keyof B>, Exclude<keyof B, keyof A>] extends [never, never] ? true : false;
const same: Exports<typeof import("./border.js"), typeof import("../../../wasm/ts/border.js")> = true;
void same;
