//! What a member loses soon: said on screens, on receipts and by the command line before it is too late.

use std::collections::BTreeMap;

use crate::member::MemberFacts;
use crate::money::Money;
use crate::programme::{Expiry, Published};
use crate::rules::outcome::Outcome;
use crate::rules::sentence::Language;
use crate::time::Day;
use crate::unit::Unit;

/// Units that end soon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ending {
    /// The last day on which they can be spent.
    pub last: Day,
    /// Of what.
    pub unit: Unit,
    /// They end by inactivity: a visit before that day keeps them.
    pub idle: bool,
    /// How many.
    pub amount: i64,
}

impl Ending {
    /// Says it to a person: “5 points end on 31 March 2027”.
    pub fn sentence(&self, language: Language) -> String {
        let amount = self.unit.format(self.amount);
        let units = language.units(&amount, self.unit.name());
        let last = language.long_day(self.last);
        let one = amount == "1" && self.unit != Unit::euro();
        match (language, self.idle) {
            (Language::De, idle) => {
                let verb = if one { "gilt" } else { "gelten" };
                let unless = if idle { ", mit einem Besuch bis dahin länger" } else { "" };
                format!("{units} {verb} bis {last}{unless}")
            }
            (Language::En, idle) => {
                let verb = if one || self.unit == Unit::euro() { "ends" } else { "end" };
                let unless = if idle { " unless there is a visit before" } else { "" };
                format!("{units} {verb} on {last}{unless}")
            }
        }
    }
}

/// How many days before the end of each unit its programmes want it to be said: the most, where several count it.
fn warn_days(programmes: &[Published]) -> BTreeMap<Unit, u16> {
    let mut days: BTreeMap<Unit, u16> = BTreeMap::new();
    let mut note = |unit: Unit, expiry: Expiry| {
        let most = days.entry(unit).or_default();
        *most = expiry.warn_days.max(*most);
    };
    for published in programmes {
        let spec = published.programme.spec();
        if let Some(expiry) = spec.expiry {
            note(published.programme.unit().clone(), expiry);
        }
        for gives in spec.reward.iter().filter_map(|reward| reward.gives.as_ref()) {
            if let (Some(expiry), Ok(unit)) = (gives.expiry, Unit::new(&gives.unit, gives.scale)) {
                note(unit, expiry);
            }
        }
    }
    days
}

/// What ends soon, soonest first; after an order, if one was judged.
///
/// What the order spends is taken from what ends first. What ends by inactivity is left out where the order
/// moves its unit: it is kept by that.
pub(super) fn ending(
    programmes: &[Published],
    member: &MemberFacts,
    order: Option<&Outcome>,
    today: Day,
) -> Vec<Ending> {
    let warned = warn_days(programmes);
    let mut spent = order.map(Outcome::spent).unwrap_or_default();
    let stored = order.map_or(Money::ZERO, |order| order.stored);
    if stored > Money::ZERO {
        let sum = spent.entry(Unit::euro()).or_default();
        *sum = sum.saturating_add(stored.0);
    }
    let awards = order.map_or(&[][..], |order| &order.awards);
    let mut sums: BTreeMap<(Day, Unit, bool), i64> = BTreeMap::new();
    let units = member.lots.keys().chain(awards.iter().map(|award| &award.unit));
    let mut units: Vec<&Unit> = units.collect();
    units.sort_unstable();
    units.dedup();
    for unit in units {
        let soon = today.plus_days(warned.get(unit).copied().unwrap_or(Expiry::WARN_DAYS).into());
        let given = awards.iter().filter(|award| award.unit == *unit);
        let moved = spent.contains_key(unit) || given.clone().next().is_some();
        let held = member.lots.get(unit).map_or(&[][..], Vec::as_slice).iter();
        // What stays alive by this very order does not end soon.
        let held = held
            .map(|lot| (lot.amount, lot.last.filter(|_| !(moved && lot.idle.is_some())), lot.idle.is_some()));
        let given = given.map(|award| {
            let idle = award.idle.map(|idle| idle.end(today));
            let last = [award.last, idle].into_iter().flatten().min();
            (award.amount, last, idle.is_some() && last != award.last)
        });
        let mut to_take = spent.get(unit).copied().unwrap_or(0);
        for (amount, last, idle) in held.chain(given) {
            // A debt stands first: less than nothing is taken from it, and so more from what follows.
            let taken = amount.min(to_take);
            to_take = to_take.saturating_sub(taken);
            if let Some(last) = last.filter(|last| amount > taken && (today..=soon).contains(last)) {
                let sum = sums.entry((last, unit.clone(), idle)).or_default();
                *sum = sum.saturating_add(amount - taken);
            }
        }
    }
    sums.into_iter().map(|((last, unit, idle), amount)| Ending { last, unit, idle, amount }).collect()
}
