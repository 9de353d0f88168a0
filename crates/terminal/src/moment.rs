//! When something happens: the clock's reading, the shop's business day, and what is known of the clock.

use stempel_domain::time::business_day;
use stempel_domain::{Day, Moment};

/// A clock that reads this much earlier than the last event is doubtful, in milliseconds.
const BACKWARDS_MS: i64 = 2 * 60 * 1000;

/// What a moment is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// What the clock shows.
    pub utc_ms: i64,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
    /// How far the clock is ahead of the server's, as last known.
    pub skew_ms: Option<i64>,
    /// Minutes after midnight at which the shop's day ends.
    pub day_ends_minutes: u16,
    /// The moment of the last event of this journal.
    pub last: Option<Moment>,
}

impl Reading {
    /// The moment of the next event. Its business day is never before that of the last one.
    pub fn moment(self) -> Moment {
        // What the server's clock says is nearer to the truth than a clock that somebody set wrong.
        let corrected_ms = self.utc_ms.saturating_sub(self.skew_ms.unwrap_or(0));
        let day = business_day(corrected_ms, self.offset_minutes, self.day_ends_minutes);
        let last_day = self.last.map_or(Day::MIN, |last| last.day);
        let backwards = self.last.is_some_and(|last| self.utc_ms < last.utc_ms - BACKWARDS_MS);
        Moment {
            utc_ms: self.utc_ms,
            offset_minutes: self.offset_minutes,
            day: day.max(last_day),
            skew_ms: self.skew_ms,
            clock_doubtful: backwards,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str, last: Option<Moment>) -> Reading {
        let (utc_ms, offset_minutes) = Moment::parse_rfc3339(text).unwrap();
        Reading { utc_ms, offset_minutes, skew_ms: None, day_ends_minutes: 0, last }
    }

    #[test]
    fn a_clock_in_the_past_is_marked_and_the_day_stays() {
        let today = reading("2026-06-02T12:00:00+02:00", None).moment();
        assert!(!today.clock_doubtful);
        let past = reading("2026-01-01T00:00:00+01:00", Some(today)).moment();
        assert!(past.clock_doubtful);
        assert_eq!(past.day, today.day);
    }

    #[test]
    fn a_clock_known_to_be_wrong_is_corrected_for_the_day() {
        let mut wrong = reading("2026-06-05T12:00:00+02:00", None);
        wrong.skew_ms = Some(3 * 24 * 60 * 60 * 1000);
        assert_eq!(wrong.moment().day.to_string(), "2026-06-02");
    }
}
