import * as deputize from "@deputize/wasm";

import { check } from "./check.js";

globalThis.answered = check(deputize);
