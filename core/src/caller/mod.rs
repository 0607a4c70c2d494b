//! Callers: who asks, admitted and bound to a policy. A caller is as old as the
//! request that it was made from, and says until when it may count.
//!
//! A request is admitted in this order, and the first step that fails is the
//! [`Denial`]:
//!
//! 1. the policy is in force (`admit.rs`);
//! 2. the token stands up to its own checks (`token/verify.rs`), or each of
//!    several does and follows from the one before it (`lineage.rs`);
//! 3. issuer and subject of each party become a principal (`parties.rs`);
//! 4. claims become tuples, a task, a tenant (`claims.rs`);
//! 5. the chain is one that may be: depth, roots, nobody twice, nobody disabled
//!    or revoked (`chain.rs`);
//! 6. the task is one, and no party of the chain;
//! 7. the scopes can be read;
//! 8. all parties are of one tenant (`tenant.rs`);
//! 9. every hop that is looked at is admitted (`chain.rs`).
//!
//! What the caller may then do is `authority`'s to say. `inspect.rs` reads a
//! token as the policy would, for people to look at, and believes nothing.

mod admit;
mod chain;
mod claims;
mod inputs;
mod inspect;
mod lineage;
mod parties;
mod tenant;

pub(crate) use self::admit::Refused;
pub use self::chain::{Hop, HopGrounds};
pub(crate) use self::chain::{Hops, check_hops, check_principal, hops};
pub(crate) use self::claims::{claim_tuples, task_id};
pub use self::inputs::{Inputs, Presented, TokenFacts};
pub use self::inspect::{ChainRefusal, PolicyInspection};
pub use self::parties::Party;
pub(crate) use self::parties::{Named, check_may_act, named, quoted, type_of};
pub(crate) use self::tenant::tenant;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::authority::Moment;
use crate::decision::Denial;
use crate::policy::{Inner, Policy};
use crate::query::{Surroundings, Tuple};
use crate::scope::Reach;
use crate::time::UnixSeconds;
use crate::token::{DpopUse, Verified};

/// Who asks, admitted and bound to a policy. Ask it many questions: each takes
/// the time, since a caller that is kept grows old.
///
/// ```
/// # use deputize::{Policy, Request, UnixSeconds};
/// # let policy = Policy::from_json(br#"{"deputize": 1, "not_after": 200,
/// #   "model": "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]",
/// #   "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}]}"#)?;
/// let caller = policy.admit(&Request::at(UnixSeconds(100)).on_behalf_of(&["user:anne"]))?;
/// assert!(caller.at(UnixSeconds(200)).can("reader", "document:1"));
/// assert_eq!(caller.fresh_until(), Some(UnixSeconds(201)));
/// assert!(!caller.at(UnixSeconds(201)).can("reader", "document:1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) policy: Policy,
    pub(crate) inputs: Inputs,
    /// Each must cover what is asked.
    pub(crate) reaches: Vec<Reach>,
    pub(crate) surroundings: Surroundings,
    pub(crate) hops: Hops,
    /// The token, where the caller was made from one.
    pub(crate) verified: Option<Arc<Verified>>,
    /// The first second at which the host no longer keeps it.
    kept_until: Option<UnixSeconds>,
    fresh_until: Option<UnixSeconds>,
}

impl Caller {
    /// The caller at a time: what is asked of it. Nothing is allowed once it is
    /// no longer fresh. A time before the request's is taken for the request's.
    pub fn at(&self, now: UnixSeconds) -> Moment<'_> {
        Moment::new(self, now.max(self.inputs.time))
    }

    /// The first second at which the caller no longer counts: its token, the
    /// policy, or one of its parties has come to its end. `None` where none of
    /// them has one.
    #[must_use]
    pub fn fresh_until(&self) -> Option<UnixSeconds> {
        self.fresh_until
    }

    /// The policy that the caller is bound to.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The parties, subject first, current actor last.
    #[must_use]
    pub fn chain(&self) -> &[Party] {
        &self.inputs.chain
    }

    /// On whose behalf the caller acts.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.inputs.chain.first().map_or("", |p| &p.principal)
    }

    /// Who acts: the subject itself, where nobody acts for it.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.inputs.chain.last().map_or("", |p| &p.principal)
    }

    /// The token's scopes, as the claims that carried them; `None` where there
    /// are none or where they are not looked at.
    #[must_use]
    pub fn scopes(&self) -> Option<&Map<String, Value>> {
        self.inputs.scopes.as_ref()
    }

    /// The DPoP proof that came with the token, which the host should accept
    /// only once.
    #[must_use]
    pub fn dpop(&self) -> Option<&DpopUse> {
        self.verified.as_ref()?.dpop.as_ref()
    }

    /// The request's tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.surroundings.tenant()
    }

    /// All that the caller was made from.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The same caller with contextual tuples next to those that it has: what
    /// chunks say of their own readers, say. They come from the host: a caller
    /// that could choose them would choose its own rights.
    ///
    /// # Errors
    /// A tuple that cannot stand, and whatever refuses the caller with them.
    pub fn with_tuples(&self, tuples: &[Tuple]) -> Result<Caller, Denial> {
        let mut inputs = self.inputs.clone();
        let new = tuples.iter().filter(|t| !self.inputs.tuples.contains(t));
        inputs.tuples.extend(new.cloned());
        let again = self
            .policy
            .stand(inputs, None, self.verified.clone())
            .map_err(|refused| refused.denial)?;
        Ok(again.kept(self.kept_until))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.policy.inner
    }
}
