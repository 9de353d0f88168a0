//! What a guest bought, or how many stamps were asked for.

use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, ProgrammeId, RewardId, Sku};
use crate::money::{Money, Quantity, Rate};

/// A sale at a till: lines with prices, how it was paid, and the rewards asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// What was bought, in the order it was keyed in.
    pub lines: Vec<Line>,
    /// How it was paid. Empty until payment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenders: Vec<Tender>,
    /// The rewards that the guest wants to take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// Voucher and promotion codes that were shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
}

impl Sale {
    /// The most lines of one sale.
    pub const LINES_MAX: usize = 500;
    /// The most claims of one sale.
    pub const CLAIMS_MAX: usize = 50;
    /// The most codes of one sale.
    pub const CODES_MAX: usize = 50;
    /// The most payments of one sale.
    pub const TENDERS_MAX: usize = 20;

    /// The sum of the lines before discounts.
    pub fn gross(&self) -> Money {
        self.lines.iter().map(Line::gross).sum()
    }
}

/// One line of a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The article.
    pub sku: Sku,
    /// What the receipt calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The category that rules and reports go by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// How much of it.
    pub quantity: Quantity,
    /// Price of one, tax inside.
    pub price: Money,
    /// The rate of value added tax inside the price.
    pub vat: Rate,
    /// A returnable deposit (Pfand): never discounted, earns nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposit: bool,
    /// Loads the member's stored value with what is paid for it: never discounted, earns nothing, and taxed
    /// only when it is spent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stored: bool,
}

impl Line {
    /// Quantity × price, before discounts.
    pub fn gross(&self) -> Money {
        self.price.times(self.quantity)
    }
}

/// One payment of a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    /// What was paid with.
    pub kind: TenderKind,
    /// How much of the total it covers. Change is not part of it.
    pub amount: Money,
}

/// What was paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenderKind {
    /// Notes and coins.
    Cash,
    /// A card terminal beside the till.
    Card,
    /// The member's stored value. A tender, not a discount: what it pays earns.
    Stored,
}

/// A reward asked for in a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which programme gives it. May be left out where the reward's name is unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<ProgrammeId>,
    /// Which reward.
    pub reward: RewardId,
    /// How often, or for how many units of the free item.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    /// The article given free, where the reward leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Given on top of what was keyed in, rather than being one of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra: bool,
}

impl Claim {
    /// Claims a reward once.
    pub fn once(reward: RewardId) -> Self {
        Self { programme: None, reward, times: 1, sku: None, extra: false }
    }
}

fn once() -> u32 {
    1
}

fn is_once(times: &u32) -> bool {
    *times == 1
}

/// Stamps asked for beside somebody else's till.
///
/// It has no place for a price, a tender or stored value: a stamp card is not a till (DESIGN §11).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampOrder {
    /// How many of what the programme counts.
    pub stamps: Vec<StampCount>,
    /// The rewards that the guest takes now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

impl StampOrder {
    /// The most programmes in one order.
    pub const PROGRAMMES_MAX: usize = 50;
    /// The most things of one programme in one order: a paper card migrated at once fits.
    pub const COUNT_MAX: u32 = 1000;
}

/// How many countable things of one programme were bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampCount {
    /// The stamp-card programme.
    pub programme: ProgrammeId,
    /// How many: three coffees are 3, whether or not one of them is claimed free.
    pub count: u32,
}

/// Something that can earn without a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// An activity of a programme was done: a review, an answered survey.
    Activity {
        /// Whose activity.
        programme: ProgrammeId,
        /// Which one.
        activity: String,
        /// What it was done for: the survey's or the receipt's number.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reference: String,
    },
    /// A friend whom the member brought has bought for the first time.
    Referral {
        /// Whose referral rule.
        programme: ProgrammeId,
        /// The friend.
        friend: MemberId,
    },
    /// Whatever the day brings to a guest who is there: a birthday, an anniversary, a welcome, the return.
    Day,
    /// What the calendar brings to a member who need not be there: a birthday, an anniversary.
    Calendar,
}

impl Deed {
    /// The longest reference, in bytes.
    pub const REFERENCE_LEN_MAX: usize = 60;
}

/// What the rules judge: a sale with prices, or stamps without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order<'a> {
    /// A sale at a till.
    Sale(&'a Sale),
    /// Stamps beside somebody else's till.
    Stamps(&'a StampOrder),
    /// Something done without a purchase.
    Deed(&'a Deed),
}
