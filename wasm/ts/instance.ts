// The one instance of the module: made once, replaced only after a trap.

import * as glue from "./glue/glue.js";
import { DeputizeError, misuse } from "./error.js";

/** @internal */
export type { RawCaller, RawPolicy } from "./glue/glue.js";

/** What an instance can be made of at once. */
export type SyncSource = WebAssembly.Module | BufferSource;

/** What an instance can be made of. */
export type Source = SyncSource | Response | URL | string;

let ready = false;
let inside = false;
let memory: WebAssembly.Memory | undefined;
let desk = 0;
let desktop = new Uint8Array();
let starting: Promise<void> | undefined;
let onDemand: (() => SyncSource) | undefined;
let byDefault: (() => Source) | undefined;

/** For entry points: where the module comes from when nobody said so. @internal */
export function setDefault(where: { atOnce?: () => SyncSource; later?: () => Source }): void {
  onDemand = where.atOnce;
  byDefault = where.later;
}

/**
 * Makes the instance. Where one is there already, nothing happens.
 *
 * @param source A `WebAssembly.Module`, its bytes, or a URL (or the response to
 *   a request) to fetch it from. Without, it is what came with the package.
 * @throws {DeputizeError} `call.module`: it cannot be fetched, or is not the
 *   module that belongs to this package.
 */
export async function init(source?: Source | Promise<Source>): Promise<void> {
  if (ready) return;
  if (source === undefined && onDemand !== undefined) {
    initSync();
    return;
  }
  starting ??= start(source).finally(() => {
    starting = undefined;
  });
  return starting;
}

async function start(source: Source | Promise<Source> | undefined): Promise<void> {
  const given = (await source) ?? byDefault?.();
  if (given === undefined) {
    throw misuse("call.module", "`init` needs to be told here where the module is: a `WebAssembly.Module`, its bytes or a URL");
  }
  try {
    made(await glue.default({ module_or_path: known(given) }));
  } catch (thrown) {
    throw notTheModule(thrown);
  }
}

/** A compiled module of another realm, as Next's edge runtime hands it over, is one all the same: `instanceof` must say so. */
function known<T>(given: T): T {
  const compiled = Object.prototype.toString.call(given) === "[object WebAssembly.Module]";
  if (compiled && !(given instanceof WebAssembly.Module)) Object.setPrototypeOf(given, WebAssembly.Module.prototype);
  return given;
}

/**
 * Makes the instance at once: on Workers from a precompiled module, in Node
 * from nothing. Where one is there already, nothing happens.
 *
 * @param source A `WebAssembly.Module` or its bytes. Without, it is what came
 *   with the package, where that can be read at once.
 * @throws {DeputizeError} `call.module`: it is not the module that belongs to
 *   this package.
 */
export function initSync(source?: SyncSource): void {
  if (ready) return;
  try {
    const given = source ?? onDemand?.();
    if (given === undefined) throw misuse("call.not_ready", "call `await init()` first");
    made(glue.initSync({ module: known(given) }));
  } catch (thrown) {
    throw notTheModule(thrown);
  }
}

function made(exports: glue.InitOutput): void {
  memory = exports.memory;
  desk = glue.desk();
  ready = true;
}

function notTheModule(thrown: unknown): DeputizeError {
  if (thrown instanceof DeputizeError) return thrown;
  return misuse("call.module", `the module could not be loaded: ${String(thrown)}`, thrown);
}

/** How many bytes of memory the module has taken, for all that was loaded. It keeps what is freed for what comes next. */
export function memoryBytes(): number {
  return memory?.buffer.byteLength ?? 0;
}

/** The module's functions. @internal */
export function instance(): typeof glue {
  if (!ready) initSync();
  return glue;
}

/** How many bytes fit on the desk; `wasm/src/desk.rs` says the same. */
const DESK = 2048;

/**
 * Lays a text on the module's desk, where short questions are taken from
 * without a copy.
 *
 * @param at How many bytes lie there already.
 * @returns How many lie there now, or -1 where the text does not fit or is not
 *   plain ASCII, and has to go another way.
 * @internal
 */
export function lay(text: string, at: number): number {
  const end = at + text.length;
  if (at < 0 || end > DESK) return -1;
  // A memory that has grown is another buffer.
  if (desktop.length === 0) desktop = new Uint8Array(memory!.buffer, desk, DESK);
  for (let place = at, letter = 0; place < end; place++, letter++) {
    const code = text.charCodeAt(letter);
    if (code > 127) return -1;
    desktop[place] = code;
  }
  return end;
}

/**
 * Calls into the module. Where the call before never ended, nothing in the
 * instance can be relied upon.
 *
 * @throws {DeputizeError}
 * @internal
 */
export function call<T>(run: () => T): T {
  if (inside) replace();
  inside = true;
  let answer: T;
  try {
    answer = run();
  } catch (thrown) {
    throw caught(thrown);
  }
  inside = false;
  return answer;
}

/**
 * What a call into the module has thrown, as an error.
 *
 * A text is an error that the module tells. Anything else is a trap: nothing in
 * the instance can be relied upon any more, so it is replaced by a new one, and
 * whatever was in the old one answers with an error from then on.
 */
function caught(thrown: unknown): DeputizeError {
  if (typeof thrown === "string") {
    inside = false;
    return new DeputizeError(JSON.parse(thrown));
  }
  if (thrown instanceof DeputizeError) {
    // It was thrown on the way there.
    inside = false;
    return thrown;
  }
  if (thrown instanceof Error && thrown.message.startsWith("Invalid stale object")) {
    inside = false;
    return misuse("call.freed", "the instance of the module that this belonged to has ended: load the policy again");
  }
  replace();
  return new DeputizeError(
    { kind: "internal", code: "internal", message: `the module stopped: ${String(thrown)}` },
    { cause: thrown },
  );
}

function replace(): void {
  glue.__wbg_reset_state();
  inside = false;
  desktop = new Uint8Array();
  made(glue.initSync(undefined as never));
}
