// For Cloudflare's and other Workers: the import is a compiled module, and
// nothing needs to be awaited.

// @ts-expect-error Only a Worker's build knows what this is.
import module from "../deputize.wasm";

import { setDefault } from "./instance.js";

setDefault({ atOnce: () => module as WebAssembly.Module });

export * from "./index.js";
