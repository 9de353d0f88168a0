//! The programme language: what a TOML file or a published JSON may say.
//!
//! These types only hold what was written. [`crate::programme::Programme`] is a specification that was
//! checked. `docs/PROGRAMMES.md` explains each construct with an example.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ProgrammeId, RewardId, ShopId, Sku};
use crate::programme::conditions::{Validity, When, Who};
use crate::programme::decimal::Decimal;
use crate::programme::engagement::{Activity, Challenge, Giving, Goodwill, Membership, Occasion, Referral};
use crate::programme::measures::{Clearing, Expiry, Leaderboard, Limit, Refunds, Tiers};
use crate::programme::policy::{Offline, Overdraft, Stock};

/// A whole programme as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// The version of the language that it needs.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub language: u32,
    /// Its name within the tenant.
    pub id: ProgrammeId,
    /// What people call it.
    pub name: Text,
    /// What it counts: `point`, `stamp:coffee`, `ticket`, ….
    #[serde(default = "point")]
    pub unit: String,
    /// Digits after the point of what it counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scale: u8,
    /// How many stamps fill a card. Left out, the cheapest reward says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<u32>,
    /// From and to which day it runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// On which weekdays and at which hours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// In which shops; none named: in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shops: Vec<ShopId>,
    /// In the shops of which merchants; none named: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merchants: Vec<String>,
    /// Who takes part.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
    /// How long what was earned can be spent. Left out: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
    /// For how many days units can be spent that a refund gives back after their lot has expired.
    #[serde(default = "thirty", skip_serializing_if = "is_thirty")]
    pub grace_days: u16,
    /// What happens to units that a refund takes back when they were spent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refunds: Refunds,
    /// The tiers that members reach by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Tiers>,
    /// Who did most, of those who agreed to be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaderboard: Option<Leaderboard>,
    /// How shops of a coalition settle with each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clearing: Option<Clearing>,
    /// How units are earned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earn: Vec<EarnRule>,
    /// When more is earned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multiplier: Vec<Multiplier>,
    /// What units are spent on, and discounts that come by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reward: Vec<Reward>,
    /// When a voucher for a later visit is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voucher: Vec<VoucherRule>,
    /// What is said when a balance is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<Message>,
    /// What can be reached by several orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub challenge: Vec<Challenge>,
    /// What is given on days of a member's year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub occasion: Vec<Occasion>,
    /// What earns without a purchase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<Activity>,
    /// Shares of sales that go to a cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub giving: Vec<Giving>,
    /// Members who bring others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    /// A membership that is bought or granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// How much staff may give away to make up for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodwill: Option<Goodwill>,
    /// What may be spent while the server cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
    /// What follows when more was given than there was.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overdraft: Overdraft,
}

impl Specification {
    /// Whether an order can earn something by it.
    pub fn gives(&self) -> bool {
        !self.earn.is_empty()
            || !self.voucher.is_empty()
            || self.tiers.is_some()
            || self.leaderboard.is_some()
            || self.looks_beyond()
    }

    /// Whether it looks at more than what an order's articles earn, so that every order concerns it.
    pub fn looks_beyond(&self) -> bool {
        !self.challenge.is_empty()
            || !self.occasion.is_empty()
            || self.referral.is_some()
            || self.membership.is_some()
    }
}

/// A text for people: one for all, or one per language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text is written \"…\", or { de = \"…\", en = \"…\" }")]
pub enum Text {
    /// The same in every language.
    Plain(String),
    /// By language code: `de`, `en`.
    Languages(BTreeMap<String, String>),
}

impl Text {
    /// The text in that language; else in English; else the first there is.
    pub fn get(&self, language: &str) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Languages(texts) => {
                let text = texts.get(language).or_else(|| texts.get("en"));
                text.or_else(|| texts.values().next()).map_or("", String::as_str)
            }
        }
    }
}

/// What a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Each order.
    Order,
    /// The money paid for the articles in the set.
    Money,
    /// The articles in the set that were paid for.
    Item,
    /// Each visit: the first order of a business day, or the first after the pause.
    Visit,
}

/// How a result between two amounts is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Towards zero.
    #[default]
    Down,
    /// To the nearest, halves up.
    HalfUp,
    /// To the next.
    Up,
}

/// One way of earning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarnRule {
    /// Its name within the programme. Left out: `earn-1`, `earn-2`, ….
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What it counts.
    pub per: Per,
    /// How many units it gives.
    pub amount: Decimal,
    /// For every so much money, or so many articles. Left out: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: Decimal,
    /// Categories that count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Articles that count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// Categories that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_categories: Vec<String>,
    /// Articles that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_skus: Vec<Sku>,
    /// So much must be paid for what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// So many articles that count must be paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_quantity: Option<Decimal>,
    /// How the result is rounded to the unit's scale.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: Rounding,
    /// The most it gives.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cap: Limit,
    /// So many minutes must have passed since the last visit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pause_minutes: u32,
    /// On which weekdays and at which hours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

/// A time or an occasion at which more is earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiplier {
    /// Its name within the programme. Left out: `multiplier-1`, ….
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Times how much.
    pub factor: Decimal,
    /// Only for these earning rules; none named: for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earn: Vec<String>,
    /// From and to which day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// On which weekdays and at which hours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

/// What a reward is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RewardKind {
    /// One of the articles in the set is free.
    FreeItem,
    /// The cheapest of the articles in the set is free.
    CheapestItem,
    /// A part of what is to pay for the articles in the set.
    PercentOff,
    /// An amount off what is to pay for the articles in the set.
    AmountOff,
    /// Units of another kind: stored value, tickets of a draw.
    Units,
    /// Something outside the sale: a place at an event, a neighbour's code, a donation, a ticket.
    Gift,
}

/// What a discount is taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// All articles in the set together.
    #[default]
    Set,
    /// One piece: the cheapest of the articles in the set.
    Cheapest,
}

/// What units are spent on, or what comes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Its name within the programme.
    pub id: RewardId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// What it is.
    pub kind: RewardKind,
    /// How many units it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
    /// How many pieces one cost gives: 3 units for 2 pieces are `cost = 3`, `quantity = 2`.
    #[serde(default = "one_piece", skip_serializing_if = "is_one_piece")]
    pub quantity: u32,
    /// One claim takes at least so many units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Decimal>,
    /// The percentage off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// The amount off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// The units that it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives: Option<Gives>,
    /// The most that comes off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
    /// What it is taken from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on: On,
    /// Categories in the set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Articles in the set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// Categories left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_categories: Vec<String>,
    /// Articles left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_skus: Vec<Sku>,
    /// The articles in the set must amount to so much, before discounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// So many of the articles in the set must be bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_quantity: Option<Decimal>,
    /// What must be bought beside it, of the same articles or of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Needs>,
    /// It comes by itself and costs no units.
    #[serde(default, skip_serializing_if = "is_default")]
    pub automatic: bool,
    /// It comes when this code is shown, and costs no units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// It needs a card, even where it costs no units.
    #[serde(default, skip_serializing_if = "is_default")]
    pub needs_card: bool,
    /// It takes one voucher for it, which a `[[voucher]]` rule gave, and no units.
    #[serde(default, skip_serializing_if = "is_default")]
    pub voucher: bool,
    /// The units that a gift takes go to this cause, not back to the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How often it can be given in all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stock: Stock,
    /// The gift is not taken home: it waits in the pool of this name for whoever needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fills: Option<String>,
    /// It is given as long as somebody has filled the pool of this name at this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_pool: Option<String>,
    /// What is shown when a gift is taken: a partner's code, the place and time of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Text>,
    /// Of the discounts with the same word here only the best applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_best: Option<String>,
    /// Discounts with a higher number come first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i32,
    /// How often a member may take it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
    /// From and to which day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// On which weekdays and at which hours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

impl Reward {
    /// Whether it applies without being asked for.
    pub fn comes_by_itself(&self) -> bool {
        self.automatic || self.code.is_some()
    }
}

/// What must be bought for a reward: “buy two coffees, get a croissant”, “three for two”.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Categories that count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Articles that count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// Categories that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_categories: Vec<String>,
    /// Articles that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_skus: Vec<Sku>,
    /// They amount to so much, before discounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// So many of them. Left out: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    /// The reward comes once for each `quantity` of them, not once in all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub each: bool,
}

impl Needs {
    /// How many of them, in thousandths.
    pub fn thousandths(&self) -> i64 {
        self.quantity.map_or(1000, |quantity| quantity.at_scale(3)).max(1)
    }
}

/// Units that a reward gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gives {
    /// Of what.
    pub unit: String,
    /// Digits after the point of the unit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scale: u8,
    /// How many for one claim.
    pub amount: Decimal,
    /// How long they can be spent. Left out: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
}

/// When a voucher for a later visit is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherRule {
    /// Its name within the programme. Left out: `voucher-1`, ….
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The reward that the voucher is good for.
    pub reward: RewardId,
    /// The order must come to so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// For how many days after today it is good. It ends with the programme in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// How often a member may get one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
}

/// What is said when a balance is reached from below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The balance.
    pub at: Decimal,
    /// What is said.
    pub text: Text,
}

fn first() -> u32 {
    1
}

fn is_first(language: &u32) -> bool {
    *language == 1
}

fn point() -> String {
    "point".to_owned()
}

fn thirty() -> u16 {
    30
}

fn is_thirty(days: &u16) -> bool {
    *days == 30
}

fn one() -> Decimal {
    Decimal::ONE
}

fn is_one(number: &Decimal) -> bool {
    *number == Decimal::ONE
}

fn one_piece() -> u32 {
    1
}

fn is_one_piece(count: &u32) -> bool {
    *count == 1
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
