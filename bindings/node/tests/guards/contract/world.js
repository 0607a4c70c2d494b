// What the contract's cases are about: policies, tokens, who asks, rules.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { Policy } from "deputize";

export const read = (name) => {
  const file = JSON.parse(readFileSync(new URL(`../../../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
  if (file.format !== 1) throw new Error(`${name}.json has another format`);
  return file;
};

export const FILE = read("guards");
export const AUDIENCE = FILE.audience;
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const never = () => new Promise(() => {});

/** One case's policy in force, its tokens, and who asks. */
export class Scene {
  constructor(file, test) {
    this.file = file;
    this.test = test;
    this.now = Math.floor(Date.now() / 1000);
    this.inForce = test.policy ?? "today";
    this.policies = new Map();
  }

  /** Waits until a token has ended. */
  until(name) {
    return sleep(Math.max(0, (this.now + this.file.tokens[name].exp) * 1000 - Date.now()) + 50);
  }

  token(name) {
    const { text, header = {}, secret = this.file.secret, ...said } = this.file.tokens[name];
    if (text !== undefined) return text;
    const claims = { iss: this.file.issuer, aud: AUDIENCE, iat: -10, exp: 300, ...said };
    for (const time of ["iat", "exp", "nbf"]) if (time in claims) claims[time] += this.now;
    for (const [name, value] of Object.entries(claims)) if (value === null) delete claims[name];
    const input = `${base64({ alg: "HS256", kid: "test-secret", typ: "at+jwt", ...header })}.${base64(claims)}`;
    return `${input}.${createHmac("sha256", Buffer.from(secret, "base64url")).update(input).digest("base64url")}`;
  }

  #compiled(name) {
    const members = { ...this.file.policies.today, ...this.file.policies[name] };
    for (const time of ["issued_at", "not_after"]) if (time in members) members[time] += this.now;
    if (!this.policies.has(name)) this.policies.set(name, Policy.fromJson(members));
    return this.policies.get(name);
  }

  /** What gives the policy in force. */
  policy() {
    if (this.inForce === "throws") throw new Error("there is none yet: secret-of-the-store");
    if (this.inForce === "nothing") return undefined;
    if (this.inForce === "promise") return Promise.resolve(this.#compiled("today"));
    return this.#compiled(this.inForce);
  }

  get who() {
    return this.test.who === undefined ? { token: "anne" } : this.test.who;
  }

  /** Who asks. */
  identity() {
    const { who } = this;
    if (who === null) return undefined;
    if (who.token !== undefined) return { token: this.token(who.token), audience: AUDIENCE };
    if (who.chain !== undefined) return { chain: who.chain };
    return this.#compiled("today").verify(this.token(who.kept.token), { audience: AUDIENCE });
  }

}

/** A guard's case: its rules, what its tools did, and the rulings that were seen. */
export class World extends Scene {
  ran = [];
  rulings = [];

  constructor(test) {
    super(FILE, test);
  }

  /** What a guard is set up with, but for its rules. */
  options() {
    const { policy, audience = AUDIENCE, option, sink } = this.test;
    return {
      policy: policy === null ? undefined : policy === "text" ? "text" : () => this.policy(),
      audience: audience ?? undefined,
      ...(sink !== undefined && { onRuling: this.#sink(sink) }),
      ...(option !== undefined && { [option]: AUDIENCE }),
    };
  }

  rules() {
    const { rules = {} } = this.test;
    return rules === null ? undefined : Object.fromEntries(Object.entries({ ...FILE.rules, ...rules }).map(([name, rule]) => [name, ruleOf(rule)]));
  }

  #sink(kind) {
    if (kind === "async") return async () => {};
    return (ruling) => {
      if (kind === "throws") throw new Error("the disk is full");
      if (kind === "false") return false;
      if (kind === "promise") return Promise.resolve();
      if (kind === "never") return never();
      this.rulings.push(ruling);
    };
  }
}

export function ruleOf(rule) {
  if (rule === "any caller") return "any-caller";
  const { context, resource, visible, ...more } = rule;
  return {
    ...more,
    ...(visible !== undefined && { visible: () => visible }),
    ...(context !== undefined && { context: (args) => Object.fromEntries(context.filter((name) => name in args).map((name) => [name, args[name]])) }),
    ...(typeof resource === "string" ? { resource } : { resource: functionOf(resource), visible: () => true }),
  };
}

/** What a case says that a function does. */
export function functionOf(how) {
  if ("async" in how) return async () => "document:1";
  return () => {
    if ("throws" in how) throw new Error("secret-of-the-call");
    if ("promise" in how) return how.promise === null ? never() : Promise.resolve(how.promise);
    return how.gives;
  };
}
