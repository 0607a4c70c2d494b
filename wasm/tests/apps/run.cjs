const deputize = require("@deputize/wasm");

(async () => {
  const { check } = await import("./check.js");
  // Nothing needs to be awaited before the first policy.
  const { document } = await import("./check.js");
  deputize.Policy.fromJson(document).free();
  console.log(await check(deputize));
})();
