//! The terminal: command line, screens and devices around [`stempel_terminal`].
//!
//! - [`cli`]: every capability, for scripts, support and tests.
//! - [`edge`]: the machine's clock and randomness.
//! - [`printing`]: slips on paper.
//! - [`words`]: amounts and explanations as the command line says them.
//! - `station`: the window, what reads codes, the sync thread and the door, around one terminal; `screens` and
//!   `controllers` are what it shows.
//! - [`sample`]: the sample café.

pub mod cli;
#[cfg(feature = "ui")]
pub mod controllers;
pub mod edge;
pub mod printing;
pub mod sample;
#[cfg(feature = "ui")]
pub mod screens;
#[cfg(feature = "ui")]
pub mod station;
pub mod words;
