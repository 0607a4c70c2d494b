// Asks a Worker in real workerd once, with what stands on standard input, and
// prints the answer.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Miniflare } from "miniflare";

const folder = process.argv[2];
const miniflare = new Miniflare({
  modulesRoot: folder,
  modules: [
    { type: "ESModule", path: join(folder, "app/worker.js") },
    { type: "CompiledWasm", path: join(folder, "deputize.wasm") },
  ],
  compatibilityDate: "2026-04-01",
});
try {
  const body = readFileSync(0, "utf8");
  const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body });
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
