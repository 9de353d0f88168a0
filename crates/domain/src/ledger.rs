//! Double entry: accounts, postings, and the purse that a member's postings fill.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, NotAnId, ShopId};
use crate::money::Rate;
use crate::time::Day;
use crate::unit::Unit;

/// Where units come from and go to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a member holds.
    Member(MemberId),
    /// What a shop has issued and owes.
    Shop(ShopId),
    /// What a shop has sold, without tax.
    Sales(ShopId),
    /// Paid to a shop for stored value that was not yet spent there. What was given rather than sold, and
    /// what another shop sold, stands here with the other sign once it is spent.
    Prepaid(ShopId),
    /// Notes, coins and card payments taken.
    Cash,
    /// Tax taken for the state, by rate.
    Tax(Rate),
    /// Given without a purchase, for service.
    Goodwill,
    /// Donations collected for a cause.
    Cause(String),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => write!(f, "member:{id}"),
            Self::Shop(id) => write!(f, "shop:{id}"),
            Self::Sales(id) => write!(f, "sales:{id}"),
            Self::Prepaid(id) => write!(f, "prepaid:{id}"),
            Self::Cash => f.write_str("cash"),
            Self::Tax(rate) => write!(f, "tax:{}", rate.0),
            Self::Goodwill => f.write_str("goodwill"),
            Self::Cause(name) => write!(f, "cause:{name}"),
        }
    }
}

impl FromStr for Account {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "an account");
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        Ok(match kind {
            "member" => Self::Member(rest.parse()?),
            "shop" => Self::Shop(rest.parse()?),
            "sales" => Self::Sales(rest.parse()?),
            "prepaid" => Self::Prepaid(rest.parse()?),
            "cash" if rest.is_empty() => Self::Cash,
            "tax" => Self::Tax(Rate(rest.parse().map_err(|_| wrong())?)),
            "goodwill" if rest.is_empty() => Self::Goodwill,
            "cause" if !rest.is_empty() => Self::Cause(rest.to_owned()),
            _ => return Err(wrong()),
        })
    }
}

serde_as_text!(Account);

/// How a posting to a member's account touches the purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Booking {
    /// Puts units into the lot earned that day with that last valid day (none: they never expire), or takes
    /// them back out of it (a negative amount: what was earned is undone).
    Lot {
        /// The business day it was earned.
        earned: Day,
        /// The last day it can be spent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<Day>,
        /// How long it outlives the last earning or spend of its unit; none: that does not matter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idle: Option<Idle>,
    },
    /// Spends units on that day from the lots that were valid then, first to expire first; or, with a
    /// positive amount, takes such a spend back, so that the units return to the lots they came from.
    Spend {
        /// The business day it was spent.
        day: Day,
    },
}

/// How long a lot outlives the last earning or spend of its unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Idle {
    /// Calendar months.
    #[serde(skip_serializing_if = "is_zero")]
    pub months: u16,
    /// And so many days.
    #[serde(skip_serializing_if = "is_zero")]
    pub days: u16,
}

impl Idle {
    /// The last day that a lot can be spent if nothing happens after that day.
    pub fn end(self, active: Day) -> Day {
        active.plus_months(self.months.into()).plus_days(self.days.into())
    }
}

fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// One line of double entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Posting {
    /// Whose account.
    pub account: Account,
    /// Of what.
    pub unit: Unit,
    /// How much, in the unit's scale; negative is out of the account.
    pub amount: i64,
    /// How it touches a member's purse. Postings to other accounts have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
}

/// The sum of postings for each unit that does not come out at zero.
pub fn imbalance<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> BTreeMap<Unit, i128> {
    let mut sums: BTreeMap<Unit, i128> = BTreeMap::new();
    for posting in postings {
        *sums.entry(posting.unit.clone()).or_default() += i128::from(posting.amount);
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// Units of one kind with their own last valid day, as they stand on some day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lot {
    /// What is left of it.
    pub amount: i64,
    /// The day it was earned.
    pub earned: Day,
    /// The last day it can be spent; none: it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Day>,
    /// It ends by inactivity: `last` moves when something of its unit is earned or spent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
}

/// The order in which lots are spent on a day: first to expire first, as it looks on that day.
///
/// Of lots that end together the other parts of the key decide, so that what is left depends on what the
/// lots are and not on how often a purse was settled.
fn turn(lot: &Lot, idle_end: Option<Day>) -> impl Ord + use<> {
    let end = [lot.last, idle_end].into_iter().flatten().min();
    (end.is_none(), end, lot.last.is_none(), lot.last, lot.idle, lot.earned)
}

/// One member's units of one kind: sums per day, from which the lots of any day can be computed.
///
/// Adding to sums commutes, so a purse does not depend on the order in which journals arrive. Which lot a
/// spend draws on, and whether a lot has ended by inactivity, is decided when somebody asks ([`Purse::lots`]),
/// over the days in order. Active days are those on which units were earned or spent. What a refund takes back
/// of a lot that goes by activity leaves its day an active one: it must not end what the visit had kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Earned, by last valid day (none last), day of earning and idle time. Here `last` is the day that was
    /// set when it was earned, whatever happened since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lots: Vec<Lot>,
    /// Spent, by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spends: Vec<(Day, i64)>,
    /// What is known of activity on settled days, where a lot goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<SettledActivity>,
}

/// Activity on days whose entries were settled: the days that settled entries bear are not active ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SettledActivity {
    /// Entries up to this day were settled.
    through: Day,
    /// The last active day up to then.
    last: Day,
}

/// Orders lots as they are kept: first to expire first, then first earned.
fn by_expiry(lot: &Lot) -> (bool, Option<Day>, Day) {
    (lot.last.is_none(), lot.last, lot.earned)
}

fn place_key(lot: &Lot) -> ((bool, Option<Day>, Day), Option<Idle>) {
    (by_expiry(lot), lot.idle)
}

/// Every lot with what is left of it, the day on which each ends, and the debt.
struct Walked {
    lots: Vec<Lot>,
    ends: Vec<Option<Day>>,
    debt: i64,
}

impl Walked {
    fn into_lots(self) -> impl Iterator<Item = (Lot, Option<Day>)> {
        self.lots.into_iter().zip(self.ends)
    }
}

impl Purse {
    /// Entries older than this many days before the newest are settled into what is left of them.
    pub const OPEN_DAYS: i32 = 800;

    /// Adds one posting. Sums only: the order of calls does not matter.
    pub fn add(&mut self, booking: Booking, amount: i64) {
        if amount == 0 {
            return;
        }
        match booking {
            Booking::Lot { earned, last, idle } => self.add_lot(Lot { amount, earned, last, idle }),
            Booking::Spend { day } => match self.spends.binary_search_by_key(&day, |spend| spend.0) {
                Ok(index) => {
                    self.spends[index].1 -= amount;
                    if self.spends[index].1 == 0 {
                        self.spends.remove(index);
                    }
                }
                Err(index) => self.spends.insert(index, (day, -amount)),
            },
        }
    }

    fn add_lot(&mut self, lot: Lot) {
        match self.lots.binary_search_by_key(&place_key(&lot), place_key) {
            Ok(index) => {
                let kept = &mut self.lots[index];
                kept.amount += lot.amount;
                // A lot that goes by activity stays, as a mark that its day was an active one.
                if kept.amount == 0 && kept.idle.is_none() {
                    self.lots.remove(index);
                }
            }
            Err(index) => self.lots.insert(index, lot),
        }
    }

    /// Adds everything of another purse: two members are one person. Sums only, as [`Purse::add`].
    pub fn absorb(&mut self, other: &Self) {
        let through = self.settled.iter().chain(&other.settled).map(|settled| settled.through).max();
        let settled = through.and_then(|through| {
            let last = [&*self, other].into_iter().filter_map(|purse| purse.active_days(Some(through)).pop());
            last.max().map(|last| SettledActivity { through, last })
        });
        for lot in &other.lots {
            self.add_lot(lot.clone());
        }
        for &(day, spent) in &other.spends {
            self.add(Booking::Spend { day }, -spent);
        }
        self.settled = settled;
    }

    /// Whether nothing was ever left in it.
    pub fn is_empty(&self) -> bool {
        self.lots.iter().all(|lot| lot.amount == 0) && self.spends.is_empty()
    }

    /// The lots that can be spent on that day, first to expire first, and the debt, if more was spent than there
    /// was. Each lot says the day on which it ends if nothing more happens.
    ///
    /// Days are walked in order: on each day what was earned comes in, pays a debt first, and then what was
    /// spent goes out, first to expire first, from the lots valid that day.
    pub fn lots(&self, on: Day) -> (Vec<Lot>, i64) {
        let walked = self.walk(None);
        let debt = walked.debt;
        let open = |(lot, end): &(Lot, Option<Day>)| lot.amount > 0 && end.is_none_or(|end| end >= on);
        let as_it_stands = |(lot, end): (Lot, Option<Day>)| {
            let idle = lot.idle.filter(|_| end != lot.last);
            Lot { last: end, idle, ..lot }
        };
        let mut lots: Vec<Lot> = walked.into_lots().filter(open).map(as_it_stands).collect();
        lots.sort_by_key(by_expiry);
        (lots, debt)
    }

    /// What can be spent on that day; negative if more was spent than there was.
    pub fn balance(&self, on: Day) -> i64 {
        if self.spends.is_empty() && self.lots.iter().all(|lot| lot.amount >= 0 && lot.idle.is_none()) {
            let valid = self.lots.iter().filter(|lot| lot.last.is_none_or(|last| last >= on));
            return valid.map(|lot| lot.amount).sum();
        }
        let (lots, debt) = self.lots(on);
        lots.iter().map(|lot| lot.amount).sum::<i64>() - debt
    }

    /// What expired unspent on the days before that day, as far as the open days reach back.
    pub fn expired(&self, before: Day) -> i64 {
        let ended = |(_, end): &(Lot, Option<Day>)| end.is_some_and(|end| end < before);
        self.walk(None).into_lots().filter(ended).map(|(lot, _)| lot.amount).sum()
    }

    /// The idle times of the lots, each once, in order.
    fn idle_kinds(&self) -> Vec<Idle> {
        let mut kinds: Vec<Idle> = self.lots.iter().filter_map(|lot| lot.idle).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The days up to and including `through` on which units were earned or spent, in order.
    fn active_days(&self, through: Option<Day>) -> Vec<Day> {
        let settled = self.settled;
        let open = |day: &Day| {
            through.is_none_or(|through| *day <= through)
                && settled.is_none_or(|settled| *day > settled.through)
        };
        let earned =
            self.lots.iter().filter(|lot| lot.amount > 0 || lot.idle.is_some()).map(|lot| lot.earned);
        let spent = self.spends.iter().filter(|spend| spend.1 > 0).map(|spend| spend.0);
        let mut days: Vec<Day> = earned.chain(spent).filter(open).collect();
        days.extend(settled.map(|settled| settled.last));
        days.sort_unstable();
        days.dedup();
        days
    }

    /// The day on which each lot ends: as set when it was earned, or `idle` after the first active day that is
    /// followed by none within that time, whichever comes first. What has ended stays ended.
    fn ends(&self, through: Option<Day>) -> Vec<Option<Day>> {
        let kinds = self.idle_kinds();
        let active = if kinds.is_empty() { Vec::new() } else { self.active_days(through) };
        // For each idle time and active day, the end of what is alive on that day.
        let ends_by_kind: Vec<Vec<Day>> = kinds
            .iter()
            .map(|idle| {
                let mut ends: Vec<Day> = active.iter().map(|day| idle.end(*day)).collect();
                for place in (1..ends.len()).rev() {
                    if active[place] <= ends[place - 1] {
                        ends[place - 1] = ends[place];
                    }
                }
                ends
            })
            .collect();
        let end = |lot: &Lot| {
            let Some(idle) = lot.idle else { return lot.last };
            // What was earned on a settled day and arrives later counts as if it had come before that.
            let settled = self.settled.filter(|settled| lot.earned <= settled.through);
            let first = settled.map_or(lot.earned, |settled| lot.earned.max(settled.last));
            let alone = idle.end(first);
            let next = active.partition_point(|day| *day <= first);
            let kind = kinds.partition_point(|kind| *kind < idle);
            let end = if active.get(next).is_some_and(|day| *day <= alone) {
                ends_by_kind[kind][next]
            } else {
                alone
            };
            Some(lot.last.map_or(end, |last| last.min(end)))
        };
        self.lots.iter().map(end).collect()
    }

    /// Walks the days up to and including `through` (all, if none).
    fn walk(&self, through: Option<Day>) -> Walked {
        let inside = |day: Day| through.is_none_or(|through| day <= through);
        let ends = self.ends(through);
        let mut left: Vec<Lot> = self.lots.clone();
        // What was taken back out of a lot beyond what it held is owed like an overdraft.
        let mut debt: i64 = 0;
        for lot in &mut left {
            if lot.amount < 0 && inside(lot.earned) {
                debt -= lot.amount;
                lot.amount = 0;
            }
        }
        let mut arrivals: Vec<usize> = (0..left.len()).filter(|&index| inside(left[index].earned)).collect();
        arrivals.sort_by_cached_key(|&index| {
            let lot = &left[index];
            (lot.earned, turn(lot, lot.idle.map(|idle| idle.end(lot.earned))))
        });
        let mut arrived = vec![false; left.len()];
        let mut next = 0;
        let arrive =
            |until: Option<Day>, next: &mut usize, left: &mut [Lot], arrived: &mut [bool], debt: &mut i64| {
                while let Some(&index) = arrivals.get(*next) {
                    if until.is_some_and(|until| left[index].earned > until) {
                        break;
                    }
                    let paid = left[index].amount.min(*debt).max(0);
                    left[index].amount -= paid;
                    *debt -= paid;
                    arrived[index] = true;
                    *next += 1;
                }
            };
        // Without idle times the order in which lots are kept is the order in which they are spent, on any day.
        let mut turns: Vec<usize> = (0..left.len()).collect();
        let kinds = self.idle_kinds();
        for &(day, spent) in self.spends.iter().filter(|spend| inside(spend.0)) {
            arrive(Some(day), &mut next, &mut left, &mut arrived, &mut debt);
            // Below zero, more was given back on that day than spent: it takes from no lot and lessens the debt.
            let mut open = spent;
            if !kinds.is_empty() {
                let ends_on: Vec<Day> = kinds.iter().map(|idle| idle.end(day)).collect();
                let idle_end = |idle: Idle| kinds.binary_search(&idle).ok().map(|kind| ends_on[kind]);
                turns.sort_by_key(|&index| turn(&left[index], left[index].idle.and_then(idle_end)));
            }
            for &index in &turns {
                if open == 0 {
                    break;
                }
                if !arrived[index] || ends[index].is_some_and(|end| end < day) {
                    continue;
                }
                let taken = left[index].amount.min(open).max(0);
                left[index].amount -= taken;
                open -= taken;
            }
            debt += open;
        }
        arrive(None, &mut next, &mut left, &mut arrived, &mut debt);
        let (lots, ends) = left.into_iter().zip(ends).filter(|(lot, _)| inside(lot.earned)).unzip();
        Walked { lots, ends, debt }
    }

    /// Shrinks the purse: entries more than [`Purse::OPEN_DAYS`] before `newest` become what is left of
    /// them, so that a purse stays small after any number of years. A fact that arrives later than that and
    /// is dated before it counts from there on.
    pub fn settle(&mut self, newest: Day) {
        let through = newest.plus_days(-Self::OPEN_DAYS);
        let old = self.lots.iter().filter(|lot| lot.earned <= through).count()
            + self.spends.iter().filter(|spend| spend.0 <= through).count();
        if old < 2 {
            return;
        }
        let last_active = self.active_days(Some(through)).last().copied();
        let walked = self.walk(Some(through));
        let mut shrunk = Self::default();
        shrunk.add(Booking::Spend { day: through }, -walked.debt);
        for (lot, end) in walked.into_lots() {
            if lot.amount == 0 || end.is_some_and(|end| end < through) {
                continue;
            }
            let earned = match (lot.last, lot.idle) {
                // What is still alive lives from the last active day on.
                (_, Some(_)) => last_active.map_or(lot.earned, |last| last.max(lot.earned)),
                // What never expires needs no day of its own.
                (None, None) => through,
                (Some(_), None) => lot.earned,
            };
            shrunk.add_lot(Lot { earned, ..lot });
        }
        for lot in self.lots.iter().filter(|lot| lot.earned > through) {
            shrunk.add_lot(lot.clone());
        }
        for &(day, spent) in self.spends.iter().filter(|spend| spend.0 > through) {
            shrunk.add(Booking::Spend { day }, -spent);
        }
        if shrunk.lots.iter().any(|lot| lot.idle.is_some()) {
            shrunk.settled = last_active.map(|last| SettledActivity { through, last });
        }
        *self = shrunk;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: i64) -> Day {
        Day::from_number(20_000 + number)
    }

    fn earn(purse: &mut Purse, earned: i64, last: Option<i64>, amount: i64) {
        purse.add(Booking::Lot { earned: day(earned), last: last.map(day), idle: None }, amount);
    }

    fn earn_idle(purse: &mut Purse, earned: i64, last: Option<i64>, days: u16, amount: i64) {
        let idle = Some(Idle { months: 0, days });
        purse.add(Booking::Lot { earned: day(earned), last: last.map(day), idle }, amount);
    }

    fn spend(purse: &mut Purse, on: i64, amount: i64) {
        purse.add(Booking::Spend { day: day(on) }, -amount);
    }

    #[test]
    fn first_to_expire_goes_first() {
        // SCENARIOS 35.
        let mut purse = Purse::default();
        earn(&mut purse, 0, Some(380), 10);
        earn(&mut purse, 60, Some(440), 5);
        spend(&mut purse, 90, 12);
        let (lots, debt) = purse.lots(day(100));
        assert_eq!(lots, [Lot { amount: 3, earned: day(60), last: Some(day(440)), idle: None }]);
        assert_eq!(debt, 0);
        assert_eq!(purse.balance(day(440)), 3);
        assert_eq!(purse.balance(day(441)), 0);
        assert_eq!(purse.expired(day(441)), 3);
    }

    #[test]
    fn a_late_spend_draws_on_a_lot_that_has_expired_since() {
        let mut purse = Purse::default();
        earn(&mut purse, 0, Some(10), 5);
        earn(&mut purse, 5, Some(100), 5);
        assert_eq!(purse.balance(day(50)), 5);
        spend(&mut purse, 8, 5);
        assert_eq!(purse.balance(day(50)), 5, "the spend of day 8 took the lot that ended on day 10");
    }

    #[test]
    fn an_overdraft_is_paid_by_what_comes_next() {
        let mut purse = Purse::default();
        spend(&mut purse, 1, 10);
        assert_eq!(purse.balance(day(1)), -10);
        earn(&mut purse, 2, None, 12);
        assert_eq!(purse.balance(day(2)), 2);
    }

    #[test]
    fn taking_a_spend_back_returns_units_to_their_lot() {
        let mut purse = Purse::default();
        earn(&mut purse, 0, Some(30), 10);
        spend(&mut purse, 1, 10);
        purse.add(Booking::Spend { day: day(1) }, 10);
        assert_eq!(
            purse.lots(day(2)).0,
            [Lot { amount: 10, earned: day(0), last: Some(day(30)), idle: None }]
        );
    }

    #[test]
    fn what_is_used_does_not_end() {
        let mut purse = Purse::default();
        earn_idle(&mut purse, 0, None, 30, 10);
        assert_eq!((purse.balance(day(30)), purse.balance(day(31))), (10, 0));
        spend(&mut purse, 30, 1);
        assert_eq!(
            (purse.balance(day(60)), purse.balance(day(61))),
            (9, 0),
            "the spend gave it 30 days more"
        );
        earn(&mut purse, 55, Some(500), 5);
        let ends_idle =
            Lot { amount: 9, earned: day(0), last: Some(day(85)), idle: Some(Idle { months: 0, days: 30 }) };
        let ends_set = Lot { amount: 5, earned: day(55), last: Some(day(500)), idle: None };
        assert_eq!(purse.lots(day(60)).0, [ends_idle, ends_set]);
        spend(&mut purse, 90, 1);
        assert_eq!(purse.balance(day(90)), 4, "what had ended on day 85 stays ended");
        assert_eq!(purse.expired(day(91)), 9);
    }

    #[test]
    fn the_earlier_of_two_ends_counts() {
        let mut purse = Purse::default();
        earn_idle(&mut purse, 0, Some(40), 30, 10);
        assert_eq!(purse.lots(day(1)).0[0].last, Some(day(30)));
        spend(&mut purse, 20, 1);
        let lot = &purse.lots(day(21)).0[0];
        assert_eq!((lot.last, lot.idle), (Some(day(40)), None), "no visit moves this end");
    }

    #[test]
    fn idle_months_are_those_of_the_calendar() {
        let idle = Idle { months: 12, days: 0 };
        let leap: Day = "2024-02-29".parse().unwrap();
        assert_eq!(idle.end(leap).to_string(), "2025-02-28");
        let text =
            serde_json::to_string(&Booking::Lot { earned: leap, last: None, idle: Some(idle) }).unwrap();
        assert_eq!(text, r#"{"lot":{"earned":"2024-02-29","idle":{"months":12}}}"#);
    }

    #[test]
    fn a_refund_takes_the_units_and_leaves_the_visit() {
        let mut purse = Purse::default();
        earn_idle(&mut purse, 0, None, 30, 10);
        earn_idle(&mut purse, 20, None, 30, 5);
        assert_eq!(purse.balance(day(50)), 15);
        earn_idle(&mut purse, 20, None, 30, -5);
        assert_eq!((purse.balance(day(50)), purse.balance(day(51))), (10, 0));
        earn_idle(&mut purse, 0, None, 30, -10);
        assert!(purse.is_empty());
    }

    /// Another way to the same figures: day after day, as a person with a drawer of coupons would do it.
    fn by_hand(entries: &[(Booking, i64)], on: i64) -> i64 {
        let mut drawer: Vec<Lot> = Vec::new();
        let (mut debt, mut active) = (0_i64, day(-1));
        for today in (0..=on).map(day) {
            let spent: i64 = entries
                .iter()
                .filter(|(booking, _)| *booking == Booking::Spend { day: today })
                .map(|(_, amount)| -amount)
                .sum();
            // What had ended before today does not come back; the end is asked for before today counts as active.
            drawer.retain(|lot| lot.last.is_none_or(|last| last >= today));
            drawer.retain(|lot| lot.idle.is_none_or(|idle| idle.end(active.max(lot.earned)) >= today));
            let mut came: Vec<Lot> = entries
                .iter()
                .filter_map(|(booking, amount)| match *booking {
                    Booking::Lot { earned, last, idle } if earned == today => {
                        Some(Lot { amount: *amount, earned, last, idle })
                    }
                    _ => None,
                })
                .collect();
            if spent > 0 || !came.is_empty() {
                active = today;
            }
            let key = |lot: &Lot| {
                let idle_end = lot.idle.map(|idle| idle.end(active));
                let end = [lot.last, idle_end].into_iter().flatten().min().unwrap_or(Day::MAX);
                (end, lot.last.unwrap_or(Day::MAX), lot.idle, lot.earned)
            };
            came.sort_by_key(key);
            for lot in &mut came {
                let paid = lot.amount.min(debt);
                lot.amount -= paid;
                debt -= paid;
            }
            drawer.append(&mut came);
            drawer.sort_by_key(key);
            let mut open = spent;
            for lot in &mut drawer {
                let taken = lot.amount.min(open);
                lot.amount -= taken;
                open -= taken;
            }
            debt += open;
        }
        drawer.iter().map(|lot| lot.amount).sum::<i64>() - debt
    }

    fn bookings() -> impl Strategy<Value = Vec<(Booking, i64)>> {
        let idle = prop_oneof![
            3 => Just(None),
            1 => (1_u16..300).prop_map(|days| Some(Idle { months: 0, days })),
            1 => (1_u16..9).prop_map(|months| Some(Idle { months, days: 0 })),
        ];
        let one = (0_i64..2000, prop::option::of(0_i64..400), idle, 1_i64..20, any::<bool>()).prop_map(
            |(on, life, idle, amount, earns)| {
                if earns {
                    (Booking::Lot { earned: day(on), last: life.map(|life| day(on + life)), idle }, amount)
                } else {
                    (Booking::Spend { day: day(on) }, -amount)
                }
            },
        );
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(entries in bookings(), seed: u64, on in 0_i64..2500) {
            let mut straight = Purse::default();
            for &(booking, amount) in &entries {
                straight.add(booking, amount);
            }
            let mut shuffled = entries.clone();
            let mut state = seed | 1;
            for index in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(index, (state >> 33) as usize % (index + 1));
            }
            let mut other = Purse::default();
            for &(booking, amount) in &shuffled {
                other.add(booking, amount);
            }
            prop_assert_eq!(&straight, &other);
            prop_assert_eq!(straight.balance(day(on)), other.balance(day(on)));
        }

        #[test]
        fn adding_and_taking_back_leaves_nothing(entries in bookings()) {
            let mut purse = Purse::default();
            for &(booking, amount) in &entries {
                purse.add(booking, amount);
            }
            for &(booking, amount) in &entries {
                purse.add(booking, -amount);
            }
            prop_assert!(purse.is_empty());
        }

        #[test]
        fn settling_changes_no_balance_of_today(
            entries in bookings(), more in bookings(), first in 0_i64..2000, later in 0_i64..500,
        ) {
            let mut purse = Purse::default();
            for &(booking, amount) in &entries {
                purse.add(booking, amount);
            }
            let mut settled = purse.clone();
            // Twice, as it is done again and again; then life goes on.
            settled.settle(day(first));
            settled.settle(day(2000));
            for &(booking, amount) in &more {
                let moved = match booking {
                    Booking::Lot { earned, last, idle } => {
                        let by = 2000 - 800 + 1;
                        Booking::Lot { earned: earned.plus_days(by), last: last.map(|last| last.plus_days(by)), idle }
                    }
                    Booking::Spend { day } => Booking::Spend { day: day.plus_days(2000 - 800 + 1) },
                };
                purse.add(moved, amount);
                settled.add(moved, amount);
            }
            for on in [2000 + later, 3000 + later, 4000 + later] {
                prop_assert_eq!(purse.balance(day(on)), settled.balance(day(on)), "on {}", on);
            }
            let read: Purse = serde_json::from_str(&serde_json::to_string(&settled).unwrap()).unwrap();
            prop_assert_eq!(read, settled);
        }

        #[test]
        fn nothing_is_lost_or_made_when_nothing_expires(entries in bookings()) {
            let mut purse = Purse::default();
            let mut sum = 0;
            for &(booking, amount) in &entries {
                let booking = match booking {
                    Booking::Lot { earned, .. } => Booking::Lot { earned, last: None, idle: None },
                    spend => spend,
                };
                purse.add(booking, amount);
                sum += amount;
            }
            prop_assert_eq!(purse.balance(day(5000)), sum);
        }
    }

    proptest! {
        // Slow: it walks every day.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_purse_holds_what_a_person_would_count(entries in bookings(), on in 2000_i64..2500) {
            let mut purse = Purse::default();
            for &(booking, amount) in &entries {
                purse.add(booking, amount);
            }
            prop_assert_eq!(purse.balance(day(on)), by_hand(&entries, on));
        }
    }
}
