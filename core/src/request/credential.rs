//! How it is known who asks.

use std::fmt;

use crate::caller::Inputs;

/// How it is known who asks.
#[derive(Clone)]
pub(crate) enum Credential<'a> {
    /// It is not.
    Nobody,
    /// By a token.
    Token(&'a [u8]),
    /// By tokens, one a hop, oldest first.
    Tokens(Vec<&'a [u8]>),
    /// The host vouches for these principals, subject first.
    OnBehalfOf(Vec<&'a str>),
    /// By what an earlier caller wrote down.
    Recorded(&'a Inputs),
}

/// Who checks the signature of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signature {
    /// This policy.
    Here,
    /// The host did.
    Elsewhere {
        /// Whether it fits.
        fits: bool,
    },
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Token(_) => f.write_str("Token(not shown)"),
            Self::Tokens(tokens) => write!(f, "Tokens({}, not shown)", tokens.len()),
            Self::OnBehalfOf(chain) => f.debug_tuple("OnBehalfOf").field(chain).finish(),
            Self::Recorded(inputs) => f.debug_tuple("Recorded").field(&inputs.chain).finish(),
        }
    }
}
