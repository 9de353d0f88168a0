//! What a programme must keep to beyond the words of the language, and what its owner may regret.

use std::collections::BTreeSet;

use crate::ids::Sku;
use crate::member::MemberState;
use crate::money::Money;
use crate::programme::conditions::Who;
use crate::programme::decimal::Decimal;
use crate::programme::error::{Problem, Step, meant};
use crate::programme::language::{EarnRule, On, Per, Reward, RewardKind, Specification, Text};
use crate::programme::measures::{Calendar, Expiry, Leaderboard, Limit, Span, TierBy, Tiers};
use crate::programme::rights;
use crate::programme::{CARD_MAX, RULES_MAX, TEXT_LEN_MAX, VOUCHER_PREFIX, WORDS_MAX, voucher_unit};
use crate::time::Day;
use crate::unit::Unit;

/// Finds the first thing that makes no sense; else gives the unit.
pub(super) fn check(spec: &Specification) -> Result<Unit, Problem> {
    let unit = counted(&spec.unit, spec.scale).map_err(|message| problem(&[Step::Key("unit")], message))?;
    check_head(spec)?;
    let mut names = BTreeSet::new();
    for (index, rule) in spec.earn.iter().enumerate() {
        let at = At { list: "earn", index };
        at.unique(&mut names, "id", &rule.id)?;
        check_earn(rule, &unit, at)?;
    }
    for (index, reward) in spec.reward.iter().enumerate() {
        let at = At { list: "reward", index };
        at.unique(&mut names, "id", reward.id.as_str())?;
        check_reward(spec, reward, &unit, at)?;
    }
    for (index, rule) in spec.voucher.iter().enumerate() {
        let at = At { list: "voucher", index };
        at.unique(&mut names, "id", &rule.id)?;
        at.money("minimum", rule.minimum)?;
        at.limit(&rule.limit, 0)?;
        if !spec.reward.iter().any(|reward| reward.id == rule.reward && reward.voucher) {
            let taking = spec.reward.iter().filter(|reward| reward.voucher).map(|reward| reward.id.as_str());
            let advice = meant(rule.reward.as_str(), taking)
                .unwrap_or_else(|| "write `voucher = true` in the [[reward]] that it is good for".to_owned());
            return Err(at.problem("reward", "no reward of this name takes a voucher").or(&advice));
        }
    }
    for (index, rule) in spec.multiplier.iter().enumerate() {
        let at = At { list: "multiplier", index };
        at.unique(&mut names, "id", &rule.id)?;
        at.positive("factor", rule.factor)?;
        at.who(&rule.who)?;
        if let Some(name) = rule.earn.iter().find(|name| !spec.earn.iter().any(|earn| earn.id == **name)) {
            let problem = at.problem("earn", format!("there is no [[earn]] with the id “{name}”"));
            let suggestion = meant(name, spec.earn.iter().map(|earn| earn.id.as_str()));
            return Err(Problem { suggestion, ..problem });
        }
    }
    for (index, message) in spec.message.iter().enumerate() {
        let at = At { list: "message", index };
        at.units("at", message.at, unit.scale())?;
        at.text("text", &message.text)?;
    }
    rights::check(spec, &unit)?;
    Ok(unit)
}

/// A unit that programmes may give. Vouchers are given by `[[voucher]]` alone.
pub(super) fn counted(name: &str, scale: u8) -> Result<Unit, String> {
    if name.starts_with(VOUCHER_PREFIX) {
        return Err("vouchers are given by a [[voucher]], not counted as units".to_owned());
    }
    Unit::new(name, scale).map_err(|error| error.to_string())
}

fn check_head(spec: &Specification) -> Result<(), Problem> {
    check_text(&[Step::Key("name")], &spec.name)?;
    if spec.card.is_some_and(|card| card == 0 || card > CARD_MAX) {
        return Err(problem(&[Step::Key("card")], format!("a card has 1 to {CARD_MAX} places")));
    }
    if spec.valid.from.zip(spec.valid.to).is_some_and(|(from, to)| from > to) {
        return Err(problem(&[Step::Key("valid")], "it ends before it begins"));
    }
    if let Some(expiry) = &spec.expiry {
        check_expiry(&[Step::Key("expiry")], expiry)?;
    }
    if let Some(tiers) = &spec.tiers {
        check_tiers(tiers)?;
    }
    if spec.leaderboard.is_some_and(|board| board.period == Calendar::Ever) {
        return Err(problem(
            &[Step::Key("leaderboard"), Step::Key("period")],
            "a board begins anew each week, month, quarter or year",
        ));
    }
    if let Some(board) = spec.leaderboard.filter(|board| board.top == 0 || board.top > Leaderboard::TOP_MAX) {
        let message = format!("a board shows 1 to {} ranks, not {}", Leaderboard::TOP_MAX, board.top);
        return Err(problem(&[Step::Key("leaderboard"), Step::Key("top")], message)
            .or("write for example `top = 10`"));
    }
    if spec.clearing.is_some_and(|clearing| {
        clearing.per_unit <= Decimal::ZERO || clearing.per_unit > Decimal::whole(1_000_000)
    }) {
        return Err(problem(
            &[Step::Key("clearing"), Step::Key("per_unit")],
            "a unit is worth more than nothing, and at most a million",
        )
        .or("write for example `per_unit = 0.01` for a cent"));
    }
    for (name, count) in [
        ("earn", spec.earn.len()),
        ("reward", spec.reward.len()),
        ("multiplier", spec.multiplier.len()),
        ("voucher", spec.voucher.len()),
        ("message", spec.message.len()),
        ("challenge", spec.challenge.len()),
        ("occasion", spec.occasion.len()),
        ("activity", spec.activity.len()),
        ("giving", spec.giving.len()),
    ] {
        if count > RULES_MAX {
            return Err(problem(&[Step::Key(name)], format!("there are more than {RULES_MAX} of them")));
        }
    }
    check_words(&[Step::Key("shops")], spec.shops.len())?;
    check_word_list(&[Step::Key("merchants")], &spec.merchants)?;
    check_who(&[Step::Key("who")], &spec.who)
}

/// The most days of a ladder's window and grace together: counters are kept a little longer.
const TIER_DAYS_MAX: i32 = MemberState::COUNTER_DAYS - 10;

fn check_tiers(tiers: &Tiers) -> Result<(), Problem> {
    let wrong = |message: &str| Err(problem(&[Step::Key("tiers")], message));
    if (tiers.window_days > 0) == tiers.window.is_some() {
        let (key, message) = match tiers.window {
            Some(_) => ("window_days", "a ladder has `window_days` or `window`, not both"),
            None => ("by", "it does not say over how long it counts"),
        };
        return Err(problem(&[Step::Key("tiers"), Step::Key(key)], message).or(
            "write `window_days = 365` for the last 365 days, or `window = \"year\"` for a calendar year",
        ));
    }
    if i32::from(tiers.window_days_max()) + i32::from(tiers.grace_days) > TIER_DAYS_MAX {
        let key = if tiers.window_days_max() > tiers.grace_days { "window_days" } else { "grace_days" };
        let message = format!("the window and the grace have at most {TIER_DAYS_MAX} days together");
        return Err(problem(&[Step::Key("tiers"), Step::Key(key)], message));
    }
    if tiers.ladder.is_empty() || tiers.ladder.len() > 20 {
        return wrong("a ladder has 1 to 20 tiers");
    }
    if tiers.ladder.iter().any(|tier| tier.name.is_empty() || tier.name.len() > WORDS_LEN_MAX) {
        return wrong("a tier's name has 1 to 64 bytes");
    }
    if !tiers.ladder.is_sorted_by(|low, high| low.from < high.from) || tiers.ladder[0].from < Decimal::ZERO {
        return wrong("the tiers stand in the order of what reaches them, lowest first");
    }
    if tiers.window == Some(Calendar::Ever) && tiers.grace_days > 0 {
        return wrong("nobody falls from a level: leave out `grace_days`");
    }
    let digits = if tiers.by == TierBy::Visits { 0 } else { Money::SCALE };
    if tiers.ladder.iter().any(|tier| !tier.from.fits(digits)) {
        return wrong("visits are counted whole, money with two digits after the point");
    }
    Ok(())
}

pub(super) fn check_expiry(path: &[Step], expiry: &Expiry) -> Result<(), Problem> {
    if expiry.months.max(expiry.idle_months) > 1200 || expiry.days.max(expiry.idle_days) > 20_000 {
        return Err(problem(path, "that is longer than anybody can wait")
            .or("leave `expiry` out if units never expire"));
    }
    if expiry.warn_days > 366 {
        return Err(problem(path, "a warning comes at most 366 days before the end"));
    }
    // What is earned on any day shows whether there is an end.
    if expiry.last_day(Day::MIN).is_none() && expiry.idle().is_none() {
        return Err(problem(path, "it does not say when units expire")
            .or("write for example `expiry = { months = 12, to_end_of = \"month\" }`"));
    }
    Ok(())
}

fn check_earn(rule: &EarnRule, unit: &Unit, at: At) -> Result<(), Problem> {
    at.units("amount", rule.amount, unit.scale().max(Decimal::SCALE))?;
    at.positive("amount", rule.amount)?;
    at.positive("every", rule.every)?;
    if rule.per == Per::Money {
        at.money("every", Some(rule.every))?;
    }
    if matches!(rule.per, Per::Order | Per::Visit) && rule.every != Decimal::ONE {
        return Err(at.problem("every", "an order or a visit counts once; `every` is for money and items"));
    }
    at.money("minimum", rule.minimum)?;
    at.quantity("minimum_quantity", rule.minimum_quantity)?;
    at.limit(&rule.cap, unit.scale())?;
    at.who(&rule.who)?;
    at.articles(&rule.categories, &rule.skus, &rule.except_categories, &rule.except_skus)?;
    if rule.pause_minutes > 3 * 24 * 60 {
        return Err(at
            .problem("pause_minutes", "a pause is at most three days")
            .or("use `cap = { week = … }` for longer ones"));
    }
    Ok(())
}

fn check_reward(spec: &Specification, reward: &Reward, unit: &Unit, at: At) -> Result<(), Problem> {
    if let Some(name) = &reward.name {
        at.text("name", name)?;
    }
    check_reward_price(spec, reward, unit, at)?;
    check_reward_gift(reward, at)?;
    rights::check_stock(&reward.stock, at)?;
    rights::check_shows(reward, at)?;
    check_reward_reach(reward, at)?;
    at.money("minimum", reward.minimum)?;
    at.quantity("minimum_quantity", reward.minimum_quantity)?;
    at.money("cap", reward.cap)?;
    at.limit(&reward.limit, 0)?;
    at.who(&reward.who)?;
    at.articles(&reward.categories, &reward.skus, &reward.except_categories, &reward.except_skus)?;
    if reward.quantity == 0 || reward.quantity > 1000 {
        return Err(at.problem("quantity", "one cost gives 1 to 1000 pieces"));
    }
    if reward.code.as_ref().is_some_and(|code| code.is_empty() || code.len() > WORDS_LEN_MAX) {
        return Err(at.problem("code", format!("a code has 1 to {WORDS_LEN_MAX} characters")));
    }
    if reward.cause.as_ref().is_some_and(|cause| !is_plain(cause)) {
        return Err(at.problem("cause", PLAIN));
    }
    rights::check_pool(reward, at)?;
    rights::check_needs(reward, at)?;
    if reward.cause.is_some() && (reward.kind != RewardKind::Gift || reward.voucher) {
        return Err(at.problem("cause", "only a gift that costs units goes to a cause"));
    }
    if reward.only_best.as_ref().is_some_and(|word| word.len() > WORDS_LEN_MAX) {
        return Err(at.problem("only_best", format!("at most {WORDS_LEN_MAX} characters")));
    }
    Ok(())
}

/// The longest category, tag, tier or code, in bytes.
const WORDS_LEN_MAX: usize = 64;

fn check_reward_price(spec: &Specification, reward: &Reward, unit: &Unit, at: At) -> Result<(), Problem> {
    let free_of_units = reward.comes_by_itself() || reward.voucher;
    match reward.cost {
        Some(_) if free_of_units => {
            return Err(at
                .problem("cost", "what comes by itself, by code or by voucher costs no units")
                .or("leave `cost` out"));
        }
        None if !free_of_units => {
            return Err(at
                .problem("id", "it does not say what it costs")
                .or("write `cost = …`, or `automatic = true` if it comes by itself"));
        }
        Some(cost) => {
            at.units("cost", cost, unit.scale())?;
            at.positive("cost", cost)?;
        }
        None => {}
    }
    if let Some(at_least) = reward.at_least {
        at.units("at_least", at_least, unit.scale())?;
    }
    if reward.comes_by_itself() && reward.voucher {
        return Err(at.problem("voucher", "it comes by itself or by voucher, not both"));
    }
    if reward.comes_by_itself()
        && matches!(reward.kind, RewardKind::FreeItem | RewardKind::Gift | RewardKind::Units)
    {
        return Err(at.problem("kind", "only a discount or the cheapest item can come by itself or by code"));
    }
    if reward.voucher && voucher_unit(&spec.id, &reward.id).is_err() {
        return Err(at.problem(
            "id",
            "the names of the programme and of a reward with vouchers are small letters, digits, - and _, \
             at most 31 together",
        ));
    }
    Ok(())
}

fn check_reward_gift(reward: &Reward, at: At) -> Result<(), Problem> {
    match (reward.kind, reward.percent, reward.amount) {
        (RewardKind::PercentOff, Some(percent), None) => {
            at.positive("percent", percent)?;
            if percent > Decimal::whole(100) || !percent.fits(2) {
                return Err(
                    at.problem("percent", "it is at most 100, with at most two digits after the point")
                );
            }
        }
        (RewardKind::PercentOff, _, _) => {
            return Err(at.problem("kind", "percent-off needs `percent` and no `amount`"));
        }
        (RewardKind::AmountOff, None, Some(amount)) => {
            at.positive("amount", amount)?;
            at.money("amount", Some(amount))?;
        }
        (RewardKind::AmountOff, _, _) => {
            return Err(at.problem("kind", "amount-off needs `amount` and no `percent`"));
        }
        (_, None, None) => {}
        _ => return Err(at.problem("kind", "`percent` and `amount` belong to percent-off and amount-off")),
    }
    match (reward.kind, &reward.gives) {
        (RewardKind::Units, Some(gives)) => {
            let unit = counted(&gives.unit, gives.scale).map_err(|message| at.problem("gives", message))?;
            at.positive("gives", gives.amount)?;
            at.units("gives", gives.amount, unit.scale())?;
            if let Some(expiry) = &gives.expiry {
                check_expiry(&at.path("gives"), expiry)?;
            }
        }
        (RewardKind::Units, None) => {
            return Err(at
                .problem("kind", "it does not say which units it gives")
                .or("write for example `gives = { unit = \"eur\", scale = 2, amount = 5.00 }`"));
        }
        (_, Some(_)) => return Err(at.problem("gives", "`gives` belongs to `kind = \"units\"`")),
        (_, None) => {}
    }
    if reward.kind == RewardKind::FreeItem && reward.articles().is_open() {
        return Err(at
            .problem("kind", "it does not say which articles can be free")
            .or("name `categories` or `skus`, or use `kind = \"cheapest-item\"`"));
    }
    Ok(())
}

/// A key that its kind does not read would be a rule left out in silence.
fn check_reward_reach(reward: &Reward, at: At) -> Result<(), Problem> {
    let discount = matches!(reward.kind, RewardKind::PercentOff | RewardKind::AmountOff);
    let item = matches!(reward.kind, RewardKind::FreeItem | RewardKind::CheapestItem);
    for (key, written) in [
        ("cap", reward.cap.is_some()),
        ("on", reward.on != On::Set),
        ("priority", reward.priority != 0),
        ("only_best", reward.only_best.is_some()),
    ] {
        if written && !discount {
            return Err(at.problem(key, format!("`{key}` belongs to percent-off and amount-off")));
        }
    }
    if reward.quantity != 1 && !item {
        return Err(at.problem("quantity", "`quantity` belongs to free-item and cheapest-item"));
    }
    if !(discount || item || reward.articles().is_all()) {
        return Err(at
            .problem("kind", "what is outside the sale has no set of articles")
            .or("leave out categories and skus"));
    }
    Ok(())
}

/// What an id is made of.
pub(super) const PLAIN: &str = "an id is made of letters, digits, - _ . :, at most 64";

pub(super) fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    !id.is_empty() && id.len() <= WORDS_LEN_MAX && id.chars().all(plain)
}

/// Where a rule stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub list: &'static str,
    pub index: usize,
}

impl At {
    pub fn path(self, key: &'static str) -> [Step; 3] {
        [Step::Key(self.list), Step::Index(self.index), Step::Key(key)]
    }

    pub fn problem(self, key: &'static str, message: impl Into<String>) -> Problem {
        Problem { path: self.path(key).to_vec(), message: message.into(), suggestion: None }
    }

    pub fn unique(
        self,
        names: &mut BTreeSet<(&'static str, String)>,
        key: &'static str,
        id: &str,
    ) -> Result<(), Problem> {
        if !is_plain(id) {
            return Err(self.problem(key, PLAIN));
        }
        if !names.insert((self.list, id.to_owned())) {
            return Err(self.problem(key, format!("there are two with the id “{id}”")));
        }
        Ok(())
    }

    pub fn units(self, key: &'static str, amount: Decimal, scale: u8) -> Result<(), Problem> {
        check_units(&self.path(key), amount, scale)
    }

    pub fn positive(self, key: &'static str, number: Decimal) -> Result<(), Problem> {
        check_positive(&self.path(key), number)
    }

    pub fn money(self, key: &'static str, amount: Option<Decimal>) -> Result<(), Problem> {
        check_money(&self.path(key), amount)
    }

    pub fn quantity(self, key: &'static str, quantity: Option<Decimal>) -> Result<(), Problem> {
        let Some(quantity) = quantity else { return Ok(()) };
        if quantity < Decimal::ZERO || quantity > Decimal::whole(1_000_000) || !quantity.fits(3) {
            return Err(self.problem(
                key,
                "a quantity is between 0 and a million, with at most three digits after the point",
            ));
        }
        Ok(())
    }

    pub fn limit(self, limit: &Limit, scale: u8) -> Result<(), Problem> {
        let key = if self.list == "earn" { "cap" } else { "limit" };
        check_limit(&self.path(key), limit, scale)
    }

    pub fn text(self, key: &'static str, text: &Text) -> Result<(), Problem> {
        check_text(&self.path(key), text)
    }

    pub fn who(self, who: &Who) -> Result<(), Problem> {
        check_who(&self.path("who"), who)
    }

    pub fn articles(
        self,
        categories: &[String],
        skus: &[Sku],
        except_categories: &[String],
        except_skus: &[Sku],
    ) -> Result<(), Problem> {
        for (key, words) in [("categories", categories), ("except_categories", except_categories)] {
            check_word_list(&self.path(key), words)?;
        }
        check_words(&self.path("skus"), skus.len())?;
        check_words(&self.path("except_skus"), except_skus.len())
    }
}

pub(super) fn problem(path: &[Step], message: impl ToString) -> Problem {
    Problem { path: path.to_vec(), message: message.to_string(), suggestion: None }
}

impl Problem {
    pub(super) fn or(mut self, suggestion: &str) -> Self {
        self.suggestion = Some(suggestion.to_owned());
        self
    }
}

// What is read is at most `Decimal::MAX`: only the lower end and the digits are left to look at.

pub(super) fn check_positive(path: &[Step], number: Decimal) -> Result<(), Problem> {
    if number <= Decimal::ZERO {
        return Err(problem(path, "it must be more than 0"));
    }
    Ok(())
}

pub(super) fn check_units(path: &[Step], amount: Decimal, scale: u8) -> Result<(), Problem> {
    if amount < Decimal::ZERO {
        return Err(problem(path, "it must not be less than 0"));
    }
    if !amount.fits(scale) {
        return Err(problem(path, format!("{amount} has more digits after the point than the unit counts"))
            .or("write `scale = 1` at the top to count tenths, `scale = 2` for hundredths"));
    }
    Ok(())
}

pub(super) fn check_money(path: &[Step], amount: Option<Decimal>) -> Result<(), Problem> {
    if amount.is_some_and(|amount| amount < Decimal::ZERO || !amount.fits(Money::SCALE)) {
        return Err(problem(
            path,
            "an amount of money is not less than 0, with at most two digits after the point",
        ));
    }
    Ok(())
}

pub(super) fn check_limit(path: &[Step], limit: &Limit, scale: u8) -> Result<(), Problem> {
    let amounts = [limit.sale, limit.day, limit.week, limit.month, limit.year, limit.period];
    for amount in amounts.into_iter().flatten() {
        check_units(path, amount, scale)?;
    }
    if limit.period.is_some() != (limit.period_days > 0) || limit.period_days > 731 {
        return Err(problem(path, "`period` and `period_days` (1 to 731) belong together"));
    }
    Ok(())
}

pub(super) fn check_text(path: &[Step], text: &Text) -> Result<(), Problem> {
    let fits = |text: &str| !text.trim().is_empty() && text.len() <= TEXT_LEN_MAX;
    let good = match text {
        Text::Plain(text) => fits(text),
        Text::Languages(texts) => {
            !texts.is_empty() && texts.len() <= 20 && texts.values().all(|text| fits(text))
        }
    };
    if good { Ok(()) } else { Err(problem(path, format!("a text has 1 to {TEXT_LEN_MAX} bytes"))) }
}

fn check_words(path: &[Step], count: usize) -> Result<(), Problem> {
    if count > WORDS_MAX {
        return Err(problem(path, format!("it names more than {WORDS_MAX}")));
    }
    Ok(())
}

fn check_word_list(path: &[Step], words: &[String]) -> Result<(), Problem> {
    check_words(path, words.len())?;
    if words.iter().any(|word| word.is_empty() || word.len() > WORDS_LEN_MAX) {
        return Err(problem(path, format!("each name has 1 to {WORDS_LEN_MAX} bytes")));
    }
    Ok(())
}

fn check_who(path: &[Step], who: &Who) -> Result<(), Problem> {
    for words in [&who.tiers, &who.tags, &who.except_tags, &who.holds] {
        check_word_list(path, words)?;
    }
    if let Some(name) = who.holds.iter().find(|name| Unit::new(name, 0).is_err()) {
        return Err(problem(path, format!("“{name}” is no unit that somebody can hold"))
            .or("write for example `holds = [\"membership:plus\"]`"));
    }
    Ok(())
}

/// What the law forbids or the owner will regret, one sentence each. None of it keeps a programme from running.
pub(super) fn warnings(spec: &Specification, unit: &Unit) -> Vec<String> {
    let mut warnings = Vec::new();
    let earned = !spec.earn.is_empty() || rights::gives_own_units(spec, unit);
    if let Some(reward) = spec.reward.iter().find(|reward| reward.cost.is_some() && !earned) {
        warnings.push(format!("nobody can reach the reward “{}”: nothing gives {}", reward.id, unit.name()));
    }
    for reward in spec.reward.iter().filter(|reward| reward.voucher) {
        if !spec.voucher.iter().any(|rule| rule.reward == reward.id)
            && !rights::gives_voucher(spec, &reward.id)
        {
            warnings
                .push(format!("nobody can reach the reward “{}”: nothing gives a voucher for it", reward.id));
        }
    }
    if earned && spec.expiry.is_none() && spec.valid.to.is_none() {
        warnings.push(format!(
            "what is earned in “{}” never ends, and the programme has no end: what is owed only grows",
            unit.name()
        ));
    }
    if unit.name() == "eur" && spec.expiry.is_some_and(|expiry| ends_early(&expiry)) {
        warnings.push(
            "stored value that was paid for may not expire before the end of the third year \
             (German civil code §§ 195, 199)"
                .to_owned(),
        );
    }
    let pays = unit.name() == "eur";
    if earned && !pays && spec.reward.iter().all(|reward| reward.cost.is_none()) {
        warnings.push(format!("“{}” can be earned, but there is nothing to spend it on", unit.name()));
    }
    warnings.extend(rights::warnings(spec));
    warnings
}

/// Whether units can end before the third year after the one in which they were bought is over: a claim
/// lapses after three years (§ 195 BGB) that begin with the end of the year in which it arose (§ 199 (1) BGB).
fn ends_early(expiry: &Expiry) -> bool {
    let years = if expiry.to_end_of == Some(Span::Year) { 36 } else { 48 };
    let fixed = expiry.last_day(Day::MIN).is_some() && expiry.months < years;
    fixed || expiry.idle().is_some_and(|idle| idle.months < 48)
}
