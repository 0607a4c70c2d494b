// The contract of sources, as every language runs it: `tests/vectors/sources.json`.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";

import { DeputizeError } from "deputize";
import { Source, file, sha256, url } from "deputize/source";

import { bodyOf, files, server } from "./contract-sources.js";

const path = new URL("../../../tests/vectors/sources.json", import.meta.url);
const FILE = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { sources: { node: {} }, cases: [] };
const SECRETS = ["PASSWORD", "SIGNED-SECRET"];

function checkOf(kind) {
  let first;
  if (kind === "no function") return kind;
  return (content) => {
    if (kind === "throws") throw new Error("PASSWORD");
    if (kind === "promise that fails") return Promise.reject(new Error("PASSWORD"));
    if (kind === "never") return new Promise(() => {});
    if (kind === "first alone") return Buffer.from((first ??= content.bytes)).equals(content.bytes);
    const said = /true/.test(kind) ? true : /false/.test(kind) ? false : kind === "nothing" ? undefined : "yes";
    return kind.startsWith("promise") ? Promise.resolve(said) : said;
  };
}

class Run {
  told = [];

  constructor(name, test, origin, elsewhere) {
    Object.assign(this, { name, test, origin, elsewhere });
  }

  async open() {
    const { refresh = 60, max_age: maxAge = 300, timeout, max_bytes: maxBytes, check, digest, option, location = this.origin.location } = this.test;
    const checks = [
      ...(digest !== undefined ? [sha256(digest === "wrong" ? "0".repeat(64) : (await sha256Of(bodyOf({}))))] : []),
      ...(check !== undefined ? [checkOf(check)] : []),
    ];
    const of = this.name === "url" ? url : file;
    const from = of(location, { ...(maxBytes !== undefined && { maxBytes }) });
    this.source = await Source.open(from, {
      refresh,
      maxAge,
      ...(timeout !== undefined && { timeout }),
      ...(checks.length > 0 && { check: checks }),
      ...(option !== undefined && { [option]: undefined }),
    });
    this.source.on("failed", ({ error }) => this.told.push(inspect(error)));
  }

  /** What something gives, or the code of its error, whose words are kept. */
  async code(work) {
    try {
      return await work();
    } catch (error) {
      this.told.push(inspect(error));
      assert.ok(error instanceof DeputizeError, inspect(error));
      return error.code;
    }
  }

  revision() {
    return this.code(() => this.source.policy.revision);
  }

  async step(step) {
    const [[what, said]] = Object.entries(step);
    if (what === "serve") this.origin.serve(said);
    else if (what === "open") assert.equal((await this.code(() => this.open())) ?? (await this.revision()), said);
    else if (what === "refresh") assert.equal(await this.code(() => this.source.refresh()), said);
    else if (what === "revision") assert.equal(await this.revision(), said);
    else if (what === "until") {
      for (const end = Date.now() + 8_000; (await this.revision()) !== said; await wait(20)) assert.ok(Date.now() < end);
    } else if (what === "answered") assert.deepEqual(this.origin.answered, said);
    else if (what === "elsewhere") assert.equal(this.elsewhere.answered.length, said);
    else if (what === "wait") await wait(said * 1000);
    else if (what === "stop") this.source.close();
    else await this.swaps(said);
  }

  /** Every policy that is given out while it is exchanged is one of those that were served. */
  async swaps(count) {
    let over = false;
    let read = 0;
    const reading = (async () => {
      while (!over) {
        const { policy } = this.source;
        read++;
        assert.equal(policy.check(`user:of-${policy.revision}`, "viewer", "document:1"), true);
        await new Promise(setImmediate);
      }
    })();
    try {
      for (let n = 2; n < count + 2; n++) {
        this.origin.serve({ revision: String(n) });
        await this.source.refresh();
        // A file that is watched may have been in the midst of being read: that look is the one that was waited for.
        if (this.source.policy.revision !== String(n)) await this.source.refresh();
        assert.equal(this.source.policy.revision, String(n));
      }
    } finally {
      over = true;
      await reading;
    }
    assert.ok(read > count);
  }
}

async function sha256Of(bytes) {
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}

for (const [name, has] of Object.entries(FILE.sources.node)) {
  describe(name, () => {
    for (const test of FILE.cases.filter(({ needs = [] }) => needs.every((need) => has.includes(need)))) {
      it(test.name, async () => {
        const elsewhere = await server();
        const origin = name === "url" ? await server(elsewhere.location) : await files();
        const run = new Run(name, test, origin, elsewhere);
        try {
          if ("refused" in test) {
            await assert.rejects(run.open(), (error) => (run.told.push(inspect(error)), error.code === test.refused && error.kind === "misuse"));
          }
          for (const step of test.steps ?? []) await run.step(step);
        } finally {
          run.source?.close();
          origin.close();
          elsewhere.close();
        }
        for (const secret of SECRETS) assert.deepEqual(run.told.filter((text) => text.includes(secret)), []);
      });
    }
  });
}
