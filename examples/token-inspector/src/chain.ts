// The chain as a picture, and under it the rule of each hop.

import type { Hop, Party } from "@deputize/wasm";

import { type Icon, h, icon, mark, name, said, sentence } from "./dom.js";
import { type Look, named } from "./look.js";
import { draw, grounds } from "./tree.js";

/** A party as it is drawn: `title` is all of its name, `kind` the part before the colon. */
type Drawn = { title: string; kind: string; detail: string | undefined };

/** Who acts for whom. */
export function chain(look: Look): Node[] {
  const own = (look.claims as { iss?: unknown } | null)?.iss;
  const read = look.chain.map((each) => party(each, own));
  const parties = read.length > 0 ? read : named(look.claims).map(({ subject, issuer }, place) => ({ title: subject, kind: "", detail: place === 0 ? undefined : issuer }));
  if (parties.length === 0) return [h("p", { class: "faint" }, "The claims could not be read, so nobody can be named.")];
  const all: Node[] = [];
  if (look.signature?.fits === false) {
    all.push(h("p", { class: "unproved" }, icon("warn"), h("span", {}, "As the token says. Its signature does not hold, so none of it is proved.")));
  }
  all.push(picture(parties, look));
  const told = look.verdict.kind === "refused" && look.verdict.code === look.refusal?.reason;
  if (look.refusal !== undefined && !told) {
    all.push(h("p", { class: "refusal" }, icon("no"), h("span", {}, sentence(`${look.refusal.message}.`, look.now), " ", code(look.refusal.reason))));
  }
  if (look.hops.length > 0) all.push(h("ol", { class: "hops" }, ...look.hops.map((hop) => rule(hop, look.now))));
  if (read.length === 0) {
    const why =
      look.scopes === undefined
        ? "As RFC 8693 reads it: `sub` is the subject, the outermost `act` acts. Which names these are, and whether anyone may hand on to the next, a snapshot says."
        : "As the token names them; the policy did not get as far as to say who they are.";
    all.push(h("p", { class: "faint" }, sentence(why, look.now)));
  } else if (parties.length === 1) {
    all.push(h("p", { class: "faint" }, "Nobody acts for anybody: the subject holds the token itself."));
  }
  return all;
}

/** Who a party is to its issuer is said where its name does not say it. */
function party({ principal, issuer, subject }: Party, own: unknown): Drawn {
  const cut = principal.indexOf(":");
  const known = issuer === own && subject === principal.slice(cut + 1);
  return { title: principal, kind: principal.slice(0, Math.max(0, cut)), detail: known ? undefined : `${subject ?? "?"} of ${issuer ?? "?"}` };
}

/** A principal, which breaks behind its type first. */
function principal({ title, kind }: Drawn): HTMLElement {
  const whole = kind === "" ? "" : `${kind}:`;
  return h("strong", {}, whole !== "" && h("span", { class: "type" }, said(whole)), whole !== "" && h("wbr"), said(title.slice(whole.length)));
}

/** A stable code. */
export function code(text: string): HTMLElement {
  return h("code", { class: "code" }, text);
}

function face(kind: string, first: boolean): Icon {
  if (kind === "user" || (kind === "" && first)) return "person";
  return kind === "service" ? "service" : "agent";
}

function picture(parties: Drawn[], look: Look): HTMLElement {
  const items: HTMLElement[] = [];
  parties.forEach((each, place) => {
    const { title, kind, detail } = each;
    const last = place === parties.length - 1;
    const role = place === 0 ? (last ? "for itself" : "on whose behalf") : last ? "holds the token" : "handed on";
    items.push(
      h(
        "li",
        { class: `party ${last ? "last" : ""}` },
        h("span", { class: "face" }, icon(face(kind, place === 0))),
        h("span", { class: "who" }, principal(each), h("span", { class: "role" }, role), detail !== undefined && h("span", { class: "detail" }, said(detail))),
      ),
    );
    const next = parties[place + 1];
    if (next !== undefined) items.push(arrow(look.hops.find((hop) => hop.from === title && hop.to === next.title), look.chain.length > 0));
  });
  return h("ol", { class: `chain of-${parties.length}` }, ...items);
}

/** The way from one party to the next. */
function arrow(hop: Hop | undefined, read: boolean): HTMLElement {
  const holds = hop === undefined ? null : hop.allowed;
  const relation = hop?.allowed ? hop.grounds[0]?.rule.relation : undefined;
  const word = hop === undefined ? (read ? "not looked at" : "not checked") : hop.allowed ? undefined : "not permitted";
  return h(
    "li",
    { class: `arrow ${holds === null ? "open" : holds ? "good" : "bad"}` },
    h("span", { class: "shaft" }, mark(holds)),
    h("span", { class: "by" }, relation === undefined ? (word ?? "") : said(relation)),
  );
}

/** A hop with the rule that admits it, or those that would have. */
function rule(hop: Hop, now: number): HTMLElement {
  const says = hop.allowed ? " hands on to " : " may not hand on to ";
  const list = hop.grounds.map((each) => h("div", { class: "rule" }, draw(grounds(each, now))));
  const rules = hop.grounds.map(({ rule: { user, relation, object } }) => h("code", {}, said(`${user} ${relation} ${object}`)));
  const by =
    rules.length === 0
      ? ["no rule is about two of these types"]
      : [hop.allowed ? "by the rule " : rules.length === 1 ? "the rule that would admit it: " : "rules that would admit it: ", ...rules.flatMap((each, place) => [place > 0 ? ", " : "", each])];
  return h(
    "li",
    {},
    h(
      "details",
      { open: !hop.allowed },
      h("summary", {}, mark(hop.allowed), h("span", {}, name(hop.from), h("span", { class: "faint" }, says), name(hop.to), h("span", { class: "by-rule" }, ...by))),
      ...list,
    ),
  );
}
