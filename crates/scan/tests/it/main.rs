//! What the crate promises, tried through its public doors.
//!
//! - `codes`: codes made for the test: normal, inverted, turned, small, noisy, faint, several at once.
//! - `damaged`: codes that only our own reader reads.
//! - `film`: pictures from files and folders.
//! - `foreign`: whatever a mutator makes of pictures and of what is typed is taken or refused.
//! - `others`: products, tickets and passes.
//! - `photos`: photographs of codes, read at every turn.
//! - `scanner`: the threads: newest frame first, failures told and healed, stopping while a source blocks.
//! - `support`: pictures and clocks for the tests.
//! - `watchdog`: the watchdog as a table of what happens and what it makes of it.
//! - `wedge`: a scanner that types is read, a person who types is not.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers fail and skip as tests do

mod codes;
mod damaged;
mod film;
mod foreign;
mod others;
mod photos;
mod scanner;
mod support;
mod watchdog;
mod wedge;
