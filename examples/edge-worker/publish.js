// Publishes a compiled snapshot to KV:
//
//   node publish.js policy.deputize --remote
//
// Words after the file go to `wrangler kv key put`. The snapshot comes first,
// under its digest, where it never changes; then the manifest, which names it.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";

import { Policy } from "@deputize/wasm";

const [file, ...words] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node publish.js <compiled snapshot> [--remote | --local] […]");
  process.exit(2);
}
const bytes = readFileSync(file);
// What cannot be opened here is not published.
const policy = Policy.fromCompiled(bytes);
const { revision, notAfter, issuedAt } = policy;
if (notAfter === null) console.warn("warning: the snapshot has no `not_after`: only MAX_STALE_SECONDS bounds its use");
if (issuedAt === null) console.warn("warning: the snapshot has no `issued_at`: an older one may take its place");
const digest = createHash("sha256").update(bytes).digest("hex");
const key = `snapshot/${digest}`;

function put(...what) {
  const wrangler = fileURLToPath(new URL("node_modules/wrangler/bin/wrangler.js", import.meta.url));
  const options = { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: ["ignore", "ignore", "inherit"] };
  const { status, error } = spawnSync(process.execPath, [wrangler, "kv", "key", "put", "--binding", "POLICIES", ...words, ...what], options);
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

put(key, "--path", resolve(file));
put("snapshot/newest", JSON.stringify({ revision, digest, key }));
console.log(`published revision ${revision}: ${policy.tupleCount} tuples, ${bytes.length} bytes, ${key}`);
