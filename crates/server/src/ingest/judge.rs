//! What becomes of one genuine row: it counts, or it is kept as a dead letter with a reason. Pure.
//!
//! A fact is never refused because it does not suit: it overdraws, comes late, contradicts another. It is a
//! dead letter when it cannot be read, or when counting it would break the sums that everything rests on.

use serde_json::Value;
use stempel_domain::event::{Event, Fact, Reversal};
use stempel_domain::ledger::{Account, imbalance};
use stempel_domain::{Grant, MemberId, Unit};
use stempel_wire::{Row, key_change};

/// The longest name of a counter, in bytes.
const COUNTER_KEY_LEN_MAX: usize = 200;
/// The last instant taken: the end of the year 9999.
const UTC_MS_MAX: i64 = 253_402_300_799_999;

/// What a row says, as far as it can be read.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The kind's name; empty if not even that can be read.
    pub kind: String,
    /// The member it names, also where the rest cannot be read.
    pub member: Option<MemberId>,
    /// The event, or why it does not count.
    pub verdict: Result<Box<Event>, String>,
}

/// Judges a row that is known to be genuine.
pub(crate) fn judge(row: &Row) -> Judged {
    match row.event() {
        Ok(event) => Judged {
            kind: event.record.fact.kind().to_owned(),
            member: event.record.fact.member(),
            verdict: match trouble(&event) {
                None => Ok(Box::new(event)),
                Some(reason) => Err(reason),
            },
        },
        Err(error) => Judged {
            kind: row.kind().unwrap_or_default(),
            member: member_named(row.record_json()),
            verdict: Err(error.to_string()),
        },
    }
}

/// Why counting this event would break something, if it would.
fn trouble(event: &Event) -> Option<String> {
    let (fact, at) = (&event.record.fact, &event.record.at);
    if !(0..=UTC_MS_MAX).contains(&at.utc_ms) {
        return Some("its time cannot be".to_owned());
    }
    if matches!(fact, Fact::JournalBegun(_)) && event.seq != 1 {
        return Some("a journal begins only once".to_owned());
    }
    if let Fact::KeyChanged(changed) = fact
        && key_change::agreed(event.author, changed).is_none()
    {
        return Some("the new key has not agreed".to_owned());
    }
    let member = fact.member();
    for posting in fact.postings() {
        if posting.amount.checked_abs().is_none_or(|amount| amount > Unit::AMOUNT_MAX) {
            return Some(format!("it books an amount of {} that is too large", posting.unit));
        }
        if let Account::Member(booked) = posting.account
            && member != Some(booked)
        {
            return Some(format!("it books on member {booked}, whom it is not about"));
        }
    }
    if let Some((unit, sum)) = imbalance(fact.postings()).into_iter().next() {
        return Some(format!("its postings of {unit} do not come out at zero but at {sum}"));
    }
    for step in fact.counters().iter().chain(fact.tallies()) {
        let fits = step.amount.checked_abs().is_some_and(|amount| amount <= Unit::AMOUNT_MAX);
        if !fits || step.key.len() > COUNTER_KEY_LEN_MAX {
            return Some("it steps a counter out of its bounds".to_owned());
        }
    }
    if fact.grants().any(|grant| grant.occurrence.len() > Grant::OCCURRENCE_LEN_MAX) {
        return Some("it gives a right with a name that is too long".to_owned());
    }
    if let Fact::Reversal(reversal) = fact {
        let Reversal { visit_ms, .. } = &**reversal;
        if visit_ms.is_some_and(|at_ms| !(0..=UTC_MS_MAX).contains(&at_ms)) {
            return Some("it takes back a visit at a time that cannot be".to_owned());
        }
    }
    None
}

/// The member that a record names, found by the places where every kind so far names it.
fn member_named(record: &[u8]) -> Option<MemberId> {
    let record: Value = serde_json::from_slice(record).ok()?;
    let (_, fact) = record.get("fact")?.as_object()?.iter().next()?;
    let member = fact.get("member").or_else(|| fact.get("loyalty")?.get("member"))?;
    member.as_str()?.parse().ok()
}
