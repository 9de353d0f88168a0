//! The programmes in force, indexed so that a sale costs what the rules that can apply cost.

use std::collections::BTreeMap;

use crate::event::ProgrammeRef;
use crate::grant::Grant;
use crate::ids::{ProgrammeId, RewardId, Sku};
use crate::member::MemberFacts;
use crate::programme::{Articles, Limit, Period, Published, Specification, Stock};
use crate::rules::{challenges, claims};
use crate::time::Day;
use crate::unit::Unit;

/// Why a set of programmes cannot be run together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Too many.
    #[error("there are more than {} programmes; withdraw those that have ended", RuleBook::PROGRAMMES_MAX)]
    TooMany,
    /// Two versions of one programme.
    #[error("the programme “{0}” is in force twice; only its newest version can be")]
    Twice(ProgrammeId),
}

/// The programmes in force. Built once, read for every sale.
#[derive(Debug, Clone, Default)]
pub struct RuleBook {
    programmes: Vec<Published>,
    open: Vec<usize>,
    ladders: Vec<usize>,
    memberships: Vec<usize>,
    by_category: BTreeMap<String, Vec<usize>>,
    by_sku: BTreeMap<Sku, Vec<usize>>,
    by_code: BTreeMap<String, Vec<usize>>,
    by_unit: BTreeMap<Unit, Vec<usize>>,
    by_reward: BTreeMap<RewardId, Vec<(usize, usize)>>,
}

impl RuleBook {
    /// The most programmes in force at once.
    pub const PROGRAMMES_MAX: usize = 10_000;

    /// Indexes the programmes. Their order does not matter: they are run in the order of their ids.
    pub fn new(mut programmes: Vec<Published>) -> Result<Self, BookError> {
        if programmes.len() > Self::PROGRAMMES_MAX {
            return Err(BookError::TooMany);
        }
        programmes.sort_by(|a, b| a.reference.cmp(&b.reference));
        if let Some(pair) = programmes.windows(2).find(|pair| pair[0].reference.id == pair[1].reference.id) {
            return Err(BookError::Twice(pair[0].reference.id.clone()));
        }
        let mut book = Self::default();
        for (index, published) in programmes.iter().enumerate() {
            book.index(index, published);
        }
        book.programmes = programmes;
        Ok(book)
    }

    fn index(&mut self, place: usize, published: &Published) {
        let spec = published.programme.spec();
        let mut open = !spec.voucher.is_empty() || spec.looks_beyond();
        let earning = spec.earn.iter().map(|rule| rule.articles());
        let by_itself = spec.reward.iter().filter(|reward| reward.automatic).map(|reward| reward.articles());
        let giving = spec.giving.iter().map(|rule| rule.articles());
        for articles in earning.chain(by_itself).chain(giving) {
            open |= articles.is_open();
            self.index_articles(place, &articles);
        }
        // Whatever is bought counts on a ladder and a leaderboard.
        if open || spec.tiers.is_some() || spec.leaderboard.is_some() {
            self.open.push(place);
        }
        if spec.tiers.is_some() {
            self.ladders.push(place);
        }
        if spec.membership.is_some() {
            self.memberships.push(place);
        }
        for (reward_place, reward) in spec.reward.iter().enumerate() {
            self.by_reward.entry(reward.id.clone()).or_default().push((place, reward_place));
            if let Some(code) = &reward.code {
                self.by_code.entry(code.clone()).or_default().push(place);
            }
        }
        self.by_unit.entry(published.programme.unit().clone()).or_default().push(place);
    }

    fn index_articles(&mut self, place: usize, articles: &Articles<'_>) {
        for category in articles.categories {
            self.by_category.entry(category.clone()).or_default().push(place);
        }
        for sku in articles.skus {
            self.by_sku.entry(sku.clone()).or_default().push(place);
        }
    }

    /// The programmes, in the order of their ids.
    pub fn programmes(&self) -> &[Published] {
        &self.programmes
    }

    /// The programme of that id.
    pub fn find(&self, id: &ProgrammeId) -> Option<&Published> {
        self.place_of(id).map(|place| &self.programmes[place])
    }

    /// The names and versions of the programmes, for the event.
    pub fn references(&self) -> Vec<ProgrammeRef> {
        self.programmes.iter().map(|published| published.reference.clone()).collect()
    }

    /// How many days before today any rule reads counters of.
    pub fn reads_days_back(&self) -> i32 {
        let specs = self.programmes.iter().map(|published| published.programme.spec());
        specs.map(days_back).max().unwrap_or(0)
    }

    /// Leaves out of a member's facts what no rule reads today, so that an event that carries them stays small.
    pub fn trim(&self, facts: &mut MemberFacts, today: Day) {
        facts.counters.retain(|key, days| {
            let programme = key.split(['/', '#']).next().unwrap_or_default();
            let place = programme.parse().ok().and_then(|id| self.place_of(&id));
            let Some(spec) = place.map(|place| self.programmes[place].programme.spec()) else { return false };
            let first = today.plus_days(-days_back(spec));
            days.retain(|day, _| *day >= first);
            !days.is_empty()
        });
        facts.grants.retain(|grant| {
            let Ok(grant) = grant.parse::<Grant>() else { return false };
            let place = self.place_of(&grant.programme);
            place.is_some_and(|place| is_open(self.programmes[place].programme.spec(), &grant, today))
        });
    }

    /// What a device must know of its own tallies: the keys of what there is only so much of.
    pub fn tally_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for published in &self.programmes {
            let rewards = published.programme.spec().reward.iter();
            let limited = rewards.filter(|reward| reward.stock != Stock::default());
            keys.extend(limited.map(|reward| claims::stock_key(published, reward)));
            let pools =
                published.programme.spec().reward.iter().filter_map(|reward| reward.from_pool.as_ref());
            keys.extend(pools.map(|pool| claims::pool_key(published, pool)));
        }
        keys
    }

    pub(super) fn place_of(&self, id: &ProgrammeId) -> Option<usize> {
        self.programmes.binary_search_by(|published| published.reference.id.cmp(id)).ok()
    }

    pub(super) fn ladders(&self) -> &[usize] {
        &self.ladders
    }

    pub(super) fn memberships(&self) -> &[usize] {
        &self.memberships
    }

    pub(super) fn open(&self) -> &[usize] {
        &self.open
    }

    pub(super) fn of_category(&self, category: &str) -> &[usize] {
        self.by_category.get(category).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_sku(&self, sku: &Sku) -> &[usize] {
        self.by_sku.get(sku).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_code(&self, code: &str) -> &[usize] {
        self.by_code.get(code).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_unit(&self, unit: &Unit) -> &[usize] {
        self.by_unit.get(unit).map_or(&[], Vec::as_slice)
    }

    pub(super) fn rewards_named(&self, reward: &RewardId) -> &[(usize, usize)] {
        self.by_reward.get(reward).map_or(&[], Vec::as_slice)
    }
}

/// Whether a right that was given can still keep another from being given today: those of an earlier day, week,
/// month or year cannot, except in a row that is counted.
fn is_open(spec: &Specification, grant: &Grant, today: Day) -> bool {
    if !Period::is_label(&grant.occurrence) {
        return true;
    }
    let row = spec.challenge.iter().find(|challenge| challenge.id == grant.rule);
    let row = row.and_then(|challenge| challenge.each.zip(challenge.streak));
    let Some((each, length)) = row else {
        // The week of an anniversary may begin in the year before, and end in the year after.
        let days = [today.plus_days(-6), today, today.plus_days(6)];
        let is_near = |period: &Period| days.iter().any(|day| period.label(*day) == grant.occurrence);
        return Period::ALL.iter().any(is_near);
    };
    let mut first = each.first_day(today);
    (0..=length).any(|_| {
        let open = each.label(first) == grant.occurrence;
        first = each.first_day(first.plus_days(-1));
        open
    })
}

fn days_back(spec: &Specification) -> i32 {
    let caps = spec.earn.iter().map(|rule| &rule.cap);
    let limits = spec.reward.iter().map(|reward| &reward.limit);
    let vouchers = spec.voucher.iter().map(|rule| &rule.limit);
    let challenges = spec.challenge.iter().map(challenges::days_back).max().unwrap_or(0);
    let ladder = spec
        .tiers
        .as_ref()
        .map_or(0, |tiers| i32::from(tiers.window_days_max()) + i32::from(tiers.grace_days));
    let activities = spec.activity.iter().map(|rule| &rule.limit);
    let referral = spec.referral.iter().map(|rule| &rule.limit);
    let goodwill = spec.goodwill.iter().map(|rule| &rule.member);
    let limits = caps.chain(limits).chain(vouchers).chain(activities).chain(referral).chain(goodwill);
    let limits = limits.map(limit_days_back).max().unwrap_or(0);
    limits.max(ladder).max(challenges)
}

fn limit_days_back(limit: &Limit) -> i32 {
    let week = limit.week.map_or(0, |_| 6);
    let month = limit.month.map_or(0, |_| 30);
    let year = limit.year.map_or(0, |_| 365);
    let period = limit.period.map_or(0, |_| i32::from(limit.period_days) - 1);
    week.max(month).max(year).max(period)
}
