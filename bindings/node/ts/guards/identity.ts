// Who asks, over the time of a run: the token or the chain is kept, and asked
// as it is now, of the policy that is in force now.

import { type Asking, type Caller, type CallerOptions, type Context, type Decision, DeputizeError, type Policy, type VerifyOptions } from "deputize";

/** The policy in force: one, or what gives the current one, so that another can take its place in the midst of a run. */
export type PolicySource = Policy | (() => Policy);

/** What says who asks: a token, tokens that prove a chain, or principals (`type:id`) that the host vouches for; and what came with it. */
export type Credential =
  | (VerifyOptions & { readonly token: string })
  | (VerifyOptions & { readonly tokens: readonly string[] })
  | (CallerOptions & { readonly chain: string | readonly string[] });

/** Who asks. A `Caller` stays with the policy that it came from; with the others each question goes to the policy in force. */
export type Who = Credential | Caller | Identity;

/** Who asks: given, or found in what a framework hands to its tools. Where nothing is found, nothing is allowed. */
export type WhoIn<Place> = Who | ((place: Place) => Who | undefined);

/** A guard's own refusals, beside the reasons of decisions. */
export type GuardCode = "guard.no_caller" | "guard.no_rule" | "guard.no_resource" | "guard.hidden" | "guard.not_approved" | "guard.error";

/** A refusal of a guard. */
export function refusal(code: GuardCode, message: string, cause?: unknown): DeputizeError {
  return new DeputizeError({ kind: "denied", code, message }, { cause });
}

/** An error of whoever set a guard up. */
export function misuse(message: string): DeputizeError {
  return new DeputizeError({ kind: "misuse", code: "call.options", message });
}

/** The policy that is in force. */
export const inForce = (policy: PolicySource): Policy => (typeof policy === "function" ? policy() : policy);

/** The mark of an identity, the same in every copy of this file that a program may hold. */
const MARK = Symbol.for("deputize.identity");

/** Who asks, kept over time: each question is asked now, so that expiry, staleness and a new snapshot count. */
export class Identity {
  readonly #source: PolicySource;
  readonly #credential: Credential | undefined;
  #made: Made | undefined;

  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  /** Whether a value is an identity, of this copy of the class or of another, as `import` and `require` make side by side. */
  static [Symbol.hasInstance](value: unknown): value is Identity {
    return typeof value === "object" && value !== null && MARK in value;
  }

  private constructor(source: PolicySource, credential: Credential | undefined, made?: Made) {
    this.#source = source;
    this.#credential = credential;
    this.#made = made;
  }

  /**
   * Who this is. What proves it is looked at when something is asked.
   *
   * @throws {DeputizeError} `guard.no_caller`: it is nobody.
   */
  static of(source: PolicySource, who: Who | undefined): Identity {
    if (who === undefined || who === null) throw refusal("guard.no_caller", "nothing says who asks");
    if (who instanceof Identity) return who;
    if (isCaller(who)) return new Identity(source, undefined, { policy: undefined, caller: who });
    return new Identity(source, presented(who));
  }

  /**
   * As {@link Identity.of} a token, which is looked at here, with `verifyAsync`.
   *
   * @throws {DeputizeError} of the kind `denied`.
   */
  static async verify(source: PolicySource, who: VerifyOptions & { readonly token: string }): Promise<Identity> {
    const policy = inForce(source);
    const credential = presented(who);
    const { token, ...options } = credential;
    return new Identity(source, credential, { policy, caller: await policy.verifyAsync(token, options) });
  }

  /** The same, presented where another policy is in force, for an audience; a `Caller` stays with its own. */
  under(source: PolicySource, audience: string): Identity {
    const credential = this.#credential && { ...this.#credential, ...("chain" in this.#credential ? {} : { audience }) };
    return new Identity(source, credential, credential === undefined ? this.#made : undefined);
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
    if (this.#credential === undefined) {
      if (this.#made === undefined) throw refusal("guard.no_caller", "nothing says who asks");
      return this.#made.caller;
    }
    const policy = inForce(this.#source);
    if (policy !== this.#made?.policy) {
      const caller = accept(policy, this.#credential);
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
  ["at", "decide", "delegate"].every((name) => typeof (value as { [name: string]: unknown })[name] === "function");

/** A caller, and the policy that it was made from. */
interface Made {
  readonly policy: Policy | undefined;
  readonly caller: Caller;
}

/** A credential with the time at which it was presented: the proof that came with a token is as old whenever it is looked at again. */
const presented = <C extends Credential>(credential: C): C => ({ ...credential, now: credential.now ?? new Date() });

/** What asks, and what came with it. */
function taken(credential: Credential): { asking: Asking; options: VerifyOptions } {
  if ("token" in credential) {
    const { token, ...options } = credential;
    return { asking: { token }, options };
  }
  if ("tokens" in credential) {
    const { tokens, ...options } = credential;
    return { asking: { tokens: [...tokens] }, options };
  }
  const { chain, ...options } = credential;
  return { asking: { chain: typeof chain === "string" ? [chain] : [...chain] }, options };
}

function accept(policy: Policy, credential: Credential): Caller {
  const { asking, options } = taken(credential);
  if ("token" in asking) return policy.verify(asking.token, options);
  if ("tokens" in asking) return policy.verifyChain(asking.tokens, options);
  return policy.caller(asking.chain, options);
}
