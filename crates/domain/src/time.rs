//! Days and moments. Rules read only these, never a machine's clock.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday, date};
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::ids::NotAnId;

/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;
/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A calendar day, as days since 1970-01-01. Written as `2026-11-21`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The first day taken: 1970-01-01.
    pub const MIN: Self = Self(0);
    /// The last day taken: 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day that many days after 1970-01-01, held within [`Day::MIN`] and [`Day::MAX`].
    pub fn from_number(days: i64) -> Self {
        Self(days.clamp(Self::MIN.0.into(), Self::MAX.0.into()) as i32)
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The day of a calendar date, if it is one we take.
    pub fn from_date(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().and_then(Self::from_civil)
    }

    fn from_civil(civil: Date) -> Option<Self> {
        let days = (civil - date(1970, 1, 1)).get_days();
        (Self::MIN.0..=Self::MAX.0).contains(&days).then_some(Self(days))
    }

    /// The calendar date.
    pub fn civil(self) -> Date {
        date(1970, 1, 1).saturating_add(Span::new().days(self.0))
    }

    /// Monday is 1, Sunday is 7 (ISO 8601).
    pub fn weekday(self) -> Weekday {
        self.civil().weekday()
    }

    /// That many days later (earlier if negative).
    pub fn plus_days(self, days: i32) -> Self {
        Self::from_number(i64::from(self.0) + i64::from(days))
    }

    /// The same day of the month that many months later, or the month's last day where it has no such day.
    pub fn plus_months(self, months: i32) -> Self {
        Self::from_civil(self.civil().saturating_add(months.months())).unwrap_or(Self::MAX)
    }

    /// The last day of a term of so many months and days that begins on this day: the day before the one that
    /// corresponds to it, or the month's last where there is none (German civil code § 188 (2), (3)).
    pub fn term_ends(self, months: i32, days: i32) -> Self {
        let next = self.plus_months(months);
        let is_short = next.civil().day() < self.civil().day();
        next.plus_days(days - i32::from(!is_short))
    }

    /// The last day of its month.
    pub fn end_of_month(self) -> Self {
        Self::from_civil(self.civil().last_of_month()).unwrap_or(Self::MAX)
    }

    /// The last day of its year.
    pub fn end_of_year(self) -> Self {
        Self::from_civil(self.civil().last_of_year()).unwrap_or(Self::MAX)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.civil(), f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

impl FromStr for Day {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "a day (write it like 2026-11-21)");
        if text.len() != 10 {
            return Err(wrong());
        }
        text.parse::<Date>().ok().and_then(Self::from_civil).ok_or_else(wrong)
    }
}

serde_as_text!(Day);

/// When something happened, as its device knew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970-01-01T00:00:00Z on the device's clock.
    pub utc_ms: i64,
    /// Minutes east of UTC of the shop's wall clock.
    pub offset_minutes: i16,
    /// The shop's business day; it never decreases within a journal.
    pub day: Day,
    /// How far the device's clock was ahead of the server's when it last knew, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_ms: Option<i64>,
    /// The clock was set by hand, or ran backwards: evidence, not truth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clock_doubtful: bool,
}

impl Moment {
    /// Milliseconds on the shop's wall clock since 1970-01-01T00:00 there.
    fn local_ms(&self) -> i64 {
        self.utc_ms.saturating_add(i64::from(self.offset_minutes) * MINUTE_MS)
    }

    /// Minutes since midnight on the shop's wall clock.
    pub fn minute_of_day(&self) -> u16 {
        (self.local_ms().rem_euclid(DAY_MS) / MINUTE_MS) as u16
    }

    /// The wall-clock time as `14:32`.
    pub fn clock_text(&self) -> String {
        let minute = self.minute_of_day();
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }

    /// The moment as RFC 3339 with the shop's offset.
    pub fn rfc3339(&self) -> String {
        let seconds = jiff::tz::Offset::from_seconds(i32::from(self.offset_minutes) * 60);
        match (jiff::Timestamp::from_millisecond(self.utc_ms), seconds) {
            (Ok(timestamp), Ok(offset)) => timestamp.display_with_offset(offset).to_string(),
            _ => format!("{} ms", self.utc_ms),
        }
    }

    /// Reads an RFC 3339 instant into milliseconds and the offset in minutes that it names.
    pub fn parse_rfc3339(text: &str) -> Result<(i64, i16), NotAnId> {
        let wrong = || NotAnId::new(text, "a moment (write it like 2026-11-21T14:32:00+01:00)");
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        let offset = match text.as_bytes().last() {
            Some(b'Z' | b'z') => 0,
            _ => {
                let tail = text.get(text.len().saturating_sub(6)..).ok_or_else(wrong)?;
                let sign = match tail.as_bytes().first() {
                    Some(b'+') => 1,
                    Some(b'-') => -1,
                    _ => return Err(wrong()),
                };
                let hours: i16 = tail.get(1..3).and_then(|t| t.parse().ok()).ok_or_else(wrong)?;
                let minutes: i16 = tail.get(4..6).and_then(|t| t.parse().ok()).ok_or_else(wrong)?;
                sign * (hours * 60 + minutes)
            }
        };
        Ok((timestamp.as_millisecond(), offset))
    }
}

/// The business day of an instant for a shop whose day ends `day_ends_minutes` after midnight.
///
/// A sale at 01:00 of a bar whose day ends at 04:00 (240) belongs to the day before.
pub fn business_day(utc_ms: i64, offset_minutes: i16, day_ends_minutes: u16) -> Day {
    let shift = i64::from(offset_minutes) - i64::from(day_ends_minutes);
    Day::from_number(utc_ms.saturating_add(shift * MINUTE_MS).div_euclid(DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn months_end_where_they_end() {
        // SCENARIOS 41.
        assert_eq!(day("2026-01-31").plus_months(1), day("2026-02-28"));
        assert_eq!(day("2028-01-31").plus_months(1), day("2028-02-29"));
        assert_eq!(day("2026-03-05").plus_months(12).end_of_month(), day("2027-03-31"));
        assert_eq!(day("2026-03-05").end_of_year(), day("2026-12-31"));
    }

    #[test]
    fn a_term_ends_the_day_before_it_began_or_with_a_shorter_month() {
        for (begins, months, days, ends) in [
            ("2026-03-01", 12, 0, "2027-02-28"),
            ("2028-02-29", 12, 0, "2029-02-28"),
            ("2028-02-29", 48, 0, "2032-02-28"),
            ("2026-01-31", 1, 0, "2026-02-28"),
            ("2026-01-30", 0, 7, "2026-02-05"),
            ("2026-01-31", 1, 1, "2026-03-01"),
        ] {
            assert_eq!(day(begins).term_ends(months, days), day(ends), "{begins}");
        }
    }

    #[test]
    fn a_bar_closes_after_midnight() {
        // SCENARIOS 39: the shop's day ends at 04:00.
        let at = |text: &str| {
            let (utc_ms, offset) = Moment::parse_rfc3339(text).unwrap();
            business_day(utc_ms, offset, 240)
        };
        assert_eq!(at("2026-06-01T22:00:00+02:00"), day("2026-06-01"));
        assert_eq!(at("2026-06-02T01:00:00+02:00"), day("2026-06-01"));
        assert_eq!(at("2026-06-02T04:00:00+02:00"), day("2026-06-02"));
    }

    #[test]
    fn days_and_moments_survive_their_text() {
        assert_eq!(Day::MAX.to_string(), "9999-12-31");
        assert_eq!(day("1970-01-01"), Day::MIN);
        let (utc_ms, offset_minutes) = Moment::parse_rfc3339("2026-11-21T14:32:00+01:00").unwrap();
        let moment =
            Moment { utc_ms, offset_minutes, day: day("2026-11-21"), skew_ms: None, clock_doubtful: false };
        assert_eq!(moment.rfc3339(), "2026-11-21T14:32:00+01:00");
        assert_eq!(moment.clock_text(), "14:32");
        assert!("2026-02-30".parse::<Day>().is_err());
        assert!(Moment::parse_rfc3339("yesterday").is_err());
    }
}
