//! Rewards that were asked for: whether they can be given, and what they cost.

use crate::event::CounterStep;
use crate::ids::{RewardId, Sku};
use crate::money::format_decimal;
use crate::programme::{Limit, Overdraft, Published, Reward, RewardKind, Stock, Text, voucher_unit};
use crate::rules::basket::Shares;
use crate::rules::book::RuleBook;
use crate::rules::outcome::{Award, Spend, TraceStep};
use crate::rules::scope::{Reason, Scene};
use crate::rules::{codes, limit};
use crate::sale::Claim;
use crate::time::Day;
use crate::unit::Unit;

/// The most times of one claim: points by the cent of a large order.
pub const CLAIM_TIMES_MAX: u32 = 1_000_000;

/// A claim whose reward was found and may be given, as far as can be said without its order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub claim: &'a Claim,
    pub published: &'a Published,
    pub reward: &'a Reward,
}

/// A reward, claimed or by itself, as it was applied.
#[derive(Debug, Clone)]
pub(super) struct Taken<'a> {
    pub published: &'a Published,
    pub reward: &'a Reward,
    pub claimed: bool,
    pub times: u32,
    /// What came off each line.
    pub shares: Shares,
    /// An article that was given on top of the basket.
    pub added: Option<Sku>,
    pub steps: Vec<Reason>,
}

/// Finds the reward of a claim and asks whether it may be given here, now, and to this member.
pub(super) fn find<'a>(
    book: &'a RuleBook,
    claim: &'a Claim,
    scene: &Scene<'_>,
) -> Result<Wanted<'a>, Reason> {
    let wanted = resolve(book, claim, scene)?;
    let (spec, reward) = (wanted.published.programme.spec(), wanted.reward);
    if scene.member.is_none() {
        return Err(Reason::new(codes::NO_CARD));
    }
    if claim.times == 0 || claim.times > CLAIM_TIMES_MAX {
        return Err(Reason::new(codes::BAD_CLAIM).with("times", claim.times));
    }
    if reward.comes_by_itself() {
        return Err(Reason::new(codes::COMES_BY_ITSELF));
    }
    scene.runs(spec)?;
    scene.may(&spec.who)?;
    may_take(reward, scene)?;
    may_spend(wanted.published, scene)?;
    let (unit, amount) = cost(wanted.published, reward, claim.times);
    if let Some(at_least) = reward.at_least.filter(|at_least| amount < at_least.at_scale(unit.scale())) {
        return Err(Reason::new(codes::CLAIM_TOO_SMALL).with("minimum", at_least).with("unit", unit.name()));
    }
    Ok(wanted)
}

/// Says of a claim that was refused what people call its reward.
pub(super) fn refused(book: &RuleBook, claim: &Claim, scene: &Scene<'_>, reason: Reason) -> Reason {
    match resolve(book, claim, scene) {
        Ok(wanted) => reason.named(wanted.reward.name.as_ref()),
        Err(_) => reason,
    }
}

/// The reward that a claim names. Of several with the same name the one that can be claimed here and now, if it is
/// the only one: a programme that has ended keeps nobody from the next one's.
fn resolve<'a>(book: &'a RuleBook, claim: &'a Claim, scene: &Scene<'_>) -> Result<Wanted<'a>, Reason> {
    let unknown = || Reason::new(codes::UNKNOWN_REWARD);
    if let Some(id) = &claim.programme {
        let published = book.find(id).ok_or_else(unknown)?;
        let mut rewards = published.programme.spec().reward.iter();
        let reward = rewards.find(|reward| reward.id == claim.reward).ok_or_else(unknown)?;
        return Ok(Wanted { claim, published, reward });
    }
    let named = |&(place, reward): &(usize, usize)| {
        let published = &book.programmes()[place];
        Wanted { claim, published, reward: &published.programme.spec().reward[reward] }
    };
    let open = |wanted: &Wanted<'_>| {
        let spec = wanted.published.programme.spec();
        !wanted.reward.comes_by_itself() && scene.runs(spec).and_then(|()| scene.may(&spec.who)).is_ok()
    };
    let all = book.rewards_named(&claim.reward);
    let mut open = all.iter().map(named).filter(open);
    match (all, open.next(), open.next()) {
        ([], ..) => Err(unknown()),
        ([only], ..) => Ok(named(only)),
        (_, Some(one), None) => Ok(one),
        _ => Err(Reason::new(codes::AMBIGUOUS_REWARD)),
    }
}

/// Whether the reward itself applies now and to this member.
pub(super) fn may_take(reward: &Reward, scene: &Scene<'_>) -> Result<(), Reason> {
    scene.within(&reward.valid)?;
    scene.at_time(&reward.when)?;
    if scene.member.is_none() && (reward.needs_card || limit::needs_counter(&reward.limit)) {
        return Err(Reason::new(codes::NEEDS_CARD));
    }
    scene.may(&reward.who)
}

/// Whether the member may take it so often, with what was taken of it in this order before.
pub(super) fn within_limit(
    published: &Published,
    reward: &Reward,
    times: u32,
    taken: &[Taken<'_>],
    scene: &Scene<'_>,
) -> Result<(), Reason> {
    let same = |taken: &&Taken<'_>| std::ptr::eq(taken.reward, reward);
    let before: i64 = taken.iter().filter(same).map(|taken| i64::from(taken.times)).sum();
    let (_, held) = times_left(published, reward, before + i64::from(times), scene);
    held.map_or(Ok(()), Err)
}

/// How often of `wanted` times the member may still take a reward, and the limit if that is less.
pub(super) fn times_left(
    published: &Published,
    reward: &Reward,
    wanted: i64,
    scene: &Scene<'_>,
) -> (i64, Option<Reason>) {
    let pool = reward.from_pool.as_ref().map(|pool| scene.place.facts.sum(&pool_key(published, pool)));
    if let Some(waiting) = pool.filter(|waiting| *waiting < wanted) {
        return (waiting.max(0), Some(Reason::new(codes::POOL_EMPTY)));
    }
    let (stocked, sold_out) =
        scene.place.facts.left(&reward.stock, &stock_key(published, reward), wanted, scene.at.day);
    let Some(member) = scene.member else { return (stocked, sold_out) };
    let key = counter_key(published, reward);
    let (left, held) = limit::hold(&reward.limit, 0, stocked, &member.counters, &key, scene.at.day);
    (left, held.or(sold_out))
}

/// Whether units of the programme may be spent at all by this member, here and now.
fn may_spend(published: &Published, scene: &Scene<'_>) -> Result<(), Reason> {
    let (spec, unit) = (published.programme.spec(), published.programme.unit());
    let balance = scene.member.map_or(0, |member| member.balance(unit));
    if spec.overdraft == Overdraft::Block && balance < 0 {
        let owed = unit.format(balance.saturating_neg());
        return Err(Reason::new(codes::OWES).with("owed", owed).with("unit", unit.name()));
    }
    let (Some(limits), Some(unconfirmed)) = (&spec.offline, scene.place.facts.offline) else { return Ok(()) };
    match limits.age_days.filter(|days| unconfirmed.days > *days) {
        Some(days) => Err(Reason::new(codes::OFFLINE_TOO_LONG).with("days", days)),
        None => Ok(()),
    }
}

/// Whether what is spent without the server stays within what the programme allows for one day.
pub(super) fn within_offline(granted: &[Wanted<'_>], scene: &Scene<'_>) -> Result<(), Reason> {
    let (Some(last), Some(member)) = (granted.last(), scene.member) else { return Ok(()) };
    let Some(most) = offline_limit(last.published, scene) else { return Ok(()) };
    let unit = last.published.programme.unit();
    let same = granted.iter().filter(|wanted| std::ptr::eq(wanted.published, last.published));
    let costs = same.map(|wanted| cost(wanted.published, wanted.reward, wanted.claim.times));
    let spent =
        costs.filter(|(paid, _)| paid == unit).fold(0_i64, |sum, (_, amount)| sum.saturating_add(amount));
    let (_, held) =
        limit::hold(&most, unit.scale(), spent, &member.counters, &offline_key(last.published), scene.at.day);
    match held {
        Some(held) => {
            let limit = held.values.into_iter().filter(|(name, _)| *name == "limit");
            Err(Reason { code: codes::OFFLINE_LIMIT, values: limit.collect() }.with("unit", unit.name()))
        }
        None => Ok(()),
    }
}

fn offline_limit(published: &Published, scene: &Scene<'_>) -> Option<Limit> {
    scene.place.facts.offline?;
    let day = published.programme.spec().offline.as_ref()?.spend_day;
    day.map(|day| Limit { day: Some(day), ..Limit::default() })
}

fn offline_key(published: &Published) -> String {
    format!("{}#offline", published.reference.id)
}

/// What a taken reward adds to the device's own tallies: to what it has given of a stock, to a pool that it
/// fills, or takes from.
pub(super) fn tallies(taken: &Taken<'_>, today: Day) -> Vec<CounterStep> {
    let (times, reward) = (i64::from(taken.times), taken.reward);
    let step = |key: String, amount: i64| CounterStep { key, day: today, amount };
    let stock = (reward.stock != Stock::default()).then(|| step(stock_key(taken.published, reward), times));
    let pool = |name: &String| pool_key(taken.published, name);
    let fills = reward.fills.as_ref().map(|name| step(pool(name), times));
    let takes = reward.from_pool.as_ref().map(|name| step(pool(name), -times));
    [stock, fills, takes].into_iter().flatten().collect()
}

/// The tally of what waits in a pool at a device.
pub(super) fn pool_key(published: &Published, pool: &str) -> String {
    super::pool_tally(&published.reference.id, pool)
}

/// What a taken reward adds to what the member has spent today without the server.
pub(super) fn offline_step(taken: &Taken<'_>, scene: &Scene<'_>) -> Option<CounterStep> {
    offline_limit(taken.published, scene).filter(|_| taken.claimed)?;
    let (unit, amount) = cost(taken.published, taken.reward, taken.times);
    (unit == *taken.published.programme.unit()).then(|| CounterStep {
        key: offline_key(taken.published),
        day: scene.at.day,
        amount,
    })
}

/// The tally of how often a device gave a reward.
pub(super) fn stock_key(published: &Published, reward: &Reward) -> String {
    limit::key(&published.reference.id, &format!("{}#stock", reward.id))
}

/// The counter of how often a reward was taken.
pub(super) fn counter_key(published: &Published, reward: &Reward) -> String {
    limit::key(&published.reference.id, &format!("{}#taken", reward.id))
}

/// What it costs to take a reward so often: `cost × ⌈times / quantity⌉`, or one voucher for each.
pub(super) fn cost(published: &Published, reward: &Reward, times: u32) -> (Unit, i64) {
    let programme = &published.programme;
    let by_piece = matches!(reward.kind, RewardKind::FreeItem | RewardKind::CheapestItem);
    let packs = if by_piece { times.div_ceil(reward.quantity.max(1)) } else { times };
    if let (true, Ok(unit)) = (reward.voucher, voucher_unit(programme.id(), &reward.id)) {
        return (unit, packs.into());
    }
    let unit = programme.unit();
    let one = reward.cost.map_or(0, |cost| cost.at_scale(unit.scale()));
    (unit.clone(), one.saturating_mul(packs.into()).min(Unit::AMOUNT_MAX))
}

impl Taken<'_> {
    /// The units that it takes.
    pub fn spend(&self, lines: usize) -> Option<Spend> {
        if !self.claimed {
            return None;
        }
        let (unit, amount) = cost(self.published, self.reward, self.times);
        Some(Spend {
            programme: self.published.reference.id.clone(),
            reward: self.reward.id.clone(),
            times: self.times,
            unit,
            amount,
            weights: self.shares.weights(lines),
            grace_days: self.published.programme.spec().grace_days,
            cause: self.reward.cause.clone(),
        })
    }

    /// The units that it gives.
    pub fn gives(&self, today: Day) -> Option<Award> {
        let gives = self.reward.gives.as_ref()?;
        let unit = Unit::new(&gives.unit, gives.scale).ok()?;
        let amount = gives.amount.at_scale(unit.scale()).saturating_mul(self.times.into());
        Some(Award {
            programme: self.published.reference.id.clone(),
            rule: self.reward.id.to_string(),
            unit,
            amount: amount.min(Unit::AMOUNT_MAX),
            last: gives.expiry.and_then(|expiry| expiry.last_day(today)),
            idle: gives.expiry.and_then(|expiry| expiry.idle()),
            weights: Vec::new(),
            grant: None,
            forgive: self.published.programme.spec().refunds.forgives(),
        })
    }

    /// What is said of something outside the sale, or of units of another kind.
    pub fn hand_over(&mut self, today: Day) {
        let step = match self.gives(today) {
            Some(award) => Reason::new(codes::EXCHANGED)
                .with("given", award.unit.format(award.amount))
                .with("given_unit", award.unit.name()),
            None => Reason::new(codes::GIFT).with("times", self.times).named(self.reward.name.as_ref()),
        };
        let step = match &self.reward.shows {
            None => step,
            Some(Text::Plain(text)) => step.with("shows", text),
            Some(text) => step.with("shows_de", text.get("de")).with("shows_en", text.get("en")),
        };
        self.steps.push(step);
    }

    /// What the trace says of it.
    pub fn trace(&self) -> impl Iterator<Item = TraceStep> {
        let (unit, amount) = cost(self.published, self.reward, self.times);
        self.steps.iter().map(move |step| {
            let mut step = step.of(&self.published.reference.id, Some(self.reward.id.as_str()));
            if self.claimed && step.code != codes::CLAIM_REDUCED {
                step.values.insert("cost".to_owned(), format_units(&unit, amount));
                step.values.insert("unit".to_owned(), unit.name().to_owned());
            }
            step
        })
    }
}

/// The name under which an article is given that the till did not key in.
pub(super) fn added_sku(reward: &Reward, claim: &Claim) -> Result<Sku, Reason> {
    if let Some(sku) = &claim.sku {
        // The category of an article outside the basket is not known here: the till chose it.
        let inside = reward.skus.contains(sku) || !reward.categories.is_empty();
        if !inside || reward.except_skus.contains(sku) {
            return Err(Reason::new(codes::NOT_IN_SET).with("sku", sku));
        }
        return Ok(sku.clone());
    }
    match reward.skus.as_slice() {
        [sku] => Ok(sku.clone()),
        _ => name_of(&reward.id),
    }
}

fn name_of(reward: &RewardId) -> Result<Sku, Reason> {
    reward.as_str().parse().map_err(|_| Reason::new(codes::NOT_IN_SET).with("sku", reward))
}

fn format_units(unit: &Unit, amount: i64) -> String {
    crate::money::trim_decimal(&format_decimal(amount, unit.scale()))
}
