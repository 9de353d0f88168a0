//! Stamps beside somebody else's till: no prices, only how many things were bought.

use crate::money::Money;
use crate::programme::{EarnRule, Per, Published, RewardKind};
use crate::rules::basket::Shares;
use crate::rules::book::RuleBook;
use crate::rules::challenges::Bought;
use crate::rules::claims::{self, Taken, Wanted};
use crate::rules::earn::{self, Counted};
use crate::rules::evaluate::{award, moves, needs_price, refuse};
use crate::rules::grant::grant;
use crate::rules::outcome::{Award, Outcome, Part, Spend, TraceStep};
use crate::rules::prizes::Given;
use crate::rules::scope::{Reason, Scene};
use crate::rules::{challenges, codes, limit, message, occasions, tiers};
use crate::sale::{StampCount, StampOrder};

pub(super) fn evaluate(book: &RuleBook, order: &StampOrder, scene: &Scene<'_>) -> Outcome {
    let units = |draft: &Outcome| moves(&draft.awards, &draft.spends);
    let granted = grant(book, &order.claims, scene, |wanted| judge(book, order, wanted, scene), units);
    let mut outcome = granted.draft.unwrap_or_default();
    let moves = moves(&outcome.awards, &outcome.spends);
    for published in order.stamps.iter().filter_map(|count| book.find(&count.programme)) {
        outcome.trace.extend(scene.member.and_then(|member| message::reached(published, member, &moves)));
    }
    outcome.refused = refuse(granted.refused, &mut outcome.trace);
    outcome.counters.sort();
    outcome
}

fn judge(
    book: &RuleBook,
    order: &StampOrder,
    wanted: &[Wanted<'_>],
    scene: &Scene<'_>,
) -> Result<Outcome, Reason> {
    let mut outcome = Outcome::default();
    let mut taken: Vec<Taken<'_>> = Vec::new();
    for wanted in wanted {
        let taken_now = take(wanted, &taken, scene)?;
        let key = claims::counter_key(wanted.published, wanted.reward);
        let times = i64::from(taken_now.times);
        outcome.counters.extend(limit::step(&wanted.reward.limit, key, scene.at.day, times));
        outcome.counters.extend(claims::offline_step(&taken_now, scene));
        outcome.tallies.extend(claims::tallies(&taken_now, scene.at.day));
        outcome.spends.extend::<Option<Spend>>(taken_now.spend(0));
        outcome.awards.extend(taken_now.gives(scene.at.day));
        outcome.trace.extend(taken_now.trace());
        taken.push(taken_now);
    }
    for count in merged(&order.stamps) {
        match book.find(&count.programme) {
            None => {
                let reason = Reason::new(codes::UNKNOWN_PROGRAMME);
                outcome.trace.push(reason.of(&count.programme, None));
            }
            Some(published) => earn_all(published, count.count, wanted, scene, &mut outcome),
        }
    }
    Ok(outcome)
}

/// One count for each programme: two entries for one card are one order.
fn merged(stamps: &[StampCount]) -> Vec<StampCount> {
    let mut merged: Vec<StampCount> = Vec::new();
    for stamp in stamps.iter().take(StampOrder::PROGRAMMES_MAX) {
        match merged.iter_mut().find(|known| known.programme == stamp.programme) {
            Some(known) => known.count = known.count.saturating_add(stamp.count),
            None => merged.push(stamp.clone()),
        }
    }
    merged
}

/// Gives a reward without looking at prices: what it is worth is the other till's business.
fn take<'a>(wanted: &Wanted<'a>, taken: &[Taken<'_>], scene: &Scene<'_>) -> Result<Taken<'a>, Reason> {
    let Wanted { claim, published, reward } = *wanted;
    if reward.minimum.is_some() || reward.minimum_quantity.is_some() || reward.needs.is_some() {
        return Err(Reason::new(codes::NEEDS_PRICE));
    }
    claims::within_limit(published, reward, claim.times, taken, scene)?;
    let mut taken = Taken {
        published,
        reward,
        claimed: true,
        times: claim.times,
        shares: Shares::default(),
        added: None,
        steps: Vec::new(),
    };
    if is_free_thing(reward.kind) {
        let what = claim.sku.as_ref().map_or("", |sku| sku.as_str());
        let step = Reason::new(codes::FREE).with("quantity", claim.times).with("what", what);
        taken.steps.push(step.with("off", Money::ZERO));
    } else {
        taken.hand_over(scene.at.day);
    }
    Ok(taken)
}

fn is_free_thing(kind: RewardKind) -> bool {
    matches!(kind, RewardKind::FreeItem | RewardKind::CheapestItem)
}

fn earn_all(
    published: &Published,
    count: u32,
    wanted: &[Wanted<'_>],
    scene: &Scene<'_>,
    outcome: &mut Outcome,
) {
    let spec = published.programme.spec();
    let id = &published.reference.id;
    let runs = if scene.member.is_none() { Err(Reason::new(codes::NO_CARD)) } else { scene.runs(spec) };
    if let Err(reason) = runs.and_then(|()| scene.may(&spec.who)) {
        return outcome.trace.push(reason.about(published).of(id, None));
    }
    // A claimed thing that is one of those counted is not bought, and what is free earns nothing.
    let mine = wanted.iter().filter(|wanted| wanted.published.reference.id == *id);
    let free: i64 = mine
        .filter(|wanted| !wanted.claim.extra && is_free_thing(wanted.reward.kind))
        .map(|wanted| i64::from(wanted.claim.times))
        .sum();
    let bought = (i64::from(count) - free).max(0);
    for rule in &spec.earn {
        match earn_one(published, rule, bought, scene, &mut outcome.trace) {
            Err(reason) => outcome.trace.push(reason.about(published).of(id, Some(&rule.id))),
            Ok(None) => {}
            Ok(Some((given, counters))) => {
                outcome.awards.push(given);
                outcome.counters.extend(counters);
            }
        }
    }
    let unit = published.programme.unit();
    let earned = outcome.awards.iter().filter(|award| award.programme == *id && award.unit == *unit);
    let earned = Part::of_awards(earned);
    let mut given = Given::default();
    challenges::judge(published, Bought::Things(bought), &earned, scene, &mut given);
    occasions::of_the_day(published, scene, &mut given);
    if bought > 0 {
        occasions::referral(published, None, scene, &mut given);
    }
    if let Some(member) = scene.member {
        let steps = tiers::step(published, 0, Part::sum(&earned), member, scene.at.day);
        tiers::climb(published, &steps, scene, &mut given);
        outcome.counters.extend(steps);
    }
    given.add_to(outcome);
}

type Earned = (Award, Vec<crate::event::CounterStep>);

fn earn_one(
    published: &Published,
    rule: &EarnRule,
    bought: i64,
    scene: &Scene<'_>,
    trace: &mut Vec<TraceStep>,
) -> Result<Option<Earned>, Reason> {
    if needs_price(rule.per) || rule.minimum.is_some() {
        return Err(Reason::new(codes::NEEDS_PRICE));
    }
    if bought == 0 {
        return Err(Reason::new(codes::NOTHING_COUNTS));
    }
    scene.at_time(&rule.when)?;
    scene.may(&rule.who)?;
    if let Some(minimum) = rule.minimum_quantity.filter(|minimum| bought < minimum.at_scale(0)) {
        return Err(Reason::new(codes::BELOW_QUANTITY).with("minimum", minimum).with("quantity", bought));
    }
    let counted = if rule.per == Per::Item { Counted::things(bought) } else { Counted::once() };
    let earned = earn::earn(published, rule, &counted, scene)?;
    trace.extend(earned.steps.iter().map(|step| step.of(&published.reference.id, Some(&rule.id))));
    if earned.amount == 0 {
        return Ok(None);
    }
    Ok(Some((award(published, &rule.id, earned.amount, Vec::new(), scene), earned.counters)))
}
