//! The shapes that the bindings share, from outside.

#![cfg(test)]

mod contract;
mod shapes;
