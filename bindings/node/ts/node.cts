// For Node: the native module where there is one for this platform, else
// WebAssembly, with the same classes and the same answers.

type Api = typeof import("@deputize/wasm");

function load(): Api {
  try {
    return require("./native.cjs");
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code !== "MODULE_NOT_FOUND") {
      process.emitWarning(`the native module does not load, WebAssembly takes its place: ${message}`, { code: "DEPUTIZE_WASM" });
    }
    return require("@deputize/wasm");
  }
}

module.exports = load();
