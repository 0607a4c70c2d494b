// Asks a Worker in real workerd once, and prints the answer.
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
  const response = await miniflare.dispatchFetch("http://localhost/");
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
