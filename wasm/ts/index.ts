// What every entry point gives.

export { Caller, type Context } from "./caller.js";
export { DeputizeError } from "./error.js";
export { type SharedPolicy, type Source, type SyncSource, engine, init, initSync, memoryBytes } from "./border.js";
export type { Filtered, Ids, Time } from "./arguments.js";
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
  Inputs,
  Inspection,
  Party,
  QueryLimits,
  QueryOptions,
  Question,
  Reason,
  ReplayOptions,
  Role,
  Scopes,
  Severity,
  Snapshot,
  Step,
  Tuple,
  TupleCondition,
  WantedToken,
  Warning,
} from "./shapes.js";
