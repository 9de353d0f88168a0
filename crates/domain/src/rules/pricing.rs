//! What comes off a sale: free articles first, then discounts in the order of their priority.

use crate::money::{Money, Quantity};
use crate::programme::{On, Published, Reward, RewardKind};
use crate::rules::basket::{Basket, Freed, Shares};
use crate::rules::claims::{self, Taken, Wanted};
use crate::rules::codes;
use crate::rules::scope::{Reason, Scene};

/// A reward that comes by itself.
pub(super) type Automatic<'a> = (&'a Published, &'a Reward);

/// A sale with everything taken off.
#[derive(Debug)]
pub(super) struct Priced<'a> {
    pub basket: Basket<'a>,
    pub taken: Vec<Taken<'a>>,
    /// Why rewards that come by themselves did not.
    pub passed: Vec<(Automatic<'a>, Reason)>,
}

/// Takes everything off. If one of the claims cannot be given, says which and why.
pub(super) fn price<'a>(
    basket: Basket<'a>,
    wanted: &[Wanted<'a>],
    automatic: &[Automatic<'a>],
    scene: &Scene<'_>,
) -> Result<Priced<'a>, Reason> {
    let mut priced = Priced { basket, taken: Vec::new(), passed: Vec::new() };
    for wanted in wanted {
        give(&mut priced, wanted, scene)?;
    }
    take_cheapest_by_themselves(&mut priced, automatic, scene);
    discount(&mut priced, wanted, automatic, scene)?;
    Ok(priced)
}

/// Gives a free article or something outside the sale. Discounts come later.
fn give<'a>(priced: &mut Priced<'a>, wanted: &Wanted<'a>, scene: &Scene<'_>) -> Result<(), Reason> {
    let Wanted { claim, published, reward } = *wanted;
    if is_discount(reward.kind) {
        return Ok(());
    }
    let places = priced.basket.matching(&reward.articles());
    reached(reward, &priced.basket, &places)?;
    claims::within_limit(published, reward, claim.times, &priced.taken, scene)?;
    let mut taken = Taken {
        published,
        reward,
        claimed: true,
        times: claim.times,
        shares: Shares::default(),
        added: None,
        steps: Vec::new(),
    };
    match reward.kind {
        RewardKind::FreeItem => give_item(&mut priced.basket, &places, wanted, &mut taken)?,
        RewardKind::CheapestItem => give_cheapest(&mut priced.basket, &places, &mut taken)?,
        _ => taken.hand_over(scene.at.day),
    }
    priced.taken.push(taken);
    Ok(())
}

/// Makes pieces in the basket free, and adds what the basket does not hold.
fn give_item<'a>(
    basket: &mut Basket<'a>,
    places: &[usize],
    wanted: &Wanted<'a>,
    taken: &mut Taken<'a>,
) -> Result<(), Reason> {
    let claim = wanted.claim;
    let chosen = |place: &usize| claim.sku.as_ref().is_none_or(|sku| basket.items[*place].line.sku == *sku);
    let places: Vec<usize> = places.iter().copied().filter(chosen).collect();
    let pieces = i64::from(claim.times);
    let freed = if claim.extra { Freed::default() } else { basket.give_free(&places, pieces) };
    let mut what = first_name(basket, &freed.shares);
    if freed.pieces < pieces {
        let sku = claims::added_sku(wanted.reward, claim)?;
        what.get_or_insert_with(|| sku.to_string());
        taken.added = Some(sku);
    }
    taken.shares = freed.shares;
    let (what, off) = (what.unwrap_or_default(), Money(freed.off));
    taken.steps.push(Reason::new(codes::FREE).with("quantity", pieces).with("what", what).with("off", off));
    Ok(())
}

fn give_cheapest(basket: &mut Basket<'_>, places: &[usize], taken: &mut Taken<'_>) -> Result<(), Reason> {
    // What costs nothing anyway is not given for units.
    let Freed { pieces, off, shares } =
        basket.give_free(places, basket.pieces_open(places).min(taken.times.into()));
    if pieces == 0 {
        return Err(Reason::new(codes::NOTHING_TO_DISCOUNT));
    }
    reduce(taken, pieces);
    let (what, off) = (first_name(basket, &shares).unwrap_or_default(), Money(off));
    taken.steps.push(Reason::new(codes::FREE).with("quantity", pieces).with("what", what).with("off", off));
    taken.shares = shares;
    Ok(())
}

fn reduce(taken: &mut Taken<'_>, times: i64) {
    let times = u32::try_from(times).unwrap_or(taken.times).min(taken.times);
    if times < taken.times {
        taken.steps.push(Reason::new(codes::CLAIM_REDUCED).with("asked", taken.times).with("given", times));
        taken.times = times;
    }
}

fn first_name(basket: &Basket<'_>, shares: &Shares) -> Option<String> {
    let (place, _) = shares.0.first()?;
    let line = basket.items.iter().find(|item| item.place == *place)?.line;
    Some(if line.name.is_empty() { line.sku.to_string() } else { line.name.clone() })
}

fn take_cheapest_by_themselves<'a>(priced: &mut Priced<'a>, automatic: &[Automatic<'a>], scene: &Scene<'_>) {
    for &(published, reward) in automatic.iter().filter(|(_, reward)| !is_discount(reward.kind)) {
        let places = priced.basket.matching(&reward.articles());
        // As many as one cost would give, if it had one, for each time it comes, and as there are.
        let most = i64::from(reward.quantity.max(1)).saturating_mul(repeats(reward, &priced.basket));
        let pieces = priced.basket.pieces_open(&places).clamp(1, most.max(1));
        let times = u32::try_from(pieces).unwrap_or(1);
        let allowed = reached(reward, &priced.basket, &places)
            .and_then(|()| claims::may_take(reward, scene))
            .and_then(|()| claims::within_limit(published, reward, times, &priced.taken, scene));
        let mut taken = Taken { times, ..by_itself(published, reward) };
        match allowed.and_then(|()| give_cheapest(&mut priced.basket, &places, &mut taken)) {
            Ok(()) => priced.taken.push(taken),
            Err(reason) => priced.passed.push(((published, reward), reason)),
        }
    }
}

fn by_itself<'a>(published: &'a Published, reward: &'a Reward) -> Taken<'a> {
    Taken {
        published,
        reward,
        claimed: false,
        times: 1,
        shares: Shares::default(),
        added: None,
        steps: Vec::new(),
    }
}

/// A discount that stands in line.
#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    published: &'a Published,
    reward: &'a Reward,
    times: u32,
    claimed: bool,
}

/// What a discount would take off as things stand.
#[derive(Debug)]
struct Plan {
    places: Vec<usize>,
    off: i64,
    times: i64,
}

fn discount<'a>(
    priced: &mut Priced<'a>,
    wanted: &[Wanted<'a>],
    automatic: &[Automatic<'a>],
    scene: &Scene<'_>,
) -> Result<(), Reason> {
    let mut line: Vec<Candidate<'a>> = automatic
        .iter()
        .map(|&(published, reward)| Candidate { published, reward, times: 1, claimed: false })
        .chain(wanted.iter().map(|wanted| Candidate {
            published: wanted.published,
            reward: wanted.reward,
            times: wanted.claim.times,
            claimed: true,
        }))
        .filter(|candidate| is_discount(candidate.reward.kind))
        .collect();
    // What comes by itself stands before what was claimed; the sort is stable.
    line.sort_by_key(|candidate| std::cmp::Reverse(candidate.reward.priority));
    let mut decided: Vec<&str> = Vec::new();
    for index in 0..line.len() {
        let candidate = line[index];
        match candidate.reward.only_best.as_deref() {
            Some(word) if decided.contains(&word) => {}
            Some(word) => {
                decided.push(word);
                only_best(priced, &line, word, scene)?;
            }
            None => match plan(priced, &candidate, scene) {
                Ok(plan) => apply(priced, &candidate, &plan),
                Err(reason) => pass(priced, &candidate, reason)?,
            },
        }
    }
    Ok(())
}

/// Of the discounts with one word applies the one that takes most off now; of equals the first.
fn only_best<'a>(
    priced: &mut Priced<'a>,
    line: &[Candidate<'a>],
    word: &str,
    scene: &Scene<'_>,
) -> Result<(), Reason> {
    let same = line.iter().filter(|candidate| candidate.reward.only_best.as_deref() == Some(word));
    let mut best: Option<(Candidate<'a>, Plan)> = None;
    let mut lost: Vec<(Candidate<'a>, i64)> = Vec::new();
    for candidate in same {
        match plan(priced, candidate, scene) {
            Err(reason) => pass(priced, candidate, reason)?,
            Ok(plan) => match &best {
                Some((_, best)) if plan.off <= best.off => lost.push((*candidate, plan.off)),
                _ => {
                    let beaten = best.replace((*candidate, plan));
                    lost.extend(beaten.map(|(candidate, plan)| (candidate, plan.off)));
                }
            },
        }
    }
    let Some((winner, plan)) = best else { return Ok(()) };
    apply(priced, &winner, &plan);
    for (loser, off) in lost {
        let reason = Reason::new(codes::NOT_BEST).with("off", Money(off)).with("better", &winner.reward.id);
        pass(priced, &loser, reason)?;
    }
    Ok(())
}

/// Notes that a discount did not come. One that was claimed is refused.
fn pass<'a>(priced: &mut Priced<'a>, candidate: &Candidate<'a>, reason: Reason) -> Result<(), Reason> {
    if candidate.claimed {
        return Err(reason);
    }
    priced.passed.push(((candidate.published, candidate.reward), reason));
    Ok(())
}

fn plan(priced: &Priced<'_>, candidate: &Candidate<'_>, scene: &Scene<'_>) -> Result<Plan, Reason> {
    let reward = candidate.reward;
    let basket = &priced.basket;
    let places = basket.matching(&reward.articles());
    reached(reward, basket, &places)?;
    if !candidate.claimed {
        claims::may_take(reward, scene)?;
    }
    let plan = match reward.kind {
        RewardKind::PercentOff => percent(reward, basket, places),
        _ => {
            let times = i64::from(candidate.times).saturating_mul(repeats(reward, basket));
            amount(reward, basket, places, times)
        }
    };
    let plan = plan.filter(|plan| plan.off > 0).ok_or_else(|| Reason::new(codes::NOTHING_TO_DISCOUNT))?;
    let times = u32::try_from(plan.times).unwrap_or(candidate.times);
    claims::within_limit(candidate.published, reward, times, &priced.taken, scene)?;
    Ok(plan)
}

/// `rate × what is still to pay`, half up, at most the cap.
fn percent(reward: &Reward, basket: &Basket<'_>, places: Vec<usize>) -> Option<Plan> {
    let rate = reward.percent?.rate();
    let cap = reward.cap.map(|cap| cap.money());
    if reward.on == On::Set {
        let off = basket.percent(&places, rate, cap);
        return Some(Plan { places, off, times: 1 });
    }
    let (place, off) = basket.percent_of_cheapest(&places, rate, cap)?;
    Some(Plan { places: vec![place], off, times: 1 })
}

/// `amount × times`, at most what is still to pay and the cap; no more times than take something off.
fn amount(reward: &Reward, basket: &Basket<'_>, places: Vec<usize>, times: i64) -> Option<Plan> {
    let one = reward.amount?.money().0.max(1);
    let cap = reward.cap.map_or(i64::MAX, |cap| cap.money().0);
    if reward.on == On::Cheapest {
        let (place, off) = basket.amount_of_cheapest(&places, one.min(cap))?;
        return Some(Plan { places: vec![place], off, times: 1 });
    }
    let most = basket.open(&places).min(basket.rest()).max(0).min(cap);
    let useful = most / one + i64::from(most % one > 0);
    let times = useful.min(times);
    Some(Plan { places, off: one.saturating_mul(times).min(most), times })
}

fn apply<'a>(priced: &mut Priced<'a>, candidate: &Candidate<'a>, plan: &Plan) {
    let mut taken = Taken {
        claimed: candidate.claimed,
        times: candidate.times,
        ..by_itself(candidate.published, candidate.reward)
    };
    reduce(&mut taken, plan.times);
    taken.shares = priced.basket.take_off(&plan.places, plan.off);
    let step = Reason::new(codes::DISCOUNT).with("off", Money(plan.off));
    taken.steps.insert(0, step.named(candidate.reward.name.as_ref()));
    priced.taken.push(taken);
}

/// Whether the articles in the set amount to what the reward asks for.
fn reached(reward: &Reward, basket: &Basket<'_>, places: &[usize]) -> Result<(), Reason> {
    let (worth, bought) = (basket.before_discounts(places), basket.bought(places));
    if let Some(minimum) = reward.minimum.filter(|minimum| worth < minimum.money().0) {
        return Err(Reason::new(codes::BELOW_MINIMUM)
            .with("minimum", minimum.money())
            .with("paid", Money(worth)));
    }
    if let Some(minimum) = reward.minimum_quantity.filter(|minimum| bought < minimum.at_scale(3)) {
        let quantity = Quantity(bought);
        return Err(Reason::new(codes::BELOW_QUANTITY).with("minimum", minimum).with("quantity", quantity));
    }
    let Some(needs) = &reward.needs else { return Ok(()) };
    let places = basket.matching(&needs.articles());
    let (worth, bought) = (basket.before_discounts(&places), basket.bought(&places));
    if let Some(minimum) = needs.minimum.filter(|minimum| worth < minimum.money().0) {
        return Err(Reason::new(codes::BELOW_MINIMUM)
            .with("minimum", minimum.money())
            .with("paid", Money(worth)));
    }
    if bought < needs.thousandths() {
        let (minimum, quantity) = (Quantity(needs.thousandths()), Quantity(bought));
        return Err(Reason::new(codes::BELOW_QUANTITY).with("minimum", minimum).with("quantity", quantity));
    }
    Ok(())
}

/// How often a reward comes in one order: once, or for each `quantity` of what it needs.
fn repeats(reward: &Reward, basket: &Basket<'_>) -> i64 {
    let Some(needs) = reward.needs.as_ref().filter(|needs| needs.each) else { return 1 };
    let bought = basket.bought(&basket.matching(&needs.articles()));
    (bought / needs.thousandths()).max(1)
}

pub(super) fn is_discount(kind: RewardKind) -> bool {
    matches!(kind, RewardKind::PercentOff | RewardKind::AmountOff)
}
