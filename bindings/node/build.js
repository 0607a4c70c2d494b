// The package's scripts, out of `ts/` and the classes of `wasm/ts`. One file of
// classes serves ECMAScript modules and CommonJS, so that a program that has
// both has one `Policy`.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
const own = JSON.parse(readFileSync("package.json", "utf8"));
const { version } = own;

const common = {
  bundle: true,
  platform: "node",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
};

/** Puts `ts/border.ts` in the place of the classes' own way to the core. */
const native = {
  name: "native",
  setup({ onResolve }) {
    const border = fileURLToPath(new URL("ts/border.ts", import.meta.url));
    onResolve({ filter: /^\.\/border\.js$/ }, () => ({ path: border }));
  },
};
await build({
  ...common,
  entryPoints: { native: "../../wasm/ts/index.ts" },
  format: "cjs",
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  define: { VERSION: JSON.stringify(version) },
  plugins: [native],
});
await build({ ...common, entryPoints: { node: "ts/node.cts" }, bundle: false, format: "cjs", outdir: "dist", outExtension: { ".js": ".cjs" } });

// The package of this platform.
const [, , library] = process.argv;
if (library !== undefined) {
  const { platform, arch, report } = process;
  const libc = platform !== "linux" ? undefined : report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
  const tail = { win32: "-msvc", linux: libc === "musl" ? "-musl" : "-gnu" }[platform] ?? "";
  const name = `node-${platform}-${arch}${tail}`;
  const { license, repository, engines } = own;
  const description = `The native module of \`deputize\` for ${platform} on ${arch}.`;
  const fits = { os: [platform], cpu: [arch], ...(libc && { libc: [libc] }) };
  const files = ["deputize.node"];
  rmSync("npm", { recursive: true, force: true });
  mkdirSync(`npm/${name}`, { recursive: true });
  cpSync(library, `npm/${name}/deputize.node`);
  const said = { name: `@deputize/${name}`, version, description, license, repository, engines, ...fits, main: "deputize.node", files };
  writeFileSync(`npm/${name}/package.json`, `${JSON.stringify(said, null, 2)}\n`);
}

// The types are those of `@deputize/wasm`: one set, whatever answers.
for (const file of ["index.d.ts", "index.d.cts"]) writeFileSync(`dist/${file}`, 'export * from "@deputize/wasm";\n');
writeFileSync("dist/wasm.js", 'export * from "@deputize/wasm";\n');
writeFileSync("dist/wasm.cjs", 'module.exports = require("@deputize/wasm");\n');
const names = Object.keys(createRequire(import.meta.url)("@deputize/wasm"));
writeFileSync("dist/node.js", `import api from "./node.cjs";\n\nexport const { ${names.sort().join(", ")} } = api;\n`);

// What goes with it, on every runtime: each imports `deputize` by its name, so
// that there is one `Policy`.
const parts = ["audit", "source"];
const entries = { ...common, platform: "neutral", packages: "external", entryPoints: parts.map((part) => `ts/${part}.ts`), outdir: "dist" };
await build({ ...entries, format: "esm" });
await build({ ...entries, format: "cjs", outExtension: { ".js": ".cjs" } });
const tsc = (...words) => execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", ...words], { stdio: "inherit" });
tsc("-p", ".");
tsc("-p", "tsconfig.parts.json");
for (const part of parts) writeFileSync(`dist/${part}.d.cts`, readFileSync(`dist/${part}.d.ts`, "utf8").replaceAll(/"(\.\/guards\/[a-z]+)\.js"/g, '"$1.cjs"'));
for (const file of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(`../../${file}`, file);
await import("./build-guards.js");
