use serde_json::{Map, Value};

use super::error::{ImportError, ImportFault};

/// A value of a document, and where it stands.
#[derive(Clone)]
pub(super) struct Place<'v> {
    pub(super) value: &'v Value,
    pub(super) pointer: String,
}

impl<'v> Place<'v> {
    pub(super) fn new(value: &'v Value, pointer: impl Into<String>) -> Place<'v> {
        Place {
            value,
            pointer: pointer.into(),
        }
    }

    /// Several documents, each with its number.
    pub(super) fn documents(documents: &'v [Value]) -> impl Iterator<Item = Place<'v>> {
        let each = documents.iter().enumerate();
        each.map(|(index, value)| Place::new(value, format!("/{index}")))
    }

    pub(super) fn shape(&self, expected: &'static str) -> ImportError {
        ImportError::shape(&self.pointer, expected)
    }

    pub(super) fn fault(&self, fault: ImportFault) -> ImportError {
        ImportError::new(&self.pointer, fault)
    }

    pub(super) fn object(&self) -> Result<&'v Map<String, Value>, ImportError> {
        let members = self.value.as_object();
        members.ok_or_else(|| self.shape("an object"))
    }

    pub(super) fn text(&self) -> Result<&'v str, ImportError> {
        let text = self.value.as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| self.shape("a string, not empty"))
    }

    /// The items of an array.
    pub(super) fn items(&self) -> Result<Vec<Place<'v>>, ImportError> {
        let items = self.value.as_array();
        let items = items.ok_or_else(|| self.shape("an array"))?;
        let place = |(index, value)| Place::new(value, format!("{}/{index}", self.pointer));
        Ok(items.iter().enumerate().map(place).collect())
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Result<Vec<(&'v str, Place<'v>)>, ImportError> {
        let place = |(name, value): (&'v String, &'v Value)| {
            let pointer = format!("{}/{}", self.pointer, escaped(name));
            (name.as_str(), Place::new(value, pointer))
        };
        Ok(self.object()?.iter().map(place).collect())
    }

    /// A member, unless it is absent or null.
    pub(super) fn member(&self, name: &str) -> Result<Option<Place<'v>>, ImportError> {
        let value = self.object()?.get(name).filter(|value| !value.is_null());
        Ok(value.map(|value| Place::new(value, format!("{}/{}", self.pointer, escaped(name)))))
    }

    pub(super) fn required(&self, name: &'static str) -> Result<Place<'v>, ImportError> {
        let member = self.member(name)?;
        let pointer = format!("{}/{}", self.pointer, escaped(name));
        member.ok_or_else(|| ImportError::shape(pointer, "a value"))
    }

    /// The text of a member that must be there.
    pub(super) fn text_of(&self, name: &'static str) -> Result<&'v str, ImportError> {
        self.required(name)?.text()
    }

    /// Refuses members beyond these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ImportError> {
        self.only_of(&[known])
    }

    /// Refuses members beyond those of several lists.
    pub(super) fn only_of(&self, known: &[&[&str]]) -> Result<(), ImportError> {
        let known = |name: &str| known.iter().any(|list| list.contains(&name));
        let mut names = self.object()?.keys();
        match names.find(|name| !known(name)) {
            Some(member) => Err(self.fault(ImportFault::UnknownMember {
                member: member.clone(),
            })),
            None => Ok(()),
        }
    }

    /// Refuses an answer that says that there is another page, in whatever
    /// spelling. A token that is there and empty is the last page's.
    pub(super) fn last_page(&self) -> Result<(), ImportError> {
        for (name, value) in self.object()? {
            if is_next_page(name) && !is_nothing(value) {
                let what = format!("`{}` says that there is another page", name.escape_debug());
                return Err(self.fault(ImportFault::Incomplete { what }));
            }
        }
        Ok(())
    }
}

/// Whether a member of an answer names the next page.
pub(super) fn is_next_page(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    let known = [
        "continuationtoken",
        "cursor",
        "hasmore",
        "hasnext",
        "next",
        "nextcursor",
        "nextpage",
        "nextpagetoken",
        "nextresults",
        "nexttoken",
        "pagetoken",
    ];
    known.contains(&&*plain)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// RFC 6901 §3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
