// One file out of everything: the page, its styles, its script, and the module,
// compressed. Nothing is fetched, so the page works from a disk as well.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { examples, policies } from "./examples.js";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], { stdio: "inherit" });

const module = createRequire(import.meta.url).resolve("@deputize/wasm/deputize.wasm");
const common = { bundle: true, minify: true, write: false, legalComments: "none", logLevel: "warning" };
const script = await build({
  ...common,
  entryPoints: ["src/main.ts"],
  format: "iife",
  target: "es2022",
  // The page says itself what the module is made of.
  define: { "import.meta.url": '""' },
  conditions: ["browser"],
  alias: { "@deputize/wasm": "@deputize/wasm/web" },
});
const style = await build({ ...common, entryPoints: ["src/page.css"] });

const text = (built) => built.outputFiles[0].text.trim();
const hash = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
/** JSON that no HTML parser mistakes for markup. */
const data = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

const parts = {
  style: text(style),
  script: text(script),
  examples: data({ examples, policies }),
  module: gzipSync(readFileSync(module), { level: 9 }).toString("base64"),
};
if (/<\/(script|style)/i.test(parts.style + parts.script)) throw new Error("a part would end its own element");
parts.policy = [
  "default-src 'none'",
  `script-src ${hash(parts.script)} 'wasm-unsafe-eval'`,
  `style-src ${hash(parts.style)}`,
  "connect-src 'none'",
  "img-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const page = readFileSync("src/page.html", "utf8").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.html", page);
const size = (bytes) => `${Math.round(bytes / 1000)} KB`;
console.log(`dist/index.html: ${size(page.length)}, ${size(gzipSync(page).length)} gzipped; its script ${size(parts.script.length)}`);
