//! The sections about principals, resources, access rules, actions and
//! delegation, and one order for all sections that do not depend on theirs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ModelSource, Snapshot};
use crate::json;
use crate::order;

/// An access rule: a principal may do what the pattern covers, on a path and
/// all below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccessRecord {
    /// `type:id`.
    pub principal: String,
    /// An action pattern, e.g. `integration:*`.
    pub action: String,
    /// A path, e.g. `/account/acc-1/`.
    pub resource: String,
}

/// What is known of a principal beside its grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PrincipalRecord {
    /// `type:id`.
    pub id: String,
    /// The tenants that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Who it is to which issuer. Where there are any, it is known by these
    /// alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<IdentityRecord>,
    /// The scopes that it may use as an actor, where `actor_authority` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Nothing is allowed to it, nor through it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// The last second at which it counts, since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// What else its owner noted down.
    #[serde(
        default,
        deserialize_with = "json::object",
        skip_serializing_if = "Map::is_empty"
    )]
    pub attributes: Map<String, Value>,
}

/// Who a principal is to an issuer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityRecord {
    /// The issuer's exact name.
    pub issuer: String,
    /// The subject there.
    pub subject: String,
}

/// What is known of a resource beside the grants on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResourceRecord {
    /// `type:id`.
    pub id: String,
    /// The tenant that it is in. Where any resource of its type has one, those
    /// without are in nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What else its owner noted down.
    #[serde(
        default,
        deserialize_with = "json::object",
        skip_serializing_if = "Map::is_empty"
    )]
    pub attributes: Map<String, Value>,
}

/// Which relations of a type are actions, where a caller asks for all that it
/// may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActionsRecord {
    /// A type of the model.
    #[serde(rename = "type")]
    pub of: String,
    /// Names of its relations, e.g. `can_read`, or how they begin, e.g.
    /// `can_*`.
    pub relations: Vec<String>,
}

impl ActionsRecord {
    /// Whether a relation is one of them.
    #[cfg(feature = "tokens")]
    pub(crate) fn covers(&self, relation: &str) -> bool {
        let mut listed = self.relations.iter();
        listed.any(|name| Self::is_named(name, relation))
    }

    /// Whether a name, or how it begins, is this relation's.
    pub(crate) fn is_named(name: &str, relation: &str) -> bool {
        match name.strip_suffix('*') {
            Some(begin) => relation.starts_with(begin),
            None => relation == name,
        }
    }
}

/// Who may act for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DelegationRecord {
    /// The hops that are admitted; a hop that no rule is about is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<HopRecord>,
    /// The most actors in a chain; 4 where not said.
    #[serde(default = "default_depth")]
    pub max_depth: u32,
    /// The types of which a chain's subject may be; `["user"]` where not said.
    /// It binds a caller that acts for itself too: a chain of one.
    #[serde(default = "default_roots")]
    pub roots: Vec<String>,
    /// Which hops are looked at.
    #[serde(default)]
    pub check_hops: CheckHops,
    /// Whose authority is needed beside the subject's.
    #[serde(default)]
    pub actors: Actors,
    /// What an actor's authority is.
    #[serde(default)]
    pub actor_authority: ActorAuthority,
}

/// When one type of principal may hand on to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HopRecord {
    /// The type of the one that hands on.
    pub from: String,
    /// The type of the one that acts.
    pub to: String,
    /// One of these must hold; `{from}` and `{to}` stand for the two.
    pub any_of: Vec<HopTuple>,
    /// What whoever acts must hold after this hop; where not said, it is the
    /// section's `actor_authority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_authority: Option<HopAuthority>,
}

/// What whoever acts must hold after a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HopAuthority {
    /// Nothing of its own: the admitted hop is enough, and its reach is that of
    /// the party before it, narrowed by scopes or a task. A request that has
    /// neither needs the actor's own authority all the same.
    Delegated,
}

/// A grant that admits a hop: a relation, or a permission on an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HopTuple {
    /// E.g. `{to}`.
    pub user: String,
    /// E.g. `delegate_of`.
    pub relation: String,
    /// E.g. `{from}`.
    pub object: String,
}

/// Which hops of a chain the rules are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckHops {
    /// Each of them.
    #[default]
    Every,
    /// One: from the subject to the current actor, as RFC 8693 reads a chain.
    Last,
}

/// Whose authority is needed beside the subject's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actors {
    /// The current actor's: prior ones are informational (RFC 8693 §4.1).
    #[default]
    Current,
    /// Every actor's.
    Every,
}

/// What an actor's authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActorAuthority {
    /// Its own grants.
    #[default]
    Grants,
    /// What the principal's `scopes` in the snapshot cover.
    Scopes,
    /// Either.
    GrantsOrScopes,
}

impl Default for DelegationRecord {
    fn default() -> Self {
        Self {
            hops: Vec::new(),
            max_depth: default_depth(),
            roots: default_roots(),
            check_hops: CheckHops::default(),
            actors: Actors::default(),
            actor_authority: ActorAuthority::default(),
        }
    }
}

impl Snapshot<'_> {
    /// The document without its tuples, every section in an
    /// order of its own: equal for equal policy data.
    pub(crate) fn without_tuples(&self) -> Snapshot<'static> {
        let mut sections = Snapshot {
            format: self.format,
            revision: self.revision.clone().into_owned().into(),
            issued_at: self.issued_at,
            not_after: self.not_after,
            model: self.model.as_ref().map(|model| match model {
                ModelSource::Dsl(text) => ModelSource::Dsl(text.clone().into_owned().into()),
                ModelSource::Json(value) => ModelSource::Json(value.clone()),
            }),
            tuples: Vec::new(),
            entity_types: self.entity_types.clone(),
            entities: self.entities.clone(),
            entity_grants: self.entity_grants.clone(),
            access: self.access.clone(),
            principals: self.principals.clone(),
            resources: self.resources.clone(),
            issuers: self.issuers.clone(),
            scopes: self.scopes.clone(),
            scope_aliases: self.scope_aliases.clone(),
            scope_dialects: self.scope_dialects.clone(),
            authorization_details: self.authorization_details.clone(),
            revoked: self.revoked.clone(),
            delegation: self.delegation.clone(),
            actions: self.actions.clone(),
            limits: self.limits,
        };
        let types = &mut sections.entity_types.records;
        order::sort_by(types, |a, b| a.record.id.cmp(&b.record.id));
        let entities = &mut sections.entities.records;
        order::sort_by(entities, |a, b| a.record.id.cmp(&b.record.id));
        let grants = &mut sections.entity_grants.records;
        for placed in grants.iter_mut() {
            placed
                .record
                .permissions
                .iter_mut()
                .for_each(|p| order::sort(p));
        }
        grants.sort_by_cached_key(|placed| {
            let grant = &placed.record;
            (
                grant.recipient.principal(),
                grant.entity.clone(),
                grant.permissions.clone(),
            )
        });
        order::sort(&mut sections.access);
        sections.access.dedup();
        for principal in &mut sections.principals {
            order::sort(&mut principal.tenants);
            order::sort(&mut principal.identities);
            order::sort(&mut principal.scopes);
        }
        order::sort_by(&mut sections.principals, |a, b| a.id.cmp(&b.id));
        order::sort_by(&mut sections.resources, |a, b| a.id.cmp(&b.id));
        for actions in &mut sections.actions {
            order::sort(&mut actions.relations);
            actions.relations.dedup();
        }
        order::sort(&mut sections.actions);
        #[cfg(feature = "tokens")]
        {
            order::sort_by(&mut sections.issuers, |a, b| a.issuer.cmp(&b.issuer));
            for rules in sections.scopes.values_mut() {
                order::sort_by(rules, |a, b| {
                    (&a.action, &a.resource).cmp(&(&b.action, &b.resource))
                });
            }
            order::sort(&mut sections.revoked.tokens);
            sections.revoked.tokens.dedup();
            let keys = &mut sections.revoked.keys;
            order::sort_by(keys, |a, b| (&a.issuer, &a.kid).cmp(&(&b.issuer, &b.kid)));
            keys.dedup();
        }
        if let Some(delegation) = &mut sections.delegation {
            for hop in &mut delegation.hops {
                order::sort(&mut hop.any_of);
            }
            order::sort(&mut delegation.hops);
            order::sort(&mut delegation.roots);
        }
        sections
    }
}

fn default_depth() -> u32 {
    4
}

fn default_roots() -> Vec<String> {
    vec!["user".to_owned()]
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}
