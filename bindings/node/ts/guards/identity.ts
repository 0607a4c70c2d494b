// Who asks, over the time of a run: the token or the chain is kept, and asked
// as it is now, of the policy that is in force now.

import { type Asking, type Caller, type CallerOptions, type Context, type Decision, type Policy, type Tuple, type VerifyOptions } from "deputize";

import { type Options, atOnce, misuse, refusal, strict } from "./strict.js";

/** Any audience that the token's issuer lists: said out loud, since an audience that is forgotten would mean it quietly. */
export const ANY: unique symbol = Symbol.for("deputize.any");

/** Who is asked: tokens must name this audience, or, with {@link ANY}, one of their issuer's `audiences`. */
export type Audience = string | typeof ANY;

/** The policy in force: one, what gives the current one, or what has it as its `policy` (a `Source`), so that another can take its place in the midst of a run. */
export type PolicySource = Policy | (() => Policy) | { readonly policy: Policy };

type Presented = Omit<VerifyOptions, "audience"> & { readonly audience: Audience };

/** What says who asks: a token, tokens that prove a chain, or principals (`type:id`) that the host vouches for; and what came with it. */
export type Credential =
  | (Presented & { readonly token: string })
  | (Presented & { readonly tokens: readonly string[] })
  | (CallerOptions & { readonly chain: string | readonly string[] });

/** Who asks. Each question goes to the policy in force: what a `Caller` was made from is looked at again, once that is another. */
export type Who = Credential | Caller | Identity;

/** Who asks: given, or found in what a framework hands to its tools. Where nothing is found, nothing is allowed. */
export type WhoIn<Place> = Who | ((place: Place) => Who | undefined);

/** The policy that is in force. @throws what its source throws; {@link DeputizeError} where that gives no policy. */
export function inForce(source: PolicySource): Policy {
  const policy: unknown = isPolicy(source) ? source : typeof source === "function" ? atOnce(source(), "`policy`") : source?.policy;
  if (!isPolicy(policy)) throw misuse("`policy` must be a `Policy`, a function that gives one, or have one as its `policy`");
  return policy;
}

/** Whether a value is a policy, of this copy of the class or of another. */
const isPolicy = (value: unknown): value is Policy =>
  typeof value === "object" && value !== null && ["verify", "verifyAsync", "caller", "decide"].every((name) => typeof (value as Plain)[name] === "function");

type Plain = { readonly [name: string]: unknown };

/** Reads what is to say which policy is in force. @throws {DeputizeError} of the kind `misuse`. */
export function policySource(source: unknown): void {
  // A source is not asked yet: it may be stale, and come back.
  const may = typeof source === "function" || isPolicy(source) || (typeof source === "object" && source !== null && "policy" in source);
  if (!may) throw misuse("a guard needs a `policy`: a `Policy`, a function that gives one, or a source of one");
}

/** Reads an audience. @throws {DeputizeError} of the kind `misuse`: there is none. */
export function audienceOf(audience: unknown): Audience {
  if (audience === ANY || (typeof audience === "string" && audience !== "")) return audience as Audience;
  throw misuse("an `audience` must be said, or `ANY` for any that the token's issuer lists");
}

/** An audience as the policy takes it. */
export const asked = (audience: Audience): { audience?: string } => (typeof audience === "string" ? { audience } : {});

/** The mark of an identity, the same in every copy of this file that a program may hold. */
const MARK = Symbol.for("deputize.identity");

/** Who asks, kept over time: each question is asked now, so that expiry, staleness and a new snapshot count. */
export class Identity {
  readonly #source: PolicySource;
  readonly #credential: Credential | undefined;
  /** A caller that was given in place of a credential: its host's own. */
  readonly #kept: Caller | undefined;
  readonly #elsewhere = new WeakMap<object, Identity>();
  #made: Made | undefined;

  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  /** Whether a value is an identity, of this copy of the class or of another, as `import` and `require` make side by side. */
  static [Symbol.hasInstance](value: unknown): value is Identity {
    return typeof value === "object" && value !== null && MARK in value;
  }

  private constructor(source: PolicySource, who: Credential | Caller, made?: Made) {
    this.#source = source;
    if (isCaller(who)) this.#kept = who;
    else this.#credential = who;
    this.#made = made;
  }

  /**
   * Who this is. What proves it is looked at when something is asked.
   *
   * @throws {DeputizeError} `guard.no_caller`: it is nobody.
   */
  static of(source: PolicySource, who: Who | undefined): Identity {
    if (who === undefined || who === null) throw refusal("guard.no_caller", "nothing says who asks");
    if (who instanceof Identity) return who.under(source);
    return new Identity(source, isCaller(who) ? who : presented(who));
  }

  /**
   * As {@link Identity.of} a token, which is looked at here, with `verifyAsync`.
   *
   * @throws {DeputizeError} of the kind `denied`.
   */
  static async verify(source: PolicySource, who: Presented & { readonly token: string }): Promise<Identity> {
    const policy = inForce(source);
    const credential = presented(who);
    const { token, audience, ...options } = credential;
    return new Identity(source, credential, { policy, caller: await policy.verifyAsync(token, { ...options, ...asked(audience) }) });
  }

  /** The same, asked of another source of policies; presented for an audience, where one is given. */
  under(source: PolicySource, audience?: Audience): Identity {
    const credential = this.#credential;
    const stays = audience === undefined || credential === undefined || "chain" in credential || credential.audience === audience;
    if (stays) {
      if (source === this.#source) return this;
      const known = this.#elsewhere.get(source);
      if (known !== undefined) return known;
    }
    const there = new Identity(source, this.#kept ?? ({ ...credential, ...(!stays && { audience }) } as Credential));
    if (stays) this.#elsewhere.set(source, there);
    return there;
  }

  /**
   * The same, with contextual tuples besides its own: what chunks say of their own readers, say. They come from the host.
   *
   * @throws {DeputizeError} of the kind `input`: one cannot stand.
   */
  beside(tuples: readonly Tuple[]): Identity {
    const credential = this.#credential;
    if (credential === undefined) return new Identity(this.#source, this.#kept!.withTuples(tuples));
    return new Identity(this.#source, { ...credential, contextual_tuples: [...(credential.contextual_tuples ?? []), ...tuples] });
  }

  /**
   * Asks the caller as it is now; it is gone after that.
   *
   * @throws {DeputizeError} of the kind `denied`: it has expired, or the policy is stale or accepts it no longer.
   */
  ask<T>(question: (caller: Caller) => T): T {
    const caller = this.#current().at();
    try {
      return question(caller);
    } finally {
      caller.free();
    }
  }

  /**
   * The caller as it is now, which is the one who gets it's to free.
   *
   * @throws {DeputizeError} as {@link Identity.ask}.
   */
  caller(): Caller {
    return this.#current().at();
  }

  /**
   * Decides now. Whatever is wrong with the caller is a decision that denies, with its record, wherever there can be one.
   *
   * @throws {DeputizeError} where there can be none, which is a denial too.
   */
  decide(action: string, resource: string, context?: Context): Decision {
    let caller: Caller;
    try {
      caller = this.caller();
    } catch (thrown) {
      const decision = this.#refused(action, resource, context);
      if (decision === undefined || decision.allowed) throw thrown;
      return decision;
    }
    try {
      return caller.decide(action, resource, context);
    } finally {
      caller.free();
    }
  }

  #current(): Caller {
    const policy = inForce(this.#source);
    if (policy !== this.#made?.policy) {
      const caller = this.#kept === undefined ? accept(policy, this.#credential!) : this.#kept.under(policy);
      this.#made?.caller.free();
      this.#made = { policy, caller };
    }
    return this.#made.caller;
  }

  #refused(action: string, resource: string, context: Context | undefined): Decision | undefined {
    if (this.#credential === undefined) return undefined;
    const { asking, options } = taken(this.#credential);
    const question = { action, resource, ...(context && { context }) };
    return inForce(this.#source).decide(asking, question, { ...options, now: new Date() });
  }
}

/** Whether a value is a caller, of this copy of the class or of another. */
export const isCaller = (value: object): value is Caller =>
  ["at", "decide", "under"].every((name) => typeof (value as { [name: string]: unknown })[name] === "function");

/** A caller, and the policy that it was made from. */
interface Made {
  readonly policy: Policy;
  readonly caller: Caller;
}

const OF_ALL = { context: "any", contextual_tuples: "any", now: "any", scopes: "any", task: "any", tenant: "any" } as const;
const OF_TOKENS = { ...OF_ALL, audience: "any", certificate: "any", dpop: "any" } as const;

/** A credential, read strictly, with the time at which it was presented: the proof that came with a token is as old whenever it is looked at again. */
function presented<C extends Credential>(credential: C): C {
  const ways = ["token", "tokens", "chain"].filter((way) => way in credential);
  if (ways.length !== 1) throw misuse("who asks must be said by a `token`, by `tokens`, by a `chain`, or be a `Caller` or an `Identity`");
  const [way] = ways;
  const options = way === "chain" ? { ...OF_ALL, chain: "any" } : { ...OF_TOKENS, ...(way === "token" ? { token: "any" } : { tokens: "texts" }) };
  strict<unknown>(credential, "who asks", options as Options<unknown>);
  if (!("chain" in credential)) audienceOf((credential as Presented).audience);
  return { ...credential, now: credential.now ?? new Date() };
}

/** What asks, and what came with it. */
function taken(credential: Credential): { asking: Asking; options: VerifyOptions } {
  if ("chain" in credential) {
    const { chain, ...options } = credential;
    return { asking: { chain: typeof chain === "string" ? [chain] : [...chain] }, options };
  }
  const { audience, ...others } = credential;
  if ("token" in others) {
    const { token, ...options } = others;
    return { asking: { token }, options: { ...options, ...asked(audience) } };
  }
  const { tokens, ...options } = others;
  return { asking: { tokens: [...tokens] }, options: { ...options, ...asked(audience) } };
}

function accept(policy: Policy, credential: Credential): Caller {
  const { asking, options } = taken(credential);
  if ("token" in asking) return policy.verify(asking.token, options);
  if ("tokens" in asking) return policy.verifyChain(asking.tokens, options);
  return policy.caller(asking.chain, options);
}
