// A Worker in front of an API: it knows who calls and on whose behalf, and lets
// pass what the policy allows. Everything that fails is refused.

import { AUTHZEN, answerAuthZen } from "./authzen.js";
import { type Config, ConfigError, type Env } from "./config.js";
import { type Gate, admit, openGate, takePolicy } from "./gate.js";
import { note } from "./log.js";
import { METADATA_PATH, PROOF_ALGORITHMS, Refusal } from "./refusal.js";
import { SCOPES, questionOf, readPath } from "./routes.js";
import { TOKEN_PATH, answerExchange } from "./token.js";
import { passOn } from "./upstream.js";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    let gate: Gate | undefined;
    try {
      gate = await openGate(env);
      return await answer(gate, request, env, ctx);
    } catch (thrown) {
      return refused(thrown).answer(gate?.config);
    }
  },
} satisfies ExportedHandler<Env>;

async function answer(gate: Gate, request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const path = readPath(request.url);
  if (path === METADATA_PATH) return metadata(gate.config, request.method);
  const method = Object.hasOwn(AUTHZEN, path) ? AUTHZEN[path] : undefined;
  const question = method === undefined && path !== TOKEN_PATH ? questionOf(request.method, path) : undefined;

  using lease = await takePolicy(gate, env, ctx);
  if (method !== undefined) return await answerAuthZen(gate, lease, request, path, method);
  if (question === undefined) return await answerExchange(gate, lease.policy, request, path);
  const { caller, record } = await admit(gate, lease.policy, request, path, question);
  caller.free();
  return await passOn(request, env, path, record);
}

/** What clients need to know to get a token (RFC 9728 §2). */
function metadata({ resource, authorizationServers }: Config, method: string): Response {
  if (method !== "GET" && method !== "HEAD") throw new Refusal(405, "edge.method", { headers: { allow: "GET, HEAD" } });
  const document = {
    resource,
    authorization_servers: authorizationServers,
    scopes_supported: SCOPES,
    bearer_methods_supported: ["header"],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
  };
  return Response.json(document, { headers: { "cache-control": "public, max-age=300" } });
}

/** What is not foreseen is an error of our own, and is told to the log alone. */
function refused(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const reason = thrown instanceof ConfigError ? "edge.config" : "edge.internal";
  note({ event: "error", reason, message: String(thrown) });
  return new Refusal(500, reason);
}
