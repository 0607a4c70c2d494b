// Compiled by the types' own test, never run.
import { trace } from "@opentelemetry/api";

import { type Caller, type Decision, DeputizeError, Policy, type SharedPolicy, engine } from "deputize";
import { Audit, type Sink, fusionAuth, jsonLines, spans } from "deputize/audit";
import { type Origin, Source, file, sha256, url } from "deputize/source";

using policy: Policy = await Policy.fromJsonAsync({ deputize: 1, tuples: [{ user: "user:anne", relation: "viewer", object: "document:1" }] });
const shared: SharedPolicy = policy.share();
const mask: Uint8Array = (await Policy.fromShared(shared).filterAsync("user:anne", "viewer", new Uint8Array())).mask;
const native: boolean = engine === "native";
const origin: Origin = native ? file("policy.json") : url("https://a", { headers: { a: "b" } });
using source = await Source.open(origin, { maxAge: 60, refresh: 5, check: sha256() });
source.on("changed", ({ policy, previous }) => console.log(policy.revision, previous.digest(), mask));
source.on("failed", ({ error }) => error.code);
const caller: Caller = source.policy.verify("token");
const sink: Sink = caller.tenant === null ? jsonLines(console.log) : fusionAuth({ url: "https://a", apiKey: "k" });
await using audit = new Audit({ sink, observers: [spans(trace)], onProblem: ({ lost }) => lost satisfies number });
const decision: Decision = audit.record(caller.decide("read", "document:1"));
if (!decision.allowed) throw new DeputizeError({ kind: "denied", code: decision.reason, message: decision.message });
// @ts-expect-error There is no such event.
source.on("change", () => {});
// @ts-expect-error A typo in an option.
new Audit({ sinks: [] });
