//! Reads a document and its lists of tuples, one tuple after the other.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Map;

use super::Openfga;
use crate::import::document::Document;
use crate::import::error::ImportError;

/// The members that hold tuples, as exports, Read and Write have them, in
/// snake and in camel case.
const LISTS: [&str; 3] = ["tuples", "tuple_keys", "tupleKeys"];

/// Reads a whole document.
pub(super) fn whole<'de, D: Deserializer<'de>>(
    import: &mut Openfga,
    document: D,
) -> Result<(), D::Error> {
    document.deserialize_any(Reader { import, list: None })
}

struct Reader<'i> {
    import: &'i mut Openfga,
    /// Where the list stands; none for the document itself.
    list: Option<String>,
}

impl Reader<'_> {
    fn shape<E>(self) -> Result<(), E> {
        let error = match self.list {
            Some(list) => ImportError::shape(list, "a list of tuples"),
            None => {
                let expected = "a store file, a list of tuples, or an authorization model";
                ImportError::shape(self.import.pointer(), expected)
            }
        };
        self.import.ledger.refuse(error);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    /// An empty file of YAML is an empty list, and so is a member without one.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.shape()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.shape()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.shape()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.shape()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.shape()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let list = self.list.unwrap_or_else(|| self.import.pointer());
        while let Some(Document(item)) = items.next_element()? {
            self.import.take(&list, &item);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if self.list.is_some() {
            while members.next_entry::<String, Document>()?.is_some() {}
            return self.shape();
        }
        let (mut others, mut lists) = (Map::new(), Vec::new());
        while let Some(name) = members.next_key::<String>()? {
            if others.contains_key(&name) || lists.contains(&name) {
                let said = format!("the member `{}` is there twice", name.escape_debug());
                return Err(A::Error::custom(said));
            }
            if LISTS.contains(&&*name) {
                let list = Some(format!("{}/{name}", self.import.pointer()));
                let import = &mut *self.import;
                members.next_value_seed(Reader { import, list })?;
                lists.push(name);
            } else {
                let Document(value) = members.next_value()?;
                others.insert(name, value);
            }
        }
        self.import.members(others, lists.len());
        Ok(())
    }
}
