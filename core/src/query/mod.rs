//! Questions to a policy: check, list, expand, explain and filter.

mod allowance;
mod ask;
mod authority;
mod check;
mod climb;
mod equations;
mod error;
mod expand;
mod explain;
mod filter;
mod list_objects;
mod list_users;
mod overlay;
mod reach;
mod resolve;
mod search;
#[cfg(feature = "tokens")]
mod terms;
mod value;
#[cfg(feature = "conditions")]
mod verdicts;
mod view;

pub use authority::Grounds;
pub use error::{QueryError, TupleFault};
pub use expand::Expansion;
pub use explain::{Explanation, Step, StepRule};
pub use filter::{DropReason, Filtered};
pub use overlay::{Tuple, TupleCondition};
#[cfg(feature = "tokens")]
pub(crate) use view::Surroundings;
pub use view::{CheckItem, View};

/// The steps after which a question remembers what it has found: a short one is
/// over before a repetition would pay.
const REMEMBER_FROM: u64 = 64;
