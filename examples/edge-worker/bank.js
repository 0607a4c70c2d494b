// The bank's snapshot, key and tokens, as the program `deputize` writes them.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A folder of this example that is not kept. */
export const local = fileURLToPath(new URL(".local", import.meta.url));

/** Runs the program (`DEPUTIZE`, or what is on the path) and gives what it prints. What it says beside that is told where it fails. */
export function deputize(...words) {
  return execFileSync(process.env.DEPUTIZE ?? "deputize", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Writes the bank anew, and says where. */
export function writeBank() {
  const folder = `${local}/bank`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(local, { recursive: true });
  deputize("demo", "--write", folder);
  return folder;
}
