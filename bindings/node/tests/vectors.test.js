// The cases that every language runs to the same bytes, and those of Wycheproof
// and RFC 7520, through the native module.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { it } from "node:test";

import * as deputize from "deputize";

import { run } from "../../../wasm/tests/apps/suite.js";
import { cases, missing } from "../../../wasm/tests/jose.js";

const folder = new URL("../../../tests/vectors/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const FILES = ["tokens", "chains", "scopes", "authority", "lists", "exchanges", "authzen", "inspections"];

it("the vectors", { skip: existsSync(folder) ? false : "there is no tests/vectors" }, async (t) => {
  const work = { snapshots: read("snapshots").snapshots, vectors: FILES.flatMap((file) => read(file).cases), jose: missing ? [] : cases() };
  assert.ok(work.vectors.length >= 260 && (missing || work.jose.length >= 480));
  const { faults, ran } = await run(deputize, work);
  assert.deepEqual(faults, []);
  assert.deepEqual(ran, { vectors: work.vectors.length, jose: work.jose.length });
  t.diagnostic(`${ran.vectors} vectors, ${missing || `${ran.jose} JOSE cases`}`);
});
