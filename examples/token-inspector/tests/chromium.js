// Headless Chromium, out of npm alone.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import sparticuz from "@sparticuz/chromium";
import { chromium } from "playwright-core";

/** The page as it is on disk: it needs no server. */
export const PAGE = new URL("../dist/index.html", import.meta.url).href;

/** A browser, or the reason why there is none here. */
export async function launch() {
  try {
    readFileSync(fileURLToPath(PAGE));
  } catch {
    throw new Error("dist/index.html is not there: `npm run build` writes it");
  }
  try {
    sparticuz.setGraphicsMode = false;
    const browser = await chromium.launch({ executablePath: await sparticuz.executablePath(), args: sparticuz.args.filter((flag) => flag !== "--single-process"), headless: true });
    return { browser };
  } catch (error) {
    return { why: `Chromium does not start here: ${String(error.message).split("\n")[0]}` };
  }
}
