// The package in headless Chromium, as a page that imports it without a bundler.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import sparticuz from "@sparticuz/chromium";
import { chromium } from "playwright-core";

const TYPES = { js: "text/javascript", wasm: "application/wasm" };

/** Serves a folder on this machine alone; `/` is an empty page. */
async function serve(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>suite</title>");
    const path = join(folder, pathname);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.split(".").pop()] ?? "text/plain" }).end(readFileSync(path));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

/** A page that runs `apps/suite.js`; `undefined` where no browser starts. */
export async function open(root) {
  let browser;
  try {
    browser = await chromium.launch({ executablePath: await sparticuz.executablePath(), args: sparticuz.args, headless: true });
  } catch (error) {
    console.warn(String(error));
    return undefined;
  }
  const server = await serve(root);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return {
    run: (work) =>
      page.evaluate(async (work) => {
        const deputize = await import("/dist/esm/web.js");
        await deputize.init();
        const { run } = await import("/tests/apps/suite.js");
        return run(deputize, work);
      }, work),
    async close() {
      await browser.close();
      server.close();
    },
  };
}
