// The page: what is pasted, and what is made of it.

import { init } from "@deputize/wasm";

import { chain, code } from "./chain.js";
import { findings, members, scopes } from "./claims.js";
import { h, icon, mark, name, sentence, some, the } from "./dom.js";
import { type Look, type Material, type Presented, decide, failure, look, material } from "./look.js";
import { decision, draw } from "./tree.js";
import { verdict } from "./verdict.js";
import { spell } from "./when.js";

type Example = {
  name: string;
  title: string;
  summary: string;
  fault: boolean;
  with: string;
  token: string;
  now: number;
  audience?: string;
  dpop?: { proof: string; method: string; uri: string };
  ask: { action: string; resource: string; context?: { [name: string]: unknown } };
};

const { examples, policies } = JSON.parse(the("built-in").textContent ?? "") as {
  examples: Example[];
  policies: { [name: string]: string };
};

const token = the<HTMLTextAreaElement>("token");
const policy = the<HTMLTextAreaElement>("policy");
const time = the<HTMLInputElement>("time");
const audience = the<HTMLInputElement>("audience");
const proof = the<HTMLTextAreaElement>("proof");
const method = the<HTMLInputElement>("method");
const uri = the<HTMLInputElement>("uri");
const action = the<HTMLInputElement>("action");
const resource = the<HTMLInputElement>("resource");
const context = the<HTMLTextAreaElement>("context");
const presented = the<HTMLDetailsElement>("presented");
const gallery = the<HTMLDetailsElement>("gallery");

/** The time that is looked at, in seconds since the Unix epoch; without, it is now. */
let asOf: number | undefined;
let read: { text: string; kid: string; material: Material } = { text: "", kid: "", material: { kind: "nothing" } };
let seen: Look | undefined;
let shown = "";

const clock = () => asOf ?? Math.floor(Date.now() / 1000);
/** A token without what is often copied along with it, and without line ends in it. */
const bare = () => token.value.trim().replace(/^Bearer\s+/i, "").replace(/\s+/g, "");

function kid(): string {
  try {
    const [first = ""] = bare().split(".");
    const header = JSON.parse(atob(first.replaceAll("-", "+").replaceAll("_", "/"))) as { kid?: unknown };
    return typeof header.kid === "string" ? header.kid : "key";
  } catch {
    return "key";
  }
}

/** What is pasted beside the token, read anew only where it changed. */
function beside(): Material {
  const which = { text: policy.value, kid: kid() };
  const same = which.text === read.text && (which.kid === read.kid || read.material.kind !== "keys");
  if (!same) {
    if (read.material.kind === "policy") read.material.policy.free();
    read = { ...which, material: material(which.text, which.kid) };
    suggest(read.material);
  }
  return read.material;
}

function note(place: string, text: string, bad = false): void {
  const line = the(place);
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

function policyNote(given: Material, fault?: string): void {
  if (fault !== undefined) return note("policy-note", fault, true);
  switch (given.kind) {
    case "nothing":
      return note("policy-note", "");
    case "unreadable":
      return note("policy-note", given.message, true);
    case "keys":
      return note("policy-note", given.count === 1 ? "One key: whether the signature fits." : `${given.count} keys: whether the signature fits.`);
    case "policy": {
      const warnings = given.policy.warnings().length;
      const relationships = given.policy.tupleCount;
      const more = warnings === 0 ? "" : `, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
      return note("policy-note", `A snapshot: ${relationships.toLocaleString("en")} ${relationships === 1 ? "relationship" : "relationships"}${more}.`);
    }
  }
}

/** Looks at everything anew. */
function update(): void {
  const text = bare();
  the("clear").hidden = token.value === "";
  note("token-note", /\S\s+\S/.test(token.value.trim().replace(/^Bearer\s+/i, "")) ? "White space inside it was left out." : "");
  const given = beside();
  policyNote(given);
  timeNote();
  const empty = text === "";
  the("rest").hidden = empty;
  if (empty) {
    seen = undefined;
    the("verdict").replaceChildren(welcome());
    return;
  }
  const now = clock();
  const how: Presented = { audience: audience.value.trim(), proof: proof.value.trim(), method: method.value.trim(), uri: uri.value.trim() };
  try {
    try {
      seen = look(text, given, how, now);
    } catch (thrown) {
      // Keys that cannot be read: the token can be looked at without them.
      if (given.kind !== "keys") throw thrown;
      policyNote(given, failure(thrown).message);
      seen = look(text, { kind: "nothing" }, how, now);
    }
  } catch (thrown) {
    // No text of UTF-8, say: half a character was pasted.
    seen = undefined;
    the("rest").hidden = true;
    const { message, code: which } = failure(thrown);
    the("verdict").replaceChildren(h("div", { class: "card bad" }, h("p", { class: "title" }, "This cannot be read"), h("p", { class: "says" }, sentence(message, now), " ", code(which))));
    return;
  }
  const [header = "", claims = ""] = text.split(".");
  the("verdict").replaceChildren(...verdict(seen));
  the("verdict").firstElementChild?.append(...back(seen));
  the("chain").replaceChildren(...chain(seen));
  the("scopes").replaceChildren(...scopes(seen));
  the("findings").replaceChildren(...findings(seen));
  the("claims").replaceChildren(...members(seen.claims, claims, now));
  the("header").replaceChildren(...members(seen.header, header, now));
  shown = state(seen);
  answer();
}

/** For a token whose time has passed, or has not come: a look at it in its time. */
function back(seen: Look): Node[] {
  const { iat, nbf } = (seen.claims ?? {}) as { iat?: unknown; nbf?: unknown };
  const starts = [iat, nbf].filter((at): at is number => typeof at === "number" && at >= 0 && at < 253_402_300_799);
  const untimely = seen.findings.some((finding) => finding.code === "token.expired" || finding.code === "token.not_yet_valid");
  if (!untimely || starts.length === 0) return [];
  const at = Math.ceil(Math.max(...starts));
  const button = h("button", { type: "button", class: "back" }, "Look at it as of when it began");
  button.addEventListener("click", () => {
    stop(at);
    update();
    time.focus();
  });
  return [button];
}

let awaited: (() => void) | undefined;

/** Does it once where a text comes in many pieces. The whole goes before a part of it. */
function soon(what: () => void): void {
  if (awaited === undefined) {
    setTimeout(() => {
      const next = awaited;
      awaited = undefined;
      next?.();
    });
  }
  if (awaited !== update) awaited = what;
}

/** What can change while time goes by. */
const state = (seen: Look) => `${seen.verdict.kind} ${"code" in seen.verdict ? seen.verdict.code : ""} ${seen.findings.map((finding) => finding.code).join(" ")}`;

/** The answer to the question, with what it rests on. */
function answer(): void {
  const place = the("answer");
  const given = read.material;
  const [what, on] = [action.value.trim(), resource.value.trim()];
  if (seen === undefined) return;
  if (given.kind !== "policy") return place.replaceChildren(h("p", { class: "faint" }, "Only a snapshot can answer this: paste one beside the token."));
  if (what === "" || on === "") return place.replaceChildren(h("p", { class: "faint" }, "Name an action and a resource."));
  let values: { [name: string]: unknown } | undefined;
  try {
    values = context.value.trim() === "" ? undefined : JSON.parse(context.value);
    const how = { audience: audience.value.trim(), proof: proof.value.trim(), method: method.value.trim(), uri: uri.value.trim() };
    const made = decide(bare(), given.policy, how, seen.now, { action: what, resource: on, ...(values !== undefined && { context: values }) });
    if (made.branches === undefined) {
      const refused = h("p", {}, h("strong", {}, "No. "), "The token is refused before this is asked. ", code(made.reason));
      place.replaceChildren(h("div", { class: "card small bad" }, h("div", { class: "head" }, h("span", { class: "badge" }, icon("no")), refused)));
      return;
    }
    const { actor, actingOnBehalfOf } = made.record;
    const who = actingOnBehalfOf === null ? [name(actor)] : [name(actor), " for ", name(actingOnBehalfOf)];
    const line = h("p", {}, h("strong", {}, made.allowed ? "Yes. " : "No. "), ...who, made.allowed ? " may " : " may not ", name(what), " on ", name(on), ".");
    const why = made.allowed ? null : h("p", { class: "why" }, sentence(`${made.message}.`, seen.now), " ", code(made.reason));
    const lines = decision(made, seen.hops, seen.now);
    place.replaceChildren(
      h("div", { class: `card small ${made.allowed ? "good" : "bad"}` }, h("div", { class: "head" }, h("span", { class: "badge" }, icon(made.allowed ? "yes" : "no")), h("div", {}, ...some([line, why])))),
      ...some([lines.length > 0 && draw(lines)]),
    );
  } catch (thrown) {
    const message = thrown instanceof SyntaxError ? `The values for conditions are not JSON: ${thrown.message}` : failure(thrown).message;
    place.replaceChildren(h("p", { class: "note bad" }, message));
  }
}

/** Actions and resources that a snapshot knows. */
function suggest(given: Material): void {
  const [actions, resources] = [new Set<string>(), new Set<string>()];
  if (given.kind === "policy") {
    const list = (value: unknown) => (Array.isArray(value) ? value : []) as { [member: string]: unknown }[];
    const table = given.document.scopes;
    if (typeof table === "object" && table !== null) for (const rules of Object.values(table)) for (const rule of list(rules)) actions.add(String(rule.action));
    for (const tuple of list(given.document.tuples).slice(0, 5_000)) if (resources.size < 500) resources.add(String(tuple.object));
  }
  const fill = (place: string, from: Set<string>) => the(place).replaceChildren(...[...from].map((value) => h("option", { value })));
  fill("actions", actions);
  fill("resources", resources);
}

function welcome(): HTMLElement {
  return h(
    "div",
    { class: "welcome" },
    h("div", { class: "chain-hint" }, icon("person"), mark(true), icon("agent"), mark(true), icon("agent")),
    h("p", { class: "title" }, "Paste a token, or open an example."),
    h(
      "dl",
      {},
      ...[
        ["A token alone", "Who acts for whom, as it says; its claims, with each time as a date; and what is wrong with it at first sight."],
        ["and keys", "Whether its signature fits the key that it names."],
        ["or a snapshot", "Whether it would be accepted here and now, which rule admits each hop, what its scopes cover, and whether it may do what you ask, and why."],
      ].map(([what, says]) => h("div", {}, h("dt", {}, what), h("dd", {}, says))),
    ),
  );
}

// The time.

const iso = (at: number) => new Date(at * 1000).toISOString().slice(0, 19);

function timeNote(): void {
  the("now").setAttribute("aria-pressed", String(asOf === undefined));
  note("time-note", asOf === undefined ? "The present, as it goes by." : `Everything is looked at as of ${spell(asOf)}.`);
  if (asOf === undefined && document.activeElement !== time) time.value = iso(clock());
}

function stop(at: number | undefined): void {
  asOf = at;
  if (at !== undefined) time.value = iso(at);
}

// Examples.

function open(example: Example): void {
  stop(example.now);
  token.value = example.token;
  policy.value = policies[example.with] ?? "";
  audience.value = example.audience ?? "";
  proof.value = example.dpop?.proof ?? "";
  method.value = example.dpop?.method ?? "GET";
  uri.value = example.dpop?.uri ?? "";
  action.value = example.ask.action;
  resource.value = example.ask.resource;
  context.value = example.ask.context === undefined ? "" : JSON.stringify(example.ask.context);
  the<HTMLDetailsElement>("with-context").open = example.ask.context !== undefined;
  presented.open = example.audience !== undefined && wide.matches;
  if (!wide.matches) gallery.open = false;
  const story = the("story");
  story.replaceChildren(h("strong", {}, example.title), ". ", sentence(example.summary, example.now));
  story.hidden = false;
  for (const link of the("examples").querySelectorAll("a")) {
    if (link.hash === `#example=${example.name}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  update();
}

/** The address names an example only as long as it is one. */
function own(): void {
  the("story").hidden = true;
  for (const link of the("examples").querySelectorAll("a")) link.removeAttribute("aria-current");
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
}

function follow(): boolean {
  const wanted = /^#example=([\w-]+)$/.exec(location.hash)?.[1];
  const example = examples.find((each) => each.name === wanted);
  if (example === undefined) return false;
  open(example);
  return true;
}

function list(): void {
  const groups: [string, Example[]][] = [
    ["Verified", examples.filter((each) => !each.fault && each.with === "snapshot")],
    ["With a fault", examples.filter((each) => each.fault)],
    ["With less at hand", examples.filter((each) => each.with !== "snapshot")],
  ];
  the("examples").replaceChildren(
    ...groups.flatMap(([title, each]) => [
      h("p", { class: "group" }, title),
      h("ul", {}, ...each.map((example) => h("li", {}, h("a", { href: `#example=${example.name}` }, example.title)))),
    ]),
  );
}

// Light and dark.

const wide = matchMedia("(min-width: 60rem)");
const THEMES = ["auto", "light", "dark"] as const;
let theme: (typeof THEMES)[number] = "auto";

function paint(): void {
  const button = the("theme");
  const faces = { auto: "auto", light: "sun", dark: "moon" } as const;
  const words = { auto: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  button.replaceChildren(icon(faces[theme]), h("span", { class: "hidden" }, words[theme]));
  button.title = words[theme];
  if (theme === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
}

// The module, out of the page itself.

async function bytes(): Promise<ArrayBuffer> {
  const packed = Uint8Array.from(atob(the("module").textContent ?? ""), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function start(): Promise<void> {
  document.querySelector(".lock")?.replaceWith(icon("lock"));
  list();
  paint();
  await init(bytes());
  the("module").remove();
  if (!follow()) update();
  else if (!wide.matches) the("results").scrollIntoView({ behavior: "instant" });

  the("given").addEventListener("submit", (event) => event.preventDefault());
  the("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    answer();
  });
  for (const field of [token, policy, audience, proof, method, uri]) {
    field.addEventListener("input", () => {
      // Whoever pastes a token over an example's means the present.
      if (field === token && !the("story").hidden) stop(undefined);
      own();
      soon(update);
    });
  }
  for (const field of [action, resource, context]) field.addEventListener("input", () => soon(answer));
  time.addEventListener("input", () => {
    const at = Date.parse(`${time.value}Z`);
    if (Number.isNaN(at) || at < 0) return;
    asOf = Math.floor(at / 1000);
    update();
  });
  the("now").addEventListener("click", () => {
    stop(undefined);
    update();
  });
  the("clear").addEventListener("click", () => {
    own();
    token.value = "";
    update();
    token.focus();
  });
  the<HTMLInputElement>("file").addEventListener("change", async (event) => {
    const [file] = (event.target as HTMLInputElement).files ?? [];
    if (file === undefined) return;
    policy.value = await file.text();
    own();
    update();
  });
  the("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    paint();
  });
  addEventListener("hashchange", () => {
    if (follow() && !wide.matches) the("results").scrollIntoView();
  });
  setInterval(tick, 1_000);
}

/** While it is now, what is shown follows the clock; all of it only where the verdict changes. */
function tick(): void {
  if (asOf !== undefined) return;
  if (document.activeElement !== time) time.value = iso(clock());
  if (seen === undefined) return;
  const given = read.material;
  const how: Presented = { audience: audience.value.trim(), proof: proof.value.trim(), method: method.value.trim(), uri: uri.value.trim() };
  try {
    const later = look(bare(), given, how, clock());
    if (state(later) !== shown || later.now % 15 === 0) {
      const [header = "", claims = ""] = bare().split(".");
      if (state(later) !== shown) return update();
      seen = later;
      the("claims").replaceChildren(...members(later.claims, claims, later.now));
      the("header").replaceChildren(...members(later.header, header, later.now));
    }
  } catch {
    // It was said already.
  }
}

start().catch((thrown) => {
  the("verdict").replaceChildren(h("div", { class: "card bad" }, h("p", { class: "title" }, "This page cannot run here"), h("p", { class: "says" }, failure(thrown).message)));
});
