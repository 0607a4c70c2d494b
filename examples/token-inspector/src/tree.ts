// Explanations as trees. The core's explanation has a step for each rule that
// it went through; a reader wants the relationships, and of the rules only
// those where ways part. So steps that merely pass on are left out.

import type { Decision, Explanation, Grounds, Hop, HopGrounds, Step } from "@deputize/wasm";

import { type Child, h, mark, name, sentence } from "./dom.js";

/** A line and those below it; `null` where it is not known whether it holds. */
export type Line = { holds: boolean | null; says: Child[]; below: Line[] };

/** How deep a tree is drawn, and how many of the users that are lacking are named. */
const DEEPEST = 40;
const MOST = 4;

/** A tree as nested lists. */
export function draw(lines: Line[], depth = 0): HTMLElement {
  const items = lines.map((line) =>
    h(
      "li",
      {},
      h("div", { class: "line" }, mark(line.holds), h("span", {}, ...line.says)),
      line.below.length > 0 && (depth < DEEPEST ? draw(line.below, depth + 1) : h("p", { class: "faint" }, "and more below")),
    ),
  );
  return h("ul", { class: depth === 0 ? "tree" : false }, ...items);
}

const faint = (text: string) => h("span", { class: "faint" }, text);
const strong = (text: string) => h("strong", {}, name(text));

/** What a decision rests on. */
export function decision(answer: Decision, hops: Hop[], now: number): Line[] {
  const lines: Line[] = [];
  const { inputs, scope } = answer.record;
  if (inputs.token !== undefined && inputs.until !== undefined) {
    lines.push({
      holds: true,
      says: ["a token of ", name(inputs.token.issuer), faint(", signed with its key "), name(inputs.token.kid)],
      below: [],
    });
  }
  if (inputs.token !== undefined && hops.length > 0) {
    const all = hops.every((hop) => hop.allowed);
    lines.push({ holds: all, says: [faint(all ? "every hop of the chain is admitted" : "not every hop of the chain is admitted")], below: hops.map(hopLine) });
  }
  for (const branch of answer.branches ?? []) {
    const who = branch.principal ?? "";
    const says: Child[] =
      branch.role === "scopes"
        ? [faint(branch.allowed ? "the scopes cover it: " : "the scopes do not cover it: "), scope === "" ? "none" : name(scope)]
        : [name(who), faint({ subject: " itself, as the subject", actor: " itself, as the actor", actor_scopes: " by its scopes in the snapshot", task: " as the task", delegated: " by its hop alone, as the party before it" }[branch.role])];
    lines.push({ holds: branch.allowed, says, below: branch.grounds === undefined ? [] : grounds(branch.grounds, now) });
  }
  return lines;
}

function hopLine(hop: Hop): Line {
  return { holds: hop.allowed, says: [name(hop.from), faint(hop.allowed ? " hands on to " : " may not hand on to "), name(hop.to)], below: [] };
}

/** What gives something, or what was lacking. */
export function grounds(given: Grounds | HopGrounds, now: number): Line[] {
  switch (given.kind) {
    case "relationships":
      return explanation(given.explanation, now);
    case "entity_grant":
      return [{ holds: true, says: [faint("entity grant "), strong(`${given.recipient} ${given.permission} ${given.entity}`)], below: [] }];
    case "access_rule":
      return [{ holds: true, says: [faint("access rule "), strong(`${given.principal} ${given.action} ${given.path}`)], below: [] }];
    case "nothing":
      return [{ holds: false, says: [faint("needs "), name(given.wanted)], below: [] }];
    case "error":
      return [{ holds: null, says: [sentence(given.message, now), faint(` ${given.code}`)], below: [] }];
  }
}

function explanation(given: Explanation, now: number): Line[] {
  const lines = [line(given.because, "", 0)];
  if (given.message !== undefined) lines.push({ holds: null, says: [sentence(given.message, now)], below: [] });
  return lines;
}

/** One step; `shown` is what the line above is about. */
function line(whole: Step, shown: string, depth: number): Line {
  const step = essence(whole);
  const below = (about: string) => (depth > DEEPEST ? [] : (step.parts ?? []).map((part) => line(part, about, depth + 1)));
  const subject: Child[] = step.node === shown ? [] : [name(step.node), " "];
  const one = (says: Child[], parts: Line[] = []): Line => ({ holds: step.allowed, says, below: parts });
  switch (step.rule) {
    case "tuple":
      return one([strong(step.tuple)]);
    case "through":
      return one([strong(step.tuple)], below(""));
    case "missing":
      return one(needs(step.node, step.wanted), below(step.node));
    case "except": {
      const parts = below(step.node);
      const [base, subtract] = step.parts ?? [];
      if (base !== undefined && subtract !== undefined) parts.splice(1, 1, negated(subtract, step, depth));
      return one([...subject, faint("all of")], parts);
    }
    case "all_of":
      return one([...subject, faint("all of")], below(step.node));
    case "any_of":
      return one([...subject, faint("any of")], below(step.node));
    case "condition": {
      const why = step.error === undefined ? " does not hold" : ` has no answer (${step.error})`;
      return one([name(step.tuple), h("span", { class: "warned" }, " but the condition "), name(step.condition), h("span", { class: "warned" }, why)]);
    }
    case "itself":
      return one([name(step.node), faint(" itself")]);
    case "cycle":
      return one([name(step.node), faint(" leads back to itself")]);
    case "unreachable":
      return one([name(step.node), faint(": the model lets no such user have it")]);
    case "omitted":
      return one([faint(`and ${step.more} more, left out`)]);
    case "relation":
      return one([name(step.node)], below(step.node));
  }
}

/** The line of what should not hold. */
function negated(step: Step, above: Step, depth: number): Line {
  const what = step.node === above.node ? "what is excluded" : name(step.node);
  const says: Child[] = [faint("not "), what];
  return above.allowed
    ? { holds: true, says, below: [] }
    : { holds: !step.allowed, says, below: [line(step, step.node, depth + 1)] };
}

/** The first step at or below this one that says more than "see below". */
function essence(whole: Step): Step {
  let step = whole;
  for (;;) {
    const [part, ...others] = step.parts ?? [];
    if (part === undefined || others.length > 0) return step;
    const operator = step.rule === "any_of" || step.rule === "all_of" || step.rule === "except";
    const inner = operator ? part : ruleOf(part);
    const passes = operator
      ? part.allowed === step.allowed
      : step.rule === "relation" && (inner.node === step.node || ["tuple", "through", "condition"].includes(inner.rule));
    if (!passes) return step;
    step = part;
  }
}

/** What a relation's rule comes down to, over operators alone. */
function ruleOf(whole: Step): Step {
  let step = whole;
  while ((step.rule === "any_of" || step.rule === "all_of" || step.rule === "except") && step.parts?.length === 1) {
    step = step.parts[0] as Step;
  }
  return step;
}

/** What a relation needs. Of tuples of the relation itself the users say all. */
function needs(node: string, wanted: string[]): Child[] {
  if (wanted.length === 0) return [name(node), faint(": nobody has it")];
  const cut = node.indexOf("#");
  const own = ` ${node.slice(cut + 1)} ${node.slice(0, cut)}`;
  const users = wanted.every((tuple) => tuple.endsWith(own)) ? wanted.map((tuple) => tuple.slice(0, -own.length)) : undefined;
  const named = (users ?? wanted).slice(0, MOST).flatMap((text, place): Child[] => [place > 0 ? ", or " : "", strong(text)]);
  const more = wanted.length > MOST ? ` or ${wanted.length - MOST} others` : "";
  return users === undefined ? [faint("needs "), ...named, more] : [name(node), faint(" needs "), ...named, more];
}
