//! Amounts and times in the reader's format.

use slint::{SharedString, format};

use crate::controllers::{Language, Moment, Money};

const NARROW_SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// Writes an amount without its currency: `9,50` or `9.50`.
pub(super) fn amount(money: Money, language: Language) -> SharedString {
    let (sign, minor) = (if money.0 < 0 { MINUS.to_string() } else { String::new() }, money.0.unsigned_abs());
    let (point, group) = match language {
        Language::English => ('.', ','),
        Language::German => (',', '.'),
    };
    let digits = (minor / 100).to_string();
    let mut whole = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            whole.push(group);
        }
        whole.push(digit);
    }
    format!("{sign}{whole}{point}{:02}", minor % 100)
}

/// Writes an amount with its currency: `9,50 €` or `€9.50`.
pub(super) fn money(money: Money, language: Language) -> SharedString {
    let plain = amount(money, language);
    match language {
        Language::German => format!("{plain}{NARROW_SPACE}€"),
        Language::English => match plain.strip_prefix(MINUS) {
            Some(rest) => format!("{MINUS}€{rest}"),
            None => format!("€{plain}"),
        },
    }
}

/// Writes a note: `20 €` or `€20`.
pub(super) fn note(money: Money, language: Language) -> SharedString {
    match language {
        Language::German => format!("{}{NARROW_SPACE}€", money.0 / 100),
        Language::English => format!("€{}", money.0 / 100),
    }
}

/// Writes a time of day: `14:32`.
pub(super) fn time(moment: Moment) -> SharedString {
    let minutes = local_minutes(moment);
    format!("{:02}:{:02}", minutes.rem_euclid(1440) / 60, minutes.rem_euclid(60))
}

/// Writes a moment as it is said from `now`: the time of day today, with the date on any other day.
pub(super) fn moment(moment: Moment, now: Moment, language: Language) -> SharedString {
    let day = local_minutes(moment).div_euclid(1440);
    if day == local_minutes(now).div_euclid(1440) {
        return time(moment);
    }
    day_and_time(moment, language)
}

/// Writes a moment with its date, whatever day it is.
pub(super) fn day_and_time(moment: Moment, language: Language) -> SharedString {
    let (month, day) = month_and_day(local_minutes(moment).div_euclid(1440));
    match language {
        Language::German => format!("{day}.{month}., {}", time(moment)),
        Language::English => {
            const MONTHS: [&str; 12] =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let name = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or_default();
            format!("{day} {name}, {}", time(moment))
        }
    }
}

fn local_minutes(moment: Moment) -> i64 {
    moment.unix_ms.div_euclid(60_000) + i64::from(moment.offset_minutes)
}

/// Turns days since 1970 into month and day, by the civil calendar's eras of 400 years (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn month_and_day(days: i64) -> (usize, i64) {
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (usize::try_from(month).unwrap_or(1), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_reader_writes_them() {
        for (minor, german, english) in [
            (0, "0,00\u{a0}€", "€0.00"),
            (950, "9,50\u{a0}€", "€9.50"),
            (-50, "−0,50\u{a0}€", "−€0.50"),
            (123_456_789, "1.234.567,89\u{a0}€", "€1,234,567.89"),
        ] {
            assert_eq!(money(Money(minor), Language::German), german);
            assert_eq!(money(Money(minor), Language::English), english);
        }
        assert_eq!(note(Money(2000), Language::German), "20\u{a0}€");
    }

    #[test]
    fn times_are_the_shops_and_other_days_have_a_date() {
        // 2026-11-21 13:05 UTC.
        let then = Moment { unix_ms: 1_795_266_300_000, offset_minutes: 60 };
        let later = Moment { unix_ms: then.unix_ms + 20 * 3_600_000, ..then };
        assert_eq!(time(then), "14:05");
        assert_eq!(moment(then, then, Language::German), "14:05");
        assert_eq!(moment(then, later, Language::German), "21.11., 14:05");
        assert_eq!(moment(then, later, Language::English), "21 Nov, 14:05");
    }

    #[test]
    fn the_calendar_knows_leap_days() {
        assert_eq!(month_and_day(0), (1, 1));
        assert_eq!(month_and_day(59), (3, 1));
        assert_eq!(month_and_day(19_782), (2, 29)); // 2024-02-29
    }
}
