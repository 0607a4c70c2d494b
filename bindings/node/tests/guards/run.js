// The guards' tests, against the frameworks themselves: in the Node of
// `package-lock.json`, since some of them need a newer one than others; with
// the native module, and with WebAssembly in its place.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
if (!existsSync("node_modules")) {
  console.error("first: npm install, in bindings/node/tests/guards");
  process.exit(1);
}
// The package, installed as a project would have it, beside its frameworks.
rmSync("node_modules/deputize", { recursive: true, force: true });
for (const file of ["dist", "package.json"]) cpSync(`../../${file}`, `node_modules/deputize/${file}`, { recursive: true });
const platforms = existsSync("../../npm") ? readdirSync("../../npm") : [];

const node = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
const run = (...words) => spawnSync(node, words, { stdio: "inherit" }).status === 0;
const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;
run("-p", '"node: " + process.version');
console.log(
  Object.keys(devDependencies)
    .map((name) => `${name} ${version(name)}`)
    .join(", "),
);
const only = process.argv.slice(2);
const tests = readdirSync(".").filter((name) => /\.test\.c?js$/.test(name) && (only.length === 0 || only.some((part) => name.startsWith(part))));
const typed = only.length > 0 || run("../../node_modules/typescript/bin/tsc", "-p", ".");
let passed = typed;
for (const engine of platforms.length === 0 ? ["wasm"] : ["native", "wasm"]) {
  rmSync("node_modules/@deputize", { recursive: true, force: true });
  if (engine === "native") for (const name of platforms) cpSync(`../../npm/${name}`, `node_modules/@deputize/${name}`, { recursive: true });
  run("-p", '"engine: " + require("deputize").engine');
  passed = run("--no-warnings", "--test", "--test-timeout=60000", "--test-reporter=spec", ...tests) && passed;
}
process.exitCode = passed ? 0 : 1;
