// Asks a Worker in real workerd once, and prints the answer.
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , folder, tools] = process.argv;
const { Miniflare } = createRequire(tools)("miniflare");
const miniflare = new Miniflare({
  modulesRoot: folder,
  modules: [
    { type: "ESModule", path: join(folder, "app/worker.js") },
    { type: "CompiledWasm", path: join(folder, "deputize.wasm") },
  ],
  compatibilityDate: "2026-04-01",
  kvNamespaces: ["KV"],
  r2Buckets: ["R2"],
});
try {
  for (const get of ["getKVNamespace", "getR2Bucket"]) {
    const store = await miniflare[get](get === "getR2Bucket" ? "R2" : "KV");
    await store.put("policy", '{"deputize":1,"revision":"first"}');
  }
  const response = await miniflare.dispatchFetch("http://localhost/");
  console.log(await response.text());
} finally {
  await miniflare.dispose();
}
