//! The movements of a sale in double entry.
//!
//! Units move between the member and the shop. Money moves in `eur.2`: what was taken in cash or by card,
//! against the tax inside it and what the shop sold. Stored value is both: the member's account pays it to
//! the shop that owes it, and the shop's prepayments pay it to the till. Each pair sums to zero by itself.

use std::collections::BTreeMap;

use crate::ids::{MemberId, ShopId};
use crate::ledger::{Account, Booking, Posting};
use crate::money::{Money, Rate};
use crate::rules::basket::clamp;
use crate::rules::outcome::Outcome;
use crate::sale::{Sale, Tender, TenderKind};
use crate::time::Day;
use crate::unit::Unit;

/// Every movement of a sale.
///
/// With `paid` of a tax rate summed over its lines after discounts, `tax = paid · rate / (1 + rate)` half up
/// and `net = paid − tax`: cash +(total − stored), tax −tax, sales −net. Stored value that pays goes from the
/// member to the shop and from the shop's prepayments to the till; stored value that is sold goes the other way.
pub fn sale_postings(
    sale: &Sale,
    outcome: &Outcome,
    member: Option<MemberId>,
    shop: ShopId,
    day: Day,
) -> Vec<Posting> {
    let mut postings = member.map(|member| outcome.postings(member, shop, day)).unwrap_or_default();
    let paid: Vec<i64> = outcome.lines.iter().map(|line| line.paid.0).collect();
    let takings = Takings::new(sale, &paid, outcome.stored.0);
    postings.extend(takings.postings(shop));
    postings.extend(outcome.shares.iter().flat_map(|share| share.postings(shop, share.amount.0)));
    if let Some(member) = member {
        let stored = takings.stored;
        postings.extend(member_pair(member, shop, -stored, Booking::Spend { day }));
        postings.extend(member_pair(
            member,
            shop,
            takings.loaded,
            Booking::Lot { earned: day, last: None, idle: None },
        ));
    }
    postings
}

/// The sale with what each tender really paid: stored value what the rules let it, the rest in the first other way
/// that was named, else in the `usual` one.
pub fn settled(mut sale: Sale, outcome: &Outcome, usual: TenderKind) -> Sale {
    let other = sale.tenders.iter().map(|tender| tender.kind).find(|kind| *kind != TenderKind::Stored);
    let rest = outcome.total - outcome.stored;
    sale.tenders.clear();
    if outcome.stored != Money::ZERO {
        sale.tenders.push(Tender { kind: TenderKind::Stored, amount: outcome.stored });
    }
    if rest != Money::ZERO || sale.tenders.is_empty() {
        sale.tenders.push(Tender { kind: other.unwrap_or(usual), amount: rest });
    }
    sale
}

/// A movement of stored value between a member and a shop.
pub(super) fn member_pair(member: MemberId, shop: ShopId, amount: i64, booking: Booking) -> Vec<Posting> {
    if amount == 0 {
        return Vec::new();
    }
    vec![
        Posting { account: Account::Member(member), unit: Unit::euro(), amount, booking: Some(booking) },
        Posting { account: Account::Shop(shop), unit: Unit::euro(), amount: -amount, booking: None },
    ]
}

/// What a sale brought into the till, or what is left of that after a refund.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Takings {
    /// What was paid, by tax rate.
    by_rate: BTreeMap<Rate, i64>,
    /// Stored value sold.
    pub loaded: i64,
    /// Paid from stored value.
    pub stored: i64,
}

impl Takings {
    /// Sums what was paid for each line of a sale.
    pub fn new(sale: &Sale, paid: &[i64], stored: i64) -> Self {
        let mut takings = Self { stored, ..Self::default() };
        for (line, &paid) in sale.lines.iter().zip(paid) {
            if line.stored {
                takings.loaded = takings.loaded.saturating_add(paid);
            } else {
                let sum = takings.by_rate.entry(Rate(line.vat.0.clamp(0, Rate::WHOLE.0))).or_default();
                *sum = sum.saturating_add(paid);
            }
        }
        takings
    }

    /// What was to pay in all.
    pub fn total(&self) -> i64 {
        let goods: i128 = self.by_rate.values().map(|paid| i128::from(*paid)).sum();
        clamp(goods + i128::from(self.loaded))
    }

    /// Each account and what moves on it.
    fn moves(&self, shop: ShopId) -> BTreeMap<Account, i64> {
        let mut moves: BTreeMap<Account, i64> = BTreeMap::new();
        let mut add = |account, amount: i64| {
            let sum: &mut i64 = moves.entry(account).or_default();
            *sum = sum.saturating_add(amount);
        };
        add(Account::Cash, self.total() - self.stored);
        add(Account::Prepaid(shop), self.stored - self.loaded);
        for (&rate, &paid) in &self.by_rate {
            let tax = Money(paid).tax_inside(rate).0;
            add(Account::Tax(rate), -tax);
            add(Account::Sales(shop), tax - paid);
        }
        moves
    }

    fn postings(&self, shop: ShopId) -> Vec<Posting> {
        money_postings(self.moves(shop))
    }

    /// The movements that turn these takings into what is left of them.
    pub fn postings_to(&self, left: &Self, shop: ShopId) -> Vec<Posting> {
        let mut moves = left.moves(shop);
        for (account, amount) in self.moves(shop) {
            let sum = moves.entry(account).or_default();
            *sum = sum.saturating_sub(amount);
        }
        money_postings(moves)
    }
}

fn money_postings(moves: BTreeMap<Account, i64>) -> Vec<Posting> {
    let some = moves.into_iter().filter(|(_, amount)| *amount != 0);
    some.map(|(account, amount)| Posting { account, unit: Unit::euro(), amount, booking: None }).collect()
}
