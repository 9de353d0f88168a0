//! What a member is given for more than one order: challenges, occasions, referrals, deeds, membership.

use serde::{Deserialize, Serialize};

use crate::ids::Sku;
use crate::programme::conditions::{Validity, When, Who};
use crate::programme::decimal::Decimal;
use crate::programme::language::{Text, is_default};
use crate::programme::measures::Limit;
use crate::programme::prize::{Period, Prize, one_or_several};

/// Something to reach, given once: ever, in each span of the calendar, or for a row of them.
///
/// One goal makes a challenge, several a quest, `streak` a streak; `gives = { unit = "badge:…", amount = 1 }`
/// makes a badge of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Its name within the programme.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// What is to be reached: all of it.
    pub goal: Vec<Goal>,
    /// In the last so many days, today included. Left out, and without `each`: ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
    /// Anew in each span of the calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Period>,
    /// The goals must be reached in so many spans of `each` in a row; the next row begins after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streak: Option<u16>,
    /// What is given for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_several")]
    pub gives: Vec<Prize>,
    /// From and to which day orders count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// On which weekdays and at which hours orders count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

/// One thing to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// What is counted.
    pub count: Count,
    /// How much of it.
    pub target: Decimal,
    /// Only orders in which so much is paid for what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
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
}

/// What a goal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Orders in which something of the set was bought.
    Orders,
    /// Days on which something of the set was bought.
    Days,
    /// Articles of the set that were paid for.
    Items,
    /// Different articles of the set.
    Different,
    /// Money paid for articles of the set.
    Spend,
    /// Units of the programme that orders gave.
    Units,
}

/// A day in a member's year, or an absence, on which something is given once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occasion {
    /// Its name within the programme.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Which occasion.
    pub on: OccasionOf,
    /// `welcome`: at most so many days after joining. `absence`: after so many days without a visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// What is given.
    #[serde(deserialize_with = "one_or_several")]
    pub gives: Vec<Prize>,
    /// From and to which day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

/// The occasions that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OccasionOf {
    /// The week of the birthday, once a year.
    Birthday,
    /// The week, Monday to Sunday, of the day of joining, once in each later year.
    Joined,
    /// The week of the first purchase, once in each later year.
    FirstPurchase,
    /// The return after an absence, once for each.
    Absence,
    /// The first visit after joining, once.
    Welcome,
}

impl OccasionOf {
    /// Whether it comes with the calendar, also to a member who is not there.
    pub fn is_a_date(self) -> bool {
        match self {
            Self::Birthday | Self::Joined | Self::FirstPurchase => true,
            Self::Absence | Self::Welcome => false,
        }
    }
}

/// Members who bring others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// The friend's first purchase that counts comes to so much. Left out: any purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// It happens at most so many days after joining. Left out: whenever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
    /// What the friend is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_several")]
    pub friend: Vec<Prize>,
    /// What the member is given who brought the friend.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_several")]
    pub referrer: Vec<Prize>,
    /// For how many friends a member is rewarded.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
}

/// Something that earns without a purchase: a review, a finished profile, a subscription, an answered survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Its name within the programme: what somebody reports as done.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Once in each span of the calendar, or once for each thing it is reported of. Left out: once ever.
    #[serde(default, skip_serializing_if = "is_default")]
    pub once: Once,
    /// What is given for it.
    #[serde(deserialize_with = "one_or_several")]
    pub gives: Vec<Prize>,
    /// How often a member may be given it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
    /// From and to which day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
    /// For whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub who: Who,
}

/// How often one thing can be rewarded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Once {
    /// Once.
    #[default]
    Ever,
    /// Once a business day.
    Day,
    /// Once a week, Monday to Sunday.
    Week,
    /// Once a calendar month.
    Month,
    /// Once a calendar year.
    Year,
    /// Once for each reference that is reported with it: the survey's or the receipt's number.
    Reference,
}

impl Once {
    /// The span of the calendar, if it is one.
    pub fn period(self) -> Option<Period> {
        match self {
            Self::Ever | Self::Reference => None,
            Self::Day => Some(Period::Day),
            Self::Week => Some(Period::Week),
            Self::Month => Some(Period::Month),
            Self::Year => Some(Period::Year),
        }
    }
}

/// A membership that is bought or granted, runs for a term, and opens what asks for it.
///
/// It is a unit like any other, `membership:NAME`: one is held until the term's last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Its name: `who = { holds = ["membership:NAME"] }` asks for it.
    pub name: String,
    /// The articles whose sale gives one term for each piece. None: by invitation only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<Sku>,
    /// The term in months.
    #[serde(default, skip_serializing_if = "is_default")]
    pub months: u16,
    /// The term in days, added to the months.
    #[serde(default, skip_serializing_if = "is_default")]
    pub days: u16,
}

impl Membership {
    /// What the unit of every membership begins with.
    pub const PREFIX: &str = "membership:";
    /// The most terms that one sale gives.
    pub const TERMS_MAX: i32 = 10;
}

/// How much staff may give away to make up for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goodwill {
    /// The reasons that can be chosen.
    pub reasons: Vec<String>,
    /// The most units at once.
    pub at_once: Decimal,
    /// What one operator gives at one device.
    #[serde(default, skip_serializing_if = "is_default")]
    pub operator: Limit,
    /// What one device gives in all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: Limit,
    /// What one member is given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub member: Limit,
    /// Above so many units at once a second person must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub four_eyes_above: Option<Decimal>,
}

/// A share of sales that goes to a cause. It costs the guest nothing and needs no card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Giving {
    /// Its name within the programme.
    pub id: String,
    /// What people call the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// The cause whose account the money is put into.
    pub cause: String,
    /// The percentage of what is paid for the articles in the set.
    pub percent: Decimal,
    /// Only orders in which so much is paid for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
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
    /// From and to which day.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid: Validity,
}
