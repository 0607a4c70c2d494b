// The package under test: this one, or another that has the same classes.
const { DEPUTIZE_PACKAGE } = process.env;

export const { Caller, DeputizeError, Policy, decodeId, encodeId, engine, init, initSync, inspect, memoryBytes, verifySignature, verifySignatureAsync } = await import(DEPUTIZE_PACKAGE ?? "@deputize/wasm");
