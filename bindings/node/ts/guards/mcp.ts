// Servers of the Model Context Protocol: `@modelcontextprotocol/sdk` 1 and
// `@modelcontextprotocol/server` 2. Neither is imported, so that either will do.

import { type Caller, DeputizeError } from "deputize";

import { type Credential, Identity, type PolicySource, misuse } from "./identity.js";
import { type Guarding, Judge, type Rules, type Ruling, told } from "./rule.js";

export { type ResourceMetadata, type ResourceOptions, resourceMetadata } from "./http.js";
export { type Credential, Identity, type PolicySource, type Who } from "./identity.js";
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
  /** The server's identifier, which tokens must name as their audience. */
  readonly audience: string;
  /** The SDK's own error of a token that is not accepted: `InvalidTokenError` in 1, `OAuthError` with `InvalidToken` in 2. */
  readonly invalidToken: (message: string) => Error;
}

/** Identities of tokens that have been verified here. */
const verified = new WeakMap<object, Identity>();

/** An `OAuthTokenVerifier` for the SDKs' `requireBearerAuth`. */
export function tokenVerifier({ policy, audience, invalidToken }: VerifierOptions): { verifyAccessToken(token: string): Promise<AuthInfo> } {
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
export function authInfo(identity: Identity, token: string, audience: string): AuthInfo {
  const info = identity.ask((caller): AuthInfo => {
    const resource = URL.canParse(audience) ? { resource: new URL(audience) } : {};
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

export interface ToolGuarding extends Guarding {
  /** The server's identifier, which tokens must name as their audience. */
  readonly audience: string;
  /** What each tool needs. */
  readonly rules: Rules;
  /** Who asks where the transport brings no token, as with stdio. Without it, nobody does. */
  readonly who?: Credential | Caller | Identity;
}

type Handler = (...given: unknown[]) => unknown;
type Updates = { readonly callback?: Handler };

/** As much of a low-level `Server` as is needed, whatever its version's overloads are. */
interface LowLevel {
  setRequestHandler: Handler;
  assertCanSetRequestHandler(method: string): void;
}

/** As much of an `McpServer` as is needed. */
interface HighLevel {
  readonly server: LowLevel;
  registerTool: Handler;
  /** Version 1 alone has it. */
  tool?: Handler;
}

/** What a handler is given beside its request, in either version. */
interface Extra {
  readonly authInfo?: AuthInfo;
  readonly http?: { readonly authInfo?: AuthInfo };
  /** Version 2 alone has it. */
  readonly mcpReq?: unknown;
}

type ToolRequest = { readonly params: { readonly name: string; readonly arguments?: unknown } };
type Listed = { readonly tools: readonly { readonly name: string }[] };

/**
 * Guards a server's tools: each call is decided on, with the arguments as the
 * tool gets them, and a tool that a caller may not call is not shown to it.
 * What is registered without a rule is neither shown nor called. To be called
 * before any tool is registered, on a server whose options declare no
 * `capabilities.tools` (an `McpServer` declares them with its first tool).
 * Resources and prompts are not guarded.
 *
 * @param server An `McpServer`, or a low-level `Server`, whose tools get their arguments unvalidated.
 * @throws {DeputizeError} of the kind `misuse`.
 */
export function guardTools<S extends { registerTool: unknown; server: object } | { setRequestHandler: unknown; registerTool?: never }>(
  server: S,
  options: ToolGuarding,
): S {
  const { policy, audience, rules, who } = options;
  if (typeof audience !== "string" || audience === "") throw misuse("a guard needs the `audience` of its server");
  const find = (extra: Extra): Identity | undefined => {
    const info = extra.authInfo ?? extra.http?.authInfo;
    // Whoever verified it may have been set up for another server, or with a policy of yesterday.
    if (info !== undefined) return verified.get(info)?.under(policy, audience) ?? Identity.of(policy, { token: info.token, audience });
    return who === undefined ? undefined : (local ??= Identity.of(policy, who));
  };
  let local: Identity | undefined;
  const judge = new Judge<Extra>(options, find, rules);
  const high = "registerTool" in server ? (server as unknown as HighLevel) : undefined;
  const low = high?.server ?? (server as unknown as LowLevel);
  for (const method of ["tools/list", "tools/call"]) {
    try {
      low.assertCanSetRequestHandler(method);
    } catch {
      throw misuse("`guardTools` must be called before any tool is registered, on a server whose options declare no `capabilities.tools`");
    }
  }
  /** The tools whose calls are ruled on with validated arguments. */
  const guarded = new Set<string>();
  /** Whether a tool is being registered: the handlers that are set then are the SDK's own. */
  let registering = false;

  const register = (original: Handler) =>
    function (this: unknown, ...given: unknown[]): unknown {
      const [name] = given;
      const act = given.at(-1);
      if (typeof name !== "string" || typeof act !== "function") return original.apply(this, given);
      const wrap = (act: Handler): Handler =>
        function (this: unknown, ...called) {
          const [extra, args] = [called.at(-1) as Extra, called.length > 1 ? called[0] : {}];
          const ruling = judge.rule(name, args, extra);
          return ruling.outcome === "allow" ? act.apply(this, called) : result(ruling);
        };
      registering = true;
      let tool: { update?: (updates: Updates) => unknown };
      try {
        tool = original.apply(this, [...given.slice(0, -1), wrap(act as Handler)]) as typeof tool;
      } finally {
        registering = false;
      }
      guarded.add(name);
      const update = tool.update?.bind(tool);
      if (update !== undefined) {
        tool.update = ({ callback, ...rest }) => update({ ...rest, ...(callback !== undefined && { callback: wrap(callback) }) });
      }
      return tool;
    };
  if (high !== undefined) {
    high.registerTool = register(high.registerTool);
    if (high.tool !== undefined) high.tool = register(high.tool);
  }

  const set = low.setRequestHandler.bind(low);
  low.setRequestHandler = (...given: unknown[]) => {
    const method = methodOf(given[0]);
    const handle = given.at(-1) as Handler;
    const others = given.slice(0, -1);
    if (method.startsWith("tools/") && others.length !== 1) throw misuse(`\`${method}\` cannot be guarded with a schema of its own`);
    // Any other handler gets its arguments unvalidated, and is ruled on with those.
    const own = registering;
    if (method === "tools/list") {
      set(...others, async (request: unknown, extra: Extra) => {
        const listed = (await handle(request, extra)) as Listed;
        const tools = listed.tools.filter(({ name }) => (!own || guarded.has(name)) && judge.shows(name, extra));
        // The next one to ask may see others.
        return { ...listed, tools, ...(extra.mcpReq !== undefined && { cacheScope: "private" }) };
      });
    } else if (method === "tools/call") {
      set(...others, (request: ToolRequest, extra: Extra) => {
        const { name } = request.params;
        if (!own) {
          const ruling = judge.rule(name, request.params.arguments ?? {}, extra);
          return ruling.outcome === "allow" ? handle(request, extra) : result(ruling);
        }
        // The SDK reads the arguments, and the tool's own callback is ruled on with what it is given.
        return guarded.has(name) && judge.knows(name) ? handle(request, extra) : result(judge.refuse(name));
      });
    } else {
      set(...given);
    }
  };
  return server;
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
