//! Orphans: what a snapshot still lists though nothing is left of it, for
//! whoever cleans up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::entity::ENTITY_TYPE;
use crate::time::UnixSeconds;

use super::{ActorAuthority, Snapshot};

/// Something in a snapshot that should perhaps be taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What became of it.
    pub kind: OrphanKind,
    /// `type:id`.
    pub name: String,
    /// The JSON pointer of where it stands.
    pub pointer: String,
}

/// What became of an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OrphanKind {
    /// A principal whose `not_after` has passed: all is denied to it.
    Expired {
        /// The last second at which it counted.
        not_after: UnixSeconds,
        /// How many grants it still holds.
        grants: usize,
    },
    /// A disabled principal that still holds grants, which would count again
    /// the moment it is enabled.
    Disabled {
        /// How many.
        grants: usize,
    },
    /// A principal that no grant is to or on.
    Principal,
    /// An entity that no grant is to or on.
    Entity,
    /// A tuple or an access rule that names an entity which is not there.
    Absent,
}

impl Orphan {
    /// A stable name for the kind of orphan, e.g. `orphan.expired`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            OrphanKind::Expired { .. } => "orphan.expired",
            OrphanKind::Disabled { .. } => "orphan.disabled",
            OrphanKind::Principal => "orphan.principal",
            OrphanKind::Entity => "orphan.entity",
            OrphanKind::Absent => "orphan.absent",
        }
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name)?;
        let held = |grants| match grants {
            1 => "1 grant".to_owned(),
            _ => format!("{grants} grants"),
        };
        match self.kind {
            OrphanKind::Expired { not_after, grants } => {
                write!(f, "expired at {not_after}")?;
                match grants {
                    0 => Ok(()),
                    _ => write!(f, ", and still holds {}", held(grants)),
                }
            }
            OrphanKind::Disabled { grants } => {
                write!(f, "is disabled, and still holds {}", held(grants))
            }
            OrphanKind::Principal | OrphanKind::Entity => {
                f.write_str("has no grant, and none is on it")
            }
            OrphanKind::Absent => f.write_str("is not among the entities; the grant gives nothing"),
        }
    }
}

/// Who holds grants and what grants are on, by name.
#[derive(Default)]
struct Grants<'s> {
    held: BTreeMap<&'s str, usize>,
    on: BTreeSet<&'s str>,
    /// Of entity grants, which name their parties by id.
    entities_held: BTreeMap<String, usize>,
    entities_on: BTreeSet<&'s str>,
}

impl<'s> Grants<'s> {
    fn of(snapshot: &'s Snapshot<'_>) -> Self {
        let mut grants = Self::default();
        for tuple in &snapshot.tuples {
            *grants.held.entry(object_of(&tuple.user)).or_default() += 1;
            grants.on.insert(&tuple.object);
        }
        for rule in &snapshot.access {
            *grants.held.entry(&rule.principal).or_default() += 1;
        }
        for placed in &snapshot.entity_grants.records {
            let recipient = placed.record.recipient.principal();
            *grants.entities_held.entry(recipient).or_default() += 1;
            grants.entities_on.insert(&placed.record.entity);
        }
        grants
    }

    fn held_by(&self, name: &str) -> usize {
        let own = self.held.get(name).copied().unwrap_or_default();
        own + self.entities_held.get(name).copied().unwrap_or_default()
    }

    /// Whether a grant is to or on it.
    fn name(&self, name: &str) -> bool {
        let entity = entity_id(name).is_some_and(|id| self.entities_on.contains(id));
        entity || self.on.contains(name) || self.held_by(name) > 0
    }
}

impl Snapshot<'_> {
    /// What has expired, was disabled and still holds grants, or has none in
    /// either direction; and grants that name an entity which is not there.
    ///
    /// A grant is a tuple (also one to a userset of the principal's), an entity
    /// grant or an access rule, whatever it comes to; one to everybody
    /// (`user:*`) is nobody's own. Where `actor_authority` lets scopes be a
    /// principal's authority, those it lists are grants too. Entity grants that
    /// name absent entities are warnings of the policy.
    ///
    /// In the order of the snapshot, principals before entities before grants.
    #[must_use]
    pub fn orphans(&self, now: UnixSeconds) -> Vec<Orphan> {
        let grants = Grants::of(self);
        let by_scopes = self
            .delegation
            .as_ref()
            .is_some_and(|d| d.actor_authority != ActorAuthority::Grants);
        let mut orphans = Vec::new();
        let mut add = |kind, name: &str, pointer: String| {
            let name = name.to_owned();
            orphans.push(Orphan {
                kind,
                name,
                pointer,
            });
        };
        let mut told = BTreeSet::new();
        for (i, principal) in self.principals.iter().enumerate() {
            let held = grants.held_by(&principal.id);
            let expired = principal.not_after.map(UnixSeconds);
            let kind = match expired.filter(|last| now > *last) {
                Some(not_after) => OrphanKind::Expired {
                    not_after,
                    grants: held,
                },
                None if principal.disabled && held > 0 => OrphanKind::Disabled { grants: held },
                None if grants.name(&principal.id) => continue,
                None if by_scopes && !principal.scopes.is_empty() => continue,
                None => OrphanKind::Principal,
            };
            told.insert(principal.id.as_str());
            add(kind, &principal.id, format!("/principals/{i}"));
        }
        let mut entities = BTreeSet::new();
        for placed in &self.entities.records {
            entities.insert(placed.record.id.as_str());
            let name = format!("{ENTITY_TYPE}:{}", placed.record.id);
            if !grants.name(&name) && !told.contains(name.as_str()) {
                add(OrphanKind::Entity, &name, placed.pointer.clone());
            }
        }
        // Without entities, the model may have a type of that name.
        if entities.is_empty() {
            return orphans;
        }
        let absent =
            |name: &str| entity_id(name).is_some_and(|id| id != "*" && !entities.contains(id));
        for (i, tuple) in self.tuples.iter().enumerate() {
            let user = object_of(&tuple.user);
            if let Some(name) = [user, &tuple.object].into_iter().find(|name| absent(name)) {
                add(OrphanKind::Absent, name, format!("/tuples/{i}"));
            }
        }
        for (i, rule) in self.access.iter().enumerate() {
            if absent(&rule.principal) {
                add(OrphanKind::Absent, &rule.principal, format!("/access/{i}"));
            }
        }
        orphans
    }
}

/// `type:id` of a user, which may be a userset.
fn object_of(user: &str) -> &str {
    user.split_once('#').map_or(user, |(object, _)| object)
}

fn entity_id(name: &str) -> Option<&str> {
    name.strip_prefix(ENTITY_TYPE)?.strip_prefix(':')
}
