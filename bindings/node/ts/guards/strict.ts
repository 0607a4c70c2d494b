// What a guard, a source or an audit is set up with, read strictly: an option
// that is misspelt must not quietly leave a check out. And what a host's own
// functions answer: at once, or within a bound.

import { DeputizeError, type GuardCode, type RetrievalCode, type SourceCode } from "deputize";

/** Codes of what is wrong with a set-up. */
type SetUpCode = Extract<GuardCode | SourceCode | RetrievalCode, `${string}.options`>;

/** A refusal of a guard. */
export function refusal(code: GuardCode, message: string, cause?: unknown): DeputizeError {
  return new DeputizeError({ kind: "denied", code, message }, cause === undefined ? undefined : { cause });
}

/** An error of whoever set something up. */
export function misuse(message: string, code: SetUpCode = "guard.options"): DeputizeError {
  return new DeputizeError({ kind: "misuse", code, message });
}

/** The members of each form of a union. */
type Members<T> = T extends unknown ? keyof T : never;

/** What each option must be. `sync`: a function that answers at once; `function`: one whose promise is awaited. */
export type Options<T> = { readonly [Name in Members<T>]-?: "any" | "text" | "texts" | "flag" | "sync" | "function" };

const KINDS: { readonly [kind: string]: [what: string, is: (value: unknown) => boolean] } = {
  any: ["", () => true],
  text: ["a text that is not empty", (value) => typeof value === "string" && value !== ""],
  texts: ["a list of texts", (value) => Array.isArray(value) && value.every((one) => typeof one === "string")],
  flag: ["`true` or `false`", (value) => typeof value === "boolean"],
  sync: ["a function that is neither `async` nor a generator: it must answer at once", (value) => nameOf(value) === "Function"],
  function: ["a function that is no generator", (value) => nameOf(value) === "Function" || nameOf(value) === "AsyncFunction"],
};

const nameOf = (value: unknown): string => (typeof value === "function" ? Object.prototype.toString.call(value).slice(8, -1) : "");

/**
 * Reads options: an object without a member that is not known, each of its
 * kind. What is `undefined` counts as absent.
 *
 * @throws {DeputizeError} of the kind `misuse`.
 */
export function strict<T>(given: T, what: string, options: Options<T>, code: SetUpCode = "guard.options"): T {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw misuse(`${what} must be an object`, code);
  const known: { readonly [name: string]: string } = options;
  // Those of a prototype are read as well, and count as well.
  for (const name in given) {
    if (!Object.hasOwn(known, name)) throw misuse(`\`${name}\` is no option of ${what}, which are: ${Object.keys(known).join(", ")}`, code);
    const value: unknown = given[name];
    const [must, is] = KINDS[known[name] ?? ""] ?? KINDS["any"]!;
    if (value !== undefined && !is(value)) throw misuse(`\`${name}\` of ${what} must be ${must}`, code);
  }
  return given;
}

/** Reads a number of at least `least`. @throws {DeputizeError} of the kind `misuse`. */
export function number(value: unknown, name: string, least: number, code: SetUpCode = "guard.options"): void {
  if (typeof value !== "number" || !(value >= least)) throw misuse(`\`${name}\` must be a number of ${least} or more`, code);
}

/** What a function that answers at once may give: no promise. */
export type AtOnce = void | null | undefined | boolean | number | string | { readonly then?: never };

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  ((typeof value === "object" && value !== null) || typeof value === "function") && typeof (value as { then?: unknown }).then === "function";

/** Takes note of a promise that nobody waits for: what it rejects with ends no process. */
export function adrift(value: unknown, failed: (error: unknown) => void = () => {}): boolean {
  if (!isPromise(value)) return false;
  Promise.resolve(value).catch(failed);
  return true;
}

/** What a host's function gave at once. @throws {DeputizeError} `guard.error`: it gave a promise. */
export function atOnce<T>(said: T, what: string): T {
  if (adrift(said)) throw refusal("guard.error", `${what} gave a promise, where it must answer at once`);
  return said;
}

/** What a promise gives within so many seconds. @throws what `late` makes, after that. */
export async function within<T>(work: T | PromiseLike<T>, seconds: number, late: () => Error): Promise<Awaited<T>> {
  if (!isPromise(work)) return work as Awaited<T>;
  if (seconds === Infinity) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(seconds * 1000, 2 ** 31 - 1));
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
