//! The code that changes on a member's phone: what it proves that paper and pictures do not.
//!
//! Whoever shows a card, in whatever form, earns. What a shop says is worth more than a picture of somebody's card is
//! taken only with a phone's code of this moment. Both ends may be without a network.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use stempel_domain::Moment;
use stempel_domain::rules::Outcome;
use stempel_wire::rotating::{RotatingCode, Shown};

use crate::{Terminal, TerminalError};

/// How long a code that was of its moment when it was shown stands for the guest at the counter, in milliseconds.
const AT_THE_COUNTER_MS: i64 = 3 * 60 * 1000;
/// The most guests at the counter.
const GUESTS_MAX: usize = 32;

/// Codes that were of their moment when they were shown here. It forgets by itself, and with the process.
#[derive(Debug, Default)]
pub(crate) struct AtTheCounter(Mutex<VecDeque<(Shown, i64)>>);

impl AtTheCounter {
    fn note(&self, code: &Shown, now_ms: i64) {
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guests.iter().any(|(known, _)| known == code) {
            return;
        }
        if guests.len() >= GUESTS_MAX {
            guests.pop_front();
        }
        guests.push_back((code.clone(), now_ms));
    }

    fn holds(&self, code: &Shown, now_ms: i64) -> bool {
        let guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guests.iter().any(|(known, since_ms)| {
            known == code && (0..=AT_THE_COUNTER_MS).contains(&now_ms.saturating_sub(*since_ms))
        })
    }
}

/// The instant by the server's clock, as far as it is known here.
fn true_ms(at: &Moment) -> i64 {
    at.utc_ms.saturating_sub(at.skew_ms.unwrap_or(0))
}

impl Terminal {
    /// Remembers a rotating code that is of this moment, so that the guest can take a reward a little later.
    pub(crate) fn note_shown(&self, shown: &Shown) -> Result<(), TerminalError> {
        let at = self.moment(None)?;
        if !at.clock_doubtful && shown.is_of_now(true_ms(&at)) {
            self.at_the_counter.note(shown, true_ms(&at));
        }
        Ok(())
    }

    /// Whether a code is one of this moment, shown by the member's own phone.
    pub fn is_shown_now(&self, code: &str, at: &Moment) -> bool {
        if RotatingCode::find(code).is_none() || at.clock_doubtful {
            return false;
        }
        let shown = self.genuine(code).ok().and_then(|verified| verified.shown);
        let now_ms = true_ms(at);
        shown.is_some_and(|shown| shown.is_of_now(now_ms) || self.at_the_counter.holds(&shown, now_ms))
    }

    /// Refuses what takes more of a unit than the shop gives for a code that anybody could have copied.
    pub(crate) fn guard_spending(
        &self,
        code: &str,
        outcome: &Outcome,
        at: &Moment,
    ) -> Result<(), TerminalError> {
        let Some(shop) = self.shop()? else { return Ok(()) };
        let spent = outcome.spent();
        let guarded = shop
            .rotating_above
            .iter()
            .any(|(unit, most)| spent.get(unit).is_some_and(|amount| amount > most));
        if guarded && !self.is_shown_now(code, at) { Err(TerminalError::RotatingCodeWanted) } else { Ok(()) }
    }
}
