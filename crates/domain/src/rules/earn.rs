//! What an order earns.

use crate::event::CounterStep;
use crate::money::Money;
use crate::programme::{Decimal, EarnRule, Multiplier, Per, Published, Rounding, Specification};
use crate::rules::basket::{Basket, Shares};
use crate::rules::scope::{Reason, Scene};
use crate::rules::{codes, limit};
use crate::unit::Unit;

/// What of an order a rule counts.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// Cents of money, thousandths of articles, or 1 for an order or a visit.
    base: i64,
    /// What one of the things counted is in `base`.
    one: i64,
    /// What falls to each line; none: everything by what was paid.
    pub shares: Option<Shares>,
    values: Vec<(&'static str, String)>,
}

impl Counted {
    /// Things counted on a stamp card.
    pub fn things(count: i64) -> Self {
        let values = vec![("quantity", count.to_string()), ("what", String::new())];
        Self { base: count, one: 1, shares: None, values }
    }

    /// An order or a visit.
    pub fn once() -> Self {
        Self { base: 1, one: 1, shares: None, values: Vec::new() }
    }
}

/// What a rule gives.
#[derive(Debug, Clone)]
pub(super) struct Earned {
    pub amount: i64,
    pub counters: Vec<CounterStep>,
    /// Why it is as it is, most important first.
    pub steps: Vec<Reason>,
}

/// Counts what of a sale a rule counts.
pub(super) fn count(rule: &EarnRule, basket: &Basket<'_>, whole_sale: bool) -> Result<Counted, Reason> {
    let places = basket.matching(&rule.articles());
    let (paid, bought) = (basket.open(&places), basket.bought(&places));
    if places.is_empty() || (paid <= 0 && bought <= 0) {
        return Err(Reason::new(codes::NOTHING_COUNTS));
    }
    if let Some(minimum) = rule.minimum.filter(|minimum| paid < minimum.money().0) {
        return Err(Reason::new(codes::BELOW_MINIMUM)
            .with("minimum", minimum.money())
            .with("paid", Money(paid)));
    }
    if let Some(minimum) = rule.minimum_quantity.filter(|minimum| bought < minimum.at_scale(3)) {
        let quantity = crate::money::Quantity(bought);
        return Err(Reason::new(codes::BELOW_QUANTITY).with("minimum", minimum).with("quantity", quantity));
    }
    let by = |amount: fn(&crate::rules::basket::Item<'_>) -> i64| {
        let item = |&place: &usize| (basket.items[place].place, amount(&basket.items[place]).max(0));
        Shares(places.iter().map(item).collect())
    };
    let by_paid = by(|item| item.open());
    let shares = match rule.per {
        // What costs nothing falls to its pieces: what was paid for the rest of the sale has no part in it.
        _ if by_paid.sum() == 0 => Some(by(|item| item.bought())),
        Per::Item => Some(by(|item| item.bought())),
        _ if whole_sale && places.len() == basket.items.len() => None,
        _ => Some(by_paid),
    };
    let mut values = Vec::new();
    let (base, one) = match rule.per {
        Per::Money => {
            values.push(("paid", Money(paid).to_string()));
            (paid, 100)
        }
        Per::Item => {
            values.push(("quantity", crate::money::Quantity(bought).to_string()));
            values.push(("what", what(rule, basket, &places)));
            (bought, 1000)
        }
        Per::Order | Per::Visit => (1, 1),
    };
    if base <= 0 {
        return Err(Reason::new(codes::NOTHING_COUNTS));
    }
    Ok(Counted { base, one, shares, values })
}

/// What people would call the things counted: the article, where there is one only; else the category.
fn what(rule: &EarnRule, basket: &Basket<'_>, places: &[usize]) -> String {
    let name = |place: usize| {
        let line = basket.items[place].line;
        if line.name.is_empty() { line.sku.as_str() } else { line.name.as_str() }
    };
    let mut bought = places.iter().copied().filter(|&place| basket.items[place].bought() > 0);
    let Some(first) = bought.next() else { return String::new() };
    if bought.all(|place| name(place) == name(first)) {
        return name(first).to_owned();
    }
    match rule.categories.as_slice() {
        [category] => category.clone(),
        _ => String::new(),
    }
}

/// What a rule gives for what it counted: multiplied, rounded, held within its caps.
pub(super) fn earn(
    published: &Published,
    rule: &EarnRule,
    counted: &Counted,
    scene: &Scene<'_>,
) -> Result<Earned, Reason> {
    let Some(member) = scene.member else { return Err(Reason::new(codes::NO_CARD)) };
    let programme = &published.programme;
    let (spec, unit, today) = (programme.spec(), programme.unit(), scene.at.day);
    let key = limit::key(programme.id(), &rule.id);
    let visit_key = format!("{key}#visit");
    if !member.by_hand {
        pause(rule, member.last_visit_ms, scene.at.utc_ms)?;
    }
    if rule.per == Per::Visit
        && rule.pause_minutes == 0
        && limit::counted(&member.counters, &visit_key, today, today) > 0
    {
        return Err(Reason::new(codes::VISIT_COUNTED));
    }
    let factor = best_factor(spec, rule, scene);
    let wanted = amount(rule, counted, factor.unwrap_or(Decimal::ONE), unit);
    if wanted <= 0 {
        let mut reason = Reason::new(codes::TOO_LITTLE).with("every", rule.every);
        reason.values.extend(counted.values.iter().cloned());
        return Err(reason);
    }
    let (given, held) = limit::hold(&rule.cap, unit.scale(), wanted, &member.counters, &key, today);
    let mut steps = Vec::new();
    if given > 0 {
        let mut earned = Reason::new(codes::EARNED)
            .with("amount", unit.format(given))
            .with("unit", unit.name())
            .with("per", per_word(rule.per));
        earned.values.extend(counted.values.iter().cloned());
        steps.push(earned);
        steps.extend(factor.map(|factor| Reason::new(codes::MULTIPLIED).with("factor", factor)));
    }
    steps.extend(held.map(|held| held.with("unit", unit.name())));
    let mut counters: Vec<CounterStep> = limit::step(&rule.cap, key, today, given).into_iter().collect();
    if rule.per == Per::Visit && rule.pause_minutes == 0 {
        counters.push(CounterStep { key: visit_key, day: today, amount: 1 });
    }
    Ok(Earned { amount: given, counters, steps })
}

fn pause(rule: &EarnRule, last_visit_ms: Option<i64>, now_ms: i64) -> Result<(), Reason> {
    let pause_ms = u64::from(rule.pause_minutes) * 60_000;
    let Some(last) = last_visit_ms else { return Ok(()) };
    // Another device's clock may be ahead: what counts is how far the two instants are apart.
    let apart = now_ms.abs_diff(last);
    if apart >= pause_ms {
        return Ok(());
    }
    Err(Reason::new(codes::TOO_SOON).with("minutes", (pause_ms - apart).div_ceil(60_000)))
}

/// Of several multipliers the highest counts; they do not add up.
fn best_factor(spec: &Specification, rule: &EarnRule, scene: &Scene<'_>) -> Option<Decimal> {
    let applies = |multiplier: &&Multiplier| {
        (multiplier.earn.is_empty() || multiplier.earn.contains(&rule.id))
            && scene.within(&multiplier.valid).is_ok()
            && scene.at_time(&multiplier.when).is_ok()
            && scene.may(&multiplier.who).is_ok()
    };
    spec.multiplier.iter().filter(applies).map(|multiplier| multiplier.factor).max()
}

/// `counted / every × amount × factor`, rounded once to the unit's scale.
fn amount(rule: &EarnRule, counted: &Counted, factor: Decimal, unit: &Unit) -> i64 {
    let product = i128::from(counted.base)
        .checked_mul(rule.amount.millionths().into())
        .and_then(|product| product.checked_mul(factor.millionths().into()))
        .and_then(|product| product.checked_mul(10_i128.pow(unit.scale().into())));
    let divisor = i128::from(counted.one) * i128::from(rule.every.millionths().max(1)) * 1_000_000;
    let Some(product) = product else { return Unit::AMOUNT_MAX };
    let rounded = match rule.rounding {
        Rounding::Down => product / divisor,
        Rounding::HalfUp => (product.saturating_add(divisor / 2)) / divisor,
        Rounding::Up => product / divisor + i128::from(product % divisor > 0),
    };
    rounded.clamp(0, Unit::AMOUNT_MAX.into()) as i64
}

fn per_word(per: Per) -> &'static str {
    match per {
        Per::Order => "order",
        Per::Money => "money",
        Per::Item => "item",
        Per::Visit => "visit",
    }
}
