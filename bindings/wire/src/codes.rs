//! The codes of what stands around the engine: guards, retrievers, sources. One
//! table for all languages, of which their types are printed; what must come of
//! which situation is in `tests/vectors/guards.json`, `retrieval.json` and
//! `sources.json`.
//!
//! The engine's own codes are [`deputize::decision::Reason`]; where one of those
//! says it, a guard has none of its own (`snapshot.stale`, `resource.malformed`).

/// One code, and what it means.
pub struct Code {
    /// The code, which is stable.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($(#[doc = $doc:literal])* $table:ident $type:ident $($code:literal $meaning:literal)*) => {
        $(#[doc = $doc])*
        pub const $table: &[Code] = &[$(Code { code: $code, meaning: $meaning },)*];

        #[cfg(feature = "schema")]
        pub(crate) struct $type;

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut said = [$($doc),*].map(str::trim).join(" ");
                for Code { code, meaning } in $table {
                    said += &format!("\n- `{code}`: {meaning}");
                }
                let codes: Vec<_> = $table.iter().map(|one| one.code).collect();
                schemars::json_schema!({ "description": said, "type": "string", "enum": codes })
            }
        }
    };
}

codes! {
    /// Why a guard refuses a call, besides the reasons of decisions.
    GUARD_CODES GuardCode
    "guard.no_caller" "nothing says who asks, or one who cannot be asked here"
    "guard.ambiguous" "two places say who asks, and not the same"
    "guard.no_rule" "no rule says what the call needs"
    "guard.no_resource" "the arguments name no resource"
    "guard.arguments" "the arguments are not the ones that would be used, or are no arguments of it"
    "guard.malformed" "the request is not what it must be"
    "guard.hidden" "it is not shown to this caller, and so not called"
    "guard.not_approved" "a human must approve of it, and has not"
    "guard.proof_used" "the proof of possession was used before"
    "guard.callback" "what is to see each ruling failed, said no, or would have to be waited for"
    "guard.error" "the decision failed: a rule's own function, or what gives the policy"
    "guard.options" "the guard is not set up as it must be"
}

codes! {
    /// Why a retriever drops a chunk or refuses a search, besides the reasons of decisions.
    RETRIEVAL_CODES RetrievalCode
    "resource.missing" "the chunk names no resource"
    "resource.untyped" "the chunk's resource has no type"
    "resource.error" "the chunk's resource could not be read"
    "acl.missing" "the chunk does not say who its readers are"
    "acl.malformed" "what the chunk says of its readers is no name"
    "duplicate" "it is one that was given already"
    "retrieval.nothing_allowed" "the caller may see nothing, so there is nothing to search for"
    "retrieval.prefilter" "this store cannot be told what to search for"
    "retrieval.types" "the resources' types are not said, and a store is to be searched for them"
    "retrieval.options" "the retriever is not set up as it must be"
}

codes! {
    /// Why a source has no new policy.
    SOURCE_CODES SourceCode
    "source.unreachable" "nothing was read"
    "source.redirect" "another place was named, and none is followed"
    "source.timeout" "it took too long in all"
    "source.too_large" "there is more than is read"
    "source.damaged" "the body is not what its own digest says"
    "source.check" "a check did not say yes"
    "source.digest" "its digest is not the one that was said"
    "source.signature" "none of the keys has signed it"
    "source.rollback" "it was issued before the one in use"
    "source.listener" "a listener failed, which changes nothing"
    "source.options" "the source is not set up as it must be"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_stands_once() {
        let mut seen = BTreeSet::new();
        for Code { code, meaning } in [GUARD_CODES, RETRIEVAL_CODES, SOURCE_CODES]
            .into_iter()
            .flatten()
        {
            assert!(seen.insert(*code), "{code}");
            assert!(!meaning.is_empty(), "{code}");
        }
    }
}
