//! Attacks on tokens, one test each, and the rows of the acceptance table that
//! a token alone can answer.

mod form;
mod holder;
mod keys;
mod lint;
mod secrecy;
mod times;
mod trust;
