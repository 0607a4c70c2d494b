// For browsers and bundlers: `await init()` fetches the module from beside this
// script. Bundlers know the form in which its place is written here.

import { setDefault } from "./instance.js";

setDefault({ later: () => new URL("../deputize.wasm", import.meta.url) });

export * from "./index.js";
