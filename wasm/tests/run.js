// All tests, in the Node that this is and in the one of `package-lock.json`,
// which is newer.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tests = readdirSync(`${root}/tests`).filter((name) => name.endsWith(".test.js"));
const newer = `${root}/node_modules/.bin/node`;
let failed = false;
for (const program of [process.execPath, newer]) {
  console.log(`node ${spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim()}`);
  const files = tests.map((name) => `tests/${name}`);
  const words = ["--experimental-vm-modules", "--no-warnings", "--test", "--test-timeout=180000", "--test-reporter=spec", ...files];
  const { status } = spawnSync(program, words, { cwd: root, stdio: "inherit" });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
