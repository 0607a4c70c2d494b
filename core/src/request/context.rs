//! Which value counts where a condition could take it from several places.

use serde_json::{Map, Value};

/// The values of a question: what the host fixed goes over the question's own,
/// and that over what else the host said. (A tuple's own values go over all of
/// these; that is for conditions to see to.)
pub(crate) fn over(
    host: &Map<String, Value>,
    question: Option<&Map<String, Value>>,
    fixed: &Map<String, Value>,
) -> Map<String, Value> {
    let mut all = host.clone();
    for stronger in question.into_iter().chain([fixed]) {
        let members = stronger.iter();
        all.extend(members.map(|(name, value)| (name.clone(), value.clone())));
    }
    all
}
