//! Decide: everything that can change a caller's answer stands here.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::canonical;
use crate::model::identifier;
use crate::path::Path;
use crate::policy::{Inner, Limits, Policy, is_path};
use crate::query::{Grounds, QueryError, View};
use crate::scope::ResourceFacts;
use crate::snapshot::{ActorAuthority, Actors, ResourceRecord};
use crate::time::UnixSeconds;
use crate::token::VerifyOptions;

use super::chain::{self, Hop, check_hops, quoted};
use super::reason::{Denial, Reason};
use super::record::{Inputs, Presented, Record, digest};
use super::{Caller, Refused, Setting, tenant};

/// An answer, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The reason.
    pub reason: Reason,
    /// The reason in words.
    pub message: String,
    /// Each part of the effective authority and what decided it; none where
    /// there was no caller.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Branch>,
    /// The audit record.
    pub record: Record,
}

/// One part of the effective authority.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Branch {
    /// Which part.
    pub role: Role,
    /// Whose it is; empty for scopes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub principal: String,
    /// Whether it allows.
    pub allowed: bool,
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Grounds>,
}

/// What a part of the effective authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What the scopes cover.
    Scopes,
    /// The subject's own authority.
    Subject,
    /// An actor's own authority.
    Actor,
    /// What the scopes of an actor's entry in the snapshot cover.
    ActorScopes,
    /// What a task holds.
    Task,
}

/// Why a question is not allowed, before anybody asked for it in words: most
/// callers want no more than yes or no.
enum Lack<'a> {
    /// What the question itself is refused for.
    Refused(Denial),
    /// No scope covers it.
    Uncovered,
    /// A part of the effective authority does not hold it.
    NoGrant(Role, &'a str),
}

/// A question to a caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// The action: a relation, a permission, or a colon action.
    pub action: &'a str,
    /// The resource: `type:id` or a path.
    pub resource: &'a str,
    /// Values for conditions; they go over the caller's own.
    pub context: Option<&'a Map<String, Value>>,
}

/// A resource's attributes, for scopes that ask for them.
pub(super) struct Facts<'p>(pub(super) Option<&'p ResourceRecord>);

impl ResourceFacts for Facts<'_> {
    fn has(&self, attribute: &str, value: &str) -> bool {
        match self.0.and_then(|r| r.attributes.get(attribute)) {
            Some(Value::String(own)) => own == value,
            Some(Value::Array(list)) => list.iter().any(|own| own.as_str() == Some(value)),
            _ => false,
        }
    }
}

impl Policy {
    /// Verifies a token and decides one question: the same as
    /// [`Policy::verify_in`] and [`Caller::decide`], and never an error.
    #[must_use]
    pub fn decide(
        &self,
        token: &[u8],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
        question: &Question<'_>,
    ) -> Decision {
        match self.attempt(token, now, options, setting) {
            Ok(caller) => caller.decide(question.action, question.resource, question.context),
            Err(refused) => self.refuse(*refused, question),
        }
    }

    /// [`Policy::decide`] for a chain that a host vouches for: the same as
    /// [`Policy::caller`] and [`Caller::decide`], and never an error.
    #[must_use]
    pub fn decide_as(
        &self,
        chain: &[&str],
        now: UnixSeconds,
        setting: &Setting<'_>,
        question: &Question<'_>,
    ) -> Decision {
        match self.stand(Inputs::vouched(chain, now, setting), None, None) {
            Ok(caller) => caller.decide(question.action, question.resource, question.context),
            Err(refused) => self.refuse(*refused, question),
        }
    }

    /// [`Policy::decide`] for a chain that is proved by its tokens: the same as
    /// [`Policy::verify_chain`] and [`Caller::decide`], and never an error. The
    /// record of a chain that is refused names its tokens and no parties.
    #[must_use]
    pub fn decide_chain(
        &self,
        tokens: &[&[u8]],
        now: UnixSeconds,
        options: &VerifyOptions<'_>,
        setting: &Setting<'_>,
        question: &Question<'_>,
    ) -> Decision {
        let denial = match self.verify_chain(tokens, now, options, setting) {
            Ok(caller) => {
                return caller.decide(question.action, question.resource, question.context);
            }
            Err(denial) => denial,
        };
        let presented = tokens.last().map(|last| Presented::of(last, options));
        let mut inputs = Inputs::of_host(presented, now, setting);
        let earlier = tokens.iter().rev().skip(1).rev();
        inputs.earlier = earlier.map(|token| digest(token)).collect();
        self.refuse(Refused { denial, inputs }, question)
    }

    /// Every hop of a record's chain that is looked at, with what admits it or
    /// would have: for an explanation. It decides nothing.
    #[must_use]
    pub fn hops(&self, record: &Record) -> Vec<Hop> {
        self.hops_of(&record.inputs, &record.context)
    }

    /// The same for the inputs of a caller, and a question's own context.
    pub(super) fn hops_of(&self, inputs: &Inputs, context: &Map<String, Value>) -> Vec<Hop> {
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
            // A hop that a condition keeps waiting is settled by a question's
            // own context.
            if !inputs.context.is_empty() {
                view = view.with_context(&inputs.context);
            }
            if !context.is_empty() && check_hops(policy, &view, &inputs.chain).is_err() {
                let mut all = inputs.context.clone();
                all.extend(context.clone());
                view = view.with_context(&all);
            }
        }
        #[cfg(not(feature = "conditions"))]
        let _ = context;
        chain::hops(delegation, &view, &inputs.chain)
    }
}

impl Decision {
    /// The decision as a sorted JSON text without spaces: equal for equal
    /// decisions on every platform and in every language.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        canonical::to_text(self)
    }
}

impl Caller {
    /// Whether the caller may do `action` on `resource` (`type:id` or a path).
    #[must_use]
    pub fn can(&self, action: &str, resource: &str, context: Option<&Map<String, Value>>) -> bool {
        let view = self.view(context);
        self.ask(&view, action, resource).is_ok()
    }

    /// [`Caller::can`] without a context, where `steps` are enough to say it;
    /// `None` where they are not and the policy allows more. It is for a host
    /// that holds something while it asks, and gives it up for a long question.
    #[must_use]
    pub fn can_within(&self, steps: u64, action: &str, resource: &str) -> Option<bool> {
        let own = self.policy.limits();
        let view = self.view(None).with_limits(Limits {
            steps: own.steps.min(steps),
            ..own
        });
        match self.ask(&view, action, resource) {
            Ok(()) => Some(true),
            Err(Lack::Refused(denial))
                if denial.reason == Reason::BudgetExhausted && steps < own.steps =>
            {
                None
            }
            Err(_) => Some(false),
        }
    }

    /// As [`Caller::can`], with the reason.
    ///
    /// # Errors
    /// The first part that does not allow: hops, form, tenant, scopes,
    /// subject, actors, task, in this order.
    pub fn check(
        &self,
        action: &str,
        resource: &str,
        context: Option<&Map<String, Value>>,
    ) -> Result<(), Denial> {
        let view = self.view(context);
        self.check_in(&view, action, resource)
    }

    /// As [`Caller::can`], with what decided and an audit record.
    #[must_use]
    pub fn decide(
        &self,
        action: &str,
        resource: &str,
        context: Option<&Map<String, Value>>,
    ) -> Decision {
        let view = self.view(context);
        let decided = self.check_in(&view, action, resource);
        let (allowed, reason, message) = match decided {
            Ok(()) => (true, Reason::Allowed, Reason::Allowed.meaning().to_owned()),
            Err(denial) => (false, denial.reason, denial.message),
        };
        let mut record = Record::empty(self.inputs.clone(), action, resource);
        record.allowed = allowed;
        record.reason = reason;
        record.tenant = self.tenant().map(str::to_owned);
        record.context = context.cloned().unwrap_or_default();
        Decision {
            allowed,
            reason,
            message,
            branches: self.branches(&view, action, resource),
            record: record.finish(&self.policy),
        }
    }

    /// The policy as this caller sees it. A question's own context goes over
    /// the caller's.
    pub(super) fn view(&self, context: Option<&Map<String, Value>>) -> View<'_> {
        let view = View::within(&self.policy.inner, &self.surroundings);
        #[cfg(feature = "conditions")]
        if let Some(own) = context.filter(|own| !own.is_empty()) {
            let mut all = self.inputs.context.clone();
            all.extend(
                own.iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            return view.with_context(&all);
        }
        let _ = context;
        view
    }

    fn check_in(&self, view: &View<'_>, action: &str, resource: &str) -> Result<(), Denial> {
        self.ask(view, action, resource).map_err(|lack| match lack {
            Lack::Refused(denial) => denial,
            Lack::Uncovered => Denial::new(
                Reason::ScopeInsufficient,
                format!("no scope covers {} on {}", quoted(action), quoted(resource)),
            ),
            Lack::NoGrant(role, principal) => Denial::new(
                lacking(role),
                format!(
                    "{} itself may not do {} on {}",
                    quoted(principal),
                    quoted(action),
                    quoted(resource)
                ),
            ),
        })
    }

    /// The decision. All others ask it, or ask of many what it asks of one.
    fn ask(&self, view: &View<'_>, action: &str, resource: &str) -> Result<(), Lack<'_>> {
        self.check_standing(view)?;
        check_form(view, action, resource)?;
        self.check_resource(resource)?;
        if !self.covered(action, resource) {
            return Err(Lack::Uncovered);
        }
        for (role, principal) in self.parts() {
            let held = match role {
                Role::Actor => self.actor_holds(view, principal, action, resource),
                _ => view.may(principal, action, resource),
            };
            if !held.map_err(Denial::from)? {
                return Err(Lack::NoGrant(role, principal));
            }
        }
        Ok(())
    }

    /// What could not be settled without a question's context.
    pub(super) fn check_standing(&self, view: &View<'_>) -> Result<(), Denial> {
        if self.hops_settled {
            return Ok(());
        }
        check_hops(self.inner(), view, &self.inputs.chain)
    }

    /// The resource must be in the request's tenant, where it is in one.
    pub(super) fn check_resource(&self, resource: &str) -> Result<(), Denial> {
        let (own, directory) = (self.tenant(), &self.inner().directory);
        let mut listed = directory.resource_tenants(resource).peekable();
        let found = match listed.peek() {
            Some(_) => match listed.find(|tenant| Some(*tenant) != own) {
                None => return Ok(()),
                Some(other) => format!("the tenant {}", quoted(other)),
            },
            // Others of its type have tenants, and nobody said that it is
            // everyone's.
            None if directory.has_tenants(resource) => "no tenant, as others of its type".into(),
            None => return Ok(()),
        };
        let request = own.map_or_else(|| "none".to_owned(), quoted);
        let resource = quoted(resource);
        Err(Denial::new(
            Reason::TenantMismatch,
            format!("{resource} is in {found}, the request in {request}"),
        ))
    }

    fn covered(&self, action: &str, resource: &str) -> bool {
        let facts = Facts(self.inner().directory.resource(resource));
        self.reaches
            .iter()
            .all(|reach| reach.covers_where(action, resource, &facts))
    }

    /// Whose authority is needed, in the order in which it is asked for.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Role, &str)> {
        let chain = &self.inputs.chain;
        let every = self
            .inner()
            .trust
            .delegation
            .as_ref()
            .is_some_and(|d| d.actors == Actors::Every);
        let first = match every {
            true => 1,
            false => chain.len().saturating_sub(1).max(1),
        };
        let subject = chain.iter().take(1).map(|p| (Role::Subject, &*p.principal));
        // The current actor first: its denial is what a client can act on.
        let actors = chain.iter().skip(first).rev();
        let actors = actors.map(|p| (Role::Actor, &*p.principal));
        let tasks = self.inputs.tasks.iter().map(|t| (Role::Task, t.as_str()));
        subject.chain(actors).chain(tasks)
    }

    pub(super) fn authority(&self) -> ActorAuthority {
        let delegation = self.inner().trust.delegation.as_ref();
        delegation.map_or_else(ActorAuthority::default, |d| d.actor_authority)
    }

    fn actor_holds(
        &self,
        view: &View<'_>,
        actor: &str,
        action: &str,
        resource: &str,
    ) -> Result<bool, QueryError> {
        match self.authority() {
            ActorAuthority::Grants => view.may(actor, action, resource),
            ActorAuthority::Scopes => Ok(self.actor_covered(actor, action, resource)),
            ActorAuthority::GrantsOrScopes => {
                if self.actor_covered(actor, action, resource) {
                    return Ok(true);
                }
                view.may(actor, action, resource)
            }
        }
    }

    pub(super) fn actor_covered(&self, actor: &str, action: &str, resource: &str) -> bool {
        let policy = self.inner();
        let facts = Facts(policy.directory.resource(resource));
        policy
            .trust
            .actor_scopes
            .get(actor)
            .is_some_and(|reach| reach.covers_where(action, resource, &facts))
    }

    /// Every part with its grounds. It asks what the decision asked, and
    /// decides nothing.
    fn branches(&self, view: &View<'_>, action: &str, resource: &str) -> Vec<Branch> {
        let mut branches = Vec::new();
        if !self.reaches.is_empty() {
            branches.push(Branch {
                role: Role::Scopes,
                principal: String::new(),
                allowed: self.covered(action, resource),
                grounds: None,
            });
        }
        for (role, principal) in self.parts() {
            let principal = principal.to_owned();
            let scopes = role == Role::Actor && self.authority() != ActorAuthority::Grants;
            if scopes {
                let allowed = self.actor_covered(&principal, action, resource);
                if allowed || self.authority() == ActorAuthority::Scopes {
                    branches.push(Branch {
                        role: Role::ActorScopes,
                        principal,
                        allowed,
                        grounds: None,
                    });
                    continue;
                }
            }
            branches.push(Branch {
                role,
                allowed: view.may(&principal, action, resource) == Ok(true),
                grounds: Some(view.grounds(&principal, action, resource)),
                principal,
            });
        }
        branches
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.policy.inner
    }
}

/// Why a part that is not granted denies.
pub(super) fn lacking(role: Role) -> Reason {
    match role {
        Role::Scopes => Reason::ScopeInsufficient,
        Role::Subject => Reason::SubjectNoGrant,
        Role::Actor | Role::ActorScopes => Reason::ActorNoGrant,
        Role::Task => Reason::TaskNoGrant,
    }
}

impl From<Denial> for Lack<'_> {
    fn from(denial: Denial) -> Self {
        Self::Refused(denial)
    }
}

/// A question must be one at all.
pub(super) fn check_form(view: &View<'_>, action: &str, resource: &str) -> Result<(), Denial> {
    if action.is_empty() {
        return Err(Denial::new(Reason::ActionEmpty, "an action is empty"));
    }
    if is_path(resource) {
        return match Path::parse(resource) {
            Ok(_) => Ok(()),
            Err(error) => Err(QueryError::Path(error).into()),
        };
    }
    if view.knows_object(resource) {
        return Ok(());
    }
    identifier::object(resource).map(|_| ()).map_err(|reason| {
        let message = format!("{}: {reason}", quoted(resource));
        Denial::new(Reason::ResourceMalformed, message)
    })
}
