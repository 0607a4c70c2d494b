//! The JSON form of a model, both ways.

mod read;
mod write;

pub use read::{from_json, from_json_value};
pub use write::to_json;
