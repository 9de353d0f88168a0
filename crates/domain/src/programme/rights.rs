//! What challenges, occasions, referrals, deeds, memberships and budgets must keep to.

use std::collections::BTreeSet;

use crate::ids::RewardId;
use crate::money::Money;
use crate::programme::check::{
    At, PLAIN, check_expiry, check_limit, check_money, check_positive, check_text, check_units, counted,
    is_plain, problem,
};
use crate::programme::decimal::Decimal;
use crate::programme::engagement::{
    Challenge, Count, Giving, Goal, Goodwill, Membership, Occasion, OccasionOf, Referral,
};
use crate::programme::error::{Problem, Step};
use crate::programme::language::{On, Specification};
use crate::programme::measures::Limit;
use crate::programme::policy::Stock;
use crate::programme::prize::Prize;
use crate::programme::{Reward, RewardKind};
use crate::unit::Unit;

/// The most days that a challenge looks back: counters are kept a little longer.
const DAYS_MAX: i32 = 731;
/// The most goals of one challenge.
const GOALS_MAX: usize = 20;
/// The most prizes of one right.
const PRIZES_MAX: usize = 10;
/// Names that the rules themselves give to rights.
const TAKEN: [&str; 4] = ["referral", "referrer", "membership", "goodwill"];

/// Finds the first thing that makes no sense.
pub(super) fn check(spec: &Specification, unit: &Unit) -> Result<(), Problem> {
    let mut names: BTreeSet<&str> = spec.earn.iter().map(|rule| rule.id.as_str()).collect();
    names.extend(spec.voucher.iter().map(|rule| rule.id.as_str()));
    names.extend(TAKEN);
    let mut name = |at: At, id| match (is_plain(id), names.insert(id)) {
        (false, _) => Err(at.problem("id", PLAIN)),
        (true, false) => {
            Err(at.problem("id", format!("another rule is called “{id}”, or the name is one of {TAKEN:?}")))
        }
        (true, true) => Ok(()),
    };
    for (index, challenge) in spec.challenge.iter().enumerate() {
        let at = At { list: "challenge", index };
        name(at, &challenge.id)?;
        check_challenge(spec, challenge, unit, at)?;
    }
    for (index, occasion) in spec.occasion.iter().enumerate() {
        let at = At { list: "occasion", index };
        name(at, &occasion.id)?;
        check_occasion(spec, occasion, unit, at)?;
    }
    for (index, activity) in spec.activity.iter().enumerate() {
        let at = At { list: "activity", index };
        name(at, &activity.id)?;
        if let Some(name) = &activity.name {
            at.text("name", name)?;
        }
        at.limit(&activity.limit, 0)?;
        at.who(&activity.who)?;
        check_prizes(spec, &activity.gives, unit, &at.path("gives"), true)?;
    }
    for (index, giving) in spec.giving.iter().enumerate() {
        let at = At { list: "giving", index };
        name(at, &giving.id)?;
        check_giving(giving, at)?;
    }
    for tier in spec.tiers.iter().flat_map(|tiers| &tiers.ladder).filter(|tier| !tier.gives.is_empty()) {
        let path = [Step::Key("tiers"), Step::Key("ladder")];
        if !is_plain(&tier.name) {
            return Err(problem(&path, format!("the name of a tier that gives something: {PLAIN}")));
        }
        check_prizes(spec, &tier.gives, unit, &path, false)?;
    }
    if let Some(referral) = &spec.referral {
        check_referral(spec, referral, unit)?;
    }
    if let Some(membership) = &spec.membership {
        check_membership(membership)?;
    }
    if let Some(goodwill) = &spec.goodwill {
        check_goodwill(goodwill, unit)?;
    }
    check_offline(spec, unit)
}

fn check_challenge(spec: &Specification, challenge: &Challenge, unit: &Unit, at: At) -> Result<(), Problem> {
    if let Some(name) = &challenge.name {
        at.text("name", name)?;
    }
    if challenge.goal.is_empty() || challenge.goal.len() > GOALS_MAX {
        return Err(at
            .problem("goal", format!("a challenge has 1 to {GOALS_MAX} goals"))
            .or("write for example `goal = [{ count = \"days\", target = 5 }]`"));
    }
    for goal in &challenge.goal {
        check_goal(goal, unit, at)?;
    }
    match (challenge.each, challenge.within_days, challenge.streak) {
        (Some(_), Some(_), _) => {
            return Err(at.problem("within_days", "it counts in the last days or in each span, not both"));
        }
        (None, _, Some(_)) => {
            return Err(at
                .problem("streak", "it does not say of what it is a row")
                .or("write `each = \"week\"` beside it"));
        }
        (Some(each), _, Some(length)) => {
            let days = i32::from(length).saturating_add(1).saturating_mul(each.days_max());
            if length < 2 || days > DAYS_MAX + 62 {
                return Err(at.problem("streak", "a row has at least 2 spans and lasts at most two years"));
            }
        }
        (_, Some(days), _) if days == 0 || i32::from(days) > DAYS_MAX => {
            return Err(at.problem("within_days", format!("it is between 1 and {DAYS_MAX}")));
        }
        _ => {}
    }
    if challenge.valid.from.zip(challenge.valid.to).is_some_and(|(from, to)| from > to) {
        return Err(at.problem("valid", "it ends before it begins"));
    }
    at.who(&challenge.who)?;
    check_prizes(spec, &challenge.gives, unit, &at.path("gives"), false)
}

fn check_goal(goal: &Goal, unit: &Unit, at: At) -> Result<(), Problem> {
    at.positive("goal", goal.target)?;
    let (digits, what) = match goal.count {
        Count::Orders => (0, "orders"),
        Count::Days => (0, "days"),
        Count::Different => (0, "different articles"),
        Count::Items => (3, "articles"),
        Count::Spend => (Money::SCALE, "money"),
        Count::Units => (unit.scale(), "units"),
    };
    if !goal.target.fits(digits) {
        return Err(at.problem("goal", format!("{} has too many digits for {what}", goal.target)));
    }
    if goal.count == Count::Days && goal.target > Decimal::whole(DAYS_MAX.unsigned_abs()) {
        return Err(at.problem("goal", format!("at most {DAYS_MAX} days")));
    }
    if goal.count == Count::Units && (!goal.articles().is_all() || goal.minimum.is_some()) {
        return Err(at.problem("goal", "units are counted of whole orders: leave out articles and minimum"));
    }
    at.money("goal", goal.minimum)?;
    at.articles(&goal.categories, &goal.skus, &goal.except_categories, &goal.except_skus)
}

fn check_giving(giving: &Giving, at: At) -> Result<(), Problem> {
    if let Some(name) = &giving.name {
        at.text("name", name)?;
    }
    if !is_plain(&giving.cause) {
        return Err(at.problem("cause", PLAIN));
    }
    at.positive("percent", giving.percent)?;
    if giving.percent > Decimal::whole(100) || !giving.percent.fits(2) {
        return Err(at.problem("percent", "it is at most 100, with at most two digits after the point"));
    }
    at.money("minimum", giving.minimum)?;
    at.articles(&giving.categories, &giving.skus, &giving.except_categories, &giving.except_skus)
}

/// What must be bought beside a reward.
pub(super) fn check_needs(reward: &Reward, at: At) -> Result<(), Problem> {
    let Some(needs) = &reward.needs else { return Ok(()) };
    at.money("needs", needs.minimum)?;
    at.quantity("needs", needs.quantity)?;
    if needs.quantity.is_some_and(|quantity| quantity <= Decimal::ZERO) {
        return Err(at.problem("needs", "`quantity` must be more than 0"));
    }
    at.articles(&needs.categories, &needs.skus, &needs.except_categories, &needs.except_skus)?;
    let repeats = match reward.kind {
        RewardKind::CheapestItem => reward.comes_by_itself(),
        RewardKind::AmountOff => reward.comes_by_itself() && reward.on == On::Set,
        _ => false,
    };
    if needs.each && !repeats {
        return Err(at.problem(
            "needs",
            "`each` belongs to a cheapest-item, or an amount-off on the set, that comes by itself or by code",
        ));
    }
    Ok(())
}

/// What is given away for whoever needs it, and what is taken of that.
pub(super) fn check_pool(reward: &Reward, at: At) -> Result<(), Problem> {
    for (key, pool) in [("fills", &reward.fills), ("from_pool", &reward.from_pool)] {
        if pool.as_ref().is_some_and(|pool| !is_plain(pool)) {
            return Err(at.problem(key, PLAIN));
        }
    }
    if reward.fills.is_some() && reward.kind != RewardKind::Gift {
        return Err(at.problem("fills", "only a gift is given away for others"));
    }
    if reward.from_pool.is_some() && reward.code.is_none() {
        return Err(at
            .problem("from_pool", "who takes it shows no card: it comes by a code")
            .or("write `code = \"…\"`, which the counter keys in"));
    }
    Ok(())
}

fn check_occasion(spec: &Specification, occasion: &Occasion, unit: &Unit, at: At) -> Result<(), Problem> {
    if let Some(name) = &occasion.name {
        at.text("name", name)?;
    }
    match (occasion.on, occasion.days) {
        (OccasionOf::Absence, None | Some(0)) => {
            return Err(at
                .problem("on", "it does not say after how many days somebody is absent")
                .or("write `days = 60`"));
        }
        (OccasionOf::Absence | OccasionOf::Welcome, _) | (_, None) => {}
        (_, Some(_)) => return Err(at.problem("days", "`days` belongs to absence and welcome")),
    }
    at.who(&occasion.who)?;
    check_prizes(spec, &occasion.gives, unit, &at.path("gives"), true)
}

fn check_referral(spec: &Specification, referral: &Referral, unit: &Unit) -> Result<(), Problem> {
    let path = |key| [Step::Key("referral"), Step::Key(key)];
    if referral.friend.is_empty() && referral.referrer.is_empty() {
        return Err(problem(&[Step::Key("referral")], "it gives nothing to anybody")
            .or("write `friend = { amount = 5 }` and `referrer = { amount = 10 }`"));
    }
    check_money(&path("minimum"), referral.minimum)?;
    check_limit(&path("limit"), &referral.limit, 0)?;
    check_prizes(spec, &referral.friend, unit, &path("friend"), false)?;
    check_prizes(spec, &referral.referrer, unit, &path("referrer"), false)
}

fn check_membership(membership: &Membership) -> Result<(), Problem> {
    let path = |key| [Step::Key("membership"), Step::Key(key)];
    let name = format!("{}{}", Membership::PREFIX, membership.name);
    if membership.name.is_empty() || Unit::new(&name, 0).is_err() {
        return Err(problem(&path("name"), "its name is made of small letters, digits, - and _, at most 29"));
    }
    if membership.skus.len() > 50 {
        return Err(problem(&path("skus"), "at most 50 articles sell it"));
    }
    if membership.months == 0 && membership.days == 0 || membership.months > 120 || membership.days > 3660 {
        return Err(problem(&path("months"), "a term lasts at least a day and at most ten years"));
    }
    Ok(())
}

fn check_goodwill(goodwill: &Goodwill, unit: &Unit) -> Result<(), Problem> {
    let path = |key| [Step::Key("goodwill"), Step::Key(key)];
    let good = |reason: &String| !reason.trim().is_empty() && reason.len() <= 64;
    if goodwill.reasons.is_empty() || goodwill.reasons.len() > 50 || !goodwill.reasons.iter().all(good) {
        return Err(problem(&path("reasons"), "there are 1 to 50 reasons of 1 to 64 bytes"));
    }
    check_units(&path("at_once"), goodwill.at_once, unit.scale())?;
    if let Some(amount) = goodwill.four_eyes_above {
        check_units(&path("four_eyes_above"), amount, unit.scale())?;
    }
    check_limit(&path("operator"), &goodwill.operator, unit.scale())?;
    check_limit(&path("device"), &goodwill.device, unit.scale())?;
    check_limit(&path("member"), &goodwill.member, unit.scale())
}

fn check_offline(spec: &Specification, unit: &Unit) -> Result<(), Problem> {
    let Some(offline) = &spec.offline else { return Ok(()) };
    let path = [Step::Key("offline")];
    if offline.spend_day.is_none() && offline.age_days.is_none() {
        return Err(problem(&path, "it does not say what is limited")
            .or("write for example `offline = { spend_day = 20, age_days = 14 }`"));
    }
    offline.spend_day.map_or(Ok(()), |amount| check_units(&path, amount, unit.scale()))
}

/// What a stock must keep to.
pub(super) fn check_stock(stock: &Stock, at: At) -> Result<(), Problem> {
    let (total, device) = (stock.total, stock.device);
    if total.zip(device).is_some_and(|(total, device)| device > total) {
        return Err(at.problem("stock", "a device cannot have more than there is in all"));
    }
    if stock.allotment() == Some(0) || stock.device_day == Some(0) {
        return Err(at
            .problem("stock", "with none of it nobody can be given it")
            .or("leave the reward out, or end it with `valid`"));
    }
    Ok(())
}

fn check_prizes(
    spec: &Specification,
    prizes: &[Prize],
    own: &Unit,
    path: &[Step],
    needed: bool,
) -> Result<(), Problem> {
    if prizes.len() > PRIZES_MAX {
        return Err(problem(path, format!("it gives at most {PRIZES_MAX} things")));
    }
    if needed && prizes.is_empty() {
        return Err(problem(path, "it gives nothing"));
    }
    prizes.iter().try_for_each(|prize| check_prize(spec, prize, own, path))
}

fn check_prize(spec: &Specification, prize: &Prize, own: &Unit, path: &[Step]) -> Result<(), Problem> {
    let (voucher, amount) = (&prize.voucher, prize.amount);
    if let Some(reward) = voucher {
        if amount.is_some() || prize.unit.is_some() || prize.expiry.is_some() || prize.scale.is_some() {
            return Err(problem(path, "it gives a voucher or units, not both"));
        }
        if !spec.reward.iter().any(|known| known.id == *reward && known.voucher) {
            return Err(problem(path, format!("no reward “{reward}” takes a voucher"))
                .or("write `voucher = true` in the [[reward]] that it is good for"));
        }
        return Ok(());
    }
    let Some(amount) = amount else {
        return Err(problem(path, "it does not say what it gives")
            .or("write `{ amount = 5 }`, or `{ voucher = \"free-coffee\" }`"));
    };
    if prize.days.is_some() {
        return Err(
            problem(path, "`days` belongs to a voucher").or("write `expiry = { days = … }` for units")
        );
    }
    let unit = match &prize.unit {
        None if prize.scale.is_some() => {
            return Err(problem(path, "`scale` belongs to a unit that is named"));
        }
        None => own.clone(),
        Some(name) => counted(name, prize.scale.unwrap_or(0)).map_err(|message| problem(path, message))?,
    };
    check_positive(path, amount)?;
    if !amount.fits(unit.scale()) {
        return Err(problem(path, format!("{amount} has more digits after the point than {unit} counts")));
    }
    prize.expiry.as_ref().map_or(Ok(()), |expiry| check_expiry(path, expiry))
}

/// What the owner may regret of it.
pub(super) fn warnings(spec: &Specification) -> Vec<String> {
    let mut warnings = Vec::new();
    for challenge in &spec.challenge {
        for goal in challenge.goal.iter().filter(|goal| goal.count == Count::Different) {
            let named = goal.skus.len();
            if goal.categories.is_empty()
                && named > 0
                && goal.target > Decimal::whole(u32::try_from(named).unwrap_or(u32::MAX))
            {
                warnings.push(format!(
                    "nobody can reach the challenge “{}”: it names {named} articles and asks for {} different ones",
                    challenge.id, goal.target
                ));
            }
        }
        if challenge.gives.is_empty() {
            warnings.push(format!("the challenge “{}” gives nothing", challenge.id));
        }
    }
    if let Some(goodwill) = &spec.goodwill
        && goodwill.operator == Limit::default()
        && goodwill.device == Limit::default()
    {
        warnings.push("goodwill has no budget: name a limit for each operator or device".to_owned());
    }
    if let Some(referral) = &spec.referral
        && referral.minimum.is_none()
        && !referral.referrer.is_empty()
    {
        warnings.push(
            "a referral without `minimum` is rewarded for any purchase, however small: it invites cheating"
                .to_owned(),
        );
    }
    warnings
}

/// Whether something beside the earning rules gives units of the programme.
pub(super) fn gives_own_units(spec: &Specification, own: &Unit) -> bool {
    let units = |prize: &Prize| {
        prize.voucher.is_none() && prize.unit.as_deref().is_none_or(|unit| unit == own.name())
    };
    prizes(spec).any(units)
}

/// Whether a right gives a voucher for a reward.
pub(super) fn gives_voucher(spec: &Specification, reward: &RewardId) -> bool {
    prizes(spec).any(|prize| prize.voucher.as_ref() == Some(reward))
}

fn prizes(spec: &Specification) -> impl Iterator<Item = &Prize> {
    let challenges = spec.challenge.iter().flat_map(|rule| &rule.gives);
    let occasions = spec.occasion.iter().flat_map(|rule| &rule.gives);
    let activities = spec.activity.iter().flat_map(|rule| &rule.gives);
    let referral = spec.referral.iter().flat_map(|rule| rule.friend.iter().chain(&rule.referrer));
    let tiers = spec.tiers.iter().flat_map(|tiers| &tiers.ladder).flat_map(|tier| &tier.gives);
    challenges.chain(occasions).chain(activities).chain(referral).chain(tiers)
}

/// A text that is shown with a reward.
pub(super) fn check_shows(reward: &Reward, at: At) -> Result<(), Problem> {
    let Some(text) = &reward.shows else { return Ok(()) };
    if !matches!(reward.kind, RewardKind::Gift | RewardKind::Units) {
        return Err(at.problem("shows", "`shows` belongs to gifts and units"));
    }
    check_text(&at.path("shows"), text)
}
