//! Challenges, quests, streaks: what several orders reach together.
//!
//! A goal counts by day, so that a window moves with the day and nothing has to run at midnight. What has no
//! window is counted under [`EVER`]. What two devices count apart adds up when their journals meet.

use std::collections::BTreeMap;

use crate::event::{CounterStep, ProgrammeRef};
use crate::ids::Sku;
use crate::member::MemberFacts;
use crate::programme::{Challenge, Count, Goal, Published, Text};
use crate::rules::basket::{Basket, Item, Shares, clamp};
use crate::rules::book::RuleBook;
use crate::rules::codes;
use crate::rules::outcome::Part;
use crate::rules::place::Place;
use crate::rules::prizes::{Given, Right};
use crate::rules::scope::{Reason, Scene};
use crate::rules::tiers;
use crate::time::{Day, Moment};

/// The day under which is counted what has no window.
pub(super) const EVER: Day = Day::MAX;

/// What the counter of an article is named by, after that of its goal.
const ARTICLE: char = '=';

fn article_key(goal: &str, sku: &Sku) -> String {
    format!("{goal}{ARTICLE}{sku}")
}

/// Whether a counter says of one article that it was bought.
pub(super) fn is_of_article(key: &str) -> bool {
    key.contains(ARTICLE)
}

/// How a member stands on a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose challenge.
    pub programme: ProgrammeRef,
    /// Which one.
    pub challenge: String,
    /// What people call it.
    pub name: Option<Text>,
    /// Each goal: how much is done, of how much, in whole numbers or decimals as people read them.
    pub goals: Vec<(String, String)>,
    /// Spans in a row, and how many are asked for.
    pub streak: Option<(u32, u32)>,
    /// It was reached, and is not to be had again now.
    pub reached: bool,
}

/// What of an order counts for goals.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bought<'a> {
    /// A basket with prices, and the number of lines of its outcome.
    Basket(&'a Basket<'a>, usize),
    /// So many things beside another till.
    Things(i64),
}

/// Counts an order for every challenge of a programme and gives what is reached.
pub(super) fn judge(
    published: &Published,
    bought: Bought<'_>,
    earned: &[Part],
    scene: &Scene<'_>,
    given: &mut Given,
) {
    let Some(member) = scene.member else { return };
    for challenge in &published.programme.spec().challenge {
        let fits = scene
            .within(&challenge.valid)
            .and_then(|()| scene.at_time(&challenge.when))
            .and_then(|()| scene.may(&challenge.who));
        if fits.is_err() {
            continue;
        }
        let course = Course { published, challenge, today: scene.at.day };
        let mut parts = BTreeMap::new();
        let steps = course.steps(bought, earned, &member.counters, &mut parts);
        if steps.is_empty() {
            continue;
        }
        let right = course.right();
        let before = Counters { counters: &member.counters, more: &[] };
        let after = Counters { counters: &member.counters, more: &steps };
        if right.was_given(member) {
            // It is over until the next span begins.
        } else if course.is_reached(&after, member) {
            right.give(&challenge.gives, scene, given);
        } else {
            given.steps.extend(course.progress(&before, &after, member).map(|reason| right.step(reason)));
        }
        given.counters.extend(steps);
        given.parts.extend(parts);
    }
}

/// How a member stands on every challenge that runs for the member now.
pub fn challenges(
    book: &RuleBook,
    member: &MemberFacts,
    place: impl Into<Place>,
    at: &Moment,
) -> Vec<Standing> {
    let (place, reached) = (place.into(), tiers::reached(book, Some(member), at));
    let scene = Scene { member: Some(member), tiers: &reached, fresh: &[], place: &place, at };
    let mut standings = Vec::new();
    for published in book.programmes() {
        let spec = published.programme.spec();
        if spec.challenge.is_empty() || scene.runs(spec).and_then(|()| scene.may(&spec.who)).is_err() {
            continue;
        }
        for challenge in &spec.challenge {
            if scene.within(&challenge.valid).and_then(|()| scene.may(&challenge.who)).is_ok() {
                let course = Course { published, challenge, today: at.day };
                standings.push(course.standing(member));
            }
        }
    }
    standings
}

/// How many days back a challenge reads.
pub(super) fn days_back(challenge: &Challenge) -> i32 {
    match (challenge.each, challenge.streak) {
        (Some(each), streak) => i32::from(streak.unwrap_or(0)).saturating_add(1) * each.days_max(),
        (None, _) => challenge.within_days.map_or(0, |days| i32::from(days) - 1),
    }
}

/// The counters as they stand, and what an order would add to them.
struct Counters<'a> {
    counters: &'a BTreeMap<String, BTreeMap<Day, i64>>,
    more: &'a [CounterStep],
}

impl Counters<'_> {
    fn sum(&self, key: &str, first: Day, last: Day) -> i64 {
        let kept = self.counters.get(key).filter(|_| first <= last);
        let kept = kept.into_iter().flat_map(|days| days.range(first..=last)).map(|(_, amount)| *amount);
        let more = self.more.iter().filter(|step| step.key == key && (first..=last).contains(&step.day));
        clamp(kept.chain(more.map(|step| step.amount)).map(i128::from).sum())
    }

    /// The days of a span on which something was counted.
    fn days(&self, key: &str, first: Day, last: Day) -> i64 {
        let mut days: BTreeMap<Day, i64> = BTreeMap::new();
        let kept = self.counters.get(key).filter(|_| first <= last);
        let kept = kept.into_iter().flat_map(|days| days.range(first..=last));
        kept.for_each(|(day, amount)| *days.entry(*day).or_default() += amount);
        let more = self.more.iter().filter(|step| step.key == key && (first..=last).contains(&step.day));
        more.for_each(|step| *days.entry(step.day).or_default() += step.amount);
        days.values().filter(|amount| **amount > 0).count() as i64
    }

    /// The keys that begin with a text and count something in a span.
    fn different(&self, prefix: &str, first: Day, last: Day) -> i64 {
        let kept = self.counters.range(prefix.to_owned()..).map(|(key, _)| key.as_str());
        let kept = kept.take_while(|key| key.starts_with(prefix));
        let more = self.more.iter().map(|step| step.key.as_str()).filter(|key| key.starts_with(prefix));
        let keys: std::collections::BTreeSet<&str> = kept.chain(more).collect();
        keys.into_iter().filter(|key| self.sum(key, first, last) > 0).count() as i64
    }
}

/// A challenge on some day.
struct Course<'a> {
    published: &'a Published,
    challenge: &'a Challenge,
    today: Day,
}

impl<'a> Course<'a> {
    fn right(&self) -> Right<'a> {
        Right {
            published: self.published,
            rule: &self.challenge.id,
            name: self.challenge.name.as_ref(),
            occurrence: self.challenge.each.map_or_else(String::new, |each| each.label(self.today)),
            code: codes::CHALLENGE_DONE,
        }
    }

    fn key(&self, goal: usize) -> String {
        format!("{}/{}#{}", self.published.reference.id, self.challenge.id, goal + 1)
    }

    fn has_window(&self) -> bool {
        self.challenge.each.is_some() || self.challenge.within_days.is_some()
    }

    /// The days that count today.
    fn window(&self) -> (Day, Day) {
        match (self.challenge.each, self.challenge.within_days) {
            (Some(each), _) => (each.first_day(self.today), self.today),
            (None, Some(days)) => (self.today.plus_days(1 - i32::from(days)), self.today),
            (None, None) => (EVER, EVER),
        }
    }

    /// What an order adds to the counters of the goals.
    fn steps(
        &self,
        bought: Bought<'_>,
        earned: &[Part],
        counters: &BTreeMap<String, BTreeMap<Day, i64>>,
        parts: &mut BTreeMap<String, Vec<Part>>,
    ) -> Vec<CounterStep> {
        let day = if self.has_window() { self.today } else { EVER };
        let mut steps = Vec::new();
        for (index, goal) in self.challenge.goal.iter().enumerate() {
            let key = self.key(index);
            let Some(added) = added(goal, bought, earned) else { continue };
            match added {
                Added::Articles(articles) => {
                    for (sku, weights) in articles {
                        let key = article_key(&key, &sku);
                        parts.insert(key.clone(), vec![Part { amount: 1, weights }]);
                        steps.push(CounterStep { key, day, amount: 1 });
                    }
                }
                Added::Once if goal.count == Count::Days && !self.has_window() => {
                    // Ever so many days: a day is counted when it is the first order of the day.
                    let known = counters
                        .get(&key)
                        .is_some_and(|days| days.get(&self.today).is_some_and(|amount| *amount > 0));
                    steps.push(CounterStep { key: key.clone(), day: self.today, amount: 1 });
                    steps.extend((!known).then_some(CounterStep { key, day: EVER, amount: 1 }));
                }
                Added::Once => steps.push(CounterStep { key, day, amount: 1 }),
                Added::Things(amount) => steps.push(CounterStep { key, day, amount }),
                Added::Parts(sum) => {
                    steps.push(CounterStep { key: key.clone(), day, amount: Part::sum(&sum) });
                    parts.insert(key, sum);
                }
            }
        }
        steps
    }

    fn done(&self, index: usize, goal: &Goal, counters: &Counters<'_>, first: Day, last: Day) -> i64 {
        let key = self.key(index);
        match goal.count {
            Count::Different => counters.different(&format!("{key}{ARTICLE}"), first, last),
            Count::Days if self.has_window() => counters.days(&key, first, last),
            _ => counters.sum(&key, first, last),
        }
    }

    fn all_met(&self, counters: &Counters<'_>, first: Day, last: Day) -> bool {
        let mut goals = self.challenge.goal.iter().enumerate();
        goals.all(|(index, goal)| self.done(index, goal, counters, first, last) >= self.target(goal))
    }

    fn target(&self, goal: &Goal) -> i64 {
        goal.target.at_scale(self.scale(goal))
    }

    fn scale(&self, goal: &Goal) -> u8 {
        match goal.count {
            Count::Orders | Count::Days | Count::Different => 0,
            Count::Items => 3,
            Count::Spend => 2,
            Count::Units => self.published.programme.unit().scale(),
        }
    }

    fn is_reached(&self, counters: &Counters<'_>, member: &MemberFacts) -> bool {
        match self.challenge.streak {
            Some(length) => self.row(counters, member) >= u32::from(length),
            None => {
                let (first, last) = self.window();
                self.all_met(counters, first, last)
            }
        }
    }

    /// How many spans in a row have reached the goals, up to this one, since the last row that was rewarded. The
    /// span of today counts once it has reached them, and breaks nothing before.
    fn row(&self, counters: &Counters<'_>, member: &MemberFacts) -> u32 {
        let (Some(each), Some(length)) = (self.challenge.each, self.challenge.streak) else { return 0 };
        let rewarded = |day: Day| {
            let right = Right { occurrence: each.label(day), ..self.right() };
            right.was_given(member)
        };
        let mut first = each.first_day(self.today);
        if rewarded(first) {
            return 0;
        }
        let mut row = u32::from(self.all_met(counters, first, self.today));
        for _ in 0..length {
            let last = first.plus_days(-1);
            first = each.first_day(last);
            if rewarded(first) || !self.all_met(counters, first, last) {
                break;
            }
            row += 1;
        }
        row
    }

    /// What is said of the way there, if the order went some of it: the goal that is furthest from done.
    fn progress(&self, before: &Counters<'_>, after: &Counters<'_>, member: &MemberFacts) -> Option<Reason> {
        if let Some(length) = self.challenge.streak {
            let (was, row) = (self.row(before, member), self.row(after, member));
            if row > was {
                return Some(Reason::new(codes::STREAK).with("done", row).with("target", length));
            }
        }
        let (first, last) = self.window();
        let goals = self.challenge.goal.iter().enumerate();
        let open = goals.filter_map(|(index, goal)| {
            let (was, done) =
                (self.done(index, goal, before, first, last), self.done(index, goal, after, first, last));
            let target = self.target(goal);
            (done > was && done < target).then_some((index, goal, done, target))
        });
        // The furthest in parts of its target: compared crosswise, without division.
        let (_, goal, done, target) = open.min_by(|a, b| {
            (i128::from(a.2) * i128::from(b.3)).cmp(&(i128::from(b.2) * i128::from(a.3))).then(a.0.cmp(&b.0))
        })?;
        Some(
            Reason::new(codes::PROGRESS)
                .with("count", count_word(goal.count))
                .with("done", self.decimal(goal, done))
                .with("target", self.decimal(goal, target)),
        )
    }

    fn decimal(&self, goal: &Goal, amount: i64) -> String {
        let text = crate::money::format_decimal(amount, self.scale(goal));
        if goal.count == Count::Spend { text } else { crate::money::trim_decimal(&text) }
    }

    fn standing(&self, member: &MemberFacts) -> Standing {
        let counters = Counters { counters: &member.counters, more: &[] };
        let (first, last) = self.window();
        let goal = |(index, goal): (usize, &Goal)| {
            let done = self.done(index, goal, &counters, first, last).min(self.target(goal));
            (self.decimal(goal, done), self.decimal(goal, self.target(goal)))
        };
        Standing {
            programme: self.published.reference.clone(),
            challenge: self.challenge.id.clone(),
            name: self.challenge.name.clone(),
            goals: self.challenge.goal.iter().enumerate().map(goal).collect(),
            streak: self.challenge.streak.map(|length| (self.row(&counters, member), length.into())),
            reached: self.right().was_given(member),
        }
    }
}

/// What an order adds to a goal.
enum Added {
    /// An order or a day: it goes back with the whole.
    Once,
    /// So many things beside another till.
    Things(i64),
    /// So much, and how it falls to the lines.
    Parts(Vec<Part>),
    /// Articles, and how each falls to the lines.
    Articles(BTreeMap<Sku, Vec<i64>>),
}

fn added(goal: &Goal, bought: Bought<'_>, earned: &[Part]) -> Option<Added> {
    let (basket, lines) = match bought {
        Bought::Things(count) => return added_beside(goal, count, Part::sum(earned)),
        Bought::Basket(basket, lines) => (basket, lines),
    };
    if goal.count == Count::Units {
        return (Part::sum(earned) > 0).then(|| Added::Parts(earned.to_vec()));
    }
    let places = basket.matching(&goal.articles());
    let (paid, count) = (basket.open(&places), basket.bought(&places));
    if count <= 0 || goal.minimum.is_some_and(|minimum| paid < minimum.money().0) {
        return None;
    }
    let falls = |places: &[usize], share: fn(&Item<'_>) -> i64| {
        let share = |place: &usize| (basket.items[*place].place, share(&basket.items[*place]).max(0));
        Shares(places.iter().map(share).collect()).weights(lines)
    };
    let some = |amount: i64, share: fn(&Item<'_>) -> i64| {
        (amount > 0).then(|| Added::Parts(vec![Part { amount, weights: falls(&places, share) }]))
    };
    match goal.count {
        Count::Orders | Count::Days => Some(Added::Once),
        Count::Items => some(count, |item| item.bought()),
        Count::Spend => some(paid, |item| item.open()),
        Count::Units => None,
        Count::Different => {
            let mut articles: BTreeMap<Sku, Vec<usize>> = BTreeMap::new();
            for &place in places.iter().filter(|&&place| basket.items[place].bought() > 0) {
                articles.entry(basket.items[place].line.sku.clone()).or_default().push(place);
            }
            let articles: BTreeMap<Sku, Vec<i64>> = articles
                .into_iter()
                .map(|(sku, places)| (sku, falls(&places, |item| item.bought())))
                .collect();
            (!articles.is_empty()).then_some(Added::Articles(articles))
        }
    }
}

/// The same beside another till, where nothing is known of prices and articles.
fn added_beside(goal: &Goal, count: i64, earned: i64) -> Option<Added> {
    let is_open = goal.minimum.is_none() && count > 0;
    match goal.count {
        Count::Units => (earned > 0).then_some(Added::Things(earned)),
        Count::Items => is_open.then(|| Added::Things(count.saturating_mul(1000))),
        Count::Orders | Count::Days => is_open.then_some(Added::Once),
        Count::Spend | Count::Different => None,
    }
}

fn count_word(count: Count) -> &'static str {
    match count {
        Count::Orders => "orders",
        Count::Days => "days",
        Count::Items => "items",
        Count::Different => "different",
        Count::Spend => "spend",
        Count::Units => "units",
    }
}
