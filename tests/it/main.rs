//! The program as a whole, through its public doors: command line and files, with a real server.
//!
//! - `arrows`: which crate may know which.
//! - `alone`: one terminal that works alone.
//! - `card`: the member's card in a browser, and what is printed.
//! - `people`: a member with two cards, and one who wants to be forgotten.
//! - `print`: slips on paper, and printers that do not print.
//! - `proofs`: purchases at another till, those who work here, and the day.
//! - `rights`: friends, deeds, birthdays, memberships, challenges, goodwill, and what is sold out.
//! - `scanner`: a film that is made and measured.
//! - `together`: two devices and a server, apart and together again.
//! - `crash`: kill -9 in the middle of work.
//! - `draws`: a prize draw that a guest checks.
//! - `keys`: keys made anew, and a dead device's second copy.
//! - `trouble`: bad input and a server that misbehaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

mod alone;
mod arrows;
#[cfg(feature = "demo")]
mod card;
#[cfg(feature = "demo")]
mod crash;
mod draws;
mod keyring;
#[cfg(feature = "demo")]
mod keys;
#[cfg(feature = "demo")]
mod people;
#[cfg(unix)]
mod print;
mod proofs;
mod rights;
mod scanner;
mod support;
#[cfg(feature = "demo")]
mod together;
mod trouble;
#[cfg(unix)]
#[path = "../support/waiting.rs"]
mod waiting;
