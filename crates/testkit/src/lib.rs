//! What tests and benches are made of. Nothing here is part of the program that a shop runs.
//!
//! - [`pictures`] are what a camera over a counter sees: hands that bring cards and phones into view, empty counters, and
//!   things that look like codes and are none.
//!
//! The same seed gives the same picture; nothing reads a clock or the machine's randomness.

pub mod pictures;
