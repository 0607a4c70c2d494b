//! Client credentials (RFC 6749 §4.4) out of a policy: a chain's first token.

use crate::caller::check_principal;
use crate::decision::{Denial, Reason};
use crate::entity::{Credentials, CredentialsRequest, Refusal, client_credentials};
use crate::policy::{InForce, Policy};
use crate::time::UnixSeconds;

impl Policy {
    /// The claims that FusionAuth would issue to an entity or a user that has
    /// been authenticated, from the entity grants of the snapshot.
    ///
    /// # Errors
    /// A [`Refusal`] with its OAuth error code: a stale snapshot, a principal
    /// that is disabled, expired or revoked, and whatever
    /// [`client_credentials`] refuses.
    pub fn client_credentials(
        &self,
        request: &CredentialsRequest<'_>,
        now: UnixSeconds,
    ) -> Result<Credentials, Refusal> {
        self.check_fresh(now)?;
        let principal = request.principal;
        match check_principal(&self.inner, principal, now) {
            Err(denial)
                if matches!(
                    denial.reason,
                    Reason::PrincipalDisabled | Reason::PrincipalExpired
                ) =>
            {
                return Err(denial.into());
            }
            // Whoever is not known is told so below.
            _ => {}
        }
        let revoked = self.inner.trust.issuers.revoked();
        // A revocation that lies ahead refuses what is issued until then.
        revoked
            .check_principal(principal, Some(now))
            .map_err(Denial::from)?;
        let directory = InForce::new(&self.inner.directory, now);
        client_credentials(&directory, &self.inner.trust.scopes, *request)
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Refusal::Denied {
            code: denial.code(),
            message: denial.message,
        }
    }
}
