//! What the Slint compiler writes. Only the adapters of this folder use it.
#![allow(
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    dead_code,
    clippy::all,
    clippy::todo,
    clippy::unwrap_used,
    clippy::expect_used
)]

slint::include_modules!();
