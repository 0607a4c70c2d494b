//! Claims: what a token says beside its parties becomes tuples, a task, roles.

use serde_json::Value;

use crate::decision::{Denial, Reason};
use crate::model::identifier;
use crate::policy::fill;
use crate::query::Tuple;
use crate::token::{ClaimMapping, Claims, Issuer};

use super::parties::{Party, quoted};

/// The most contextual tuples that a token's claims may become.
///
/// Identity providers leave groups out of a token beyond 200 or so.
const MAX_CLAIM_TUPLES: usize = 1_000;

/// Whether a mapping says something of the current actor.
pub(crate) fn about_actor(mapping: &ClaimMapping) -> bool {
    let template = &mapping.tuple;
    template.user.contains("{actor}") || template.object.contains("{actor}")
}

/// The contextual tuples that an issuer's `claims` make of a token. A claim
/// that cannot be read denies: what is left out may be what takes away.
pub(crate) fn claim_tuples(
    issuer: &Issuer,
    claims: &Claims,
    chain: &[Party],
) -> Result<Vec<Tuple>, Denial> {
    let subject = chain.first().map(|p| p.principal.as_str());
    let actor = chain.get(1..).and_then(<[_]>::last);
    let actor = actor.map(|p| p.principal.as_str());
    let mut tuples: Vec<Tuple> = Vec::new();
    for mapping in &issuer.claims {
        let refused = || {
            let claim = quoted(&mapping.claim);
            Denial::new(
                Reason::TokenClaim,
                format!(
                    "the claim {claim} must be a name or a list of at most {MAX_CLAIM_TUPLES} names without `:`, `#` and white space"
                ),
            )
        };
        let values: Vec<&str> = match claims.get(&mapping.claim) {
            None => continue,
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(refused)?,
            Some(_) => return Err(refused()),
        };
        let template = &mapping.tuple;
        if about_actor(mapping) && actor.is_none() {
            continue;
        }
        if values.len() + tuples.len() > MAX_CLAIM_TUPLES {
            return Err(refused());
        }
        for text in values {
            if text == "*" || text.contains(['#', ':']) {
                return Err(refused());
            }
            let value = |name: &str| match name {
                "subject" => subject,
                "actor" => actor,
                "value" => Some(text),
                _ => None,
            };
            let (Some(user), Some(object)) =
                (fill(&template.user, value), fill(&template.object, value))
            else {
                return Err(refused());
            };
            if identifier::user(&user).is_err() || identifier::object(&object).is_err() {
                return Err(refused());
            }
            let tuple = Tuple::new(&user, &template.relation, &object);
            if !tuples.contains(&tuple) {
                tuples.push(tuple);
            }
        }
    }
    Ok(tuples)
}

/// A claim names a task by its id, or as `type:id`.
pub(crate) fn task_id(claim: &str) -> String {
    if claim.contains(':') {
        claim.to_owned()
    } else {
        format!("task:{claim}")
    }
}

/// The token's `roles`, for records only: they give nothing.
pub(super) fn roles(claims: &Claims) -> Vec<String> {
    match claims.get("roles") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => {
            let names = list.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
