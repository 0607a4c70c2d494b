use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Imported;
use super::error::{ImportError, ImportFault, Refused};
use super::ledger::Ledger;
use super::place::{Place, is_next_page};
use crate::action::Pattern;
use crate::path::Path;

/// What Fusebit's documents do not say about the tokens of their issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FusebitOptions {
    /// The audiences that tokens must name one of.
    pub audiences: Vec<String>,
    /// The algorithms they are signed with; Fusebit's are RS256.
    pub algorithms: Vec<String>,
}

impl Default for FusebitOptions {
    fn default() -> FusebitOptions {
        FusebitOptions {
            audiences: Vec::new(),
            algorithms: vec!["RS256".to_owned()],
        }
    }
}

/// The members of a JWK that only its owner may know (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Turns Fusebit's users, clients and issuers into a snapshot: principals with
/// their identities, access rules, and issuers with their keys.
///
/// A document is one of them, a list (`[…]`, `{"items":[…]}`), or an object
/// with the lists `users`, `clients`, `agents` and `issuers`. A user becomes
/// `user:<id>`, a client `service:<id>`, any other `agent:<id>`. Its issuers
/// map no subject to a principal by themselves: an identity is always the pair
/// of issuer and subject, so a `sub` that looks like somebody's id is nobody.
///
/// # Errors
///
/// A record of another shape or with a member that is not known, an access
/// rule with more than an action and a resource, a malformed action or path,
/// an identity that two principals claim, a private key, and one page of
/// several.
pub fn fusebit(documents: &[Value], options: &FusebitOptions) -> Result<Imported, Refused> {
    let mut reading = Reading {
        ledger: Ledger::default(),
        principals: BTreeMap::new(),
        access: Vec::new(),
        issuers: BTreeMap::new(),
        identities: BTreeMap::new(),
    };
    for document in Place::documents(documents) {
        if let Err(error) = reading.document(&document, options) {
            reading.ledger.refuse(error);
        }
    }
    if options.audiences.is_empty() && !reading.issuers.is_empty() {
        let message = "no audience is given: each request must name its own";
        reading.ledger.warn("", message);
    }
    let mut imported = Imported::new(reading.ledger);
    imported.section("principals", reading.principals.into_values());
    imported.section("access", reading.access);
    imported.section("issuers", reading.issuers.into_values());
    imported.unless_refused()
}

struct Reading {
    ledger: Ledger,
    principals: BTreeMap<String, (Value, String)>,
    access: Vec<(Value, String)>,
    issuers: BTreeMap<String, (Value, String)>,
    /// Issuer and subject, and the principal they are.
    identities: BTreeMap<(String, String), String>,
}

/// The lists of a document, and what is in each.
const LISTS: [(&str, &str); 5] = [
    ("items", "agent"),
    ("users", "user"),
    ("clients", "service"),
    ("agents", "agent"),
    ("issuers", "issuer"),
];

/// What is carried over of an agent, and what says who it is to people.
const AGENT: [&str; 7] = [
    "id",
    "identities",
    "access",
    "displayName",
    "firstName",
    "lastName",
    "primaryEmail",
];

/// What tells an issuer from an agent.
const KEYS: [&str; 5] = ["publicKeys", "jsonKeyUri", "jsonKeyUrl", "jwks", "keys"];

const ISSUER: [&str; 2] = ["id", "displayName"];

impl Reading {
    fn document(
        &mut self,
        document: &Place<'_>,
        options: &FusebitOptions,
    ) -> Result<(), ImportError> {
        if document.value.is_array() {
            return self.list(document, "agent", options);
        }
        let members = document.object()?;
        if !LISTS.iter().any(|(name, _)| members.contains_key(*name)) {
            self.record(document, "agent", options);
            return Ok(());
        }
        document.last_page()?;
        for (name, place) in document.members()? {
            match LISTS.iter().find(|(list, _)| *list == name) {
                Some((_, kind)) if !place.value.is_null() => self.list(&place, kind, options)?,
                None if !is_next_page(name) => {
                    let member = name.to_owned();
                    let fault = ImportFault::UnknownMember { member };
                    self.ledger.refuse(place.fault(fault));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        list: &Place<'_>,
        kind: &str,
        options: &FusebitOptions,
    ) -> Result<(), ImportError> {
        for item in list.items()? {
            self.record(&item, kind, options);
        }
        Ok(())
    }

    fn record(&mut self, record: &Place<'_>, kind: &str, options: &FusebitOptions) {
        self.ledger.open(&record.pointer);
        let members = record.value.as_object();
        let is_issuer = members.is_some_and(|own| KEYS.iter().any(|name| own.contains_key(*name)));
        let read = match (kind, is_issuer) {
            ("issuer", false) => Err(record.shape("an issuer, with its keys or where they are")),
            ("user" | "service", true) => Err(record.shape("a user or a client, without keys")),
            (_, true) => self.issuer(record, options),
            (_, false) => self.agent(record, kind),
        };
        if let Err(error) = read {
            self.ledger.refuse(error);
        }
    }

    fn agent(&mut self, agent: &Place<'_>, kind: &str) -> Result<(), ImportError> {
        agent.only(&AGENT)?;
        let id = agent.text_of("id")?;
        let refused = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
        if id.contains(refused) {
            return Err(agent.fault(ImportFault::Name {
                name: id.to_owned(),
                kind: "principal",
            }));
        }
        let own = match id.split_once('-') {
            Some(("usr", _)) => "user",
            Some(("clt", _)) => "service",
            _ => kind,
        };
        // Among users a client would be another principal than it is.
        if ["user", "service"].contains(&kind) && own != kind {
            return Err(agent.shape("an id that is not of the other list's records"));
        }
        let kind = own;
        let principal = format!("{kind}:{id}");
        let mut identities = Vec::new();
        if let Some(list) = agent.member("identities")? {
            for identity in list.items()? {
                identity.only(&["issuerId", "subject"])?;
                let issuer = identity.text_of("issuerId")?;
                let subject = identity.text_of("subject")?;
                let pair = (issuer.to_owned(), subject.to_owned());
                let owner = self.identities.insert(pair, principal.clone());
                if owner.is_some_and(|owner| owner != principal) {
                    return Err(identity.fault(ImportFault::Clash {
                        name: format!("{issuer} {subject}"),
                    }));
                }
                identities.push(json!({"issuer": issuer, "subject": subject}));
            }
        }
        if let Some(access) = agent.member("access")? {
            self.access(&principal, &access)?;
        }
        let entry = json!({"id": principal, "identities": identities});
        let entry = (entry, agent.pointer.clone());
        if self.principals.insert(principal, entry).is_some() {
            return Err(agent.fault(ImportFault::Clash {
                name: id.to_owned(),
            }));
        }
        Ok(())
    }

    fn access(&mut self, principal: &str, access: &Place<'_>) -> Result<(), ImportError> {
        // Fusebit's rules only allow. Anything else here might take away.
        access.only(&["allow"])?;
        let Some(allow) = access.member("allow")? else {
            return Ok(());
        };
        for rule in allow.items()? {
            rule.only(&["action", "resource"])?;
            let action = Pattern::parse(rule.text_of("action")?)
                .map_err(|error| rule.fault(ImportFault::Action(error)))?;
            let resource = rule.required("resource")?;
            let resource = resource
                .value
                .as_str()
                .ok_or_else(|| resource.shape("a path"))?;
            let resource =
                Path::parse(resource).map_err(|error| rule.fault(ImportFault::Path(error)))?;
            let entry = json!({
                "principal": principal, "action": action.as_str(), "resource": resource.as_str(),
            });
            self.access.push((entry, rule.pointer.clone()));
        }
        Ok(())
    }

    fn issuer(&mut self, issuer: &Place<'_>, options: &FusebitOptions) -> Result<(), ImportError> {
        issuer.only_of(&[&ISSUER, &KEYS])?;
        let id = issuer.text_of("id")?;
        let keys = match issuer.member("publicKeys")? {
            Some(list) => Some(pem_keys(&list)?),
            None => match issuer.member("jwks")?.or(issuer.member("keys")?) {
                Some(keys) => Some(json_keys(&keys)?),
                None => None,
            },
        };
        let Some(keys) = keys else {
            let message = format!(
                "the keys of `{id}` are at an address and not given; the issuer is left out"
            );
            self.ledger.warn(issuer.pointer.clone(), message);
            return Ok(());
        };
        let entry = json!({
            "issuer": id, "audiences": options.audiences, "algorithms": options.algorithms,
            "keys": keys, "scopes": "narrow",
        });
        let entry = (entry, issuer.pointer.clone());
        if self.issuers.insert(id.to_owned(), entry).is_some() {
            return Err(issuer.fault(ImportFault::Clash {
                name: id.to_owned(),
            }));
        }
        Ok(())
    }
}

/// `[{"keyId","publicKey"}]`, PEM texts.
fn pem_keys(list: &Place<'_>) -> Result<Value, ImportError> {
    let mut keys = Vec::new();
    for key in list.items()? {
        key.only(&["keyId", "publicKey"])?;
        let pem = key.text_of("publicKey")?;
        if pem.contains("PRIVATE KEY") {
            return Err(key.fault(ImportFault::PrivateKey));
        }
        keys.push(json!({"kid": key.text_of("keyId")?, "pem": pem}));
    }
    Ok(Value::Array(keys))
}

/// A JWKS, its list of keys alone, or a map from key id to key.
fn json_keys(keys: &Place<'_>) -> Result<Value, ImportError> {
    let each = match keys.value {
        Value::Array(_) => keys.items()?,
        _ => match keys.member("keys")?.filter(|list| list.value.is_array()) {
            Some(list) => list.items()?,
            None => keys.members()?.into_iter().map(|(_, key)| key).collect(),
        },
    };
    for key in each {
        let private = match key.value {
            Value::Object(members) => is_private(members),
            Value::String(pem) => pem.contains("PRIVATE KEY"),
            _ => return Err(key.shape("a JWK or a PEM text")),
        };
        if private {
            return Err(key.fault(ImportFault::PrivateKey));
        }
    }
    Ok(match keys.value {
        Value::Array(list) => json!({ "keys": list }),
        other => other.clone(),
    })
}

fn is_private(jwk: &Map<String, Value>) -> bool {
    PRIVATE_MEMBERS
        .iter()
        .any(|member| jwk.contains_key(*member))
}
