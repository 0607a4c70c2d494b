//! How large a model may be. Checking and compiling one takes time and memory
//! in proportion to its size, so the limits bound what whoever may write a model
//! can make a host spend; each is far above any model in use.

use super::error::{ErrorKind, ModelError};
use super::{Model, Rewrite};

/// Bounds on a model's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModelLimits {
    /// Bytes of its text.
    pub(crate) bytes: usize,
    /// Its types.
    pub(crate) types: usize,
    /// The relations of all types.
    pub(crate) relations: usize,
    /// The operands of all rewrites and the entries of all brackets.
    pub(crate) operations: usize,
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self {
            // Sixteen times OpenFGA's limit of 256 KB.
            bytes: 4 << 20,
            // OpenFGA allows 100. Who may have a relation is kept in columns,
            // one a type and two a relation, with a bit for each relation:
            // 31 MB where all of them are asked for.
            types: 5_000,
            relations: 10_000,
            // About as many as a model of 512 KB can spell.
            operations: 100_000,
        }
    }
}

impl ModelLimits {
    /// Whether a text may be read at all.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`].
    pub(crate) fn check_text(&self, text: &str) -> Result<(), ModelError> {
        within("bytes", text.len(), self.bytes)
    }

    /// Whether a model may be checked and compiled.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], with the first limit that is passed.
    pub(crate) fn check(&self, model: &Model) -> Result<(), ModelError> {
        within("types", model.types.len(), self.types)?;
        let relations = || model.types.iter().flat_map(|def| &def.relations);
        within("relations", relations().count(), self.relations)?;
        let entries: usize = relations().map(|relation| relation.assignable.len()).sum();
        let mut operations = entries;
        let mut left: Vec<&Rewrite> = relations().map(|relation| &relation.rewrite).collect();
        while let Some(rewrite) = left.pop() {
            operations += 1;
            match rewrite {
                Rewrite::Union(parts) | Rewrite::Intersection(parts) => left.extend(parts),
                Rewrite::Exclusion { base, subtract } => left.extend([&**base, subtract]),
                Rewrite::This | Rewrite::Computed(_) | Rewrite::TupleToUserset { .. } => {}
            }
        }
        within("operations", operations, self.operations)
    }
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), ModelError> {
    if found <= limit {
        return Ok(());
    }
    Err(ModelError::new(ErrorKind::TooLarge { what, limit }, ""))
}
