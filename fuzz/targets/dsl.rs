//! See `bodies/src/dsl.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::dsl::run(bytes));
