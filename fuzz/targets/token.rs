//! See `bodies/src/token.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::token::run(bytes));
