//! The words and the rules of a loyalty programme: money, sales, members, programmes, the ledger.
//!
//! Pure: the same inputs give the same outputs on every machine, for ever. Nothing here reads a clock, a
//! random source, a file or the network, and nothing iterates a map of random order. Time and ids come in
//! as values; [`ports`] only names what other crates are handed.
//!
//! | module | what it answers |
//! |---|---|
//! | [`money`], [`mod@unit`], [`time`], [`ids`] | the small values everything is made of |
//! | [`sale`] | what was bought, or how many stamps were asked for |
//! | [`programme`], [`rules`] | what a programme says, and what it gives for a sale |
//! | [`event`], [`ledger`] | the facts, and the postings that explain every balance |
//! | [`member`] | the state of one member: a fold over the facts |
//! | [`person`] | one person who is several members |
//! | [`grant`] | rights that are given once only |
//! | [`receipt`], [`proof`] | receipts of other tills, and what proves a purchase |
//! | [`draw`] | prize draws that anybody can check |
//! | [`card`] | card ids and the numbers people type |
//! | [`alarm`] | what looks as if somebody helped himself |

/// Writes and reads a type as its text: `Display` out, `FromStr` in.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub mod alarm;
pub mod card;
pub mod draw;
pub mod event;
pub mod grant;
pub mod ids;
pub mod ledger;
pub mod member;
pub mod money;
pub mod person;
pub mod ports;
pub mod programme;
pub mod proof;
pub mod receipt;
pub mod rules;
pub mod sale;
pub mod time;
pub mod unit;

pub use card::{CardId, CardNumber};
pub use event::{Event, Fact};
pub use grant::Grant;
pub use ids::{AuthorId, EventRef, MemberId, OperatorId, ProgrammeId, RewardId, ShopId, Sku, TenantId};
pub use ledger::{Account, Booking, Posting};
pub use member::{MemberFacts, MemberState};
pub use money::{Money, Quantity, Rate};
pub use person::Person;
pub use time::{Day, Moment};
pub use unit::Unit;
