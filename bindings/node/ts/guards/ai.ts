// The AI SDK (`ai`) 6 and 7: its tools, guarded. It is not imported.

import type { WhoIn } from "./identity.js";
import { GUARDING, type Guarding, Judge, type Rule, type Ruling, denied, told } from "./rule.js";
import { type Options, misuse, strict } from "./strict.js";

export { ANY, type Audience, type Credential, Identity, type PolicySource, type Who, type WhoIn } from "./identity.js";
export type { Guarding, Need, Rule, Ruling } from "./rule.js";

/** Where a tool is called. */
export interface Place {
  readonly tool: string;
  /** The SDK's `experimental_context` in version 6, the tool's `context` in 7. */
  readonly context: unknown;
}

export interface ToolGuarding<Tools> extends Guarding {
  /** Who asks: the same for all calls, or found in the context of each. */
  readonly who: WhoIn<Place>;
  /** What each tool needs. */
  readonly rules: { readonly [Name in keyof Tools]: Rule<InputOf<Tools[Name]>> };
  /**
   * Whether a human, as the host itself knows, has approved of this very call:
   * look it up by its id and compare the input. With it, the messages have no
   * say; without it an approval is what the messages say, which is right only
   * where whoever sends them is the one to be asked.
   */
  readonly approved?: (call: ApprovedCall) => boolean | Promise<boolean>;
}

/** A call of which a human is to approve, with the input as the tool would get it. */
export interface ApprovedCall extends Place {
  readonly toolCallId: string | undefined;
  readonly input: unknown;
}

const OPTIONS: Options<ToolGuarding<unknown>> = { ...GUARDING, who: "any", rules: "any", approved: "function" };

/** A tool's input. */
export type InputOf<T> = T extends { execute?: infer Execute } ? FirstOf<NonNullable<Execute>> : never;
type FirstOf<F> = [F] extends [never] ? never : F extends (input: infer Input, ...more: never[]) => unknown ? Input : never;

/** As much of a tool as is needed. */
// What tools take and give is theirs.
type AnyTool = { execute?: ((input: any, options: any) => any) | undefined; needsApproval?: any; onInputAvailable?: any; onInputStart?: any; onInputDelta?: any };

/** What a human is asked, or told, about a call: the SDK's `ToolApprovalStatus` (version 7). */
export type Approval = { type: "not-applicable" } | { type: "denied"; reason: string } | { type: "user-approval"; reason: string };

/** A call about which `toolApproval` is asked (version 7). */
export interface ApprovalCall {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
  readonly toolsContext?: unknown;
  readonly messages: readonly unknown[];
}

export interface Guarded<Tools> {
  /** The tools. Each call is decided on when it is about to run: what is denied throws, which the model gets as the tool's error. */
  readonly tools: Tools;
  /** For version 7's option of this name: what is denied is not even tried, and a human is asked with a reason. */
  readonly toolApproval: (call: ApprovalCall) => Promise<Approval>;
  /** For the option of this name: the tools that the caller may call, as things stand. */
  activeTools(context?: unknown): (keyof Tools & string)[];
}

/**
 * Guards tools.
 *
 * @throws {DeputizeError} of the kind `misuse`: a tool runs elsewhere, where nothing here can stop it.
 */
export function guardTools<Tools extends { [name: string]: AnyTool }>(tools: Tools, options: ToolGuarding<Tools>): Guarded<Tools> {
  strict<ToolGuarding<unknown>>(options, "a guard of tools", OPTIONS);
  const judge = new Judge<Place>(options, options.who, options.rules);
  const { approved } = options;
  const wrapped = Object.entries(tools).map(([name, tool]): [string, AnyTool] => {
    const { execute, needsApproval } = tool;
    if (execute === undefined) {
      if (judge.knows(name) && options.rules[name] === "any-caller") return [name, tool];
      throw misuse(`\`${name}\` has no \`execute\`: it runs elsewhere, where it cannot be guarded`);
    }
    return [
      name,
      {
        ...tool,
        needsApproval: async (input: unknown, given: Given) => {
          const { outcome } = judge.look(name, input, place(name, given));
          return outcome === "ask" || (outcome === "allow" && (await itself(needsApproval, input, given)));
        },
        // As it is, not a promise of it: what it gives may be a stream.
        execute: (input: unknown, given: Given) => {
          const here = place(name, given);
          const go = (ruling: Ruling): unknown => {
            const seen = judge.seen(ruling);
            if (seen.outcome !== "allow") throw denied(seen);
            return execute.call(tool, input, given);
          };
          const ruling = judge.look(name, input, here, approved === undefined && isApproved(given));
          if (ruling.outcome !== "ask" || approved === undefined) return go(ruling);
          const call = { ...here, toolCallId: given?.toolCallId, input };
          // What was approved of is asked again: rights may have ended in the meantime.
          return Promise.resolve(approved(call)).then((said) => ended(go(said === true ? judge.look(name, input, here, true) : ruling)));
        },
        ...inputCallbacks(tool, (input, given) => judge.look(name, input, place(name, given)).outcome !== "deny"),
      },
    ];
  });
  return {
    tools: Object.fromEntries(wrapped) as Tools,
    async toolApproval({ toolCall, toolsContext, messages }) {
      const { toolName, toolCallId, input } = toolCall;
      const context =
        typeof toolsContext === "object" && toolsContext !== null && Object.hasOwn(toolsContext, toolName)
          ? (toolsContext as { [name: string]: unknown })[toolName]
          : undefined;
      const ruling = judge.look(toolName, input, { tool: toolName, context });
      // What goes on is seen when it does.
      if (ruling.outcome === "deny") return { type: "denied", reason: told(judge.seen(ruling)) };
      const tool = Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
      const asks = ruling.outcome === "ask" || (await itself(tool?.needsApproval, input, { toolCallId, messages, context }));
      return asks ? { type: "user-approval", reason: `\`${toolName}\` needs approval` } : { type: "not-applicable" };
    },
    activeTools: (context) => judge.shown(Object.keys(tools), (tool) => ({ tool, context })),
  };
}

/** What a stream ends with; anything else as it is. */
async function ended(result: unknown): Promise<unknown> {
  const given = await result;
  if (typeof given !== "object" || given === null || !(Symbol.asyncIterator in given)) return given;
  let last: unknown;
  for await (const one of given as AsyncIterable<unknown>) last = one;
  return last;
}

/**
 * A tool's callbacks about its input, which the SDK calls before the tool: none
 * hears of an input that is denied, nor of parts of one, on which nothing can
 * be ruled.
 */
function inputCallbacks({ onInputAvailable }: AnyTool, allowed: (input: unknown, given: Given) => boolean): Partial<AnyTool> {
  const available = (given: Given & { readonly input?: unknown }): unknown => (allowed(given.input, given) ? onInputAvailable(given) : undefined);
  return { ...(onInputAvailable !== undefined && { onInputAvailable: available }), onInputStart: undefined, onInputDelta: undefined };
}

/** What the SDK gives beside the input. */
interface Given {
  readonly toolCallId?: string;
  readonly messages?: readonly unknown[];
  readonly experimental_context?: unknown;
  readonly context?: unknown;
}

const place = (tool: string, given: Given | undefined): Place => ({ tool, context: given?.experimental_context ?? given?.context });

/** Whether a tool's own setting asks for approval. */
const itself = async (setting: unknown, input: unknown, given: Given): Promise<boolean> =>
  typeof setting === "function" ? (await setting(input, given)) !== false : setting === true;

/** Whether the messages hold a human's approval of this call. */
function isApproved(given: Given | undefined): boolean {
  const parts = (given?.messages ?? []).flatMap((message) => {
    const content = (message as { content?: unknown } | null)?.content;
    return Array.isArray(content) ? (content as Part[]) : [];
  });
  const requests = parts.filter(
    ({ type, isAutomatic, toolCallId }) =>
      type === "tool-approval-request" && isAutomatic !== true && toolCallId !== undefined && toolCallId === given?.toolCallId,
  );
  return requests.some((request) =>
    parts.some(({ type, approvalId, approved }) => type === "tool-approval-response" && approvalId === request.approvalId && approved === true),
  );
}

interface Part {
  readonly type: string;
  readonly toolCallId?: string;
  readonly approvalId?: string;
  /** Version 7: no human was asked. */
  readonly isAutomatic?: boolean;
  readonly approved?: boolean;
}
