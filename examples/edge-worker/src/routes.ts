// Which action on which resource a request is. What no route is about is
// refused.

import { Refusal } from "./refusal.js";

/** A kind of request and what it takes. */
interface Route {
  readonly methods: readonly string[];
  /** Segments; `:id` stands for any one. */
  readonly path: string;
  readonly action: string;
  /** `type:{id}`, or a path. */
  readonly resource: string;
  /** What clients are told to ask for (RFC 6750 §3); the policy says what it covers. */
  readonly scope: string;
}

const READ = ["GET", "HEAD"];

const ROUTES: readonly Route[] = [
  { methods: READ, path: "/documents/:id", action: "can_read", resource: "document:{id}", scope: "documents:read" },
  { methods: READ, path: "/sections/:id", action: "can_read", resource: "section:{id}", scope: "documents:read" },
  { methods: READ, path: "/calendars/:id", action: "can_read", resource: "calendar:{id}", scope: "calendars:read" },
  { methods: ["PUT"], path: "/accounts/:id/phone", action: "can_change_phone", resource: "account:{id}", scope: "accounts:phone" },
];

/** Who may ask for decisions about others: an access rule on a path says so. */
export const ASK: Question = { action: "authzen:evaluate", resource: "/access/v1/", scope: "authzen:evaluate" };

/** Every scope that a request here may need. */
export const SCOPES: readonly string[] = [...new Set([...ROUTES.map((route) => route.scope), ASK.scope])].sort();

/** What a caller must be allowed. */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly scope: string;
}

/** @throws {Refusal} 404, or 405 with `Allow`. */
export function questionOf(method: string, path: string): Question {
  const segments = path.split("/");
  const here = ROUTES.flatMap((route) => {
    const id = matched(route.path.split("/"), segments);
    return id === undefined ? [] : [{ route, id }];
  });
  if (here.length === 0) throw new Refusal(404, "edge.route_unknown");
  const found = here.find(({ route }) => route.methods.includes(method));
  if (found === undefined) {
    const allow = here.flatMap(({ route }) => route.methods).join(", ");
    throw new Refusal(405, "edge.method", { headers: { allow } });
  }
  const { route, id } = found;
  // A function, because `$&` in a text would stand for something.
  return { action: route.action, resource: route.resource.replace("{id}", () => id), scope: route.scope };
}

/** What `:id` stands for; `undefined` where the path is another one. */
function matched(wanted: readonly string[], given: readonly string[]): string | undefined {
  if (wanted.length !== given.length) return undefined;
  let id = "";
  for (const [place, segment] of given.entries()) {
    if (wanted[place] === ":id") id = segment;
    else if (wanted[place] !== segment) return undefined;
  }
  return id;
}

/**
 * The path of a request's URL, if it can mean one thing only.
 *
 * Whatever a server behind this one might read in another way is refused
 * instead of being made right: dot segments, empty segments (a slash at the end
 * is one), any percent-encoding, backslashes, semicolons. So what was decided
 * is what is asked.
 *
 * @throws {Refusal} 400 with the code that the core has for such paths.
 */
export function readPath(url: string): string {
  const path = /^https?:\/\/[^/?#\\]+(\/[^?#]*)/.exec(url)?.[1];
  if (path === undefined || path.length > 1024) throw new Refusal(400, "path.character");
  if (path.includes("%")) throw new Refusal(400, "path.encoding");
  const segments = path.split("/").slice(1);
  for (const segment of segments) {
    if (segment === "") throw new Refusal(400, "path.empty_segment");
    if (segment === "." || segment === "..") throw new Refusal(400, "path.dot_segment");
    if (!/^[A-Za-z0-9._~-]+$/.test(segment)) throw new Refusal(400, "path.character");
  }
  return path;
}
