//! "Did you mean …?"

/// The candidate that `word` was most likely meant to be, if any is near.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let folded = word.to_lowercase();
    // One slip for each three characters, at most three: `usr` may be `user`,
    // not `task`.
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A sentence with the nearest candidate, or else with all of them where they
/// are few.
pub(crate) fn hint<'c>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = candidates
        .into_iter()
        .map(|candidate| format!("`{candidate}`"))
        .collect();
    (1..=12)
        .contains(&all.len())
        .then(|| format!("{what} {}", all.join(", ")))
}

/// A sentence for a shape's error: serde says "unknown field `x`, expected one
/// of `a`, `b`" (for YAML without ticks), and perhaps one of those was meant.
pub(crate) fn member(error: &str) -> Option<String> {
    let (_, rest) = error.split_once("unknown field `")?;
    let (found, rest) = rest.split_once('`')?;
    let (_, known) = rest.split_once("expected ")?;
    let known = known.strip_prefix("one of ").unwrap_or(known);
    let known = known.split([' ', ',', '`']).filter(|name| !name.is_empty());
    nearest(found, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_and_a_stranger_is_not() {
        let names = ["viewer", "editor", "owner"];
        assert_eq!(nearest("veiwer", names), Some("viewer"));
        assert_eq!(nearest("Owner", names), Some("owner"));
        assert_eq!(nearest("auditor", names), Some("editor"));
        assert_eq!(nearest("parent", names), None);
        assert_eq!(nearest("owner", ["owner"]), None);
    }

    #[test]
    fn a_member_is_found_in_the_words_of_serde() {
        let error = "unknown field `tupels`, expected one of `model`, `tuples`";
        assert_eq!(member(error).as_deref(), Some("did you mean `tuples`?"));
        let error = "unknown field `tupels`, expected one of model, tuples";
        assert_eq!(member(error).as_deref(), Some("did you mean `tuples`?"));
        assert_eq!(member("invalid type: map, expected a string"), None);
    }

    #[test]
    fn without_a_near_one_all_are_named() {
        let said = hint("xyz", "the types are", ["user", "doc"]);
        assert_eq!(said.as_deref(), Some("the types are `user`, `doc`"));
        assert_eq!(hint("xyz", "the types are", []), None);
    }
}
