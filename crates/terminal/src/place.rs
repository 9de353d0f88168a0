//! What this device knows of itself: its shop's merchant, what it has given, and whether the server is heard.

use stempel_domain::rules::{Place, PlaceFacts, Tallies, Unconfirmed};
use stempel_domain::{Day, Fact, Moment};
use stempel_store::tallies::EARLIER;

use crate::holds::Word;
use crate::{Terminal, TerminalError};

/// How long after an exchange that went through the server still counts as heard, in milliseconds. A running
/// screen exchanges every few seconds.
const HEARD_MS: i64 = 2 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Terminal {
    /// Where an order is judged, with what facts that are not written yet add to the device's own tallies.
    pub(crate) fn place(&self, at: &Moment, pending: &[Fact]) -> Result<Place, TerminalError> {
        let mut tallies = self.view().tallies(self.identity.device, &self.tally_keys)?;
        for step in pending.iter().flat_map(Fact::tallies) {
            if self.tally_keys.contains(&step.key) {
                *tallies.entry(step.key.clone()).or_default().entry(step.day).or_default() += step.amount;
            }
        }
        self.place_with(totals(&tallies, at.day))
    }

    /// The place with tallies as they are.
    pub(crate) fn place_with(&self, tallies: Tallies) -> Result<Place, TerminalError> {
        let merchant = self.shop()?.and_then(|shop| shop.merchant);
        let facts = PlaceFacts { merchant, tallies, offline: self.unconfirmed()? };
        Ok(Place { shop: self.identity.shop, facts })
    }

    /// Whether the server was not heard of lately; none where it was, or where the terminal works alone. Its word on the
    /// action that is under way goes before.
    ///
    /// Goes by the clock and not by the moment of the action: a script may name another time.
    pub fn unconfirmed(&self) -> Result<Option<Unconfirmed>, TerminalError> {
        if self.identity.server.is_none() || self.word == Word::Held {
            return Ok(None);
        }
        let state = self.view().sync_state()?;
        let Some(last_ms) = state.last_sync_ms else { return Ok(Some(Unconfirmed { days: u16::MAX })) };
        // A clock that was set back says nothing of how long it is.
        let since_ms = self.clock.now_ms().saturating_sub(last_ms);
        let heard = self.word != Word::Silent
            && (-HEARD_MS..=HEARD_MS).contains(&since_ms)
            && state.last_error.is_none();
        let days = u16::try_from((since_ms / DAY_MS).max(0)).unwrap_or(u16::MAX);
        Ok((!heard).then_some(Unconfirmed { days }))
    }
}

/// What stock and allotments read of tallies: all that was given before today, and today. An event carries it,
/// so it is not made longer than that.
fn totals(tallies: &Tallies, today: Day) -> Tallies {
    let mut totals = Tallies::new();
    for (key, days) in tallies {
        for (day, amount) in days {
            let day = if *day == today { today } else { EARLIER };
            *totals.entry(key.clone()).or_default().entry(day).or_default() += amount;
        }
    }
    for days in totals.values_mut() {
        days.retain(|_, amount| *amount != 0);
    }
    totals.retain(|_, days| !days.is_empty());
    totals
}
