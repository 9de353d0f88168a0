//! The terminal without a screen: everything that a cashier, a guest or a script can do at one device.
//!
//! One [`Terminal`] owns the store, the keys and the clock of a data folder. Every action reads the member's
//! facts, asks the rules, signs one event and stores it durably before it answers; none of them asks the
//! network. [`exchange`] brings terminal and server to agreement.
//!
//! | module | what it does |
//! |---|---|
//! | [`setup`] | makes a folder a terminal: alone, or as a device of a server |
//! | [`cards`] | finds out who a code is, joins members, blocks and replaces cards |
//! | [`counter`] | stamps, sales, redemptions |
//! | [`taking_back`] | undo, refund |
//! | [`deeds`] | what is given without a purchase, and to those who brought a friend |
//! | [`goodwill`] | what staff give by hand |
//! | [`traits`] | tags, birthday week, who brought whom |
//! | [`proofs`] | purchases at other tills, proved by receipts and slips |
//! | [`slips`] | one-time slips are issued |
//! | [`operators`] | who works here: roles, PINs, staff cards |
//! | [`settings`] | what the shop sets at this device |
//! | [`paper`] | paper cards are taken over |
//! | [`gifts`] | what guests give away, and what they answer |
//! | [`day`] | the opening line and the closing sums |
//! | [`lost`] | second codes, and new cards for lost ones |
//! | [`plug`] | the plug test of the first run |
//! | [`people`] | merges, consents, what is held about a person, erasure |
//! | [`alarms`] | what looks as if somebody helped himself |
//! | [`look`] | balances, rewards within reach, why |
//! | [`programmes`] | which rules are in force |
//! | [`exchange`] | one round of sync |
//! | [`second_copy`] | what waits, sealed, in another place |
//! | [`holds`] | the server sets units aside before a reward is given |
//! | [`handle`] | the thread that owns a terminal, and how others ask it |
//! | [`door`] | the socket through which commands reach a running terminal |
//!
//! Clock and randomness are handed in; nothing here reads the environment or talks to a person.

pub mod alarms;
mod articles;
pub mod cards;
pub mod counter;
pub mod day;
pub mod deeds;
pub mod door;
pub mod error;
pub mod exchange;
mod genuine;
pub mod gifts;
pub mod goodwill;
pub mod handle;
pub mod holds;
pub mod identity;
mod key_change;
pub mod look;
pub mod lost;
mod moment;
pub mod operators;
pub mod paper;
pub mod people;
mod place;
pub mod plug;
pub mod programmes;
pub mod proofs;
mod rotating;
pub mod second_copy;
pub mod settings;
pub mod setup;
pub mod slips;
pub mod taking_back;
mod terminal;
pub mod traits;

pub use error::TerminalError;
pub use identity::Identity;
pub use terminal::{Operator, Terminal};
