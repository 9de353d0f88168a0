//! Days, times and numbers as the reader writes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use stempel_domain::rules::Language as Spoken;
use stempel_domain::{Day, Unit};

use crate::web::Language;

impl Language {
    /// The same language for the sentences of the rules.
    pub(crate) fn spoken(self) -> Spoken {
        match self {
            Self::De => Spoken::De,
            Self::En => Spoken::En,
        }
    }

    /// A whole number with its thousands.
    pub(crate) fn number(self, number: i64) -> String {
        self.spoken().number(&number.to_string())
    }

    /// A day as people write it: `9. November 2026`, `9 November 2026`.
    pub(crate) fn day(self, day: Day) -> String {
        self.spoken().long_day(day)
    }

    /// An instant on the clock of a place: `9. November 2026, 14:32`.
    pub(crate) fn instant(self, utc_ms: i64, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let Ok(instant) = Timestamp::from_millisecond(utc_ms) else { return String::new() };
        let at = instant.to_zoned(zone);
        let day = Day::from_date(at.year(), at.month(), at.day());
        let day = day.map(|day| self.day(day)).unwrap_or_default();
        format!("{day}, {:02}:{:02}", at.hour(), at.minute())
    }

    /// How long ago something was, in words.
    pub(crate) fn ago(self, ms: i64) -> String {
        let minutes = ms.max(0) / 60_000;
        let (count, [one_en, many_en, one_de, many_de]) = match minutes {
            0 => return self.pick("just now", "gerade eben").to_owned(),
            1..60 => (minutes, ["minute", "minutes", "Minute", "Minuten"]),
            60..2880 => (minutes / 60, ["hour", "hours", "Stunde", "Stunden"]),
            _ => (minutes / 1440, ["day", "days", "Tag", "Tagen"]),
        };
        let word = if count == 1 { self.pick(one_en, one_de) } else { self.pick(many_en, many_de) };
        match self {
            Self::De => format!("vor {} {word}", self.number(count)),
            Self::En => format!("{} {word} ago", self.number(count)),
        }
    }

    /// A weekday in two letters.
    pub(crate) fn weekday(self, day: Day) -> &'static str {
        const EN: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
        const DE: [&str; 7] = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];
        let place = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs()).min(6);
        self.pick(EN[place], DE[place])
    }
}

/// An amount of a unit with its word: `3 Stempel`.
pub(super) fn amount(language: Language, unit: &Unit, amount: i64) -> String {
    language.spoken().units(&unit.format(amount), unit.name())
}

/// The name of a unit: `Stempel (coffee)`.
pub(super) fn unit(language: Language, unit: &Unit) -> String {
    let word = language.spoken().unit_word(unit.name(), false);
    match unit.name().split_once(':') {
        Some((_, of)) => format!("{word} ({of})"),
        None => word.to_owned(),
    }
}

/// What somebody holds, in a line.
pub(super) fn balances(language: Language, balances: &BTreeMap<Unit, String>) -> String {
    let held = balances.iter().filter(|(_, amount)| *amount != "0");
    let parts: Vec<String> =
        held.map(|(unit, amount)| language.spoken().units(amount, unit.name())).collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_the_readers() {
        assert_eq!(Language::De.number(1_234_567), "1.234.567");
        assert_eq!(Language::En.number(-1_234), "−1,234");
        assert_eq!(Language::De.instant(1_795_000_000_000, "Europe/Berlin"), "18. November 2026, 12:06");
        assert_eq!(Language::De.ago(59_999), "gerade eben");
        assert_eq!(Language::De.ago(3 * 86_400_000), "vor 3 Tagen");
        assert_eq!(Language::En.ago(60_000), "1 minute ago");
    }
}
