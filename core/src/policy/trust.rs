//! Trust: whose tokens count, what scopes mean, and who may act for whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::identifier;
use crate::scope::{Reach, ScopeContext, ScopePolicy, ScopeSections, ScopeSet};
use crate::snapshot::{DelegationRecord, Snapshot, SnapshotError, SnapshotErrorKind};
use crate::token::json::shorten;
use crate::token::{IssuerConfig, Issuers, TokenError, TupleTemplate};

use super::delegated;
use super::directory;
use super::plan::Plan;
use super::template;
use super::warning::{REVOKED_KEY, REVOKED_PRINCIPAL, REVOKED_TOKEN};

/// The sections about tokens, checked.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// The issuers, in the order of their names.
    pub(crate) issuers: Issuers,
    /// What scopes mean.
    pub(crate) scopes: ScopePolicy,
    /// Who may act for whom.
    pub(crate) delegation: Option<DelegationRecord>,
    /// What principals may use as actors.
    pub(crate) actor_scopes: BTreeMap<String, Reach>,
}

impl Trust {
    /// Checks the sections.
    pub(super) fn compile(snapshot: &Snapshot<'_>, plan: &Plan) -> Result<Self, SnapshotError> {
        let issuers = Issuers::compile(&snapshot.issuers, &snapshot.revoked)
            .map_err(|e| SnapshotErrorKind::Issuer(Box::new(e.fault)).at(e.pointer))?;
        delegated::check(snapshot, plan)?;
        // A slip here would revoke nobody, without a word.
        for principal in snapshot.revoked.principals.keys() {
            let member = principal.replace('~', "~0").replace('/', "~1");
            directory::object(principal, || format!("/revoked/principals/{member}"))?;
        }
        for (i, config) in snapshot.issuers.iter().enumerate() {
            check_templates(config, plan, &format!("/issuers/{i}"))?;
        }
        let scopes = ScopePolicy::compile(&ScopeSections {
            scopes: snapshot.scopes.clone(),
            aliases: snapshot.scope_aliases.clone(),
            dialects: snapshot.scope_dialects.clone(),
            details: snapshot.authorization_details.clone(),
        })
        .map_err(|e| SnapshotErrorKind::Scopes(Box::new(e.fault)).at(e.pointer))?;
        let mut actor_scopes = BTreeMap::new();
        for (i, principal) in snapshot.principals.iter().enumerate() {
            let refused = |e| SnapshotErrorKind::Scope(e).at(format!("/principals/{i}/scopes"));
            let each = principal.scopes.iter().map(String::as_str);
            let set = ScopeSet::from_tokens(each).map_err(refused)?;
            let reach = scopes
                .reach(&set, ScopeContext::default())
                .map_err(refused)?;
            actor_scopes.insert(principal.id.clone(), reach);
        }
        Ok(Self {
            issuers,
            scopes,
            delegation: snapshot.delegation.clone(),
            actor_scopes,
        })
    }

    /// What in `revoked` takes nothing back, with code, pointer and words.
    /// `known` says whether a section names a principal.
    pub(super) fn idle_revocations(
        &self,
        snapshot: &Snapshot<'_>,
        known: impl Fn(&str) -> bool,
    ) -> Vec<(&'static str, String, String)> {
        let mut idle = Vec::new();
        let revoked = &snapshot.revoked;
        for (i, _) in (0..).zip(&revoked.tokens).filter(|(_, id)| id.is_empty()) {
            let text = "a token's id is empty: it revokes no token";
            idle.push((
                REVOKED_TOKEN,
                format!("/revoked/tokens/{i}"),
                text.to_owned(),
            ));
        }
        for (i, key) in (0..).zip(&revoked.keys) {
            let text = match self.issuers.find(&key.issuer) {
                Err(_) => format!("no issuer is named `{}`", shorten(&key.issuer, 100)),
                Ok((_, issuer)) => match issuer.keys.find(Some(&key.kid)) {
                    Err(TokenError::KeyUnknown { .. }) => format!(
                        "`{}` has no key `{}`",
                        shorten(&key.issuer, 100),
                        shorten(&key.kid, 100)
                    ),
                    _ => continue,
                },
            };
            idle.push((REVOKED_KEY, format!("/revoked/keys/{i}"), text));
        }
        let templates = snapshot.issuers.iter();
        let templates = templates.flat_map(|issuer| [&issuer.subject, &issuer.actor]);
        let types: BTreeSet<&str> = templates
            .flatten()
            .filter_map(|template| Some(template.split_once(':')?.0))
            .collect();
        for principal in revoked.principals.keys() {
            let type_name = principal.split_once(':').map_or("", |(t, _)| t);
            if types.contains(type_name) || known(principal) {
                continue;
            }
            let member = principal.replace('~', "~0").replace('/', "~1");
            idle.push((
                REVOKED_PRINCIPAL,
                format!("/revoked/principals/{member}"),
                format!("nothing names `{}`", shorten(principal, 100)),
            ));
        }
        idle
    }
}

fn check_templates(config: &IssuerConfig, plan: &Plan, pointer: &str) -> Result<(), SnapshotError> {
    for (name, text) in [("subject", &config.subject), ("actor", &config.actor)] {
        let Some(text) = text else {
            continue;
        };
        let sample = template::fill(text, |claim| (!claim.is_empty()).then_some("x"));
        if !template::has_fixed_type(text)
            || sample.is_none_or(|sample| identifier::object(&sample).is_err())
        {
            let expected = "`type:` and a text with claims in braces, such as `user:{sub}`";
            return Err(value(text, expected).at(format!("{pointer}/{name}")));
        }
    }
    for (i, mapping) in config.claims.iter().enumerate() {
        let pointer = format!("{pointer}/claims/{i}");
        if mapping.claim.is_empty() {
            return Err(value("", "a claim's name").at(format!("{pointer}/claim")));
        }
        check_tuple(&mapping.tuple, plan, &format!("{pointer}/tuple"))?;
    }
    Ok(())
}

fn check_tuple(tuple: &TupleTemplate, plan: &Plan, pointer: &str) -> Result<(), SnapshotError> {
    let sample = |name: &str| match name {
        "subject" | "actor" => Some("a:x"),
        "value" => Some("x"),
        _ => None,
    };
    let user = template::fill(&tuple.user, sample);
    let whole = |text: &str| {
        ["{subject}", "{actor}"]
            .iter()
            .any(|party| text.starts_with(party))
    };
    if user.is_none_or(|user| identifier::user(&user).is_err())
        || !(whole(&tuple.user) || template::has_fixed_type(&tuple.user))
    {
        let expected = "`{subject}`, `{actor}` or `type:` and a text with `{value}`";
        return Err(value(&tuple.user, expected).at(format!("{pointer}/user")));
    }
    let object = template::fill(&tuple.object, sample);
    if object.is_none_or(|object| identifier::object(&object).is_err())
        || !(whole(&tuple.object) || template::has_fixed_type(&tuple.object))
    {
        let expected = "`{subject}`, `{actor}` or `type:` and a text with `{value}`";
        return Err(value(&tuple.object, expected).at(format!("{pointer}/object")));
    }
    // A mapping that could never give a tuple would deny every token.
    if let Some((type_name, _)) = tuple.object.split_once(':')
        && !whole(&tuple.object)
    {
        let known = plan
            .type_id(type_name)
            .and_then(|t| plan.relation(t, &tuple.relation));
        if known.is_none() {
            let found = format!("{type_name}#{}", tuple.relation);
            let expected = "a relation that the model defines";
            return Err(value(&found, expected).at(format!("{pointer}/relation")));
        }
    }
    Ok(())
}

fn value(found: &str, expected: &'static str) -> SnapshotErrorKind {
    SnapshotErrorKind::Value {
        found: found.to_owned(),
        expected,
    }
}
