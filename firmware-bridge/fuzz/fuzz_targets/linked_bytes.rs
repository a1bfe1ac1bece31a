#![no_main]
#![allow(dead_code, reason = "a target uses one of the bodies")]

#[path = "../../tests/fuzz_bodies/mod.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_bodies::linked_bytes(data));
