/// <reference lib="esnext.disposable" preserve="true" />
// What every entry point gives. The types bring `Disposable` along, which a
// program's own `lib` need not have.

export { Caller, type Context } from "./caller.js";
export { DeputizeError } from "./error.js";
export { type SharedPolicy, type Source, type SyncSource, engine, init, initSync, memoryBytes } from "./border.js";
export type { Filtered, Ids, Time } from "./arguments.js";
export { decodeId, encodeId } from "./ids.js";
export * from "./policy.js";
export type {
  Actor,
  Asking,
  AuditRecord,
  Branch,
  Certificate,
  CheckAnswer,
  CheckItem,
  Checked,
  ClientCredentials,
  Decision,
  Dpop,
  DpopUse,
  ErrorBody,
  ErrorKind,
  Evaluation,
  Evaluations,
  ExchangeClaims,
  Expansion,
  Explanation,
  Finding,
  FoundNamedAction,
  FoundNamedEntity,
  Grounds,
  GuardCode,
  Hop,
  HopGrounds,
  HopTuple,
  Inputs,
  Inspection,
  Party,
  PolicyInspection,
  QueryLimits,
  QueryOptions,
  Question,
  Reason,
  ReplayOptions,
  RetrievalCode,
  Role,
  ScopeInWords,
  Scopes,
  Severity,
  SignatureFinding,
  SignedBy,
  Snapshot,
  SourceCode,
  Step,
  Tuple,
  TupleCondition,
  WantedToken,
  Warning,
} from "./shapes.js";
