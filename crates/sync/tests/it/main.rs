//! The planner and the transport, tried from outside.
//!
//! | module | what it shows |
//! |---|---|
//! | `http` | what is said over HTTP, and what is made of answers that are none |
//! | `plans` | every exchange ends, whatever a server answers; an honest one ends in agreement |
//! | `stranger` | something that answers at an address |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;
mod plans;
mod stranger;
