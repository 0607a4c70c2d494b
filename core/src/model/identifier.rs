//! What the names of types, relations, objects and users may look like.
//!
//! Lengths are in bytes. The rules are those of OpenFGA's server; the object
//! identifier has, besides, the narrower rule of OpenFGA's model tools.

use std::fmt;

/// How long a type's name may be.
pub const MAX_TYPE: usize = 254;
/// How long a relation's name may be.
pub const MAX_RELATION: usize = 50;
/// How long a condition's name may be.
pub const MAX_CONDITION: usize = 50;
/// How long an object, `type:id`, may be.
pub const MAX_OBJECT: usize = 256;
/// How long a user, `type:id`, `type:*` or `type:id#relation`, may be.
pub const MAX_USER: usize = 512;

/// What an identifier is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A type's name.
    Type,
    /// A relation's name.
    Relation,
    /// A condition's name.
    Condition,
    /// An object, `type:id`.
    Object,
    /// The part of an object after its type.
    ObjectId,
    /// A user.
    User,
}

/// Why an identifier is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierError {
    /// What it was meant to be.
    pub role: Role,
    /// What is wrong with it.
    pub problem: IdentifierProblem,
}

/// What is wrong with an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentifierProblem {
    /// It is empty, or one of its parts is.
    Empty,
    /// It is too long.
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// The greatest length allowed.
        limit: usize,
    },
    /// It has a character that does not belong there.
    Character {
        /// The first such character.
        character: char,
        /// Its offset, in bytes.
        at: usize,
    },
    /// It has no `:` between type and id.
    NoType,
}

impl IdentifierError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self.problem {
            IdentifierProblem::Empty => "identifier.empty",
            IdentifierProblem::TooLong { .. } => "identifier.too-long",
            IdentifierProblem::Character { .. } => "identifier.character",
            IdentifierProblem::NoType => "identifier.no-type",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "type",
            Self::Relation => "relation",
            Self::Condition => "condition",
            Self::Object => "object",
            Self::ObjectId => "object id",
            Self::User => "user",
        })
    }
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.role;
        match &self.problem {
            IdentifierProblem::Empty => write!(f, "{role}: no part of it may be empty"),
            IdentifierProblem::TooLong { length, limit } => {
                write!(
                    f,
                    "{role}: {length} bytes long, at most {limit} are allowed"
                )
            }
            IdentifierProblem::Character { character, at } => write!(
                f,
                "{role}: `{}` does not belong at byte {at}",
                character.escape_debug()
            ),
            IdentifierProblem::NoType => write!(f, "{role}: should be `type:id`"),
        }
    }
}

impl std::error::Error for IdentifierError {}

/// A user, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserParts<'a> {
    /// `type:id`.
    Object {
        /// The type.
        type_name: &'a str,
        /// The id.
        id: &'a str,
    },
    /// `type:*`.
    Wildcard {
        /// The type.
        type_name: &'a str,
    },
    /// `type:id#relation`.
    Userset {
        /// The type.
        type_name: &'a str,
        /// The id.
        id: &'a str,
        /// The relation.
        relation: &'a str,
    },
}

/// Checks a type's name.
///
/// # Errors
/// It is empty, too long, or has `:`, `#`, `@`, `*`, whitespace or a control
/// character.
pub fn type_name(name: &str) -> Result<(), IdentifierError> {
    plain(Role::Type, name, MAX_TYPE, &[':', '#', '@', '*'])
}

/// Checks a relation's name.
///
/// # Errors
/// As for [`type_name`].
pub fn relation_name(name: &str) -> Result<(), IdentifierError> {
    plain(Role::Relation, name, MAX_RELATION, &[':', '#', '@', '*'])
}

/// Checks a condition's name.
///
/// # Errors
/// It is empty, too long, or has `*`, whitespace or a control character.
pub fn condition_name(name: &str) -> Result<(), IdentifierError> {
    plain(Role::Condition, name, MAX_CONDITION, &['*'])
}

/// Checks an object and takes it apart into type and id. `type:*` is no
/// object.
///
/// # Errors
/// It has not exactly one `:`, has an empty part, is too long, or has `#`,
/// whitespace or a control character.
pub fn object(text: &str) -> Result<(&str, &str), IdentifierError> {
    let (type_name, id) = typed(Role::Object, text, MAX_OBJECT, text)?;
    if id == "*" {
        let at = type_name.len() + 1;
        return Err(refused(Role::Object, '*', at));
    }
    Ok((type_name, id))
}

/// Checks a user and takes it apart.
///
/// # Errors
/// As for [`object`]; and a userset's relation is not a relation's name, or
/// its object is `type:*`.
pub fn user(text: &str) -> Result<UserParts<'_>, IdentifierError> {
    let Some((before, relation)) = text.split_once('#') else {
        let (type_name, id) = typed(Role::User, text, MAX_USER, text)?;
        return Ok(match id {
            "*" => UserParts::Wildcard { type_name },
            _ => UserParts::Object { type_name, id },
        });
    };
    let (type_name, id) = typed(Role::User, before, MAX_USER, text)?;
    if id == "*" {
        return Err(refused(Role::User, '*', type_name.len() + 1));
    }
    relation_name(relation)?;
    Ok(UserParts::Userset {
        type_name,
        id,
        relation,
    })
}

/// Checks the part of an object after its type by the rule of OpenFGA's model
/// tools, which is narrower than what the server takes: a first character
/// other than `*`, then letters, digits and `_|*@.+/-`.
///
/// # Errors
/// It is empty, or has another character.
pub fn object_id(id: &str) -> Result<(), IdentifierError> {
    if id.is_empty() {
        return Err(problem(Role::ObjectId, IdentifierProblem::Empty));
    }
    for (at, c) in id.char_indices() {
        let fits = match at {
            0 => !(matches!(c, '#' | ':' | '*') || c.is_whitespace() || c.is_control()),
            _ => c.is_ascii_alphanumeric() || "_|*@.+/-".contains(c),
        };
        if !fits {
            return Err(refused(Role::ObjectId, c, at));
        }
    }
    Ok(())
}

/// `type:id`, where `whole` is what the limit is about.
fn typed<'a>(
    role: Role,
    text: &'a str,
    limit: usize,
    whole: &str,
) -> Result<(&'a str, &'a str), IdentifierError> {
    // The length first: nothing longer is ever looked at.
    if whole.len() > limit {
        let length = whole.len();
        return Err(problem(role, IdentifierProblem::TooLong { length, limit }));
    }
    let Some((type_part, id)) = text.split_once(':') else {
        return Err(problem(role, IdentifierProblem::NoType));
    };
    type_name(type_part)?;
    if id.is_empty() {
        return Err(problem(role, IdentifierProblem::Empty));
    }
    // What nearly every id is, told byte by byte.
    if id
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b':' | b'#'))
    {
        return Ok((type_part, id));
    }
    for (at, c) in id.char_indices() {
        if matches!(c, ':' | '#') || c.is_whitespace() || c.is_control() {
            return Err(refused(role, c, type_part.len() + 1 + at));
        }
    }
    Ok((type_part, id))
}

fn plain(role: Role, name: &str, limit: usize, barred: &[char]) -> Result<(), IdentifierError> {
    if name.is_empty() {
        return Err(problem(role, IdentifierProblem::Empty));
    }
    if name.len() > limit {
        let length = name.len();
        return Err(problem(role, IdentifierProblem::TooLong { length, limit }));
    }
    for (at, c) in name.char_indices() {
        if barred.contains(&c) || c.is_whitespace() || c.is_control() {
            return Err(refused(role, c, at));
        }
    }
    Ok(())
}

fn problem(role: Role, problem: IdentifierProblem) -> IdentifierError {
    IdentifierError { role, problem }
}

fn refused(role: Role, character: char, at: usize) -> IdentifierError {
    problem(role, IdentifierProblem::Character { character, at })
}
