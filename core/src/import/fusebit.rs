use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Imported;
use super::error::{ImportError, ImportFault};
use super::place::Place;
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
/// A record of another shape, an access rule with more than an action and a
/// resource, a malformed action or path, an identity that two principals
/// claim, and a private key.
pub fn fusebit(documents: &[Value], options: &FusebitOptions) -> Result<Imported, ImportError> {
    let mut reading = Reading {
        imported: Imported::new(),
        principals: BTreeMap::new(),
        access: Vec::new(),
        issuers: BTreeMap::new(),
        identities: BTreeMap::new(),
    };
    for document in Place::documents(documents) {
        reading.document(&document, options)?;
    }
    if options.audiences.is_empty() && !reading.issuers.is_empty() {
        let message = "no audience is given: each request must name its own";
        reading.imported.warn("", message);
    }
    let Reading {
        mut imported,
        principals,
        access,
        issuers,
        ..
    } = reading;
    imported.section("principals", principals.into_values().collect());
    imported.section("access", access);
    imported.section("issuers", issuers.into_values().collect());
    Ok(imported)
}

struct Reading {
    imported: Imported,
    principals: BTreeMap<String, Value>,
    access: Vec<Value>,
    issuers: BTreeMap<String, Value>,
    /// Issuer and subject, and the principal they are.
    identities: BTreeMap<(String, String), String>,
}

impl Reading {
    fn document(
        &mut self,
        document: &Place<'_>,
        options: &FusebitOptions,
    ) -> Result<(), ImportError> {
        if document.value.is_array() {
            return self.list(document, "agent", options);
        }
        let lists = [
            ("items", "agent"),
            ("users", "user"),
            ("clients", "service"),
            ("agents", "agent"),
            ("issuers", "agent"),
        ];
        let mut found = false;
        for (name, kind) in lists {
            if let Some(list) = document.member(name)? {
                found = true;
                self.list(&list, kind, options)?;
            }
        }
        if found {
            return Ok(());
        }
        self.record(document, "agent", options)
    }

    fn list(
        &mut self,
        list: &Place<'_>,
        kind: &str,
        options: &FusebitOptions,
    ) -> Result<(), ImportError> {
        for item in list.items()? {
            self.record(&item, kind, options)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        record: &Place<'_>,
        kind: &str,
        options: &FusebitOptions,
    ) -> Result<(), ImportError> {
        let members = record.object()?;
        let is_issuer = ["publicKeys", "jsonKeyUri", "jsonKeyUrl", "jwks", "keys"];
        if is_issuer.iter().any(|name| members.contains_key(*name)) {
            return self.issuer(record, options);
        }
        self.agent(record, kind)
    }

    fn agent(&mut self, agent: &Place<'_>, kind: &str) -> Result<(), ImportError> {
        let id = agent.text_of("id")?;
        let refused = |c: char| matches!(c, ':' | '#') || c.is_whitespace() || c.is_control();
        if id.contains(refused) {
            return Err(agent.fault(ImportFault::Name {
                name: id.to_owned(),
                kind: "principal",
            }));
        }
        let kind = match id.split_once('-') {
            Some(("usr", _)) => "user",
            Some(("clt", _)) => "service",
            _ => kind,
        };
        let principal = format!("{kind}:{id}");
        let mut identities = Vec::new();
        if let Some(list) = agent.member("identities")? {
            for identity in list.items()? {
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
            self.access.push(json!({
                "principal": principal, "action": action.as_str(), "resource": resource.as_str(),
            }));
        }
        Ok(())
    }

    fn issuer(&mut self, issuer: &Place<'_>, options: &FusebitOptions) -> Result<(), ImportError> {
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
            self.imported.warn(issuer.pointer.clone(), message);
            return Ok(());
        };
        let entry = json!({
            "issuer": id, "audiences": options.audiences, "algorithms": options.algorithms,
            "keys": keys, "scopes": "narrow",
        });
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
