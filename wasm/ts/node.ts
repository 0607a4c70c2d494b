// For Node, Deno and Bun: the module is read from the package when it is first
// needed, at once. `init` may be called, and need not be.

import { readFileSync } from "node:fs";

import { setDefault } from "./instance.js";

setDefault({ atOnce: () => readFileSync(new URL("../deputize.wasm", import.meta.url)) });

export * from "./index.js";
