//! Searches: every subject, resource or action for which an evaluation would
//! allow. Each candidate is evaluated. A list of subjects or resources that may
//! lack something is none; of actions, those that could not be told for want of
//! context are left out, and the answer says so.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::decision::{Denial, Reason};
use crate::entity::ENTITY_TYPE;
use crate::order;
use crate::policy::{Policy, entity_id};
use crate::query::{QueryError, View};
#[cfg(feature = "conditions")]
use crate::request::over;
use crate::request::{Request, Setting};
use crate::time::UnixSeconds;

use super::error::RequestError;
use super::page::{Cut, Page};
use super::request::{Body, Search, Wanted};
use super::{Callers, Why};

/// The answer to a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Found{T}"))]
pub struct Found<T> {
    /// Which part of the results this is.
    pub page: Page,
    /// What the results do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Lacking>,
    /// The results of this page, sorted.
    pub results: Vec<T>,
}

/// What the results of a search lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Lacking {
    /// All of them: why nothing could be searched for.
    All(Why),
    /// Some actions, which may be allowed or not.
    Actions {
        /// Each of them, on every page.
        untold: Vec<Untold>,
    },
}

/// An action of which could not be told whether it is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Untold {
    /// Its name.
    pub name: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// A subject or a resource that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedEntity {
    /// The type that was asked for.
    pub r#type: String,
    /// The id.
    pub id: String,
}

/// An action that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedAction {
    /// Its name.
    pub name: String,
}

impl Policy {
    /// Answers a Subject Search request: every subject of a type that may do
    /// something with a resource.
    ///
    /// A grant to everybody (`user:*`) is one to each subject of the type that
    /// the snapshot or the setting names; others may do it too, and have no
    /// name that could be listed.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn search_subjects(
        &self,
        request: &[u8],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Found<NamedEntity>, RequestError> {
        let body = Body::read(request)?;
        let root = body.root();
        let search = Search::read(&root, Wanted::Subjects)?;
        let cut = Cut::read(&root, Wanted::Subjects)?;
        let kind = search.subject.kind;
        let found = self.subjects(&search, now, setting);
        Ok(Found::of(found, cut, |id| NamedEntity {
            r#type: kind.to_owned(),
            id,
        }))
    }

    /// Answers a Resource Search request: every resource of a type with which a
    /// subject may do something.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn search_resources(
        &self,
        request: &[u8],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Found<NamedEntity>, RequestError> {
        let body = Body::read(request)?;
        let root = body.root();
        let search = Search::read(&root, Wanted::Resources)?;
        let cut = Cut::read(&root, Wanted::Resources)?;
        let kind = search.resource.kind;
        let context = search.values.all();
        let subject = search.subject.principal();
        let asking = Request::at(now).setting(*setting);
        let found = search
            .resource
            .check_type()
            .and_then(|()| self.admit(&asking.on_behalf_of(&[&subject])))
            .and_then(|caller| {
                let asked = caller.at(now).with_context(&context);
                asked.list(search.action, kind)
            })
            .map(|objects| ids(&objects, kind));
        Ok(Found::of(found, cut, |id| NamedEntity {
            r#type: kind.to_owned(),
            id,
        }))
    }

    /// Answers an Action Search request: everything that a subject may do with
    /// a resource, which is every relation of the model that it has and that is
    /// an action by the snapshot's `actions`, and every permission on an entity.
    ///
    /// A relation whose condition could not be told, because the request says
    /// too little or something of another type, is not among the results:
    /// `context` names it.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn search_actions(
        &self,
        request: &[u8],
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<Found<NamedAction>, RequestError> {
        let body = Body::read(request)?;
        let root = body.root();
        let search = Search::read(&root, Wanted::Actions)?;
        let cut = Cut::read(&root, Wanted::Actions)?;
        let mut untold = Vec::new();
        let found = self.actions(&search, now, setting, &mut untold);
        let mut found = Found::of(found, cut, |name| NamedAction { name });
        if found.context.is_none() && !untold.is_empty() {
            found.context = Some(Lacking::Actions { untold });
        }
        Ok(found)
    }

    fn subjects(
        &self,
        search: &Search<'_>,
        now: UnixSeconds,
        setting: &Setting<'_>,
    ) -> Result<BTreeSet<String>, Denial> {
        self.check_fresh(now)?;
        let resource = search.resource.object()?;
        let kind = search.subject.kind;
        let context = search.values.all();
        let mut callers = Callers::new(self, now, setting);
        let mut found = BTreeSet::new();
        for candidate in self.candidates(search, &resource, &context, &callers)? {
            if holds(callers.ask(&candidate, search.action, &resource, &context))? {
                found.extend(ids(&[candidate], kind));
            }
        }
        Ok(found)
    }

    /// Every subject of the type that may hold it, and perhaps too many.
    fn candidates(
        &self,
        search: &Search<'_>,
        resource: &str,
        context: &Map<String, Value>,
        callers: &Callers<'_>,
    ) -> Result<BTreeSet<String>, Denial> {
        let setting = callers.setting;
        let kind = search.subject.kind;
        let everybody = format!("{kind}:*");
        let mut candidates = BTreeSet::new();
        let entity = entity_id(resource).filter(|id| self.entities().entity(id).is_some());
        for grant in self.entities().grants() {
            if Some(&*grant.entity) == entity && of_type(&grant.recipient, kind) {
                candidates.insert(grant.recipient.clone());
            }
        }
        for tenant in self.tenants_of_type(kind, setting) {
            let view = View::new(&self.inner).sharing(&callers.call);
            let mut view = view.with_tuples(setting.tuples)?;
            if let Some(tenant) = tenant {
                view = view.with_tenant(tenant);
            }
            #[cfg(feature = "conditions")]
            {
                let none = Map::new();
                let host = setting.context.unwrap_or(&none);
                let fixed = setting.fixed_context.unwrap_or(&none);
                view = view.with_context(&over(host, Some(context), fixed));
            }
            match view.list_users(resource, search.action, kind) {
                Ok(users) => candidates.extend(users),
                // Beside entity grants, the model need not know what is asked.
                Err(QueryError::UnknownType { .. } | QueryError::UnknownRelation { .. })
                    if entity.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let _ = context;
        if candidates.remove(&everybody) {
            candidates.extend(self.known_of_type(kind, setting));
            candidates.remove(&everybody);
        }
        Ok(candidates)
    }

    /// The tenants that a request of some subject of the type may be of. Each
    /// sees other tuples.
    fn tenants_of_type<'a>(
        &'a self,
        kind: &str,
        setting: &Setting<'a>,
    ) -> BTreeSet<Option<&'a str>> {
        if let Some(named) = setting.tenant {
            return order::set([Some(named)]);
        }
        let principals = self.inner.sections.principals.iter();
        let principals = principals.filter(|p| of_type(&p.id, kind));
        let tenants = principals.flat_map(|p| &p.tenants);
        let mut tenants = order::set(tenants.map(|tenant| Some(tenant.as_str())));
        if kind == ENTITY_TYPE {
            tenants.extend(self.entities().entities().map(|e| e.tenant.as_deref()));
        }
        tenants.insert(None);
        tenants
    }

    /// All of a type that the snapshot or the setting names.
    fn known_of_type(&self, kind: &str, setting: &Setting<'_>) -> Vec<String> {
        let names = &self.inner.names;
        let range = names.with_prefix(&format!("{kind}:"));
        let mut known: Vec<String> = range.map(|id| names.get(id).to_owned()).collect();
        let principals = self.inner.sections.principals.iter();
        let entities = self.entities().entities();
        let contextual = setting.tuples.iter();
        let contextual = contextual.flat_map(|tuple| [&tuple.user, &tuple.object]);
        let others = principals
            .map(|p| p.id.clone())
            .chain(entities.map(|e| e.principal()))
            .chain(contextual.cloned());
        known.extend(others.filter(|name| of_type(name, kind) && !name.contains('#')));
        known
    }

    /// What is allowed, and what could not be told.
    fn actions(
        &self,
        search: &Search<'_>,
        now: UnixSeconds,
        setting: &Setting<'_>,
        untold: &mut Vec<Untold>,
    ) -> Result<BTreeSet<String>, Denial> {
        let mut callers = Callers::new(self, now, setting);
        let subject = search.subject.principal();
        callers.admit(&subject)?;
        let resource = search.resource.object()?;
        let context = search.values.all();
        let kind = search.resource.kind;
        let def = self.model().types.iter().find(|def| def.name == kind);
        let relations = def.iter().flat_map(|def| &def.relations).map(|r| &*r.name);
        let listed = self.inner.sections.actions.iter().find(|a| a.of == kind);
        let is_action = |name: &&str| listed.is_none_or(|listed| listed.covers(name));
        let mut names = order::set(relations.filter(is_action));
        let entity = entity_id(&resource).and_then(|id| self.entities().entity(id));
        if let Some(entity) = entity {
            let types = self.inner.sections.entity_types.records.iter();
            let own = types.filter(|placed| placed.record.id == entity.type_id);
            names.extend(own.flat_map(|p| &p.record.permissions).map(|p| &*p.name));
        } else if def.is_none() {
            let name = kind.to_owned();
            return Err(QueryError::UnknownType { name }.into());
        }
        let mut found = BTreeSet::new();
        for name in names {
            match holds(callers.ask(&subject, name, &resource, &context)) {
                Ok(true) => {
                    found.insert(name.to_owned());
                }
                Ok(false) => {}
                Err(denial) if is_of_condition(denial.reason) => untold.push(Untold {
                    name: name.to_owned(),
                    why: denial.into(),
                }),
                Err(denial) => return Err(denial),
            }
        }
        Ok(found)
    }

    fn entities(&self) -> &crate::entity::Entities {
        self.inner.directory.entities()
    }
}

impl<T> Found<T> {
    fn of(found: Result<BTreeSet<String>, Denial>, cut: Cut, name: impl Fn(String) -> T) -> Self {
        match found {
            Ok(all) => {
                let (results, page) = cut.apply(all.into_iter().collect());
                Self {
                    page,
                    context: None,
                    results: results.into_iter().map(name).collect(),
                }
            }
            Err(denial) => Self {
                page: Page::default(),
                context: Some(Lacking::All(denial.into())),
                results: Vec::new(),
            },
        }
    }
}

/// Whether a candidate counts. Where it could not be told, the whole list
/// would lack something.
fn holds(asked: Result<(), Denial>) -> Result<bool, Denial> {
    match asked {
        Ok(()) => Ok(true),
        Err(denial) if is_uncertain(denial.reason) => Err(denial),
        Err(_) => Ok(false),
    }
}

/// Whether a denial says no more than that an answer was not to be had.
fn is_uncertain(reason: Reason) -> bool {
    let room = reason.code().split('.').next();
    matches!(room, Some("condition" | "budget" | "internal"))
}

fn is_of_condition(reason: Reason) -> bool {
    reason.code().starts_with("condition.")
}

fn of_type(name: &str, kind: &str) -> bool {
    name.split_once(':').is_some_and(|(own, _)| own == kind)
}

/// The ids of objects of a type.
fn ids(objects: &[String], kind: &str) -> BTreeSet<String> {
    let of_type = |object: &String| {
        let id = object.strip_prefix(kind)?.strip_prefix(':')?;
        Some(id.to_owned())
    };
    order::set(objects.iter().filter_map(of_type))
}
