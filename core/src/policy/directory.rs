//! The directory: who the principals are, what is known of resources, and the
//! two kinds of grant that are no relationships.

#[cfg(feature = "tokens")]
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::action::Pattern;
#[cfg(feature = "tokens")]
use crate::entity;
use crate::entity::{ENTITY_TYPE, Entities, EntityWarning};
use crate::model::{Model, identifier};
use crate::order;
use crate::path::Path;
use crate::snapshot::{
    ActionsRecord, DelegationRecord, PrincipalRecord, ResourceRecord, Snapshot, SnapshotError,
    SnapshotErrorKind,
};

#[cfg(feature = "tokens")]
use crate::time::UnixSeconds;

use super::template;

/// Principals, resources, entity grants and access rules, each under its name.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    principals: BTreeMap<String, PrincipalRecord>,
    /// By issuer and subject.
    identities: BTreeMap<String, BTreeMap<String, String>>,
    resources: BTreeMap<String, ResourceRecord>,
    /// The types of which any resource has a tenant.
    tenanted: BTreeSet<String>,
    entities: Entities,
    /// By recipient and entity.
    permissions: BTreeMap<String, BTreeMap<String, EntityPermissions>>,
    access: BTreeMap<String, Vec<AccessRule>>,
}

/// What one recipient may do with one entity.
#[derive(Debug)]
struct EntityPermissions {
    /// Sorted.
    names: Vec<String>,
    tenant: Option<String>,
}

/// An access rule of one principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessRule {
    /// The actions.
    pub(crate) action: Pattern,
    /// The path, with all below it.
    pub(crate) path: Path<'static>,
}

impl Directory {
    /// Checks the sections and indexes them.
    pub(super) fn compile(snapshot: &Snapshot<'_>, model: &Model) -> Result<Self, SnapshotError> {
        let mut directory = Self::default();
        for (i, record) in snapshot.principals.iter().enumerate() {
            directory.add_principal(record, &format!("/principals/{i}"))?;
        }
        for (i, record) in snapshot.resources.iter().enumerate() {
            let pointer = format!("/resources/{i}");
            object(&record.id, || format!("{pointer}/id"))?;
            if record.tenant.as_deref() == Some("") {
                return Err(value("", "a tenant's name").at(format!("{pointer}/tenant")));
            }
            let known = directory
                .resources
                .insert(record.id.clone(), record.clone());
            if known.is_some() {
                return Err(duplicate(&record.id).at(format!("{pointer}/id")));
            }
        }
        for (i, record) in snapshot.access.iter().enumerate() {
            let pointer = format!("/access/{i}");
            object(&record.principal, || format!("{pointer}/principal"))?;
            let action = Pattern::parse(&record.action)
                .map_err(|e| SnapshotErrorKind::Action(e).at(format!("{pointer}/action")))?;
            if !is_path(&record.resource) {
                let wanted = "a path that starts with `/`; objects are granted by tuples";
                return Err(value(&record.resource, wanted).at(format!("{pointer}/resource")));
            }
            let path = Path::parse(&record.resource)
                .map_err(|e| SnapshotErrorKind::Path(e).at(format!("{pointer}/resource")))?
                .into_owned();
            let rules = directory
                .access
                .entry(record.principal.clone())
                .or_default();
            rules.push(AccessRule { action, path });
        }
        for rules in directory.access.values_mut() {
            order::sort_by(rules, |a, b| {
                (&a.path, &a.action).cmp(&(&b.path, &b.action))
            });
            rules.dedup();
        }
        directory.entities = Entities::resolve(
            &snapshot.entity_types,
            &snapshot.entities,
            &snapshot.entity_grants,
        )
        .map_err(|e| SnapshotErrorKind::Entity(e.fault).at(e.pointer))?;
        let listed = directory.resources.values();
        directory.tenanted = listed
            .filter(|resource| resource.tenant.is_some())
            .filter_map(|resource| Some(resource.id.split_once(':')?.0.to_owned()))
            .collect();
        if directory.entities.entities().any(|e| e.tenant.is_some()) {
            directory.tenanted.insert(ENTITY_TYPE.to_owned());
        }
        for grant in directory.entities.grants() {
            let permissions = EntityPermissions {
                names: grant.permissions.clone(),
                tenant: grant.tenant.clone(),
            };
            directory
                .permissions
                .entry(grant.recipient.clone())
                .or_default()
                .insert(grant.entity.clone(), permissions);
        }
        if let Some(delegation) = &snapshot.delegation {
            check_delegation(delegation)?;
        }
        check_actions(&snapshot.actions, model)?;
        Ok(directory)
    }

    fn add_principal(
        &mut self,
        record: &PrincipalRecord,
        pointer: &str,
    ) -> Result<(), SnapshotError> {
        object(&record.id, || format!("{pointer}/id"))?;
        if let Some(i) = record.tenants.iter().position(String::is_empty) {
            return Err(value("", "a tenant's name").at(format!("{pointer}/tenants/{i}")));
        }
        for (i, identity) in record.identities.iter().enumerate() {
            // Whatever has no name of its own would be this principal.
            if identity.subject.is_empty() {
                let pointer = format!("{pointer}/identities/{i}/subject");
                return Err(value("", "a subject's name").at(pointer));
            }
            let subjects = self.identities.entry(identity.issuer.clone()).or_default();
            let known = subjects.insert(identity.subject.clone(), record.id.clone());
            if known.is_some() {
                let name = format!("{} {}", identity.issuer, identity.subject);
                return Err(duplicate(&name).at(format!("{pointer}/identities/{i}")));
            }
        }
        let known = self.principals.insert(record.id.clone(), record.clone());
        if known.is_some() {
            return Err(duplicate(&record.id).at(format!("{pointer}/id")));
        }
        Ok(())
    }

    /// What gives nothing though it looks as if it would.
    pub(super) fn warnings(&self) -> &[EntityWarning] {
        self.entities.warnings()
    }

    /// Whether some section beside the tuples names a principal.
    #[cfg(feature = "tokens")]
    pub(super) fn knows(&self, principal: &str) -> bool {
        self.principals.contains_key(principal)
            || self.access.contains_key(principal)
            || self.permissions.contains_key(principal)
            || principal.starts_with(&format!("{ENTITY_TYPE}:"))
    }

    /// What is known of a principal.
    #[cfg(feature = "tokens")]
    pub(crate) fn principal(&self, id: &str) -> Option<&PrincipalRecord> {
        self.principals.get(id)
    }

    /// The principal that names this identity its own.
    #[cfg(feature = "tokens")]
    pub(crate) fn identity(&self, issuer: &str, subject: &str) -> Option<&str> {
        let subjects = self.identities.get(issuer)?;
        subjects.get(subject).map(String::as_str)
    }

    /// The entities, and the grants on them.
    pub(crate) fn entities(&self) -> &Entities {
        &self.entities
    }

    /// The tenants of a principal: its own, and an entity's.
    #[cfg(feature = "tokens")]
    pub(crate) fn tenants_of(&self, principal: &str) -> Vec<&str> {
        let listed = self.principals.get(principal).map(|p| p.tenants.as_slice());
        let entity = entity_id(principal).and_then(|id| self.entities.entity(id));
        let own = entity.and_then(|e| e.tenant.as_deref());
        let mut tenants: Vec<&str> = listed
            .unwrap_or_default()
            .iter()
            .map(String::as_str)
            .collect();
        tenants.extend(own);
        order::sort(&mut tenants);
        tenants.dedup();
        tenants
    }

    /// What is known of a resource.
    #[cfg(feature = "tokens")]
    pub(crate) fn resource(&self, id: &str) -> Option<&ResourceRecord> {
        self.resources.get(id)
    }

    /// The tenants that a resource is in, of which there should be one.
    #[cfg(feature = "tokens")]
    pub(crate) fn resource_tenants(&self, id: &str) -> impl Iterator<Item = &str> {
        let listed = self.resources.get(id).and_then(|r| r.tenant.as_deref());
        let entity = entity_id(id).and_then(|id| self.entities.entity(id));
        listed
            .into_iter()
            .chain(entity.and_then(|e| e.tenant.as_deref()))
    }

    /// Whether any resource of this one's type has a tenant. Then one without
    /// is in nobody's; where none has, the type is shared.
    #[cfg(feature = "tokens")]
    pub(crate) fn has_tenants(&self, resource: &str) -> bool {
        !self.tenanted.is_empty()
            && !is_path(resource)
            && resource
                .split_once(':')
                .is_some_and(|(kind, _)| self.tenanted.contains(kind))
    }

    /// The access rule that gives a principal an action on a path.
    pub(crate) fn access(
        &self,
        principal: &str,
        action: &str,
        path: &Path<'_>,
    ) -> Option<&AccessRule> {
        let rules = self.access.get(principal)?;
        rules
            .iter()
            .find(|rule| rule.action.covers(action) && rule.path.covers(path))
    }

    /// Whether a principal has a permission on an entity, as a request of a
    /// tenant sees it.
    pub(crate) fn permits(
        &self,
        principal: &str,
        permission: &str,
        entity: &str,
        tenant: Option<&str>,
    ) -> bool {
        let own = self.permissions.get(principal).and_then(|p| p.get(entity));
        own.is_some_and(|own| {
            (own.tenant.is_none() || own.tenant.as_deref() == tenant)
                && own
                    .names
                    .binary_search_by(|name| name.as_str().cmp(permission))
                    .is_ok()
        })
    }

    /// The entities on which a principal has a permission.
    #[cfg(feature = "tokens")]
    pub(crate) fn permitted_entities(
        &self,
        principal: &str,
        permission: &str,
        tenant: Option<&str>,
    ) -> impl Iterator<Item = &str> {
        let own = self.permissions.get(principal);
        own.into_iter()
            .flat_map(|own| own.keys())
            .map(String::as_str)
            .filter(move |id| self.permits(principal, permission, id, tenant))
    }
}

/// The directory at a time: principals that are disabled or past their end are
/// not in it.
#[cfg(feature = "tokens")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct InForce<'d> {
    directory: &'d Directory,
    now: UnixSeconds,
}

#[cfg(feature = "tokens")]
impl<'d> InForce<'d> {
    pub(crate) fn new(directory: &'d Directory, now: UnixSeconds) -> Self {
        Self { directory, now }
    }
}

#[cfg(feature = "tokens")]
impl entity::Directory for InForce<'_> {
    /// An entity of the snapshot, or a user that it lists or grants something.
    fn party(&self, principal: &str) -> Option<entity::Party<'_>> {
        let directory = self.directory;
        let record = directory.principals.get(principal);
        let ended = |last: u64| self.now > UnixSeconds(last);
        if record.is_some_and(|own| own.disabled || own.not_after.is_some_and(ended)) {
            return None;
        }
        let known = match entity_id(principal) {
            Some(id) => Some(directory.entities.entity(id)?),
            None if record.is_some() || directory.permissions.contains_key(principal) => None,
            None => return None,
        };
        Some(entity::Party {
            tenants: directory.tenants_of(principal),
            lifetime: known.and_then(|own| own.lifetime),
        })
    }

    fn target(&self, id: &str) -> Option<entity::Target<'_>> {
        let target = self.directory.entities.entity(id)?;
        Some(entity::Target {
            tenant: target.tenant.as_deref(),
        })
    }

    fn permissions(&self, principal: &str, id: &str) -> Option<Vec<Cow<'_, str>>> {
        let own = self.directory.permissions.get(principal)?.get(id)?;
        Some(
            own.names
                .iter()
                .map(|n| Cow::Borrowed(n.as_str()))
                .collect(),
        )
    }
}

/// The id of an entity as a principal or a resource.
pub(crate) fn entity_id(text: &str) -> Option<&str> {
    text.strip_prefix(ENTITY_TYPE)?.strip_prefix(':')
}

/// Whether a resource is meant as a path; otherwise it is meant as an object.
pub(crate) fn is_path(resource: &str) -> bool {
    resource.starts_with('/') || !resource.contains(':')
}

/// Whether the actions that are listed are relations of the model.
fn check_actions(actions: &[ActionsRecord], model: &Model) -> Result<(), SnapshotError> {
    let mut seen = BTreeSet::new();
    for (i, record) in actions.iter().enumerate() {
        let pointer = format!("/actions/{i}");
        let Some(def) = model.types.iter().find(|def| def.name == record.of) else {
            return Err(value(&record.of, "a type of the model").at(format!("{pointer}/type")));
        };
        if !seen.insert(&record.of) {
            return Err(duplicate(&record.of).at(format!("{pointer}/type")));
        }
        for (j, name) in record.relations.iter().enumerate() {
            let mut relations = def.relations.iter();
            if !relations.any(|relation| ActionsRecord::is_named(name, &relation.name)) {
                let wanted = "a relation of that type, or how one begins with `*` at its end";
                return Err(value(name, wanted).at(format!("{pointer}/relations/{j}")));
            }
        }
    }
    Ok(())
}

fn check_delegation(delegation: &DelegationRecord) -> Result<(), SnapshotError> {
    if delegation.max_depth == 0 {
        return Err(SnapshotErrorKind::Limit { name: "max_depth" }.at("/delegation/max_depth"));
    }
    let type_name = |name: &str, pointer: String| {
        identifier::type_name(name).map_err(|reason| {
            SnapshotErrorKind::Identifier {
                found: name.to_owned(),
                reason,
            }
            .at(pointer)
        })
    };
    for (i, root) in delegation.roots.iter().enumerate() {
        type_name(root, format!("/delegation/roots/{i}"))?;
    }
    for (i, hop) in delegation.hops.iter().enumerate() {
        let pointer = format!("/delegation/hops/{i}");
        type_name(&hop.from, format!("{pointer}/from"))?;
        type_name(&hop.to, format!("{pointer}/to"))?;
        for (j, tuple) in hop.any_of.iter().enumerate() {
            let pointer = format!("{pointer}/any_of/{j}");
            let sample = |name: &str| match name {
                "from" => Some("a:from"),
                "to" => Some("a:to"),
                _ => None,
            };
            let user = template::fill(&tuple.user, sample);
            if user.is_none_or(|user| identifier::user(&user).is_err()) {
                let wanted = "`{from}`, `{to}`, `type:id` or one of these with `#relation`";
                return Err(value(&tuple.user, wanted).at(format!("{pointer}/user")));
            }
            let object = template::fill(&tuple.object, sample);
            if object.is_none_or(|object| identifier::object(&object).is_err()) {
                let wanted = "`{from}`, `{to}` or `type:id`";
                return Err(value(&tuple.object, wanted).at(format!("{pointer}/object")));
            }
            if tuple.relation.is_empty() {
                let wanted = "a relation or a permission";
                return Err(value("", wanted).at(format!("{pointer}/relation")));
            }
        }
    }
    Ok(())
}

pub(super) fn object(text: &str, pointer: impl Fn() -> String) -> Result<(), SnapshotError> {
    let refused = |reason| {
        SnapshotErrorKind::Identifier {
            found: text.to_owned(),
            reason,
        }
        .at(pointer())
    };
    identifier::object(text).map(|_| ()).map_err(refused)
}

fn value(found: &str, expected: &'static str) -> SnapshotErrorKind {
    SnapshotErrorKind::Value {
        found: found.to_owned(),
        expected,
    }
}

fn duplicate(name: &str) -> SnapshotErrorKind {
    SnapshotErrorKind::Duplicate {
        name: name.to_owned(),
    }
}
