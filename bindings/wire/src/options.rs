//! What goes with a question: read strictly, with the defaults that hold in
//! every language.

use deputize::{Limits, Policy, Tuple, View, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// What goes with a question about relationships. All of it comes from the
/// host: whoever chooses tuples or a tenant chooses rights.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryOptions {
    /// Relationships that hold for this question alone.
    #[serde(default)]
    contextual_tuples: Vec<Tuple>,
    /// Values for conditions.
    #[serde(default, deserialize_with = "json::object")]
    context: Map<String, Value>,
    /// The tenant; tuples of other tenants are not seen.
    #[serde(default)]
    tenant: Option<String>,
    /// Bounds on the work, each in place of the snapshot's own.
    #[serde(default)]
    limits: QueryLimits,
}

/// Bounds on the work that one question may cost.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryLimits {
    /// Evaluation steps: relations visited and tuples walked.
    #[serde(default)]
    steps: Option<u64>,
    /// Evaluation steps of all questions of a call together, beyond the first
    /// 100 of each.
    #[serde(default)]
    call_steps: Option<u64>,
    /// Hops through usersets and parents.
    #[serde(default)]
    depth: Option<u32>,
    /// The cost of evaluating one condition, as CEL counts it.
    #[serde(default)]
    condition_cost: Option<u64>,
}

impl QueryOptions {
    /// The policy as a question with these options sees it.
    pub(crate) fn view<'p>(&self, policy: &'p Policy) -> Result<View<'p>, Error> {
        let mut view = policy.view();
        if !self.contextual_tuples.is_empty() {
            view = view.with_tuples(&self.contextual_tuples)?;
        }
        #[cfg(feature = "conditions")]
        if !self.context.is_empty() {
            view = view.with_context(&self.context);
        }
        #[cfg(not(feature = "conditions"))]
        let _ = &self.context;
        if let Some(tenant) = &self.tenant {
            view = view.with_tenant(tenant);
        }
        let (own, asked) = (policy.limits(), self.limits);
        Ok(view.with_limits(Limits {
            steps: asked.steps.unwrap_or(own.steps),
            call_steps: asked.call_steps.unwrap_or(own.call_steps),
            depth: asked.depth.or(own.depth),
            condition_cost: asked.condition_cost.or(own.condition_cost),
        }))
    }
}

/// Reads options; nothing at all is the defaults.
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Error> {
    match text.trim_start().as_bytes().first() {
        None => read_as("call.options", "{}"),
        Some(b'{') => read_as("call.options", text),
        // Serde would take a list for the members in their order.
        Some(_) => Err(Error::misuse("call.options", "expected an object")),
    }
}

/// Reads an argument.
pub(crate) fn read_as<'t, T: Deserialize<'t>>(
    code: &'static str,
    text: &'t str,
) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| {
        Error::misuse(code, json::said(&error)).at(deputize::pointer::of_error(text, &error))
    })
}

/// Writes an answer: canonical JSON, so that equal answers are equal bytes.
pub(crate) fn write<T: Serialize + ?Sized>(answer: &T) -> String {
    deputize::canonical::to_text(answer)
}
