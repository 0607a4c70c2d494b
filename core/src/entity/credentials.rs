use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value, json};

use super::{ENTITY_TYPE, Entities, USER_TYPE};
use crate::order;
use crate::scope::{ScopeError, ScopePolicy, ScopeSet, TargetEntity};

/// What [`client_credentials`] needs to know of a snapshot. [`Entities`] is
/// one; a policy that knows more (disabled principals, users' tenants) is
/// another.
pub trait Directory {
    /// Who asks, by principal (`entity:<id>` or `user:<id>`); `None` where it
    /// is not known or may not ask.
    fn party(&self, principal: &str) -> Option<Party<'_>>;

    /// The entity that is asked for, by its id; `None` where it is not there.
    fn target(&self, id: &str) -> Option<Target<'_>>;

    /// The permissions of a principal on an entity; `None` without a grant.
    fn permissions(&self, principal: &str, id: &str) -> Option<Vec<Cow<'_, str>>>;
}

/// A principal that asks for a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party<'a> {
    /// Its tenants; empty where nothing is known of them.
    pub tenants: Vec<&'a str>,
    /// The lifetime of its tokens in seconds, where its type sets one.
    pub lifetime: Option<u64>,
}

/// An entity that a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Its tenant.
    pub tenant: Option<&'a str>,
}

/// A request for a token of the client credentials grant (RFC 6749 §4.4),
/// from a principal that has been authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CredentialsRequest<'a> {
    /// Who asks: `entity:<id>` or `user:<id>`.
    pub principal: &'a str,
    /// The `scope` parameter, where there is one.
    pub scope: Option<&'a str>,
    /// The id of the entity that an alias with `<id>` means.
    pub audience: Option<&'a str>,
    /// The tenant; needed where the principal is of several.
    pub tenant: Option<&'a str>,
}

/// The claims of a token as FusionAuth would issue it. `iss`, `iat`, `exp` and
/// `jti` are whoever signs it's to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `sub`: the id of the entity or user.
    pub subject: String,
    /// `tid`: the tenant's id.
    pub tenant: Option<String>,
    /// `scope`, as it was asked for.
    pub scope: Option<String>,
    /// `permissions`, and its members are `aud`: the entities, and what may be
    /// done with each. Empty where no scope was asked for.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// How long the token may live, in seconds, where the type says so.
    pub lifetime: Option<u64>,
}

impl Credentials {
    /// The claims as JSON. A token without a scope has neither `aud` nor
    /// `permissions`; one audience is a string, several are an array.
    #[must_use]
    pub fn to_claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("sub", json!(self.subject));
        if let Some(tenant) = &self.tenant {
            set("tid", json!(tenant));
        }
        if let Some(scope) = &self.scope {
            set("scope", json!(scope));
        }
        if !self.permissions.is_empty() {
            let mut audiences = self.permissions.keys();
            match (audiences.next(), self.permissions.len()) {
                (Some(only), 1) => set("aud", json!(only)),
                _ => set("aud", self.permissions.keys().cloned().collect()),
            };
            set("permissions", json!(self.permissions));
        }
        claims
    }
}

/// Why no token is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The policy lets nobody, or not this principal, have a token now.
    Denied {
        /// The stable code of the reason, e.g. `principal.disabled`.
        code: &'static str,
        /// The reason in words.
        message: String,
    },
    /// The principal is not known, or not one that this grant is for.
    UnknownClient {
        /// The principal as given.
        principal: String,
    },
    /// The principal is not of the tenant that was asked for.
    OtherTenant {
        /// The tenant that was asked for.
        tenant: String,
    },
    /// The principal is of several tenants, and the request names none.
    TenantNeeded,
    /// The scope parameter is malformed.
    Scope(ScopeError),
    /// A scope that is neither a `target-entity` nor an alias of one.
    UnknownScope {
        /// The scope.
        scope: String,
    },
    /// An alias that means an entity, where the request names none.
    AudienceNeeded {
        /// The alias.
        scope: String,
    },
    /// The entity is not in the principal's tenant, or nowhere.
    UnknownTarget {
        /// The entity's id.
        id: String,
    },
    /// The principal has no permission at all on the entity.
    NoGrant {
        /// The entity's id.
        id: String,
    },
    /// The principal has other permissions on the entity than this one.
    NotGranted {
        /// The entity's id.
        id: String,
        /// The permission asked for.
        permission: String,
    },
}

impl Refusal {
    /// The `error` of an OAuth error response (RFC 6749 §5.2, RFC 8707 §2).
    #[must_use]
    pub fn oauth_error(&self) -> &'static str {
        match self {
            // RFC 6749 §4.1.2.1's name for it; §5.2 has none of its own.
            Refusal::Denied { code, .. } if *code == "snapshot.stale" => "temporarily_unavailable",
            Refusal::Denied { .. } | Refusal::UnknownClient { .. } => "invalid_client",
            Refusal::OtherTenant { .. } => "unauthorized_client",
            Refusal::TenantNeeded => "invalid_request",
            Refusal::Scope(_)
            | Refusal::UnknownScope { .. }
            | Refusal::NoGrant { .. }
            | Refusal::NotGranted { .. } => "invalid_scope",
            Refusal::AudienceNeeded { .. } | Refusal::UnknownTarget { .. } => "invalid_target",
        }
    }

    /// A stable name for the kind of refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Denied { code, .. } => code,
            Refusal::UnknownClient { .. } => "credentials.unknown_client",
            Refusal::OtherTenant { .. } => "credentials.other_tenant",
            Refusal::TenantNeeded => "credentials.tenant_needed",
            Refusal::Scope(error) => error.code(),
            Refusal::UnknownScope { .. } => "credentials.unknown_scope",
            Refusal::AudienceNeeded { .. } => "credentials.audience_needed",
            Refusal::UnknownTarget { .. } => "credentials.unknown_target",
            Refusal::NoGrant { .. } => "credentials.no_grant",
            Refusal::NotGranted { .. } => "credentials.not_granted",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Denied { message, .. } => f.write_str(message),
            Refusal::UnknownClient { principal } => write!(
                f,
                "`{}` is no entity or user of this snapshot",
                principal.escape_debug()
            ),
            Refusal::OtherTenant { tenant } => write!(
                f,
                "the principal is not of the tenant `{}`; ask in one of its own",
                tenant.escape_debug()
            ),
            Refusal::TenantNeeded => {
                f.write_str("the principal is of several tenants; name the one that is meant")
            }
            Refusal::Scope(error) => error.fmt(f),
            Refusal::UnknownScope { scope } => write!(
                f,
                "scope `{}` is neither `target-entity:<id>[:<permission>,…]` nor an alias of such a scope",
                scope.escape_debug()
            ),
            Refusal::AudienceNeeded { scope } => write!(
                f,
                "scope `{scope}` means an entity; name its id as the audience"
            ),
            Refusal::UnknownTarget { id } => {
                write!(f, "there is no entity `{}`", id.escape_debug())
            }
            Refusal::NoGrant { id } => write!(
                f,
                "nothing is granted on the entity `{}`",
                id.escape_debug()
            ),
            Refusal::NotGranted { id, permission } => write!(
                f,
                "permission `{}` on the entity `{}` is not granted",
                permission.escape_debug(),
                id.escape_debug()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// Answers a request for a token as FusionAuth's token endpoint would, for
/// entities and for users alike.
///
/// Each permission that a scope names must be granted, whatever else is asked of
/// the same entity; a scope that names none gives all that are granted, and at
/// least one must be. So the `scope` that is written names nothing that was not
/// given.
///
/// # Errors
///
/// A [`Refusal`], with its OAuth error code; no part of a request is ever
/// given without the rest.
pub fn client_credentials(
    directory: &impl Directory,
    policy: &ScopePolicy,
    request: CredentialsRequest<'_>,
) -> Result<Credentials, Refusal> {
    let unknown = || Refusal::UnknownClient {
        principal: request.principal.to_owned(),
    };
    let (kind, subject) = request.principal.split_once(':').ok_or_else(unknown)?;
    if kind != ENTITY_TYPE && kind != USER_TYPE {
        return Err(unknown());
    }
    let party = directory.party(request.principal).ok_or_else(unknown)?;
    // What is decided of the tenant; a user of whom nothing is known is taken to
    // be where the first entity is that they have a grant on.
    let mut tenant = request_tenant(&party, request.tenant)?.map(Some);
    let mut permissions = BTreeMap::new();
    for (id, asked) in asked_entities(policy, &request)? {
        let target = directory.target(&id);
        // What lies in another tenant is reported as if it were not there.
        let target = target.filter(|target| tenant.is_none_or(|own| own == target.tenant));
        let Some(target) = target else {
            return Err(Refusal::UnknownTarget { id });
        };
        tenant = Some(target.tenant);
        let granted = directory.permissions(request.principal, &id);
        let granted = granted.unwrap_or_default();
        if granted.is_empty() {
            return Err(Refusal::NoGrant { id });
        }
        if let Some(missing) = asked
            .named
            .iter()
            .find(|name| !granted.iter().any(|g| g == *name))
        {
            let permission = missing.clone();
            return Err(Refusal::NotGranted { id, permission });
        }
        let given: BTreeSet<String> = if asked.all {
            order::set(granted.into_iter().map(Cow::into_owned))
        } else {
            asked.named
        };
        permissions.insert(id, given.into_iter().collect());
    }
    if let (Some(asked), true, true) = (
        request.tenant,
        party.tenants.is_empty(),
        permissions.is_empty(),
    ) {
        // Neither the principal nor an entity says that it is of this tenant.
        let tenant = asked.to_owned();
        return Err(Refusal::OtherTenant { tenant });
    }
    Ok(Credentials {
        subject: subject.to_owned(),
        tenant: tenant.flatten().map(str::to_owned),
        scope: request.scope.filter(|s| !s.is_empty()).map(str::to_owned),
        permissions,
        lifetime: party.lifetime,
    })
}

fn request_tenant<'a>(
    party: &Party<'a>,
    asked: Option<&'a str>,
) -> Result<Option<&'a str>, Refusal> {
    match (asked, party.tenants.as_slice()) {
        (Some(asked), tenants) if tenants.is_empty() || tenants.contains(&asked) => Ok(Some(asked)),
        (Some(asked), _) => Err(Refusal::OtherTenant {
            tenant: asked.to_owned(),
        }),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only)),
        (None, _) => Err(Refusal::TenantNeeded),
    }
}

/// What is asked of one entity. Several scopes for it are taken together.
#[derive(Default)]
struct Asked {
    /// These permissions.
    named: BTreeSet<String>,
    /// All that are granted.
    all: bool,
}

/// The entities asked for, with what is asked of each.
fn asked_entities(
    policy: &ScopePolicy,
    request: &CredentialsRequest<'_>,
) -> Result<BTreeMap<String, Asked>, Refusal> {
    let set = ScopeSet::parse(request.scope.unwrap_or_default()).map_err(Refusal::Scope)?;
    let mut entities: BTreeMap<String, Asked> = BTreeMap::new();
    for scope in set.tokens() {
        let alias = policy.alias_target(scope, request.audience);
        if alias.is_none() && policy.is_alias(scope) {
            return Err(Refusal::AudienceNeeded {
                scope: scope.to_owned(),
            });
        }
        let Some(target) = TargetEntity::parse(alias.as_deref().unwrap_or(scope)) else {
            return Err(Refusal::UnknownScope {
                scope: scope.to_owned(),
            });
        };
        let asked = entities.entry(target.id.to_owned()).or_default();
        asked.all |= target.permissions.is_empty();
        let names = target.permissions.iter();
        asked.named.extend(names.map(|name| (*name).to_owned()));
    }
    Ok(entities)
}

impl Directory for Entities {
    /// An entity of the snapshot, or a user who has a grant in it.
    fn party(&self, principal: &str) -> Option<Party<'_>> {
        let (kind, id) = principal.split_once(':')?;
        if kind == USER_TYPE {
            return self.has_grants(principal).then(Party::default);
        }
        let entity = self.entity(id).filter(|_| kind == ENTITY_TYPE)?;
        Some(Party {
            tenants: entity.tenant.as_deref().into_iter().collect(),
            lifetime: entity.lifetime,
        })
    }

    fn target(&self, id: &str) -> Option<Target<'_>> {
        self.entity(id).map(|entity| Target {
            tenant: entity.tenant.as_deref(),
        })
    }

    fn permissions(&self, principal: &str, id: &str) -> Option<Vec<Cow<'_, str>>> {
        let grant = self.grant(principal, id)?;
        Some(
            grant
                .permissions
                .iter()
                .map(|p| Cow::Borrowed(p.as_str()))
                .collect(),
        )
    }
}
