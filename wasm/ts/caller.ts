import { type Asked, type Filtered, type Ids, type Time, asked, filtered, json, packed, seconds, text } from "./arguments.js";
import { type RawCaller, type RawPolicy, call, callerFilterLater, canAtOnce } from "./border.js";
import { misuse } from "./error.js";
import type { Policy } from "./policy.js";
import type * as shapes from "./shapes.js";

/** Values for conditions. */
export type Context = { [name: string]: unknown };

let make: (raw: () => RawCaller) => Caller;

/** A caller around what the module made. @internal */
export function newCaller(raw: () => RawCaller): Caller {
  return make(raw);
}

let rawOf: (policy: Policy) => RawPolicy;

/** Says what is within a policy. @internal */
export function policiesHold(raw: (policy: Policy) => RawPolicy): void {
  rawOf = raw;
}

/**
 * A verified token, or principals that a host vouches for, bound to a policy:
 * ask it many questions. It goes on when its policy is freed.
 */
export class Caller implements Disposable {
  #raw: RawCaller | undefined;
  #description: shapes.CallerDescription | undefined;

  static {
    make = (raw) => new Caller(raw);
  }

  private constructor(raw: () => RawCaller) {
    this.#raw = call(raw);
  }

  /** On whose behalf the caller acts, `type:id`. */
  get subject(): string {
    return this.#describe().subject;
  }

  /** Who acts: the subject itself, where nobody acts for it. */
  get actor(): string {
    return this.#describe().actor;
  }

  /** The parties, subject first, current actor last. */
  get chain(): readonly shapes.Party[] {
    return this.#describe().chain;
  }

  /** The request's tenant. */
  get tenant(): string | null {
    return this.#describe().tenant;
  }

  /** The token's scopes, as the claims that carried them; `null` where there are none or where they are not looked at. */
  get scopes(): { readonly [claim: string]: unknown } | null {
    return this.#describe().scopes;
  }

  /** The time of the request, in seconds since the Unix epoch. */
  get time(): number {
    return this.#describe().time;
  }

  /** The first second, since the Unix epoch, at which the token no longer counts. */
  get until(): number | null {
    return this.#describe().until;
  }

  /** The first second, since the Unix epoch, at which the caller no longer counts: its token, the snapshot or one of its parties has come to its end, or it was kept for as long as one without a token may be. */
  get freshUntil(): number | null {
    return this.#describe().fresh_until;
  }

  /** The DPoP proof that came with the token, which the host should accept only once. */
  get dpop(): shapes.DpopUse | null {
    return this.#describe().dpop;
  }

  /**
   * Whether the caller may do `action` on `resource` (`type:id` or a path).
   * Whatever fails is `false`. Every question is of `now`, the host's clock by
   * default: a caller that was kept for too long may nothing.
   *
   * @throws {DeputizeError} `call.now`, where the caller was given its time and the question is not.
   */
  can(action: string, resource: string, context?: Context, now?: Time): boolean {
    const raw = this.#own();
    if (context === undefined && now === undefined && typeof action === "string" && typeof resource === "string") {
      const answer = canAtOnce(raw, action, resource, seconds(undefined));
      if (answer < 2) return answer === 1;
    }
    return this.#ask("can", [text(action, "action"), text(resource, "resource"), json(context, "context")], now);
  }

  /** As {@link Caller.can}, with the reason. */
  check(action: string, resource: string, context?: Context, now?: Time): shapes.Checked {
    return this.#ask("check", [text(action, "action"), text(resource, "resource"), json(context, "context")], now);
  }

  /** As {@link Caller.can}, with what decided and an audit record. */
  decide(action: string, resource: string, context?: Context, now?: Time): shapes.Decision {
    return this.#ask("decide", [text(action, "action"), text(resource, "resource"), json(context, "context")], now);
  }

  /**
   * Which of these resources the caller may do `action` on. One that is
   * malformed or unknown, or whose check errs, is dropped and counted.
   *
   * @throws {DeputizeError} for what is wrong with the call as a whole: then nothing is allowed.
   */
  filter(action: string, resources: Ids, now?: Time): Filtered {
    const raw = this.#own();
    const ids = packed(resources, "resources");
    const time = asked(now);
    text(action, "action");
    return call(() => filtered(raw.filter(action, ids.bytes, time.now, time.given), ids));
  }

  /** As {@link Caller.filter}, on another thread where the runtime has one to give: worth it from some ten thousand resources on. */
  async filterAsync(action: string, resources: Ids, now?: Time): Promise<Filtered> {
    const raw = this.#own();
    const ids = packed(resources, "resources");
    const time = asked(now);
    text(action, "action");
    return filtered(await callerFilterLater(raw, action, ids.bytes, time), ids);
  }

  /**
   * The objects of a type that the caller may do `action` on: sorted, complete.
   *
   * @throws {DeputizeError} as {@link Caller.filter}; a list that may lack something is none.
   */
  list(action: string, type: string, now?: Time): string[] {
    return this.#ask("list", [text(action, "action"), text(type, "type")], now);
  }

  /**
   * Names under which the subject may stand in an access list that is stored
   * with a chunk: to search with before filtering. They may let through too
   * much, never too little.
   *
   * @throws {DeputizeError} as {@link Caller.filter}.
   */
  terms(action: string, type: string, now?: Time): string[] {
    return this.#ask("terms", [text(action, "action"), text(type, "type")], now);
  }

  /**
   * The caller as it is at a time: seconds since the Unix epoch, or a `Date`;
   * now, by default. What it is asked without a time is asked as of then: ask it
   * at once, and do not keep it.
   *
   * @throws {DeputizeError} of the kind `denied`: it no longer counts, since the token has expired, the snapshot is stale, a party has expired, or it was kept for too long.
   */
  at(now?: Time): Caller {
    const raw = this.#own();
    const time = asked(now);
    return new Caller(() => raw.at(time.now, time.given));
  }

  /**
   * The caller as another policy has it, at a time, now by default: what it was
   * made from is looked at again, as of when that was, its token's signature
   * too. For whoever keeps callers while the policy in force is exchanged.
   *
   * @throws {DeputizeError} of the kind `denied`: as {@link Caller.at}, and whatever that policy refuses it for.
   */
  under(policy: Policy, now?: Time): Caller {
    const raw = this.#own();
    const other = rawOf(policy);
    const time = asked(now);
    return new Caller(() => raw.under(other, time.now, time.given));
  }

  /**
   * The same caller with contextual tuples besides those it has: what a chunk
   * says of its own readers, say. They come from the host.
   *
   * @throws {DeputizeError} of the kind `input`: one cannot stand.
   */
  withTuples(tuples: readonly shapes.Tuple[]): Caller {
    const raw = this.#own();
    const given = json(tuples, "tuples");
    return new Caller(() => raw.withTuples(given));
  }

  /**
   * The claims of the next token, for `actor` (`type:id`), whom the host has
   * authenticated, to act for this caller.
   *
   * @throws {DeputizeError} of the kind `denied`, with `oauthError`.
   */
  delegate(actor: string, wanted?: shapes.WantedToken, now?: Time): shapes.ExchangeClaims {
    return this.#ask("delegate", [text(actor, "actor"), json(wanted, "wanted")], now);
  }

  /** Gives the memory back. Twice is once. */
  free(): void {
    const raw = this.#raw;
    this.#raw = undefined;
    if (raw !== undefined) call(() => raw.free());
  }

  /** {@link Caller.free}, for `using`. */
  [Symbol.dispose](): void {
    this.free();
  }

  #own(): RawCaller {
    if (this.#raw === undefined) throw misuse("call.freed", "the caller was freed");
    return this.#raw;
  }

  #describe(): shapes.CallerDescription {
    this.#own();
    return (this.#description ??= this.#ask<shapes.CallerDescription>("describe", []));
  }

  #ask<T>(method: string, given: string[], now?: Time): T {
    const raw = this.#own();
    const time: Asked = asked(now);
    const answer = call(() => raw.ask(method, JSON.stringify(given), time.now, time.given));
    return JSON.parse(answer);
  }
}
