//! The policy as one request sees it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
#[cfg(feature = "conditions")]
use serde_json::{Map, Value};

#[cfg(feature = "conditions")]
use crate::condition::RequestContext;
use crate::policy::{Guard, Inner, Limits, Node, Row, Verdict};

use super::error::QueryError;
use super::overlay::{Overlay, Tuple};

/// The policy as one request sees it: with its contextual tuples, its context
/// for conditions, its tenant and its limits.
#[derive(Debug, Clone)]
pub struct View<'p> {
    pub(super) policy: &'p Inner,
    pub(super) overlay: Cow<'p, Overlay>,
    /// By condition: the request's context, typed once.
    #[cfg(feature = "conditions")]
    context: Cow<'p, [RequestContext]>,
    tenant: Option<Cow<'p, str>>,
    pub(super) limits: Limits,
}

/// What a view knows beside its policy, kept for many requests.
#[cfg(feature = "tokens")]
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    overlay: Overlay,
    #[cfg(feature = "conditions")]
    context: Vec<RequestContext>,
    tenant: Option<String>,
    limits: Limits,
}

#[cfg(feature = "tokens")]
impl Surroundings {
    /// The request's tenant.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

/// One question of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckItem {
    /// `type:id`, `type:*` or `type:id#relation`.
    pub user: String,
    /// The relation's name.
    pub relation: String,
    /// `type:id`.
    pub object: String,
}

impl<'p> View<'p> {
    pub(crate) fn new(policy: &'p Inner) -> Self {
        Self {
            policy,
            overlay: Cow::Owned(Overlay::default()),
            #[cfg(feature = "conditions")]
            context: Cow::Borrowed(&[]),
            tenant: None,
            limits: policy.limits,
        }
    }

    /// The view that these surroundings were taken from.
    #[cfg(feature = "tokens")]
    pub(crate) fn within(policy: &'p Inner, surroundings: &'p Surroundings) -> Self {
        Self {
            policy,
            overlay: Cow::Borrowed(&surroundings.overlay),
            #[cfg(feature = "conditions")]
            context: Cow::Borrowed(&surroundings.context),
            tenant: surroundings.tenant.as_deref().map(Cow::Borrowed),
            limits: surroundings.limits,
        }
    }

    /// What this view knows beside its policy.
    #[cfg(feature = "tokens")]
    pub(crate) fn into_surroundings(self) -> Surroundings {
        Surroundings {
            overlay: self.overlay.into_owned(),
            #[cfg(feature = "conditions")]
            context: self.context.into_owned(),
            tenant: self.tenant.map(Cow::into_owned),
            limits: self.limits,
        }
    }

    /// Adds contextual tuples, in place of any given before. They come from
    /// the host: a caller that could choose them would choose its own rights.
    ///
    /// # Errors
    /// [`QueryError::ContextualTuple`] for the first that cannot stand.
    pub fn with_tuples(mut self, tuples: &[Tuple]) -> Result<Self, QueryError> {
        self.overlay = Cow::Owned(Overlay::build(self.policy, tuples)?);
        Ok(self)
    }

    /// Sets the values that conditions take from the request.
    #[cfg(feature = "conditions")]
    pub fn with_context(mut self, context: &Map<String, Value>) -> Self {
        let conditions = self.policy.guards.conditions.iter();
        self.context = conditions
            .map(|c| c.bind_request_context(context))
            .collect();
        self
    }

    /// Sets the tenant: tuples tagged with another one are invisible, and
    /// without a tenant all tagged ones are.
    pub fn with_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(Cow::Owned(tenant.to_owned()));
        self
    }

    /// Sets the limits, in place of the snapshot's.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The request's tenant.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The policy's tuples of a node, and the request's.
    #[inline]
    pub(super) fn rows(&self, node: Node) -> [Row<'_>; 2] {
        let overlay = if self.overlay.is_empty() {
            Row::default()
        } else {
            self.overlay.row(node)
        };
        [self.policy.graph.row(node), overlay]
    }

    /// Whether no tuple, the policy's or the request's, has a guard.
    pub(super) fn unguarded(&self) -> bool {
        self.policy.graph.unguarded() && self.overlay.unguarded()
    }

    /// Whether a tuple with this guard counts.
    pub(super) fn verdict(&self, number: u32) -> Verdict {
        if number == 0 {
            return Verdict::Pass;
        }
        let Some(guard) = self.overlay.guard_at(self.policy, number) else {
            return Verdict::Error(QueryError::Internal);
        };
        if !self.sees(Some(guard)) {
            return Verdict::Fail;
        }
        match &guard.condition {
            None => Verdict::Pass,
            Some(condition) => self.evaluate(condition),
        }
    }

    /// Whether a tuple with this guard is of the request's tenant, or of none.
    pub(super) fn sees(&self, guard: Option<&Guard>) -> bool {
        guard.is_none_or(|g| g.tenant.is_none() || g.tenant.as_deref() == self.tenant())
    }

    #[cfg(feature = "conditions")]
    fn evaluate(&self, condition: &crate::policy::GuardCondition) -> Verdict {
        let Some(compiled) = self.policy.guards.conditions.get(condition.index as usize) else {
            return Verdict::Error(QueryError::Internal);
        };
        let none = RequestContext::default();
        let request = self.context.get(condition.index as usize).unwrap_or(&none);
        let limit = self.limits.condition_cost;
        match compiled
            .evaluate_bound(&condition.bound, request, limit)
            .map(|outcome| outcome.met)
        {
            Ok(true) => Verdict::Pass,
            Ok(false) => Verdict::Fail,
            Err(error) => Verdict::Error(QueryError::Condition(error)),
        }
    }

    #[cfg(not(feature = "conditions"))]
    fn evaluate(&self, _: &crate::policy::GuardCondition) -> Verdict {
        Verdict::Error(QueryError::Internal)
    }

    /// `type:id#relation`.
    pub(super) fn spell(&self, node: Node) -> String {
        let object = self.overlay.spelling(self.policy, node.object);
        format!("{object}#{}", self.policy.plan.relation_name(node.relation))
    }
}
