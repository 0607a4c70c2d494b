// Headless Chromium, out of npm alone, or the one that `CHROMIUM` names.

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
    const executablePath = process.env.CHROMIUM ?? (await sparticuz.executablePath());
    const args = sparticuz.args.filter((flag) => flag !== "--single-process");
    const browser = await chromium.launch({ executablePath, args, headless: true });
    return { browser };
  } catch (error) {
    return { why: `Chromium does not start here: ${String(error.message).split("\n")[0]}` };
  }
}

if (process.argv[1] === import.meta.filename) {
  const { browser, why } = await launch();
  await browser?.close();
  if (why !== undefined) console.log(why);
  process.exit();
}
