//! What a right gives, and the spans of the calendar in which it can be given once.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::RewardId;
use crate::programme::decimal::Decimal;
use crate::programme::measures::Expiry;
use crate::time::Day;

/// What a challenge, an occasion or a referral gives: units, or a voucher.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// How many units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// Of what. Left out: of what the programme counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Digits after the point of that unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// How long they can be spent. Left out: as the programme says of its own unit, else for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
    /// A voucher for this reward of the programme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<RewardId>,
    /// For how many days after today the voucher is good. It ends with the programme in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

/// Reads one prize or a list of them.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Prize>, D::Error> {
    struct Prizes;

    impl<'de> Visitor<'de> for Prizes {
        type Value = Vec<Prize>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(
                "what it gives, like { amount = 5 } or { voucher = \"free-coffee\" }, or a list of these",
            )
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Prize>, A::Error> {
            Prize::deserialize(MapAccessDeserializer::new(map)).map(|prize| vec![prize])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<Prize>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(Prizes)
}

/// A span of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A business day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

impl Period {
    /// Every span, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Whether a text is the name of some span, as [`Period::label`] writes it.
    pub fn is_label(text: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (year, rest) = text.split_at_checked(4).unwrap_or(("", text));
        digits(year)
            && !year.is_empty()
            && match rest.as_bytes() {
                [] => true,
                [b'-', b'W', week @ ..] => week.len() == 2 && week.iter().all(u8::is_ascii_digit),
                [b'-', rest @ ..] => {
                    matches!(rest.len(), 2 | 5)
                        && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
                }
                _ => false,
            }
    }

    /// The first day of the span that a day is in.
    pub fn first_day(self, day: Day) -> Day {
        let civil = day.civil();
        let back = match self {
            Self::Day => 0,
            Self::Week => i32::from(civil.weekday().to_monday_zero_offset()),
            Self::Month => i32::from(civil.day()) - 1,
            Self::Year => i32::from(civil.day_of_year()) - 1,
        };
        day.plus_days(-back)
    }

    /// The name of the span that a day is in: `2026-11-21`, `2026-W47`, `2026-11`, `2026`.
    pub fn label(self, day: Day) -> String {
        let civil = day.civil();
        match self {
            Self::Day => day.to_string(),
            Self::Week => {
                let week = civil.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", civil.year(), civil.month()),
            Self::Year => format!("{:04}", civil.year()),
        }
    }

    /// The most days that one of them has.
    pub fn days_max(self) -> i32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Year => 366,
        }
    }
}
