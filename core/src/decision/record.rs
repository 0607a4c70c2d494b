//! Records: a decision written down so that it can be looked at again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::caller::{Inputs, type_of};
use crate::canonical;
use crate::policy::{Policy, entity_id};
use crate::request::Request;
use crate::scope::ScopeSet;

use super::Question;
use super::reason::Reason;

/// An audit record: FusionAuth's fields, and what it takes to decide again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "AuditRecord"))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Record {
    /// SHA-256 over everything else in the record, in hexadecimal.
    pub id: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// What kind of agent acted: the principal's attribute `agentType`, or the
    /// entity's in its `data`, else the type in its name.
    pub agent_type: String,
    /// The action asked for.
    pub action: String,
    /// Who acted.
    pub actor: String,
    /// The party before the actor, where there is one.
    pub delegated_by: Option<String>,
    /// The subject, where another acted for it.
    pub acting_on_behalf_of: Option<String>,
    /// The token's `roles`.
    pub roles: Vec<String>,
    /// The token's scopes as one text.
    pub scope: String,
    /// The resource asked about.
    pub resource: String,
    /// The principals, subject first, current actor last.
    pub chain: Vec<String>,
    /// The tenant that the request was taken to be of.
    pub tenant: Option<String>,
    /// The snapshot's revision.
    pub revision: String,
    /// SHA-256 of the compiled policy, in hexadecimal.
    pub digest: String,
    /// The question's own values for conditions.
    #[serde(deserialize_with = "crate::json::object")]
    pub context: Map<String, Value>,
    /// What the caller was made from.
    pub inputs: Inputs,
}

impl Record {
    /// The request that the record is of. Its word is taken for all that the
    /// token proved, so a record must come from where the host keeps them;
    /// whatever was revoked or removed since is looked at again.
    pub fn request(&self) -> Request<'_> {
        Request::recorded(&self.inputs)
    }

    /// The question that the record is of.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        Question {
            action: &self.action,
            resource: &self.resource,
            context: Some(&self.context),
        }
    }

    /// The record's fields as a sorted JSON text without spaces: equal for
    /// equal records on every platform.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        canonical::to_text(self)
    }

    /// Fills in what follows from the rest.
    pub(crate) fn finish(mut self, policy: &Policy) -> Self {
        let principals = self.inputs.chain.iter().map(|p| p.principal.clone());
        self.chain = principals.collect();
        self.actor = self.chain.last().cloned().unwrap_or_default();
        if let [subject, .., _] = self.chain.as_slice() {
            self.acting_on_behalf_of = Some(subject.clone());
            self.delegated_by = self.chain.iter().rev().nth(1).cloned();
        }
        let directory = &policy.inner.directory;
        let known = directory.principal(&self.actor).map(|p| &p.attributes);
        let entity = entity_id(&self.actor).and_then(|id| directory.entities().entity(id));
        let noted = [known, entity.map(|e| &e.data)]
            .into_iter()
            .flatten()
            .find_map(|noted| noted.get("agentType")?.as_str());
        self.agent_type = noted.unwrap_or_else(|| type_of(&self.actor)).to_owned();
        self.roles.clone_from(&self.inputs.roles);
        let set = self.inputs.scopes.as_ref();
        let set = set.and_then(|claims| ScopeSet::from_claims(claims).ok()?);
        self.scope = set.map_or_else(String::new, |set| set.to_string());
        policy.revision().clone_into(&mut self.revision);
        self.digest = hex(&policy.digest());
        self.id = String::new();
        self.id = hex(&Sha256::digest(self.to_canonical().as_bytes()));
        self
    }

    pub(crate) fn empty(inputs: Inputs, action: &str, resource: &str) -> Self {
        Self {
            id: String::new(),
            allowed: false,
            reason: Reason::Internal,
            agent_type: String::new(),
            action: action.to_owned(),
            actor: String::new(),
            delegated_by: None,
            acting_on_behalf_of: None,
            roles: Vec::new(),
            scope: String::new(),
            resource: resource.to_owned(),
            chain: Vec::new(),
            tenant: None,
            revision: String::new(),
            digest: String::new(),
            context: Map::new(),
            inputs,
        }
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for half in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        let letter = if half < 10 {
            b'0' + half
        } else {
            b'a' + half - 10
        };
        text.push(char::from(letter));
    }
    text
}
