//! Clearing in a coalition: who issued units, who honoured them, and who pays whom for it.
//!
//! A unit that one shop gave may be spent in another. The shop that honours it is paid for it by those who
//! issued: in a period the units that were honoured are worth `per_unit` each, that value is charged to the
//! issuers in proportion to what each issued, and what each is owed and owes is settled by as few payments as a
//! line of them needs. For party *i* with *issuedᵢ* and *honouredᵢ* units:
//!
//! > valueᵢ = round half up (honouredᵢ × per_unit), chargeᵢ = split of Σ value by issued (largest remainder),
//! > netᵢ = valueᵢ − chargeᵢ, and Σ net = 0
//!
//! Where nobody issued anything in the period each party bears what it honoured. What was taken back counts
//! less: an award that was undone was not issued, a spend that was undone was not honoured. A party that took
//! more back than it issued is charged nothing.

use std::collections::BTreeMap;

use crate::ids::ShopId;
use crate::ledger::{Account, Booking, Posting};
use crate::money::{Money, div_half_up, split};
use crate::programme::Decimal;
use crate::rules::basket::clamp;
use crate::unit::Unit;

/// Units that a party gave and took for rewards in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Given, less what was taken back.
    pub issued: i64,
    /// Taken for rewards, less what was given back.
    pub honoured: i64,
}

/// Sums the postings of events by unit and by who answers for the shop: the shop itself, or its merchant.
///
/// Each item is the postings of one event. In them a movement of a member stands before the other side of it.
/// Units that a refund gives back with days of grace, because their lot has ended, count as issued anew by the
/// shop that gives them back. Gifts to a cause and goodwill are neither issued nor honoured by a shop.
pub fn turnovers<'a, P: Ord>(
    events: impl IntoIterator<Item = &'a [Posting]>,
    party: impl Fn(ShopId) -> P,
) -> BTreeMap<Unit, BTreeMap<P, Turnover>> {
    let mut sums: BTreeMap<Unit, BTreeMap<P, Turnover>> = BTreeMap::new();
    for postings in events {
        for pair in postings.windows(2) {
            let (member, other) = (&pair[0], &pair[1]);
            let (Account::Member(_), Some(booking), Account::Shop(shop)) =
                (&member.account, member.booking, &other.account)
            else {
                continue;
            };
            if member.unit != other.unit || member.amount != -other.amount {
                continue;
            }
            let of_unit = sums.entry(member.unit.clone()).or_default();
            let turnover = of_unit.entry(party(*shop)).or_default();
            match booking {
                Booking::Lot { .. } => turnover.issued = turnover.issued.saturating_add(member.amount),
                Booking::Spend { .. } => turnover.honoured = turnover.honoured.saturating_sub(member.amount),
            }
        }
    }
    sums
}

/// What one party is owed and owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<P> {
    /// Who.
    pub party: P,
    /// What it gave and took.
    pub turnover: Turnover,
    /// What it is owed for the units that it honoured.
    pub value: Money,
    /// What it owes for the units that it issued.
    pub charge: Money,
}

impl<P> Share<P> {
    /// What it gets in the end; negative: what it pays.
    pub fn net(&self) -> Money {
        self.value - self.charge
    }
}

/// A payment from one party to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer<P> {
    /// Who pays.
    pub from: P,
    /// Whom.
    pub to: P,
    /// How much; more than nothing.
    pub amount: Money,
}

/// How one unit is settled for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing<P> {
    /// Every party, in their order.
    pub shares: Vec<Share<P>>,
    /// The payments that settle it: fewer than there are parties.
    pub transfers: Vec<Transfer<P>>,
}

/// Settles one unit at so much money for a whole one.
pub fn clear<P: Ord + Clone>(
    turnovers: &BTreeMap<P, Turnover>,
    unit: &Unit,
    per_unit: Decimal,
) -> Clearing<P> {
    // Millionths of a euro for a whole unit, to cents for the smallest part of it.
    let divisor = 10_i128.pow(u32::from(Decimal::SCALE - Money::SCALE) + u32::from(unit.scale()));
    let worth = |turnover: &Turnover| {
        div_half_up(i128::from(turnover.honoured) * i128::from(per_unit.millionths()), divisor)
    };
    let values: Vec<i64> = turnovers.values().map(worth).collect();
    let issued: Vec<i64> = turnovers.values().map(|turnover| turnover.issued.max(0)).collect();
    let total = clamp(values.iter().map(|value| i128::from(*value)).sum());
    let somebody_issued = issued.iter().any(|issued| *issued > 0);
    let charges = if somebody_issued { split(total, &issued) } else { values.clone() };
    let shares: Vec<Share<P>> = turnovers
        .iter()
        .zip(values.iter().zip(&charges))
        .map(|((party, turnover), (value, charge))| Share {
            party: party.clone(),
            turnover: *turnover,
            value: Money(*value),
            charge: Money(*charge),
        })
        .collect();
    let transfers = transfers(&shares);
    Clearing { shares, transfers }
}

/// Who pays whom: the one who owes most pays the one who is owed most, until nobody owes anything. Of equals the
/// earlier party comes first.
fn transfers<P: Ord + Clone>(shares: &[Share<P>]) -> Vec<Transfer<P>> {
    let side = |sign: i64| {
        let mut side: Vec<(i64, &P)> =
            shares.iter().map(|share| (share.net().0.saturating_mul(sign), &share.party)).collect();
        side.retain(|(amount, _)| *amount > 0);
        side.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        side
    };
    let (mut debtors, mut creditors) = (side(-1).into_iter(), side(1).into_iter());
    let mut transfers = Vec::new();
    let (mut debtor, mut creditor) = (debtors.next(), creditors.next());
    while let (Some((owes, from)), Some((owed, to))) = (&mut debtor, &mut creditor) {
        let amount = (*owes).min(*owed);
        transfers.push(Transfer { from: (*from).clone(), to: (*to).clone(), amount: Money(amount) });
        *owes -= amount;
        *owed -= amount;
        let (paid, satisfied) = (*owes == 0, *owed == 0);
        if paid {
            debtor = debtors.next();
        }
        if satisfied {
            creditor = creditors.next();
        }
    }
    transfers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point() -> Unit {
        Unit::new("point", 0).unwrap()
    }

    fn of(figures: &[(&'static str, i64, i64)]) -> BTreeMap<&'static str, Turnover> {
        figures.iter().map(|&(party, issued, honoured)| (party, Turnover { issued, honoured })).collect()
    }

    #[test]
    fn the_baker_honours_what_the_others_gave() {
        // 400 points are honoured at a cent each: 4.00, charged 3:1:0 to those who gave 300 and 100.
        let clearing = clear(
            &of(&[("baker", 0, 300), ("café", 300, 100), ("florist", 100, 0)]),
            &point(),
            "0.01".parse().unwrap(),
        );
        let nets: Vec<i64> = clearing.shares.iter().map(|share| share.net().0).collect();
        assert_eq!(nets, [300, -200, -100]);
        let transfer = |from, amount| Transfer { from, to: "baker", amount: Money(amount) };
        assert_eq!(clearing.transfers, [transfer("café", 200), transfer("florist", 100)]);
    }

    #[test]
    fn where_nobody_issued_each_bears_its_own() {
        let clearing = clear(&of(&[("a", 0, 50), ("b", -20, 10)]), &point(), Decimal::ONE);
        assert!(clearing.transfers.is_empty());
        assert!(clearing.shares.iter().all(|share| share.net() == Money::ZERO));
    }

    #[test]
    fn tenths_of_a_unit_are_worth_tenths() {
        let tenth = Unit::new("point", 1).unwrap();
        let clearing = clear(&of(&[("a", 10, 0), ("b", 0, 15)]), &tenth, "0.03".parse().unwrap());
        // 1.5 points at 3 cents are 4.5 cents, half up.
        assert_eq!(clearing.transfers, [Transfer { from: "a", to: "b", amount: Money(5) }]);
    }

    fn turnovers_of() -> impl Strategy<Value = BTreeMap<u8, Turnover>> {
        let one = (-50..5000_i64, -50..5000_i64).prop_map(|(issued, honoured)| Turnover { issued, honoured });
        prop::collection::btree_map(any::<u8>(), one, 0..12)
    }

    proptest! {
        #[test]
        fn what_one_gets_another_pays(turnovers in turnovers_of(), millionths in 1..3_000_000_i64, scale in 0..3_u8) {
            let per_unit: Decimal = crate::money::format_decimal(millionths, 6).parse().unwrap();
            let unit = Unit::new("point", scale).unwrap();
            let clearing = clear(&turnovers, &unit, per_unit);
            let sum: i64 = clearing.shares.iter().map(|share| share.net().0).sum();
            prop_assert_eq!(sum, 0);
            let mut open: BTreeMap<u8, i64> =
                clearing.shares.iter().map(|share| (share.party, share.net().0)).collect();
            prop_assert!(clearing.transfers.len() < turnovers.len().max(1));
            for transfer in &clearing.transfers {
                prop_assert!(transfer.amount > Money::ZERO && transfer.from != transfer.to);
                *open.get_mut(&transfer.from).unwrap() += transfer.amount.0;
                *open.get_mut(&transfer.to).unwrap() -= transfer.amount.0;
            }
            prop_assert!(open.values().all(|left| *left == 0), "{:?}", open);
            // Who issued nothing pays for nothing, and who issued more never pays less (within a cent of rounding).
            let total: i64 = clearing.shares.iter().map(|share| share.value.0).sum();
            if total >= 0 && turnovers.values().any(|turnover| turnover.issued > 0) {
                for share in &clearing.shares {
                    prop_assert!(share.turnover.issued > 0 || share.charge == Money::ZERO);
                    for other in &clearing.shares {
                        if share.turnover.issued >= other.turnover.issued {
                            prop_assert!(share.charge.0 >= other.charge.0 - 1);
                        }
                    }
                }
            }
        }
    }
}
