//! See `bodies/src/snapshot.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deputize_fuzz_bodies::snapshot::run(bytes));
