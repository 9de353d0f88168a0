//! The terminal, tried with a clock that is set by hand, seeded randomness and a server in memory.
//!
//! | module | what it shows |
//! |---|---|
//! | `alarms` | what looks as if somebody helped himself warns, then needs a second person |
//! | `alone` | a terminal that works alone, from nothing to a free coffee |
//! | `apart` | two devices and a server through weeks of faults |
//! | `cards` | whom a code names, and which codes are refused |
//! | `day` | paper cards, gifts, answers, and what they sum up to |
//! | `exchange` | terminal and server come to agree |
//! | `faults` | what can go wrong between them, and that nothing is lost |
//! | `handle` | the thread that owns a terminal |
//! | `moments` | clocks that are wrong, pauses between two scans |
//! | `operators` | PINs, roles, staff cards |
//! | `once` | the same question twice, and taking back |
//! | `proofs` | receipts of other tills and one-time slips, each good once |
//! | `plug` | five stamps, the plug is pulled, five of five |
//! | `key_change` | a terminal changes the key that signs its journal |
//! | `people` | merges, consents, what is held about a person, erasure |
//! | `rights` | what is given without a purchase, once only, or within a budget |
//! | `rotating` | a phone's rotating code |
//! | `second_copy` | what waits is kept in another place, and a dead device is replaced from it |
//! | `server` | a server in memory |
//! | `support` | clock, randomness, shops |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alarms;
mod alone;
mod apart;
mod cards;
mod day;
mod exchange;
mod faults;
mod handle;
mod key_change;
mod moments;
mod once;
mod operators;
mod people;
mod plug;
mod proofs;
mod rights;
mod rotating;
mod second_copy;
mod server;
mod support;
