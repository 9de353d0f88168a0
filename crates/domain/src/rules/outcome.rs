//! What an evaluation gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::CounterStep;
use crate::grant::Grant;
use crate::ids::{MemberId, ProgrammeId, RewardId, ShopId, Sku};
use crate::ledger::{Account, Booking, Idle, Posting};
use crate::money::Money;
use crate::time::Day;
use crate::unit::Unit;

/// What programmes give and take for one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What is to pay after discounts. Zero in stamp-card mode.
    pub total: Money,
    /// Each line of the sale, in its order, and after them the free items that claims added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineResult>,
    /// Units given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awards: Vec<Award>,
    /// Units taken for rewards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spends: Vec<Spend>,
    /// Claims that were not granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// Counters that caps go by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<CounterStep>,
    /// How what challenges and ladders counted falls to the lines, for refunds, by the counter's name. A counter that is
    /// not named here follows the award of its rule, or goes with the whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Vec<Part>>,
    /// The device's own tallies that stock and allotments go by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tallies: Vec<CounterStep>,
    /// Rights that were given and are given once only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Other members who are due something because of this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<Due>,
    /// Shares of the sale that go to causes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<CauseShare>,
    /// How much of the total the member's stored value pays.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub stored: Money,
    /// Why each unit was given or not, in the order it was decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceStep>,
}

/// What became of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineResult {
    /// The article.
    pub sku: Sku,
    /// Quantity × price.
    pub gross: Money,
    /// What came off.
    pub discount: Money,
    /// What is to pay: gross − discount.
    pub paid: Money,
    /// Given free by a claim rather than bought.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
}

/// Units given by one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// By which programme.
    pub programme: ProgrammeId,
    /// By which of its rules.
    pub rule: String,
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub amount: i64,
    /// The last day it can be spent; none: it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Day>,
    /// How long it outlives the last earning or spend of its unit; none: that does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
    /// How it falls to the lines of the outcome, for refunds; none: by what was paid for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<i64>,
    /// The right it was given for. It is taken back with the whole only, never in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// What a refund cannot take back from what is left is let go; else it is owed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgive: bool,
}

/// A part of what a counter counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// How much of it.
    pub amount: i64,
    /// How it falls to the lines of the outcome; none: by what was paid for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<i64>,
}

impl Part {
    /// The parts that awards make.
    pub(super) fn of_awards<'a>(awards: impl Iterator<Item = &'a Award>) -> Vec<Self> {
        awards.map(|award| Self { amount: award.amount, weights: award.weights.clone() }).collect()
    }

    /// What parts come to.
    pub(super) fn sum(parts: &[Self]) -> i64 {
        parts.iter().fold(0, |sum, part| sum.saturating_add(part.amount))
    }
}

/// A share of a sale that goes to a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseShare {
    /// By which programme.
    pub programme: ProgrammeId,
    /// By which of its rules.
    pub rule: String,
    /// The cause.
    pub cause: String,
    /// How much.
    pub amount: Money,
    /// How it falls to the lines, for refunds; none: by what was paid for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<i64>,
}

impl CauseShare {
    /// The movement of so much of it from the shop to the cause; a negative amount goes back.
    pub(super) fn postings(&self, shop: ShopId, amount: i64) -> Vec<Posting> {
        if amount == 0 {
            return Vec::new();
        }
        let posting = |account, amount| Posting { account, unit: Unit::euro(), amount, booking: None };
        vec![posting(Account::Shop(shop), -amount), posting(Account::Cause(self.cause.clone()), amount)]
    }
}

/// A member who brought a friend and is due a reward for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Who.
    pub member: MemberId,
    /// By the referral rule of which programme.
    pub programme: ProgrammeId,
}

/// Units taken for one reward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// By which programme.
    pub programme: ProgrammeId,
    /// For which reward.
    pub reward: RewardId,
    /// How often it was given.
    pub times: u32,
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub amount: i64,
    /// How it falls to the lines of the outcome, for refunds; none: by what was paid for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<i64>,
    /// For how many days units can be spent that a refund gives back after their lot has expired.
    #[serde(default = "Spend::usual_grace", skip_serializing_if = "Spend::is_usual_grace")]
    pub grace_days: u16,
    /// The cause that the units go to; none: back to the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Spend {
    /// The account that the units go to.
    pub fn to(&self, shop: ShopId) -> Account {
        self.cause.as_ref().map_or(Account::Shop(shop), |cause| Account::Cause(cause.clone()))
    }

    /// The grace that a programme gives if it says nothing else.
    pub const GRACE_DAYS: u16 = 30;

    fn usual_grace() -> u16 {
        Self::GRACE_DAYS
    }

    fn is_usual_grace(days: &u16) -> bool {
        *days == Self::GRACE_DAYS
    }
}

/// A claim that was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which reward.
    pub reward: RewardId,
    /// Why: the code of the trace step that says it.
    pub reason: String,
}

/// One step of the explanation: a code that never changes its meaning, and what it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStep {
    /// What was decided, for machines: `earned`, `daily-limit`, `below-minimum`, …
    pub code: String,
    /// Which programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<ProgrammeId>,
    /// Which of its rules or rewards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The figures of the sentence, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl TraceStep {
    /// The figure of that name; empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }
}

impl Outcome {
    /// The vouchers given.
    pub fn vouchers(&self) -> impl Iterator<Item = &Award> {
        self.awards.iter().filter(|award| award.unit.name().starts_with(crate::programme::VOUCHER_PREFIX))
    }

    /// Units given, summed by unit.
    pub fn earned(&self) -> BTreeMap<Unit, i64> {
        sum(self.awards.iter().map(|award| (&award.unit, award.amount)))
    }

    /// Units taken, summed by unit.
    pub fn spent(&self) -> BTreeMap<Unit, i64> {
        sum(self.spends.iter().map(|spend| (&spend.unit, spend.amount)))
    }

    /// The movements of units between the member and the shop that issues and honours them.
    pub fn postings(&self, member: MemberId, shop: ShopId, day: Day) -> Vec<Posting> {
        let mut postings = Vec::with_capacity(2 * (self.awards.len() + self.spends.len()));
        let mut book = |unit: &Unit, amount: i64, booking: Booking, other: Account| {
            if amount == 0 {
                return;
            }
            postings.push(Posting {
                account: Account::Member(member),
                unit: unit.clone(),
                amount,
                booking: Some(booking),
            });
            postings.push(Posting { account: other, unit: unit.clone(), amount: -amount, booking: None });
        };
        for award in &self.awards {
            book(
                &award.unit,
                award.amount,
                Booking::Lot { earned: day, last: award.last, idle: award.idle },
                Account::Shop(shop),
            );
        }
        for spend in &self.spends {
            book(&spend.unit, -spend.amount, Booking::Spend { day }, spend.to(shop));
        }
        postings
    }
}

fn is_nothing(amount: &Money) -> bool {
    *amount == Money::ZERO
}

fn sum<'a>(amounts: impl Iterator<Item = (&'a Unit, i64)>) -> BTreeMap<Unit, i64> {
    let mut sums = BTreeMap::new();
    for (unit, amount) in amounts {
        let sum: &mut i64 = sums.entry(unit.clone()).or_default();
        *sum = sum.saturating_add(amount);
    }
    sums
}
