//! When, where and for whom something holds, and which articles a rule speaks of.

use serde::{Deserialize, Serialize};

use crate::ids::Sku;
use crate::programme::engagement::{Giving, Goal};
use crate::programme::language::{EarnRule, Needs, Reward, is_default};
use crate::time::{Day, Moment};

/// The days on which something runs. Both ends are inside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// The first business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// The last business day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// The weekday of a business day.
    pub fn of(day: Day) -> Self {
        use jiff::civil::Weekday as Civil;
        match day.weekday() {
            Civil::Monday => Self::Monday,
            Civil::Tuesday => Self::Tuesday,
            Civil::Wednesday => Self::Wednesday,
            Civil::Thursday => Self::Thursday,
            Civil::Friday => Self::Friday,
            Civil::Saturday => Self::Saturday,
            Civil::Sunday => Self::Sunday,
        }
    }
}

/// Weekdays and hours. Nothing named: always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The weekdays of the business day: one o'clock on Saturday morning is still Friday night.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// Times of the shop's clock, `15:00-17:00`. The end is outside; `22:00-02:00` passes midnight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
}

impl When {
    /// Whether that business day's weekday is one of them.
    pub fn has_weekday(&self, day: Day) -> bool {
        self.weekdays.is_empty() || self.weekdays.contains(&Weekday::of(day))
    }

    /// Whether the shop's clock is within one of the hours.
    pub fn has_hour(&self, at: &Moment) -> bool {
        self.hours.is_empty() || self.hours.iter().any(|hours| hours.has(at.minute_of_day()))
    }
}

/// A span of the day in minutes after midnight; the end is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// Whether that minute of the day is inside.
    pub fn has(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl std::str::FromStr for Hours {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "hours are written like \"15:00-17:00\"";
        let minute = |text: &str| -> Option<u16> {
            let (hour, minute) = text.trim().split_once(':')?;
            if hour.len() != 2 || minute.len() != 2 {
                return None;
            }
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-').ok_or(WRONG)?;
        let (from, to) = (minute(from).ok_or(WRONG)?, minute(to).ok_or(WRONG)?);
        if from == to {
            return Err(WRONG);
        }
        Ok(Self { from, to })
    }
}

impl Serialize for Hours {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who may take part. Nothing named: everybody. Every condition named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Members of one of these tiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// Members with one of these tags or segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Not members with one of these tags or segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_tags: Vec<String>,
    /// Members who hold one of these units: `membership:plus`, `access:early-sale`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// Members whose birthday it is about now.
    #[serde(default, skip_serializing_if = "is_default")]
    pub birthday: bool,
    /// Members in the week, Monday to Sunday, of the day on which they joined in an earlier year.
    #[serde(default, skip_serializing_if = "is_default")]
    pub anniversary: bool,
    /// Members who joined at most so many days ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_within_days: Option<u16>,
    /// Members who were not here for at least so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_days: Option<u16>,
}

/// Articles by category and number. Nothing named: all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Articles<'a> {
    /// Categories in the set.
    pub categories: &'a [String],
    /// Articles in the set.
    pub skus: &'a [Sku],
    /// Categories left out.
    pub except_categories: &'a [String],
    /// Articles left out.
    pub except_skus: &'a [Sku],
}

/// Gives the set of articles of what names one with these four keys.
macro_rules! names_articles {
    ($($name:ty),+) => {
        $(impl $name {
            /// The articles in the set.
            pub fn articles(&self) -> Articles<'_> {
                Articles {
                    categories: &self.categories,
                    skus: &self.skus,
                    except_categories: &self.except_categories,
                    except_skus: &self.except_skus,
                }
            }
        })+
    };
}

names_articles!(EarnRule, Reward, Needs, Goal, Giving);

impl Articles<'_> {
    /// Whether an article is in the set.
    pub fn has(&self, category: &str, sku: &Sku) -> bool {
        let named =
            self.is_open() || self.categories.iter().any(|name| name == category) || self.skus.contains(sku);
        named
            && !self.except_categories.iter().any(|name| name == category)
            && !self.except_skus.contains(sku)
    }

    /// Whether every article is in it.
    pub fn is_all(&self) -> bool {
        self.is_open() && self.except_categories.is_empty() && self.except_skus.is_empty()
    }

    /// Whether it names no category and no article, so that every article may be in it.
    pub fn is_open(&self) -> bool {
        self.categories.is_empty() && self.skus.is_empty()
    }
}
