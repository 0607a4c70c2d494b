//! What a request says, read by the specification's §5 to §8.

use serde_json::{Map, Value};

use crate::decision::{Denial, Reason};
use crate::json::parse_object;
use crate::model::identifier;

use super::error::{RequestError, RequestFault};
use super::{MAX_EVALUATIONS, MAX_REQUEST_BYTES};

/// A request's body.
pub(super) struct Body {
    members: Map<String, Value>,
}

/// An object in a body, and where it stands.
#[derive(Clone)]
pub(super) struct Place<'b> {
    members: &'b Map<String, Value>,
    pointer: String,
}

/// An item of a list of evaluations.
pub(super) type Item<'b> = Result<Place<'b>, RequestError>;

/// A subject or a resource.
#[derive(Clone, Copy)]
pub(super) struct Entity<'b> {
    pub(super) kind: &'b str,
    pub(super) id: &'b str,
}

/// One evaluation.
pub(super) struct Question<'b> {
    pub(super) subject: Entity<'b>,
    pub(super) action: &'b str,
    pub(super) resource: Entity<'b>,
    pub(super) values: Values<'b>,
}

/// What a request says for conditions.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'b> {
    context: Option<&'b Map<String, Value>>,
    subject: Option<&'b Map<String, Value>>,
    action: Option<&'b Map<String, Value>>,
    resource: Option<&'b Map<String, Value>>,
}

/// When a list of evaluations is answered no further.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Body {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        let refused = |fault| RequestError::new("", fault);
        if bytes.len() > MAX_REQUEST_BYTES {
            let bytes = bytes.len();
            return Err(refused(RequestFault::TooLarge { bytes }));
        }
        let members = parse_object(bytes).map_err(|e| refused(RequestFault::Json(e)))?;
        Ok(Self { members })
    }

    pub(super) fn root(&self) -> Place<'_> {
        Place {
            members: &self.members,
            pointer: String::new(),
        }
    }

    /// The items of `evaluations`, each an object or an error of its own; none
    /// where there is no such member.
    pub(super) fn evaluations(&self) -> Result<Vec<Item<'_>>, RequestError> {
        let Some(value) = self.members.get("evaluations") else {
            return Ok(Vec::new());
        };
        let refused = |pointer: &str, fault| Err(RequestError::new(pointer, fault));
        let expected = "a list of evaluations";
        let Value::Array(items) = value else {
            return refused("/evaluations", RequestFault::Shape { expected });
        };
        if items.len() > MAX_EVALUATIONS {
            let found = items.len();
            return refused("/evaluations", RequestFault::TooMany { found });
        }
        let items = items.iter().enumerate().map(|(i, item)| {
            let pointer = format!("/evaluations/{i}");
            match item {
                Value::Object(members) => Ok(Place { members, pointer }),
                _ => Err(shape(pointer, "an object")),
            }
        });
        Ok(items.collect())
    }
}

impl<'b> Place<'b> {
    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Option<Place<'b>>, RequestError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Place {
                members,
                pointer: self.below(name),
            })),
            Some(_) => Err(shape(self.below(name), "an object")),
        }
    }

    pub(super) fn required(&self, name: &'static str) -> Result<Place<'b>, RequestError> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'b str, RequestError> {
        match self.members.get(name) {
            None => Err(self.missing(name)),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(shape(self.below(name), "a string")),
        }
    }

    /// A member as it stands.
    pub(super) fn get(&self, name: &str) -> Option<&'b Value> {
        self.members.get(name)
    }

    pub(super) fn properties(&self) -> Result<Option<&'b Map<String, Value>>, RequestError> {
        Ok(self.object("properties")?.map(|place| place.members))
    }

    pub(super) fn missing(&self, member: &'static str) -> RequestError {
        RequestError::new(self.pointer.clone(), RequestFault::Missing { member })
    }

    fn entity(&self) -> Result<Entity<'b>, RequestError> {
        Ok(Entity {
            kind: self.text("type")?,
            id: self.text("id")?,
        })
    }

    /// As [`Self::entity`], with the type of the default of that name where
    /// its own is lacking.
    fn entity_or_type_of(
        &self,
        defaults: &Place<'b>,
        name: &'static str,
    ) -> Result<Entity<'b>, RequestError> {
        let id = self.text("id")?;
        if self.get("type").is_none()
            && let Some(default) = defaults.object(name)?
            && default.get("type").is_some()
        {
            let kind = default.text("type")?;
            return Ok(Entity { kind, id });
        }
        self.entity()
    }
}

pub(super) fn shape(pointer: impl Into<String>, expected: &'static str) -> RequestError {
    RequestError::new(pointer, RequestFault::Shape { expected })
}

impl Entity<'_> {
    /// `type:id`, whose form is checked where it becomes a party.
    pub(super) fn principal(self) -> String {
        format!("{}:{}", self.kind, self.id)
    }

    /// `type:id`, which is never taken for a path.
    pub(super) fn object(self) -> Result<String, Denial> {
        let object = self.principal();
        if let Err(reason) = identifier::object(&object) {
            let message = format!("`{}`: {reason}", object.escape_debug());
            return Err(Denial::new(Reason::ResourceMalformed, message));
        }
        self.check_type().map(|()| object)
    }

    /// What begins with `/` would be a path, which no type can make of an id.
    pub(super) fn check_type(self) -> Result<(), Denial> {
        if self.kind.starts_with('/') {
            let message = "a resource's type cannot begin with `/`";
            return Err(Denial::new(Reason::ResourceMalformed, message));
        }
        Ok(())
    }
}

impl<'b> Question<'b> {
    /// Reads one evaluation. What `own` does not say at all is taken from
    /// `defaults`, each member as a whole; of a subject or a resource that has
    /// no type, the type too. An id never is: what lost its id on the way must
    /// not be taken for something else.
    pub(super) fn read(own: &Place<'b>, defaults: &Place<'b>) -> Result<Self, RequestError> {
        let member = |name| match own.object(name)? {
            Some(place) => Ok(Some(place)),
            None => defaults.object(name),
        };
        let required = |name| member(name)?.ok_or_else(|| own.missing(name));
        let subject = required("subject")?;
        let action = required("action")?;
        let resource = required("resource")?;
        Ok(Self {
            subject: subject.entity_or_type_of(defaults, "subject")?,
            action: action.text("name")?,
            resource: resource.entity_or_type_of(defaults, "resource")?,
            values: Values {
                context: member("context")?.map(|place| place.members),
                subject: subject.properties()?,
                action: action.properties()?,
                resource: resource.properties()?,
            },
        })
    }
}

/// A search: an evaluation of which one part is asked for.
pub(super) struct Search<'b> {
    /// The type alone, where subjects are searched for.
    pub(super) subject: Entity<'b>,
    /// Empty where actions are searched for.
    pub(super) action: &'b str,
    /// The type alone, where resources are searched for.
    pub(super) resource: Entity<'b>,
    pub(super) values: Values<'b>,
}

/// What a search asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Subjects,
    Resources,
    Actions,
}

impl<'b> Search<'b> {
    /// Reads a search. An `id` of what is searched for is ignored, whatever it
    /// is, and so is an `action` where actions are.
    pub(super) fn read(root: &Place<'b>, wanted: Wanted) -> Result<Self, RequestError> {
        let subject = root.required("subject")?;
        let resource = root.required("resource")?;
        let action = match wanted {
            Wanted::Actions => None,
            _ => Some(root.required("action")?),
        };
        let entity = |place: &Place<'b>, sought| match sought {
            true => Ok(Entity {
                kind: place.text("type")?,
                id: "",
            }),
            false => place.entity(),
        };
        Ok(Self {
            subject: entity(&subject, wanted == Wanted::Subjects)?,
            action: match &action {
                Some(action) => action.text("name")?,
                None => "",
            },
            resource: entity(&resource, wanted == Wanted::Resources)?,
            values: Values {
                context: root.object("context")?.map(|place| place.members),
                subject: subject.properties()?,
                action: match &action {
                    Some(action) => action.properties()?,
                    None => None,
                },
                resource: resource.properties()?,
            },
        })
    }
}

impl Values<'_> {
    /// As conditions see them, before what the host says.
    pub(super) fn all(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for (part, properties) in [
            ("subject", self.subject),
            ("action", self.action),
            ("resource", self.resource),
        ] {
            for (name, value) in properties.into_iter().flatten() {
                all.insert(format!("{part}_{name}"), value.clone());
            }
        }
        // As in OpenFGA, so that one model answers alike on both.
        all.extend(self.context.cloned().unwrap_or_default());
        all
    }
}

impl Semantic {
    pub(super) fn read(root: &Place<'_>) -> Result<Self, RequestError> {
        let Some(options) = root.object("options")? else {
            return Ok(Self::ExecuteAll);
        };
        match options.get("evaluations_semantic") {
            None => Ok(Self::ExecuteAll),
            Some(Value::String(name)) => match name.as_str() {
                "execute_all" => Ok(Self::ExecuteAll),
                "deny_on_first_deny" => Ok(Self::DenyOnFirstDeny),
                "permit_on_first_permit" => Ok(Self::PermitOnFirstPermit),
                _ => Err(RequestError::new(
                    options.below("evaluations_semantic"),
                    RequestFault::Semantic,
                )),
            },
            Some(_) => Err(shape(options.below("evaluations_semantic"), "a string")),
        }
    }

    /// Whether nothing is answered after such a decision.
    pub(super) fn stops_at(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}
