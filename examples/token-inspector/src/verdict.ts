// The verdict: one sentence, and what stands behind it.

import type { Finding } from "@deputize/wasm";

import { type Child, type Icon, h, icon, mark, name, sentence, time } from "./dom.js";
import { code } from "./chain.js";
import type { Look } from "./look.js";
import { distance, event } from "./when.js";

type Tone = "good" | "bad" | "warn" | "plain";
const FACES: { [tone in Tone]: Icon } = { good: "yes", bad: "no", warn: "warn", plain: "unknown" };

/** The verdict's card. */
export function verdict(look: Look): Node[] {
  const { tone, title, says } = words(look);
  return [
    h(
      "div",
      { class: `card ${tone}` },
      h("div", { class: "head" }, h("span", { class: "badge" }, icon(FACES[tone])), h("p", { class: "title" }, title)),
      h("p", { class: "says" }, ...says),
      h("ul", { class: "facts" }, ...facts(look)),
    ),
  ];
}

function words(look: Look): { tone: Tone; title: string; says: Child[] } {
  const { verdict, now } = look;
  const wrong = look.findings.some((finding) => finding.severity === "error");
  switch (verdict.kind) {
    case "accepted": {
      const { subject, actor, until } = verdict;
      const who: Child[] = subject === actor ? [name(subject), " acts for itself"] : [name(actor), " acts for ", name(subject)];
      const end: Child[] = until === null ? ["."] : [", until ", time(until, now), h("span", { class: "faint" }, ` (${distance(until, now)})`), "."];
      return { tone: "good", title: "Verified", says: [...who, ...end] };
    }
    case "refused":
      return { tone: "bad", title: "Refused", says: [sentence(`${verdict.message}.`, now), " ", code(verdict.code)] };
    case "signed": {
      const signed = sentence(`${look.signature?.message ?? ""}. `, now);
      const but = wrong ? "But no policy would accept it, as said below." : "Keys alone cannot say whether its issuer is trusted, for whom it is meant, or who may act for whom: a snapshot can.";
      return { tone: wrong ? "bad" : "plain", title: wrong ? "Signed, but not acceptable" : "The signature fits", says: [signed, but] };
    }
    case "unsigned":
      return { tone: "bad", title: "The signature does not hold", says: [sentence(`${verdict.message}.`, now), " ", code(verdict.code)] };
    case "unchecked": {
      const title = wrong ? "Not acceptable" : "Not verified";
      const says = wrong
        ? "No policy would accept it, as said below. Its signature was not looked at."
        : "No signature was looked at: anyone could have written what stands below. Paste a snapshot or keys to have it checked.";
      return { tone: wrong ? "bad" : "warn", title, says: [says] };
    }
  }
}

/** How many findings there are, of the worst kind that there is. */
function oddities(findings: Finding[]): [boolean | null, string] {
  for (const severity of ["error", "warning", "note"] as const) {
    const count = findings.filter((finding) => finding.severity === severity).length;
    if (count > 0) return [severity === "error" ? false : null, `${count} ${severity}${count === 1 ? "" : "s"}`];
  }
  return [true, "nothing odd"];
}

/** Why a signature does not hold, shortly. */
const UNSIGNED: { [code: string]: string } = {
  "token.signature": "does not fit",
  "token.algorithm": "algorithm not accepted",
  "key.unknown": "key not known",
  "key.unfit": "key not fit for it",
  "issuer.unknown": "issuer not trusted",
};

/** Signature, times and chain, each by itself: also of a token that is refused for another. */
function facts(look: Look): HTMLElement[] {
  const { signature, now, findings, claims } = look;
  const exp = (claims as { exp?: unknown } | null)?.exp;
  const untimely = findings.find((finding) => finding.code === "token.expired" || finding.code === "token.not_yet_valid");
  const ends = typeof exp === "number" ? exp : undefined;
  const times: [boolean | null, string] =
    ends === undefined ? [null, "no end"] : untimely === undefined ? [true, event("exp", ends, now)] : [false, untimely.code === "token.expired" ? event("exp", ends, now) : "not valid yet"];
  const parties = look.chain.length;
  const admitted = look.hops.filter((hop) => hop.allowed).length;
  const hops = `${admitted} of ${look.hops.length} ${look.hops.length === 1 ? "hop" : "hops"} admitted`;
  const chain: [boolean | null, string] =
    look.refusal !== undefined
      ? [false, look.refusal.reason]
      : parties === 0
        ? [null, "not checked"]
        : parties === 1
          ? [true, "acts for itself"]
          : admitted < look.hops.length || look.hops.length === 0
            ? [false, hops]
            : // A chain that nobody signed is a claim.
              signature?.fits
              ? [true, hops]
              : [null, `${hops}, unproved`];
  const signed: [boolean | null, string] =
    signature === undefined ? [null, "not checked"] : signature.fits ? [true, `fits, ${signature.algorithm}`] : [false, UNSIGNED[signature.code] ?? signature.code];
  const all: [string, [boolean | null, string]][] = [
    ["Signature", signed],
    ["Time", times],
    ["Chain", chain],
    ["Lint", oddities(findings)],
  ];
  return all.map(([what, [holds, words]]) => h("li", {}, h("span", { class: "what" }, what), h("span", { class: "fact" }, mark(holds), h("span", {}, words))));
}
