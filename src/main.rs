//! The `stempel` program.
fn main() {}
