//! What one scope covers, as a list of atoms: an action and a resource each.

use super::error::ScopeError;
use super::reach::ResourceFacts;
use super::smart::SmartLevel;
use super::words::quoted;
use crate::action::Pattern;
use crate::path::{self, Path};

/// Actions on resources, under conditions. All of it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) action: ActionReach,
    pub(crate) resource: ResourceReach,
    /// A SMART scope is only ever within one of its own level: what the user
    /// may see is not what a system may see, though both read `Observation`.
    pub(crate) level: Option<SmartLevel>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ActionReach {
    /// Whatever is asked.
    Every,
    /// One name, compared as it is: a `*` in it is no pattern.
    Named(Box<str>),
    /// A pattern of segments.
    Pattern(Pattern),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResourceReach {
    /// Objects and paths.
    Everything,
    /// Every `type:id`, but no path.
    EveryObject,
    /// `document:*`.
    Type(Box<str>),
    /// `document:42`.
    Object { type_name: Box<str>, id: Box<str> },
    /// A path and all below it.
    Below(Path<'static>),
}

/// An attribute of the resource must have one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    attribute: Box<str>,
    values: Vec<Box<str>>,
}

/// A resource as a request names it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    Object {
        type_name: &'a str,
        id: &'a str,
    },
    /// Its segments, as [`path::segments`] gives them.
    Path(&'a str),
}

impl Atom {
    pub(crate) fn new(action: ActionReach, resource: ResourceReach) -> Atom {
        Atom {
            action,
            resource,
            level: None,
            conditions: Vec::new(),
        }
    }

    pub(crate) fn covers_resource<F: ResourceFacts + ?Sized>(
        &self,
        resource: Asked<'_>,
        facts: &F,
    ) -> bool {
        self.resource.covers(resource) && self.conditions.iter().all(|c| c.holds(facts))
    }

    pub(crate) fn is_within(&self, other: &Atom) -> bool {
        self.action.is_within(&other.action)
            && self.resource.is_within(&other.resource)
            && (other.level.is_none() || self.level == other.level)
            && other
                .conditions
                .iter()
                .all(|condition| self.conditions.iter().any(|own| own.is_within(condition)))
    }
}

impl ActionReach {
    pub(crate) fn covers(&self, action: &str) -> bool {
        match self {
            ActionReach::Every => !action.is_empty(),
            ActionReach::Named(name) => **name == *action,
            ActionReach::Pattern(pattern) => pattern.covers(action),
        }
    }

    fn is_within(&self, other: &ActionReach) -> bool {
        match (self, other) {
            (_, ActionReach::Every) => true,
            (ActionReach::Every, _) => false,
            (ActionReach::Named(name), other) => other.covers(name),
            (ActionReach::Pattern(own), ActionReach::Pattern(other)) => own.is_within(other),
            (ActionReach::Pattern(own), ActionReach::Named(name)) => {
                own.is_exact() && own.as_str() == &**name
            }
        }
    }
}

impl ResourceReach {
    /// `type:*`, `type:id` or a path, as the snapshot and inline permissions
    /// write them.
    pub(crate) fn parse(text: &str) -> Result<ResourceReach, ScopeError> {
        if let Some(type_name) = text.strip_suffix(":*").filter(|name| is_type_name(name)) {
            return Ok(ResourceReach::Type(type_name.into()));
        }
        if is_path(text) {
            let path = Path::parse(text).map_err(ScopeError::Path)?;
            return Ok(ResourceReach::Below(path.into_owned()));
        }
        match Asked::parse(text) {
            Some(Asked::Object { type_name, id }) => Ok(ResourceReach::Object {
                type_name: type_name.into(),
                id: id.into(),
            }),
            _ => Err(ScopeError::Resource {
                resource: text.to_owned(),
            }),
        }
    }

    /// Whether every object of the type is covered.
    pub(crate) fn covers_type(&self, type_name: &str) -> bool {
        match self {
            ResourceReach::Everything | ResourceReach::EveryObject => true,
            ResourceReach::Type(own) => **own == *type_name,
            ResourceReach::Object { .. } | ResourceReach::Below(_) => false,
        }
    }

    fn covers(&self, asked: Asked<'_>) -> bool {
        match (self, asked) {
            (ResourceReach::Everything, _) => true,
            (ResourceReach::EveryObject, Asked::Object { .. }) => true,
            (ResourceReach::Type(own), Asked::Object { type_name, .. }) => **own == *type_name,
            (
                ResourceReach::Object {
                    type_name: own,
                    id: own_id,
                },
                Asked::Object { type_name, id },
            ) => **own == *type_name && **own_id == *id,
            (ResourceReach::Below(path), Asked::Path(segments)) => path.covers_segments(segments),
            _ => false,
        }
    }

    fn is_within(&self, other: &ResourceReach) -> bool {
        match (self, other) {
            (_, ResourceReach::Everything) => true,
            (
                ResourceReach::EveryObject | ResourceReach::Type(_) | ResourceReach::Object { .. },
                ResourceReach::EveryObject,
            ) => true,
            (ResourceReach::Type(own), ResourceReach::Type(other)) => own == other,
            (ResourceReach::Object { type_name, id }, other) => {
                other.covers(Asked::Object { type_name, id })
            }
            (ResourceReach::Below(own), ResourceReach::Below(other)) => other.covers(own),
            _ => false,
        }
    }
}

impl Condition {
    pub(crate) fn new<'v>(attribute: &str, values: impl IntoIterator<Item = &'v str>) -> Condition {
        Condition {
            attribute: attribute.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// E.g. ``whose `status` is `open` or `late```.
    pub(super) fn in_words(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|value| quoted(value)).collect();
        format!(
            "whose {} is {}",
            quoted(&self.attribute),
            values.join(" or ")
        )
    }

    fn holds<F: ResourceFacts + ?Sized>(&self, facts: &F) -> bool {
        self.values
            .iter()
            .any(|value| facts.has(&self.attribute, value))
    }

    fn is_within(&self, other: &Condition) -> bool {
        self.attribute == other.attribute && self.values.iter().all(|v| other.values.contains(v))
    }
}

impl<'a> Asked<'a> {
    /// A path where it starts with `/` or has no `:`, else an object; nothing
    /// where it is malformed as that.
    pub(crate) fn parse(text: &'a str) -> Option<Asked<'a>> {
        if is_path(text) {
            return path::segments(text).ok().map(Asked::Path);
        }
        let (type_name, id) = text.split_once(':')?;
        let refused = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
        let graphic = |b: u8| b.is_ascii_graphic() && !matches!(b, b':' | b'#');
        if !is_type_name(type_name) || id.is_empty() {
            return None;
        }
        // What nearly every id is, told byte by byte.
        if !id.bytes().all(graphic) && id.contains(refused) {
            return None;
        }
        Some(Asked::Object { type_name, id })
    }
}

pub(crate) fn is_type_name(name: &str) -> bool {
    let refused =
        |c: char| matches!(c, ':' | '#' | '@' | '*' | '/') || c.is_whitespace() || c.is_control();
    !name.is_empty() && (name.bytes().all(|b| b.is_ascii_alphanumeric()) || !name.contains(refused))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') || !text.contains(':')
}
