//! How long, how much at most, and how far up.

use serde::{Deserialize, Serialize};

use crate::ledger::Idle;
use crate::programme::decimal::Decimal;
use crate::programme::language::is_default;
use crate::programme::prize::{Period, Prize, one_or_several};
use crate::time::Day;

/// How long what was earned can be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    /// So many days after it was earned.
    #[serde(default, skip_serializing_if = "is_default")]
    pub days: u16,
    /// So many months after it was earned.
    #[serde(default, skip_serializing_if = "is_default")]
    pub months: u16,
    /// And then to the end of that month or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_end_of: Option<Span>,
    /// So many days after the last earning or spend of the unit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idle_days: u16,
    /// So many months after the last earning or spend of the unit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idle_months: u16,
    /// So many days before units end it is said.
    #[serde(default = "Expiry::usual_warning", skip_serializing_if = "Expiry::is_usual_warning")]
    pub warn_days: u16,
}

impl Expiry {
    /// How many days before units end it is said, if nothing else is written.
    pub const WARN_DAYS: u16 = 30;

    /// The last day on which units earned that day can be spent, whatever happens:
    /// `end(earned + months + days)`; none if only inactivity ends them.
    pub fn last_day(&self, earned: Day) -> Option<Day> {
        if self.months == 0 && self.days == 0 && self.to_end_of.is_none() {
            return None;
        }
        let day = earned.plus_months(self.months.into()).plus_days(self.days.into());
        Some(match self.to_end_of {
            None => day,
            Some(Span::Month) => day.end_of_month(),
            Some(Span::Year) => day.end_of_year(),
        })
    }

    /// How long units outlive the last earning or spend of their unit; none if that does not matter.
    pub fn idle(&self) -> Option<Idle> {
        let idle = Idle { months: self.idle_months, days: self.idle_days };
        (idle != Idle::default()).then_some(idle)
    }

    fn usual_warning() -> u16 {
        Self::WARN_DAYS
    }

    fn is_usual_warning(days: &u16) -> bool {
        *days == Self::WARN_DAYS
    }
}

/// What happens to units that a refund takes back when the member has spent them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refunds {
    /// They are owed: the balance may go below zero and is paid by what comes next.
    #[default]
    Owe,
    /// What is not there any more is let go.
    Forgive,
}

impl Refunds {
    /// Whether it is let go.
    pub fn forgives(self) -> bool {
        self == Self::Forgive
    }
}

/// A month or a year of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// The most of something, for each member. Nothing named: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// In one sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Decimal>,
    /// On one business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Decimal>,
    /// In one week, Monday to Sunday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<Decimal>,
    /// In one calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Decimal>,
    /// In one calendar year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<Decimal>,
    /// In a period of `period_days` days that ends today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Decimal>,
    /// The days of the period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub period_days: u16,
}

/// A ladder that members climb by what they did in the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// What is counted.
    pub by: TierBy,
    /// In the last so many days, today included; or `window`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub window_days: u16,
    /// In the part of the calendar that today is in; or `window_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Calendar>,
    /// A tier is kept for so many days after the window no longer gives it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grace_days: u16,
    /// The tiers, lowest first.
    pub ladder: Vec<Tier>,
}

impl Tiers {
    /// The most days that a window has.
    pub fn window_days_max(&self) -> u16 {
        self.window.map_or(self.window_days, Calendar::days_max)
    }

    /// The first day of the window that ends on a day.
    pub fn window_begins(&self, last: Day) -> Day {
        match self.window {
            None => last.plus_days(1 - i32::from(self.window_days)),
            Some(window) => window.first_day(last),
        }
    }
}

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    /// A week, Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months, from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
    /// All time: levels, which nobody falls from.
    Ever,
}

impl Calendar {
    /// The first day of the part that a day is in.
    pub fn first_day(self, day: Day) -> Day {
        let civil = day.civil();
        let first = |months: i8| Day::from_date(civil.year(), months, 1).unwrap_or(Day::MIN);
        match self {
            Self::Week => Period::Week.first_day(day),
            Self::Month => Period::Month.first_day(day),
            Self::Quarter => first((civil.month() - 1) / 3 * 3 + 1),
            Self::Year => Period::Year.first_day(day),
            Self::Ever => Day::MIN,
        }
    }

    /// The last day of the part that a day is in.
    pub fn last_day(self, day: Day) -> Day {
        let first = self.first_day(day);
        match self {
            Self::Week => first.plus_days(6),
            Self::Month => first.end_of_month(),
            Self::Quarter => first.plus_months(2).end_of_month(),
            Self::Year => first.end_of_year(),
            Self::Ever => Day::MAX,
        }
    }

    /// The most days that a part has.
    pub fn days_max(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
            Self::Year => 366,
            // What is counted for ever is kept under one day.
            Self::Ever => 1,
        }
    }
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What `who = { tiers = [...] }` calls it.
    pub name: String,
    /// How much reaches it.
    pub from: Decimal,
    /// What is given once to those who reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_several")]
    pub gives: Vec<Prize>,
}

/// What a ladder counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TierBy {
    /// Money paid, without deposits and stored value that was bought.
    Spend,
    /// Units of the programme that were earned.
    Units,
    /// Days on which the member was here.
    Visits,
}

/// A board of those who did most and agreed to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaderboard {
    /// What is counted.
    pub by: TierBy,
    /// In which part of the calendar.
    pub period: Calendar,
    /// Down to which rank it is shown.
    #[serde(default = "Leaderboard::usual_top", skip_serializing_if = "Leaderboard::is_usual_top")]
    pub top: u32,
}

impl Leaderboard {
    /// The lowest rank that can be shown.
    pub const TOP_MAX: u32 = 100;

    fn usual_top() -> u32 {
        10
    }

    fn is_usual_top(top: &u32) -> bool {
        *top == Self::usual_top()
    }
}

/// How shops of a coalition settle units that one gave and another honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clearing {
    /// The money for one whole unit.
    pub per_unit: Decimal,
}
