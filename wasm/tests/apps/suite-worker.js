import * as deputize from "@deputize/wasm";

import { run } from "./suite.js";

export default {
  async fetch(request) {
    return Response.json(await run(deputize, await request.json()));
  },
};
