// Claims and header, scopes and findings.

import { type Child, type Icon, h, icon, said, sentence, time } from "./dom.js";
import { code } from "./chain.js";
import type { Look } from "./look.js";
import { event, seconds } from "./when.js";

/** What comes first: who, for whom, what for, until when. */
const ORDER = ["iss", "sub", "act", "aud", "scope", "scp", "iat", "nbf", "exp", "jti", "alg", "kid", "typ"];

const MEANINGS: { [claim: string]: string } = {
  iss: "issuer",
  sub: "subject",
  aud: "for whom",
  exp: "end",
  nbf: "not before",
  iat: "issued at",
  jti: "the token’s id",
  act: "who acts",
  may_act: "who may act",
  scope: "scopes",
  scp: "scopes",
  permissions: "scopes",
  authorization_details: "scopes",
  cnf: "whose key it is bound to",
  client_id: "client",
  azp: "client",
  tid: "tenant",
  roles: "roles",
  groups: "groups",
  nonce: "nonce",
  auth_time: "signed in at",
  alg: "algorithm",
  typ: "kind of token",
  kid: "key",
  crit: "needed extensions",
  jwk: "a key it brings",
  jku: "where keys are",
  x5c: "certificates",
};

/** Header or claims as a table. */
export function members(value: unknown, segment: string, now: number): Node[] {
  if (typeof value !== "object" || value === null) {
    const text = decoded(segment);
    const all: Node[] = [h("p", { class: "faint" }, text === "" ? "There is none." : "It could not be read as a JSON object. As text it says:")];
    if (text !== "") all.push(block(text));
    return all;
  }
  const place = ([name]: [string, unknown]) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const entries = Object.entries(value).sort((a, b) => place(a) - place(b));
  const rows = entries.map(([name, content]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("code", {}, said(name)), Object.hasOwn(MEANINGS, name) && h("span", { class: "meaning" }, MEANINGS[name])),
      h("td", {}, ...cell(name, content, now)),
    ),
  );
  if (rows.length === 0) return [h("p", { class: "faint" }, "There are none.")];
  return [h("table", {}, h("tbody", {}, ...rows))];
}

function cell(name: string, content: unknown, now: number): Child[] {
  const at = seconds(name, content);
  if (at !== undefined) {
    const gone = name === "exp" ? Math.trunc(at) <= now : at > now;
    return [h("span", { class: "date" }, time(at, now)), h("span", { class: gone ? "far gone" : "far" }, event(name, at, now)), h("span", { class: "raw" }, String(content))];
  }
  if (typeof content === "string") return [said(content)];
  if (Array.isArray(content) && content.length > 0 && content.every((each) => typeof each === "string")) {
    return [h("ul", { class: "values" }, ...content.slice(0, 50).map((each) => h("li", {}, said(each))), content.length > 50 && h("li", { class: "faint" }, `and ${content.length - 50} more`))];
  }
  if (typeof content === "number" && Number.isInteger(content) && !Number.isSafeInteger(content)) {
    return [said(String(content)), h("span", { class: "faint" }, " about: it has more digits than JavaScript keeps")];
  }
  if (typeof content === "object" && content !== null) return [block(JSON.stringify(content, null, 2))];
  return [said(String(content))];
}

/** A text of many lines, which can be scrolled with the keyboard too. */
function block(text: string): HTMLElement {
  return h("pre", { tabindex: "0", role: "group", "aria-label": "JSON" }, said(text, true));
}

/** A segment's bytes as text, however wrong. */
function decoded(segment: string): string {
  try {
    const bytes = Uint8Array.from(atob(segment.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return segment;
  }
}

const FACES: { [severity: string]: Icon } = { error: "no", warning: "warn", note: "unknown" };

/** What is wrong, or worth a second look. */
export function findings(look: Look): Node[] {
  if (look.findings.length === 0) return [h("p", { class: "faint" }, "Nothing odd was found in the token itself.")];
  const items = look.findings.map(({ severity, code: which, message }) =>
    h("li", { class: severity }, icon(FACES[severity] ?? "warn"), h("span", {}, h("span", { class: "hidden" }, `${severity}: `), sentence(`${message}.`, look.now), " ", code(which))),
  );
  return [h("ul", { class: "findings" }, ...items)];
}

/** Scopes in words. */
export function scopes(look: Look): Node[] {
  if (look.scopes === undefined) return plain(look);
  if (look.scopes.length === 0) {
    const read = look.chain.length > 0;
    return read ? [h("p", { class: "faint" }, "None that narrow: what its parties may do is all that bounds it.")] : plain(look);
  }
  const all: Node[] = [];
  if (look.scopes.length > 1) all.push(h("p", { class: "faint" }, "Each of these lists must cover what is asked."));
  for (const list of look.scopes) {
    if (list.length === 0) {
      all.push(h("p", { class: "warned" }, "No scope at all, which covers nothing."));
      continue;
    }
    const rows = list.map(({ scope, covers }) =>
      h(
        "div",
        {},
        h("dt", {}, h("code", {}, said(scope))),
        ...(covers.length > 0 ? covers.map((words) => h("dd", {}, sentence(words, look.now))) : [h("dd", { class: "faint" }, "nothing that this policy knows of")]),
      ),
    );
    all.push(h("dl", { class: "scopes" }, ...rows));
  }
  return all;
}

/** Without a policy: the names, and no meaning. */
function plain(look: Look): Node[] {
  const claims = (look.claims ?? {}) as { [claim: string]: unknown };
  const texts = [claims.scope, claims.scp].flat().filter((each): each is string => typeof each === "string");
  const names = texts.flatMap((text) => text.split(" ")).filter((each) => each !== "");
  if (names.length === 0) return [h("p", { class: "faint" }, "It claims none.")];
  return [
    h("ul", { class: "chips" }, ...names.slice(0, 100).map((each) => h("li", {}, h("code", {}, said(each))))),
    h("p", { class: "faint" }, "What they cover, a snapshot says."),
  ];
}
