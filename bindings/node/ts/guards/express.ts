// Express 5: middleware that says who calls, and what a route needs. It is not
// imported, and whatever calls middleware as it does will do.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Caller } from "deputize";

import { type Authentication, Gate, type Refusal, isRefusal } from "./http.js";
import type { Identity } from "./identity.js";
import { Judge, type Need } from "./rule.js";
import { misuse } from "./strict.js";

export { type Authentication, type DpopOptions, type Problem, type ResourceMetadata, type ResourceOptions, resourceMetadata } from "./http.js";
export { ANY, type Audience, Identity, type PolicySource } from "./identity.js";
export type { Ruling } from "./rule.js";

declare global {
  // What Express's own types leave open for middleware to add to.
  namespace Express {
    interface Request {
      /** Who calls, as of now. */
      caller?: Caller;
      /** Who calls, for what goes on: an agent's run, a stream. */
      identity?: Identity;
    }
  }
}

/** A request, as much as is needed of Express's. */
export interface Request extends IncomingMessage {
  originalUrl?: string;
  protocol?: string;
  params?: unknown;
  caller?: Caller;
  identity?: Identity;
}

export type Middleware = (request: Request, response: ServerResponse, next: (error?: unknown) => void) => Promise<void>;

export interface Guard {
  /** Lets nobody through that the policy does not accept. */
  readonly authenticate: Middleware;
  /** Lets through whoever may do an action on a resource, `type:id` or a path, in which `{name}` is the route's parameter of that name; comes after `authenticate`. */
  permit<R extends Request>(
    action: string,
    resource: string | ((request: R) => string),
  ): (request: R, response: ServerResponse, next: (error?: unknown) => void) => void;
}

/** Guards routes. @throws {DeputizeError} of the kind `misuse`. */
export function guardRoutes(options: Authentication): Guard {
  const gate = new Gate(options);
  return {
    async authenticate(request, response, next) {
      const authorization = values(request, "authorization");
      const dpop = values(request, "dpop");
      const origin = `${request.protocol ?? "http"}://${request.headers.host ?? ""}`;
      const admitted = await gate.admit({
        authorization,
        dpop,
        method: request.method ?? "",
        origin,
        path: request.originalUrl ?? request.url ?? "",
      });
      if (isRefusal(admitted)) return answer(response, admitted);
      request.identity = admitted;
      request.caller = admitted.caller();
      next();
    },
    permit(action, resource) {
      const rule: Need<any> = typeof resource === "string" ? { action, resource } : { action, resource, visible: () => true };
      const judge = new Judge<Identity>(options, (identity) => identity, { route: rule });
      return (request, response, next) => {
        if (request.identity === undefined) throw misuse("`permit` comes after `authenticate`");
        const { outcome, code } = judge.rule("route", typeof resource === "string" ? request.params : request, request.identity);
        if (outcome !== "allow") return answer(response, gate.forbid(code));
        next();
      };
    },
  };
}

/** A header's values, each as often as it came. Serverless hosts hand over requests of their own, which have no distinct headers. */
function values({ headers, headersDistinct }: Request, name: string): readonly string[] {
  const distinct = headersDistinct?.[name];
  if (distinct !== undefined) return distinct;
  const joined = headers[name];
  return typeof joined === "string" ? joined.split(",") : (joined ?? []);
}

function answer(response: ServerResponse, { status, headers, problem }: Refusal): void {
  response.writeHead(status, headers).end(JSON.stringify(problem));
}
