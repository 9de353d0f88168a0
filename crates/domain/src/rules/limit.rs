//! Caps and limits: how much is left of each, from the member's counters.

use crate::event::CounterStep;
use crate::ids::ProgrammeId;
use crate::programme::{Decimal, Limit};
use crate::rules::basket::clamp;
use crate::rules::codes;
use crate::rules::place::Tallies;
use crate::rules::scope::Reason;
use crate::time::Day;

/// The counter of a programme's rule or reward.
pub(super) fn key(programme: &ProgrammeId, rule: &str) -> String {
    format!("{programme}/{rule}")
}

/// Whether a limit looks at more than the sale at hand, so that a counter must be kept.
pub(super) fn needs_counter(limit: &Limit) -> bool {
    [limit.day, limit.week, limit.month, limit.year, limit.period].iter().any(Option::is_some)
}

/// Steps the counter, if the limit needs one.
pub(super) fn step(limit: &Limit, key: String, day: Day, amount: i64) -> Option<CounterStep> {
    (needs_counter(limit) && amount != 0).then_some(CounterStep { key, day, amount })
}

/// Holds an amount within a limit: what is granted, and the tightest limit if that is less.
pub(super) fn hold(
    limit: &Limit,
    scale: u8,
    wanted: i64,
    counters: &Tallies,
    key: &str,
    today: Day,
) -> (i64, Option<Reason>) {
    if *limit == Limit::default() {
        return (wanted, None);
    }
    let civil = today.civil();
    let since_monday = i32::from(civil.weekday().to_monday_zero_offset());
    let since_first = i32::from(civil.day()) - 1;
    let since_new_year = i32::from(civil.day_of_year()) - 1;
    let windows: [(Option<Decimal>, &'static str, Option<i32>); 6] = [
        (limit.sale, codes::SALE_LIMIT, None),
        (limit.day, codes::DAILY_LIMIT, Some(0)),
        (limit.week, codes::WEEKLY_LIMIT, Some(since_monday)),
        (limit.month, codes::MONTHLY_LIMIT, Some(since_first)),
        (limit.year, codes::YEARLY_LIMIT, Some(since_new_year)),
        (limit.period, codes::PERIOD_LIMIT, Some(i32::from(limit.period_days) - 1)),
    ];
    let mut granted = wanted;
    let mut tightest = None;
    for (most, code, days_back) in windows {
        let Some(most) = most else { continue };
        let used = days_back.map_or(0, |days| counted(counters, key, today.plus_days(-days), today));
        let left = most.at_scale(scale).saturating_sub(used).max(0);
        if left < granted {
            granted = left;
            tightest = Some((most, code));
        }
    }
    let reason = tightest.map(|(most, code)| {
        let decimal = |amount: i64| crate::money::trim_decimal(&crate::money::format_decimal(amount, scale));
        let reason = Reason::new(code)
            .with("limit", most)
            .with("wanted", decimal(wanted))
            .with("given", decimal(granted));
        if code == codes::PERIOD_LIMIT { reason.with("days", limit.period_days) } else { reason }
    });
    (granted, reason)
}

/// What a counter says for the days from `first` to `last`.
pub(super) fn counted(counters: &Tallies, key: &str, first: Day, last: Day) -> i64 {
    let Some(days) = counters.get(key).filter(|_| first <= last) else { return 0 };
    clamp(days.range(first..=last).map(|(_, amount)| i128::from(*amount)).sum())
}
