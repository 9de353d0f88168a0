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
    },
    /// Spends units on that day from the lots that were valid then, first to expire first; or, with a
    /// positive amount, takes such a spend back, so that the units return to the lots they came from.
    Spend {
        /// The business day it was spent.
        day: Day,
    },
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
}

/// One member's units of one kind: sums per day, from which the lots of any day can be computed.
///
/// Adding to sums commutes, so a purse does not depend on the order in which journals arrive. Which lot a
/// spend draws on is decided when somebody asks ([`Purse::lots`]), over the days in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Earned, by last valid day (none last) and day of earning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lots: Vec<Lot>,
    /// Spent, by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spends: Vec<(Day, i64)>,
}

/// Orders lots as they are spent: first to expire first, then first earned.
fn by_expiry(lot: &Lot) -> (bool, Option<Day>, Day) {
    (lot.last.is_none(), lot.last, lot.earned)
}

impl Purse {
    /// Entries older than this many days before the newest are settled into what is left of them.
    pub const OPEN_DAYS: i32 = 800;

    /// Adds one posting. Sums only: the order of calls does not matter.
    pub fn add(&mut self, booking: Booking, amount: i64) {
        match booking {
            Booking::Lot { earned, last } => {
                let key = by_expiry(&Lot { amount: 0, earned, last });
                match self.lots.binary_search_by_key(&key, by_expiry) {
                    Ok(index) => {
                        self.lots[index].amount += amount;
                        if self.lots[index].amount == 0 {
                            self.lots.remove(index);
                        }
                    }
                    Err(index) if amount != 0 => self.lots.insert(index, Lot { amount, earned, last }),
                    Err(_) => {}
                }
            }
            Booking::Spend { day } => match self.spends.binary_search_by_key(&day, |spend| spend.0) {
                Ok(index) => {
                    self.spends[index].1 -= amount;
                    if self.spends[index].1 == 0 {
                        self.spends.remove(index);
                    }
                }
                Err(index) if amount != 0 => self.spends.insert(index, (day, -amount)),
                Err(_) => {}
            },
        }
    }

    /// Whether nothing was ever left in it.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty() && self.spends.is_empty()
    }

    /// The lots that can be spent on that day and the debt, if more was spent than there was.
    ///
    /// Days are walked in order: on each day what was earned comes in, pays a debt first, and then what was
    /// spent goes out, first to expire first, from the lots valid that day.
    pub fn lots(&self, on: Day) -> (Vec<Lot>, i64) {
        let (mut lots, debt) = self.walk(None);
        lots.retain(|lot| lot.amount > 0 && lot.last.is_none_or(|last| last >= on));
        (lots, debt)
    }

    /// What can be spent on that day; negative if more was spent than there was.
    pub fn balance(&self, on: Day) -> i64 {
        if self.spends.is_empty() && self.lots.iter().all(|lot| lot.amount >= 0) {
            let valid = self.lots.iter().filter(|lot| lot.last.is_none_or(|last| last >= on));
            return valid.map(|lot| lot.amount).sum();
        }
        let (lots, debt) = self.lots(on);
        lots.iter().map(|lot| lot.amount).sum::<i64>() - debt
    }

    /// What expired unspent on the days before that day, as far as the open days reach back.
    pub fn expired(&self, before: Day) -> i64 {
        let (lots, _) = self.walk(None);
        lots.iter().filter(|lot| lot.last.is_some_and(|last| last < before)).map(|lot| lot.amount).sum()
    }

    /// Walks the days up to and including `through` (all, if none): every lot with what is left of it, in
    /// the order of spending, and the debt.
    fn walk(&self, through: Option<Day>) -> (Vec<Lot>, i64) {
        let inside = |day: Day| through.is_none_or(|through| day <= through);
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
        arrivals.sort_by_key(|&index| (left[index].earned, by_expiry(&left[index])));
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
        for &(day, spent) in self.spends.iter().filter(|spend| inside(spend.0)) {
            arrive(Some(day), &mut next, &mut left, &mut arrived, &mut debt);
            let mut open = spent;
            if open < 0 {
                // More was given back on that day than spent: an inconsistency that favours the member.
                debt += open;
                continue;
            }
            for (index, lot) in left.iter_mut().enumerate() {
                if open == 0 {
                    break;
                }
                if !arrived[index] || lot.last.is_some_and(|last| last < day) {
                    continue;
                }
                let taken = lot.amount.min(open).max(0);
                lot.amount -= taken;
                open -= taken;
            }
            debt += open;
        }
        arrive(None, &mut next, &mut left, &mut arrived, &mut debt);
        left.retain(|lot| inside(lot.earned));
        (left, debt)
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
        let (mut settled, debt) = self.walk(Some(through));
        settled.retain(|lot| lot.amount != 0 && lot.last.is_none_or(|last| last >= through));
        let mut shrunk = Self::default();
        for lot in &settled {
            // What never expires needs no day of its own.
            let earned = if lot.last.is_none() { through } else { lot.earned };
            shrunk.add(Booking::Lot { earned, last: lot.last }, lot.amount);
        }
        shrunk.add(Booking::Spend { day: through }, -debt);
        for lot in self.lots.iter().filter(|lot| lot.earned > through) {
            shrunk.add(Booking::Lot { earned: lot.earned, last: lot.last }, lot.amount);
        }
        for &(day, spent) in self.spends.iter().filter(|spend| spend.0 > through) {
            shrunk.add(Booking::Spend { day }, -spent);
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
        purse.add(Booking::Lot { earned: day(earned), last: last.map(day) }, amount);
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
        assert_eq!(lots, [Lot { amount: 3, earned: day(60), last: Some(day(440)) }]);
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
        assert_eq!(purse.lots(day(2)).0, [Lot { amount: 10, earned: day(0), last: Some(day(30)) }]);
    }

    fn bookings() -> impl Strategy<Value = Vec<(Booking, i64)>> {
        let one = (0_i64..2000, prop::option::of(0_i64..400), 1_i64..20, any::<bool>()).prop_map(
            |(on, life, amount, earns)| {
                if earns {
                    (Booking::Lot { earned: day(on), last: life.map(|life| day(on + life)) }, amount)
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
        fn settling_changes_no_balance_of_today(entries in bookings(), later in 0_i64..500) {
            let mut purse = Purse::default();
            for &(booking, amount) in &entries {
                purse.add(booking, amount);
            }
            let mut settled = purse.clone();
            settled.settle(day(2000));
            prop_assert_eq!(purse.balance(day(2000 + later)), settled.balance(day(2000 + later)));
        }

        #[test]
        fn nothing_is_lost_or_made_when_nothing_expires(entries in bookings()) {
            let mut purse = Purse::default();
            let mut sum = 0;
            for &(booking, amount) in &entries {
                let booking = match booking {
                    Booking::Lot { earned, .. } => Booking::Lot { earned, last: None },
                    spend => spend,
                };
                purse.add(booking, amount);
                sum += amount;
            }
            prop_assert_eq!(purse.balance(day(5000)), sum);
        }
    }
}
