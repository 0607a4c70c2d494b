//! Static types, and how the checker unifies them.

use std::fmt;

use super::functions::Sig;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Known at evaluation only.
    Dyn,
    /// The type of `null`.
    Null,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `uint`.
    Uint,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `duration`.
    Duration,
    /// `timestamp`.
    Timestamp,
    /// `ipaddress`.
    IpAddress,
    /// The type of types.
    Type,
    /// `list(T)`.
    List(Box<Type>),
    /// `map(K, V)`.
    Map(Box<Type>, Box<Type>),
    /// Not known yet; only while checking.
    #[doc(hidden)]
    Unknown(u32),
}

impl Type {
    /// `list(of)`.
    #[must_use]
    pub fn list(of: Type) -> Self {
        Self::List(Box::new(of))
    }

    /// `map(string, of)`.
    #[must_use]
    pub fn string_map(of: Type) -> Self {
        Self::Map(Box::new(Self::String), Box::new(of))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn | Self::Unknown(_) => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::IpAddress => "ipaddress",
            Self::Type => "type",
            Self::List(of) => return write!(f, "list({of})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
        })
    }
}

/// What is known of the types that are still open.
#[derive(Debug, Default)]
pub(super) struct Unifier {
    bound: Vec<Option<Type>>,
    /// What each binding replaced, to take an attempt back.
    trail: Vec<(u32, Option<Type>)>,
}

impl Unifier {
    pub(super) fn fresh(&mut self) -> Type {
        let id = u32::try_from(self.bound.len()).unwrap_or(u32::MAX);
        self.bound.push(None);
        Type::Unknown(id)
    }

    pub(super) fn bind(&mut self, id: u32, to: Type) {
        if let Some(slot) = self.bound.get_mut(id as usize) {
            let old = slot.replace(to);
            self.trail.push((id, old));
        }
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            let Some((id, old)) = self.trail.pop() else {
                return;
            };
            if let Some(slot) = self.bound.get_mut(id as usize) {
                *slot = old;
            }
        }
    }

    fn find(&self, id: u32) -> Option<&Type> {
        self.bound.get(id as usize)?.as_ref()
    }

    /// The type with everything known filled in.
    pub(super) fn resolve(&self, ty: &Type) -> Type {
        match ty {
            Type::Unknown(id) => match self.find(*id) {
                Some(bound) => self.resolve(bound),
                None => ty.clone(),
            },
            Type::List(of) => Type::List(Box::new(self.resolve(of))),
            Type::Map(key, value) => {
                Type::Map(Box::new(self.resolve(key)), Box::new(self.resolve(value)))
            }
            _ => ty.clone(),
        }
    }

    fn occurs(&self, id: u32, ty: &Type) -> bool {
        match ty {
            Type::Unknown(other) => {
                *other == id || self.find(*other).is_some_and(|t| self.occurs(id, t))
            }
            Type::List(of) => self.occurs(id, of),
            Type::Map(key, value) => self.occurs(id, key) || self.occurs(id, value),
            _ => false,
        }
    }

    /// Whether a value of type `found` may stand where `wanted` is due; on
    /// success what was learnt is kept, on failure nothing is.
    pub(super) fn assignable(&mut self, found: &Type, wanted: &Type) -> bool {
        let mark = self.trail.len();
        let fits = self.unify(found, wanted);
        if !fits {
            self.undo(mark);
        }
        fits
    }

    /// Like [`Unifier::assignable`], for all the arguments of a call at once.
    pub(super) fn all_assignable(&mut self, found: &[Type], wanted: &[Type]) -> bool {
        let mark = self.trail.len();
        let fits =
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| self.unify(f, w));
        if !fits {
            self.undo(mark);
        }
        fits
    }

    fn unify(&mut self, found: &Type, wanted: &Type) -> bool {
        if found == wanted {
            return true;
        }
        if let Type::Unknown(id) = wanted {
            if let Some(bound) = self.find(*id).cloned() {
                if !self.unify(found, &bound) {
                    return false;
                }
                // Keep the more general of the two.
                let general = if self.covers(found, &bound) {
                    found.clone()
                } else {
                    bound
                };
                if !self.occurs(*id, &general) {
                    self.bind(*id, general);
                }
                return true;
            }
            if !self.occurs(*id, found) {
                self.bind(*id, found.clone());
                return true;
            }
        }
        if let Type::Unknown(id) = found {
            return match self.find(*id).cloned() {
                Some(bound) => self.unify(&bound, wanted),
                None if self.occurs(*id, wanted) => false,
                None => {
                    self.bind(*id, wanted.clone());
                    true
                }
            };
        }
        match (found, wanted) {
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, other) | (other, Type::Null) => matches!(
                other,
                Type::Null | Type::Duration | Type::Timestamp | Type::IpAddress
            ),
            (Type::List(a), Type::List(b)) => self.unify(a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.unify(ak, bk) && self.unify(av, bv),
            _ => false,
        }
    }

    /// Whether `general` is equal to or less specific than `other`.
    fn covers(&self, general: &Type, other: &Type) -> bool {
        let (general, other) = (self.resolve(general), self.resolve(other));
        match (&general, &other) {
            (Type::Dyn | Type::Unknown(_), _) => true,
            (Type::List(a), Type::List(b)) => self.covers(a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.covers(ak, bk) && self.covers(av, bv),
            (a, b) => a == b,
        }
    }

    /// The common type of two elements of a literal: dyn where they differ.
    pub(super) fn join(&mut self, a: &Type, b: &Type) -> Type {
        if self.assignable(b, a) {
            let (a, b) = (self.resolve(a), self.resolve(b));
            if self.covers(&b, &a) { b } else { a }
        } else {
            Type::Dyn
        }
    }

    /// A signature's type, its parameters replaced by this call's.
    pub(super) fn instantiate(sig: Sig, a: &Type, b: &Type) -> Type {
        match sig {
            Sig::Dyn => Type::Dyn,
            Sig::Bool => Type::Bool,
            Sig::Int => Type::Int,
            Sig::Uint => Type::Uint,
            Sig::Double => Type::Double,
            Sig::String => Type::String,
            Sig::Bytes => Type::Bytes,
            Sig::Duration => Type::Duration,
            Sig::Timestamp => Type::Timestamp,
            Sig::IpAddress => Type::IpAddress,
            Sig::Type => Type::Type,
            Sig::A => a.clone(),
            Sig::B => b.clone(),
            Sig::ListA => Type::list(a.clone()),
            Sig::MapAB => Type::Map(Box::new(a.clone()), Box::new(b.clone())),
        }
    }
}
