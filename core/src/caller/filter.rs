//! Filter, list and terms: a caller's questions about many resources.

use std::collections::BTreeMap;

use crate::query::{QueryError, View};
use crate::snapshot::ActorAuthority;

use super::Caller;
use super::decide::{Facts, Role, check_form, lacking};
use super::reason::{Denial, Reason};

/// Which of many resources a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sifted {
    /// For each resource, in the order given: allowed or not.
    pub mask: Vec<bool>,
    /// How many were dropped, by the first reason that dropped them.
    pub dropped: BTreeMap<Reason, usize>,
}

impl Sifted {
    /// How many resources are allowed.
    #[must_use]
    pub fn allowed(&self) -> usize {
        self.mask.iter().filter(|allowed| **allowed).count()
    }

    fn drop(&mut self, place: usize, reason: Reason) {
        if let Some(slot) = self.mask.get_mut(place) {
            *slot = false;
            *self.dropped.entry(reason).or_default() += 1;
        }
    }
}

impl Caller {
    /// Which of these resources the caller may do `action` on. A resource that
    /// is malformed or unknown, or whose check errs, is dropped and counted.
    ///
    /// # Errors
    /// What is wrong with the call as a whole: then nothing is allowed.
    pub fn filter<S: AsRef<str>>(&self, action: &str, resources: &[S]) -> Result<Sifted, Denial> {
        let view = self.view(None);
        self.check_standing(&view)?;
        let mut sifted = Sifted {
            mask: vec![true; resources.len()],
            dropped: BTreeMap::new(),
        };
        let asking: Vec<_> = self.reaches.iter().map(|r| r.asking(action)).collect();
        let directory = &self.inner().directory;
        // Each stage asks only about what the one before it left.
        let mut left: Vec<(usize, &str)> = Vec::with_capacity(resources.len());
        for (place, resource) in resources.iter().enumerate() {
            let resource = resource.as_ref();
            let checked =
                check_form(&view, action, resource).and_then(|()| self.check_resource(resource));
            if let Err(denial) = checked {
                sifted.drop(place, denial.reason);
                continue;
            }
            let facts = Facts(directory.resource(resource));
            if asking.iter().all(|a| a.covers_where(resource, &facts)) {
                left.push((place, resource));
            } else {
                sifted.drop(place, Reason::ScopeInsufficient);
            }
        }
        for (role, principal) in self.parts() {
            if left.is_empty() {
                break;
            }
            let answers = self.answers(&view, role, principal, action, &left)?;
            let mut kept = Vec::with_capacity(left.len());
            for ((place, resource), answer) in left.into_iter().zip(answers) {
                match answer {
                    Ok(()) => kept.push((place, resource)),
                    Err(reason) => sifted.drop(place, reason),
                }
            }
            left = kept;
        }
        Ok(sifted)
    }

    /// What one part says of each resource.
    fn answers(
        &self,
        view: &View<'_>,
        role: Role,
        principal: &str,
        action: &str,
        left: &[(usize, &str)],
    ) -> Result<Vec<Result<(), Reason>>, Denial> {
        let by_scopes = role == Role::Actor && self.authority() != ActorAuthority::Grants;
        let covered: Vec<bool> = left
            .iter()
            .map(|(_, r)| by_scopes && self.actor_covered(principal, action, r))
            .collect();
        if by_scopes && self.authority() == ActorAuthority::Scopes {
            let answer = |covered: &bool| covered.then_some(()).ok_or(lacking(role));
            return Ok(covered.iter().map(answer).collect());
        }
        let asked: Vec<&str> = left
            .iter()
            .zip(&covered)
            .filter(|(_, covered)| !**covered)
            .map(|((_, resource), _)| *resource)
            .collect();
        let mut held = view.may_each(principal, action, &asked)?.into_iter();
        let answer = |covered: bool| {
            if covered {
                return Ok(());
            }
            match held.next() {
                Some(Ok(true)) => Ok(()),
                Some(Ok(false)) | None => Err(lacking(role)),
                Some(Err(dropped)) => Err(Reason::of_drop(dropped, lacking(role))),
            }
        };
        Ok(covered.into_iter().map(answer).collect())
    }

    /// The objects of a type that the caller may do `action` on, sorted and
    /// complete.
    ///
    /// # Errors
    /// As [`Caller::filter`]; a list that may lack something is none.
    pub fn list(&self, action: &str, object_type: &str) -> Result<Vec<String>, Denial> {
        let view = self.view(None);
        self.check_standing(&view)?;
        // The subject's objects hold all that the caller may see.
        let listed = view.may_list(self.subject(), action, object_type)?;
        let sifted = self.filter(action, &listed)?;
        let uncertain = sifted.dropped.keys().find(|reason| {
            !matches!(
                reason,
                Reason::SubjectNoGrant
                    | Reason::ActorNoGrant
                    | Reason::TaskNoGrant
                    | Reason::ScopeInsufficient
                    | Reason::TenantMismatch
            )
        });
        if let Some(reason) = uncertain {
            let message = format!("the list cannot be complete: {}", reason.meaning());
            return Err(Denial::new(*reason, message));
        }
        let kept = listed.into_iter().zip(sifted.mask);
        Ok(kept
            .filter(|(_, allowed)| *allowed)
            .map(|(o, _)| o)
            .collect())
    }

    /// Names under which the subject may stand in an access list stored with a
    /// chunk: to search with before filtering. They may let through too much,
    /// never too little.
    ///
    /// # Errors
    /// What is wrong with the call as a whole: then nothing may be searched.
    pub fn terms(&self, action: &str, object_type: &str) -> Result<Vec<String>, Denial> {
        let view = self.view(None);
        self.check_standing(&view)?;
        let terms: Result<Vec<String>, QueryError> =
            view.terms(self.subject(), action, object_type);
        Ok(terms?)
    }
}
