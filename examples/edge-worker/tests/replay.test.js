// The proofs that were used, by themselves: how long they are remembered, and
// how many.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { buildSync } from "esbuild";

const source = fileURLToPath(new URL("../src/replay.ts", import.meta.url));
const [{ text }] = buildSync({ entryPoints: [source], bundle: true, format: "esm", write: false }).outputFiles;
const { PROOF_MAX_AGE, PROOF_MAX_AHEAD, UsedProofs } = await import(`data:text/javascript,${encodeURIComponent(text)}`);

const use = (id, issued_at, thumbprint = "key") => ({ id, issued_at, thumbprint });

test("a proof counts once for as long as it could be used", () => {
  for (let phase = 0; phase < 140; phase++) {
    const proofs = new UsedProofs();
    const start = 1_000_000;
    assert.ok(proofs.first(use("before", start), start));
    const first = start + phase;
    assert.ok(proofs.first(use("once", first), first));
    // It was made ahead of the clock, at most, and is good until it is too old.
    for (let now = first; now <= first + PROOF_MAX_AHEAD + PROOF_MAX_AGE; now++) {
      assert.equal(proofs.first(use("once", first), now), false, `${phase} ${now - first}`);
      assert.ok(proofs.first(use(`other-${now}`, now), now));
    }
  }
});

test("another key's proof of the same name is another proof", () => {
  const proofs = new UsedProofs();
  assert.ok(proofs.first(use("a", 0, "x"), 0));
  assert.ok(proofs.first(use("a", 0, "y"), 0));
  assert.equal(proofs.first(use("a", 0, "x"), 0), false);
});

test("what cannot be remembered does not count, and what is old is forgotten", () => {
  const proofs = new UsedProofs(3);
  for (const id of ["a", "b", "c"]) assert.ok(proofs.first(use(id, 0), 0));
  assert.equal(proofs.first(use("d", 0), 0), false);
  assert.ok(proofs.first(use("d", 70), 70));
  assert.equal(proofs.first(use("x".repeat(201), 70), 70), false);
  assert.ok(proofs.first(use("a", 140), 140));
});
