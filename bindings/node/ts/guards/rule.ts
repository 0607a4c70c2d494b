// What a call of a tool needs, and whether it may go on. All guards of tools
// ask here; whatever fails on the way is a denial.

import { type Caller, type Context, type Decision, DeputizeError, type GuardCode, type Policy } from "deputize";

import { Identity, type PolicySource, type Who, type WhoIn, inForce, policySource } from "./identity.js";
import { type AtOnce, type Options, adrift, atOnce, misuse, refusal, strict } from "./strict.js";

/** One id. A whole number is the text of its digits. */
type Id = string | number | bigint;

/** One resource, or several of which each must be allowed. */
type Some<T> = T | readonly T[];

/** What a tool's call needs: an action on a resource, which its arguments name. */
export type Need<Args> = {
  /** A relation, a permission, or a colon action. */
  readonly action: string;
  /** Values for the policy's conditions. */
  readonly context?: (args: Args) => Context;
  /**
   * When a human is asked about what the policy allows: always; where the
   * caller may not also do the action `unless` on the resource; or as a
   * function says. What the policy denies, nobody is asked about.
   */
  readonly ask?: true | { readonly unless: string } | ((args: Args, caller: Caller) => boolean);
} & (
  | {
      /** `type:id` or a path. A `{name}` in it is the argument of that name, which must be one part of a name. */
      readonly resource: string;
      /** Whether the tool is shown to a caller; by default to whoever may call it, or may do the action on anything of the type. */
      readonly visible?: (caller: Caller) => boolean;
    }
  | {
      /** The type of the resource. */
      readonly type: string;
      /** Its id, one part of a name: the tool's call needs the action on `type:id`. */
      readonly id: (args: Args) => Some<Id>;
      /** Whether the tool is shown to a caller; by default to whoever may do the action on anything of the type. */
      readonly visible?: (caller: Caller) => boolean;
    }
  | {
      /** `type:id` or a path. */
      readonly resource: (args: Args) => Some<string>;
      /** Whether the tool is shown to a caller. */
      readonly visible: (caller: Caller) => boolean;
    }
);

/** What a tool needs; `any-caller`: nothing but a caller that the policy accepts. */
export type Rule<Args> = Need<Args> | "any-caller";

/** What each tool needs, by its name. A tool that is not named here is neither shown nor called. */
// Each tool has arguments of its own.
export type Rules = { readonly [tool: string]: Rule<any> };

/** What came of a call. */
export interface Ruling {
  readonly tool: string;
  /** `ask`: allowed once a human has approved of it. */
  readonly outcome: "allow" | "ask" | "deny";
  /** The reason: a decision's, or the guard's own, which begins with `guard.`. */
  readonly code: string;
  /** The reason in words. It names parties and resources: for logs, not for a model. */
  readonly message: string;
  /** The decisions that were taken, with their audit records. */
  readonly decisions: readonly Decision[];
  /** What was thrown in the midst of it. */
  readonly error?: unknown;
}

/** What all guards of tools are set up with. */
export interface Guarding {
  /** The policy in force. */
  readonly policy: PolicySource;
  /**
   * Sees each ruling before it takes effect, e.g. to keep its records. Where it
   * throws, or gives `false` or a promise, the call is denied: it is to be done
   * when it returns. What takes longer goes to an `Audit`.
   */
  readonly onRuling?: (ruling: Ruling) => AtOnce;
}

/** The options of {@link Guarding}. */
export const GUARDING: Options<Guarding> = { policy: "any", onRuling: "sync" };

/** What a model is told of a denial: not who may, nor what there is. */
export const told = ({ tool, code }: Pick<Ruling, "tool" | "code">): string => `\`${tool}\` is not permitted (${code}).`;

/** A denial as an error. */
export const denied = (ruling: Ruling): DeputizeError =>
  new DeputizeError({ kind: "denied", code: ruling.code, message: told(ruling) }, { cause: ruling.error });

/** Decides about a tool's calls. */
export class Judge<Place> {
  readonly #guarding: Guarding;
  readonly #who: (place: Place) => Who | undefined;
  readonly #rules: Rules;
  /** The policies that the rules were compared with. */
  readonly #looked = new WeakSet<Policy>();

  /** @throws {DeputizeError} of the kind `misuse`: there is no policy, a rule is none, or the policy at hand knows no such action or type. */
  constructor(guarding: Guarding, who: WhoIn<Place> | undefined, rules: Rules) {
    policySource(guarding.policy);
    if (typeof rules !== "object" || rules === null) throw misuse("a guard needs `rules`");
    for (const [tool, rule] of Object.entries(rules)) readRule(tool, rule);
    this.#guarding = guarding;
    // One who is given once is verified once.
    const known = typeof who === "function" || who === undefined ? undefined : Identity.of(guarding.policy, who);
    this.#who = typeof who === "function" ? (place) => atOnce(who(place), "`who`") : () => known;
    // As they are now: what is done to the object later is not read.
    this.#rules = Object.freeze({ ...rules });
    const [unknown] = this.#unknown();
    if (unknown !== undefined) throw misuse(unknown);
  }

  /** What the policy in force does not know of the rules' actions and types, in words; nothing where there is none yet, or it was looked at before. */
  #unknown(): string[] {
    let policy: Policy;
    try {
      policy = inForce(this.#guarding.policy);
    } catch {
      return [];
    }
    if (this.#looked.has(policy)) return [];
    this.#looked.add(policy);
    return Object.entries(this.#rules).flatMap(([tool, rule]) => {
      const type = rule === "any-caller" ? undefined : typeOf(rule);
      const said = rule === "any-caller" || type === undefined ? undefined : unknownIn(policy, rule.action, type);
      return said === undefined ? [] : [`the rule of \`${tool}\` fits no policy like this one: ${said}`];
    });
  }

  /** Whether there is a rule for a tool. */
  knows(tool: string): boolean {
    return Object.hasOwn(this.#rules, tool);
  }

  /** Whether a tool is shown to whoever asks. Whatever fails is `false`. */
  shows(tool: string, place: Place): boolean {
    return this.shown([tool], () => place).length > 0;
  }

  /**
   * Which tools are shown to whoever asks. Whatever fails is not shown; where
   * it is that nobody asks, or one whom the policy does not accept,
   * {@link Guarding.onRuling} sees why, once.
   */
  shown<T extends string>(tools: readonly T[], placeOf: (tool: T) => Place): T[] {
    let told = false;
    return tools.filter((tool) => {
      let identity: Identity;
      try {
        identity = this.#identity(placeOf(tool));
        identity.ask(() => undefined);
      } catch (error) {
        if (!told) this.seen(failed(tools.length === 1 ? tool : "*", [], error));
        told = true;
        return false;
      }
      try {
        const rule = this.#rule(tool);
        return identity.ask((caller) => isShown(rule, caller));
      } catch {
        return false;
      }
    });
  }

  /**
   * Rules on a call that is about to go on, which is what {@link Guarding.onRuling} sees. Never throws.
   *
   * @param args The arguments as the tool will get them.
   * @param approved Whether a human has approved of this very call.
   */
  rule(tool: string, args: unknown, place: Place, approved = false): Ruling {
    return this.seen(this.look(tool, args, place, approved));
  }

  /** What {@link Judge.rule} would say, which nobody sees. */
  look(tool: string, args: unknown, place: Place, approved = false): Ruling {
    // Another policy has taken its place, and what it does not know is denied from now on.
    for (const unknown of this.#unknown()) console.warn(`deputize: ${unknown}`);
    const decisions: Decision[] = [];
    try {
      const { outcome, code, message } = this.#judge(tool, args, place, approved, decisions);
      return { tool, outcome, code, message, decisions };
    } catch (error) {
      return failed(tool, decisions, error);
    }
  }

  /** The ruling on a call on which none can be made. */
  failed(tool: string, error: unknown): Ruling {
    return failed(tool, [], error);
  }

  /** Denies a call of a tool that no rule is about, or none that could be kept. */
  refuse(tool: string): Ruling {
    return this.seen(failed(tool, [], refusal("guard.no_rule", `no rule says what \`${tool}\` needs`)));
  }

  /** Shows a ruling to whoever is to see it, and gives it back; or a denial, where that fails. */
  seen(ruling: Ruling): Ruling {
    try {
      const said: unknown = this.#guarding.onRuling?.(ruling);
      if (said !== false && !adrift(said)) return ruling;
      throw refusal("guard.callback", said === false ? "`onRuling` gave `false`" : "`onRuling` gave a promise, which nobody waits for");
    } catch (error) {
      const { code, message, cause } = asCallback(error);
      return { ...failed(ruling.tool, ruling.decisions, error), code, message, error: cause ?? error };
    }
  }

  #judge(tool: string, args: unknown, place: Place, approved: boolean, decisions: Decision[]): Omit<Ruling, "tool" | "decisions"> {
    const rule = this.#rule(tool);
    const identity = this.#identity(place);
    if (rule === "any-caller") {
      identity.ask(() => undefined);
      return allowed;
    }
    if (rule.visible !== undefined && !identity.ask((caller) => isVisible(rule, caller))) throw refusal("guard.hidden", `\`${tool}\` is not shown to this caller`);
    const resources = named(rule, args);
    const context = atOnce(rule.context?.(args), "`context`");
    for (const resource of resources) {
      const decision = identity.decide(rule.action, resource, context);
      decisions.push(decision);
      if (!decision.allowed) return { outcome: "deny", code: decision.reason, message: decision.message };
    }
    if (approved || !identity.ask((caller) => asks(rule, args, resources, context, caller))) return allowed;
    return { outcome: "ask", code: "guard.not_approved", message: `\`${tool}\` needs a human's approval` };
  }

  #rule(tool: string): Rule<unknown> {
    const rule = this.knows(tool) ? this.#rules[tool] : undefined;
    if (rule === undefined) throw refusal("guard.no_rule", `no rule says what \`${tool}\` needs`);
    return rule;
  }

  #identity(place: Place): Identity {
    return Identity.of(this.#guarding.policy, this.#who(place));
  }
}

/** A callback's failure as a refusal. */
function asCallback(error: unknown): DeputizeError {
  if (error instanceof DeputizeError && error.code === "guard.callback") return error;
  return refusal("guard.callback", "`onRuling` failed", error);
}

const allowed = { outcome: "allow", code: "allowed", message: "allowed" } as const;

function failed(tool: string, decisions: readonly Decision[], error: unknown): Ruling {
  const known = error instanceof DeputizeError;
  const code: string = known ? error.code : ("guard.error" satisfies GuardCode);
  return { tool, outcome: "deny", code, message: known ? error.message : `the decision failed: ${String(error)}`, decisions, error };
}

const NEED: Options<Need<unknown>> = { action: "text", context: "sync", ask: "any", resource: "any", type: "text", id: "sync", visible: "sync" };

/** Reads a rule strictly: where a member is misspelt, more might be allowed than is meant. */
function readRule(tool: string, rule: Rule<any>): void {
  if (rule === "any-caller") return;
  const what = `the rule of \`${tool}\``;
  const { action, resource, type, id, visible, ask } = strict<Need<any>>(rule, what, NEED) as { [Name in Members]?: unknown };
  if (typeof action !== "string") throw misuse(`${what} must have an \`action\``);
  const named = resource === undefined ? type !== undefined && id !== undefined : type === undefined && id === undefined;
  const fits = resource === undefined || typeof resource === "function" || (typeof resource === "string" && resource !== "");
  if (!named || !fits) throw misuse(`${what} must have either a \`resource\`, or a \`type\` and an \`id\``);
  if (typeof resource === "string" && (/[{}]/.test(resource.replace(HOLE, "")) || !WHOLE.test(resource))) {
    throw misuse(`the \`resource\` of ${what} must be like \`type:{name}\`, or a path from \`/\` on`);
  }
  if (typeof resource === "function") {
    strict({ resource }, what, { resource: "sync" });
    if (visible === undefined) throw misuse(`${what} names its resource by a function: it must say who sees the tool, by \`visible\``);
  }
  if (typeof ask === "function") strict({ ask }, what, { ask: "sync" });
  else if (typeof ask === "object" && ask !== null) {
    const { unless } = strict(ask as { unless: string }, `\`ask\` of ${what}`, { unless: "text" });
    if (unless === undefined) throw misuse(`\`ask\` of ${what} must say \`unless\` which action`);
  } else if (ask !== undefined && ask !== true) throw misuse(`\`ask\` of ${what} must be \`true\`, an \`unless\`, or a function`);
}

type Members = Need<any> extends infer T ? (T extends unknown ? keyof T : never) : never;

/** What a rule's own function says of who sees its tool; anything but `true` is a no. */
function isVisible({ visible }: Need<unknown>, caller: Caller): boolean {
  return atOnce<unknown>(visible?.(caller), "`visible`") === true;
}

function isShown(rule: Rule<unknown>, caller: Caller): boolean {
  if (rule === "any-caller") return true;
  if (rule.visible !== undefined) return isVisible(rule, caller);
  const type = typeOf(rule);
  if ("id" in rule || hasHoles(rule)) return type === undefined || listed(caller, rule.action, type);
  return "resource" in rule && typeof rule.resource === "string" && caller.can(rule.action, rule.resource);
}

/** Whether there is something of a type that a caller may do an action on. What cannot be listed for want of context may be allowed in a call. */
function listed(caller: Caller, action: string, type: string): boolean {
  try {
    return caller.list(action, type).length > 0;
  } catch (error) {
    return error instanceof DeputizeError && error.code.startsWith("condition.");
  }
}

/** The type of a rule's resources, where that is known. */
function typeOf(rule: Need<unknown>): string | undefined {
  if ("type" in rule) return rule.type;
  return typeof rule.resource === "string" && !rule.resource.startsWith("/") ? rule.resource.split(":")[0] : undefined;
}

const hasHoles = (rule: Need<unknown>): boolean => "resource" in rule && typeof rule.resource === "string" && rule.resource.search(HOLE) >= 0;

/** The resources that a call is about. @throws {DeputizeError} `guard.no_resource`: there are none. */
function named(rule: Need<unknown>, args: unknown): readonly string[] {
  const said = atOnce<unknown>("type" in rule ? rule.id(args) : typeof rule.resource === "string" ? filled(rule.resource, args) : rule.resource(args), "a rule's function");
  const names = (Array.isArray(said) ? said : [said]).map((name) => ("type" in rule ? partOf(name) : typeof name === "string" && WHOLE.test(name) ? name : ""));
  if (names.length === 0 || names.includes("")) throw refusal("guard.no_resource", "the arguments name no resource");
  return "type" in rule ? names.map((id) => `${rule.type}:${id}`) : names;
}

const HOLE = /\{(\w+)\}/g;
/** What a resource begins with. */
const WHOLE = /^(\/|[^:{}\s]+:.)/;
/** What may stand in a name's part: nothing that would make it another name. */
const PART = /^[^\s:#*/@\p{Cc}]+(@[^\s:#*/@\p{Cc}]+)?$/u;

/** An id that is one part of a name; the empty text where it is none. */
function partOf(id: unknown): string {
  const text = idOf(id);
  return PART.test(text) && text !== "." && text !== ".." ? text : "";
}

/** A resource with arguments in its holes; the empty text where one is no part of a name. */
function filled(resource: string, args: unknown): string {
  let whole = true;
  const text = resource.replace(HOLE, (_, name: string) => {
    const own = typeof args === "object" && args !== null && Object.hasOwn(args, name) ? (args as { [name: string]: unknown })[name] : undefined;
    const part = partOf(own);
    whole &&= part !== "";
    return part;
  });
  return whole ? text : "";
}

/** An id as a text; the empty text where it is none. */
export function idOf(id: unknown): string {
  if (typeof id === "string") return id;
  return typeof id === "bigint" || Number.isSafeInteger(id) ? String(id) : "";
}

/** What a policy does not know of an action on a type, in words. */
export function unknownIn(policy: Policy, action: string, type: string): string | undefined {
  // Entities' permissions and colon actions are not the model's.
  if (type === "entity" || action.includes(":")) return undefined;
  try {
    policy.expand(action, `${type}:x`);
  } catch (error) {
    const codes = ["request.unknown_relation", "request.unknown_type"];
    if (error instanceof DeputizeError && codes.includes(error.code)) return error.message;
  }
  return undefined;
}

function asks(rule: Need<unknown>, args: unknown, resources: readonly string[], context: Context | undefined, caller: Caller): boolean {
  const { ask } = rule;
  if (ask === undefined) return false;
  // Anything but a clear no asks.
  if (typeof ask === "function") return atOnce<unknown>(ask(args, caller), "`ask`") !== false;
  return ask === true || !resources.every((resource) => caller.can(ask.unless, resource, context));
}
