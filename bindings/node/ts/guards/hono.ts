// Hono 4: middleware that says who calls, and what a route needs.

import type { Caller } from "deputize";
import type { Context, MiddlewareHandler } from "hono";

import { type Authentication, Gate, type Refusal, isRefusal } from "./http.js";
import type { Identity } from "./identity.js";
import { Judge, type Need } from "./rule.js";
import { misuse } from "./strict.js";

export { type Authentication, type DpopOptions, type Problem, type ResourceMetadata, type ResourceOptions, resourceMetadata } from "./http.js";
export { ANY, type Audience, Identity, type PolicySource } from "./identity.js";
export type { Ruling } from "./rule.js";

/** What handlers find with `c.get`. */
export interface Variables {
  /** Who calls, as of now. */
  caller: Caller;
  /** Who calls, for what goes on: an agent's run, a stream. */
  identity: Identity;
}

type Middleware = MiddlewareHandler<{ Variables: Variables }>;

export interface Guard {
  /** Lets nobody through that the policy does not accept. */
  readonly authenticate: Middleware;
  /** Lets through whoever may do an action on a resource, `type:id` or a path, in which `{name}` is the route's parameter of that name; comes after `authenticate`. */
  permit(action: string, resource: string | ((context: Context) => string)): Middleware;
}

/** Guards routes. @throws {DeputizeError} of the kind `misuse`. */
export function guardRoutes(options: Authentication): Guard {
  const gate = new Gate(options);
  return {
    async authenticate(context, next) {
      const { req } = context;
      const values = (name: string): string[] => req.header(name)?.split(",") ?? [];
      const { origin, pathname, search } = new URL(req.url);
      const admitted = await gate.admit({
        authorization: values("authorization"),
        dpop: values("dpop"),
        method: req.method,
        origin,
        path: pathname + search,
      });
      if (isRefusal(admitted)) return answered(admitted);
      context.set("identity", admitted);
      context.set("caller", admitted.caller());
      await next();
    },
    permit(action, resource) {
      const rule: Need<any> = typeof resource === "string" ? { action, resource } : { action, resource, visible: () => true };
      const judge = new Judge<Identity>(options, (identity) => identity, { route: rule });
      return async (context, next) => {
        const identity = context.get("identity");
        if (identity === undefined) throw misuse("`permit` comes after `authenticate`");
        const { outcome, code } = judge.rule("route", typeof resource === "string" ? context.req.param() : context, identity);
        if (outcome !== "allow") return answered(gate.forbid(code));
        await next();
      };
    },
  };
}

const answered = ({ status, headers, problem }: Refusal): Response => new Response(JSON.stringify(problem), { status, headers });
