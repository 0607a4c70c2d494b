# Written by `cargo xtask generate` from the Rust types; do not edit.
"""The shapes of requests and answers, the same in every language."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, TypeAlias, TypedDict, Union

__all__ = [
    "Absent",
    "AccessRecord",
    "ActionsRecord",
    "Actor",
    "ActorAuthority",
    "Actors",
    "AskingToken",
    "AskingTokens",
    "AskingChain",
    "Asking",
    "AudienceBy",
    "AuditRecord",
    "Branch",
    "CallerDescription",
    "CallerOptions",
    "CertificateDer",
    "CertificateSha256",
    "Certificate",
    "ChainConvention",
    "ChainRefusal",
    "CheckAnswer",
    "CheckHops",
    "CheckItem",
    "Checked",
    "ClaimMapping",
    "ClaimTest",
    "ClientCredentials",
    "ClientCredentialsRequest",
    "ConditionRecord",
    "Confirmation",
    "Decision",
    "DelegationRecord",
    "DetailType",
    "Dialect",
    "Dpop",
    "DpopUse",
    "Encoding",
    "Entities",
    "EntityGrants",
    "EntityTypes",
    "ErrorBody",
    "ErrorKind",
    "Evaluation",
    "EvaluationsEvaluations",
    "Evaluations",
    "ExchangeClaims",
    "ExchangeRequest",
    "ExpansionUsers",
    "ExpansionComputed",
    "ExpansionParentsParents",
    "ExpansionParents",
    "ExpansionUnion",
    "ExpansionIntersection",
    "ExpansionExclusionExclusion",
    "ExpansionExclusion",
    "Expansion",
    "Explanation",
    "FilterSummary",
    "Finding",
    "FoundNamedAction",
    "FoundNamedEntity",
    "GroundsRelationships",
    "GroundsEntityGrant",
    "GroundsAccessRule",
    "GroundsNothing",
    "GroundsError",
    "Grounds",
    "GuardCode",
    "Hop",
    "HopAuthority",
    "HopGroundsRelationships",
    "HopGroundsEntityGrant",
    "HopGroundsAccessRule",
    "HopGroundsNothing",
    "HopGroundsError",
    "HopGrounds",
    "HopRecord",
    "HopTuple",
    "IdentityRecord",
    "Inputs",
    "InspectOptions",
    "Inspection",
    "IssuerConfig",
    "KeySource",
    "LackingUntold",
    "Lacking",
    "LimitsRecord",
    "ModelSource",
    "NamedAction",
    "NamedBinding",
    "NamedEntity",
    "Page",
    "Party",
    "PolicyDescription",
    "PolicyInspectOptions",
    "PolicyInspection",
    "Presentation",
    "Presented",
    "PrincipalRecord",
    "QueryLimits",
    "QueryOptions",
    "Question",
    "ReadingConfig",
    "Reason",
    "ReplayOptions",
    "ResourceRecord",
    "RetrievalCode",
    "RevokedConfig",
    "RevokedKey",
    "Role",
    "ScopeInWords",
    "ScopeRule",
    "ScopeUse",
    "Scopes",
    "Severity",
    "SignatureFinding",
    "SignatureOptions",
    "SignatureToCheck",
    "SignedBy",
    "Snapshot",
    "SourceCode",
    "StepRelation",
    "StepTuple",
    "StepThrough",
    "StepCondition",
    "StepMissing",
    "StepAnyOf",
    "StepAllOf",
    "StepExcept",
    "StepItself",
    "StepCycle",
    "StepUnreachable",
    "StepOmitted",
    "Step",
    "Take",
    "TokenFacts",
    "Tuple",
    "TupleCondition",
    "TupleRecord",
    "TupleTemplate",
    "UnfitValue",
    "UnixSeconds",
    "Untold",
    "VerifyRequest",
    "WantedToken",
    "Warning",
    "Why",
]


class AccessRecord(TypedDict):
    """
    An access rule: a principal may do what the pattern covers, on a path and
    all below it.
    """
    action: str
    """An action pattern, e.g. `integration:*`."""
    principal: str
    """`type:id`."""
    resource: str
    """A path, e.g. `/account/acc-1/`."""


class ActionsRecord(TypedDict):
    """
    Which relations of a type are actions, where a caller asks for all that it
    may do.
    """
    relations: List[str]
    """
    Names of its relations, e.g. `can_read`, or how they begin, e.g.
    `can_*`.
    """
    type: str
    """A type of the model."""


class Actor(TypedDict, total=False):
    """Who is to act."""
    audience: str
    """The audience that the actor token must name."""
    certificate: Certificate
    """The certificate that the actor showed in the TLS handshake."""
    dpop: Dpop
    """The DPoP proof that came with it."""
    principal: str
    """
    Without an actor token: the principal, `type:id`, whom the host has
    authenticated.
    """


class AskingToken(TypedDict):
    """Whoever holds this token."""
    token: str


class AskingTokens(TypedDict):
    """Whoever holds the last of these, which prove a chain, oldest first."""
    tokens: List[str]


class AskingChain(TypedDict):
    """Principals that the host vouches for, subject first."""
    chain: List[str]


class AudienceBy(TypedDict):
    """A claim that stands for an audience that a token does not name."""
    claim: str
    """The claim, e.g. `client_id`."""
    one_of: List[str]
    """
    The values of which it must have one. Services that share one are not
    told apart.
    """


class AuditRecord(TypedDict):
    """An audit record: FusionAuth's fields, and what it takes to decide again."""
    actingOnBehalfOf: Union[str, None]
    """The subject, where another acted for it."""
    action: str
    """The action asked for."""
    actor: str
    """Who acted."""
    agentType: str
    """
    What kind of agent acted: the principal's attribute `agentType`, or the
    entity's in its `data`, else the type in its name.
    """
    allowed: bool
    """Whether it was allowed."""
    chain: List[str]
    """The principals, subject first, current actor last."""
    context: Dict[str, Any]
    """The question's own values for conditions."""
    delegatedBy: Union[str, None]
    """The party before the actor, where there is one."""
    digest: str
    """SHA-256 of the compiled policy, in hexadecimal."""
    id: str
    """SHA-256 over everything else in the record, in hexadecimal."""
    inputs: Inputs
    """What the caller was made from."""
    reason: Reason
    """Why."""
    resource: str
    """The resource asked about."""
    revision: str
    """The snapshot's revision."""
    roles: List[str]
    """The token's `roles`."""
    scope: str
    """The token's scopes as one text."""
    tenant: Union[str, None]
    """The tenant that the request was taken to be of."""


class _Branch(TypedDict):
    allowed: bool
    """Whether it allows."""
    role: Role
    """Which part."""


class Branch(_Branch, total=False):
    """One part of the effective authority."""
    grounds: Grounds
    """What decided."""
    principal: str
    """Whose it is; empty for scopes."""


class CallerDescription(TypedDict):
    """Who a caller is."""
    actor: str
    """Who acts: the subject itself, where nobody acts for it."""
    chain: List[Party]
    """The parties, subject first, current actor last."""
    dpop: Union[DpopUse, None]
    """
    The DPoP proof that came with the token, which the host should accept
    only once.
    """
    fresh_until: Union[UnixSeconds, None]
    """
    The first second at which the caller no longer counts: its token, the
    snapshot or one of its parties has come to its end, or it was kept for
    as long as one without a token may be.
    """
    scopes: Union[Dict[str, Any], None]
    """
    The token's scopes, as the claims that carried them; `null` where there
    are none or where they are not looked at.
    """
    subject: str
    """On whose behalf the caller acts."""
    tenant: Union[str, None]
    """The request's tenant."""
    time: UnixSeconds
    """The time of the request, in seconds since the Unix epoch."""
    until: Union[UnixSeconds, None]
    """The first second at which the token no longer counts."""


class _CallerOptions(TypedDict):
    now: UnixSeconds
    """The time of the request, in seconds since the Unix epoch."""


class CallerOptions(_CallerOptions, total=False):
    """
    What goes with a caller that the host vouches for, and with AuthZEN's
    requests.
    """
    context: Dict[str, Any]
    """
    Values for conditions, in every question; a question's own go
    over them.
    """
    contextual_tuples: List[Tuple]
    """Relationships that hold for this request alone."""
    fixed_context: Dict[str, Any]
    """Values for conditions that no question's own go over."""
    scopes: Scopes
    """Scopes that narrow beside the token's: one text, or a list."""
    task: str
    """The task, `type:id`: what it holds is intersected too."""
    tenant: str
    """The tenant. Where the token names one, it must be the same."""


class CertificateDer(TypedDict):
    """The certificate in DER, as base64."""
    der: str


class CertificateSha256(TypedDict):
    """
    The SHA-256 of the certificate in DER: as hexadecimal, with or without
    colons, or as base64url.
    """
    sha256: str


class ChainRefusal(TypedDict):
    """Why a policy refuses a token's parties."""
    message: str
    """The reason in words."""
    reason: Reason
    """The reason."""


class _CheckAnswer(TypedDict):
    allowed: bool
    """Whether the user has the relation; an error is a denial."""


class CheckAnswer(_CheckAnswer, total=False):
    """One answer of a batch."""
    error: ErrorBody
    """Why there is no answer, where there is none."""


class CheckItem(TypedDict):
    """One question of a batch."""
    object: str
    """`type:id`."""
    relation: str
    """The relation's name."""
    user: str
    """`type:id`, `type:*` or `type:id#relation`."""


class Checked(TypedDict):
    """A caller's answer without a record."""
    allowed: bool
    """Whether it is allowed."""
    message: str
    """The reason in words."""
    reason: Reason
    """The reason."""


class _ClaimMapping(TypedDict):
    claim: str
    """
    The claim: its name, e.g. `groups`, or a JSON Pointer, e.g.
    `/realm_access/roles`.
    """
    tuple: TupleTemplate
    """The tuple that each of its values becomes."""


class ClaimMapping(_ClaimMapping, total=False):
    """A claim of which each value becomes a contextual tuple."""
    absent: Absent
    """
    What a token without it means. Where not said, it means that it has no
    values if all that the tuples can do is give, and is denied otherwise.
    """
    encode: Encoding
    """
    How a value that is no id becomes one. All that is made into objects of
    one type is written alike.
    """
    take: Take
    """What its values are; a text or a list of texts where not said."""
    unfit: UnfitValue
    """What a value that fits no id means; where not said, the token is denied."""
    values: Dict[str, str]
    """The ids that values stand for; a value that is not among them fits none."""


class _ClaimTest(TypedDict):
    claim: str
    """The claim: its name, or a JSON Pointer."""


class ClaimTest(_ClaimTest, total=False):
    """
    What is asked of a claim: one of `present`, `equals`, `one_of`, `prefix` and
    `has`. A value that is null, or of another kind than it is compared with,
    is an error of the token: it is neither a yes nor a no.
    """
    equals: Any
    """The text, whole number or truth that it is."""
    has: str
    """A text that it holds, as a list."""
    one_of: List[Any]
    """Those of which it is one."""
    prefix: str
    """What it begins with, as a text."""
    present: bool
    """Whether it is there at all."""


class ClientCredentials(TypedDict):
    """The claims of a token as FusionAuth would issue it."""
    claims: Dict[str, Any]
    """The claims. Whoever signs them adds `iss`, `iat`, `exp` and `jti`."""
    lifetime: Union[int, None]
    """How long the token may live, in seconds, where the type says so."""
    permissions: Dict[str, List[str]]
    """The entities, and what may be done with each."""
    scope: Union[str, None]
    """`scope`, as it was asked for."""
    subject: str
    """`sub`: the id of the entity or user."""
    tenant: Union[str, None]
    """`tid`: the tenant's id."""


class _ClientCredentialsRequest(TypedDict):
    now: UnixSeconds
    """The time of the request, in seconds since the Unix epoch."""
    principal: str
    """Who asks: `entity:<id>` or `user:<id>`."""


class ClientCredentialsRequest(_ClientCredentialsRequest, total=False):
    """
    A request for a token of the client credentials grant (RFC 6749 §4.4), from
    a principal that has been authenticated.
    """
    audience: str
    """The id of the entity that an alias with `<id>` means."""
    scope: str
    """The `scope` parameter."""
    tenant: str
    """The tenant; needed where the principal is of several."""


class _ConditionRecord(TypedDict):
    name: str
    """The condition's name in the model."""


class ConditionRecord(_ConditionRecord, total=False):
    """A tuple's condition, with the part of its context that the tuple fixes."""
    context: Dict[str, Any]
    """Values of its parameters; what is missing comes with the request."""


class _Decision(TypedDict):
    allowed: bool
    """Whether it is allowed."""
    message: str
    """The reason in words."""
    reason: Reason
    """The reason."""
    record: AuditRecord
    """The audit record."""


class Decision(_Decision, total=False):
    """An answer, with what it rests on."""
    branches: List[Branch]
    """
    Each part of the effective authority and what decided it; none where
    there was no caller.
    """


class DelegationRecord(TypedDict, total=False):
    """Who may act for whom."""
    actor_authority: ActorAuthority
    """What an actor's authority is."""
    actors: Actors
    """Whose authority is needed beside the subject's."""
    check_hops: CheckHops
    """Which hops are looked at."""
    hops: List[HopRecord]
    """The hops that are admitted; a hop that no rule is about is refused."""
    max_depth: int
    """The most actors in a chain; 4 where not said."""
    roots: List[str]
    """
    The types of which a chain's subject may be; `["user"]` where not said.
    It binds a caller that acts for itself too: a chain of one.
    """


class _DetailType(TypedDict):
    resource_type: str
    """The type of the objects, e.g. `document`."""


class DetailType(_DetailType, total=False):
    """
    How authorization details of one type are read (RFC 9396 §2.2). A detail
    names its object by `identifier`, or means every object of the type.
    """
    actions: Dict[str, List[str]]
    """
    The actions that each name in the detail's `actions` stands for. Where
    this is absent, the names are the actions; where it is given, a name
    outside it stands for nothing.
    """
    locations: List[str]
    """
    The detail's `locations` that mean this service. A detail that names
    only others covers nothing here.
    """


class _Dpop(TypedDict):
    method: str
    """The request's method, e.g. `POST`."""
    proof: str
    """The `DPoP` header's value."""
    uri: str
    """The request's URI; its query and fragment are not looked at."""


class Dpop(_Dpop, total=False):
    """A DPoP proof and the request that it came with (RFC 9449)."""
    max_age: int
    """How old the proof may be, in seconds; 60 by default."""
    max_ahead: int
    """How far in the future it may have been made, in seconds; 5 by default."""
    nonce: str
    """The nonce that the host gave the client, where it did."""


class DpopUse(TypedDict):
    """
    What the host must remember of a DPoP proof so that it is used only once
    (RFC 9449 §11.1).
    """
    id: str
    """Its `jti`."""
    issued_at: UnixSeconds
    """Its `iat`."""
    thumbprint: str
    """The thumbprint of its key, base64url."""


class _ErrorBody(TypedDict):
    code: str
    """A stable dotted name, the same in every language."""
    kind: ErrorKind
    """Whose it is to mend."""
    message: str
    """The error in words."""


class ErrorBody(_ErrorBody, total=False):
    """Why there is no answer."""
    column: int
    """The column, from 1, in characters."""
    line: int
    """
    The line of what is wrong, from 1, where the document or its model is a
    text with lines.
    """
    oauth_error: str
    """For a refused exchange or client: the `error` of an OAuth response."""
    pointer: str
    """The JSON pointer of what is wrong, in the document that was given."""


class _Evaluation(TypedDict):
    decision: bool
    """Whether it is allowed."""


class Evaluation(_Evaluation, total=False):
    """The answer to one evaluation."""
    context: Why
    """Why not; an answer that allows has none."""


class EvaluationsEvaluations(TypedDict):
    """To a list."""
    evaluations: List[Evaluation]
    """
    In the order asked; shorter than what was asked, where the request's
    semantic stopped at one of them.
    """


class ExchangeClaims(TypedDict):
    """The claims of the next token, and what a token response says of it."""
    audience: List[str]
    """Its audiences."""
    chain: List[Party]
    """Its parties, subject first, current actor last."""
    claims: Dict[str, Any]
    """
    The claims. Whoever signs them adds a `jti`, and a `client_id` where
    RFC 9068 is followed.
    """
    dpop: List[DpopUse]
    """The DPoP proofs that came with the tokens, each to be accepted once."""
    expires_at: UnixSeconds
    """`exp`, in seconds since the Unix epoch."""
    expires_in: int
    """`expires_in` of the token response, in seconds."""
    issued_at: UnixSeconds
    """`iat`, in seconds since the Unix epoch."""
    parents: List[str]
    """
    The `jti` of each token that led to it. A revocation of one of these
    does not reach the next token by itself: revoke that one too.
    """
    scope: Union[str, None]
    """Its scope tokens as one text; `null` where it has no claim of scopes."""


class _ExchangeRequest(TypedDict):
    now: UnixSeconds
    """The time of the request, in seconds since the Unix epoch."""
    subject_token: str
    """On whose behalf, and what may be handed on."""


class ExchangeRequest(_ExchangeRequest, total=False):
    """A request for the next token of a chain (RFC 8693 §2.1)."""
    actor: Actor
    """
    For whom the actor token is verified, and the proofs that came with
    it; or, without an actor token, whom the host has authenticated.
    """
    actor_token: str
    """The token of whoever is to act, which must be its own."""
    context: Dict[str, Any]
    """
    Values for conditions, in every question; a question's own go
    over them.
    """
    contextual_tuples: List[Tuple]
    """Relationships that hold for this request alone."""
    fixed_context: Dict[str, Any]
    """Values for conditions that no question's own go over."""
    scopes: Scopes
    """Scopes that narrow beside the token's: one text, or a list."""
    subject: Presentation
    """
    For whom the subject token is verified, and the proofs that came
    with it.
    """
    task: str
    """The task, `type:id`: what it holds is intersected too."""
    tenant: str
    """The tenant. Where the token names one, it must be the same."""
    wanted: WantedToken
    """What is asked of the next token."""


class ExpansionUsers(TypedDict):
    """Users that tuples name, sorted; conditions are not evaluated."""
    users: List[str]


class ExpansionComputed(TypedDict):
    """Another relation of the object, as `object#relation`."""
    computed: str


class ExpansionParentsParents(TypedDict):
    computed: List[str]
    """Each `object#relation` that it leads to, sorted."""
    tupleset: str
    """`object#relation` of the tupleset."""


class ExpansionParents(TypedDict):
    """A relation of each object that a tupleset names."""
    parents: ExpansionParentsParents


class ExpansionUnion(TypedDict):
    """Any of these."""
    union: List[Expansion]


class ExpansionIntersection(TypedDict):
    """All of these."""
    intersection: List[Expansion]


class ExpansionExclusionExclusion(TypedDict):
    base: Expansion
    """Who is in."""
    subtract: Expansion
    """Who is taken out again."""


class ExpansionExclusion(TypedDict):
    """The first, less the second."""
    exclusion: ExpansionExclusionExclusion


class _Explanation(TypedDict):
    allowed: bool
    """Whether the user has the relation."""
    because: Step
    """
    The tree: for an allow the shortest way that decided, for a denial every
    branch that failed.
    """
    user: str
    """The user asked about."""


class Explanation(_Explanation, total=False):
    """Why a check came out as it did."""
    error: str
    """The code of the error that denied, if one did."""
    message: str
    """The error in words."""


class FilterSummary(TypedDict):
    """What is known of a filtered list beside its mask."""
    allowed: int
    """How many objects are allowed."""
    dropped: Dict[str, int]
    """How many were dropped, by the code of the first reason that dropped them."""


class Finding(TypedDict):
    """Something wrong or worth a second look."""
    code: str
    """The stable code: a [`TokenError`]'s own, or one that begins with `lint.`."""
    message: str
    """What it is, for a person."""
    severity: Severity
    """How bad it is."""


class _FoundNamedAction(TypedDict):
    page: Page
    """Which part of the results this is."""
    results: List[NamedAction]
    """The results of this page, sorted."""


class FoundNamedAction(_FoundNamedAction, total=False):
    """The answer to a search."""
    context: Lacking
    """What the results do not say."""


class _FoundNamedEntity(TypedDict):
    page: Page
    """Which part of the results this is."""
    results: List[NamedEntity]
    """The results of this page, sorted."""


class FoundNamedEntity(_FoundNamedEntity, total=False):
    """The answer to a search."""
    context: Lacking
    """What the results do not say."""


class GroundsRelationships(TypedDict):
    """Relationships decided."""
    explanation: Explanation
    """How."""
    kind: Literal["relationships"]


class GroundsEntityGrant(TypedDict):
    """An entity grant gives it."""
    entity: str
    """The entity."""
    kind: Literal["entity_grant"]
    permission: str
    """The permission."""
    recipient: str
    """The recipient."""


class GroundsAccessRule(TypedDict):
    """An access rule gives it."""
    action: str
    """The rule's actions."""
    kind: Literal["access_rule"]
    path: str
    """The rule's path."""
    principal: str
    """The principal."""


class GroundsNothing(TypedDict):
    """Nothing gives it."""
    kind: Literal["nothing"]
    wanted: str
    """What would have."""


class GroundsError(TypedDict):
    """The question has no answer."""
    code: str
    """The error's code."""
    kind: Literal["error"]
    message: str
    """The error in words."""


Hop = TypedDict(
    "Hop",
    {
        "allowed": "bool",
        "from": "str",
        "grounds": "List[HopGrounds]",
        "to": "str",
    },
)
"""One hop of a chain, and what it rests on."""


class HopGroundsRelationships(TypedDict):
    """Relationships decided."""
    rule: HopTuple
    """The rule, as the snapshot's `delegation` has it."""
    explanation: Explanation
    """How."""
    kind: Literal["relationships"]


class HopGroundsEntityGrant(TypedDict):
    """An entity grant gives it."""
    rule: HopTuple
    """The rule, as the snapshot's `delegation` has it."""
    entity: str
    """The entity."""
    kind: Literal["entity_grant"]
    permission: str
    """The permission."""
    recipient: str
    """The recipient."""


class HopGroundsAccessRule(TypedDict):
    """An access rule gives it."""
    rule: HopTuple
    """The rule, as the snapshot's `delegation` has it."""
    action: str
    """The rule's actions."""
    kind: Literal["access_rule"]
    path: str
    """The rule's path."""
    principal: str
    """The principal."""


class HopGroundsNothing(TypedDict):
    """Nothing gives it."""
    rule: HopTuple
    """The rule, as the snapshot's `delegation` has it."""
    kind: Literal["nothing"]
    wanted: str
    """What would have."""


class HopGroundsError(TypedDict):
    """The question has no answer."""
    rule: HopTuple
    """The rule, as the snapshot's `delegation` has it."""
    code: str
    """The error's code."""
    kind: Literal["error"]
    message: str
    """The error in words."""


_HopRecord = TypedDict(
    "_HopRecord",
    {
        "any_of": "List[HopTuple]",
        "from": "str",
        "to": "str",
    },
)


class HopRecord(_HopRecord, total=False):
    """When one type of principal may hand on to another."""
    actor_authority: HopAuthority
    """
    What whoever acts must hold after this hop; where not said, it is the
    section's `actor_authority`.
    """


class HopTuple(TypedDict):
    """A grant that admits a hop: a relation, or a permission on an entity."""
    object: str
    """E.g. `{from}`."""
    relation: str
    """E.g. `delegate_of`."""
    user: str
    """E.g. `{to}`."""


class IdentityRecord(TypedDict):
    """Who a principal is to an issuer."""
    issuer: str
    """The issuer's exact name."""
    subject: str
    """The subject there."""


class _Inputs(TypedDict):
    chain: List[Party]
    """The parties, subject first, current actor last."""
    scopes_required: bool
    """Whether a token without scopes covers nothing."""
    time: UnixSeconds
    """The time of the request."""


class Inputs(_Inputs, total=False):
    """All that a caller was made from, its policy aside."""
    context: Dict[str, Any]
    """Values for conditions; a question's own go over them."""
    earlier: List[str]
    """
    The tokens before it that proved its chain, oldest first: the SHA-256 of
    each, in hexadecimal.
    """
    earlier_tokens: List[TokenFacts]
    """What is known of each of these, once it was verified."""
    fixed_context: Dict[str, Any]
    """Values for conditions that no question's own go over."""
    host_scopes: Dict[str, Any]
    """The host's scopes, in the same form."""
    presented: Presented
    """
    The token as it was presented, verified or not; none where a host
    vouched for the chain.
    """
    roles: List[str]
    """The token's `roles`, which give nothing."""
    scopes: Dict[str, Any]
    """The token's scopes, as the claims that carried them."""
    tasks: List[str]
    """The tasks that constrain."""
    tenant: str
    """The tenant that the token or the host named."""
    token: TokenFacts
    """What is known of the token, once it was verified."""
    tuples: List[Tuple]
    """Contextual tuples, of the token's claims and of the host."""
    until: UnixSeconds
    """The first second at which the token no longer counts."""


class InspectOptions(TypedDict, total=False):
    """What a token is looked at with."""
    now: UnixSeconds
    """
    The time at which its times are looked at, in seconds since the Unix
    epoch; without, they are not.
    """


class Inspection(TypedDict):
    """A token taken apart. Nothing in here may be relied upon."""
    claims: Any
    """The claims, where they could be read."""
    findings: List[Finding]
    """What is wrong or worth a second look, in the order of a token's parts."""
    header: Any
    """The header, where it could be read."""
    verified: bool
    """Always `false`: no signature was checked."""


class _IssuerConfig(TypedDict):
    algorithms: List[str]
    """The algorithms it signs with, e.g. `["RS256"]`."""
    issuer: str
    """The exact `iss` of its tokens, compared byte by byte."""
    keys: KeySource
    """
    Its keys: a JWKS, a map from key id to key, or a list of PEM texts with
    their ids.
    """


class IssuerConfig(_IssuerConfig, total=False):
    """One entry of the snapshot's `issuers`, as written."""
    actor: str
    """The principal that a token's actor is, e.g. `agent:{sub}`."""
    audience_by: AudienceBy
    """A claim that stands for an audience where a token names none."""
    audience_required: bool
    """
    Whether a token must have an `aud` at all; true unless said otherwise.
    A request that names its own audience needs one in any case.
    """
    audiences: List[str]
    """The audiences of which a token must name one."""
    chain: ChainConvention
    """How `sub` and `act` are to be read."""
    claims: List[ClaimMapping]
    """Claims that become contextual tuples."""
    client_claim: str
    """
    The claim that names the client, e.g. `azp`: the actor where `chain` is
    `client`; where it is `rfc8693`, what must agree with the current actor.
    """
    encode: Encoding
    """How claims that are no ids become part of `subject` and `actor`."""
    leeway: int
    """How far its clock may differ, in seconds, at most [`MAX_LEEWAY`]."""
    max_lifetime: int
    """
    The longest that a token may live, in seconds;
    [`DEFAULT_MAX_LIFETIME`] where not said.
    """
    readings: List[ReadingConfig]
    """
    How its tokens are understood, where they are not all understood alike.
    Then `subject` and whatever else says so stands in each of these.
    """
    require: List[ClaimTest]
    """What every token must say, or be denied."""
    scope_claims: List[str]
    """
    The claims that carry scopes: the first that is there counts. All that
    are known where not said, each narrowing by itself.
    """
    scopes: ScopeUse
    """What a token's scopes mean."""
    scopes_joined: bool
    """Whether the scopes of all `scope_claims` count together."""
    subject: str
    """
    The principal that a token's subject is, e.g. `user:{sub}`. In the braces
    stands a claim's name or a JSON Pointer.
    """
    task_claim: str
    """The claim that names the task, e.g. `task`; a name or a JSON Pointer."""
    tenant_claim: str
    """
    The claim that names the tenant, e.g. `tid`, or as a JSON Pointer
    `/ext/org`. A token without it is denied.
    """
    typ: List[str]
    """
    The `typ` headers of its tokens, without `application/`, in any case.
    `["at+jwt", "JWT"]` where not said. A token without `typ` is a `JWT`.
    """


class LackingUntold(TypedDict):
    """Some actions, which may be allowed or not."""
    untold: List[Untold]
    """Each of them, on every page."""


class LimitsRecord(TypedDict, total=False):
    """Bounds on the work that one question, and one call, may cost."""
    call_steps: int
    """
    Evaluation steps of all questions of a call (a batch, a filter, a list)
    together, beyond the first 100 of each; 10,000,000 by default.
    """
    condition_cost: int
    """The cost of one condition; unbounded by default, 100 in OpenFGA."""
    depth: int
    """Hops through usersets and parents; unbounded by default, 25 in OpenFGA."""
    steps: int
    """Evaluation steps of a question; 1,000,000 by default."""


class NamedAction(TypedDict):
    """An action that was found."""
    name: str
    """Its name."""


class NamedEntity(TypedDict):
    """A subject or a resource that was found."""
    id: str
    """The id."""
    type: str
    """The type that was asked for."""


class Page(TypedDict):
    """Which part of the results an answer holds."""
    count: int
    """How many results there are on this page."""
    next_token: str
    """The token of the next page; empty on the last."""
    total: int
    """How many there are on all."""


class _Party(TypedDict):
    principal: str
    """The principal, `type:id`."""


class Party(_Party, total=False):
    """One party of a chain."""
    issuer: str
    """The issuer that knows it, where it comes from a token."""
    subject: str
    """Its `sub` there."""


class PolicyDescription(TypedDict):
    """What a policy says of itself."""
    issued_at: Union[int, None]
    """When the snapshot was made, in seconds since the Unix epoch."""
    not_after: Union[int, None]
    """The last second at which the policy holds, since the Unix epoch."""
    revision: str
    """The snapshot's revision."""
    tuples: int
    """How many relationships are in effect."""


class PolicyInspectOptions(TypedDict):
    """What a token is read with by a policy."""
    now: UnixSeconds
    """The time at which it is looked at, in seconds since the Unix epoch."""


class PolicyInspection(TypedDict):
    """
    What a policy would make of a token if all that it says were true.

    Whether it is true is for [`Policy::admit`] to say: this is also given of a
    token that is expired, forged or meant for others, so that a person may see
    what else there is to say about it.
    """
    chain: List[Party]
    """
    The parties, subject first, current actor last; empty where the policy
    cannot tell them.
    """
    claims: Any
    """The claims, where they could be read."""
    findings: List[Finding]
    """What is wrong or worth a second look, in the order of a token's parts."""
    header: Any
    """The header, where it could be read."""
    hops: List[Hop]
    """Every hop that is looked at, with the rule that admits it, or would have."""
    refusal: Union[ChainRefusal, None]
    """Why the policy refuses the parties, their hops aside."""
    scopes: List[List[ScopeInWords]]
    """
    What the scopes cover. There is a list for each claim that narrows, and
    something is covered only where each list has a scope that covers it;
    none where scopes do not narrow.
    """
    signature: SignatureFinding
    """Whether the signature fits the key of the issuer that it names."""
    verified: bool
    """Always `false`: no signature was checked."""


class Presentation(TypedDict, total=False):
    """How a token was presented."""
    audience: str
    """The audience that the token must name."""
    certificate: Certificate
    """The certificate that the client showed in the TLS handshake."""
    dpop: Dpop
    """The DPoP proof that came with it."""


class _Presented(TypedDict):
    certificate: bool
    """Whether a client certificate came with it."""
    digest: str
    """SHA-256 of the whole token, in hexadecimal."""
    dpop: bool
    """Whether a DPoP proof came with it."""


class Presented(_Presented, total=False):
    """A token as it was presented: enough to know it again."""
    audience: str
    """The audience that the host asked for."""


class _PrincipalRecord(TypedDict):
    id: str
    """`type:id`."""


class PrincipalRecord(_PrincipalRecord, total=False):
    """What is known of a principal beside its grants."""
    attributes: Dict[str, Any]
    """What else its owner noted down."""
    disabled: bool
    """Nothing is allowed to it, nor through it."""
    identities: List[IdentityRecord]
    """
    Who it is to which issuer. Where there are any, it is known by these
    alone.
    """
    not_after: int
    """The last second at which it counts, since the Unix epoch."""
    scopes: List[str]
    """The scopes that it may use as an actor, where `actor_authority` says so."""
    tenants: List[str]
    """The tenants that it belongs to."""


class QueryLimits(TypedDict, total=False):
    """Bounds on the work that one question may cost."""
    call_steps: int
    """
    Evaluation steps of all questions of a call together, beyond the first
    100 of each.
    """
    condition_cost: int
    """The cost of evaluating one condition, as CEL counts it."""
    depth: int
    """Hops through usersets and parents."""
    steps: int
    """Evaluation steps: relations visited and tuples walked."""


class QueryOptions(TypedDict, total=False):
    """
    What goes with a question about relationships. All of it comes from the
    host: whoever chooses tuples or a tenant chooses rights.
    """
    context: Dict[str, Any]
    """Values for conditions."""
    contextual_tuples: List[Tuple]
    """Relationships that hold for this question alone."""
    limits: QueryLimits
    """Bounds on the work, each in place of the snapshot's own."""
    tenant: str
    """The tenant; tuples of other tenants are not seen."""


class _Question(TypedDict):
    action: str
    """The action: a relation, a permission, or a colon action."""
    resource: str
    """The resource: `type:id` or a path."""


class Question(_Question, total=False):
    """A question to a caller."""
    context: Dict[str, Any]
    """
    Values for conditions; they go over the caller's own, but not over those
    that are fixed.
    """


_ReadingConfigWords = TypedDict(
    "_ReadingConfigWords",
    {
        "else": "bool",
    },
    total=False,
)


class ReadingConfig(_ReadingConfigWords, total=False):
    """
    One way in which an issuer's tokens are understood: of people, of machines,
    of agents. A token fits exactly one reading, or is denied.
    """
    actor: str
    """The principal that a token's actor is, e.g. `agent:{sub}`."""
    chain: ChainConvention
    """How `sub`, `act` and the client are to be read."""
    claims: List[ClaimMapping]
    """Claims that become contextual tuples."""
    client_claim: str
    """
    The claim that names the client: the actor where `chain` is `client`;
    where it is `rfc8693`, what must agree with the current actor.
    """
    encode: Encoding
    """How claims that are no ids become part of `subject` and `actor`."""
    name: str
    """What it is called in messages, e.g. `people`."""
    require: List[ClaimTest]
    """What its tokens must say besides, or be denied."""
    scope_claims: List[str]
    """
    The claims that carry scopes: the first that is there counts. All that
    are known where not said, each narrowing by itself.
    """
    scopes: ScopeUse
    """What a token's scopes mean."""
    scopes_joined: bool
    """Whether the scopes of all `scope_claims` count together."""
    subject: str
    """The principal that a token's subject is, e.g. `user:{sub}`."""
    task_claim: str
    """The claim that names the task."""
    tenant_claim: str
    """The claim that names the tenant. A token without it is denied."""
    when: List[ClaimTest]
    """What a token must pass for this to be its reading, all of it."""


class ReplayOptions(TypedDict, total=False):
    """What a record is replayed with."""
    presented: Presentation
    """The proofs that came with it."""
    token: str
    """The token, to verify it again."""


class _ResourceRecord(TypedDict):
    id: str
    """`type:id`."""


class ResourceRecord(_ResourceRecord, total=False):
    """What is known of a resource beside the grants on it."""
    attributes: Dict[str, Any]
    """What else its owner noted down."""
    tenant: str
    """
    The tenant that it is in. Where any resource of its type has one, those
    without are in nobody's.
    """


class RevokedConfig(TypedDict, total=False):
    """The snapshot's `revoked`, as written."""
    keys: List[RevokedKey]
    """Keys, by issuer and `kid`."""
    principals: Dict[str, UnixSeconds]
    """
    Principals, e.g. `agent:x`, with the time before which no token of
    theirs counts, in seconds since the Unix epoch. A principal may occur
    once: a second time would take the first one back.
    """
    tokens: List[str]
    """Tokens, by their `jti`, whoever issued them."""


class RevokedKey(TypedDict):
    """A revoked key."""
    issuer: str
    """The issuer it belonged to."""
    kid: str
    """Its id there."""


class ScopeInWords(TypedDict):
    """A scope, and what it covers in words."""
    covers: List[str]
    """
    What it covers, one sentence each, e.g. ``can_read` on every `document``;
    empty where nobody gave it a meaning, so that it covers nothing.
    """
    scope: str
    """The scope as it was claimed."""


class ScopeRule(TypedDict):
    """One entry of the table: an action pattern on a resource."""
    action: str
    """An action pattern, e.g. `can_read` or `integration:*`."""
    resource: str
    """`type:*`, `type:id`, or a path."""


class SignatureFinding(TypedDict):
    """
    Whether a token's signature fits the key that it names, and nothing else:
    who issued it, for whom and until when was not looked at.
    """
    algorithm: Union[str, None]
    """The algorithm that the key is for, e.g. `RS256`."""
    code: str
    """The stable code: `allowed`, or a [`TokenError`]'s."""
    fits: bool
    """Whether it fits."""
    kid: Union[str, None]
    """The `kid` of the key that was tried."""
    message: str
    """What it is, for a person."""


class SignatureOptions(TypedDict, total=False):
    """How a signature is looked at."""
    algorithms: List[str]
    """
    The names of the algorithms that may be used, e.g. `ES256`. Without,
    those that the keys themselves name.
    """
    kid: str
    """The id of the key to take for a token that names none."""


class SignatureToCheck(TypedDict):
    """A signature that something else is to check."""
    algorithm: str
    """The algorithm's name, e.g. `RS256`."""
    input: str
    """What was signed, in ASCII."""
    jwk: Any
    """The public key."""
    signature: str
    """The signature as base64url; for ECDSA `r ‖ s`."""


class SignedBy(TypedDict):
    """Which key signed a token."""
    algorithm: str
    """The algorithm's name, e.g. `ES256`."""
    kid: str
    """The key's id."""


class _Snapshot(TypedDict):
    deputize: int
    """The format's number: 1."""


class Snapshot(_Snapshot, total=False):
    """A snapshot, borrowed from its text where that needs no unescaping."""
    access: List[AccessRecord]
    """Access rules: action patterns on paths."""
    actions: List[ActionsRecord]
    """
    Which relations a search for actions names: of a type that is not
    listed here, all. It says nothing of what is allowed.
    """
    authorization_details: Dict[str, DetailType]
    """The types of authorization details that are understood."""
    delegation: DelegationRecord
    """Who may act for whom. Without it no token with `act` is accepted."""
    entities: Entities
    """Entities, in FusionAuth's shapes."""
    entity_grants: EntityGrants
    """Permissions on entities, in FusionAuth's shapes."""
    entity_types: EntityTypes
    """Kinds of entities and their permissions, in FusionAuth's shapes."""
    issued_at: int
    """When the snapshot was made, in seconds since the Unix epoch."""
    issuers: List[IssuerConfig]
    """The issuers whose tokens are trusted."""
    limits: LimitsRecord
    """Bounds on the work that one question, and one call, may cost."""
    model: ModelSource
    """The authorization model: OpenFGA DSL text, or its JSON form."""
    not_after: int
    """After this second everything is denied as stale."""
    principals: List[PrincipalRecord]
    """What is known of principals beside their grants."""
    resources: List[ResourceRecord]
    """What is known of resources beside the grants on them."""
    revision: str
    """Opaque; echoed in every decision."""
    revoked: RevokedConfig
    """What was taken back before it expired."""
    scope_aliases: Dict[str, str]
    """Other names of scopes."""
    scope_dialects: List[Dialect]
    """How scopes outside the table are read."""
    scopes: Dict[str, List[ScopeRule]]
    """What each scope of the table covers."""
    tuples: List[TupleRecord]
    """The relationships."""


class _StepRelation(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["relation"]


class StepRelation(_StepRelation, total=False):
    """A relation, by its rewrite."""
    parts: List[Step]
    """What it rests on."""


class _StepTuple(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["tuple"]
    tuple: str
    """The tuple."""


class StepTuple(_StepTuple, total=False):
    """This tuple, written `user relation object`, names the user."""
    parts: List[Step]
    """What it rests on."""


class _StepThrough(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["through"]
    tuple: str
    """The tuple."""


class StepThrough(_StepThrough, total=False):
    """This tuple names a userset, or a parent, that the part is about."""
    parts: List[Step]
    """What it rests on."""


class _StepCondition(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    condition: str
    """The condition's name."""
    rule: Literal["condition"]
    tuple: str
    """The tuple."""


class StepCondition(_StepCondition, total=False):
    """A tuple is there, but its condition was not met or has no answer."""
    parts: List[Step]
    """What it rests on."""
    error: str
    """The error's code, if it has no answer."""


class _StepMissing(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["missing"]
    wanted: List[str]
    """Tuples, written `user relation object`; `…` stands for any id."""


class StepMissing(_StepMissing, total=False):
    """No tuple gives it; any of these would have."""
    parts: List[Step]
    """What it rests on."""


class _StepAnyOf(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["any_of"]


class StepAnyOf(_StepAnyOf, total=False):
    """Any of the parts would do."""
    parts: List[Step]
    """What it rests on."""


class _StepAllOf(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["all_of"]


class StepAllOf(_StepAllOf, total=False):
    """All of the parts are needed."""
    parts: List[Step]
    """What it rests on."""


class _StepExcept(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["except"]


class StepExcept(_StepExcept, total=False):
    """The first part is needed, without the second."""
    parts: List[Step]
    """What it rests on."""


class _StepItself(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["itself"]


class StepItself(_StepItself, total=False):
    """The user is this very userset."""
    parts: List[Step]
    """What it rests on."""


class _StepCycle(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["cycle"]


class StepCycle(_StepCycle, total=False):
    """The way leads back to where it came from."""
    parts: List[Step]
    """What it rests on."""


class _StepUnreachable(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    rule: Literal["unreachable"]


class StepUnreachable(_StepUnreachable, total=False):
    """The model lets no user of that type have the relation."""
    parts: List[Step]
    """What it rests on."""


class _StepOmitted(TypedDict):
    allowed: bool
    """What it came to."""
    node: str
    """`object#relation` that the step is about."""
    more: int
    """How many tuples."""
    rule: Literal["omitted"]


class StepOmitted(_StepOmitted, total=False):
    """
    More of the kind is left out, or was not looked into because the
    explanation's steps were used up: then `allowed` is false, which says
    nothing.
    """
    parts: List[Step]
    """What it rests on."""


class _TokenFacts(TypedDict):
    issuer: str
    """`iss`."""
    kid: str
    """The `kid` of the key that signed it."""


class TokenFacts(_TokenFacts, total=False):
    """What is written down of a token: nothing that could stand in for it."""
    audience: List[str]
    """`aud`."""
    audience_by: str
    """What stood for an audience that it does not name."""
    id: str
    """`jti`."""
    issued_at: UnixSeconds
    """`iat`."""


class _Tuple(TypedDict):
    object: str
    """`type:id`."""
    relation: str
    """The relation's name."""
    user: str
    """`type:id`, `type:*` or `type:id#relation`."""


class Tuple(_Tuple, total=False):
    """A relationship: `user` has `relation` on `object`."""
    condition: TupleCondition
    """The condition under which it holds."""
    tenant: str
    """The tenant that alone sees it."""


class _TupleCondition(TypedDict):
    name: str
    """The condition's name in the model."""


class TupleCondition(_TupleCondition, total=False):
    """A tuple's condition."""
    context: Dict[str, Any]
    """Values of its parameters that the tuple fixes."""


class _TupleRecord(TypedDict):
    object: str
    """`type:id`."""
    relation: str
    """The relation's name."""
    user: str
    """`type:id`, `type:*` or `type:id#relation`."""


class TupleRecord(_TupleRecord, total=False):
    """One relationship: `user` has `relation` on `object`."""
    condition: ConditionRecord
    """The condition under which it holds."""
    tenant: str
    """The tenant that alone sees it."""


class TupleTemplate(TypedDict):
    """
    A tuple in which `{subject}`, `{actor}` and `{value}` stand for what the
    token says.
    """
    object: str
    """E.g. `group:{value}`."""
    relation: str
    """E.g. `member`."""
    user: str
    """E.g. `{subject}`."""


class Untold(TypedDict):
    """An action of which could not be told whether it is allowed."""
    message: str
    """
    The reason in words. It names parties and resources: for logs, and for
    people who may know of them.
    """
    name: str
    """Its name."""
    reason: str
    """
    The code of the [`Reason`], or of the [`RequestError`] of an item that
    is no evaluation. Both are stable.
    """


class _VerifyRequest(TypedDict):
    now: UnixSeconds
    """The time of the request, in seconds since the Unix epoch."""


class VerifyRequest(_VerifyRequest, total=False):
    """What goes with a token."""
    audience: str
    """
    Who is asked: the token must name this audience, and the issuer must
    be trusted for it. Without it, the token must name one of the
    issuer's `audiences`.
    """
    certificate: Certificate
    """The certificate that the client showed in the TLS handshake."""
    context: Dict[str, Any]
    """
    Values for conditions, in every question; a question's own go
    over them.
    """
    contextual_tuples: List[Tuple]
    """Relationships that hold for this request alone."""
    dpop: Dpop
    """The DPoP proof that came with the request."""
    fixed_context: Dict[str, Any]
    """Values for conditions that no question's own go over."""
    scopes: Scopes
    """Scopes that narrow beside the token's: one text, or a list."""
    task: str
    """The task, `type:id`: what it holds is intersected too."""
    tenant: str
    """The tenant. Where the token names one, it must be the same."""


class WantedToken(TypedDict, total=False):
    """What is asked of the next token."""
    audiences: List[str]
    """`audience`. With neither, the subject token's audiences."""
    confirmation: Confirmation
    """
    Whom it is bound to: the `cnf` that it is to have (RFC 7800), `"keep"`
    for the subject token's, or `"drop"` for nobody's. Where this is not
    said, a token that is only narrowed stays bound as it is, and one that
    is handed on is bound as the actor token is. A bound token is never
    handed on as one that anybody may use unless `"drop"` says so.
    """
    lifetime: int
    """
    How long it is to live, in seconds; at most what is left of the tokens
    that led to it, and what the issuer's may live.
    """
    resources: List[str]
    """`resource`, each an absolute URI without a fragment (RFC 8707 §2)."""
    scope: str
    """`scope`; without, all that may be handed on."""


class Warning(TypedDict):
    """Something in a snapshot that can have no effect."""
    code: str
    """A stable name for the kind of warning."""
    message: str
    """The warning in words."""
    pointer: str
    """The JSON pointer of what it is about."""


class Why(TypedDict):
    """Why something is not allowed, or was not found."""
    message: str
    """
    The reason in words. It names parties and resources: for logs, and for
    people who may know of them.
    """
    reason: str
    """
    The code of the [`Reason`], or of the [`RequestError`] of an item that
    is no evaluation. Both are stable.
    """

Absent: TypeAlias = Literal["empty"]
"""What a token without a claim means."""

ActorAuthority: TypeAlias = Union[Literal["grants"], Literal["scopes"], Literal["grants_or_scopes"]]
"""What an actor's authority is."""

Actors: TypeAlias = Union[Literal["current"], Literal["every"]]
"""Whose authority is needed beside the subject's."""

Asking: TypeAlias = Union[AskingToken, AskingTokens, AskingChain]
"""Who asks, in one question."""

Certificate: TypeAlias = Union[CertificateDer, CertificateSha256]
"""A client's certificate (RFC 8705), by one of the two."""

ChainConvention: TypeAlias = Union[Literal["rfc8693"], Literal["subject_is_actor"], Literal["client"], Literal["none"]]
"""How an issuer writes down who acts for whom."""

CheckHops: TypeAlias = Union[Literal["every"], Literal["last"]]
"""Which hops of a chain the rules are asked about."""

Dialect: TypeAlias = Union[Literal["target-entity"], Literal["action-pattern"], Literal["smart-v2"]]
"""A way to read scopes that are neither in the table nor an alias."""

Encoding: TypeAlias = Literal["percent"]
"""How texts that are no ids become some."""

Entities: TypeAlias = Union[List[Dict[str, Any]], Dict[str, Any]]

EntityGrants: TypeAlias = Union[List[Dict[str, Any]], Dict[str, Any]]

EntityTypes: TypeAlias = Union[List[Dict[str, Any]], Dict[str, Any]]

ErrorKind: TypeAlias = Union[Literal["misuse"], Literal["input"], Literal["denied"], Literal["internal"]]
"""Whose an error is to mend."""

Evaluations: TypeAlias = Union[Evaluation, EvaluationsEvaluations]
"""The answer to a request for evaluations."""

Expansion: TypeAlias = Union[
    ExpansionUsers,
    ExpansionComputed,
    ExpansionParents,
    ExpansionUnion,
    ExpansionIntersection,
    ExpansionExclusion,
]
"""
A relation's users, one level down: what leads further is named, not
followed.
"""

Grounds: TypeAlias = Union[GroundsRelationships, GroundsEntityGrant, GroundsAccessRule, GroundsNothing, GroundsError]
"""What gives a principal an action on a resource, or what was lacking."""

GuardCode: TypeAlias = Union[
    Literal["guard.no_caller"],
    Literal["guard.ambiguous"],
    Literal["guard.no_rule"],
    Literal["guard.no_resource"],
    Literal["guard.arguments"],
    Literal["guard.malformed"],
    Literal["guard.hidden"],
    Literal["guard.not_approved"],
    Literal["guard.proof_used"],
    Literal["guard.callback"],
    Literal["guard.error"],
    Literal["guard.options"],
]
"""
Why a guard refuses a call, besides the reasons of decisions.
- `guard.no_caller`: nothing says who asks, or one who cannot be asked here
- `guard.ambiguous`: two places say who asks, and not the same
- `guard.no_rule`: no rule says what the call needs
- `guard.no_resource`: the arguments name no resource
- `guard.arguments`: the arguments are not the ones that would be used, or are no arguments of it
- `guard.malformed`: the request is not what it must be
- `guard.hidden`: it is not shown to this caller, and so not called
- `guard.not_approved`: a human must approve of it, and has not
- `guard.proof_used`: the proof of possession was used before
- `guard.callback`: what is to see each ruling failed, said no, or would have to be waited for
- `guard.error`: the decision failed: a rule's own function, or what gives the policy
- `guard.options`: the guard is not set up as it must be
"""

HopAuthority: TypeAlias = Literal["delegated"]
"""What whoever acts must hold after a hop."""

HopGrounds: TypeAlias = Union[HopGroundsRelationships, HopGroundsEntityGrant, HopGroundsAccessRule, HopGroundsNothing, HopGroundsError]
"""A rule about a hop, and what it came to."""

KeySource: TypeAlias = Any
"""
An issuer's keys as written. Its `Debug` form does not show them, since they
may be shared secrets.
"""

Lacking: TypeAlias = Union[Why, LackingUntold]
"""What the results of a search lack."""

ModelSource: TypeAlias = Union[str, Any]
"""A model as DSL text or as OpenFGA's JSON."""

NamedBinding: TypeAlias = Union[Literal["keep"], Literal["drop"]]
"""Whom the next token is bound to, by name."""

Reason: TypeAlias = Union[
    Literal["allowed"],
    Literal["snapshot.stale"],
    Literal["token.too_large"],
    Literal["token.malformed"],
    Literal["token.duplicate_member"],
    Literal["token.too_deep"],
    Literal["token.header"],
    Literal["token.critical"],
    Literal["token.algorithm"],
    Literal["issuer.missing"],
    Literal["issuer.unknown"],
    Literal["token.type"],
    Literal["key.unknown"],
    Literal["key.unfit"],
    Literal["token.signature"],
    Literal["token.claim"],
    Literal["token.claim_missing"],
    Literal["token.claim_absent"],
    Literal["token.claim_elsewhere"],
    Literal["token.reading"],
    Literal["token.reading_ambiguous"],
    Literal["token.requirement"],
    Literal["chain.client_missing"],
    Literal["chain.client_mismatch"],
    Literal["chain.not_expected"],
    Literal["token.expired"],
    Literal["token.not_yet_valid"],
    Literal["token.lifetime"],
    Literal["audience.missing"],
    Literal["audience.mismatch"],
    Literal["proof.unsupported"],
    Literal["proof.missing"],
    Literal["proof.invalid"],
    Literal["proof.mismatch"],
    Literal["revoked.key"],
    Literal["revoked.token"],
    Literal["revoked.principal"],
    Literal["scope.grammar"],
    Literal["scope.shape"],
    Literal["scope.unknown_member"],
    Literal["scope.unknown_detail_type"],
    Literal["scope.too_long"],
    Literal["scope.resource"],
    Literal["action.empty"],
    Literal["action.empty_segment"],
    Literal["action.partial_wildcard"],
    Literal["action.character"],
    Literal["action.too_long"],
    Literal["path.empty"],
    Literal["path.empty_segment"],
    Literal["path.dot_segment"],
    Literal["path.character"],
    Literal["path.encoding"],
    Literal["path.too_long"],
    Literal["identity.missing"],
    Literal["identity.unknown"],
    Literal["identity.foreign"],
    Literal["principal.malformed"],
    Literal["principal.unknown"],
    Literal["principal.disabled"],
    Literal["principal.expired"],
    Literal["caller.expired"],
    Literal["chain.empty"],
    Literal["chain.incomplete"],
    Literal["chain.no_delegation"],
    Literal["chain.depth"],
    Literal["chain.cycle"],
    Literal["chain.root_type"],
    Literal["chain.may_act"],
    Literal["chain.hop_not_permitted"],
    Literal["chain.token_mismatch"],
    Literal["chain.token_widens"],
    Literal["exchange.actor"],
    Literal["exchange.claim"],
    Literal["exchange.confirmation"],
    Literal["exchange.lifetime"],
    Literal["exchange.no_token"],
    Literal["exchange.scope"],
    Literal["exchange.target"],
    Literal["tenant.mismatch"],
    Literal["tenant.needed"],
    Literal["scope.insufficient"],
    Literal["subject.no_grant"],
    Literal["actor.no_grant"],
    Literal["task.no_grant"],
    Literal["resource.malformed"],
    Literal["request.invalid_user"],
    Literal["request.invalid_object"],
    Literal["request.unknown_type"],
    Literal["request.unknown_relation"],
    Literal["request.contextual_tuple"],
    Literal["condition.failed"],
    Literal["condition.compile"],
    Literal["condition.not_bool"],
    Literal["condition.parameter"],
    Literal["condition.unknown_parameter"],
    Literal["condition.ill_typed"],
    Literal["condition.missing_context"],
    Literal["condition.evaluation"],
    Literal["condition.cost_exceeded"],
    Literal["budget.exhausted"],
    Literal["budget.call"],
    Literal["budget.depth"],
    Literal["internal"],
]
"""Why a decision came out as it did: a stable code."""

RetrievalCode: TypeAlias = Union[
    Literal["resource.missing"],
    Literal["resource.untyped"],
    Literal["resource.error"],
    Literal["acl.missing"],
    Literal["acl.malformed"],
    Literal["duplicate"],
    Literal["retrieval.nothing_allowed"],
    Literal["retrieval.prefilter"],
    Literal["retrieval.types"],
    Literal["retrieval.options"],
]
"""
Why a retriever drops a chunk or refuses a search, besides the reasons of decisions.
- `resource.missing`: the chunk names no resource
- `resource.untyped`: the chunk's resource has no type
- `resource.error`: the chunk's resource could not be read
- `acl.missing`: the chunk does not say who its readers are
- `acl.malformed`: what the chunk says of its readers is no name
- `duplicate`: it is one that was given already
- `retrieval.nothing_allowed`: the caller may see nothing, so there is nothing to search for
- `retrieval.prefilter`: this store cannot be told what to search for
- `retrieval.types`: the resources' types are not said, and a store is to be searched for them
- `retrieval.options`: the retriever is not set up as it must be
"""

Role: TypeAlias = Union[
    Literal["scopes"],
    Literal["subject"],
    Literal["actor"],
    Literal["actor_scopes"],
    Literal["delegated"],
    Literal["task"],
]
"""What a part of the effective authority is."""

ScopeUse: TypeAlias = Union[Literal["required"], Literal["narrow"], Literal["ignore"]]
"""What a token's scopes mean."""

Scopes: TypeAlias = Union[str, List[str]]
"""Scope tokens."""

Severity: TypeAlias = Union[Literal["note"], Literal["warning"], Literal["error"]]
"""How bad a finding is."""

SourceCode: TypeAlias = Union[
    Literal["source.unreachable"],
    Literal["source.redirect"],
    Literal["source.timeout"],
    Literal["source.too_large"],
    Literal["source.damaged"],
    Literal["source.check"],
    Literal["source.digest"],
    Literal["source.signature"],
    Literal["source.rollback"],
    Literal["source.listener"],
    Literal["source.options"],
]
"""
Why a source has no new policy.
- `source.unreachable`: nothing was read
- `source.redirect`: another place was named, and none is followed
- `source.timeout`: it took too long in all
- `source.too_large`: there is more than is read
- `source.damaged`: the body is not what its own digest says
- `source.check`: a check did not say yes
- `source.digest`: its digest is not the one that was said
- `source.signature`: none of the keys has signed it
- `source.rollback`: it was issued before the one in use
- `source.listener`: a listener failed, which changes nothing
- `source.options`: the source is not set up as it must be
"""

Step: TypeAlias = Union[
    StepRelation,
    StepTuple,
    StepThrough,
    StepCondition,
    StepMissing,
    StepAnyOf,
    StepAllOf,
    StepExcept,
    StepItself,
    StepCycle,
    StepUnreachable,
    StepOmitted,
]
"""One step of an explanation."""

Take: TypeAlias = Union[Literal["values"], Literal["keys"]]
"""What a claim's values are."""

UnfitValue: TypeAlias = Literal["pass_over"]
"""What a value that fits no id means."""

UnixSeconds: TypeAlias = int
"""
Whole seconds since 1970-01-01T00:00:00Z (the Unix epoch), leap seconds not
counted.

Every function that depends on the time takes it as an argument of this
type, so that a decision can be repeated later with the same answer.
"""

Confirmation: TypeAlias = Union[NamedBinding, Dict[str, Any]]
"""Whom the next token is bound to."""
