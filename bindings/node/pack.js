// What a project installs, in `packed/`: this package, `@deputize/wasm`, and
// the native modules that lie in `npm/`, which are its optional dependencies.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
const read = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const pack = (folder) => execFileSync("npm", ["pack", "--silent", "--pack-destination", join(process.cwd(), "packed")], { cwd: folder });

rmSync("packed", { recursive: true, force: true });
mkdirSync("packed/package", { recursive: true });
const own = read(".");
const platforms = readdirSync("npm").map((name) => join("npm", name));
const versions = (folders) => Object.fromEntries(folders.map(read).map(({ name, version }) => [name, version]));
const { devDependencies, scripts, ...published } = own;
published.dependencies = versions(["../../wasm"]);
published.optionalDependencies = versions(platforms);
for (const file of published.files) cpSync(file, join("packed/package", file), { recursive: true });
writeFileSync("packed/package/package.json", `${JSON.stringify(published, null, 2)}\n`);
for (const folder of ["packed/package", "../../wasm", ...platforms]) pack(folder);
