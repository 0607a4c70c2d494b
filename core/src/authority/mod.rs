//! Authority: what a caller may do. Everything that can change its answer
//! stands in this room, and `can`, `check`, `decide`, `filter`, `list` and the
//! explanations ask the same functions of it.
//!
//! What a caller may do is never more than each of these allows:
//!
//! 1. the subject's own authority;
//! 2. the current actor's (every actor's, where the snapshot says so), or where
//!    an admitted hop is enough, that of the party before it;
//! 3. the token's scopes, and the host's;
//! 4. what the task holds, where there is one.

mod branches;
mod filter;
mod list;

pub use self::filter::Sifted;

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::caller::{Caller, Hops, check_hops, quoted};
use crate::decision::{Decision, Denial, Question, Reason, Record, Role};
use crate::model::identifier;
use crate::path::Path;
use crate::policy::{Limits, is_path};
use crate::query::{QueryError, View};
#[cfg(feature = "conditions")]
use crate::request::over;
use crate::scope::ResourceFacts;
use crate::snapshot::{ActorAuthority, Actors, ResourceRecord};
use crate::time::UnixSeconds;

/// A caller at a time: what is asked of it ([`Caller::at`]). There is no other
/// way to ask, so nobody forgets that a caller grows old.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing is asked yet"]
pub struct Moment<'c> {
    pub(crate) caller: &'c Caller,
    pub(crate) now: UnixSeconds,
    context: Option<&'c Map<String, Value>>,
}

/// One part of the effective authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part<'c> {
    role: Role,
    principal: &'c str,
}

/// The policy as a question sees it, once the caller counts at all.
struct Standing<'c> {
    view: View<'c>,
    hops: Hops,
}

/// Why a question is not allowed, before anybody asked for it in words: most
/// callers want no more than yes or no.
enum Lack<'a> {
    /// What the question itself is refused for.
    Refused(Denial),
    /// No scope covers it.
    Uncovered,
    /// A part of the effective authority does not hold it.
    NoGrant(Part<'a>),
}

/// A resource's attributes, for scopes that ask for them.
struct Facts<'p>(Option<&'p ResourceRecord>);

impl ResourceFacts for Facts<'_> {
    fn has(&self, attribute: &str, value: &str) -> bool {
        match self.0.and_then(|r| r.attributes.get(attribute)) {
            Some(Value::String(own)) => own == value,
            Some(Value::Array(list)) => list.iter().any(|own| own.as_str() == Some(value)),
            _ => false,
        }
    }
}

impl<'c> Moment<'c> {
    pub(crate) fn new(caller: &'c Caller, now: UnixSeconds) -> Self {
        Self {
            caller,
            now,
            context: None,
        }
    }

    /// With a question's own values for conditions. They go over the caller's,
    /// but not over what the host fixed.
    pub fn with_context(self, context: &'c Map<String, Value>) -> Self {
        Self {
            context: Some(context),
            ..self
        }
    }

    /// Whether the caller still counts.
    ///
    /// # Errors
    /// `snapshot.stale`, `token.expired`, `principal.expired`, `caller.expired`.
    pub fn check_fresh(&self) -> Result<(), Denial> {
        self.caller.check_fresh(self.now)
    }

    /// Whether the caller may do `action` on `resource` (`type:id` or a path).
    #[must_use]
    pub fn can(&self, action: &str, resource: &str) -> bool {
        self.ask(action, resource, self.view()).is_ok()
    }

    /// [`Moment::can`], where `steps` are enough to say it; `None` where they
    /// are not and the policy allows more. It is for a host that holds something
    /// while it asks, and gives it up for a long question.
    #[must_use]
    pub fn can_within(&self, steps: u64, action: &str, resource: &str) -> Option<bool> {
        let own = self.caller.policy.limits();
        let view = self.view().with_limits(Limits {
            steps: own.steps.min(steps),
            ..own
        });
        match self.ask(action, resource, view) {
            Ok(()) => Some(true),
            Err(Lack::Refused(denial))
                if denial.reason == Reason::BudgetExhausted && steps < own.steps =>
            {
                None
            }
            Err(_) => Some(false),
        }
    }

    /// As [`Moment::can`], with the reason.
    ///
    /// # Errors
    /// The first part that does not allow: age, hops, form, tenant, scopes,
    /// subject, actors, task, in this order.
    pub fn check(&self, action: &str, resource: &str) -> Result<(), Denial> {
        self.ask(action, resource, self.view())
            .map_err(|lack| lack.in_words(action, resource))
    }

    /// As [`Moment::check`], as a part of a call, of which so many steps are left.
    pub(crate) fn check_within(
        &self,
        call: &Cell<u64>,
        action: &str,
        resource: &str,
    ) -> Result<(), Denial> {
        let view = self.view().sharing(call);
        self.ask(action, resource, view)
            .map_err(|lack| lack.in_words(action, resource))
    }

    /// As [`Moment::can`], with what decided and an audit record.
    #[must_use]
    pub fn decide(&self, action: &str, resource: &str) -> Decision {
        let (allowed, reason, message) = match self.check(action, resource) {
            Ok(()) => (true, Reason::Allowed, Reason::Allowed.meaning().to_owned()),
            Err(denial) => (false, denial.reason, denial.message),
        };
        let mut inputs = self.caller.inputs.clone();
        inputs.time = self.now;
        let mut record = Record::empty(inputs, action, resource);
        record.allowed = allowed;
        record.reason = reason;
        record.tenant = self.caller.tenant().map(str::to_owned);
        record.context = self.context.cloned().unwrap_or_default();
        Decision {
            allowed,
            reason,
            message,
            branches: self.branches(action, resource),
            record: record.finish(&self.caller.policy),
        }
    }

    pub(crate) fn decide_question(&self, question: &Question<'c>) -> Decision {
        let asked = Self {
            context: question.context,
            ..*self
        };
        asked.decide(question.action, question.resource)
    }

    /// The decision. All others ask it, or ask of many what it asks of one.
    fn ask(&self, action: &str, resource: &str, view: View<'c>) -> Result<(), Lack<'c>> {
        let standing = self.standing(view)?;
        let view = &standing.view;
        let _call = view.begin_call();
        check_form(view, action, resource)?;
        self.check_resource(resource)?;
        if !self.covered(action, resource) {
            return Err(Lack::Uncovered);
        }
        for part in self.parts(&standing.hops) {
            let held = self.part_allows(view, part, action, resource);
            if !held.map_err(Denial::from)? {
                return Err(Lack::NoGrant(part));
            }
        }
        Ok(())
    }

    /// The policy as this question sees it, before anything is checked.
    fn view(&self) -> View<'c> {
        let view = View::within(self.caller.inner(), &self.caller.surroundings);
        #[cfg(feature = "conditions")]
        if let Some(own) = self.context.filter(|own| !own.is_empty()) {
            let inputs = &self.caller.inputs;
            return view.with_context(&over(&inputs.context, Some(own), &inputs.fixed_context));
        }
        view
    }

    /// Whether the caller counts at all: it is fresh, and each hop is admitted,
    /// those that waited for a question's context among them.
    fn standing(&self, view: View<'c>) -> Result<Standing<'c>, Denial> {
        self.check_fresh()?;
        let hops = match self.caller.hops.wait() {
            false => self.caller.hops.clone(),
            true => check_hops(self.caller.inner(), &view, &self.caller.inputs.chain)?,
        };
        Ok(Standing { view, hops })
    }

    /// That every hop is admitted without anything that a question could add.
    pub(crate) fn check_standing(&self) -> Result<(), Denial> {
        self.standing(self.view()).map(|_| ())
    }

    /// The resource must be in the request's tenant, where it is in one.
    fn check_resource(&self, resource: &str) -> Result<(), Denial> {
        let (own, directory) = (self.caller.tenant(), &self.caller.inner().directory);
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

    /// Whether every set of scopes that the caller is narrowed by covers it.
    fn covered(&self, action: &str, resource: &str) -> bool {
        let facts = Facts(self.caller.inner().directory.resource(resource));
        let mut reaches = self.caller.reaches.iter();
        reaches.all(|reach| reach.covers_where(action, resource, &facts))
    }

    /// Whose authority is needed, in the order in which it is asked for.
    fn parts<'h>(&self, hops: &'h Hops) -> impl Iterator<Item = Part<'c>> + use<'c, 'h> {
        let caller = self.caller;
        let chain = &caller.inputs.chain;
        let delegation = caller.inner().trust.delegation.as_ref();
        let every = delegation.is_some_and(|d| d.actors == Actors::Every);
        // A hop that is enough passes on what the party before it may: that
        // party is asked in its place, and at the last the subject.
        let narrowed = self.narrowed();
        let derives = move |place: usize| narrowed && hops.delegated(place);
        let mut current = chain.len().saturating_sub(1);
        while derives(current) {
            current -= 1;
        }
        let needed = move |place: &usize| match every {
            true => !derives(*place),
            false => *place == current,
        };
        // The current actor first: its denial is what a client can act on.
        let actors = (1..chain.len()).rev().filter(needed);
        let part = |role| move |principal| Part { role, principal };
        let parties = |place: usize| chain.get(place).map(|party| party.principal.as_str());
        let subject = parties(0).map(part(Role::Subject));
        let actors = actors.filter_map(parties).map(part(Role::Actor));
        let tasks = caller.inputs.tasks.iter().map(String::as_str);
        subject
            .into_iter()
            .chain(actors)
            .chain(tasks.map(part(Role::Task)))
    }

    /// The actors whose hop is enough, where they would else be asked.
    fn derived(&self, hops: &Hops) -> impl Iterator<Item = &'c str> {
        let needed: Vec<&str> = self.parts(hops).map(|part| part.principal).collect();
        let chain = self.caller.inputs.chain.iter().enumerate().rev();
        let enough = chain.filter(|(place, _)| self.narrowed() && hops.delegated(*place));
        let enough = enough.map(|(_, party)| party.principal.as_str());
        let derived: Vec<&str> = enough.filter(|name| !needed.contains(name)).collect();
        derived.into_iter()
    }

    /// Whether scopes or a task narrow the caller. Without either a hop alone
    /// would be the person's whole reach, so it is not enough.
    fn narrowed(&self) -> bool {
        !self.caller.reaches.is_empty() || !self.caller.inputs.tasks.is_empty()
    }

    /// What one part of the authority says of one resource. Nothing else says
    /// what a party may do.
    fn part_allows(
        &self,
        view: &View<'_>,
        part: Part<'_>,
        action: &str,
        resource: &str,
    ) -> Result<bool, QueryError> {
        match self.settled(part, action, resource) {
            Some(settled) => Ok(settled),
            None => view.may(part.principal, action, resource),
        }
    }

    /// What a part says before its grants are looked at; `None` where they are
    /// what decides.
    fn settled(&self, part: Part<'_>, action: &str, resource: &str) -> Option<bool> {
        if part.role != Role::Actor {
            return None;
        }
        match self.actor_authority() {
            ActorAuthority::Grants => None,
            ActorAuthority::Scopes => Some(self.actor_covered(part.principal, action, resource)),
            ActorAuthority::GrantsOrScopes => self
                .actor_covered(part.principal, action, resource)
                .then_some(true),
        }
    }

    fn actor_authority(&self) -> ActorAuthority {
        let delegation = self.caller.inner().trust.delegation.as_ref();
        delegation.map_or_else(ActorAuthority::default, |d| d.actor_authority)
    }

    fn actor_covered(&self, actor: &str, action: &str, resource: &str) -> bool {
        let policy = self.caller.inner();
        let facts = Facts(policy.directory.resource(resource));
        policy
            .trust
            .actor_scopes
            .get(actor)
            .is_some_and(|reach| reach.covers_where(action, resource, &facts))
    }
}

impl Lack<'_> {
    fn in_words(self, action: &str, resource: &str) -> Denial {
        match self {
            Lack::Refused(denial) => denial,
            Lack::Uncovered => Denial::new(
                Reason::ScopeInsufficient,
                format!("no scope covers {} on {}", quoted(action), quoted(resource)),
            ),
            Lack::NoGrant(Part { role, principal }) => Denial::new(
                lacking(role),
                format!(
                    "{} itself may not do {} on {}",
                    quoted(principal),
                    quoted(action),
                    quoted(resource)
                ),
            ),
        }
    }
}

/// Why a part that is not granted denies.
fn lacking(role: Role) -> Reason {
    match role {
        Role::Scopes => Reason::ScopeInsufficient,
        Role::Subject => Reason::SubjectNoGrant,
        Role::Actor | Role::ActorScopes | Role::Delegated => Reason::ActorNoGrant,
        Role::Task => Reason::TaskNoGrant,
    }
}

impl From<Denial> for Lack<'_> {
    fn from(denial: Denial) -> Self {
        Self::Refused(denial)
    }
}

/// A question must be one at all.
fn check_form(view: &View<'_>, action: &str, resource: &str) -> Result<(), Denial> {
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
