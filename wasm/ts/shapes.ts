// Written by `cargo xtask generate` from the Rust types; do not edit.
//
// The shapes of requests and answers, the same in every language.

/** What a token without a claim means. */
export type Absent = "empty";

/**
 * An access rule: a principal may do what the pattern covers, on a path and
 * all below it.
 */
export interface AccessRecord {
  /** An action pattern, e.g. `integration:*`. */
  action: string;
  /** `type:id`. */
  principal: string;
  /** A path, e.g. `/account/acc-1/`. */
  resource: string;
}

/**
 * Which relations of a type are actions, where a caller asks for all that it
 * may do.
 */
export interface ActionsRecord {
  /**
   * Names of its relations, e.g. `can_read`, or how they begin, e.g.
   * `can_*`.
   */
  relations: string[];
  /** A type of the model. */
  type: string;
}

/** Who is to act. */
export interface Actor {
  /** The audience that the actor token must name. */
  audience?: string;
  /** The certificate that the actor showed in the TLS handshake. */
  certificate?: Certificate;
  /** The DPoP proof that came with it. */
  dpop?: Dpop;
  /**
   * Without an actor token: the principal, `type:id`, whom the host has
   * authenticated.
   */
  principal?: string;
}

/** What an actor's authority is. */
export type ActorAuthority = "grants" | "scopes" | "grants_or_scopes";

/** Whose authority is needed beside the subject's. */
export type Actors = "current" | "every";

/** Who asks, in one question. */
export type Asking = {
  token: string;
} | {
  tokens: string[];
} | {
  chain: string[];
};

/** A claim that stands for an audience that a token does not name. */
export interface AudienceBy {
  /** The claim, e.g. `client_id`. */
  claim: string;
  /**
   * The values of which it must have one. Services that share one are not
   * told apart.
   */
  one_of: string[];
}

/** An audit record: FusionAuth's fields, and what it takes to decide again. */
export interface AuditRecord {
  /** The subject, where another acted for it. */
  actingOnBehalfOf: string | null;
  /** The action asked for. */
  action: string;
  /** Who acted. */
  actor: string;
  /**
   * What kind of agent acted: the principal's attribute `agentType`, or the
   * entity's in its `data`, else the type in its name.
   */
  agentType: string;
  /** Whether it was allowed. */
  allowed: boolean;
  /** The principals, subject first, current actor last. */
  chain: string[];
  /** The question's own values for conditions. */
  context: { [name: string]: unknown };
  /** The party before the actor, where there is one. */
  delegatedBy: string | null;
  /** SHA-256 of the compiled policy, in hexadecimal. */
  digest: string;
  /** SHA-256 over everything else in the record, in hexadecimal. */
  id: string;
  /** What the caller was made from. */
  inputs: Inputs;
  /** Why. */
  reason: Reason;
  /** The resource asked about. */
  resource: string;
  /** The snapshot's revision. */
  revision: string;
  /** The token's `roles`. */
  roles: string[];
  /** The token's scopes as one text. */
  scope: string;
  /** The tenant that the request was taken to be of. */
  tenant: string | null;
}

/** One part of the effective authority. */
export interface Branch {
  /** Whether it allows. */
  allowed: boolean;
  /** What decided. */
  grounds?: Grounds;
  /** Whose it is; empty for scopes. */
  principal?: string;
  /** Which part. */
  role: Role;
}

/** Who a caller is. */
export interface CallerDescription {
  /** Who acts: the subject itself, where nobody acts for it. */
  actor: string;
  /** The parties, subject first, current actor last. */
  chain: Party[];
  /**
   * The DPoP proof that came with the token, which the host should accept
   * only once.
   */
  dpop: DpopUse | null;
  /**
   * The first second at which the caller no longer counts: its token, the
   * snapshot or one of its parties has come to its end, or it was kept for
   * as long as one without a token may be.
   */
  fresh_until: UnixSeconds | null;
  /**
   * The token's scopes, as the claims that carried them; `null` where there
   * are none or where they are not looked at.
   */
  scopes: { [name: string]: unknown } | null;
  /** On whose behalf the caller acts. */
  subject: string;
  /** The request's tenant. */
  tenant: string | null;
  /** The time of the request, in seconds since the Unix epoch. */
  time: UnixSeconds;
  /** The first second at which the token no longer counts. */
  until: UnixSeconds | null;
}

/**
 * What goes with a caller that the host vouches for, and with AuthZEN's
 * requests.
 */
export interface CallerOptions {
  /**
   * Values for conditions, in every question; a question's own go
   * over them.
   */
  context?: { [name: string]: unknown };
  /** Relationships that hold for this request alone. */
  contextual_tuples?: Tuple[];
  /** Values for conditions that no question's own go over. */
  fixed_context?: { [name: string]: unknown };
  /** The time of the request, in seconds since the Unix epoch. */
  now: UnixSeconds;
  /** Scopes that narrow beside the token's: one text, or a list. */
  scopes?: Scopes;
  /** The task, `type:id`: what it holds is intersected too. */
  task?: string;
  /** The tenant. Where the token names one, it must be the same. */
  tenant?: string;
}

/** A client's certificate (RFC 8705), by one of the two. */
export type Certificate = {
  der: string;
} | {
  sha256: string;
};

/** How an issuer writes down who acts for whom. */
export type ChainConvention = "rfc8693" | "subject_is_actor" | "client" | "none";

/** Why a policy refuses a token's parties. */
export interface ChainRefusal {
  /** The reason in words. */
  message: string;
  /** The reason. */
  reason: Reason;
}

/** One answer of a batch. */
export interface CheckAnswer {
  /** Whether the user has the relation; an error is a denial. */
  allowed: boolean;
  /** Why there is no answer, where there is none. */
  error?: ErrorBody;
}

/** Which hops of a chain the rules are asked about. */
export type CheckHops = "every" | "last";

/** One question of a batch. */
export interface CheckItem {
  /** `type:id`. */
  object: string;
  /** The relation's name. */
  relation: string;
  /** `type:id`, `type:*` or `type:id#relation`. */
  user: string;
}

/** A caller's answer without a record. */
export interface Checked {
  /** Whether it is allowed. */
  allowed: boolean;
  /** The reason in words. */
  message: string;
  /** The reason. */
  reason: Reason;
}

/** A claim of which each value becomes a contextual tuple. */
export interface ClaimMapping {
  /**
   * What a token without it means. Where not said, it means that it has no
   * values if all that the tuples can do is give, and is denied otherwise.
   */
  absent?: Absent;
  /**
   * The claim: its name, e.g. `groups`, or a JSON Pointer, e.g.
   * `/realm_access/roles`.
   */
  claim: string;
  /**
   * How a value that is no id becomes one. All that is made into objects of
   * one type is written alike.
   */
  encode?: Encoding;
  /** What its values are; a text or a list of texts where not said. */
  take?: Take;
  /** The tuple that each of its values becomes. */
  tuple: TupleTemplate;
  /** What a value that fits no id means; where not said, the token is denied. */
  unfit?: UnfitValue;
  /** The ids that values stand for; a value that is not among them fits none. */
  values?: { [name: string]: string };
}

/**
 * What is asked of a claim: one of `present`, `equals`, `one_of`, `prefix` and
 * `has`. A value that is null, or of another kind than it is compared with,
 * is an error of the token: it is neither a yes nor a no.
 */
export interface ClaimTest {
  /** The claim: its name, or a JSON Pointer. */
  claim: string;
  /** The text, whole number or truth that it is. */
  equals?: unknown;
  /** A text that it holds, as a list. */
  has?: string;
  /** Those of which it is one. */
  one_of?: unknown[];
  /** What it begins with, as a text. */
  prefix?: string;
  /** Whether it is there at all. */
  present?: boolean;
}

/** The claims of a token as FusionAuth would issue it. */
export interface ClientCredentials {
  /** The claims. Whoever signs them adds `iss`, `iat`, `exp` and `jti`. */
  claims: { [name: string]: unknown };
  /** How long the token may live, in seconds, where the type says so. */
  lifetime: number | null;
  /** The entities, and what may be done with each. */
  permissions: { [name: string]: string[] };
  /** `scope`, as it was asked for. */
  scope: string | null;
  /** `sub`: the id of the entity or user. */
  subject: string;
  /** `tid`: the tenant's id. */
  tenant: string | null;
}

/**
 * A request for a token of the client credentials grant (RFC 6749 §4.4), from
 * a principal that has been authenticated.
 */
export interface ClientCredentialsRequest {
  /** The id of the entity that an alias with `<id>` means. */
  audience?: string;
  /** The time of the request, in seconds since the Unix epoch. */
  now: UnixSeconds;
  /** Who asks: `entity:<id>` or `user:<id>`. */
  principal: string;
  /** The `scope` parameter. */
  scope?: string;
  /** The tenant; needed where the principal is of several. */
  tenant?: string;
}

/** A tuple's condition, with the part of its context that the tuple fixes. */
export interface ConditionRecord {
  /** Values of its parameters; what is missing comes with the request. */
  context?: { [name: string]: unknown };
  /** The condition's name in the model. */
  name: string;
}

/** Whom the next token is bound to. */
export type Confirmation = NamedBinding | { [name: string]: unknown };

/** An answer, with what it rests on. */
export interface Decision {
  /** Whether it is allowed. */
  allowed: boolean;
  /**
   * Each part of the effective authority and what decided it; none where
   * there was no caller.
   */
  branches?: Branch[];
  /** The reason in words. */
  message: string;
  /** The reason. */
  reason: Reason;
  /** The audit record. */
  record: AuditRecord;
}

/** Who may act for whom. */
export interface DelegationRecord {
  /** What an actor's authority is. */
  actor_authority?: ActorAuthority;
  /** Whose authority is needed beside the subject's. */
  actors?: Actors;
  /** Which hops are looked at. */
  check_hops?: CheckHops;
  /** The hops that are admitted; a hop that no rule is about is refused. */
  hops?: HopRecord[];
  /** The most actors in a chain; 4 where not said. */
  max_depth?: number;
  /**
   * The types of which a chain's subject may be; `["user"]` where not said.
   * It binds a caller that acts for itself too: a chain of one.
   */
  roots?: string[];
}

/**
 * How authorization details of one type are read (RFC 9396 §2.2). A detail
 * names its object by `identifier`, or means every object of the type.
 */
export interface DetailType {
  /**
   * The actions that each name in the detail's `actions` stands for. Where
   * this is absent, the names are the actions; where it is given, a name
   * outside it stands for nothing.
   */
  actions?: { [name: string]: string[] };
  /**
   * The detail's `locations` that mean this service. A detail that names
   * only others covers nothing here.
   */
  locations?: string[];
  /** The type of the objects, e.g. `document`. */
  resource_type: string;
}

/** A way to read scopes that are neither in the table nor an alias. */
export type Dialect = "target-entity" | "action-pattern" | "smart-v2";

/** A DPoP proof and the request that it came with (RFC 9449). */
export interface Dpop {
  /** How old the proof may be, in seconds; 60 by default. */
  max_age?: number;
  /** How far in the future it may have been made, in seconds; 5 by default. */
  max_ahead?: number;
  /** The request's method, e.g. `POST`. */
  method: string;
  /** The nonce that the host gave the client, where it did. */
  nonce?: string;
  /** The `DPoP` header's value. */
  proof: string;
  /** The request's URI; its query and fragment are not looked at. */
  uri: string;
}

/**
 * What the host must remember of a DPoP proof so that it is used only once
 * (RFC 9449 §11.1).
 */
export interface DpopUse {
  /** Its `jti`. */
  id: string;
  /** Its `iat`. */
  issued_at: UnixSeconds;
  /** The thumbprint of its key, base64url. */
  thumbprint: string;
}

/** How texts that are no ids become some. */
export type Encoding = "percent";

/** Why there is no answer. */
export interface ErrorBody {
  /** A stable dotted name, the same in every language. */
  code: string;
  /** The column, from 1, in characters. */
  column?: number;
  /** Whose it is to mend. */
  kind: ErrorKind;
  /**
   * The line of what is wrong, from 1, where the document or its model is a
   * text with lines.
   */
  line?: number;
  /** The error in words. */
  message: string;
  /** For a refused exchange or client: the `error` of an OAuth response. */
  oauth_error?: string;
  /** The JSON pointer of what is wrong, in the document that was given. */
  pointer?: string;
}

/** Whose an error is to mend. */
export type ErrorKind = "misuse" | "input" | "denied" | "internal";

/** The answer to one evaluation. */
export interface Evaluation {
  /** Why not; an answer that allows has none. */
  context?: Why;
  /** Whether it is allowed. */
  decision: boolean;
}

/** The answer to a request for evaluations. */
export type Evaluations = Evaluation | {
  /**
   * In the order asked; shorter than what was asked, where the request's
   * semantic stopped at one of them.
   */
  evaluations: Evaluation[];
};

/** The claims of the next token, and what a token response says of it. */
export interface ExchangeClaims {
  /** Its audiences. */
  audience: string[];
  /** Its parties, subject first, current actor last. */
  chain: Party[];
  /**
   * The claims. Whoever signs them adds a `jti`, and a `client_id` where
   * RFC 9068 is followed.
   */
  claims: { [name: string]: unknown };
  /** The DPoP proofs that came with the tokens, each to be accepted once. */
  dpop: DpopUse[];
  /** `exp`, in seconds since the Unix epoch. */
  expires_at: UnixSeconds;
  /** `expires_in` of the token response, in seconds. */
  expires_in: number;
  /** `iat`, in seconds since the Unix epoch. */
  issued_at: UnixSeconds;
  /**
   * The `jti` of each token that led to it. A revocation of one of these
   * does not reach the next token by itself: revoke that one too.
   */
  parents: string[];
  /** Its scope tokens as one text; `null` where it has no claim of scopes. */
  scope: string | null;
}

/** A request for the next token of a chain (RFC 8693 §2.1). */
export interface ExchangeRequest {
  /**
   * For whom the actor token is verified, and the proofs that came with
   * it; or, without an actor token, whom the host has authenticated.
   */
  actor?: Actor;
  /** The token of whoever is to act, which must be its own. */
  actor_token?: string;
  /**
   * Values for conditions, in every question; a question's own go
   * over them.
   */
  context?: { [name: string]: unknown };
  /** Relationships that hold for this request alone. */
  contextual_tuples?: Tuple[];
  /** Values for conditions that no question's own go over. */
  fixed_context?: { [name: string]: unknown };
  /** The time of the request, in seconds since the Unix epoch. */
  now: UnixSeconds;
  /** Scopes that narrow beside the token's: one text, or a list. */
  scopes?: Scopes;
  /**
   * For whom the subject token is verified, and the proofs that came
   * with it.
   */
  subject?: Presentation;
  /** On whose behalf, and what may be handed on. */
  subject_token: string;
  /** The task, `type:id`: what it holds is intersected too. */
  task?: string;
  /** The tenant. Where the token names one, it must be the same. */
  tenant?: string;
  /** What is asked of the next token. */
  wanted?: WantedToken;
}

/**
 * A relation's users, one level down: what leads further is named, not
 * followed.
 */
export type Expansion = {
  users: string[];
} | {
  computed: string;
} | {
  parents: {
    /** Each `object#relation` that it leads to, sorted. */
    computed: string[];
    /** `object#relation` of the tupleset. */
    tupleset: string;
  };
} | {
  union: Expansion[];
} | {
  intersection: Expansion[];
} | {
  exclusion: {
    /** Who is in. */
    base: Expansion;
    /** Who is taken out again. */
    subtract: Expansion;
  };
};

/** Why a check came out as it did. */
export interface Explanation {
  /** Whether the user has the relation. */
  allowed: boolean;
  /**
   * The tree: for an allow the shortest way that decided, for a denial every
   * branch that failed.
   */
  because: Step;
  /** The code of the error that denied, if one did. */
  error?: string;
  /** The error in words. */
  message?: string;
  /** The user asked about. */
  user: string;
}

/** What is known of a filtered list beside its mask. */
export interface FilterSummary {
  /** How many objects are allowed. */
  allowed: number;
  /** How many were dropped, by the code of the first reason that dropped them. */
  dropped: { [name: string]: number };
}

/** Something wrong or worth a second look. */
export interface Finding {
  /** The stable code: a [`TokenError`]'s own, or one that begins with `lint.`. */
  code: string;
  /** What it is, for a person. */
  message: string;
  /** How bad it is. */
  severity: Severity;
}

/** The answer to a search. */
export interface FoundNamedAction {
  /** What the results do not say. */
  context?: Lacking;
  /** Which part of the results this is. */
  page: Page;
  /** The results of this page, sorted. */
  results: NamedAction[];
}

/** The answer to a search. */
export interface FoundNamedEntity {
  /** What the results do not say. */
  context?: Lacking;
  /** Which part of the results this is. */
  page: Page;
  /** The results of this page, sorted. */
  results: NamedEntity[];
}

/** What gives a principal an action on a resource, or what was lacking. */
export type Grounds = {
  /** How. */
  explanation: Explanation;
  kind: "relationships";
} | {
  /** The entity. */
  entity: string;
  kind: "entity_grant";
  /** The permission. */
  permission: string;
  /** The recipient. */
  recipient: string;
} | {
  /** The rule's actions. */
  action: string;
  kind: "access_rule";
  /** The rule's path. */
  path: string;
  /** The principal. */
  principal: string;
} | {
  kind: "nothing";
  /** What would have. */
  wanted: string;
} | {
  /** The error's code. */
  code: string;
  kind: "error";
  /** The error in words. */
  message: string;
};

/**
 * Why a guard refuses a call, besides the reasons of decisions.
 * - `guard.no_caller`: nothing says who asks, or one who cannot be asked here
 * - `guard.ambiguous`: two places say who asks, and not the same
 * - `guard.no_rule`: no rule says what the call needs
 * - `guard.no_resource`: the arguments name no resource
 * - `guard.arguments`: the arguments are not the ones that would be used, or are no arguments of it
 * - `guard.malformed`: the request is not what it must be
 * - `guard.hidden`: it is not shown to this caller, and so not called
 * - `guard.not_approved`: a human must approve of it, and has not
 * - `guard.proof_used`: the proof of possession was used before
 * - `guard.callback`: what is to see each ruling failed, said no, or would have to be waited for
 * - `guard.error`: the decision failed: a rule's own function, or what gives the policy
 * - `guard.options`: the guard is not set up as it must be
 */
export type GuardCode =
  | "guard.no_caller"
  | "guard.ambiguous"
  | "guard.no_rule"
  | "guard.no_resource"
  | "guard.arguments"
  | "guard.malformed"
  | "guard.hidden"
  | "guard.not_approved"
  | "guard.proof_used"
  | "guard.callback"
  | "guard.error"
  | "guard.options";

/** One hop of a chain, and what it rests on. */
export interface Hop {
  /** Whether it is admitted. */
  allowed: boolean;
  /** The principal that hands on. */
  from: string;
  /**
   * What admits it; of a hop that is not admitted, each grant that would
   * have.
   */
  grounds: HopGrounds[];
  /** The principal that acts. */
  to: string;
}

/** What whoever acts must hold after a hop. */
export type HopAuthority = "delegated";

/** A rule about a hop, and what it came to. */
export type HopGrounds = {
  /** The rule, as the snapshot's `delegation` has it. */
  rule: HopTuple;
} & ({
  /** How. */
  explanation: Explanation;
  kind: "relationships";
} | {
  /** The entity. */
  entity: string;
  kind: "entity_grant";
  /** The permission. */
  permission: string;
  /** The recipient. */
  recipient: string;
} | {
  /** The rule's actions. */
  action: string;
  kind: "access_rule";
  /** The rule's path. */
  path: string;
  /** The principal. */
  principal: string;
} | {
  kind: "nothing";
  /** What would have. */
  wanted: string;
} | {
  /** The error's code. */
  code: string;
  kind: "error";
  /** The error in words. */
  message: string;
});

/** When one type of principal may hand on to another. */
export interface HopRecord {
  /**
   * What whoever acts must hold after this hop; where not said, it is the
   * section's `actor_authority`.
   */
  actor_authority?: HopAuthority;
  /** One of these must hold; `{from}` and `{to}` stand for the two. */
  any_of: HopTuple[];
  /** The type of the one that hands on. */
  from: string;
  /** The type of the one that acts. */
  to: string;
}

/** A grant that admits a hop: a relation, or a permission on an entity. */
export interface HopTuple {
  /** E.g. `{from}`. */
  object: string;
  /** E.g. `delegate_of`. */
  relation: string;
  /** E.g. `{to}`. */
  user: string;
}

/** Who a principal is to an issuer. */
export interface IdentityRecord {
  /** The issuer's exact name. */
  issuer: string;
  /** The subject there. */
  subject: string;
}

/** All that a caller was made from, its policy aside. */
export interface Inputs {
  /** The parties, subject first, current actor last. */
  chain: Party[];
  /** Values for conditions; a question's own go over them. */
  context?: { [name: string]: unknown };
  /**
   * The tokens before it that proved its chain, oldest first: the SHA-256 of
   * each, in hexadecimal.
   */
  earlier?: string[];
  /** What is known of each of these, once it was verified. */
  earlier_tokens?: TokenFacts[];
  /** Values for conditions that no question's own go over. */
  fixed_context?: { [name: string]: unknown };
  /** The host's scopes, in the same form. */
  host_scopes?: { [name: string]: unknown };
  /**
   * The token as it was presented, verified or not; none where a host
   * vouched for the chain.
   */
  presented?: Presented;
  /** The token's `roles`, which give nothing. */
  roles?: string[];
  /** The token's scopes, as the claims that carried them. */
  scopes?: { [name: string]: unknown };
  /** Whether a token without scopes covers nothing. */
  scopes_required: boolean;
  /** The tasks that constrain. */
  tasks?: string[];
  /** The tenant that the token or the host named. */
  tenant?: string;
  /** The time of the request. */
  time: UnixSeconds;
  /** What is known of the token, once it was verified. */
  token?: TokenFacts;
  /** Contextual tuples, of the token's claims and of the host. */
  tuples?: Tuple[];
  /** The first second at which the token no longer counts. */
  until?: UnixSeconds;
}

/** What a token is looked at with. */
export interface InspectOptions {
  /**
   * The time at which its times are looked at, in seconds since the Unix
   * epoch; without, they are not.
   */
  now?: UnixSeconds;
}

/** A token taken apart. Nothing in here may be relied upon. */
export interface Inspection {
  /** The claims, where they could be read. */
  claims: unknown;
  /** What is wrong or worth a second look, in the order of a token's parts. */
  findings: Finding[];
  /** The header, where it could be read. */
  header: unknown;
  /** Always `false`: no signature was checked. */
  verified: boolean;
}

/** One entry of the snapshot's `issuers`, as written. */
export interface IssuerConfig {
  /** The principal that a token's actor is, e.g. `agent:{sub}`. */
  actor?: string;
  /** The algorithms it signs with, e.g. `["RS256"]`. */
  algorithms: string[];
  /** A claim that stands for an audience where a token names none. */
  audience_by?: AudienceBy;
  /**
   * Whether a token must have an `aud` at all; true unless said otherwise.
   * A request that names its own audience needs one in any case.
   */
  audience_required?: boolean;
  /** The audiences of which a token must name one. */
  audiences?: string[];
  /** How `sub` and `act` are to be read. */
  chain?: ChainConvention;
  /** Claims that become contextual tuples. */
  claims?: ClaimMapping[];
  /**
   * The claim that names the client, e.g. `azp`: the actor where `chain` is
   * `client`; where it is `rfc8693`, what must agree with the current actor.
   */
  client_claim?: string;
  /** How claims that are no ids become part of `subject` and `actor`. */
  encode?: Encoding;
  /** The exact `iss` of its tokens, compared byte by byte. */
  issuer: string;
  /**
   * Its keys: a JWKS, a map from key id to key, or a list of PEM texts with
   * their ids.
   */
  keys: KeySource;
  /** How far its clock may differ, in seconds, at most [`MAX_LEEWAY`]. */
  leeway?: number;
  /**
   * The longest that a token may live, in seconds;
   * [`DEFAULT_MAX_LIFETIME`] where not said.
   */
  max_lifetime?: number;
  /**
   * How its tokens are understood, where they are not all understood alike.
   * Then `subject` and whatever else says so stands in each of these.
   */
  readings?: ReadingConfig[];
  /** What every token must say, or be denied. */
  require?: ClaimTest[];
  /**
   * The claims that carry scopes: the first that is there counts. All that
   * are known where not said, each narrowing by itself.
   */
  scope_claims?: string[];
  /** What a token's scopes mean. */
  scopes?: ScopeUse;
  /** Whether the scopes of all `scope_claims` count together. */
  scopes_joined?: boolean;
  /**
   * The principal that a token's subject is, e.g. `user:{sub}`. In the braces
   * stands a claim's name or a JSON Pointer.
   */
  subject?: string;
  /** The claim that names the task, e.g. `task`; a name or a JSON Pointer. */
  task_claim?: string;
  /**
   * The claim that names the tenant, e.g. `tid`, or as a JSON Pointer
   * `/ext/org`. A token without it is denied.
   */
  tenant_claim?: string;
  /**
   * The `typ` headers of its tokens, without `application/`, in any case.
   * `["at+jwt", "JWT"]` where not said. A token without `typ` is a `JWT`.
   */
  typ?: string[];
}

/**
 * An issuer's keys as written. Its `Debug` form does not show them, since they
 * may be shared secrets.
 */
export type KeySource = unknown;

/** What the results of a search lack. */
export type Lacking = Why | {
  /** Each of them, on every page. */
  untold: Untold[];
};

/** Bounds on the work that one question, and one call, may cost. */
export interface LimitsRecord {
  /**
   * Evaluation steps of all questions of a call (a batch, a filter, a list)
   * together, beyond the first 100 of each; 10,000,000 by default.
   */
  call_steps?: number;
  /** The cost of one condition; unbounded by default, 100 in OpenFGA. */
  condition_cost?: number;
  /** Hops through usersets and parents; unbounded by default, 25 in OpenFGA. */
  depth?: number;
  /** Evaluation steps of a question; 1,000,000 by default. */
  steps?: number;
}

/** A model as DSL text or as OpenFGA's JSON. */
export type ModelSource = string | unknown;

/** An action that was found. */
export interface NamedAction {
  /** Its name. */
  name: string;
}

/** Whom the next token is bound to, by name. */
export type NamedBinding = "keep" | "drop";

/** A subject or a resource that was found. */
export interface NamedEntity {
  /** The id. */
  id: string;
  /** The type that was asked for. */
  type: string;
}

/** Which part of the results an answer holds. */
export interface Page {
  /** How many results there are on this page. */
  count: number;
  /** The token of the next page; empty on the last. */
  next_token: string;
  /** How many there are on all. */
  total: number;
}

/** One party of a chain. */
export interface Party {
  /** The issuer that knows it, where it comes from a token. */
  issuer?: string;
  /** The principal, `type:id`. */
  principal: string;
  /** Its `sub` there. */
  subject?: string;
}

/** What a policy says of itself. */
export interface PolicyDescription {
  /** When the snapshot was made, in seconds since the Unix epoch. */
  issued_at: number | null;
  /** The last second at which the policy holds, since the Unix epoch. */
  not_after: number | null;
  /** The snapshot's revision. */
  revision: string;
  /** How many relationships are in effect. */
  tuples: number;
}

/** What a token is read with by a policy. */
export interface PolicyInspectOptions {
  /** The time at which it is looked at, in seconds since the Unix epoch. */
  now: UnixSeconds;
}

/**
 * What a policy would make of a token if all that it says were true.
 *
 * Whether it is true is for [`Policy::admit`] to say: this is also given of a
 * token that is expired, forged or meant for others, so that a person may see
 * what else there is to say about it.
 */
export interface PolicyInspection {
  /**
   * The parties, subject first, current actor last; empty where the policy
   * cannot tell them.
   */
  chain: Party[];
  /** The claims, where they could be read. */
  claims: unknown;
  /** What is wrong or worth a second look, in the order of a token's parts. */
  findings: Finding[];
  /** The header, where it could be read. */
  header: unknown;
  /** Every hop that is looked at, with the rule that admits it, or would have. */
  hops: Hop[];
  /** Why the policy refuses the parties, their hops aside. */
  refusal: ChainRefusal | null;
  /**
   * What the scopes cover. There is a list for each claim that narrows, and
   * something is covered only where each list has a scope that covers it;
   * none where scopes do not narrow.
   */
  scopes: ScopeInWords[][];
  /** Whether the signature fits the key of the issuer that it names. */
  signature: SignatureFinding;
  /** Always `false`: no signature was checked. */
  verified: boolean;
}

/** How a token was presented. */
export interface Presentation {
  /** The audience that the token must name. */
  audience?: string;
  /** The certificate that the client showed in the TLS handshake. */
  certificate?: Certificate;
  /** The DPoP proof that came with it. */
  dpop?: Dpop;
}

/** A token as it was presented: enough to know it again. */
export interface Presented {
  /** The audience that the host asked for. */
  audience?: string;
  /** Whether a client certificate came with it. */
  certificate: boolean;
  /** SHA-256 of the whole token, in hexadecimal. */
  digest: string;
  /** Whether a DPoP proof came with it. */
  dpop: boolean;
}

/** What is known of a principal beside its grants. */
export interface PrincipalRecord {
  /** What else its owner noted down. */
  attributes?: { [name: string]: unknown };
  /** Nothing is allowed to it, nor through it. */
  disabled?: boolean;
  /** `type:id`. */
  id: string;
  /**
   * Who it is to which issuer. Where there are any, it is known by these
   * alone.
   */
  identities?: IdentityRecord[];
  /** The last second at which it counts, since the Unix epoch. */
  not_after?: number;
  /** The scopes that it may use as an actor, where `actor_authority` says so. */
  scopes?: string[];
  /** The tenants that it belongs to. */
  tenants?: string[];
}

/** Bounds on the work that one question may cost. */
export interface QueryLimits {
  /**
   * Evaluation steps of all questions of a call together, beyond the first
   * 100 of each.
   */
  call_steps?: number;
  /** The cost of evaluating one condition, as CEL counts it. */
  condition_cost?: number;
  /** Hops through usersets and parents. */
  depth?: number;
  /** Evaluation steps: relations visited and tuples walked. */
  steps?: number;
}

/**
 * What goes with a question about relationships. All of it comes from the
 * host: whoever chooses tuples or a tenant chooses rights.
 */
export interface QueryOptions {
  /** Values for conditions. */
  context?: { [name: string]: unknown };
  /** Relationships that hold for this question alone. */
  contextual_tuples?: Tuple[];
  /** Bounds on the work, each in place of the snapshot's own. */
  limits?: QueryLimits;
  /** The tenant; tuples of other tenants are not seen. */
  tenant?: string;
}

/** A question to a caller. */
export interface Question {
  /** The action: a relation, a permission, or a colon action. */
  action: string;
  /**
   * Values for conditions; they go over the caller's own, but not over those
   * that are fixed.
   */
  context?: { [name: string]: unknown };
  /** The resource: `type:id` or a path. */
  resource: string;
}

/**
 * One way in which an issuer's tokens are understood: of people, of machines,
 * of agents. A token fits exactly one reading, or is denied.
 */
export interface ReadingConfig {
  /** The principal that a token's actor is, e.g. `agent:{sub}`. */
  actor?: string;
  /** How `sub`, `act` and the client are to be read. */
  chain?: ChainConvention;
  /** Claims that become contextual tuples. */
  claims?: ClaimMapping[];
  /**
   * The claim that names the client: the actor where `chain` is `client`;
   * where it is `rfc8693`, what must agree with the current actor.
   */
  client_claim?: string;
  /** Whether it is the reading of the tokens that no other fits. */
  else?: boolean;
  /** How claims that are no ids become part of `subject` and `actor`. */
  encode?: Encoding;
  /** What it is called in messages, e.g. `people`. */
  name?: string;
  /** What its tokens must say besides, or be denied. */
  require?: ClaimTest[];
  /**
   * The claims that carry scopes: the first that is there counts. All that
   * are known where not said, each narrowing by itself.
   */
  scope_claims?: string[];
  /** What a token's scopes mean. */
  scopes?: ScopeUse;
  /** Whether the scopes of all `scope_claims` count together. */
  scopes_joined?: boolean;
  /** The principal that a token's subject is, e.g. `user:{sub}`. */
  subject?: string;
  /** The claim that names the task. */
  task_claim?: string;
  /** The claim that names the tenant. A token without it is denied. */
  tenant_claim?: string;
  /** What a token must pass for this to be its reading, all of it. */
  when?: ClaimTest[];
}

/** Why a decision came out as it did: a stable code. */
export type Reason =
  | "allowed"
  | "snapshot.stale"
  | "token.too_large"
  | "token.malformed"
  | "token.duplicate_member"
  | "token.too_deep"
  | "token.header"
  | "token.critical"
  | "token.algorithm"
  | "issuer.missing"
  | "issuer.unknown"
  | "token.type"
  | "key.unknown"
  | "key.unfit"
  | "token.signature"
  | "token.claim"
  | "token.claim_missing"
  | "token.claim_absent"
  | "token.claim_elsewhere"
  | "token.reading"
  | "token.reading_ambiguous"
  | "token.requirement"
  | "chain.client_missing"
  | "chain.client_mismatch"
  | "chain.not_expected"
  | "token.expired"
  | "token.not_yet_valid"
  | "token.lifetime"
  | "audience.missing"
  | "audience.mismatch"
  | "proof.unsupported"
  | "proof.missing"
  | "proof.invalid"
  | "proof.mismatch"
  | "revoked.key"
  | "revoked.token"
  | "revoked.principal"
  | "scope.grammar"
  | "scope.shape"
  | "scope.unknown_member"
  | "scope.unknown_detail_type"
  | "scope.too_long"
  | "scope.resource"
  | "action.empty"
  | "action.empty_segment"
  | "action.partial_wildcard"
  | "action.character"
  | "action.too_long"
  | "path.empty"
  | "path.empty_segment"
  | "path.dot_segment"
  | "path.character"
  | "path.encoding"
  | "path.too_long"
  | "identity.missing"
  | "identity.unknown"
  | "identity.foreign"
  | "principal.malformed"
  | "principal.unknown"
  | "principal.disabled"
  | "principal.expired"
  | "caller.expired"
  | "chain.empty"
  | "chain.incomplete"
  | "chain.no_delegation"
  | "chain.depth"
  | "chain.cycle"
  | "chain.root_type"
  | "chain.may_act"
  | "chain.hop_not_permitted"
  | "chain.token_mismatch"
  | "chain.token_widens"
  | "exchange.actor"
  | "exchange.claim"
  | "exchange.confirmation"
  | "exchange.lifetime"
  | "exchange.no_token"
  | "exchange.scope"
  | "exchange.target"
  | "tenant.mismatch"
  | "tenant.needed"
  | "scope.insufficient"
  | "subject.no_grant"
  | "actor.no_grant"
  | "task.no_grant"
  | "resource.malformed"
  | "request.invalid_user"
  | "request.invalid_object"
  | "request.unknown_type"
  | "request.unknown_relation"
  | "request.contextual_tuple"
  | "condition.failed"
  | "condition.compile"
  | "condition.not_bool"
  | "condition.parameter"
  | "condition.unknown_parameter"
  | "condition.ill_typed"
  | "condition.missing_context"
  | "condition.evaluation"
  | "condition.cost_exceeded"
  | "budget.exhausted"
  | "budget.call"
  | "budget.depth"
  | "internal";

/** What a record is replayed with. */
export interface ReplayOptions {
  /** The proofs that came with it. */
  presented?: Presentation;
  /** The token, to verify it again. */
  token?: string;
}

/** What is known of a resource beside the grants on it. */
export interface ResourceRecord {
  /** What else its owner noted down. */
  attributes?: { [name: string]: unknown };
  /** `type:id`. */
  id: string;
  /**
   * The tenant that it is in. Where any resource of its type has one, those
   * without are in nobody's.
   */
  tenant?: string;
}

/**
 * Why a retriever drops a chunk or refuses a search, besides the reasons of decisions.
 * - `resource.missing`: the chunk names no resource
 * - `resource.untyped`: the chunk's resource has no type
 * - `resource.error`: the chunk's resource could not be read
 * - `acl.missing`: the chunk does not say who its readers are
 * - `acl.malformed`: what the chunk says of its readers is no name
 * - `duplicate`: it is one that was given already
 * - `retrieval.nothing_allowed`: the caller may see nothing, so there is nothing to search for
 * - `retrieval.prefilter`: this store cannot be told what to search for
 * - `retrieval.types`: the resources' types are not said, and a store is to be searched for them
 * - `retrieval.options`: the retriever is not set up as it must be
 */
export type RetrievalCode =
  | "resource.missing"
  | "resource.untyped"
  | "resource.error"
  | "acl.missing"
  | "acl.malformed"
  | "duplicate"
  | "retrieval.nothing_allowed"
  | "retrieval.prefilter"
  | "retrieval.types"
  | "retrieval.options";

/** The snapshot's `revoked`, as written. */
export interface RevokedConfig {
  /** Keys, by issuer and `kid`. */
  keys?: RevokedKey[];
  /**
   * Principals, e.g. `agent:x`, with the time before which no token of
   * theirs counts, in seconds since the Unix epoch. A principal may occur
   * once: a second time would take the first one back.
   */
  principals?: { [name: string]: UnixSeconds };
  /** Tokens, by their `jti`, whoever issued them. */
  tokens?: string[];
}

/** A revoked key. */
export interface RevokedKey {
  /** The issuer it belonged to. */
  issuer: string;
  /** Its id there. */
  kid: string;
}

/** What a part of the effective authority is. */
export type Role = "scopes" | "subject" | "actor" | "actor_scopes" | "delegated" | "task";

/** A scope, and what it covers in words. */
export interface ScopeInWords {
  /**
   * What it covers, one sentence each, e.g. ``can_read` on every `document``;
   * empty where nobody gave it a meaning, so that it covers nothing.
   */
  covers: string[];
  /** The scope as it was claimed. */
  scope: string;
}

/** One entry of the table: an action pattern on a resource. */
export interface ScopeRule {
  /** An action pattern, e.g. `can_read` or `integration:*`. */
  action: string;
  /** `type:*`, `type:id`, or a path. */
  resource: string;
}

/** What a token's scopes mean. */
export type ScopeUse = "required" | "narrow" | "ignore";

/** Scope tokens. */
export type Scopes = string | string[];

/** How bad a finding is. */
export type Severity = "note" | "warning" | "error";

/**
 * Whether a token's signature fits the key that it names, and nothing else:
 * who issued it, for whom and until when was not looked at.
 */
export interface SignatureFinding {
  /** The algorithm that the key is for, e.g. `RS256`. */
  algorithm: string | null;
  /** The stable code: `allowed`, or a [`TokenError`]'s. */
  code: string;
  /** Whether it fits. */
  fits: boolean;
  /** The `kid` of the key that was tried. */
  kid: string | null;
  /** What it is, for a person. */
  message: string;
}

/** How a signature is looked at. */
export interface SignatureOptions {
  /**
   * The names of the algorithms that may be used, e.g. `ES256`. Without,
   * those that the keys themselves name.
   */
  algorithms?: string[];
  /** The id of the key to take for a token that names none. */
  kid?: string;
}

/** A signature that something else is to check. */
export interface SignatureToCheck {
  /** The algorithm's name, e.g. `RS256`. */
  algorithm: string;
  /** What was signed, in ASCII. */
  input: string;
  /** The public key. */
  jwk: unknown;
  /** The signature as base64url; for ECDSA `r ‖ s`. */
  signature: string;
}

/** Which key signed a token. */
export interface SignedBy {
  /** The algorithm's name, e.g. `ES256`. */
  algorithm: string;
  /** The key's id. */
  kid: string;
}

/** A snapshot, borrowed from its text where that needs no unescaping. */
export interface Snapshot {
  /** Access rules: action patterns on paths. */
  access?: AccessRecord[];
  /**
   * Which relations a search for actions names: of a type that is not
   * listed here, all. It says nothing of what is allowed.
   */
  actions?: ActionsRecord[];
  /** The types of authorization details that are understood. */
  authorization_details?: { [name: string]: DetailType };
  /** Who may act for whom. Without it no token with `act` is accepted. */
  delegation?: DelegationRecord;
  /** The format's number: 1. */
  deputize: number;
  /** Entities, in FusionAuth's shapes. */
  entities?: Entities;
  /** Permissions on entities, in FusionAuth's shapes. */
  entity_grants?: EntityGrants;
  /** Kinds of entities and their permissions, in FusionAuth's shapes. */
  entity_types?: EntityTypes;
  /** When the snapshot was made, in seconds since the Unix epoch. */
  issued_at?: number;
  /** The issuers whose tokens are trusted. */
  issuers?: IssuerConfig[];
  /** Bounds on the work that one question, and one call, may cost. */
  limits?: LimitsRecord;
  /** The authorization model: OpenFGA DSL text, or its JSON form. */
  model?: ModelSource;
  /** After this second everything is denied as stale. */
  not_after?: number;
  /** What is known of principals beside their grants. */
  principals?: PrincipalRecord[];
  /** What is known of resources beside the grants on them. */
  resources?: ResourceRecord[];
  /** Opaque; echoed in every decision. */
  revision?: string;
  /** What was taken back before it expired. */
  revoked?: RevokedConfig;
  /** Other names of scopes. */
  scope_aliases?: { [name: string]: string };
  /** How scopes outside the table are read. */
  scope_dialects?: Dialect[];
  /** What each scope of the table covers. */
  scopes?: { [name: string]: ScopeRule[] };
  /** The relationships. */
  tuples?: TupleRecord[];
}

/**
 * Why a source has no new policy.
 * - `source.unreachable`: nothing was read
 * - `source.redirect`: another place was named, and none is followed
 * - `source.timeout`: it took too long in all
 * - `source.too_large`: there is more than is read
 * - `source.damaged`: the body is not what its own digest says
 * - `source.check`: a check did not say yes
 * - `source.digest`: its digest is not the one that was said
 * - `source.signature`: none of the keys has signed it
 * - `source.rollback`: it was issued before the one in use
 * - `source.listener`: a listener failed, which changes nothing
 * - `source.options`: the source is not set up as it must be
 */
export type SourceCode =
  | "source.unreachable"
  | "source.redirect"
  | "source.timeout"
  | "source.too_large"
  | "source.damaged"
  | "source.check"
  | "source.digest"
  | "source.signature"
  | "source.rollback"
  | "source.listener"
  | "source.options";

/** One step of an explanation. */
export type Step = {
  /** What it came to. */
  allowed: boolean;
  /** `object#relation` that the step is about. */
  node: string;
  /** What it rests on. */
  parts?: Step[];
} & ({
  rule: "relation";
} | {
  rule: "tuple";
  /** The tuple. */
  tuple: string;
} | {
  rule: "through";
  /** The tuple. */
  tuple: string;
} | {
  /** The condition's name. */
  condition: string;
  /** The error's code, if it has no answer. */
  error?: string;
  rule: "condition";
  /** The tuple. */
  tuple: string;
} | {
  rule: "missing";
  /** Tuples, written `user relation object`; `…` stands for any id. */
  wanted: string[];
} | {
  rule: "any_of";
} | {
  rule: "all_of";
} | {
  rule: "except";
} | {
  rule: "itself";
} | {
  rule: "cycle";
} | {
  rule: "unreachable";
} | {
  /** How many tuples. */
  more: number;
  rule: "omitted";
});

/** What a claim's values are. */
export type Take = "values" | "keys";

/** What is written down of a token: nothing that could stand in for it. */
export interface TokenFacts {
  /** `aud`. */
  audience?: string[];
  /** What stood for an audience that it does not name. */
  audience_by?: string;
  /** `jti`. */
  id?: string;
  /** `iat`. */
  issued_at?: UnixSeconds;
  /** `iss`. */
  issuer: string;
  /** The `kid` of the key that signed it. */
  kid: string;
}

/** A relationship: `user` has `relation` on `object`. */
export interface Tuple {
  /** The condition under which it holds. */
  condition?: TupleCondition;
  /** `type:id`. */
  object: string;
  /** The relation's name. */
  relation: string;
  /** The tenant that alone sees it. */
  tenant?: string;
  /** `type:id`, `type:*` or `type:id#relation`. */
  user: string;
}

/** A tuple's condition. */
export interface TupleCondition {
  /** Values of its parameters that the tuple fixes. */
  context?: { [name: string]: unknown };
  /** The condition's name in the model. */
  name: string;
}

/** One relationship: `user` has `relation` on `object`. */
export interface TupleRecord {
  /** The condition under which it holds. */
  condition?: ConditionRecord;
  /** `type:id`. */
  object: string;
  /** The relation's name. */
  relation: string;
  /** The tenant that alone sees it. */
  tenant?: string;
  /** `type:id`, `type:*` or `type:id#relation`. */
  user: string;
}

/**
 * A tuple in which `{subject}`, `{actor}` and `{value}` stand for what the
 * token says.
 */
export interface TupleTemplate {
  /** E.g. `group:{value}`. */
  object: string;
  /** E.g. `member`. */
  relation: string;
  /** E.g. `{subject}`. */
  user: string;
}

/** What a value that fits no id means. */
export type UnfitValue = "pass_over";

/**
 * Whole seconds since 1970-01-01T00:00:00Z (the Unix epoch), leap seconds not
 * counted.
 *
 * Every function that depends on the time takes it as an argument of this
 * type, so that a decision can be repeated later with the same answer.
 */
export type UnixSeconds = number;

/** An action of which could not be told whether it is allowed. */
export interface Untold {
  /**
   * The reason in words. It names parties and resources: for logs, and for
   * people who may know of them.
   */
  message: string;
  /** Its name. */
  name: string;
  /**
   * The code of the [`Reason`], or of the [`RequestError`] of an item that
   * is no evaluation. Both are stable.
   */
  reason: string;
}

/** What goes with a token. */
export interface VerifyRequest {
  /**
   * Who is asked: the token must name this audience, and the issuer must
   * be trusted for it. Without it, the token must name one of the
   * issuer's `audiences`.
   */
  audience?: string;
  /** The certificate that the client showed in the TLS handshake. */
  certificate?: Certificate;
  /**
   * Values for conditions, in every question; a question's own go
   * over them.
   */
  context?: { [name: string]: unknown };
  /** Relationships that hold for this request alone. */
  contextual_tuples?: Tuple[];
  /** The DPoP proof that came with the request. */
  dpop?: Dpop;
  /** Values for conditions that no question's own go over. */
  fixed_context?: { [name: string]: unknown };
  /** The time of the request, in seconds since the Unix epoch. */
  now: UnixSeconds;
  /** Scopes that narrow beside the token's: one text, or a list. */
  scopes?: Scopes;
  /** The task, `type:id`: what it holds is intersected too. */
  task?: string;
  /** The tenant. Where the token names one, it must be the same. */
  tenant?: string;
}

/** What is asked of the next token. */
export interface WantedToken {
  /** `audience`. With neither, the subject token's audiences. */
  audiences?: string[];
  /**
   * Whom it is bound to: the `cnf` that it is to have (RFC 7800), `"keep"`
   * for the subject token's, or `"drop"` for nobody's. Where this is not
   * said, a token that is only narrowed stays bound as it is, and one that
   * is handed on is bound as the actor token is. A bound token is never
   * handed on as one that anybody may use unless `"drop"` says so.
   */
  confirmation?: Confirmation;
  /**
   * How long it is to live, in seconds; at most what is left of the tokens
   * that led to it, and what the issuer's may live.
   */
  lifetime?: number;
  /** `resource`, each an absolute URI without a fragment (RFC 8707 §2). */
  resources?: string[];
  /** `scope`; without, all that may be handed on. */
  scope?: string;
}

/** Something in a snapshot that can have no effect. */
export interface Warning {
  /** A stable name for the kind of warning. */
  code: string;
  /** The warning in words. */
  message: string;
  /** The JSON pointer of what it is about. */
  pointer: string;
}

/** Why something is not allowed, or was not found. */
export interface Why {
  /**
   * The reason in words. It names parties and resources: for logs, and for
   * people who may know of them.
   */
  message: string;
  /**
   * The code of the [`Reason`], or of the [`RequestError`] of an item that
   * is no evaluation. Both are stable.
   */
  reason: string;
}

export type Entities = Array<{ [name: string]: unknown }> | { [name: string]: unknown };

export type EntityGrants = Array<{ [name: string]: unknown }> | { [name: string]: unknown };

export type EntityTypes = Array<{ [name: string]: unknown }> | { [name: string]: unknown };
