// The OpenAI Agents SDK (`@openai/agents`): its tools, guarded. It is not
// imported.

import type { WhoIn } from "./identity.js";
import { GUARDING, type Guarding, Judge, type Rules, type Ruling, denied, told } from "./rule.js";
import { type Options, misuse, strict } from "./strict.js";

export { ANY, type Audience, type Credential, Identity, type PolicySource, type Who, type WhoIn } from "./identity.js";
export type { Guarding, Need, Rule, Rules, Ruling } from "./rule.js";

export interface ToolGuarding<Context> extends Guarding {
  /** Who asks: the same in all runs, or found in a run's own context. */
  readonly who: WhoIn<Context>;
  /** What each tool needs. */
  readonly rules: Rules;
}

const OPTIONS: Options<ToolGuarding<unknown>> = { ...GUARDING, who: "any", rules: "any" };

/** As much of a run's context as is needed. */
export interface Run<Context> {
  context: Context;
  isToolApproved?(approval: { toolName: string; callId: string }): boolean | undefined;
}

/** The SDK's `ToolInputGuardrailDefinition`. */
export interface InputGuardrail<Context> {
  type: "tool_input";
  name: string;
  run: (data: {
    context: Run<Context>;
    toolCall: { name: string; arguments: string };
  }) => Promise<{ outputInfo?: { code: string }; behavior: { type: "allow" } | { type: "rejectContent"; message: string } }>;
}

/** As much of what `tool` takes as is needed. What tools take and give is theirs. */
interface ToolOptions {
  readonly name?: string;
  readonly parameters?: unknown;
  readonly execute: (input: any, ...more: any[]) => unknown;
  readonly outputSchema?: unknown;
  readonly needsApproval?: unknown;
  readonly isEnabled?: unknown;
  readonly inputGuardrails?: readonly unknown[];
}

export interface Guard<Context> {
  /**
   * What `tool` takes, guarded: decided on when it is about to run, with the
   * arguments as it gets them; shown to whoever may call it; a human is asked
   * where its rule says so.
   */
  tool<Options extends ToolOptions>(options: Options): Options;
  /** For tools that are made elsewhere: what is denied is told to the model in place of a result. It gets the arguments as the model wrote them, and asks no human. */
  readonly inputGuardrail: InputGuardrail<Context>;
  /** For the option of this name: whether a run's caller may call a tool, as things stand. The SDK ends a run whose model calls one that is not enabled. */
  isEnabled(tool: string): (given: { runContext: Run<Context> }) => Promise<boolean>;
}

/** What the SDK gives a tool beside its input. */
type Details = { readonly toolCall?: { readonly callId?: string } } | undefined;

/** Guards tools. @throws {DeputizeError} of the kind `misuse`. */
export function guardTools<Context = unknown>(options: ToolGuarding<Context>): Guard<Context> {
  strict<ToolGuarding<Context>>(options, "a guard of tools", OPTIONS as Options<ToolGuarding<Context>>);
  const judge = new Judge<Context>(options, options.who, options.rules);

  /**
   * @param parse What the tool makes of the model's text.
   * @param last Whether nothing rules on the call after this.
   */
  const guardrail = (parse: (text: string) => unknown, last: boolean): InputGuardrail<Context> => ({
    type: "tool_input",
    name: "deputize",
    run: async ({ context, toolCall }) => {
      const { name, arguments: text } = toolCall;
      let ruling: Ruling;
      try {
        ruling = judge.look(name, await parse(text), context.context);
      } catch (error) {
        ruling = judge.failed(name, error);
      }
      // What goes on is seen when it does.
      if (last || ruling.outcome === "deny") ruling = judge.seen(ruling);
      if (ruling.outcome === "allow" || (ruling.outcome === "ask" && !last)) return { behavior: { type: "allow" } };
      return { outputInfo: { code: ruling.code }, behavior: { type: "rejectContent", message: told(ruling) } };
    },
  });
  const isEnabled = (tool: string) => async (given: { runContext: Run<Context> }) => judge.shows(tool, given.runContext.context);

  return {
    inputGuardrail: guardrail(JSON.parse, true),
    isEnabled,
    tool(given) {
      const { name, parameters, execute, needsApproval, isEnabled: enabled = true, inputGuardrails = [] } = given;
      if (name === undefined) throw misuse("a guarded tool needs a `name`");
      return {
        ...given,
        inputGuardrails: [guardrail(parser(parameters), false), ...inputGuardrails],
        isEnabled: async (place: { runContext: Run<Context> }) =>
          (await isEnabled(name)(place)) && (typeof enabled === "function" ? (await enabled(place)) === true : enabled === true),
        needsApproval: async (run: Run<Context>, input: unknown, ...more: unknown[]) => {
          if (judge.look(name, input, run.context).outcome === "ask") return true;
          return typeof needsApproval === "function" ? (await needsApproval(run, input, ...more)) !== false : needsApproval === true;
        },
        execute: (input: unknown, run: Run<Context>, details: Details, ...more: unknown[]) => {
          const callId = details?.toolCall?.callId;
          const approved = callId !== undefined && run?.isToolApproved?.({ toolName: name, callId }) === true;
          const ruling = judge.rule(name, input, run?.context, approved);
          if (ruling.outcome === "allow") return execute(input, run, details, ...more);
          // What is thrown is not told to the model, but need not fit a schema.
          if (given.outputSchema === undefined) return told(ruling);
          throw denied(ruling);
        },
      };
    },
  };
}

/** What a tool with these parameters makes of the model's text. */
function parser(parameters: unknown): (text: string) => unknown {
  if (parameters === undefined) return (text) => text;
  const parse = (parameters as { parseAsync?: unknown } | null)?.parseAsync;
  return typeof parse === "function" ? (text) => parse.call(parameters, JSON.parse(text)) : JSON.parse;
}
