//! Finds words for the refusal of a text.

use super::error::{ErrorKind, ModelError, Span, SyntaxError};
use super::token::Tokens;

/// Everything that is wrong with the grammar of `source`, of which the parser
/// refused the token at `refused`.
pub(super) fn explain(source: &Tokens, refused: usize) -> Vec<ModelError> {
    let mut errors: Vec<ModelError> = source.errors.iter().map(|(_, e)| e.clone()).collect();
    if errors.is_empty() {
        let span = source.tokens.get(refused).map(|token| Span {
            line: token.line,
            start: token.column,
            end: token.column,
        });
        let symbol = source.tokens.get(refused).map(|t| source.text_of(*t));
        let kind = ErrorKind::Syntax(SyntaxError::Unexplained);
        errors.push(ModelError::new(kind, symbol.unwrap_or_default()).at(span));
    }
    errors
}
