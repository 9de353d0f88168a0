//! The terminal: command line, screens and devices around [`stempel_terminal`].
//!
//! - [`cli`]: every capability, for scripts, support and tests.
//! - [`edge`]: the machine's clock and randomness.
//! - [`words`]: amounts and explanations as the command line says them.
//! - [`csv`], [`sample`]: catalogues from files, and the sample café.

pub mod cli;
pub mod csv;
pub mod edge;
pub mod sample;
pub mod words;
