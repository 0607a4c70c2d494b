//! The acceptance table: what each system that this one learns from says of
//! itself, one named test a row. FA is FusionAuth's entities, FB Fusebit's access
//! rules, AR the article's bank, FZ FuzeFront's delegates, OF OpenFGA's agents.
//!
//! OF1 to OF9 are OpenFGA's own store files, and stand with the others of their
//! kind in `tests/tests/it/store_files.rs`.

mod article;
mod fusebit;
mod fusionauth;
mod fuzefront;
mod openfga;
