#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stempel_fuzz::foreign::push(bytes));
