//! A look into a token as a policy would read it: for people. It decides
//! nothing, and nothing in it may be relied upon.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::decision::{Denial, Reason};
use crate::policy::Policy;
use crate::request::Setting;
use crate::scope::{Reach, ScopeInWords};
use crate::time::UnixSeconds;
use crate::token::{
    self, Claims, Inspection, SignatureFinding, TokenError, VerifyOptions, check_actors,
};

use super::admit::reaches;
use super::chain::{self, Hop};
use super::inputs::{Inputs, TokenFacts};
use super::parties::Party;

/// What a policy would make of a token if all that it says were true.
///
/// Whether it is true is for [`Policy::admit`] to say: this is also given of a
/// token that is expired, forged or meant for others, so that a person may see
/// what else there is to say about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyInspection {
    /// The token taken apart.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// Whether the signature fits the key of the issuer that it names.
    pub signature: SignatureFinding,
    /// The parties, subject first, current actor last; empty where the policy
    /// cannot tell them.
    pub chain: Vec<Party>,
    /// Why the policy refuses the parties, their hops aside.
    pub refusal: Option<ChainRefusal>,
    /// Every hop that is looked at, with the rule that admits it, or would have.
    pub hops: Vec<Hop>,
    /// What the scopes cover. There is a list for each claim that narrows, and
    /// something is covered only where each list has a scope that covers it;
    /// none where scopes do not narrow.
    pub scopes: Vec<Vec<ScopeInWords>>,
}

/// Why a policy refuses a token's parties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChainRefusal {
    /// The reason.
    pub reason: Reason,
    /// The reason in words.
    pub message: String,
}

impl Policy {
    /// Reads a token as this policy would, believing nothing of it.
    #[must_use]
    pub fn inspect(&self, token: &str, now: UnixSeconds) -> PolicyInspection {
        let inspection = token::inspect(token, Some(now));
        let bare = token::bare(token);
        let options = VerifyOptions::default();
        let issuers = &self.inner.trust.issuers;
        let prepared = issuers.prepare(bare.as_bytes(), now, &options);
        let signature = SignatureFinding::of(match &prepared {
            Ok(prepared) => prepared
                .check_signature()
                .map(|()| (prepared.kid(), prepared.algorithm())),
            Err(error) => Err(error.clone()),
        });
        let (inputs, refusal) = match self.read_unverified(&inspection, now) {
            Ok(inputs) => {
                let issued_at = inputs.token.as_ref().and_then(|token| token.issued_at);
                let checked = chain::check(&self.inner, &inputs.chain, now, issued_at);
                (inputs, checked.err())
            }
            Err(denial) => (Inputs::default(), Some(denial)),
        };
        let reaches = reaches(&self.inner, &inputs, None).unwrap_or_default();
        PolicyInspection {
            inspection,
            signature,
            refusal: refusal.map(ChainRefusal::from),
            hops: self.hops_of(&inputs, &Map::new()),
            scopes: reaches.iter().flat_map(Reach::in_words).collect(),
            chain: inputs.chain,
        }
    }

    fn read_unverified(&self, inspection: &Inspection, now: UnixSeconds) -> Result<Inputs, Denial> {
        let Some(Value::Object(members)) = &inspection.claims else {
            let refused = TokenError::ClaimMissing { claim: "iss" };
            return Err(refused.into());
        };
        let name = members.get("iss").and_then(Value::as_str);
        let (_, issuer) = match name {
            Some(name) => self.inner.trust.issuers.find(name)?,
            None => return Err(TokenError::IssuerMissing.into()),
        };
        let claims = Claims::read(members.clone(), issuer)?;
        check_actors(&claims)?;
        claims.reading.check_whole(&claims)?;
        let setting = Setting::default();
        let mut inputs = Inputs::of_host(None, now, &setting);
        inputs.token = Some(TokenFacts {
            issuer: claims.issuer.clone(),
            kid: String::new(),
            id: claims.id.clone(),
            audience: claims.audience.clone(),
            audience_by: None,
            issued_at: claims.issued_at,
        });
        self.read(issuer, &claims, &setting, &mut inputs)?;
        Ok(inputs)
    }
}

impl From<Denial> for ChainRefusal {
    fn from(denial: Denial) -> Self {
        Self {
            reason: denial.reason,
            message: denial.message,
        }
    }
}
