//! The policy as one request sees it.

use std::borrow::Cow;
#[cfg(feature = "tokens")]
use std::cell::Cell;
#[cfg(feature = "conditions")]
use std::cell::RefCell;

use serde::{Deserialize, Serialize};
#[cfg(feature = "conditions")]
use serde_json::{Map, Value};

#[cfg(feature = "conditions")]
use crate::condition::{Outcome, RequestContext};
use crate::policy::{Guard, Inner, Limits, Node, Row, Verdict};

#[cfg(feature = "conditions")]
use super::REMEMBER_FROM;
use super::allowance::{Allowance, Call};
use super::error::QueryError;
use super::overlay::{Overlay, Tuple};
#[cfg(feature = "conditions")]
use super::verdicts::Verdicts;

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
    allowance: Allowance<'p>,
    /// What was found of guards that took long.
    #[cfg(feature = "conditions")]
    verdicts: RefCell<Verdicts>,
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
            allowance: Allowance::default(),
            #[cfg(feature = "conditions")]
            verdicts: RefCell::default(),
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
            allowance: Allowance::default(),
            #[cfg(feature = "conditions")]
            verdicts: RefCell::default(),
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
        // It has guards of its own.
        #[cfg(feature = "conditions")]
        self.verdicts.take();
        Ok(self)
    }

    /// Sets the values that conditions take from the request.
    #[cfg(feature = "conditions")]
    pub fn with_context(mut self, context: &Map<String, Value>) -> Self {
        let conditions = self.policy.guards.conditions.iter();
        self.context = conditions
            .map(|c| c.bind_request_context(context))
            .collect();
        self.verdicts.take();
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
        #[cfg(feature = "conditions")]
        self.verdicts.take();
        self
    }

    /// As a part of a call that several views share, of which so many steps are
    /// left.
    #[cfg(feature = "tokens")]
    pub(crate) fn sharing(mut self, call: &'p Cell<u64>) -> Self {
        self.allowance = Allowance::of(call);
        self
    }

    /// Begins a call, or a part of the one that is under way.
    pub(crate) fn begin_call(&self) -> Call<'_, 'p> {
        self.allowance.begin_call(self.limits.of_call())
    }

    /// Begins a question, with all the steps that it may take.
    pub(super) fn begin_question(&self) {
        self.allowance.begin_question(self.limits.steps);
    }

    /// Takes steps from what the question may take.
    #[inline]
    pub(super) fn step(&self, steps: u64) -> Result<(), QueryError> {
        match self.allowance.step(steps) {
            true => Ok(()),
            false => Err(self.exhausted()),
        }
    }

    #[cold]
    fn exhausted(&self) -> QueryError {
        let steps = self.limits.steps;
        match self.allowance.granted() < steps {
            true => QueryError::CallBudget {
                steps: self.limits.of_call(),
            },
            false => QueryError::Budget { steps },
        }
    }

    /// The steps that the question has taken.
    #[inline]
    pub(super) fn spent(&self) -> u64 {
        self.allowance.spent()
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

    /// Whether a tuple with this guard counts. That no step is left to find out
    /// is an error of the question.
    pub(super) fn verdict(&self, number: u32) -> Result<Verdict, QueryError> {
        if number == 0 {
            return Ok(Verdict::Pass);
        }
        let Some(guard) = self.overlay.guard_at(self.policy, number) else {
            return Err(QueryError::Internal);
        };
        if !self.sees(Some(guard)) {
            return Ok(Verdict::Fail);
        }
        match &guard.condition {
            None => Ok(Verdict::Pass),
            Some(condition) => self.evaluate(number, condition),
        }
    }

    /// Whether a tuple with this guard is of the request's tenant, or of none.
    pub(super) fn sees(&self, guard: Option<&Guard>) -> bool {
        guard.is_none_or(|g| g.tenant.is_none() || g.tenant.as_deref() == self.tenant())
    }

    /// Whether a guard's condition is met. Its steps are the question's; where
    /// they are more than a few, the guard is evaluated once.
    #[cfg(feature = "conditions")]
    fn evaluate(
        &self,
        number: u32,
        condition: &crate::policy::GuardCondition,
    ) -> Result<Verdict, QueryError> {
        if let Some(known) = self.verdicts.borrow().get(number) {
            return Ok(known);
        }
        if self.allowance.is_spent() {
            return Err(self.exhausted());
        }
        let Some(compiled) = self.policy.guards.conditions.get(condition.index as usize) else {
            return Err(QueryError::Internal);
        };
        let none = RequestContext::default();
        let request = self.context.get(condition.index as usize).unwrap_or(&none);
        let limit = self.limits.condition_cost;
        let Outcome { met, steps, .. } = compiled.evaluate_bound(&condition.bound, request, limit);
        let verdict = match met {
            Ok(true) => Verdict::Pass,
            Ok(false) => Verdict::Fail,
            Err(error) => Verdict::Error(QueryError::Condition(error)),
        };
        self.step(steps)?;
        if self.spent() > REMEMBER_FROM {
            self.verdicts.borrow_mut().keep(number, &verdict);
        }
        Ok(verdict)
    }

    #[cfg(not(feature = "conditions"))]
    fn evaluate(&self, _: u32, _: &crate::policy::GuardCondition) -> Result<Verdict, QueryError> {
        Err(QueryError::Internal)
    }

    /// `type:id#relation`.
    pub(super) fn spell(&self, node: Node) -> String {
        let object = self.overlay.spelling(self.policy, node.object);
        format!("{object}#{}", self.policy.plan.relation_name(node.relation))
    }
}
