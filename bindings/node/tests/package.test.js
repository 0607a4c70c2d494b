// What a project gets that installs the packed package: in every runtime, with
// its native module and without.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, sign as signBytes } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { claims, sign, snapshot } from "../../../wasm/tests/world.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const wasm = fileURLToPath(new URL("../../../wasm", import.meta.url));
const own = (name) => join(root, "node_modules/.bin", name);
// The other runtimes are those that `@deputize/wasm` is tested in.
const bin = (name) => join(wasm, "node_modules/.bin", name);
const installed = (name) => ({ skip: existsSync(bin(name)) ? false : `${name} is not installed` });
const run = (program, words, options) => execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], ...options }).trim();

run(process.execPath, [join(root, "pack.js")]);
const packed = readdirSync(join(root, "packed")).filter((name) => name.endsWith(".tgz"));
const archive = packed.find((name) => /^deputize-\d/.test(name));

/** A clean project that has installed these. */
function project(archives) {
  const place = mkdtempSync(join(tmpdir(), "deputize-"));
  after(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, "package.json"), '{ "type": "module" }');
  const words = ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error"];
  run("npm", [...words, ...archives.map((name) => join(root, "packed", name))], { cwd: place });
  return place;
}

const place = project(packed);
const within = { cwd: place };

// The README's first lines, as they are, with what they take for granted.
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [first, second] = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
const now = Math.floor(Date.now() / 1000);
const token = sign("ES256", claims({ iat: now, exp: now + 600 }));
const given = `const snapshot = ${JSON.stringify(snapshot())};\nconst token = ${JSON.stringify(token)};\nconst ids = ["document:1", "document:2"];\n`;
const [line] = first.split("\n", 1);
const body = first.slice(line.length);
assert.equal(line, 'import { Policy } from "deputize";');
const said = "return JSON.stringify([...mask]);";
writeFileSync(join(place, "readme.js"), `${line}\nimport { engine } from "deputize";\n${given}\nexport function run() {\n${body}\n${said}\n}\nexport { engine };\n`);
writeFileSync(join(place, "run.js"), 'import { engine, run } from "./readme.js";\nconsole.log(engine, run());\n');
writeFileSync(join(place, "run.cjs"), `const { Policy, engine } = require("deputize");\n${given}\nconst run = () => {\n${body}\n${said}\n};\nconsole.log(engine, run());\n`);
writeFileSync(join(place, "readme.ts"), `${line}\nimport type { Snapshot } from "deputize";\n${given.replace("const snapshot", "const snapshot: Snapshot").replace("const ids", "const ids: string[]")}\n${body.replaceAll("ids[0]", "ids[0]!")}\nconst bytes: Uint8Array = mask;\nconsole.log(bytes);\n`);

describe("the package", () => {
  it("holds what it needs and nothing else", () => {
    const names = run("tar", ["tf", join(root, "packed", archive)]).split("\n");
    for (const name of ["dist/node.cjs", "dist/native.cjs", "dist/wasm.js", "dist/source.js", "dist/audit.d.cts", "LICENSE-MIT", "LICENSE-APACHE", "README.md"]) {
      assert.ok(names.includes(`package/${name}`), name);
    }
    assert.deepEqual(names.filter((name) => !/^package\/(dist\/|LICENSE-|README\.md|package\.json)/.test(name)), []);
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readFileSync(join(root, "packed/package/package.json"), "utf8"));
    assert.deepEqual([dependencies, devDependencies], [{ "@deputize/wasm": "0.1.0" }, undefined]);
    for (const [name, version] of Object.entries(optionalDependencies)) assert.match(`${name} ${version}`, /^@deputize\/node-[a-z0-9-]+ 0\.1\.0$/);
  });

  it("passes publint and attw", () => {
    assert.match(run(own("publint"), ["--strict", join(root, "packed/package")]), /All good!/);
    // What resolves as Node 10 did knows no `exports`: it finds the main entry, and is told no other.
    run(own("attw"), [join(root, "packed", archive), "--profile", "node16", "--exclude-entrypoints", "./package.json"]);
  });

  it("has types that a strict program compiles with", () => {
    cpSync(new URL("apps/typed.ts", import.meta.url), join(place, "typed.ts"));
    const api = join(place, "node_modules/@opentelemetry");
    if (!existsSync(api)) symlinkSync(join(root, "node_modules/@opentelemetry"), api);
    for (const module of ["nodenext", "preserve"]) {
      const words = ["typed.ts", "readme.ts", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", module];
      run(own("tsc"), [...words, "--lib", "es2024,esnext.disposable,dom", "--types", "", "--ignoreConfig"], within);
    }
    writeFileSync(join(place, "typed.cts"), 'import deputize = require("deputize");\nimport audit = require("deputize/audit");\nexport const policy: deputize.Policy = deputize.Policy.fromJson("{}");\nexport const kept: audit.Audit = new audit.Audit({});\n');
    run(own("tsc"), ["typed.cts", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2024,esnext.disposable,dom", "--types", "", "--ignoreConfig"], within);
  });
});

describe("the README's lines", () => {
  for (const [name, program] of [["this node", process.execPath], ["node 24", bin("node")]]) {
    it(`${name}, natively, as an ECMAScript module and as CommonJS`, () => {
      for (const file of ["run.js", "run.cjs"]) assert.equal(run(program, [file], within), "native [1,0]");
    });
  }

  it("typescript", () => {
    writeFileSync(join(place, "strip.ts"), readFileSync(join(place, "readme.ts")));
    assert.equal(run(bin("node"), ["--no-warnings", "strip.ts"], within), "Uint8Array(2) [ 1, 0 ]");
  });

  it("deno", installed("deno"), () => {
    assert.equal(run(bin("deno"), ["run", "--allow-read", "--no-prompt", "--node-modules-dir=manual", "run.js"], within), "wasm [1,0]");
  });

  it("bun", installed("bun"), () => {
    for (const file of ["run.js", "run.cjs"]) assert.equal(run(bin("bun"), [file], within), "native [1,0]");
  });

  it("workerd, with sources in KV and R2", installed("workerd"), () => {
    cpSync(new URL("apps/worker.js", import.meta.url), join(place, "worker.js"));
    const words = ["worker.js", "--bundle", "--format=esm", "--conditions=workerd,worker", "--external:*.wasm", "--log-level=error"];
    const out = join(place, "out");
    run(own("esbuild"), [...words, `--outfile=${join(out, "app/worker.js")}`], within);
    cpSync(join(place, "node_modules/@deputize/wasm/dist/deputize.wasm"), join(out, "deputize.wasm"));
    const answer = run(bin("node"), [fileURLToPath(new URL("apps/miniflare.js", import.meta.url)), out, join(wasm, "package.json")]);
    const asked = [["first", false, true, "next"], "source.digest", 1];
    assert.deepEqual(JSON.parse(answer), ["wasm", "[1,0]", ...asked, ...asked]);
  });

  it("a page, by vite: WebAssembly, and nothing of Node", installed("vite"), () => {
    writeFileSync(join(place, "web.js"), 'import { engine, init } from "deputize";\nimport { Source, url } from "deputize/source";\nglobalThis.answered = init().then(() => [engine, Source, url]);\n');
    writeFileSync(join(place, "vite.config.js"), 'export default { logLevel: "error", build: { outDir: "web", assetsInlineLimit: 0, rollupOptions: { input: "web.js" } } };\n');
    run(bin("node"), [join(wasm, "node_modules/vite/bin/vite.js"), "build"], within);
    const built = readdirSync(join(place, "web/assets"));
    assert.equal(built.filter((name) => name.endsWith(".wasm")).length, 1);
    for (const name of built.filter((name) => name.endsWith(".js"))) {
      assert.doesNotMatch(readFileSync(join(place, "web/assets", name), "utf8"), /createRequire|emitWarning/);
    }
  });

  it("of a fresh policy and of decisions that are kept", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const bytes = Buffer.from(JSON.stringify(snapshot()));
    const signature = signBytes(null, bytes, privateKey).toString("base64url");
    const server = createServer((_, response) => response.writeHead(200, { "x-deputize-signature": signature }).end(bytes));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    after(() => server.close());
    const code = second.replace("https://config.example", `http://127.0.0.1:${server.address().port}`);
    const key = JSON.stringify(publicKey.export({ format: "jwk" }));
    const text = `${code.replace(/(import .*;\n)+/, (imports) => `${imports}\nconst publicKey = ${key};\n${given}`)}\nawait audit.close();\nsource.close();\nconsole.log(allowed, JSON.stringify(audit.counts));\n`;
    writeFileSync(join(place, "fresh.js"), text);
    const child = spawn(process.execPath, ["fresh.js"], within);
    const printed = Buffer.concat(await child.stdout.toArray()).toString().trim();
    assert.equal(printed, 'true {"written":1,"waiting":0,"dropped":0,"failed":0}');
    assert.equal(JSON.parse(readFileSync(join(place, "audit.jsonl"), "utf8")).resource, "document:1");
  });
});

describe("the native module", () => {
  it("that is not there is made up for by WebAssembly, without a word", () => {
    const bare = project(packed.filter((name) => !name.includes("-node-")));
    for (const file of ["readme.js", "run.js", "run.cjs"]) cpSync(join(place, file), join(bare, file));
    for (const file of ["run.js", "run.cjs"]) {
      assert.equal(run("sh", ["-c", `"${process.execPath}" ${file} 2>&1`], { cwd: bare }), "wasm [1,0]");
    }
  });

  it("that does not load, or is another version's, is told of", () => {
    const bare = project(packed.filter((name) => !name.includes("-node-")));
    for (const file of ["readme.js", "run.js"]) cpSync(join(place, file), join(bare, file));
    const [name] = readdirSync(join(root, "npm"));
    const folder = join(bare, "node_modules/@deputize", name);
    cpSync(join(root, "npm", name), folder, { recursive: true });
    const all = () => run("sh", ["-c", `"${process.execPath}" run.js 2>&1`], { cwd: bare });
    writeFileSync(join(folder, "deputize.node"), "not a module");
    assert.match(all(), /DEPUTIZE_WASM.*does not load/);
    assert.match(all(), /^wasm \[1,0\]$/m);
    writeFileSync(join(folder, "package.json"), '{ "main": "other.cjs" }');
    writeFileSync(join(folder, "other.cjs"), 'exports.version = () => "0.0.9";');
    assert.match(all(), /is of version 0\.0\.9, not 0\.1\.0/);
    assert.match(all(), /^wasm \[1,0\]$/m);
  });
});
