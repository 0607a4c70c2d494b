// Cases that others wrote and cases that every language shares, in each place
// where this package runs: Node, workerd and Chromium.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import * as deputize from "./package.js";

import { run } from "./apps/suite.js";
import { open } from "./chromium.js";
import { cases, missing } from "./jose.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = new URL("../../tests/vectors/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const FILES = ["tokens", "chains", "scopes", "authority", "lists", "exchanges", "authzen", "inspections"];
const vectors = existsSync(folder) ? FILES.flatMap((file) => read(file).cases) : [];
const work = { snapshots: vectors.length === 0 ? {} : read("snapshots").snapshots, vectors, jose: missing ? [] : cases() };

function judge(t, { faults, ran }) {
  assert.deepEqual(faults, []);
  assert.deepEqual(ran, { vectors: vectors.length, jose: work.jose.length });
  t.diagnostic(`${ran.vectors} vectors, ${missing || `${ran.jose} JOSE cases`}`);
}

describe("the vectors", { skip: vectors.length > 0 ? false : "there is no tests/vectors" }, () => {
  it("are enough", () => {
    assert.ok(vectors.length >= 260, `${vectors.length} vectors`);
    if (!missing) assert.ok(work.jose.length >= 480, `${work.jose.length} JOSE cases`);
  });

  it("in Node", async (t) => judge(t, await run(deputize, work)));

  const bin = (name) => join(root, "node_modules/.bin", name);
  it("in workerd", { skip: existsSync(bin("workerd")) ? false : "workerd is not installed" }, (t) => {
    const place = join(root, "node_modules/.suite");
    const words = ["tests/apps/suite-worker.js", "--bundle", "--format=esm", "--conditions=workerd,worker", "--external:*.wasm", "--log-level=error"];
    execFileSync(bin("esbuild"), [...words, `--outfile=${join(place, "app/worker.js")}`], { cwd: root });
    cpSync(join(root, "dist/deputize.wasm"), join(place, "deputize.wasm"));
    // miniflare needs a newer Node than this may be.
    const said = execFileSync(bin("node"), [join(root, "tests/apps/miniflare.js"), place], { input: JSON.stringify(work), maxBuffer: 1 << 26 });
    judge(t, JSON.parse(said));
  });

  it("in Chromium", async (t) => {
    const browser = await open(root);
    if (browser === undefined) return t.skip("Chromium does not start here");
    try {
      judge(t, await browser.run(work));
    } finally {
      await browser.close();
    }
  });
});
