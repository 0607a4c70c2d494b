// Compiled by the types' own test, never run.
import { type Decision, DeputizeError, Policy, type Snapshot, inspect } from "@deputize/wasm";

const snapshot: Snapshot = { deputize: 1, tuples: [{ user: "user:anne", relation: "viewer", object: "document:1" }] };
using policy = Policy.fromJson(snapshot);
const decision: Decision = policy.verify("token", { audience: "a", tenant: "t" }).decide("read", "document:1");
const code: "token.expired" | "allowed" | string = decision.reason;
const mask: Uint8Array = policy.filter("user:anne", "viewer", ["document:1"], { limits: { steps: 5 } }).mask;
if (decision.record.actingOnBehalfOf === null) console.log(code, mask, inspect("t").findings[0]?.severity);
try {
  await policy.verifyAsync("token", { dpop: { proof: "p", method: "GET", uri: "https://a" } });
} catch (error) {
  if (error instanceof DeputizeError) console.log(error.kind satisfies "misuse" | "input" | "denied" | "internal");
}
// @ts-expect-error A typo in an option.
policy.verify("token", { tenat: "t" });
// @ts-expect-error A typo in a snapshot.
Policy.fromJson({ deputize: 1, tupels: [] });
// @ts-expect-error Not a reason.
if (decision.reason === "token.expird") console.log();
