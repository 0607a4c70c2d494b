// Bundles the Worker as `wrangler deploy` would, and runs all tests on that.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { local, writeBank } from "../bank.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = `${local}/built`;
const env = { ...process.env, WRANGLER_SEND_METRICS: "false", DEPUTIZE_BANK: `${writeBank()}/snapshot.json`, DEPUTIZE_BUILT: built };

function run(words) {
  const { status, error } = spawnSync(process.execPath, words, { cwd: root, env, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(built, { recursive: true, force: true });
run(["node_modules/typescript/bin/tsc", "--noEmit"]);
run(["node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--outdir", built]);
const all = readdirSync(`${root}/tests`).filter((name) => name.endsWith(".test.js")).map((name) => `tests/${name}`);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
// What measures memory and time runs alone.
const load = wanted.filter((name) => name.endsWith("load.test.js"));
const others = wanted.filter((name) => !load.includes(name));
for (const [files, several] of [[others, 3], [load, 1]]) {
  if (files.length > 0) run(["--test", `--test-concurrency=${several}`, "--test-timeout=240000", "--test-reporter=spec", ...files]);
}
