//! Check: whether a user has a relation on an object.

use super::error::QueryError;
use super::search::Search;
use super::view::{CheckItem, View};

impl View<'_> {
    /// Whether `user` has `relation` on `object`.
    ///
    /// # Errors
    /// `request.*` for a question that the model does not know,
    /// `condition.*` where a condition decides and cannot be evaluated,
    /// `budget.*` where a limit was reached. Each is a denial.
    pub fn check(&self, user: &str, relation: &str, object: &str) -> Result<bool, QueryError> {
        let target = self.target(relation, object)?;
        let asked = self.asked(user, object)?;
        let _call = self.begin_call();
        Search::new(self, asked).decide(target)
    }

    /// Many questions, each with its own answer or error, in one call's budget.
    pub fn batch_check(&self, items: &[CheckItem]) -> Vec<Result<bool, QueryError>> {
        let _call = self.begin_call();
        items
            .iter()
            .map(|item| self.check(&item.user, &item.relation, &item.object))
            .collect()
    }
}
