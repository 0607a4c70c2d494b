import * as deputize from "@deputize/wasm";

import { check } from "./check.js";

console.log(await check(deputize));
