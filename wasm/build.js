// The package's scripts, out of `ts/` and the glue that `cargo xtask wasm` has
// written there: ECMAScript modules, CommonJS, and one file for a script tag.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
rmSync("dist", { recursive: true, force: true });

// The types: checked once, and given to both kinds of modules.
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], { stdio: "inherit" });
rmSync("dist/esm/script.d.ts");
mkdirSync("dist/cjs");
for (const file of readdirSync("dist/esm")) {
  if (file.endsWith(".d.ts") && file !== "workerd.d.ts") copyFileSync(`dist/esm/${file}`, `dist/cjs/${file}`);
}
writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
copyFileSync("ts/glue/glue_bg.wasm", "dist/deputize.wasm");

const common = {
  bundle: true,
  target: "es2022",
  external: ["node:*", "*.wasm"],
  legalComments: "none",
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: ["ts/node.ts", "ts/web.ts", "ts/workerd.ts"],
  format: "esm",
  splitting: true,
  chunkNames: "deputize",
  outdir: "dist/esm",
});
// CommonJS knows no `import.meta`: in Node the file's own place stands for it,
// elsewhere `init` has to be told.
const place = {
  js: 'const here = typeof __filename === "string" ? require("node:url").pathToFileURL(__filename).href : undefined;',
};
await build({
  ...common,
  entryPoints: ["ts/node.ts"],
  format: "cjs",
  outdir: "dist/cjs",
  define: { "import.meta.url": "here" },
  banner: place,
});
await build({
  ...common,
  entryPoints: { web: "ts/index.ts" },
  format: "cjs",
  outdir: "dist/cjs",
});
await build({
  ...common,
  entryPoints: { deputize: "ts/script.ts" },
  format: "iife",
  globalName: "deputize",
  minify: true,
  outdir: "dist",
});
cpSync("../LICENSE-APACHE", "LICENSE-APACHE");
cpSync("../LICENSE-MIT", "LICENSE-MIT");
