import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";

import * as deputize from "@deputize/wasm";

import { claims, sign, snapshot } from "./world.js";

it("the README's example runs", async () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, code] = text.match(/```js\n([^]*?)```/);
  const AsyncFunction = (async () => {}).constructor;
  const body = code.replace('import { Policy } from "@deputize/wasm";', "const { Policy } = deputize;");
  const run = new AsyncFunction("deputize", "snapshot", "token", "ids", `${body}\nreturn [...mask];`);
  const now = Math.floor(Date.now() / 1000);
  const token = sign("RS256", claims({ iat: now, exp: now + 60 }));
  assert.deepEqual(await run(deputize, snapshot(), token, ["document:1", "document:2"]), [1, 0]);
  await assert.rejects(run(deputize, snapshot(), token, ["document:2"]), /itself may not do/);
});
