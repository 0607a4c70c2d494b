// The suite that `@deputize/wasm` has, on the native module, and what is this
// package's own: in the Node that this is, and in a newer one.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const shared = ["hostile", "policies", "tokens"].map((name) => `../../wasm/tests/${name}.test.js`);
const own = readdirSync(`${root}/tests`).filter((name) => name.endsWith(".test.js"));
const files = [...shared, ...own.map((name) => `tests/${name}`)];
const newer = fileURLToPath(new URL("../../../wasm/node_modules/.bin/node", import.meta.url));
const env = { ...process.env, DEPUTIZE_PACKAGE: import.meta.resolve("deputize") };
let failed = false;
for (const program of [process.execPath, newer]) {
  console.log(`node ${spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim()}`);
  // The package's own test asks both already.
  const asked = program === newer ? files.filter((name) => !name.includes("package")) : files;
  const words = ["--no-warnings", "--test", "--test-timeout=180000", "--test-reporter=spec", ...asked];
  const { status } = spawnSync(program, words, { cwd: root, env, stdio: "inherit" });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
