//! Reasons: every code that a decision can carry, in one table.

use std::fmt;

use crate::action::ActionError;
#[cfg(feature = "conditions")]
use crate::condition::{ConditionError, ConditionErrorKind};
use crate::path::PathError;
use crate::query::{DropReason, QueryError};
use crate::scope::ScopeError;
use crate::token::TokenError;

macro_rules! reasons {
    ($($name:ident $code:literal $said:literal)*) => {
        /// Why a decision came out as it did. The codes are stable, and the
        /// same in every language.
        ///
        /// | code | meaning |
        /// |---|---|
        $(#[doc = concat!("| `", $code, "` | ", $said, " |")])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!("`", $code, "`: ", $said)] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Reason::$name => $said,)* }
            }

            /// The reason with this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Reason> {
                match code { $($code => Some(Reason::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    Allowed "allowed" "every part of the effective authority allows"
    SnapshotStale "snapshot.stale" "the snapshot's `not_after` has passed"
    TokenTooLarge "token.too_large" "the token is longer than any that is read"
    TokenMalformed "token.malformed" "it is not a signed JWT in compact form"
    TokenDuplicateMember "token.duplicate_member" "a JSON object in the token names a member twice"
    TokenTooDeep "token.too_deep" "the token's JSON nests too deeply"
    TokenHeader "token.header" "a header member is not what it must be"
    TokenCritical "token.critical" "the header asks for an extension that is not supported"
    TokenAlgorithm "token.algorithm" "the algorithm is not one of the issuer's"
    IssuerMissing "issuer.missing" "the token has no `iss`"
    IssuerUnknown "issuer.unknown" "no issuer of that exact name is trusted"
    TokenType "token.type" "the header's `typ` is not one of the issuer's"
    KeyUnknown "key.unknown" "the issuer has no key of that `kid`"
    KeyUnfit "key.unfit" "the key is not for this algorithm or not for signatures"
    TokenSignature "token.signature" "the signature does not fit the key"
    TokenClaim "token.claim" "a claim is not what it must be"
    TokenClaimMissing "token.claim_missing" "a claim that every token must have is missing"
    TokenClaimAbsent "token.claim_absent" "a claim is missing without which the token would say less than it should"
    TokenClaimElsewhere "token.claim_elsewhere" "the token says that a claim's value is to be had elsewhere"
    TokenReading "token.reading" "the token fits none of its issuer's readings"
    TokenReadingAmbiguous "token.reading_ambiguous" "the token fits two of its issuer's readings"
    TokenRequirement "token.requirement" "the token does not say what its issuer's must say"
    ChainClientMissing "chain.client_missing" "the token does not name its client, which is who acts"
    ChainClientMismatch "chain.client_mismatch" "the token's client is not the current actor"
    ChainNotExpected "chain.not_expected" "the token has `act`, and the issuer's `chain` does not say how it is to be read"
    TokenExpired "token.expired" "`exp` has been reached"
    TokenNotYetValid "token.not_yet_valid" "`nbf` or `iat` lies in the future"
    TokenLifetime "token.lifetime" "the token lives longer than the issuer's may"
    AudienceMissing "audience.missing" "the token names no audience"
    AudienceMismatch "audience.mismatch" "the token is meant for someone else"
    ProofUnsupported "proof.unsupported" "the token is bound in a way that cannot be checked"
    ProofMissing "proof.missing" "the token is bound to its holder, and no proof came with it"
    ProofInvalid "proof.invalid" "the proof of possession does not hold"
    ProofMismatch "proof.mismatch" "the proof is of another key"
    RevokedKey "revoked.key" "the key was revoked"
    RevokedToken "revoked.token" "the token was revoked"
    RevokedPrincipal "revoked.principal" "a party's tokens of that time were revoked"
    ScopeGrammar "scope.grammar" "the scopes are not a list of scope tokens"
    ScopeShape "scope.shape" "a claim that carries scopes has another shape"
    ScopeUnknownMember "scope.unknown_member" "a scope claim holds a member that nobody understands"
    ScopeUnknownDetailType "scope.unknown_detail_type" "an authorization detail of a type that is not declared"
    ScopeTooLong "scope.too_long" "a scope claim is longer than is read"
    ScopeResource "scope.resource" "a rule in the token names neither a path nor an object"
    ActionEmpty "action.empty" "an action is empty"
    ActionEmptySegment "action.empty_segment" "an action has an empty segment"
    ActionPartialWildcard "action.partial_wildcard" "an action has a `*` inside a word"
    ActionCharacter "action.character" "an action holds a character that may not occur"
    ActionTooLong "action.too_long" "an action is longer than is read"
    PathEmpty "path.empty" "a path is empty"
    PathEmptySegment "path.empty_segment" "a path has an empty segment"
    PathDotSegment "path.dot_segment" "a path has a `.` or `..` segment"
    PathCharacter "path.character" "a path holds a character that may not occur"
    PathEncoding "path.encoding" "a path has an encoding that hides a separator"
    PathTooLong "path.too_long" "a path is longer than is read"
    IdentityMissing "identity.missing" "the token has no `sub`, so it speaks of nobody"
    IdentityUnknown "identity.unknown" "no principal is known by this issuer and subject"
    IdentityForeign "identity.foreign" "the token names a subject of another issuer"
    PrincipalMalformed "principal.malformed" "a party is not `type:id`"
    PrincipalUnknown "principal.unknown" "a party is an entity that is not in the snapshot"
    PrincipalDisabled "principal.disabled" "a party is disabled"
    PrincipalExpired "principal.expired" "a party's `not_after` has passed"
    CallerExpired "caller.expired" "the caller was kept for longer than one without a token may be"
    ChainEmpty "chain.empty" "the chain names nobody"
    ChainIncomplete "chain.incomplete" "the token says that its chain is cut short"
    ChainNoDelegation "chain.no_delegation" "the snapshot has no `delegation`, so nobody acts for another"
    ChainDepth "chain.depth" "the chain has more actors than `max_depth`"
    ChainCycle "chain.cycle" "a principal occurs twice in the chain"
    ChainRootType "chain.root_type" "the chain's subject is of a type that may not be one"
    ChainMayAct "chain.may_act" "the token's `may_act` names another actor"
    ChainHopNotPermitted "chain.hop_not_permitted" "no rule admits a hop of the chain"
    ChainTokenMismatch "chain.token_mismatch" "a token does not hand on the chain of the one before it by one hop"
    ChainTokenWidens "chain.token_widens" "a token gives more than the one before it gave"
    ExchangeActor "exchange.actor" "the actor token is itself of one who acts for another"
    ExchangeClaim "exchange.claim" "a claim that must go on cannot stand in the next token"
    ExchangeConfirmation "exchange.confirmation" "the token is bound to its holder, and nobody says what the next one is bound to"
    ExchangeLifetime "exchange.lifetime" "a lifetime of nothing is asked for"
    ExchangeNoToken "exchange.no_token" "the caller was not made from a token"
    ExchangeScope "exchange.scope" "a scope is asked for beyond what is held"
    ExchangeTarget "exchange.target" "an audience or a resource is asked for beyond what is held"
    TenantMismatch "tenant.mismatch" "a party or the resource is not of the request's tenant"
    TenantNeeded "tenant.needed" "the parties are of several tenants, and the request names none"
    ScopeInsufficient "scope.insufficient" "the scopes do not cover the action on the resource"
    SubjectNoGrant "subject.no_grant" "the subject itself may not do it"
    ActorNoGrant "actor.no_grant" "an actor itself may not do it"
    TaskNoGrant "task.no_grant" "the task does not hold it"
    ResourceMalformed "resource.malformed" "the resource is neither `type:id` nor a path"
    RequestInvalidUser "request.invalid_user" "a user is not well-formed"
    RequestInvalidObject "request.invalid_object" "an object is not well-formed"
    RequestUnknownType "request.unknown_type" "the model does not define the type"
    RequestUnknownRelation "request.unknown_relation" "the type has no such relation"
    RequestContextualTuple "request.contextual_tuple" "a contextual tuple cannot stand"
    ConditionFailed "condition.failed" "a condition has no answer (counted when filtering)"
    ConditionCompile "condition.compile" "a condition does not compile"
    ConditionNotBool "condition.not_bool" "a condition is no question"
    ConditionParameter "condition.parameter" "a condition's parameter cannot be used"
    ConditionUnknownParameter "condition.unknown_parameter" "a context names a parameter that the condition has not"
    ConditionIllTyped "condition.ill_typed" "a value of the context is of another type"
    ConditionMissingContext "condition.missing_context" "a condition needs a value that the request lacks"
    ConditionEvaluation "condition.evaluation" "a condition failed"
    ConditionCostExceeded "condition.cost_exceeded" "a condition cost more than allowed"
    BudgetExhausted "budget.exhausted" "the question took more steps than allowed"
    BudgetCall "budget.call" "the call's questions took more steps than allowed together"
    BudgetDepth "budget.depth" "the question went through more hops than allowed"
    Internal "internal" "an error of our own"
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("`{code}` is no reason known here"));
        Reason::from_code(&code).ok_or_else(unknown)
    }
}

impl Reason {
    /// Why filtering dropped a resource, `lacking` where it was not granted.
    pub(crate) fn of_drop(dropped: DropReason, lacking: Reason) -> Reason {
        match dropped {
            DropReason::NotAllowed => lacking,
            DropReason::Malformed => Reason::ResourceMalformed,
            DropReason::UnknownRelation => Reason::RequestUnknownRelation,
            DropReason::Condition => Reason::ConditionFailed,
            DropReason::Budget => Reason::BudgetExhausted,
            DropReason::CallBudget => Reason::BudgetCall,
            DropReason::Internal => Reason::Internal,
        }
    }
}

// None of these has a wildcard: whoever adds an error says its reason here.

impl From<&TokenError> for Reason {
    fn from(error: &TokenError) -> Self {
        match error {
            TokenError::TooLarge { .. } => Self::TokenTooLarge,
            TokenError::Malformed(_) => Self::TokenMalformed,
            TokenError::DuplicateMember { .. } => Self::TokenDuplicateMember,
            TokenError::TooDeep { .. } => Self::TokenTooDeep,
            TokenError::Header { .. } => Self::TokenHeader,
            TokenError::Critical { .. } => Self::TokenCritical,
            TokenError::Algorithm { .. } => Self::TokenAlgorithm,
            TokenError::IssuerMissing => Self::IssuerMissing,
            TokenError::IssuerUnknown { .. } => Self::IssuerUnknown,
            TokenError::Type { .. } => Self::TokenType,
            TokenError::KeyUnknown { .. } => Self::KeyUnknown,
            TokenError::KeyUnfit { .. } => Self::KeyUnfit,
            TokenError::Signature => Self::TokenSignature,
            TokenError::Claim { .. } => Self::TokenClaim,
            TokenError::ClaimMissing { .. } => Self::TokenClaimMissing,
            TokenError::ClaimAbsent { .. } => Self::TokenClaimAbsent,
            TokenError::ClaimElsewhere { .. } => Self::TokenClaimElsewhere,
            TokenError::ClaimValue { .. } => Self::TokenClaim,
            TokenError::Reading => Self::TokenReading,
            TokenError::ReadingAmbiguous { .. } => Self::TokenReadingAmbiguous,
            TokenError::Requirement { .. } => Self::TokenRequirement,
            TokenError::ChainClientMissing => Self::ChainClientMissing,
            TokenError::ChainClientMismatch => Self::ChainClientMismatch,
            TokenError::ChainNotExpected => Self::ChainNotExpected,
            TokenError::Expired { .. } => Self::TokenExpired,
            TokenError::NotYetValid { .. } => Self::TokenNotYetValid,
            TokenError::Lifetime { .. } => Self::TokenLifetime,
            TokenError::AudienceMissing => Self::AudienceMissing,
            TokenError::AudienceMismatch { .. } => Self::AudienceMismatch,
            TokenError::ProofUnsupported { .. } => Self::ProofUnsupported,
            TokenError::ProofMissing { .. } => Self::ProofMissing,
            TokenError::ProofInvalid(_) => Self::ProofInvalid,
            TokenError::ProofMismatch { .. } => Self::ProofMismatch,
            TokenError::RevokedKey { .. } => Self::RevokedKey,
            TokenError::RevokedToken { .. } => Self::RevokedToken,
            TokenError::RevokedPrincipal { .. } => Self::RevokedPrincipal,
        }
    }
}

impl From<&ScopeError> for Reason {
    fn from(error: &ScopeError) -> Self {
        match error {
            ScopeError::Grammar { .. } => Self::ScopeGrammar,
            ScopeError::Shape { .. } => Self::ScopeShape,
            ScopeError::UnknownMember { .. } => Self::ScopeUnknownMember,
            ScopeError::UnknownDetailType { .. } => Self::ScopeUnknownDetailType,
            ScopeError::TooLong { .. } => Self::ScopeTooLong,
            ScopeError::Action(error) => error.into(),
            ScopeError::Path(error) => error.into(),
            ScopeError::Resource { .. } => Self::ScopeResource,
        }
    }
}

impl From<&ActionError> for Reason {
    fn from(error: &ActionError) -> Self {
        match error {
            ActionError::Empty => Self::ActionEmpty,
            ActionError::EmptySegment { .. } => Self::ActionEmptySegment,
            ActionError::PartialWildcard { .. } => Self::ActionPartialWildcard,
            ActionError::Character { .. } => Self::ActionCharacter,
            ActionError::TooLong { .. } => Self::ActionTooLong,
        }
    }
}

impl From<&PathError> for Reason {
    fn from(error: &PathError) -> Self {
        match error {
            PathError::Empty => Self::PathEmpty,
            PathError::EmptySegment { .. } => Self::PathEmptySegment,
            PathError::DotSegment { .. } => Self::PathDotSegment,
            PathError::Character { .. } => Self::PathCharacter,
            PathError::Encoding { .. } => Self::PathEncoding,
            PathError::TooLong { .. } => Self::PathTooLong,
        }
    }
}

impl From<&QueryError> for Reason {
    fn from(error: &QueryError) -> Self {
        match error {
            QueryError::InvalidUser { .. } => Self::RequestInvalidUser,
            QueryError::InvalidObject { .. } => Self::RequestInvalidObject,
            QueryError::Path(error) => error.into(),
            QueryError::UnknownType { .. } => Self::RequestUnknownType,
            QueryError::UnknownRelation { .. } => Self::RequestUnknownRelation,
            QueryError::ContextualTuple { .. } => Self::RequestContextualTuple,
            #[cfg(feature = "conditions")]
            QueryError::Condition(error) => error.into(),
            QueryError::Budget { .. } => Self::BudgetExhausted,
            QueryError::CallBudget { .. } => Self::BudgetCall,
            QueryError::Depth { .. } => Self::BudgetDepth,
            QueryError::Internal => Self::Internal,
        }
    }
}

#[cfg(feature = "conditions")]
impl From<&ConditionError> for Reason {
    fn from(error: &ConditionError) -> Self {
        match error.kind {
            ConditionErrorKind::Compile { .. } => Self::ConditionCompile,
            ConditionErrorKind::NotBool { .. } => Self::ConditionNotBool,
            ConditionErrorKind::Parameter { .. } => Self::ConditionParameter,
            ConditionErrorKind::UnknownParameter { .. } => Self::ConditionUnknownParameter,
            ConditionErrorKind::IllTyped { .. } => Self::ConditionIllTyped,
            ConditionErrorKind::MissingContext { .. } => Self::ConditionMissingContext,
            ConditionErrorKind::Evaluation { .. } => Self::ConditionEvaluation,
            ConditionErrorKind::CostExceeded { .. } => Self::ConditionCostExceeded,
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Reason {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        schemars::json_schema!({
            "description": "Why a decision came out as it did: a stable code.",
            "type": "string",
            "enum": codes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_lead_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert!(!reason.meaning().is_empty());
        }
        assert_eq!(Reason::from_code("nope"), None);
    }
}
