//! The forms in which a snapshot may hold an issuer's keys.

use serde_json::{Map, Value};

use super::super::algorithm::Algorithm;
use super::super::json::shorten;
use super::jwk::{self, Jwk};
use super::pem::{self, Pem};
use super::{Entry, KeyFault};

/// A JSON pointer below `keys`, and what is wrong there.
type Fault = (String, KeyFault);

/// Reads every key, each with its JSON pointer below `keys`.
pub(super) fn read(keys: &Value, algorithms: &[Algorithm]) -> Result<Vec<(String, Entry)>, Fault> {
    let mut reader = Reader {
        algorithms,
        secrets: false,
        public: false,
        entries: Vec::new(),
    };
    match keys {
        Value::Object(members) => match members.get("keys") {
            Some(Value::Array(list)) => {
                for (index, key) in list.iter().enumerate() {
                    reader.jwk(&format!("/keys/{index}"), key, None)?;
                }
            }
            _ => {
                for (kid, key) in members {
                    let pointer = format!("/{}", escape(kid));
                    match key {
                        Value::String(text) => reader.pem(&pointer, kid, text, None)?,
                        key => reader.jwk(&pointer, key, Some(kid))?,
                    }
                }
            }
        },
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                reader.listed(&format!("/{index}"), item)?;
            }
        }
        _ => {
            let expected =
                "a JWKS, a map from key id to key, or a list of PEM texts with their ids";
            return Err((String::new(), KeyFault::Shape { expected }));
        }
    }
    // RFC 8725 §3.1 and §3.5: a set in which one key is public and another is a
    // secret invites using the first as the second.
    if reader.secrets && reader.public {
        return Err((String::new(), KeyFault::Mixed));
    }
    Ok(reader.entries)
}

struct Reader<'a> {
    algorithms: &'a [Algorithm],
    secrets: bool,
    public: bool,
    entries: Vec<(String, Entry)>,
}

impl Reader<'_> {
    /// A JWK, whose id is its own `kid` or, in a map, its name there.
    fn jwk(&mut self, pointer: &str, key: &Value, name: Option<&str>) -> Result<(), Fault> {
        let at = |below: &str, fault: KeyFault| {
            let slash = if below.is_empty() { "" } else { "/" };
            (format!("{pointer}{slash}{below}"), fault)
        };
        let Some(members) = key.as_object() else {
            let expected = if name.is_some() {
                "a PEM text or a JWK"
            } else {
                "a JWK, which is an object"
            };
            return Err(at("", KeyFault::Shape { expected }));
        };
        let kid = match (members.get("kid"), name) {
            (Some(Value::String(kid)), None) => kid.clone(),
            (Some(Value::String(kid)), Some(name)) if kid == name => kid.clone(),
            (Some(Value::String(_)), Some(_)) => {
                let expected = "the same as its name in the map";
                return Err(at(
                    "kid",
                    KeyFault::Member {
                        member: "kid",
                        expected,
                    },
                ));
            }
            (Some(_), _) => {
                return Err(at(
                    "kid",
                    KeyFault::Member {
                        member: "kid",
                        expected: "a string",
                    },
                ));
            }
            (None, Some(name)) => name.to_owned(),
            (None, None) => {
                let expected = "present: tokens name their key by it";
                return Err(at(
                    "",
                    KeyFault::Member {
                        member: "kid",
                        expected,
                    },
                ));
            }
        };
        match Jwk::read(members).map_err(|(below, fault)| at(below, fault))? {
            Jwk::Unfit { reason, is_secret } => {
                self.note(is_secret);
                self.entries
                    .push((pointer.to_owned(), Entry::Unfit { kid, reason }));
            }
            Jwk::Sound {
                material,
                algorithm,
            } => {
                self.note(matches!(material, super::Material::Secret { .. }));
                self.add(pointer, kid, material, algorithm)?;
            }
        }
        Ok(())
    }

    fn pem(
        &mut self,
        pointer: &str,
        kid: &str,
        text: &str,
        algorithm: Option<Algorithm>,
    ) -> Result<(), Fault> {
        self.note(false);
        match pem::read(text).map_err(|fault| (pointer.to_owned(), fault))? {
            Pem::Unfit(reason) => {
                let entry = Entry::Unfit {
                    kid: kid.to_owned(),
                    reason: reason.to_owned(),
                };
                self.entries.push((pointer.to_owned(), entry));
                Ok(())
            }
            Pem::Sound(material) => {
                if let Some(algorithm) = algorithm
                    && algorithm.family() != material.family()
                {
                    let algorithm = algorithm.name();
                    let fault = KeyFault::Contradiction { algorithm };
                    return Err((format!("{pointer}/alg"), fault));
                }
                self.add(pointer, kid.to_owned(), material, algorithm)
            }
        }
    }

    /// One of a list: `{"kid","pem","alg"?}`, or Fusebit's
    /// `{"keyId","publicKey"}`.
    fn listed(&mut self, pointer: &str, item: &Value) -> Result<(), Fault> {
        let shape = || {
            let expected = "an object with `kid` and `pem`, and `alg` if it has several";
            (pointer.to_owned(), KeyFault::Shape { expected })
        };
        let members = item.as_object().ok_or_else(shape)?;
        let known = ["kid", "keyId", "pem", "publicKey", "alg"];
        if members.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(shape());
        }
        let one_of = |names: [&'static str; 2]| -> Result<&str, Fault> {
            let mut found = names.iter().filter_map(|name| members.get(*name));
            match (found.next(), found.next()) {
                (Some(Value::String(text)), None) => Ok(text),
                _ => Err(shape()),
            }
        };
        let kid = one_of(["kid", "keyId"])?;
        let text = one_of(["pem", "publicKey"])?;
        let algorithm =
            named_algorithm(members).map_err(|fault| (format!("{pointer}/alg"), fault))?;
        self.pem(pointer, kid, text, algorithm)
    }

    fn add(
        &mut self,
        pointer: &str,
        kid: String,
        material: super::Material,
        named: Option<Algorithm>,
    ) -> Result<(), Fault> {
        let bound = jwk::bind(kid, material, named, self.algorithms)
            .map_err(|fault| (pointer.to_owned(), fault))?;
        let entry = match bound {
            Ok(key) => Entry::Fit(key),
            Err((kid, reason)) => Entry::Unfit { kid, reason },
        };
        self.entries.push((pointer.to_owned(), entry));
        Ok(())
    }

    fn note(&mut self, is_secret: bool) {
        if is_secret {
            self.secrets = true;
        } else {
            self.public = true;
        }
    }
}

fn named_algorithm(members: &Map<String, Value>) -> Result<Option<Algorithm>, KeyFault> {
    let wrong = KeyFault::Member {
        member: "alg",
        expected: "a supported algorithm's name",
    };
    match members.get("alg") {
        None => Ok(None),
        Some(Value::String(name)) => Algorithm::from_name(name).map(Some).ok_or(wrong),
        Some(_) => Err(wrong),
    }
}

/// A name as a JSON pointer's token (RFC 6901 §3), cut to a sensible length.
fn escape(name: &str) -> String {
    shorten(name, 100).replace('~', "~0").replace('/', "~1")
}
