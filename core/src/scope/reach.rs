use std::fmt;

use super::meaning::{Asked, Atom};

/// What a token's scopes cover, under one policy. Asking allocates nothing.
///
/// Reaches are ordered by [`is_within`](Reach::is_within), and covering follows
/// that order: what a reach covers, every reach around it covers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Each of them must cover a request: one for each claim that narrows.
    pub(crate) layers: Vec<Layer>,
}

/// One claim's scopes; one of them must cover a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Layer {
    pub(crate) scopes: Vec<Meaning>,
}

/// A scope as it was claimed, and what it covers: nothing, where nobody gave
/// it a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) scope: Box<str>,
    pub(crate) atoms: Vec<Atom>,
}

/// What is known of a resource, for scopes that ask for more than its name.
pub trait ResourceFacts {
    /// Whether the attribute has this value, or holds it in a list.
    fn has(&self, attribute: &str, value: &str) -> bool;
}

/// Nothing is known: no condition holds.
impl ResourceFacts for () {
    fn has(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// A scope that another token would have gained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widening {
    /// The scope that is not within what was held.
    pub scope: String,
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "scope `{}` is wider than what is held; ask for no more than that",
            self.scope.escape_debug()
        )
    }
}

impl std::error::Error for Widening {}

impl Reach {
    /// Whether the scopes cover `action` on `resource` (`type:id` or a path).
    /// A scope with conditions on the resource covers nothing here; see
    /// [`covers_where`](Reach::covers_where).
    #[must_use]
    pub fn covers(&self, action: &str, resource: &str) -> bool {
        self.covers_where(action, resource, &())
    }

    /// [`covers`](Reach::covers), for a resource of which more is known.
    #[must_use]
    pub fn covers_where<F: ResourceFacts + ?Sized>(
        &self,
        action: &str,
        resource: &str,
        facts: &F,
    ) -> bool {
        let Some(resource) = Asked::parse(resource) else {
            return false;
        };
        !self.layers.is_empty()
            && self.layers.iter().all(|layer| {
                layer
                    .atoms()
                    .any(|atom| atom.action.covers(action) && atom.covers_resource(resource, facts))
            })
    }

    /// The same question for one action and many resources: what covers the
    /// action is looked up once.
    #[must_use]
    pub fn asking(&self, action: &str) -> Asking<'_> {
        Asking {
            layers: self
                .layers
                .iter()
                .map(|layer| layer.atoms().filter(|a| a.action.covers(action)).collect())
                .collect(),
        }
    }

    /// Whether this reach gives nothing that `held` does not give.
    ///
    /// A scope without a meaning here is within only where `held` has the very
    /// same: another service may know what it stands for.
    ///
    /// # Errors
    ///
    /// [`Widening`] names the first scope that `held` does not contain.
    pub fn is_within(&self, held: &Reach) -> Result<(), Widening> {
        let widening = |meaning: &Meaning| Widening {
            scope: meaning.scope.to_string(),
        };
        for meaning in self.opaque() {
            if !held.opaque().any(|own| own.scope == meaning.scope) {
                return Err(widening(meaning));
            }
        }
        // Whoever claims nothing covers nothing: that is within everything, and
        // around only what means nothing.
        if self.layers.is_empty() {
            return Ok(());
        }
        if held.layers.is_empty() {
            let covering = |meaning: &&Meaning| !meaning.atoms.is_empty();
            let mut all = self.layers.iter().flat_map(|layer| &layer.scopes);
            return all.find(covering).map_or(Ok(()), |m| Err(widening(m)));
        }
        for outer in &held.layers {
            // One layer inside `outer` is enough: all of them must cover.
            let mut beyond = self.layers.iter().map(|layer| layer.first_beyond(outer));
            if beyond.any(|found| found.is_none()) {
                continue;
            }
            let first = self
                .layers
                .first()
                .and_then(|layer| layer.first_beyond(outer));
            return Err(first.map_or_else(
                || Widening {
                    scope: String::new(),
                },
                widening,
            ));
        }
        Ok(())
    }

    fn opaque(&self) -> impl Iterator<Item = &Meaning> {
        self.layers
            .iter()
            .flat_map(|layer| &layer.scopes)
            .filter(|meaning| meaning.atoms.is_empty())
    }
}

impl Layer {
    fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.scopes.iter().flat_map(|meaning| &meaning.atoms)
    }

    fn first_beyond(&self, outer: &Layer) -> Option<&Meaning> {
        self.scopes.iter().find(|meaning| {
            let within = |atom: &Atom| outer.atoms().any(|other| atom.is_within(other));
            !meaning.atoms.iter().all(within)
        })
    }
}

/// What a [`Reach`] covers of one action.
#[derive(Debug, Clone)]
pub struct Asking<'r> {
    layers: Vec<Vec<&'r Atom>>,
}

impl Asking<'_> {
    /// Whether the action is covered on `resource`.
    #[must_use]
    pub fn covers(&self, resource: &str) -> bool {
        self.covers_where(resource, &())
    }

    /// Whether the action is covered on `resource`, of which more is known.
    #[must_use]
    pub fn covers_where<F: ResourceFacts + ?Sized>(&self, resource: &str, facts: &F) -> bool {
        let Some(resource) = Asked::parse(resource) else {
            return false;
        };
        !self.layers.is_empty()
            && self.layers.iter().all(|atoms| {
                atoms
                    .iter()
                    .any(|atom| atom.covers_resource(resource, facts))
            })
    }

    /// Whether the action is covered on every object of a type, whatever is
    /// known of it: then no object of it needs to be asked about.
    #[must_use]
    pub fn covers_type(&self, type_name: &str) -> bool {
        let every =
            |atom: &&Atom| atom.conditions.is_empty() && atom.resource.covers_type(type_name);
        !self.layers.is_empty() && self.layers.iter().all(|atoms| atoms.iter().any(every))
    }

    /// Whether the action is covered on no resource at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.layers.is_empty() || self.layers.iter().any(Vec::is_empty)
    }
}
