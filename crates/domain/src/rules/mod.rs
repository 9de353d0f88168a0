//! What programmes give for an order, and why.
//!
//! [`Outcome`] is part of every sale's event: its meaning never changes. A new meaning gets a new
//! [`VERSION`], and old versions stay runnable: [`Rules`].
//!
//! A [`RuleBook`] is built once from the programmes in force; [`evaluate`] judges an order by it.

mod basket;
mod book;
mod bounds;
pub mod case;
mod challenges;
mod claims;
pub mod clearing;
pub mod codes;
mod earn;
mod ending;
mod evaluate;
mod goodwill;
mod grant;
pub mod leaderboard;
mod limit;
mod message;
mod occasions;
mod offers;
mod outcome;
mod place;
mod postings;
mod pricing;
mod prizes;
mod reverse;
mod scope;
mod sentence;
mod stamps;
pub mod target;
mod tiers;
mod version;

pub use book::{BookError, RuleBook};
pub use bounds::{OrderError, check_order};
pub use challenges::{Standing as ChallengeStanding, challenges};
pub use claims::CLAIM_TIMES_MAX;
pub use ending::Ending;
pub use evaluate::evaluate;
pub use goodwill::{Amends, goodwill, invitation};
pub use occasions::REFERRER;
pub use offers::{Offer, Offers, StampCard, offers};
pub use outcome::{Award, CauseShare, Due, LineResult, Outcome, Part, Refusal, Spend, TraceStep};
pub use place::{Place, PlaceFacts, Tallies, Unconfirmed};
pub use postings::{sale_postings, settled};
pub use reverse::{Original, ReverseError, Reversed, Take, TakeBack, TakenBack, reverse, withdraw};
pub use sentence::{Language, sentence};
pub use tiers::{Standing, standings};
pub use version::{Rules, UnknownRules};

/// The tally of what waits in a programme's pool at a device.
pub fn pool_tally(programme: &crate::ids::ProgrammeId, pool: &str) -> String {
    format!("{programme}#pool:{pool}")
}

/// The version of the rules themselves. Events carry it.
pub const VERSION: u32 = 1;
