//! See `bodies/src/chains.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::chains::run(bytes));
