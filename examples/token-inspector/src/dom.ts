// Building the page. Whatever comes from outside goes through `said`, and
// becomes text alone: no markup is ever made of it.

import { distance, spell } from "./when.js";

export type Child = Node | string | null | undefined | false;
type Attributes = { [name: string]: string | boolean | ((event: Event) => void) | undefined };

/** An element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "string") element.setAttribute(name, value);
    else if (value === true) element.setAttribute(name, "");
  }
  element.append(...some(children));
  return element;
}

/** The children that are there. */
export function some(children: Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false);
}

/** The element of the page with this id. */
export function the<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/**
 * What cannot be seen, or changes how what stands beside it is seen: controls,
 * marks of direction, characters without a width, halves of characters.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0\u2800]/u;
const ALL_UNSEEN = new RegExp(`(${UNSEEN.source})`, "gu");
/** The longest text that is shown at once. */
const LONG = 3_000;

/** A text from outside: what is unseen is shown, and its direction is its own. */
export function said(text: string, lines = false): Node {
  const box = document.createElement("bdi");
  const cut = text.length > LONG ? end(text, LONG) : text.length;
  box.append(...letters(text.slice(0, cut), lines));
  if (cut < text.length) {
    const rest = text.length - cut;
    const more = h("button", { type: "button", class: "more" }, `${rest.toLocaleString("en")} more characters`);
    more.addEventListener("click", () => box.replaceChildren(...letters(text, lines)));
    box.append("… ", more);
  }
  return box;
}

/** A place to cut at that splits no character. */
function end(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code < 0xdc00 ? at - 1 : at;
}

function letters(text: string, lines: boolean): (Node | string)[] {
  if (!UNSEEN.test(text)) return [text];
  return text.split(ALL_UNSEEN).map((part) => {
    if (!UNSEEN.test(part) || (lines && part === "\n")) return part;
    const code = (part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return h("span", { class: "unseen", title: "a character that cannot be seen" }, `U+${code}`);
  });
}

/** A name from outside. */
export function name(text: string): HTMLElement {
  return h("code", {}, said(text));
}

/**
 * A sentence of the core: names stand in backticks, times are seconds. Between
 * two backticks may stand what somebody else wrote.
 */
export function sentence(text: string, now: number): DocumentFragment {
  const all = document.createDocumentFragment();
  // The core's messages begin with a small letter, to stand within others.
  (text.charAt(0).toUpperCase() + text.slice(1)).split("`").forEach((part, place) => {
    if (place % 2 === 1) all.append(name(part));
    else all.append(...part.split(/\b(\d{9,11})\b/).map((piece, odd) => (odd % 2 === 1 ? time(Number(piece), now) : said(piece))));
  });
  return all;
}

/** A time as a date, with its distance where the pointer rests. */
export function time(at: number, now: number): HTMLElement {
  const iso = new Date(at * 1000);
  const machine = Number.isNaN(iso.getTime()) ? undefined : iso.toISOString();
  return h("time", { datetime: machine, title: distance(at, now) }, spell(at));
}

const ICONS = {
  person: "M12 12a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm-8 9a8 8 0 0 1 16 0",
  agent: "M12 3v3M6 9h12a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2Zm3 4.5v1.5m6-1.5v1.5M12 6v3M1.5 13v3M22.5 13v3",
  service: "M4 4h16v6H4zM4 14h16v6H4zM7.5 7h.01M7.5 17h.01M11 7h6M11 17h6",
  yes: "m5 12.5 4.5 4.5L19 7.5",
  no: "M6 6l12 12M18 6 6 18",
  unknown: "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1-1.5 2.3M12 18.5v.01",
  warn: "M12 3.5 22 20.5H2ZM12 10v4.5M12 17.5v.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 3v18M12 7l7 3M12 12l8 2M12 17l5 1",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
} as const;

export type Icon = keyof typeof ICONS;

/** A picture that says nothing which words beside it do not say. */
export function icon(which: Icon): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${which}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[which]);
  svg.append(path);
  return svg;
}

/** ✓, ✗ or ?, with a word for those who cannot see it. */
export function mark(holds: boolean | null): HTMLElement {
  const [which, word] = holds === null ? (["unknown", "not known"] as const) : holds ? (["yes", "yes"] as const) : (["no", "no"] as const);
  return h("span", { class: `mark ${which}` }, icon(which), h("span", { class: "hidden" }, `${word}: `));
}
