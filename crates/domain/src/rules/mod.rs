//! What programmes give for an order, and why.
//!
//! [`Outcome`] is part of every sale's event: its meaning never changes. A new meaning gets a new
//! [`VERSION`], and old versions stay runnable.

mod outcome;

pub use outcome::{Award, LineResult, Outcome, Refusal, Spend, TraceStep};

/// The version of the rules themselves. Events carry it.
pub const VERSION: u32 = 1;
