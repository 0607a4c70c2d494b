// Servers of the Model Context Protocol: `@modelcontextprotocol/sdk` 1 and
// `@modelcontextprotocol/server` 2. Neither is imported, so that either will do.

import { type Caller, DeputizeError } from "deputize";

import { type Audience, type Credential, Identity, type PolicySource, asked, audienceOf, policySource } from "./identity.js";
import { GUARDING, type Guarding, Judge, type Need, type Rules, type Ruling, told } from "./rule.js";
import { type Options, misuse, strict } from "./strict.js";

export { type ResourceMetadata, type ResourceOptions, resourceMetadata } from "./http.js";
export { ANY, type Audience, type Credential, Identity, type PolicySource, type Who } from "./identity.js";
export type { Guarding, Need, Rule, Rules, Ruling } from "./rule.js";

/** What the SDKs hand on of a token: their `AuthInfo`. */
export interface AuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  expiresAt?: number;
  resource?: URL;
  extra?: Record<string, unknown>;
}

export interface VerifierOptions {
  /** The policy in force. */
  readonly policy: PolicySource;
  /** The server's identifier, which tokens must name as their audience; `ANY`: one of their issuer's. */
  readonly audience: Audience;
  /** The SDK's own error of a token that is not accepted: `InvalidTokenError` in 1, `OAuthError` with `InvalidToken` in 2. */
  readonly invalidToken: (message: string) => Error;
}

/** Identities of tokens that have been verified here. */
const verified = new WeakMap<object, Identity>();

/** An `OAuthTokenVerifier` for the SDKs' `requireBearerAuth`. */
export function tokenVerifier(options: VerifierOptions): { verifyAccessToken(token: string): Promise<AuthInfo> } {
  strict<VerifierOptions>(options, "a verifier of tokens", { policy: "any", audience: "any", invalidToken: "sync" });
  const { policy, audience, invalidToken } = options;
  policySource(policy);
  audienceOf(audience);
  if (invalidToken === undefined) throw misuse("a verifier of tokens needs to be told of the SDK's `invalidToken`");
  return {
    async verifyAccessToken(token) {
      try {
        return authInfo(await Identity.verify(policy, { token, audience }), token, audience);
      } catch (thrown) {
        // Anything else, and a policy that is stale, is an error of the server.
        const ours = !(thrown instanceof DeputizeError) || thrown.kind !== "denied" || thrown.code === "snapshot.stale";
        throw ours ? thrown : invalidToken(thrown.code);
      }
    },
  };
}

/**
 * What the SDKs are to hand on of a caller that something else has
 * authenticated, e.g. `deputize/express` with its DPoP proofs.
 */
export function authInfo(identity: Identity, token: string, audience: Audience): AuthInfo {
  const info = identity.ask((caller): AuthInfo => {
    const { audience: named } = asked(audience);
    const resource = named !== undefined && URL.canParse(named) ? { resource: new URL(named) } : {};
    const expiresAt = caller.until === null ? {} : { expiresAt: caller.until };
    return { token, clientId: caller.actor, scopes: scopeNames(caller), ...expiresAt, ...resource };
  });
  verified.set(info, identity);
  return info;
}

/** The names of a token's scopes, whichever claims they came in. */
function scopeNames(caller: Caller): string[] {
  const names = Object.values(caller.scopes ?? {}).flatMap((said) => (typeof said === "string" ? said.split(" ") : Array.isArray(said) ? said : []));
  return names.filter((name): name is string => typeof name === "string" && name !== "");
}

/** What reading a resource is decided on. */
export interface ResourceArgs {
  /** Its URI, in the one form in which it is also read. */
  readonly uri: string;
}

export interface ToolGuarding extends Guarding {
  /** The server's identifier, which tokens must name as their audience; `ANY`: one of their issuer's. */
  readonly audience: Audience;
  /** What each tool needs. */
  readonly rules: Rules;
  /** What a resource needs to be listed, read or subscribed to, by its URI. Without it, none is. */
  readonly resources?: Need<ResourceArgs> | "any-caller";
  /** What each prompt needs, by its name, with its arguments. A prompt that is not named here is neither listed nor given. */
  readonly prompts?: Rules;
  /** What other methods need, e.g. `completion/complete`, with their parameters. One that is not named here is denied. */
  readonly methods?: Rules;
  /** Who asks where there is no HTTP and so no token, as with stdio. Without it, nobody does. */
  readonly who?: Credential | Caller | Identity;
}

const OPTIONS: Options<ToolGuarding> = {
  ...GUARDING,
  audience: "any",
  rules: "any",
  resources: "any",
  prompts: "any",
  methods: "any",
  who: "any",
};

type Handler = (...given: unknown[]) => unknown;
type Handle = (request: Request, extra: Extra) => unknown;
type Updates = { readonly callback?: unknown };
type Params = { readonly [name: string]: unknown };

/** As much of a request as is needed. */
interface Request {
  readonly method: string;
  readonly params?: Params;
}

/** As much of a low-level `Server` as is needed, whatever its version's overloads are. */
interface LowLevel {
  setRequestHandler: Handler;
  assertCanSetRequestHandler(method: string): void;
  fallbackRequestHandler?: Handle | undefined;
  _requestHandlers?: unknown;
}

/** As much of an `McpServer` as is needed; version 1 alone has the last three. */
interface HighLevel {
  readonly server: LowLevel;
  registerTool: Handler;
  registerPrompt?: Handler;
  tool?: Handler;
  prompt?: Handler;
  readonly experimental?: { readonly tasks?: { registerToolTask?: Handler } };
}

/** What a handler is given besides its request, in either version. */
interface Extra {
  readonly authInfo?: AuthInfo;
  readonly sessionId?: string;
  /** Version 1: the HTTP request. */
  readonly requestInfo?: unknown;
  /** Version 2: the HTTP request. */
  readonly http?: { readonly authInfo?: AuthInfo };
  /** Version 2 alone has it. */
  readonly mcpReq?: unknown;
}

type ToolRequest = { readonly params: { readonly name: string; readonly arguments?: unknown } };
type Listed = { readonly tools: readonly { readonly name: string }[] };

/** Methods that say nothing of what a server has. */
const OPEN: ReadonlySet<string> = new Set(["initialize", "ping", "server/discover", "logging/setLevel"]);

/** How many tasks are remembered; the oldest are forgotten, and denied from then on. */
const TASKS = 10_000;

/**
 * Guards a server: each call of a tool is decided on, with the arguments as the
 * tool gets them, and a tool that a caller may not call is not shown to it; the
 * same for resources and prompts. Whatever has no rule is neither shown nor
 * called, be it a tool or a method. A task is whoever's who started it, as long
 * as its tool may be called. To be called before any tool or prompt is
 * registered, on a server whose options declare no `capabilities.tools` (an
 * `McpServer` declares them with its first tool).
 *
 * @param server An `McpServer`, or a low-level `Server`, whose tools get their arguments unvalidated.
 * @throws {DeputizeError} of the kind `misuse`.
 */
export function guardTools<S extends { registerTool: unknown; server: object } | { setRequestHandler: unknown; registerTool?: never }>(
  server: S,
  options: ToolGuarding,
): S {
  strict<ToolGuarding>(options, "a guard of an MCP server", OPTIONS);
  const find = finder(options);
  const judges: Judges = {
    tools: new Judge<Extra>(options, find, options.rules),
    prompts: new Judge<Extra>(options, find, options.prompts ?? {}),
    resources: new Judge<Extra>(options, find, options.resources === undefined ? {} : { [RESOURCE]: shown(options.resources) }),
    methods: new Judge<Extra>(options, find, options.methods ?? {}),
  };
  const high = "registerTool" in server ? (server as unknown as HighLevel) : undefined;
  const low = high?.server ?? (server as unknown as LowLevel);
  for (const method of ["tools/list", "tools/call"]) {
    try {
      low.assertCanSetRequestHandler(method);
    } catch {
      throw misuse("`guardTools` must be called before any tool is registered, on a server whose options declare no `capabilities.tools`");
    }
  }
  const guard = new ServerGuard(judges, find, high !== undefined);
  guard.takeOver(low);
  if (high !== undefined) guard.takeOverHigh(high);
  return server;
}

/** Under this name stands the one rule of all resources. */
const RESOURCE = "resource";

/** Whether a resource is listed is asked of each by its URI: templates are shown to whoever is known. */
const shown = (rule: Need<ResourceArgs> | "any-caller"): Need<ResourceArgs> | "any-caller" =>
  rule === "any-caller" || rule.visible !== undefined || !("resource" in rule) || typeof rule.resource === "string" ? rule : ({ ...rule, visible: () => true } as Need<ResourceArgs>);

/** Finds who asks. Whoever stands in where there is no HTTP answers no HTTP request, with or without a token. */
function finder({ policy, audience, who }: ToolGuarding): (extra: Extra) => Identity | undefined {
  audienceOf(audience);
  policySource(policy);
  const local = who === undefined ? undefined : Identity.of(policy, who);
  return (extra) => {
    const info = extra.authInfo ?? extra.http?.authInfo;
    // Whoever verified it may have been set up for another server, or with a policy of yesterday.
    if (info !== undefined) return verified.get(info)?.under(policy, audience) ?? Identity.of(policy, { token: info.token, audience });
    const http = extra.requestInfo !== undefined || extra.http !== undefined || extra.sessionId !== undefined;
    return http ? undefined : local;
  };
}

type Judges = { readonly [of in "tools" | "prompts" | "resources" | "methods"]: Judge<Extra> };

/** A task that a tool has started. */
interface Task {
  readonly tool: string;
  readonly args: unknown;
  readonly owner: string;
}

class ServerGuard {
  readonly #judges: Judges;
  readonly #find: (extra: Extra) => Identity | undefined;
  readonly #isHigh: boolean;
  /** The tools and prompts whose calls are ruled on with validated arguments. */
  readonly #guarded = { tools: new Set<string>(), prompts: new Set<string>() };
  /** Whether something is being registered: the handlers that are set then are the SDK's own. */
  #registering = false;
  /** Methods with handlers that are not the SDK's own. */
  readonly #foreign = new Set<string>();
  readonly #tasks = new Map<string, Task>();

  constructor(judges: Judges, find: (extra: Extra) => Identity | undefined, isHigh: boolean) {
    this.#judges = judges;
    this.#find = find;
    this.#isHigh = isHigh;
  }

  /** Stands before each of a server's handlers: those that are there, those to come, and the one for all others. */
  takeOver(low: LowLevel): void {
    const handlers = low._requestHandlers;
    if (!(handlers instanceof Map)) throw misuse("this version of the SDK cannot be guarded: its handlers are not where they are known to be");
    const gate = (method: string, handle: Handle): Handle => this.#gate(method, handle);
    low._requestHandlers = new (class extends Map<string, Handle> {
      override get(method: string): Handle | undefined {
        const handle = super.get(method);
        return handle && gate(method, handle);
      }
    })(handlers as Map<string, Handle>);
    let fallback = low.fallbackRequestHandler;
    Object.defineProperty(low, "fallbackRequestHandler", {
      configurable: true,
      get: () => fallback && ((request: Request, extra: Extra) => this.#gate(request.method, fallback!)(request, extra)),
      set: (handle: Handle | undefined) => {
        fallback = handle;
      },
    });
    const set = low.setRequestHandler.bind(low);
    low.setRequestHandler = (...given: unknown[]) => this.#set(set, given);
  }

  /** Rules on what is registered with what its callback is given. */
  takeOverHigh(high: HighLevel): void {
    const { tools, prompts } = this.#guarded;
    high.registerTool = this.#register(high.registerTool, this.#judges.tools, tools);
    if (high.tool !== undefined) high.tool = this.#register(high.tool, this.#judges.tools, tools);
    if (high.registerPrompt !== undefined) high.registerPrompt = this.#register(high.registerPrompt, this.#judges.prompts, prompts);
    if (high.prompt !== undefined) high.prompt = this.#register(high.prompt, this.#judges.prompts, prompts);
    const tasks = high.experimental?.tasks;
    if (tasks?.registerToolTask !== undefined) tasks.registerToolTask = this.#register(tasks.registerToolTask, this.#judges.tools, tools);
  }

  #register(original: Handler, judge: Judge<Extra>, guarded: Set<string>): Handler {
    const guard = this;
    return function (this: unknown, ...given: unknown[]): unknown {
      const [name] = given;
      const act = given.at(-1);
      if (typeof name !== "string") throw misuse("what is registered needs a name");
      guard.#registering = true;
      let made: { update?: (updates: Updates) => unknown };
      try {
        made = original.apply(this, [...given.slice(0, -1), guard.#wrap(name, act, judge)]) as typeof made;
      } finally {
        guard.#registering = false;
      }
      guarded.add(name);
      const update = made.update?.bind(made);
      if (update !== undefined) {
        made.update = ({ callback, ...rest }) => update({ ...rest, ...(callback !== undefined && { callback: guard.#wrap(name, callback, judge) }) });
      }
      return made;
    };
  }

  /** A callback, or a handler of tasks, that is ruled on with what it is given. */
  #wrap(name: string, act: unknown, judge: Judge<Extra>): unknown {
    if (typeof act === "function") return this.#ruled(name, act as Handler, judge, judge === this.#judges.tools ? result : refuse);
    const { createTask } = (act ?? {}) as { createTask?: unknown };
    if (typeof createTask !== "function") throw misuse(`what \`${name}\` does cannot be guarded: it is no function`);
    const create = this.#ruled(name, createTask.bind(act) as Handler, judge, refuse);
    const guard = this;
    const starting = async function (...called: unknown[]): Promise<unknown> {
      const started = (await create(...called)) as { task?: { taskId?: unknown } };
      guard.#remember(started?.task?.taskId, { tool: name, args: argsOf(called), owner: guard.#owner(called.at(-1) as Extra) });
      return started;
    };
    return Object.create(act as object, { createTask: { value: starting } });
  }

  #ruled(name: string, act: Handler, judge: Judge<Extra>, denial: (ruling: Ruling) => unknown): Handler {
    return function (this: unknown, ...called: unknown[]) {
      const ruling = judge.rule(name, argsOf(called), called.at(-1) as Extra);
      return ruling.outcome === "allow" ? act.apply(this, called) : denial(ruling);
    };
  }

  /** Sets a handler; those of tools are given what the SDK has read. */
  #set(set: Handler, given: unknown[]): void {
    const method = methodOf(given[0]);
    const own = this.#registering;
    if (own) this.#foreign.delete(method);
    else this.#foreign.add(method);
    if (method !== "tools/list" && method !== "tools/call") {
      set(...given);
      return;
    }
    const handle = given.at(-1) as Handler;
    const others = given.slice(0, -1);
    if (others.length !== 1) throw misuse(`\`${method}\` cannot be guarded with a schema of its own`);
    const judge = this.#judges.tools;
    if (method === "tools/list") {
      set(...others, async (request: unknown, extra: Extra) => {
        const listed = (await handle(request, extra)) as Listed;
        const may = new Set(judge.shown(listed.tools.map(({ name }) => name).filter((name) => !own || this.#guarded.tools.has(name)), () => extra));
        return forOne({ ...listed, tools: listed.tools.filter(({ name }) => may.has(name)) }, extra);
      });
      return;
    }
    set(...others, (request: ToolRequest, extra: Extra) => {
      const { name } = request.params;
      if (!own) {
        const ruling = judge.rule(name, request.params.arguments ?? {}, extra);
        return ruling.outcome === "allow" ? handle(request, extra) : result(ruling);
      }
      // The SDK reads the arguments, and the tool's own callback is ruled on with what it is given.
      return this.#guarded.tools.has(name) && judge.knows(name) ? handle(request, extra) : result(judge.refuse(name));
    });
  }

  #gate(method: string, handle: Handle): Handle {
    if (OPEN.has(method) || method === "tools/list" || method === "tools/call") return handle;
    const { methods } = this.#judges;
    if (methods.knows(method)) {
      return (request, extra) => (allows(methods.rule(method, request.params ?? {}, extra)), handle(request, extra));
    }
    const way = WAYS[method];
    if (way === undefined) return () => refuse(methods.refuse(method));
    return async (request, extra) => this[way](request, extra, handle);
  }

  async listResources(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    const judge = this.#judges.resources;
    if (judge.shown([RESOURCE], () => extra).length === 0) return forOne({ resources: [] }, extra);
    const listed = (await handle(request, extra)) as { readonly resources: readonly { readonly uri: string }[] };
    const may = ({ uri }: { uri: string }): boolean => judge.look(RESOURCE, { uri: canonical(uri) ?? uri }, extra).outcome === "allow";
    return forOne({ ...listed, resources: listed.resources.filter(may) }, extra);
  }

  async listTemplates(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    if (this.#judges.resources.shown([RESOURCE], () => extra).length === 0) return forOne({ resourceTemplates: [] }, extra);
    return forOne((await handle(request, extra)) as object, extra);
  }

  async readResource(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    const uri = canonical(request.params?.["uri"]);
    if (uri === undefined) return refuse(this.#judges.resources.refuse(request.method));
    allows(this.#judges.resources.rule(RESOURCE, { uri }, extra));
    return forOne((await handle({ ...request, params: { ...request.params, uri } }, extra)) as object, extra);
  }

  async unsubscribe(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    this.#owner(extra);
    return handle({ ...request, params: { ...request.params, uri: canonical(request.params?.["uri"]) } }, extra);
  }

  async listPrompts(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    const listed = (await handle(request, extra)) as { readonly prompts: readonly { readonly name: string }[] };
    const names = listed.prompts.map(({ name }) => name).filter((name) => this.#foreignTo("prompts/get") || this.#guarded.prompts.has(name));
    const may = new Set(this.#judges.prompts.shown(names, () => extra));
    return forOne({ ...listed, prompts: listed.prompts.filter(({ name }) => may.has(name)) }, extra);
  }

  async getPrompt(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    const name = String(request.params?.["name"]);
    const judge = this.#judges.prompts;
    if (this.#foreignTo(request.method)) allows(judge.rule(name, request.params?.["arguments"] ?? {}, extra));
    else if (!this.#guarded.prompts.has(name) || !judge.knows(name)) refuse(judge.refuse(name));
    return handle(request, extra);
  }

  async ownTask(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    this.#task(request.params?.["taskId"], request.method, extra);
    return handle(request, extra);
  }

  async listTasks(request: Request, extra: Extra, handle: Handle): Promise<unknown> {
    const owner = this.#owner(extra);
    const listed = (await handle(request, extra)) as { readonly tasks: readonly { readonly taskId: string }[] };
    return forOne({ ...listed, tasks: listed.tasks.filter(({ taskId }) => this.#tasks.get(taskId)?.owner === owner) }, extra);
  }

  /** A task whose owner still may call its tool, or a denial. */
  #task(id: unknown, method: string, extra: Extra): void {
    const owner = this.#owner(extra);
    const task = typeof id === "string" ? this.#tasks.get(id) : undefined;
    if (task?.owner !== owner) refuse(this.#judges.methods.refuse(method));
    // One who has started it may always end it.
    else if (method !== "tasks/cancel") allows(this.#judges.tools.rule(task.tool, task.args, extra));
  }

  #remember(id: unknown, task: Task): void {
    if (typeof id !== "string") return;
    this.#tasks.set(id, task);
    for (const oldest of this.#tasks.keys()) {
      if (this.#tasks.size <= TASKS) break;
      this.#tasks.delete(oldest);
    }
  }

  /** Who asks, as a name: the parties and their tenant. @throws where nobody does. */
  #owner(extra: Extra): string {
    const identity = this.#find(extra);
    if (identity === undefined) throw new Refused("guard.no_caller", "this");
    return identity.ask(({ chain, tenant }) => JSON.stringify([chain.map(({ principal }) => principal), tenant]));
  }

  #foreignTo(method: string): boolean {
    return !this.#isHigh || this.#foreign.has(method);
  }
}

/** How methods are guarded that are neither tools nor named by the host. */
const WAYS: { readonly [method: string]: "listResources" | "listTemplates" | "readResource" | "unsubscribe" | "listPrompts" | "getPrompt" | "ownTask" | "listTasks" } = {
  __proto__: null as never,
  "resources/list": "listResources",
  "resources/templates/list": "listTemplates",
  "resources/read": "readResource",
  "resources/subscribe": "readResource",
  "resources/unsubscribe": "unsubscribe",
  "prompts/list": "listPrompts",
  "prompts/get": "getPrompt",
  "tasks/get": "ownTask",
  "tasks/result": "ownTask",
  "tasks/cancel": "ownTask",
  "tasks/list": "listTasks",
};

const argsOf = (called: readonly unknown[]): unknown => (called.length > 1 ? called[0] : {});

/** A URI in one form, which is also the one that is read. */
const canonical = (uri: unknown): string | undefined => (typeof uri === "string" && URL.canParse(uri) ? new URL(uri).href : undefined);

/** What is found for one caller: the next one to ask may see others. */
const forOne = (found: object, extra: Extra): object => ({ ...found, ...(extra.mcpReq !== undefined && { cacheScope: "private" }) });

/** A denial as the SDKs answer with it. */
class Refused extends Error {
  /** JSON-RPC's `Invalid Request`: MCP has no code of its own. */
  readonly code = -32600;
  readonly data: { readonly "deputize/code": string };

  constructor(code: string, what: string) {
    super(told({ tool: what, code }));
    this.data = { "deputize/code": code };
  }
}

function refuse({ code, tool }: Ruling): never {
  throw new Refused(code, tool);
}

/** Goes on where a call is allowed. @throws {Refused} where it is not. */
function allows(ruling: Ruling): void {
  if (ruling.outcome !== "allow") refuse(ruling);
}

/** The method that a handler is set for: version 2 says it, version 1 gives the schema of its requests. */
function methodOf(given: unknown): string {
  if (typeof given === "string") return given;
  const literal = (given as Partial<{ shape: { method?: { value?: unknown } } }>)?.shape?.method?.value;
  if (typeof literal !== "string") throw misuse("the method of a request handler cannot be told from its schema");
  return literal;
}

/** What the model gets in place of the tool's result. */
function result(ruling: Ruling): object {
  return { isError: true, content: [{ type: "text", text: told(ruling) }], _meta: { "deputize/code": ruling.code } };
}
