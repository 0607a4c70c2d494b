//! Questions to a policy: check, list, expand, explain and filter.

mod ask;
mod check;
mod error;
mod expand;
mod explain;
mod filter;
mod list_objects;
mod list_users;
mod overlay;
mod reach;
mod resolve;
mod view;

pub use error::{QueryError, TupleFault};
pub use expand::Expansion;
pub use explain::{Explanation, Step, StepRule};
pub use filter::{DropReason, Filtered};
pub use overlay::{Tuple, TupleCondition};
pub use view::{CheckItem, View};
