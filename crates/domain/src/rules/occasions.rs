//! What is given on days of a member's year, for a friend who was brought, for a deed, and with a membership.

use crate::ids::MemberId;
use crate::programme::{Membership, Occasion, OccasionOf, Published};
use crate::rules::basket::Basket;
use crate::rules::book::RuleBook;
use crate::rules::codes;
use crate::rules::outcome::{Award, Due, Outcome};
use crate::rules::prizes::{Given, Right, already};
use crate::rules::scope::{Reason, Scene, anniversary_of_week};
use crate::sale::Deed;
use crate::time::Day;
use crate::unit::Unit;

/// The rule's name of what a friend is given.
pub(super) const FRIEND: &str = "referral";
/// The rule's name of what the one is given who brought a friend. The occurrence is the friend's id.
pub const REFERRER: &str = "referrer";
/// The rule's name of a membership that was sold.
pub(super) const MEMBERSHIP: &str = "membership";

/// Gives what the day brings: birthdays, anniversaries, the return after an absence, a welcome.
pub(super) fn of_the_day(published: &Published, scene: &Scene<'_>, given: &mut Given) {
    those_of_the_day(published, scene, given, |_| true);
}

/// Gives what the day brings of those occasions that are asked for.
fn those_of_the_day(
    published: &Published,
    scene: &Scene<'_>,
    given: &mut Given,
    asked: impl Fn(&Occasion) -> bool,
) {
    for occasion in published.programme.spec().occasion.iter().filter(|occasion| asked(occasion)) {
        let fits = scene.within(&occasion.valid).and_then(|()| scene.may(&occasion.who));
        let Some(occurrence) = fits.ok().and_then(|()| occurrence(occasion, scene)) else { continue };
        let right = Right {
            published,
            rule: &occasion.id,
            name: occasion.name.as_ref(),
            occurrence,
            code: codes::OCCASION,
        };
        if scene.member.is_some_and(|member| !right.was_given(member)) {
            right.give(&occasion.gives, scene, given);
        }
    }
}

/// Which time the occasion is, if it is now.
fn occurrence(occasion: &Occasion, scene: &Scene<'_>) -> Option<String> {
    let member = scene.member?;
    let today = scene.at.day;
    let year = |day: Day| day.civil().year().to_string();
    // The week of an anniversary may begin in one year and end in the next: the year is that of the day itself.
    let anniversary = |first: Option<Day>| first.and_then(|day| anniversary_of_week(day, today)).map(year);
    match occasion.on {
        OccasionOf::Birthday => member.birthday.then(|| year(today)),
        OccasionOf::Joined => anniversary(member.joined),
        OccasionOf::FirstPurchase => anniversary(member.first_purchase),
        OccasionOf::Absence => {
            let days = i64::from(occasion.days?);
            let last = member.last_visit_ms?;
            let away_ms = scene.at.utc_ms.saturating_sub(last);
            (away_ms >= days * 24 * 60 * 60 * 1000).then(|| format!("since-{last}"))
        }
        OccasionOf::Welcome => {
            let within = |days: u16| {
                member.joined.is_some_and(|joined| (joined..=joined.plus_days(days.into())).contains(&today))
            };
            occasion.days.is_none_or(within).then(String::new)
        }
    }
}

/// Rewards a friend's first purchase, and says that the one who brought the friend is due a reward.
pub(super) fn referral(published: &Published, paid: Option<i64>, scene: &Scene<'_>, given: &mut Given) {
    let (Some(rule), Some(member)) = (&published.programme.spec().referral, scene.member) else { return };
    let Some(referrer) = member.referrer else { return };
    let right =
        Right { published, rule: FRIEND, name: None, occurrence: String::new(), code: codes::REFERRAL };
    if right.was_given(member) {
        return;
    }
    let today = scene.at.day;
    if let Some(days) = rule.within_days
        && member.joined.is_none_or(|joined| today > joined.plus_days(days.into()))
    {
        return;
    }
    match (rule.minimum, paid) {
        (Some(_), None) => return,
        (Some(minimum), Some(paid)) if paid < minimum.money().0 => {
            let reason = Reason::new(codes::REFERRAL_BELOW)
                .with("minimum", minimum.money())
                .with("paid", crate::money::Money(paid));
            given.steps.push(right.step(reason));
            return;
        }
        (None, Some(paid)) if paid <= 0 => return,
        _ => {}
    }
    right.give(&rule.friend, scene, given);
    given.due.push(Due { member: referrer, programme: published.reference.id.clone() });
}

/// Gives the terms of a membership that were sold: each begins when the one before it ends.
pub(super) fn membership(published: &Published, basket: &Basket<'_>, scene: &Scene<'_>, given: &mut Given) {
    let (Some(rule), Some(member)) = (&published.programme.spec().membership, scene.member) else { return };
    let sold = sold_terms(rule, basket);
    let Some(unit) = unit(rule).filter(|_| sold > 0) else { return };
    let today = scene.at.day;
    let held = member.lots.get(&unit).into_iter().flatten().filter_map(|lot| lot.last).max();
    let begins = held.filter(|last| *last >= today).map_or(today, |last| last.plus_days(1));
    let last = begins.term_ends(i32::from(rule.months) * sold, i32::from(rule.days) * sold);
    let weights: Vec<i64> = sold_weights(rule, basket);
    let reason = Reason::new(codes::MEMBERSHIP).with("name", &rule.name).with("last", last);
    given.steps.push(reason.of(&published.reference.id, Some(MEMBERSHIP)));
    given.awards.push(Award {
        programme: published.reference.id.clone(),
        rule: MEMBERSHIP.to_owned(),
        unit,
        amount: 1,
        last: Some(last),
        idle: None,
        weights,
        grant: None,
        forgive: false,
    });
}

/// The unit of a membership.
pub(super) fn unit(rule: &Membership) -> Option<Unit> {
    Unit::new(&format!("{}{}", Membership::PREFIX, rule.name), 0).ok()
}

/// The terms in a basket, at most [`Membership::TERMS_MAX`].
fn sold_terms(rule: &Membership, basket: &Basket<'_>) -> i32 {
    let lines = basket.items.iter().filter(|item| rule.skus.contains(&item.line.sku));
    let pieces: i64 = lines.map(|item| item.bought().max(0) / 1000).fold(0, i64::saturating_add);
    i32::try_from(pieces).unwrap_or(Membership::TERMS_MAX).min(Membership::TERMS_MAX)
}

fn sold_weights(rule: &Membership, basket: &Basket<'_>) -> Vec<i64> {
    let mut weights = vec![0; basket.items.len()];
    for item in basket.items.iter().filter(|item| rule.skus.contains(&item.line.sku)) {
        if let Some(weight) = weights.get_mut(item.place) {
            *weight = item.bought().max(0);
        }
    }
    weights
}

/// Judges a deed: something done without a purchase.
pub(super) fn judge_deed(book: &RuleBook, deed: &Deed, scene: &Scene<'_>) -> Outcome {
    let mut given = Given::default();
    match deed {
        Deed::Activity { programme, activity, reference } => {
            match book.find(programme) {
                Some(published) => reported(published, activity, reference, scene, &mut given),
                None => given.steps.push(Reason::new(codes::UNKNOWN_PROGRAMME).of(programme, None)),
            };
        }
        Deed::Referral { programme, friend } => match book.find(programme) {
            Some(published) => brought(published, *friend, scene, &mut given),
            None => given.steps.push(Reason::new(codes::UNKNOWN_PROGRAMME).of(programme, None)),
        },
        Deed::Day | Deed::Calendar => {
            let is_there = *deed == Deed::Day;
            for published in book.programmes() {
                let spec = published.programme.spec();
                if scene.runs(spec).and_then(|()| scene.may(&spec.who)).is_ok() {
                    those_of_the_day(published, scene, &mut given, |occasion| {
                        is_there || occasion.on.is_a_date()
                    });
                }
            }
        }
    }
    let mut outcome = Outcome::default();
    given.add_to(&mut outcome);
    outcome.counters.sort();
    outcome
}

fn reported(published: &Published, activity: &str, reference: &str, scene: &Scene<'_>, given: &mut Given) {
    let spec = published.programme.spec();
    let id = &published.reference.id;
    let Some(rule) = spec.activity.iter().find(|rule| rule.id == activity) else {
        let reason = Reason::new(codes::UNKNOWN_ACTIVITY).with("activity", activity);
        return given.steps.push(reason.of(id, None));
    };
    let fits = if scene.member.is_none() { Err(Reason::new(codes::NO_CARD)) } else { Ok(()) };
    let fits = fits
        .and_then(|()| scene.runs(spec))
        .and_then(|()| scene.may(&spec.who))
        .and_then(|()| scene.within(&rule.valid))
        .and_then(|()| scene.may(&rule.who));
    let (Ok(()), Some(member)) = (fits.clone(), scene.member) else {
        let reason = fits.err().unwrap_or_else(|| Reason::new(codes::NO_CARD));
        return given.steps.push(reason.about(published).of(id, Some(&rule.id)));
    };
    let occurrence = match rule.once.period() {
        Some(period) => period.label(scene.at.day),
        None if rule.once == crate::programme::Once::Reference => format!("#{reference}"),
        None => String::new(),
    };
    let right =
        Right { published, rule: &rule.id, name: rule.name.as_ref(), occurrence, code: codes::ACTIVITY };
    if right.was_given(member) {
        return given.steps.push(already(&right));
    }
    right.give_within(&rule.limit, &rule.gives, scene, given);
}

fn brought(published: &Published, friend: MemberId, scene: &Scene<'_>, given: &mut Given) {
    let Some((rule, member)) = published.programme.spec().referral.as_ref().zip(scene.member) else { return };
    let right = Right {
        published,
        rule: REFERRER,
        name: None,
        occurrence: friend.to_string(),
        code: codes::REFERRER,
    };
    if right.was_given(member) {
        return given.steps.push(already(&right));
    }
    right.give_within(&rule.limit, &rule.referrer, scene, given);
}
