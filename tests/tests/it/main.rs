//! The engine judged from outside: other people's suites, the naive evaluator,
//! OpenFGA's own program, the vectors.

#![cfg(test)]

mod agree;
mod authzen;
mod differential;
mod exhaustive;
mod kept_cases;
mod naive;
mod naive_suites;
mod openfga_suites;
mod secrecy;
mod store_files;
mod vectors;
