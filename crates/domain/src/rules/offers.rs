//! What a member can take now, and how far it is to the next reward: for the screens.

use crate::event::ProgrammeRef;
use crate::ids::RewardId;
use crate::member::MemberFacts;
use crate::programme::{Published, Reward, RewardKind, Text};
use crate::rules::book::RuleBook;
use crate::rules::claims;
use crate::rules::ending::{Ending, ending};
use crate::rules::outcome::Outcome;
use crate::rules::place::Place;
use crate::rules::scope::Scene;
use crate::rules::tiers;
use crate::time::Moment;
use crate::unit::Unit;

/// A reward as a member stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which programme gives it.
    pub programme: ProgrammeRef,
    /// Which reward.
    pub reward: RewardId,
    /// What people call it.
    pub name: Option<Text>,
    /// What it is.
    pub kind: RewardKind,
    /// What it takes.
    pub unit: Unit,
    /// How much of it for one claim.
    pub cost: i64,
    /// How much the member has, after the order if one was given.
    pub have: i64,
    /// How often it can be taken now; 0: not yet.
    pub times: u32,
    /// How much is still missing for one.
    pub missing: i64,
}

impl Offer {
    /// Whether it can be taken now.
    pub fn possible(&self) -> bool {
        self.times > 0
    }
}

/// A stamp card as it looks: full cards that can be redeemed, and the one that is being filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampCard {
    /// Which programme's.
    pub programme: ProgrammeRef,
    /// What people call it.
    pub name: Text,
    /// What is counted.
    pub unit: Unit,
    /// Stamps on the card that is being filled.
    pub filled: u32,
    /// Places of a card.
    pub size: u32,
    /// Full cards.
    pub full: u32,
}

/// What the screens show of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// Rewards that cost units or a voucher: those that can be taken first, then the nearest.
    pub rewards: Vec<Offer>,
    /// Stamp cards, in the order of the programmes.
    pub cards: Vec<StampCard>,
    /// What ends soon, soonest first.
    pub ending: Vec<Ending>,
}

/// What a member can take now, or after an order that was judged but not yet booked.
pub fn offers(
    book: &RuleBook,
    member: &MemberFacts,
    order: Option<&Outcome>,
    place: impl Into<Place>,
    at: &Moment,
) -> Offers {
    let (place, tiers) = (place.into(), tiers::reached(book, Some(member), at));
    let scene = Scene { member: Some(member), tiers: &tiers, fresh: &[], place: &place, at };
    let mut offers = Offers::default();
    for published in book.programmes() {
        let spec = published.programme.spec();
        if scene.runs(spec).and_then(|()| scene.may(&spec.who)).is_err() {
            continue;
        }
        let rewards = spec.reward.iter().filter(|reward| !reward.comes_by_itself());
        offers.rewards.extend(rewards.filter_map(|reward| offer(published, reward, order, &scene)));
        offers.cards.extend(card(published, member, order));
    }
    offers.ending = ending(book.programmes(), member, order, at.day);
    offers.rewards.sort_by_key(|offer| (!offer.possible(), offer.missing));
    offers
}

fn offer(
    published: &Published,
    reward: &Reward,
    order: Option<&Outcome>,
    scene: &Scene<'_>,
) -> Option<Offer> {
    let member = scene.member?;
    claims::may_take(reward, scene).ok()?;
    let (unit, one) = claims::cost(published, reward, 1);
    // A voucher that the order gives is for a later visit.
    let have = if reward.voucher { member.balance(&unit) } else { balance_after(member, order, &unit) };
    if reward.voucher && have <= 0 {
        return None;
    }
    let least = reward.at_least.map_or(one, |at_least| at_least.at_scale(unit.scale()).max(one));
    let times = if have < least { 0 } else { have.checked_div(one).unwrap_or(0) };
    let (times, _) = claims::times_left(published, reward, times, scene);
    let missing = (least - have).max(0);
    Some(Offer {
        programme: published.reference.clone(),
        reward: reward.id.clone(),
        name: reward.name.clone(),
        kind: reward.kind,
        unit,
        cost: one,
        have,
        times: as_times(times),
        missing,
    })
}

fn as_times(times: i64) -> u32 {
    u32::try_from(times).unwrap_or(claims::CLAIM_TIMES_MAX).min(claims::CLAIM_TIMES_MAX)
}

fn balance_after(member: &MemberFacts, order: Option<&Outcome>, unit: &Unit) -> i64 {
    let of = |sums: std::collections::BTreeMap<Unit, i64>| sums.get(unit).copied().unwrap_or(0);
    let moved = order.map_or(0, |order| of(order.earned()).saturating_sub(of(order.spent())));
    member.balance(unit).saturating_add(moved)
}

fn card(published: &Published, member: &MemberFacts, order: Option<&Outcome>) -> Option<StampCard> {
    let unit = published.programme.unit();
    let size = published.programme.card_size()?;
    let whole = 10_i64.pow(unit.scale().into());
    let stamps = u32::try_from(balance_after(member, order, unit).max(0) / whole).unwrap_or(u32::MAX);
    Some(StampCard {
        programme: published.reference.clone(),
        name: published.programme.spec().name.clone(),
        unit: unit.clone(),
        filled: stamps % size,
        size,
        full: stamps / size,
    })
}
