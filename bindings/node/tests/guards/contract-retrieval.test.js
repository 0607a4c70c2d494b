// The contract of retrievers, as every language runs it: `tests/vectors/retrieval.json`.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { FILE, RETRIEVERS, Shelf } from "./contract/retrievers.js";

it("has every retriever", () => {
  assert.deepEqual(Object.keys(RETRIEVERS), Object.keys(FILE.retrievers.node));
  assert.equal(new Set(FILE.cases.map(({ name }) => name)).size, FILE.cases.length);
});

for (const [name, has] of Object.entries(FILE.retrievers.node)) {
  describe(name, () => {
    for (const test of FILE.cases.filter(({ needs = [] }) => needs.every((need) => has.includes(need)))) {
      it(test.name, async () => {
        const shelf = new Shelf(test);
        if ("refused" in test) {
          assert.throws(() => RETRIEVERS[name](shelf), { kind: "misuse", code: test.refused });
          return;
        }
        const ask = RETRIEVERS[name](shelf);
        if ("code" in test) {
          await assert.rejects(ask, ({ code }) => test.code === null || code === test.code);
          return;
        }
        const found = await ask();
        assert.deepEqual(found.given, test.given);
        for (const member of ["dropped", "stopped"]) if (member in test) assert.deepEqual(found[member], test[member]);
        if (test.watched === true) {
          assert.notEqual(found.watched, "");
          const seen = shelf.chunks.map((_, place) => place).filter((place) => found.watched.includes(`"chunk ${place}"`));
          assert.deepEqual(seen, [...test.given].sort((a, b) => a - b));
        }
      });
    }
  });
}
