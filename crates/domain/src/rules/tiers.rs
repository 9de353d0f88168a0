//! Tiers: how far up the ladder of a programme a member stands.
//!
//! What a ladder counts is kept in a counter by day, so a tier is a sum over a window that moves with the day;
//! nothing has to run at midnight.

use std::collections::BTreeMap;

use crate::event::{CounterStep, ProgrammeRef};
use crate::member::MemberFacts;
use crate::money::Money;
use crate::programme::{Calendar, Published, Tier, TierBy, Tiers};
use crate::rules::basket::clamp;
use crate::rules::book::RuleBook;
use crate::rules::challenges::EVER;
use crate::rules::outcome::Part;
use crate::rules::prizes::{Given, Right};
use crate::rules::scope::Scene;
use crate::rules::{Language, codes, leaderboard, limit};
use crate::time::{Day, Moment};
use crate::unit::Unit;

/// How a member stands on one ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which programme's ladder.
    pub programme: ProgrammeRef,
    /// What the ladder counts.
    pub by: TierBy,
    /// The tier reached, if any.
    pub tier: Option<String>,
    /// The last day on which it is kept if nothing more is counted; none: for ever, or no tier.
    pub kept_until: Option<Day>,
    /// What the window holds: cents, units in the unit's scale, or visits.
    pub counted: i64,
    /// The next tier and how much is missing for it.
    pub next: Option<(String, i64)>,
    /// The first and the last day of the window: what is missing counts up to the last one.
    pub window: (Day, Day),
}

impl Standing {
    /// The tier, how long it is kept, and what the next one takes: `gold until 5 December 2026; 3 visits to platinum`.
    /// `unit` is that of the programme.
    pub fn sentence(&self, unit: &Unit, language: Language) -> String {
        let (none, until, to) = match language {
            Language::De => ("noch keine Stufe", "bis", "bis zur Stufe"),
            Language::En => ("no tier yet", "until", "to"),
        };
        let mut said = self.tier.clone().unwrap_or_else(|| none.to_owned());
        if let Some(last) = self.kept_until {
            said.push_str(&format!(" {until} {}", language.long_day(last)));
        }
        if let Some((next, missing)) = &self.next {
            said.push_str(&format!("; {} {to} {next}", self.figure(*missing, unit, language)));
        }
        said
    }

    /// What a ladder counts, with its word.
    fn figure(&self, amount: i64, unit: &Unit, language: Language) -> String {
        match self.by {
            TierBy::Spend => language.money(&Money(amount).to_string()),
            TierBy::Units => language.units(&unit.format(amount), unit.name()),
            TierBy::Visits => {
                let word = match (language, amount) {
                    (Language::De, 1) => "Besuch",
                    (Language::De, _) => "Besuche",
                    (Language::En, 1) => "visit",
                    (Language::En, _) => "visits",
                };
                format!("{amount} {word}")
            }
        }
    }
}

/// How a member stands on every ladder of the book.
pub fn standings(book: &RuleBook, member: &MemberFacts, at: &Moment) -> Vec<Standing> {
    let ladders = book.ladders().iter().map(|&place| &book.programmes()[place]);
    ladders.filter_map(|published| standing(published, member, at.day)).collect()
}

/// The names of the tiers that a member has reached.
pub(super) fn reached(book: &RuleBook, member: Option<&MemberFacts>, at: &Moment) -> Vec<String> {
    let Some(member) = member else { return Vec::new() };
    standings(book, member, at).into_iter().filter_map(|standing| standing.tier).collect()
}

/// The counter of a programme's ladder.
pub(super) fn key(published: &Published) -> String {
    format!("{}{LADDER}", published.reference.id)
}

/// What the counter of a ladder, and that of a leaderboard, is named after its programme.
const LADDER: &str = "#tier";
pub(super) const BOARD: &str = "#board";

/// What an order adds to a programme's ladder and its leaderboard.
pub(super) fn step(
    published: &Published,
    paid: i64,
    earned: i64,
    member: &MemberFacts,
    day: Day,
) -> Vec<CounterStep> {
    let mut steps = Vec::new();
    if let Some(tiers) = &published.programme.spec().tiers {
        let amount = counted_of(tiers.by, paid, earned);
        let step = |day| CounterStep { key: key(published), day, amount };
        match (tiers.window, tiers.by) {
            _ if amount <= 0 => {}
            // Ever so many visits: a day is counted when it is the first order of the day.
            (Some(Calendar::Ever), TierBy::Visits) => {
                let known = limit::counted(&member.counters, &key(published), day, day) > 0;
                steps.push(step(day));
                steps.extend((!known).then(|| step(EVER)));
            }
            (Some(Calendar::Ever), _) => steps.push(step(EVER)),
            _ => steps.push(step(day)),
        }
    }
    steps.extend(leaderboard::step(published, paid, earned, day));
    steps
}

/// How what a ladder and a leaderboard counted falls to the lines: money by what was paid for goods, units as they were
/// awarded. A visit goes with the whole.
pub(super) fn parts(
    published: &Published,
    steps: &[CounterStep],
    earned: &[Part],
    by_paid: impl Fn() -> Vec<i64>,
) -> BTreeMap<String, Vec<Part>> {
    let spec = published.programme.spec();
    let ladder = spec.tiers.as_ref().map(|tiers| (key(published), tiers.by));
    let board = spec.leaderboard.as_ref().map(|board| (leaderboard::key(published), board.by));
    let mut all = BTreeMap::new();
    for (key, by) in [ladder, board].into_iter().flatten() {
        let Some(step) = steps.iter().find(|step| step.key == key) else { continue };
        match by {
            TierBy::Spend => all.insert(key, vec![Part { amount: step.amount, weights: by_paid() }]),
            TierBy::Units => all.insert(key, earned.to_vec()),
            TierBy::Visits => None,
        };
    }
    all
}

/// Gives what the tiers give that an order has reached, each once.
pub(super) fn climb(published: &Published, steps: &[CounterStep], scene: &Scene<'_>, given: &mut Given) {
    let (Some(tiers), Some(member)) = (&published.programme.spec().tiers, scene.member) else { return };
    if tiers.ladder.iter().all(|tier| tier.gives.is_empty()) {
        return;
    }
    let mut after = member.counters.get(&key(published)).cloned().unwrap_or_default();
    for step in steps.iter().filter(|step| step.key == key(published)) {
        *after.entry(step.day).or_default() += step.amount;
    }
    let best = best(tiers, Some(&after), scene.at.day);
    let scale = scale(published, tiers);
    for tier in tiers.ladder.iter().filter(|tier| !tier.gives.is_empty()) {
        let rule = format!("{RULE}{}", tier.name);
        let right = Right {
            published,
            rule: &rule,
            name: None,
            occurrence: String::new(),
            code: codes::TIER_REACHED,
        };
        if tier.from.at_scale(scale) <= best && !right.was_given(member) {
            right.give(&tier.gives, scene, given);
        }
    }
}

/// What the rule of a tier's gift is named before the tier.
const RULE: &str = "tier:";

/// What an order counts for: cents that were paid, units of the programme that were earned, or one visit.
pub(super) fn counted_of(by: TierBy, paid: i64, earned: i64) -> i64 {
    match by {
        TierBy::Spend => paid,
        TierBy::Units => earned,
        TierBy::Visits => 1,
    }
}

fn standing(published: &Published, member: &MemberFacts, today: Day) -> Option<Standing> {
    let tiers = published.programme.spec().tiers.as_ref()?;
    let scale = scale(published, tiers);
    if tiers.window == Some(Calendar::Ever) {
        return Some(level(published, tiers, member, scale));
    }
    let entries = Entries::new(tiers, member.counters.get(&key(published)));
    let counted = entries.window_to(today);
    let best = entries.best(today.plus_days(-i32::from(tiers.grace_days)), today);
    let from = |tier: &&Tier| tier.from.at_scale(scale);
    let tier = tiers.ladder.iter().rfind(|tier| from(tier) <= best);
    let next = tiers.ladder.iter().find(|tier| from(tier) > best);
    Some(Standing {
        programme: published.reference.clone(),
        by: tiers.by,
        tier: tier.map(|tier| tier.name.clone()),
        kept_until: tier.and_then(|tier| {
            let reached = entries.last_at_least(from(&tier), today)?;
            Some(reached.plus_days(tiers.grace_days.into()))
        }),
        counted,
        next: next.map(|tier| (tier.name.clone(), from(&tier).saturating_sub(counted))),
        window: (tiers.window_begins(today), tiers.window.map_or(today, |window| window.last_day(today))),
    })
}

fn scale(published: &Published, tiers: &Tiers) -> u8 {
    match tiers.by {
        TierBy::Spend => 2,
        TierBy::Units => published.programme.unit().scale(),
        TierBy::Visits => 0,
    }
}

/// The most that a window holds which still counts today.
fn best(tiers: &Tiers, counter: Option<&BTreeMap<Day, i64>>, today: Day) -> i64 {
    if tiers.window == Some(Calendar::Ever) {
        return counter.and_then(|days| days.get(&EVER)).copied().unwrap_or(0);
    }
    Entries::new(tiers, counter).best(today.plus_days(-i32::from(tiers.grace_days)), today)
}

/// How a member stands on a ladder that nobody falls from.
fn level(published: &Published, tiers: &Tiers, member: &MemberFacts, scale: u8) -> Standing {
    let counted = best(tiers, member.counters.get(&key(published)), Day::MIN);
    let from = |tier: &&Tier| tier.from.at_scale(scale);
    let next = tiers.ladder.iter().find(|tier| from(tier) > counted);
    Standing {
        programme: published.reference.clone(),
        by: tiers.by,
        tier: tiers.ladder.iter().rfind(|tier| from(tier) <= counted).map(|tier| tier.name.clone()),
        kept_until: None,
        counted,
        next: next.map(|tier| (tier.name.clone(), from(&tier).saturating_sub(counted))),
        window: (Day::MIN, Day::MAX),
    }
}

/// What a ladder counted, by day, as running sums: the sum of any window costs two look-ups.
struct Entries<'a> {
    tiers: &'a Tiers,
    days: Vec<Day>,
    /// The sum of everything before the day at the same place; one more at the end.
    before: Vec<i128>,
}

impl<'a> Entries<'a> {
    fn new(tiers: &'a Tiers, counter: Option<&BTreeMap<Day, i64>>) -> Self {
        let mut entries = Self { tiers, days: Vec::new(), before: vec![0] };
        let mut sum = 0_i128;
        for (day, amount) in counter.into_iter().flatten() {
            sum += match tiers.by {
                TierBy::Visits => i128::from(*amount > 0),
                TierBy::Spend | TierBy::Units => i128::from(*amount),
            };
            entries.days.push(*day);
            entries.before.push(sum);
        }
        entries
    }

    /// What the window that ends on a day holds.
    fn window_to(&self, last: Day) -> i64 {
        let first = self.tiers.window_begins(last);
        let (from, to) =
            (self.days.partition_point(|day| *day < first), self.days.partition_point(|day| *day <= last));
        clamp(self.before[to] - self.before[from.min(to)])
    }

    /// The most that a window holds which ends on one of the days from `first` to `last`.
    ///
    /// Between two of these days nothing changes: the first one, the days of the entries, the days after an
    /// entry has left a window of days (what leaves may have been taken back), and the first days of a calendar window.
    fn best(&self, first: Day, last: Day) -> i64 {
        let inside = |day: &Day| (first..=last).contains(day);
        let changes: Box<dyn Iterator<Item = Day>> = match self.tiers.window {
            None => {
                let days = i32::from(self.tiers.window_days);
                Box::new(self.days.iter().map(move |day| day.plus_days(days)))
            }
            Some(window) => Box::new(begins(window, first, last)),
        };
        let ends = self.days.iter().copied().chain(changes).filter(inside).chain([first]);
        ends.map(|end| self.window_to(end)).max().unwrap_or(0)
    }

    /// The last day on which the window holds so much, if nothing more is counted after today.
    fn last_at_least(&self, least: i64, today: Day) -> Option<Day> {
        if least <= 0 {
            return None;
        }
        let days = self.days.iter().filter(|day| **day <= today);
        // What a window holds falls when an entry leaves it, or when one comes that takes back.
        let ends = days.flat_map(|day| {
            let leaves = match self.tiers.window {
                None => day.plus_days(i32::from(self.tiers.window_days) - 1),
                Some(window) => window.last_day(*day),
            };
            [leaves, day.plus_days(-1)]
        });
        ends.filter(|end| self.window_to(*end) >= least).max()
    }
}

/// The first days of the calendar's parts that begin after `first`, up to `last`.
fn begins(window: Calendar, first: Day, last: Day) -> impl Iterator<Item = Day> {
    let next = move |day: Day| window.last_day(day).plus_days(1);
    // The days end somewhere: the next part begins later than this one, or there is none.
    std::iter::successors(Some(next(first)), move |day| Some(next(*day)).filter(|next| next > day))
        .take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i32) -> Day {
        Day::from_number(20_000 + i64::from(number))
    }

    fn ladder(by: TierBy, window_days: u16, window: Option<Calendar>) -> Tiers {
        Tiers { by, window_days, window, grace_days: 0, ladder: Vec::new() }
    }

    #[test]
    fn parts_of_the_calendar_end_with_the_last_day_there_is() {
        let (first, last) = (Day::MAX.plus_days(-40), Day::MAX);
        let begins: Vec<String> =
            begins(Calendar::Month, first, last).take(9).map(|day| day.to_string()).collect();
        assert_eq!(begins, ["9999-12-01", "9999-12-31"], "the day after the last one is the last one");
    }

    /// Day after day, adding everything up each time.
    fn naive(tiers: &Tiers, counter: &BTreeMap<Day, i64>, last: Day) -> i64 {
        let mut first = last;
        for _ in 1..tiers.window_days_max() {
            let earlier = first.plus_days(-1);
            let inside = match tiers.window {
                None => true,
                Some(Calendar::Week) => earlier.weekday() != jiff::civil::Weekday::Sunday,
                Some(Calendar::Month) => earlier.civil().month() == last.civil().month(),
                Some(Calendar::Quarter) => {
                    let quarter = |day: Day| (day.civil().year(), (day.civil().month() + 2) / 3);
                    quarter(earlier) == quarter(last)
                }
                Some(Calendar::Year) => earlier.civil().year() == last.civil().year(),
                Some(Calendar::Ever) => unreachable!("levels have no window"),
            };
            if !inside {
                break;
            }
            first = earlier;
        }
        let inside =
            counter.iter().filter(|(day, _)| (first..=last).contains(*day)).map(|(_, amount)| *amount);
        match tiers.by {
            TierBy::Visits => inside.filter(|amount| *amount > 0).count() as i64,
            _ => inside.sum(),
        }
    }

    fn ladders() -> impl Strategy<Value = Tiers> {
        let by = prop_oneof![Just(TierBy::Spend), Just(TierBy::Visits)];
        let window = prop_oneof![
            (1_u16..500).prop_map(|days| (days, None)),
            prop_oneof![
                Just(Calendar::Week),
                Just(Calendar::Month),
                Just(Calendar::Quarter),
                Just(Calendar::Year)
            ]
            .prop_map(|window| (0, Some(window))),
        ];
        (by, window).prop_map(|(by, (days, window))| ladder(by, days, window))
    }

    fn entries(amounts: &[(i32, i64)]) -> BTreeMap<Day, i64> {
        amounts.iter().map(|(number, amount)| (day(*number), *amount)).collect()
    }

    #[test]
    fn a_tier_is_kept_for_the_days_of_grace_and_to_the_day_before_a_refund() {
        let tiers = Tiers { grace_days: 10, ..ladder(TierBy::Spend, 30, None) };
        let counter = entries(&[(0, 100)]);
        // Thirty days from the day itself on, then ten of grace.
        for (today, held) in [(0, 100), (29, 100), (39, 100), (40, 0)] {
            assert_eq!(best(&tiers, Some(&counter), day(today)), held, "{today}");
        }
        let counter = entries(&[(0, 100), (10, -60)]);
        let entries = Entries::new(&tiers, Some(&counter));
        assert_eq!(entries.last_at_least(80, day(20)), Some(day(9)));
        assert_eq!(entries.last_at_least(40, day(20)), Some(day(29)));
        assert_eq!(entries.last_at_least(101, day(20)), None);
    }

    #[test]
    fn a_week_begins_with_nothing_even_where_each_before_it_owes() {
        // The twentieth of November 2026 is a Friday. What came back weighs on the weeks of the sixth, the ninth and
        // the sixteenth; the week from the twenty-third on is empty.
        let date = |number: i8, month| Day::from_date(2026, month, number).unwrap();
        let counter = BTreeMap::from([(date(6, 11), -50), (date(9, 11), -10), (date(16, 11), -20)]);
        let tiers = ladder(TierBy::Spend, 0, Some(Calendar::Week));
        let entries = Entries::new(&tiers, Some(&counter));
        assert_eq!(entries.best(date(7, 11), date(8, 11)), -50);
        assert_eq!(entries.best(date(7, 11), date(22, 11)), -10);
        assert_eq!(entries.best(date(7, 11), date(23, 11)), 0);
    }

    proptest! {
        // Slow: it adds up every day of every window.
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_best_window_is_the_best_of_all_days(
            tiers in ladders(), grace in 0..420_i32, today in 300..500_i32,
            counter in prop::collection::btree_map((0..520_i32).prop_map(day), -50..200_i64, 0..20),
        ) {
            let entries = Entries::new(&tiers, Some(&counter));
            let all = (0..=grace).map(|back| naive(&tiers, &counter, day(today - back)));
            prop_assert_eq!(entries.best(day(today - grace), day(today)), all.max().unwrap());
        }

        #[test]
        fn a_tier_is_kept_as_long_as_is_said(
            tiers in ladders(), today in 300..500_i32, least in 1..300_i64,
            counter in prop::collection::btree_map((0..300_i32).prop_map(day), -50..200_i64, 0..20),
        ) {
            let entries = Entries::new(&tiers, Some(&counter));
            let all = (0..today + 520).map(day).filter(|end| naive(&tiers, &counter, *end) >= least);
            prop_assert_eq!(entries.last_at_least(least, day(today)), all.max());
        }
    }
}
