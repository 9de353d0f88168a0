//! Bounds on what comes from outside, so that a judgement costs little and no sum overflows.

use crate::money::{Money, Quantity};
use crate::rules::CLAIM_TIMES_MAX;
use crate::sale::{Claim, Deed, Order, Sale, StampOrder};

/// Why an order is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// More of something than an order holds.
    #[error("an order has at most {most} {what}; split it into two")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The most that is taken.
        most: usize,
    },
    /// A figure of a line that no shop sells.
    #[error("line {line}: {what} is out of bounds; check what was keyed in")]
    BadLine {
        /// Which line, from 1.
        line: usize,
        /// Which figure.
        what: &'static str,
    },
    /// A claim for no times, or too many.
    #[error("a reward is claimed 1 to {CLAIM_TIMES_MAX} times")]
    BadClaim,
    /// A payment below zero or too large.
    #[error("a payment is between 0.00 and {}", Money(Money::MAX))]
    BadTender,
}

/// The longest text of a line, in bytes.
const TEXT_LEN_MAX: usize = 200;

/// Holds an order from outside against its bounds.
pub fn check_order(order: Order<'_>) -> Result<(), OrderError> {
    match order {
        Order::Sale(sale) => check_sale(sale),
        Order::Stamps(order) => check_stamps(order),
        Order::Deed(deed) => check_deed(deed),
    }
}

fn check_deed(deed: &Deed) -> Result<(), OrderError> {
    match deed {
        Deed::Activity { reference, .. } => {
            at_most("bytes in a reference", reference.len(), Deed::REFERENCE_LEN_MAX)
        }
        Deed::Referral { .. } | Deed::Day | Deed::Calendar => Ok(()),
    }
}

fn check_sale(sale: &Sale) -> Result<(), OrderError> {
    at_most("lines", sale.lines.len(), Sale::LINES_MAX)?;
    at_most("codes", sale.codes.len(), Sale::CODES_MAX)?;
    at_most("payments", sale.tenders.len(), Sale::TENDERS_MAX)?;
    if sale.tenders.iter().any(|tender| !(0..=Money::MAX).contains(&tender.amount.0)) {
        return Err(OrderError::BadTender);
    }
    if sale.codes.iter().any(|code| code.len() > TEXT_LEN_MAX) {
        return Err(OrderError::TooMany { what: "bytes in a code", most: TEXT_LEN_MAX });
    }
    for (index, line) in sale.lines.iter().enumerate() {
        let bad = |what| Err(OrderError::BadLine { line: index + 1, what });
        if line.price.0.abs() > Money::MAX {
            return bad("the price");
        }
        if line.quantity.0.abs() > Quantity::MAX || line.gross().0.abs() > Money::MAX {
            return bad("the quantity");
        }
        if !(0..=10_000).contains(&line.vat.0) {
            return bad("the tax rate");
        }
        if line.name.len() > TEXT_LEN_MAX || line.category.len() > TEXT_LEN_MAX {
            return bad("the length of the name");
        }
    }
    check_claims(&sale.claims)
}

fn check_stamps(order: &StampOrder) -> Result<(), OrderError> {
    at_most("programmes", order.stamps.len(), StampOrder::PROGRAMMES_MAX)?;
    if order.stamps.iter().any(|stamp| stamp.count > StampOrder::COUNT_MAX) {
        return Err(OrderError::TooMany { what: "stamps", most: StampOrder::COUNT_MAX as usize });
    }
    check_claims(&order.claims)
}

fn check_claims(claims: &[Claim]) -> Result<(), OrderError> {
    at_most("claims", claims.len(), Sale::CLAIMS_MAX)?;
    if claims.iter().any(|claim| claim.times == 0 || claim.times > CLAIM_TIMES_MAX) {
        return Err(OrderError::BadClaim);
    }
    Ok(())
}

fn at_most(what: &'static str, count: usize, most: usize) -> Result<(), OrderError> {
    if count > most { Err(OrderError::TooMany { what, most }) } else { Ok(()) }
}
