#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pinpoint_fuzz_checks::injection::check(data));
