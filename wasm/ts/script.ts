// For a plain `<script src="…/deputize.js">`: everything is in `deputize`, and
// `await deputize.init()` fetches the module from beside the script.

import { setDefault } from "./instance.js";

const script = typeof document === "undefined" ? null : document.currentScript;
const base = script !== null && "src" in script ? script.src : "";
if (base !== "") setDefault({ later: () => new URL("deputize.wasm", base) });

export * from "./index.js";
