use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::error::ScopeError;
use super::meaning::ResourceReach;
use crate::action::Pattern;

/// The longest `scope` or `scp` text that is read, in bytes: twice what most
/// servers take as one header line.
pub const MAX_SCOPE_BYTES: usize = 16_384;

/// The most entries that are read from one claim: scopes, permissions of all
/// entities together, rules, or details.
pub const MAX_SCOPES: usize = 4_096;

/// A claim that carries scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeClaim {
    /// `scope`: RFC 6749's list in one string (RFC 8693 §4.2), or as an array.
    Scope,
    /// `scp`: the same as a string, or as an array of scope tokens.
    Scp,
    /// `permissions`: an array of names, or FusionAuth's map from entity id to
    /// names.
    Permissions,
    /// `authorization_details`: RFC 9396.
    AuthorizationDetails,
    /// `https://fusebit.io/permissions`: `{"allow":[{"action","resource"}]}`.
    Fusebit,
}

impl ScopeClaim {
    /// Every claim that carries scopes.
    pub const ALL: [ScopeClaim; 5] = [
        ScopeClaim::Scope,
        ScopeClaim::Scp,
        ScopeClaim::Permissions,
        ScopeClaim::AuthorizationDetails,
        ScopeClaim::Fusebit,
    ];

    /// The claim's name in a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ScopeClaim::Scope => "scope",
            ScopeClaim::Scp => "scp",
            ScopeClaim::Permissions => "permissions",
            ScopeClaim::AuthorizationDetails => "authorization_details",
            ScopeClaim::Fusebit => "https://fusebit.io/permissions",
        }
    }
}

/// The scopes that a token claims, that a request asks for, or that the
/// snapshot gives an actor: checked for their grammar, not yet for what they
/// mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet {
    pub(crate) scope: Option<Vec<Box<str>>>,
    pub(crate) scp: Option<Vec<Box<str>>>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) details: Option<Vec<Detail>>,
    pub(crate) rules: Option<Vec<Rule>>,
    /// SMART's launch context: the one patient that `patient/` scopes mean.
    pub(crate) patient: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permissions {
    Names(Vec<Box<str>>),
    ByEntity(BTreeMap<Box<str>, Vec<Box<str>>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) detail_type: Box<str>,
    pub(crate) actions: Vec<Box<str>>,
    pub(crate) identifier: Option<Box<str>>,
    pub(crate) locations: Option<Vec<Box<str>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) action: Pattern,
    pub(crate) resource: ResourceReach,
    /// The resource as it was written.
    pub(crate) written: Box<str>,
}

impl ScopeSet {
    /// Reads RFC 6749 §3.3's list: printable ASCII without `"` and `\`, one
    /// space between names, each kept as it is written. The empty text is the
    /// empty set, which covers nothing.
    ///
    /// # Errors
    ///
    /// [`ScopeError::Grammar`], and [`ScopeError::TooLong`] beyond
    /// [`MAX_SCOPE_BYTES`] or [`MAX_SCOPES`].
    pub fn parse(text: &str) -> Result<ScopeSet, ScopeError> {
        Ok(ScopeSet {
            scope: Some(tokens("scope", text)?),
            ..ScopeSet::default()
        })
    }

    /// A set of scope tokens, one each.
    ///
    /// # Errors
    ///
    /// As [`parse`](ScopeSet::parse); a token may hold no space.
    pub fn from_tokens<'t>(
        each: impl IntoIterator<Item = &'t str>,
    ) -> Result<ScopeSet, ScopeError> {
        let mut scope = Vec::new();
        for text in each {
            push(&mut scope, "scope", token(text)?)?;
        }
        Ok(ScopeSet {
            scope: Some(scope),
            ..ScopeSet::default()
        })
    }

    /// Reads every claim of a token that carries scopes; `None` where it has
    /// none of them, which is not the same as an empty one.
    ///
    /// # Errors
    ///
    /// Any claim that is not of its shape refuses the whole token: what is
    /// not understood might be a restriction.
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Option<ScopeSet>, ScopeError> {
        ScopeSet::from_selected(claims, &ScopeClaim::ALL)
    }

    /// [`from_claims`](ScopeSet::from_claims) for an issuer that carries its
    /// scopes only in some claims; the others are not looked at.
    ///
    /// # Errors
    ///
    /// As [`from_claims`](ScopeSet::from_claims).
    pub fn from_selected(
        claims: &Map<String, Value>,
        selected: &[ScopeClaim],
    ) -> Result<Option<ScopeSet>, ScopeError> {
        let mut set = ScopeSet::default();
        let mut found = false;
        for claim in selected {
            let Some(value) = claims.get(claim.name()) else {
                continue;
            };
            found = true;
            match claim {
                ScopeClaim::Scope => set.scope = Some(read_tokens("scope", value)?),
                ScopeClaim::Scp => set.scp = Some(read_tokens("scp", value)?),
                ScopeClaim::Permissions => set.permissions = Some(read_permissions(value)?),
                ScopeClaim::AuthorizationDetails => set.details = Some(read_details(value)?),
                ScopeClaim::Fusebit => set.rules = Some(read_rules(value)?),
            }
        }
        set.patient = patient(claims);
        Ok(found.then_some(set))
    }

    /// The scope tokens of several values together, each a text or a list, as
    /// `scp` is.
    pub(crate) fn from_values(
        values: &[&Value],
        claims: &Map<String, Value>,
    ) -> Result<ScopeSet, ScopeError> {
        let mut scope = Vec::new();
        for value in values {
            for token in read_tokens("scope", value)? {
                push(&mut scope, "scope", &token)?;
            }
        }
        Ok(ScopeSet {
            scope: Some(scope),
            patient: patient(claims),
            ..ScopeSet::default()
        })
    }

    /// The claims that say the same as this set, for the next token of an
    /// exchange that asked for no scope of its own.
    #[must_use]
    pub fn to_claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut set =
            |claim: ScopeClaim, value: Value| claims.insert(claim.name().to_owned(), value);
        if let Some(tokens) = &self.scope {
            set(ScopeClaim::Scope, tokens.join(" ").into());
        }
        if let Some(tokens) = &self.scp {
            set(ScopeClaim::Scp, json!(tokens));
        }
        match &self.permissions {
            Some(Permissions::Names(names)) => {
                set(ScopeClaim::Permissions, json!(names));
            }
            Some(Permissions::ByEntity(entities)) => {
                set(ScopeClaim::Permissions, json!(entities));
            }
            None => {}
        }
        if let Some(details) = &self.details {
            let details = details.iter().map(Detail::to_json).collect();
            set(ScopeClaim::AuthorizationDetails, details);
        }
        if let Some(rules) = &self.rules {
            let rules: Vec<Value> = rules
                .iter()
                .map(|rule| json!({"action": rule.action.as_str(), "resource": rule.written}))
                .collect();
            set(ScopeClaim::Fusebit, json!({ "allow": rules }));
        }
        if let Some(patient) = &self.patient {
            claims.insert("patient".to_owned(), json!(patient));
        }
        claims
    }

    /// The scope tokens of `scope` and `scp`, in the order claimed.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        [&self.scope, &self.scp]
            .into_iter()
            .flatten()
            .flatten()
            .map(|token| &**token)
    }

    /// This set, asked for by a holder of `held`: it is about the same patient.
    #[must_use]
    pub fn asked_by_holder_of(mut self, held: &ScopeSet) -> ScopeSet {
        self.patient.clone_from(&held.patient);
        self
    }

    /// This set with the scope tokens of `asked` in place of its own. Other
    /// claims go on narrowing beside them; authorization details, which give
    /// beside a scope, are left out.
    #[must_use]
    pub(crate) fn with_tokens_of(&self, asked: ScopeSet) -> ScopeSet {
        ScopeSet {
            scope: asked.scope,
            scp: None,
            permissions: self.permissions.clone(),
            details: None,
            rules: self.rules.clone(),
            patient: self.patient.clone(),
        }
    }

    /// Leaves out the scope tokens of `scope` and `scp` that are not kept.
    pub(crate) fn retain_tokens(&mut self, keep: impl Fn(&str) -> bool) {
        for tokens in [&mut self.scope, &mut self.scp].into_iter().flatten() {
            tokens.retain(|token| keep(token));
        }
    }
}

/// The scope tokens as one `scope` text.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seen = Vec::new();
        for token in self.tokens() {
            if seen.contains(&token) {
                continue;
            }
            if !seen.is_empty() {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
            seen.push(token);
        }
        Ok(())
    }
}

impl Detail {
    pub(crate) fn to_json(&self) -> Value {
        let mut detail = Map::new();
        detail.insert("type".to_owned(), json!(self.detail_type));
        detail.insert("actions".to_owned(), json!(self.actions));
        if let Some(identifier) = &self.identifier {
            detail.insert("identifier".to_owned(), json!(identifier));
        }
        if let Some(locations) = &self.locations {
            detail.insert("locations".to_owned(), json!(locations));
        }
        Value::Object(detail)
    }
}

/// Whether a text is one scope token of RFC 6749 §3.3.
pub(crate) fn is_token(text: &str) -> bool {
    token(text).is_ok()
}

fn token(text: &str) -> Result<&str, ScopeError> {
    // NQCHAR = %x21 / %x23-5B / %x5D-7E
    let allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    match text.char_indices().find(|(_, c)| !allowed(*c)) {
        Some((position, found)) => Err(ScopeError::Grammar {
            position,
            found: Some(found),
        }),
        None if text.is_empty() => Err(ScopeError::Grammar {
            position: 0,
            found: None,
        }),
        None => Ok(text),
    }
}

fn tokens(claim: &'static str, text: &str) -> Result<Vec<Box<str>>, ScopeError> {
    if text.len() > MAX_SCOPE_BYTES {
        return Err(ScopeError::TooLong {
            claim,
            limit: MAX_SCOPE_BYTES,
        });
    }
    let mut all = Vec::new();
    if text.is_empty() {
        return Ok(all);
    }
    let mut start = 0;
    for part in text.split(' ') {
        if part.is_empty() {
            let rest = text.get(start..).unwrap_or_default();
            return Err(ScopeError::Grammar {
                position: start,
                found: rest.chars().next(),
            });
        }
        let part_token = token(part).map_err(|error| match error {
            ScopeError::Grammar { position, found } => ScopeError::Grammar {
                position: start + position,
                found,
            },
            other => other,
        })?;
        push(&mut all, claim, part_token)?;
        start += part.len() + 1;
    }
    Ok(all)
}

/// Adds an entry; a set keeps each once.
fn push(all: &mut Vec<Box<str>>, claim: &'static str, text: &str) -> Result<(), ScopeError> {
    if all.len() >= MAX_SCOPES {
        return Err(ScopeError::TooLong {
            claim,
            limit: MAX_SCOPES,
        });
    }
    if !all.iter().any(|own| **own == *text) {
        all.push(text.into());
    }
    Ok(())
}

fn shape(claim: impl Into<String>, expected: &'static str) -> ScopeError {
    ScopeError::Shape {
        claim: claim.into(),
        expected,
    }
}

fn patient(claims: &Map<String, Value>) -> Option<Box<str>> {
    let patient = claims.get("patient").and_then(Value::as_str);
    patient.map(Into::into)
}

/// A text of scope tokens or a list of them: providers write `scope` both ways.
fn read_tokens(claim: &'static str, value: &Value) -> Result<Vec<Box<str>>, ScopeError> {
    let expected = "a string or an array of strings";
    match value {
        Value::String(text) => tokens(claim, text),
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                let text = item.as_str().ok_or_else(|| shape(claim, expected))?;
                push(&mut all, claim, token(text)?)?;
            }
            Ok(all)
        }
        _ => Err(shape(claim, expected)),
    }
}

fn read_permissions(value: &Value) -> Result<Permissions, ScopeError> {
    match value {
        Value::Array(items) => names("permissions", items).map(Permissions::Names),
        Value::Object(entities) => {
            let mut read = BTreeMap::new();
            let mut count = 0;
            for (id, list) in entities {
                let claim = || format!("permissions/{}", pointer_token(id));
                let items = list.as_array();
                let items = items.ok_or_else(|| shape(claim(), "an array of strings"))?;
                let list = names(&claim(), items)?;
                count += list.len() + 1;
                if count > MAX_SCOPES {
                    return Err(ScopeError::TooLong {
                        claim: "permissions",
                        limit: MAX_SCOPES,
                    });
                }
                read.insert(id.as_str().into(), list);
            }
            Ok(Permissions::ByEntity(read))
        }
        _ => Err(shape(
            "permissions",
            "an array of strings, or an object of such arrays",
        )),
    }
}

/// Permission names are compared as they are; spaces in them are allowed.
fn names(claim: &str, items: &[Value]) -> Result<Vec<Box<str>>, ScopeError> {
    let mut all = Vec::new();
    for item in items {
        let name = item.as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| shape(claim, "an array of names, none of them empty"))?;
        push(&mut all, "permissions", name)?;
    }
    Ok(all)
}

fn read_details(value: &Value) -> Result<Vec<Detail>, ScopeError> {
    let name = "authorization_details";
    let items = value.as_array().ok_or_else(|| shape(name, "an array"))?;
    if items.len() > MAX_SCOPES {
        return Err(ScopeError::TooLong {
            claim: name,
            limit: MAX_SCOPES,
        });
    }
    let read = |(index, item): (usize, &Value)| read_detail(&format!("{name}/{index}"), item);
    items.iter().enumerate().map(read).collect()
}

fn read_detail(claim: &str, value: &Value) -> Result<Detail, ScopeError> {
    let members = value.as_object();
    let members = members.ok_or_else(|| shape(claim, "an object with a `type`"))?;
    // RFC 9396 §2.2 names more members than these, and types define their own.
    // Each may restrict the rest, so none may be passed over.
    known_members(
        claim,
        members,
        &["type", "actions", "identifier", "locations"],
    )?;
    let text = |member: &str| match members.get(member) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        None => Ok(None),
        Some(_) => Err(shape(format!("{claim}/{member}"), "a string, not empty")),
    };
    let list = |member: &str| match members.get(member) {
        Some(Value::Array(items)) => names(&format!("{claim}/{member}"), items).map(Some),
        None => Ok(None),
        Some(_) => Err(shape(format!("{claim}/{member}"), "an array of strings")),
    };
    let detail_type = text("type")?.ok_or_else(|| shape(claim, "an object with a `type`"))?;
    Ok(Detail {
        detail_type: detail_type.into(),
        actions: list("actions")?.unwrap_or_default(),
        identifier: text("identifier")?.map(Into::into),
        locations: list("locations")?,
    })
}

fn read_rules(value: &Value) -> Result<Vec<Rule>, ScopeError> {
    let name = ScopeClaim::Fusebit.name();
    let expected = "an object with an array `allow`";
    let members = value.as_object().ok_or_else(|| shape(name, expected))?;
    known_members(name, members, &["allow"])?;
    let allow = members.get("allow").and_then(Value::as_array);
    let allow = allow.ok_or_else(|| shape(name, expected))?;
    if allow.len() > MAX_SCOPES {
        return Err(ScopeError::TooLong {
            claim: name,
            limit: MAX_SCOPES,
        });
    }
    let mut rules = Vec::new();
    for (index, item) in allow.iter().enumerate() {
        let claim = format!("{name}/allow/{index}");
        let expected = "an object of the strings `action` and `resource`";
        let members = item.as_object().ok_or_else(|| shape(&claim, expected))?;
        known_members(&claim, members, &["action", "resource"])?;
        let text = |member: &str| {
            let text = members.get(member).and_then(Value::as_str);
            text.ok_or_else(|| shape(&claim, expected))
        };
        let written = text("resource")?;
        rules.push(Rule {
            action: Pattern::parse(text("action")?).map_err(ScopeError::Action)?,
            resource: ResourceReach::parse(written)?,
            written: written.into(),
        });
    }
    Ok(rules)
}

fn known_members(
    claim: &str,
    members: &Map<String, Value>,
    known: &[&str],
) -> Result<(), ScopeError> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(member) => Err(ScopeError::UnknownMember {
            claim: claim.to_owned(),
            member: member.clone(),
        }),
        None => Ok(()),
    }
}

/// RFC 6901 §3.
pub(crate) fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
