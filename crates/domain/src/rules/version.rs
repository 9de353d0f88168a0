//! The rules themselves, as they were at each version.

use crate::member::MemberFacts;
use crate::rules::book::RuleBook;
use crate::rules::outcome::Outcome;
use crate::rules::place::Place;
use crate::rules::{VERSION, evaluate};
use crate::sale::Order;
use crate::time::Moment;

/// The rules as they were at a version: what an event was judged by can be judged by the same again, for ever.
///
/// A new meaning is a new one here, beside the old ones: the compiler then asks at each place that judges what the old
/// ones do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// The first ones.
    V1,
}

/// Events carry the version of the rules that judged them; this one is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("It was judged by rules of version {0}; known here are 1 to {VERSION}: update Stempel.")]
pub struct UnknownRules(pub u32);

impl Rules {
    /// The rules of a version, as an event names it.
    pub fn of(version: u32) -> Result<Self, UnknownRules> {
        match version {
            1 => Ok(Self::V1),
            unknown => Err(UnknownRules(unknown)),
        }
    }

    /// Judges an order by them; see [`evaluate`].
    pub fn evaluate(
        self,
        book: &RuleBook,
        member: Option<&MemberFacts>,
        order: Order<'_>,
        place: impl Into<Place>,
        at: &Moment,
    ) -> Outcome {
        match self {
            Self::V1 => evaluate(book, member, order, place, at),
        }
    }
}
