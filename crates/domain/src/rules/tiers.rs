//! Tiers: how far up the ladder of a programme a member stands.
//!
//! What a ladder counts is kept in a counter by day, so a tier is a sum over a window that moves with the day;
//! nothing has to run at midnight.

use crate::event::{CounterStep, ProgrammeRef};
use crate::member::MemberFacts;
use crate::programme::{Published, TierBy, Tiers};
use crate::rules::basket::clamp;
use crate::rules::book::RuleBook;
use crate::time::{Day, Moment};

/// How a member stands on one ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which programme's ladder.
    pub programme: ProgrammeRef,
    /// What the ladder counts.
    pub by: TierBy,
    /// The tier reached, if any.
    pub tier: Option<String>,
    /// What the window holds: cents, units in the unit's scale, or visits.
    pub counted: i64,
    /// The next tier and how much is missing for it.
    pub next: Option<(String, i64)>,
}

/// How a member stands on every ladder of the book.
pub fn standings(book: &RuleBook, member: &MemberFacts, at: &Moment) -> Vec<Standing> {
    let ladders = book.ladders().iter().map(|&place| &book.programmes()[place]);
    ladders.filter_map(|published| standing(published, member, at.day)).collect()
}

/// The names of the tiers that a member has reached.
pub(super) fn reached(book: &RuleBook, member: Option<&MemberFacts>, at: &Moment) -> Vec<String> {
    let Some(member) = member else { return Vec::new() };
    standings(book, member, at).into_iter().filter_map(|standing| standing.tier).collect()
}

/// The counter of a programme's ladder.
pub(super) fn key(published: &Published) -> String {
    format!("{}#tier", published.reference.id)
}

/// Whether a counter is one of a ladder.
pub(super) fn is_key(key: &str) -> bool {
    key.ends_with("#tier") && !key.contains('/')
}

/// What an order adds to a ladder.
pub(super) fn step(published: &Published, paid: i64, earned: i64, day: Day) -> Option<CounterStep> {
    let amount = match published.programme.spec().tiers.as_ref()?.by {
        TierBy::Spend => paid,
        TierBy::Units => earned,
        TierBy::Visits => 1,
    };
    (amount > 0).then(|| CounterStep { key: key(published), day, amount })
}

fn standing(published: &Published, member: &MemberFacts, today: Day) -> Option<Standing> {
    let tiers = published.programme.spec().tiers.as_ref()?;
    let key = key(published);
    let scale = match tiers.by {
        TierBy::Spend => 2,
        TierBy::Units => published.programme.unit().scale(),
        TierBy::Visits => 0,
    };
    let counted = counted(tiers, member, &key, today);
    let kept = (1..=i32::from(tiers.grace_days))
        .map(|days| self::counted(tiers, member, &key, today.plus_days(-days)));
    let best = kept.max().map_or(counted, |kept| kept.max(counted));
    let tier = tiers.ladder.iter().rfind(|tier| tier.from.at_scale(scale) <= best);
    let next = tiers.ladder.iter().find(|tier| tier.from.at_scale(scale) > counted.max(best));
    Some(Standing {
        programme: published.reference.clone(),
        by: tiers.by,
        tier: tier.map(|tier| tier.name.clone()),
        counted,
        next: next.map(|tier| (tier.name.clone(), tier.from.at_scale(scale).saturating_sub(counted))),
    })
}

/// What the window that ends on a day holds.
fn counted(tiers: &Tiers, member: &MemberFacts, key: &str, last: Day) -> i64 {
    let first = last.plus_days(1 - i32::from(tiers.window_days));
    let Some(days) = member.counters.get(key).filter(|_| first <= last) else { return 0 };
    let inside = days.range(first..=last).map(|(_, amount)| *amount);
    match tiers.by {
        TierBy::Visits => inside.filter(|amount| *amount > 0).count() as i64,
        _ => clamp(inside.map(i128::from).sum()),
    }
}
