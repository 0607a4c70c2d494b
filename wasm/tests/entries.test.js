// Every way in: runtimes, module kinds, bundlers, a plain script.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

import { check, document, expected } from "./apps/check.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const apps = join(root, "tests/apps");
const bin = (name) => join(root, "node_modules/.bin", name);
// A runtime that has no package for this machine is not asked.
const installed = (name) => ({ skip: existsSync(bin(name)) ? false : `${name} is not installed` });
const run = (program, words, options) => execFileSync(program, words, { encoding: "utf8", cwd: apps, ...options }).trim();

// The package as it is published, in a folder of its own.
const place = mkdtempSync(join(root, "node_modules/.try-"));
after(() => rmSync(place, { recursive: true }));
const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", place], { cwd: root }));
run("tar", ["xf", filename], { cwd: place });
cpSync(apps, join(place, "app"), { recursive: true });
const app = join(place, "app");
run("mkdir", ["-p", "node_modules/@deputize"], { cwd: app });
symlinkSync(join(place, "package"), join(app, "node_modules/@deputize/wasm"));
writeFileSync(join(app, "package.json"), '{ "type": "module" }');
const within = { cwd: app };

/** A page's globals and no more: no `process`, no `require`. */
function page(more = {}) {
  const { TextDecoder, TextEncoder, URL, WebAssembly, crypto, atob, fetch, Response, Request, FinalizationRegistry, console } = globalThis;
  return createContext({ TextDecoder, TextEncoder, URL, WebAssembly, crypto, atob, fetch, Response, Request, FinalizationRegistry, console, ...more });
}

/** Serves a folder on this machine alone. */
async function serve(folder) {
  const types = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url, "http://localhost").pathname);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[path.split(".").pop()] ?? "text/plain" }).end(readFileSync(path));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

describe("the package", () => {
  it("holds what it needs and nothing else", () => {
    const names = files.map((file) => file.path);
    for (const name of ["dist/deputize.wasm", "dist/deputize.js", "dist/esm/node.js", "dist/cjs/node.js", "LICENSE-MIT", "LICENSE-APACHE", "README.md"]) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(names.filter((name) => !/^(dist\/|LICENSE-|README\.md|package\.json)/.test(name)), []);
  });

  it("passes publint and attw", () => {
    assert.match(run(bin("publint"), ["--strict", join(place, "package")]), /All good!/);
    // What resolves as Node 10 did knows no `exports`: it finds the main entry, and is told no other.
    const words = ["--profile", "node16", "--exclude-entrypoints", "./deputize.wasm", "./workerd", "./package.json"];
    run(bin("attw"), [join(place, filename), ...words]);
  });

  it("has types that a strict program compiles with", () => {
    for (const module of ["nodenext", "preserve"]) {
      const words = ["typed.ts", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", module];
      for (const lib of ["es2024,esnext.disposable,dom", "es2022,dom"]) run(bin("tsc"), [...words, "--lib", lib, "--types", "", "--ignoreConfig"], within);
    }
  });
});

describe("without a bundler", () => {
  for (const [name, program] of [["this node", process.execPath], ["node 24", bin("node")]]) {
    it(`${name}, as an ECMAScript module and as CommonJS`, () => {
      assert.equal(run(program, ["run.js"], within), expected);
      assert.equal(run(program, ["run.cjs"], within), expected);
    });
  }

  it("deno", installed("deno"), () => {
    assert.equal(run(bin("deno"), ["run", "--allow-read", "--no-prompt", "run.js"], within), expected);
  });

  it("bun", installed("bun"), () => {
    assert.equal(run(bin("bun"), ["run.js"], within), expected);
    assert.equal(run(bin("bun"), ["run.cjs"], within), expected);
  });

  it("says why the module cannot be read", () => {
    const without = join(place, "without");
    cpSync(join(place, "package"), without, { recursive: true });
    rmSync(join(without, "dist/deputize.wasm"));
    for (const first of ["Policy.fromJson({ deputize: 1 })", "initSync()"]) {
      const program = `import { Policy, initSync } from ${JSON.stringify(join(without, "dist/esm/node.js"))};
        try { ${first} } catch ({ kind, code, message }) { console.log(kind, code, /ENOENT/.test(message)); }`;
      assert.equal(run(process.execPath, ["--input-type=module", "-e", program]), "misuse call.module true");
    }
  });

  it("from a module, from bytes and from a URL", async () => {
    const wasm = readFileSync(join(root, "dist/deputize.wasm"));
    const base = await serve(join(place, "package/dist"));
    const file = readFileSync(join(root, "dist/deputize.js"), "utf8");
    const sources = [new WebAssembly.Module(wasm), wasm, wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length), new URL(`${base}/deputize.wasm`), `${base}/deputize.wasm`, fetch(`${base}/deputize.wasm`)];
    for (const source of sources) {
      const room = page();
      runInContext(`${file}\nglobalThis.deputize = deputize;`, room);
      assert.equal(await check(room.deputize, source), expected);
    }
    const elsewhere = page({ WebAssembly: runInContext("WebAssembly", createContext()) });
    runInContext(`${file}\nglobalThis.deputize = deputize;`, elsewhere);
    assert.equal(await check(elsewhere.deputize, new WebAssembly.Module(wasm)), expected, "compiled in another realm");
    const room = page();
    runInContext(`${file}\nglobalThis.deputize = deputize;`, room);
    const { Policy, init, initSync } = room.deputize;
    const codes = [];
    for (const what of [() => Policy.fromJson(document), () => initSync(), () => init(), () => initSync(new Uint8Array(8)), () => init(`${base}/nothing.wasm`), () => init(new Uint8Array(8))]) {
      try {
        await what();
      } catch (error) {
        codes.push(error.code);
      }
    }
    assert.deepEqual(codes, ["call.not_ready", "call.not_ready", "call.module", "call.module", "call.module", "call.module"]);
    assert.equal(await check(room.deputize, wasm), expected, "a failure is not the end");
  });

  it("a plain script, which finds the module beside itself", async () => {
    const base = await serve(join(place, "package/dist"));
    const room = page({ document: { currentScript: { src: `${base}/deputize.js` } } });
    runInContext(`${readFileSync(join(place, "package/dist/deputize.js"), "utf8")}\nglobalThis.deputize = deputize;`, room);
    assert.equal(await check(room.deputize), expected);
  });
});

/** Runs a bundle of `web.js` as a page would, its files served from a folder. */
async function asPage(folder, file) {
  const base = await serve(folder);
  const code = readFileSync(join(folder, file), "utf8");
  const { SourceTextModule } = await import("node:vm");
  const room = page({ document: { baseURI: `${base}/`, currentScript: null }, location: new URL(`${base}/`), self: undefined });
  room.self = room;
  const module = new SourceTextModule(code, {
    context: room,
    initializeImportMeta: (meta) => {
      meta.url = `${base}/${file}`;
    },
  });
  await module.link(() => {
    throw new Error("a bundle imports nothing");
  });
  await module.evaluate();
  return room.answered;
}

describe("bundled", () => {
  const out = (name) => join(place, name);

  it("by esbuild, for a page", async () => {
    run(bin("esbuild"), ["web.js", "--bundle", "--format=esm", `--outdir=${out("esbuild/app")}`, "--log-level=error"], within);
    // esbuild leaves the module's place as it is, for whoever deploys to copy.
    cpSync(join(place, "package/dist/deputize.wasm"), out("esbuild/deputize.wasm"));
    assert.equal(await asPage(out("esbuild"), "app/web.js"), expected);
  });

  it("by esbuild, for node", () => {
    for (const format of ["esm", "cjs"]) {
      const file = out(`esbuild-node/${format}/run.${format === "esm" ? "mjs" : "cjs"}`);
      const entry = format === "esm" ? "run.js" : "run.cjs";
      run(bin("esbuild"), [entry, "--bundle", "--platform=node", `--format=${format}`, `--outfile=${file}`, "--log-level=error"], within);
      cpSync(join(place, "package/dist/deputize.wasm"), out("esbuild-node/deputize.wasm"));
      assert.equal(run(process.execPath, [file]), expected);
    }
  });

  it("by vite", async () => {
    writeFileSync(
      join(app, "vite.config.js"),
      `export default { logLevel: "error", base: "./", build: { target: "es2022", assetsInlineLimit: 0, modulePreload: false, outDir: ${JSON.stringify(out("vite"))},
        rollupOptions: { input: "web.js", output: { entryFileNames: "web.js" } } } };`,
    );
    run(bin("node"), [join(root, "node_modules/vite/bin/vite.js"), "build"], within);
    assert.equal(await asPage(out("vite"), "web.js"), expected);
  });

  it("by webpack", async () => {
    const webpack = createRequire(import.meta.url)("webpack");
    const stats = await new Promise((done, failed) =>
      webpack(
        {
          context: app,
          entry: "./web.js",
          mode: "production",
          target: ["web", "es2022"],
          experiments: { outputModule: true },
          output: { path: out("webpack"), filename: "web.js", module: true, publicPath: "auto" },
          performance: false,
        },
        (error, result) => (error ? failed(error) : done(result)),
      ),
    );
    assert.deepEqual(stats.toJson().errors, []);
    assert.equal(await asPage(out("webpack"), "web.js"), expected);
  });
});

describe("a Worker", () => {
  it("takes the compiled module, and answers", installed("workerd"), () => {
    // As wrangler does it: the conditions of workerd, the module left as it is.
    const words = ["worker.js", "--bundle", "--format=esm", "--conditions=workerd,worker", "--external:*.wasm", "--log-level=error"];
    run(bin("esbuild"), [...words, `--outfile=${join(place, "worker/app/worker.js")}`], within);
    cpSync(join(place, "package/dist/deputize.wasm"), join(place, "worker/deputize.wasm"));
    // miniflare needs a newer Node than this may be.
    assert.equal(run(bin("node"), [join(root, "tests/apps/miniflare.js"), join(place, "worker")]), expected);
  });
});
