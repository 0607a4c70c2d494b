//! List and terms: what a caller may see, without naming it first.

use crate::decision::{Denial, Reason};
use crate::query::QueryError;

use super::Moment;

impl Moment<'_> {
    /// The objects of a type that the caller may do `action` on, sorted and
    /// complete.
    ///
    /// # Errors
    /// As [`Moment::filter`]; a list that may lack something is none.
    pub fn list(&self, action: &str, object_type: &str) -> Result<Vec<String>, Denial> {
        let standing = self.standing(self.view())?;
        let view = &standing.view;
        let _call = view.begin_call();
        // The subject's objects hold all that the caller may see.
        let listed = view.may_list(self.caller.subject(), action, object_type)?;
        let verdicts = self.filter_standing(&standing, action, &listed)?;
        let uncertain = verdicts.iter().flatten().filter(|reason| {
            !matches!(
                reason,
                Reason::SubjectNoGrant
                    | Reason::ActorNoGrant
                    | Reason::TaskNoGrant
                    | Reason::ScopeInsufficient
                    | Reason::TenantMismatch
            )
        });
        let uncertain = uncertain.min();
        if let Some(reason) = uncertain {
            let message = format!("the list cannot be complete: {}", reason.meaning());
            return Err(Denial::new(*reason, message));
        }
        let kept = listed.into_iter().zip(verdicts);
        Ok(kept
            .filter(|(_, dropped)| dropped.is_none())
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
        let view = self.standing(self.view())?.view;
        let terms: Result<Vec<String>, QueryError> =
            view.terms(self.caller.subject(), action, object_type);
        Ok(terms?)
    }
}
