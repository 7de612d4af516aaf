//! `cargo +nightly fuzz run extract` in `crates/bundle`. The seeds are in `fuzz/corpus/extract`.
#![no_main]

#[path = "../body.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::extract(data));
