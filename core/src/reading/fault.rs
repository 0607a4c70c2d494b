//! What can be wrong with how an issuer's tokens are to be read: each with what
//! would be right.

use std::fmt;

use crate::token::shorten;

/// Why the part of an issuer's entry that says how its tokens are read is
/// refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadingFault {
    /// `claim.empty`: no claim is named.
    NoClaim,
    /// `claim.pointer`: it begins with `/` and is no JSON Pointer.
    Pointer {
        /// The text found.
        text: String,
    },
    /// `claim.path`: it reads as a path in another notation.
    Path {
        /// The text found.
        text: String,
        /// The pointer that it reads as.
        path: String,
    },
    /// `claim.reserved`: `act` and `may_act` are read as the chain.
    Reserved {
        /// The text found.
        claim: String,
    },
    /// `template.form`: it is no template of a principal.
    Template {
        /// The text found.
        text: String,
    },
    /// `template.tuple`: it is no template of a tuple's side.
    Tuple {
        /// The text found.
        text: String,
    },
    /// `template.adjacent`: two claims with nothing between them.
    Adjacent {
        /// The text found.
        text: String,
    },
    /// `template.separator`: what stands between two claims may stand in an
    /// encoded value.
    Separator {
        /// The text found.
        text: String,
    },
    /// `template.unencoded`: `{iss}` stands for a text that fits no id.
    Unencoded {
        /// The text found.
        text: String,
        /// What is wrong with the issuer's name.
        problem: String,
    },
    /// `template.none`: `encode`, and no template that it is about.
    NoTemplate,
    /// `mapping.two_ways`: `encode` and `values` both say what a value becomes.
    TwoWays,
    /// `mapping.no_value`: `encode` or `values`, and no `{value}`.
    NoValue,
    /// `mapping.table_id`: a table's id is none.
    TableId {
        /// The text found.
        id: String,
    },
    /// `mapping.pass_over`: values may not be passed over where they take away.
    PassOver,
}

impl ReadingFault {
    /// The stable code of this fault.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoClaim => "claim.empty",
            Self::Pointer { .. } => "claim.pointer",
            Self::Path { .. } => "claim.path",
            Self::Reserved { .. } => "claim.reserved",
            Self::Template { .. } => "template.form",
            Self::Tuple { .. } => "template.tuple",
            Self::Adjacent { .. } => "template.adjacent",
            Self::Separator { .. } => "template.separator",
            Self::Unencoded { .. } => "template.unencoded",
            Self::NoTemplate => "template.none",
            Self::TwoWays => "mapping.two_ways",
            Self::NoValue => "mapping.no_value",
            Self::TableId { .. } => "mapping.table_id",
            Self::PassOver => "mapping.pass_over",
        }
    }
}

impl fmt::Display for ReadingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("`{}`", shorten(text, 100).escape_debug());
        match self {
            Self::NoClaim => f.write_str("must name a claim: by its name, or as a JSON Pointer"),
            Self::Pointer { text } => write!(
                f,
                "{} is no JSON Pointer: `~` is written `~0`, and `/` in a name `~1`",
                quoted(text)
            ),
            Self::Path { text, path } => {
                let name = text.replace('~', "~0").replace('/', "~1");
                write!(
                    f,
                    "{} reads as a path, which no token has as a claim's name: write {}, or {} for a claim of just that name",
                    quoted(text),
                    quoted(path),
                    quoted(&format!("/{name}"))
                )
            }
            Self::Reserved { claim } => write!(
                f,
                "{} is read as the chain (`chain`, `actor`), and as nothing else",
                quoted(claim)
            ),
            Self::Template { text } => write!(
                f,
                "{} should be `type:` and a text with claims in braces, such as `user:{{sub}}` or `user:{{/o/id}}`",
                quoted(text)
            ),
            Self::Tuple { text } => write!(
                f,
                "{} should be `{{subject}}`, `{{actor}}` or `type:` and a text with `{{value}}`",
                quoted(text)
            ),
            Self::Adjacent { text } => write!(
                f,
                "{} has two claims side by side, so that nothing tells where one ends: put a character between them that neither holds, such as `/`",
                quoted(text)
            ),
            Self::Separator { text } => write!(
                f,
                "{} has a letter, a digit or `%` between two claims, which an encoded value may hold: put another character there, such as `/`",
                quoted(text)
            ),
            Self::Unencoded { text, problem } => write!(
                f,
                "{} can fit nothing, since the issuer's name {problem}: say `\"encode\": \"percent\"`, or leave `{{iss}}` out",
                quoted(text)
            ),
            Self::NoTemplate => f.write_str(
                "can have no effect without `subject` or `actor`: mappings have an `encode` of their own",
            ),
            Self::TwoWays => {
                f.write_str("`encode` and `values` both say what a value becomes: keep one of them")
            }
            Self::NoValue => f.write_str(
                "can have no effect, since the tuple does not hold `{value}`: write it there, or leave this out",
            ),
            Self::TableId { id } => write!(
                f,
                "{} is no id that a value may stand for: not empty, without `:`, `#` and white space",
                quoted(id)
            ),
            Self::PassOver => f.write_str(
                "values may be passed over only where all that they do is give, and the model takes away by this relation: say `encode`, or give `values`",
            ),
        }
    }
}

impl std::error::Error for ReadingFault {}
