//! See `bodies/src/jwks.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::jwks::run(bytes));
