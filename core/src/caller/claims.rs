//! Claims: what a token says beside its parties becomes tuples, a task, roles.

use serde_json::Value;

use crate::query::Tuple;
use crate::reading::{Reading, Said};
use crate::token::{Claims, TokenError};

use super::parties::Party;

/// The most contextual tuples that all claims of a token may become.
const MAX_CLAIM_TUPLES: usize = 1_000;

/// The contextual tuples that an issuer's `claims` make of a token. A claim
/// that cannot be read denies: what is left out may be what takes away.
pub(crate) fn claim_tuples(
    reading: &Reading,
    claims: &Claims,
    chain: &[Party],
) -> Result<Vec<Tuple>, TokenError> {
    let said = Said {
        subject: chain.first().map_or("", |p| &p.principal),
        actor: chain
            .get(1..)
            .and_then(<[_]>::last)
            .map(|p| p.principal.as_str()),
    };
    let mut tuples: Vec<Tuple> = Vec::new();
    for mapping in &reading.mappings {
        mapping.each(claims, said, |user, object| {
            let tuple = Tuple::new(&user, &mapping.relation, &object);
            if !tuples.contains(&tuple) {
                tuples.push(tuple);
            }
        })?;
        if tuples.len() > MAX_CLAIM_TUPLES {
            return Err(TokenError::Claim {
                claim: mapping.claim.as_str().to_owned(),
                expected: "less: all claims together may become 1000 tuples",
            });
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
