//! Branches: each part of the authority with what decided it, for people to
//! read. They ask what the decision asked, and decide nothing.

use serde_json::{Map, Value};

use crate::caller::{Hop, Inputs, check_hops, hops, tenant};
use crate::decision::{Branch, Record, Role};
use crate::policy::Policy;
use crate::query::View;
#[cfg(feature = "conditions")]
use crate::request::over;
use crate::snapshot::ActorAuthority;

use super::{Moment, Part};

impl Moment<'_> {
    /// Every part with its grounds.
    pub(super) fn branches(&self, action: &str, resource: &str) -> Vec<Branch> {
        let mut branches = Vec::new();
        if !self.caller.reaches.is_empty() {
            branches.push(Branch {
                role: Role::Scopes,
                principal: String::new(),
                allowed: self.covered(action, resource),
                grounds: None,
            });
        }
        let view = self.view();
        let _call = view.begin_call();
        let hops = match self.caller.hops.wait() {
            false => Ok(self.caller.hops.clone()),
            true => check_hops(self.caller.inner(), &view, &self.caller.inputs.chain),
        };
        let hops = hops.unwrap_or_default();
        for principal in self.derived(&hops) {
            branches.push(Branch {
                role: Role::Delegated,
                principal: principal.to_owned(),
                allowed: true,
                grounds: None,
            });
        }
        for part in self.parts(&hops) {
            branches.push(self.branch(&view, part, action, resource));
        }
        branches
    }

    fn branch(&self, view: &View<'_>, part: Part<'_>, action: &str, resource: &str) -> Branch {
        let Part { role, principal } = part;
        let allowed = self.part_allows(view, part, action, resource) == Ok(true);
        let settled = self.settled(part, action, resource).is_some();
        let by_scopes = settled && self.actor_authority() != ActorAuthority::Grants;
        Branch {
            role: if by_scopes { Role::ActorScopes } else { role },
            principal: principal.to_owned(),
            allowed,
            grounds: (!settled).then(|| view.grounds(principal, action, resource)),
        }
    }
}

impl Policy {
    /// Every hop of a record's chain that is looked at, with what admits it or
    /// would have: for an explanation. It decides nothing.
    #[must_use]
    pub fn hops(&self, record: &Record) -> Vec<Hop> {
        self.hops_of(&record.inputs, &record.context)
    }

    /// The same for the inputs of a caller, and a question's own context.
    pub(crate) fn hops_of(&self, inputs: &Inputs, context: &Map<String, Value>) -> Vec<Hop> {
        let policy = &*self.inner;
        let Some(delegation) = &policy.trust.delegation else {
            return Vec::new();
        };
        let Ok(mut view) = View::new(policy).with_tuples(&inputs.tuples) else {
            return Vec::new();
        };
        if let Ok(Some(tenant)) = tenant(policy, inputs) {
            view = view.with_tenant(&tenant);
        }
        #[cfg(feature = "conditions")]
        {
            let alone = over(&inputs.context, None, &inputs.fixed_context);
            if !alone.is_empty() {
                view = view.with_context(&alone);
            }
            // A hop that a condition keeps waiting is settled by a question's
            // own context.
            let waits =
                || check_hops(policy, &view, &inputs.chain).map_or(true, |hops| hops.wait());
            if !context.is_empty() && waits() {
                let all = over(&inputs.context, Some(context), &inputs.fixed_context);
                view = view.with_context(&all);
            }
        }
        #[cfg(not(feature = "conditions"))]
        let _ = context;
        hops(delegation, &view, &inputs.chain)
    }
}
