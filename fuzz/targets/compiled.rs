//! See `bodies/src/compiled.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::compiled::run(bytes));
