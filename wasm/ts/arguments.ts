// From a program's values to what crosses the border: checked, and in one form.

import { DeputizeError, misuse } from "./error.js";

/** Seconds since the Unix epoch, or a date. */
export type Time = number | Date;

const wellFormed: (text: string) => boolean =
  "isWellFormed" in String.prototype
    ? (text) => (text as string & { isWellFormed(): boolean }).isWellFormed()
    : (text) => !/\p{Surrogate}/u.test(text);

/**
 * A text that has a form in UTF-8. One that has none would arrive as another
 * text, which may well be somebody's id.
 */
export function text(value: unknown, name: string): string {
  if (typeof value === "string" && wellFormed(value)) return value;
  throw misuse("call.type", `\`${name}\` must be a string${typeof value === "string" ? " without lone surrogates" : ""}`);
}

/** A time in whole seconds; without one, the host's clock. */
export function seconds(time: Time | undefined, name = "now"): number {
  if (time === undefined) return Math.floor(Date.now() / 1000);
  const given = time instanceof Date ? time.getTime() / 1000 : time;
  // Milliseconds, taken for seconds, are tens of thousands of years.
  if (typeof given === "number" && given >= 0 && given < 1e11) return Math.floor(given);
  throw misuse("call.type", `\`${name}\` must be seconds since 1970, or a \`Date\``);
}

/** A value as JSON; nothing is the empty text. */
export function json(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  let said: string | undefined;
  try {
    said = JSON.stringify(value);
  } catch (thrown) {
    throw misuse("call.type", `\`${name}\` cannot be written as JSON: ${String(thrown)}`, thrown);
  }
  if (typeof value !== "object" || said === undefined) {
    throw misuse("call.type", `\`${name}\` must be an object`);
  }
  return said;
}

/** The time of a question: the host's clock, unless the program gave one. */
export interface Asked {
  readonly now: number;
  readonly given: boolean;
}

/** The time of a question. */
export function asked(now: Time | undefined): Asked {
  return { now: seconds(now), given: now !== undefined };
}

/** Options with a time. */
export function timed(options: { now?: Time } | undefined): string {
  return json({ ...options, now: seconds(options?.now) }, "options");
}

/** Bytes that no other thread writes over while they are read, as it may those of a `SharedArrayBuffer`. */
const own = (bytes: Uint8Array): Uint8Array => (bytes.buffer instanceof ArrayBuffer ? bytes : Uint8Array.from(bytes));

/** A document as bytes in UTF-8: given as such, as a text, or as an object. */
export function bytes(document: unknown, name: string): Uint8Array {
  if (document instanceof Uint8Array) return own(document);
  if (document instanceof ArrayBuffer) return new Uint8Array(document);
  return new TextEncoder().encode(typeof document === "string" ? text(document, name) : json(document, name));
}

/** A document as a text. */
export function body(document: unknown, name: string): string {
  if (typeof document === "string") return text(document, name);
  if (document instanceof Uint8Array || document instanceof ArrayBuffer) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(document);
    } catch (thrown) {
      throw misuse("call.type", `\`${name}\` must be UTF-8`, thrown);
    }
  }
  return json(document, name);
}

/** Ids: one by one, or packed into bytes of UTF-8 with a line end between two; no bytes at all are no id. */
export type Ids = readonly string[] | Uint8Array;

/** Ids, packed, and how many there are where that is known. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly count: number | undefined;
}

/**
 * Ids as one array of bytes: a hundred times cheaper than one crossing each. An
 * id that has a line end or no form in UTF-8 is no id of anything; the empty
 * text, which is none either, stands for it.
 */
export function packed(ids: Ids, name: string): Packed {
  if (ids instanceof Uint8Array) return { bytes: own(ids), count: undefined };
  if (!Array.isArray(ids)) throw misuse("call.type", `\`${name}\` must be an array of strings, or a \`Uint8Array\` of packed ids`);
  let all = ids.join("\n");
  let lines = ids.length === 0 ? 0 : 1;
  for (let at = all.indexOf("\n"); at !== -1; at = all.indexOf("\n", at + 1)) lines++;
  if (lines !== ids.length || !wellFormed(all) || !ids.every((id) => typeof id === "string")) {
    all = ids
      .map((id, place) => {
        if (typeof id !== "string") throw misuse("call.type", `\`${name}[${place}]\` must be a string`);
        return id.includes("\n") || !wellFormed(id) ? "" : id;
      })
      .join("\n");
  }
  // Alone, the empty text would be no bytes, and no bytes are no id.
  const alone = ids.length === 1 && all === "";
  return { bytes: toUtf8.encode(alone ? "\0" : all), count: ids.length };
}

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** What is known of a filtered list. */
export interface Filtered {
  /** For each id, in the order given: 1 where it is allowed, else 0. */
  readonly mask: Uint8Array;
  /** How many are allowed. */
  readonly allowed: number;
  /** How many were dropped, by the code of the first reason that dropped them. */
  readonly dropped: { readonly [reason: string]: number };
}

/** A mask, its summary behind it and the length of that in four bytes, taken apart. */
export function filtered(answer: Uint8Array, ids: Packed): Filtered {
  const end = answer.length - 4;
  const count = end - new DataView(answer.buffer, answer.byteOffset).getUint32(end, true);
  if (ids.count !== undefined && ids.count !== count) {
    throw new DeputizeError({ kind: "internal", code: "internal", message: `${ids.count} ids have ${count} answers` });
  }
  const { allowed, dropped } = JSON.parse(fromUtf8.decode(answer.subarray(count, end)));
  return { mask: answer.slice(0, count), allowed, dropped };
}
