// The guards, out of `ts/guards`: a file each, for both kinds of modules. The
// frameworks are never part of them, nor is `deputize` itself.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
rmSync("dist/guards", { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.guards.json"], { stdio: "inherit" });

const common = { entryPoints: ["ts/guards/*.ts"], outdir: "dist/guards", target: "es2022", logLevel: "warning" };
await build({ ...common, format: "esm" });
await build({ ...common, format: "cjs", outExtension: { ".js": ".cjs" } });
/** Names the files beside one as those of CommonJS. */
const siblings = (code) => code.replaceAll(/((?:require\(|from )"\.\/[a-z-]+)\.js"/g, '$1.cjs"');
for (const name of readdirSync("dist/guards")) {
  const path = `dist/guards/${name}`;
  if (name.endsWith(".cjs")) writeFileSync(path, siblings(readFileSync(path, "utf8")));
  if (name.endsWith(".d.ts")) writeFileSync(path.replace(/\.ts$/, ".cts"), siblings(readFileSync(path, "utf8")));
}
