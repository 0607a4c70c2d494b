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
    /// `when.test`: a test asks for nothing, or for several things.
    Test,
    /// `when.value`: a test compares with what cannot be compared.
    TestValue,
    /// `when.nothing`: no token passes all of it.
    Nothing {
        /// Two tests that exclude each other, in words.
        tests: String,
    },
    /// `reading.outside`: the entry says itself what its readings say.
    Outside,
    /// `reading.when`: nothing says which tokens it is for, or two things do.
    When,
    /// `reading.else`: two readings are for what no other fits.
    TwoElse,
    /// `reading.same`: two readings are for the same tokens.
    Same {
        /// The other one's place, from 0.
        other: usize,
    },
    /// `require.absent`: a claim that must not be there.
    RequiredAbsence,
    /// `chain.client_claim`: the chain is the client's, and no claim names it.
    NoClient,
    /// `chain.client_idle`: a claim names a client that is nobody.
    IdleClient,
    /// `scopes.claims`: `scope_claims` or `scopes_joined` changes nothing.
    IdleScopes,
    /// `scopes.joined`: what has a shape of its own cannot be joined.
    Joined {
        /// The claim.
        claim: String,
    },
    /// `audience.by`: `audience_by` can fit nothing, or changes nothing.
    AudienceBy,
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
            Self::Test => "when.test",
            Self::TestValue => "when.value",
            Self::Nothing { .. } => "when.nothing",
            Self::Outside => "reading.outside",
            Self::When => "reading.when",
            Self::TwoElse => "reading.else",
            Self::Same { .. } => "reading.same",
            Self::RequiredAbsence => "require.absent",
            Self::NoClient => "chain.client_claim",
            Self::IdleClient => "chain.client_idle",
            Self::IdleScopes => "scopes.claims",
            Self::Joined { .. } => "scopes.joined",
            Self::AudienceBy => "audience.by",
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
            Self::Test => f.write_str(
                "must say exactly one of `present`, `equals`, `one_of`, `prefix` and `has`",
            ),
            Self::TestValue => f.write_str(
                "must compare with texts that are not empty, whole numbers, `true` or `false`, all of one kind",
            ),
            Self::Nothing { tests } => write!(
                f,
                "no token passes this: {tests} exclude each other, so leave one of them out"
            ),
            Self::Outside => f.write_str(
                "has no effect beside `readings`: say it in each reading that it is about",
            ),
            Self::When => f.write_str(
                "must say which tokens it is for: by `when`, or by `\"else\": true` for those that no other reading fits",
            ),
            Self::TwoElse => {
                f.write_str("another reading is for what no other fits already: say `when` of one")
            }
            Self::Same { other } => write!(
                f,
                "reading {} is for the same tokens, so that each of them would fit two: make them one, or say another `when`",
                other + 1
            ),
            Self::RequiredAbsence => f.write_str(
                "a claim whose absence is needed would be left out by whoever wants in: say it in a reading's `when`",
            ),
            Self::NoClient => f.write_str(
                "`\"chain\": \"client\"` needs `client_claim`: the claim that names the client, such as `azp` or `client_id`",
            ),
            Self::IdleClient => f.write_str(
                "can have no effect: a client acts where `chain` is `client`, and agrees with the actor where it is `rfc8693`",
            ),
            Self::IdleScopes => f.write_str(
                "can have no effect: scopes are not looked at, or there are not several claims to join",
            ),
            Self::Joined { claim } => write!(
                f,
                "{} has a shape of its own and cannot be joined with others: leave it out, or leave `scopes_joined` out",
                quoted(claim)
            ),
            Self::AudienceBy => f.write_str(
                "`audience_by` needs values that are not empty in `one_of`, and `audience_required` as it is when not said",
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
