//! The judgement of an order.

use std::collections::BTreeMap;

use crate::event::CounterStep;
use crate::grant::Grant;
use crate::member::MemberFacts;
use crate::money::{Money, div_half_up};
use crate::programme::{Membership, Per, Published, VoucherRule, voucher_unit};
use crate::rules::basket::{Basket, Shares, clamp};
use crate::rules::book::RuleBook;
use crate::rules::challenges::Bought;
use crate::rules::claims::{self, Wanted};
use crate::rules::grant::grant;
use crate::rules::outcome::{Award, CauseShare, Due, LineResult, Outcome, Part, Refusal, Spend, TraceStep};
use crate::rules::place::Place;
use crate::rules::pricing::{self, Automatic, Priced};
use crate::rules::prizes::{Given, Right};
use crate::rules::scope::{Reason, Scene};
use crate::rules::{challenges, codes, earn, limit, message, occasions, stamps, tiers};
use crate::sale::{Claim, Order, Sale, TenderKind};
use crate::time::Moment;
use crate::unit::Unit;

/// Judges an order: what is to pay, what is earned and spent, and why.
///
/// Pure: the same inputs give the same bytes on every machine. It never fails; what cannot be granted is
/// refused with a reason. Inputs from outside go through [`check_order`](crate::rules::check_order) first,
/// which keeps its cost within bounds.
pub fn evaluate(
    book: &RuleBook,
    member: Option<&MemberFacts>,
    order: Order<'_>,
    place: impl Into<Place>,
    at: &Moment,
) -> Outcome {
    let (place, tiers) = (place.into(), tiers::reached(book, member, at));
    let scene = Scene { member, tiers: &tiers, fresh: &[], place: &place, at };
    match order {
        Order::Sale(sale) => {
            let fresh = fresh(book, sale, &scene);
            evaluate_sale(book, sale, &Scene { fresh: &fresh, ..scene })
        }
        Order::Stamps(order) => stamps::evaluate(book, order, &scene),
        Order::Deed(deed) => occasions::judge_deed(book, deed, &scene),
    }
}

/// The memberships that an order buys: they count from this order on.
fn fresh(book: &RuleBook, sale: &Sale, scene: &Scene<'_>) -> Vec<String> {
    let sells = |published: &&Published| {
        let rule = published.programme.spec().membership.as_ref();
        let bought = |rule: &Membership| {
            sale.lines
                .iter()
                .any(|line| line.quantity.0 >= 1000 && !line.deposit && rule.skus.contains(&line.sku))
        };
        rule.is_some_and(bought) && scene.runs(published.programme.spec()).is_ok()
    };
    let sold = book.memberships().iter().map(|&place| &book.programmes()[place]).filter(sells);
    let unit = |published: &Published| {
        let rule = published.programme.spec().membership.as_ref()?;
        Some(format!("{}{}", Membership::PREFIX, rule.name))
    };
    sold.filter_map(unit).collect()
}

/// The programmes that can have something to say about a sale.
struct Parties<'a> {
    /// Those that run here and now, for this member.
    running: Vec<&'a Published>,
    /// What of theirs comes by itself.
    automatic: Vec<Automatic<'a>>,
    /// Why the others do not run.
    steps: Vec<TraceStep>,
}

fn evaluate_sale(book: &RuleBook, sale: &Sale, scene: &Scene<'_>) -> Outcome {
    let mut steps = Vec::new();
    let shown = shown_codes(book, sale, &mut steps);
    let parties = gather(book, sale, &shown, scene);
    let granted =
        grant(book, &sale.claims, scene, |wanted| judge(sale, &parties, wanted, scene), Draft::units);
    let draft = granted.draft.unwrap_or_else(|| Draft::unpriced(sale));
    steps.extend(parties.steps.iter().cloned());
    draft.finish(sale, scene, steps, granted.refused)
}

/// Each code once, in the order shown.
fn shown_codes<'a>(book: &RuleBook, sale: &'a Sale, steps: &mut Vec<TraceStep>) -> Vec<&'a str> {
    let mut shown: Vec<&str> = Vec::new();
    for code in sale.codes.iter().map(String::as_str).take(Sale::CODES_MAX) {
        if shown.contains(&code) {
            steps.push(Reason::new(codes::CODE_TWICE).with("code", code).step());
            continue;
        }
        if book.of_code(code).is_empty() {
            steps.push(Reason::new(codes::CODE_UNKNOWN).with("code", code).step());
        }
        shown.push(code);
    }
    shown
}

fn gather<'a>(book: &'a RuleBook, sale: &Sale, shown: &[&str], scene: &Scene<'_>) -> Parties<'a> {
    let mut places: Vec<usize> = book.open().to_vec();
    for line in &sale.lines {
        places.extend_from_slice(book.of_category(&line.category));
        places.extend_from_slice(book.of_sku(&line.sku));
    }
    for code in shown {
        places.extend_from_slice(book.of_code(code));
    }
    for unit in scene.member.iter().flat_map(|member| member.lots.keys()) {
        places.extend_from_slice(book.of_unit(unit));
    }
    places.sort_unstable();
    places.dedup();
    let mut parties = Parties { running: Vec::new(), automatic: Vec::new(), steps: Vec::new() };
    for published in places.into_iter().map(|place| &book.programmes()[place]) {
        let spec = published.programme.spec();
        match scene.runs(spec).and_then(|()| scene.may(&spec.who)) {
            Ok(()) => parties.running.push(published),
            // A sale without a card says so once, not once for each programme.
            Err(reason) if reason.code == codes::NEEDS_CARD => {}
            Err(reason) => {
                let reason = if spec.gives() { reason.about(published) } else { reason };
                parties.steps.push(reason.of(&published.reference.id, None));
            }
        }
    }
    for &published in &parties.running {
        let by_itself = published.programme.spec().reward.iter().filter(|reward| {
            reward.automatic || reward.code.as_deref().is_some_and(|code| shown.contains(&code))
        });
        parties.automatic.extend(by_itself.map(|reward| (published, reward)));
    }
    parties
}

/// A sale as judged with some claims.
struct Draft<'a> {
    priced: Priced<'a>,
    awards: Vec<Award>,
    spends: Vec<Spend>,
    counters: Vec<CounterStep>,
    parts: BTreeMap<String, Vec<Part>>,
    tallies: Vec<CounterStep>,
    shares: Vec<CauseShare>,
    grants: Vec<Grant>,
    due: Vec<Due>,
    steps: Vec<TraceStep>,
}

fn judge<'a>(
    sale: &'a Sale,
    parties: &Parties<'a>,
    wanted: &[Wanted<'a>],
    scene: &Scene<'_>,
) -> Result<Draft<'a>, Reason> {
    let priced = pricing::price(Basket::new(sale), wanted, &parties.automatic, scene)?;
    let lines = sale.lines.len() + priced.taken.iter().filter(|taken| taken.added.is_some()).count();
    let mut draft = Draft::new(priced);
    draft.note_pricing(lines, scene);
    parties.running.iter().for_each(|published| draft.give_shares(published, lines, scene));
    let earning = parties.running.iter().filter(|published| published.programme.spec().gives());
    if scene.member.is_some() {
        earning.for_each(|published| draft.earn(published, lines, scene));
        let moves = draft.units();
        let said =
            parties.running.iter().filter_map(|published| message::reached(published, scene.member?, &moves));
        draft.steps.extend(said);
    } else if earning.count() > 0 {
        draft.steps.push(Reason::new(codes::NO_CARD).step());
    }
    Ok(draft)
}

impl<'a> Draft<'a> {
    fn unpriced(sale: &'a Sale) -> Self {
        Self::new(Priced { basket: Basket::new(sale), taken: Vec::new(), passed: Vec::new() })
    }

    fn new(priced: Priced<'a>) -> Self {
        Self {
            priced,
            awards: Vec::new(),
            spends: Vec::new(),
            counters: Vec::new(),
            parts: BTreeMap::new(),
            tallies: Vec::new(),
            shares: Vec::new(),
            grants: Vec::new(),
            due: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn note_pricing(&mut self, lines: usize, scene: &Scene<'_>) {
        // Free articles that were added stand after the lines of the sale, in the order of their claims.
        let mut next = lines - self.priced.taken.iter().filter(|taken| taken.added.is_some()).count();
        for taken in &self.priced.taken {
            let mut spend = taken.spend(lines);
            if taken.added.is_some() {
                if let Some(spend) = spend.as_mut().filter(|spend| spend.weights.is_empty()) {
                    spend.weights = Shares(vec![(next, 1)]).weights(lines);
                }
                next += 1;
            }
            self.spends.extend(spend);
            self.awards.extend(taken.gives(scene.at.day));
            self.steps.extend(taken.trace());
            let key = claims::counter_key(taken.published, taken.reward);
            let times = i64::from(taken.times);
            if scene.member.is_some() {
                self.counters.extend(limit::step(&taken.reward.limit, key, scene.at.day, times));
                self.counters.extend(claims::offline_step(taken, scene));
            }
            self.tallies.extend(claims::tallies(taken, scene.at.day));
        }
        for ((published, reward), reason) in &self.priced.passed {
            let step = reason.clone().named(reward.name.as_ref());
            self.steps.push(step.of(&published.reference.id, Some(reward.id.as_str())));
        }
    }

    /// Puts shares of what is paid aside for causes: `paid × percent`, half up.
    fn give_shares(&mut self, published: &Published, lines: usize, scene: &Scene<'_>) {
        let basket = &self.priced.basket;
        for giving in &published.programme.spec().giving {
            let places = basket.matching(&giving.articles());
            let paid = basket.open(&places);
            let minimum = giving.minimum.map_or(1, |minimum| minimum.money().0);
            if paid < minimum || scene.within(&giving.valid).is_err() {
                continue;
            }
            let rate = i128::from(giving.percent.at_scale(2));
            let amount = Money(div_half_up(i128::from(paid) * rate, 10_000));
            if amount == Money::ZERO {
                continue;
            }
            let right = Right {
                published,
                rule: &giving.id,
                name: giving.name.as_ref(),
                occurrence: String::new(),
                code: codes::GIVING,
            };
            let reason = Reason::new(codes::GIVING).with("amount", amount).with("cause", &giving.cause);
            self.steps.push(right.step(reason));
            let item = |&place: &usize| (basket.items[place].place, basket.items[place].open().max(0));
            self.shares.push(CauseShare {
                programme: published.reference.id.clone(),
                rule: giving.id.clone(),
                cause: giving.cause.clone(),
                amount,
                weights: Shares(places.iter().map(item).collect()).weights(lines),
            });
        }
    }

    fn earn(&mut self, published: &Published, lines: usize, scene: &Scene<'_>) {
        let (spec, unit) = (published.programme.spec(), published.programme.unit());
        let id = &published.reference.id;
        for rule in &spec.earn {
            let result = scene
                .at_time(&rule.when)
                .and_then(|()| scene.may(&rule.who))
                .and_then(|()| {
                    earn::count(rule, &self.priced.basket, lines == self.priced.basket.items.len())
                })
                .and_then(|counted| Ok((earn::earn(published, rule, &counted, scene)?, counted)));
            match result {
                Err(reason) => self.steps.push(reason.about(published).of(id, Some(&rule.id))),
                Ok((earned, counted)) => {
                    self.steps.extend(earned.steps.iter().map(|step| step.of(id, Some(&rule.id))));
                    self.counters.extend(earned.counters);
                    if earned.amount > 0 {
                        let weights = counted.shares.map(|shares| shares.weights(lines)).unwrap_or_default();
                        self.awards.push(award(published, &rule.id, earned.amount, weights, scene));
                    }
                }
            }
        }
        for rule in &spec.voucher {
            self.give_voucher(published, rule, scene);
        }
        let earned = self.awards.iter().filter(|award| award.programme == *id && award.unit == *unit);
        let earned = Part::of_awards(earned);
        let mut given = Given::default();
        let basket = &self.priced.basket;
        challenges::judge(published, Bought::Basket(basket, lines), &earned, scene, &mut given);
        occasions::of_the_day(published, scene, &mut given);
        occasions::referral(published, Some(self.paid()), scene, &mut given);
        occasions::membership(published, basket, scene, &mut given);
        if let Some(member) = scene.member {
            let steps = tiers::step(published, self.paid(), Part::sum(&earned), member, scene.at.day);
            tiers::climb(published, &steps, scene, &mut given);
            self.parts.extend(tiers::parts(published, &steps, &earned, || self.by_paid(lines)));
            self.counters.extend(steps);
        }
        self.take(given);
    }

    fn take(&mut self, given: Given) {
        self.awards.extend(given.awards);
        self.grants.extend(given.grants);
        self.counters.extend(given.counters);
        self.parts.extend(given.parts);
        self.due.extend(given.due);
        self.steps.extend(given.steps);
    }

    /// What was paid, without deposits and stored value that was bought, less what came back.
    fn paid(&self) -> i64 {
        let items = self.priced.basket.items.iter().filter(|item| item.counts);
        clamp(items.map(|item| i128::from(item.open())).sum())
    }

    /// What was paid for each line, as far as it is of goods.
    fn by_paid(&self, lines: usize) -> Vec<i64> {
        let items = self.priced.basket.items.iter().filter(|item| item.counts);
        Shares(items.map(|item| (item.place, item.open().max(0))).collect()).weights(lines)
    }

    fn give_voucher(&mut self, published: &Published, rule: &VoucherRule, scene: &Scene<'_>) {
        let Some(member) = scene.member else { return };
        let (spec, id) = (published.programme.spec(), &published.reference.id);
        let paid = self.paid();
        let minimum = rule.minimum.map_or(Money(1), |minimum| minimum.money());
        if paid < minimum.0 {
            let reason = match rule.minimum {
                Some(_) => {
                    Reason::new(codes::BELOW_MINIMUM).with("minimum", minimum).with("paid", Money(paid))
                }
                None => Reason::new(codes::NOTHING_COUNTS),
            };
            return self.steps.push(reason.with("unit", "voucher").of(id, Some(&rule.id)));
        }
        let key = limit::key(id, &rule.id);
        let (given, held) = limit::hold(&rule.limit, 0, 1, &member.counters, &key, scene.at.day);
        self.steps.extend(held.map(|held| held.with("unit", "voucher").of(id, Some(&rule.id))));
        let Ok(unit) = voucher_unit(id, &rule.reward) else { return };
        if given < 1 {
            return;
        }
        let by_days = rule.days.map(|days| scene.at.day.plus_days(days.into()));
        let last = [by_days, spec.valid.to].into_iter().flatten().min();
        let reason = Reason::new(codes::VOUCHER).with("reward", &rule.reward);
        let reason = last.map_or(reason.clone(), |last| reason.with("last", last));
        self.steps.push(reason.of(id, Some(&rule.id)));
        self.counters.extend(limit::step(&rule.limit, key, scene.at.day, 1));
        let weights = Vec::new();
        self.awards.push(Award {
            programme: id.clone(),
            rule: rule.id.clone(),
            unit,
            amount: 1,
            last,
            idle: None,
            weights,
            grant: None,
            forgive: spec.refunds.forgives(),
        });
    }

    /// What moves of each unit. A voucher is for a later visit: it covers nothing in the order that gave it.
    fn units(&self) -> Vec<(Unit, i64)> {
        moves(&self.awards, &self.spends)
    }

    fn finish(
        self,
        sale: &Sale,
        scene: &Scene<'_>,
        mut trace: Vec<TraceStep>,
        refused: Vec<(&Claim, Reason)>,
    ) -> Outcome {
        let total = self.priced.basket.total();
        let added = self.priced.taken.iter().filter_map(|taken| taken.added.as_ref());
        let free = added.map(|sku| LineResult {
            sku: sku.clone(),
            gross: Money::ZERO,
            discount: Money::ZERO,
            paid: Money::ZERO,
            free: true,
        });
        let lines: Vec<LineResult> = results(&self.priced.basket).into_iter().chain(free).collect();
        let (mut awards, mut parts) = (self.awards, self.parts);
        let weights = awards.iter_mut().map(|award| &mut award.weights);
        for weights in weights.chain(parts.values_mut().flatten().map(|part| &mut part.weights)) {
            // What follows the money needs no weights of its own: events stay small.
            if weights.iter().eq(lines.iter().map(|line| &line.paid.0)) {
                weights.clear();
            }
        }
        trace.extend(self.steps);
        let refused = refuse(refused, &mut trace);
        let stored = stored(sale, total, scene, &self.spends, &mut trace);
        let mut outcome = Outcome {
            total,
            lines,
            awards,
            spends: self.spends,
            refused,
            counters: self.counters,
            parts,
            tallies: self.tallies,
            shares: self.shares,
            grants: self.grants,
            due: self.due,
            stored,
            trace,
        };
        outcome.counters.sort();
        outcome
    }
}

/// The lines in the order of the sale.
fn results(basket: &Basket<'_>) -> Vec<LineResult> {
    let mut items: Vec<_> = basket.items.iter().collect();
    items.sort_by_key(|item| item.place);
    items
        .into_iter()
        .map(|item| LineResult {
            sku: item.line.sku.clone(),
            gross: Money(item.gross),
            discount: Money(item.off),
            paid: Money(item.open()),
            free: false,
        })
        .collect()
}

pub(super) fn refuse(refused: Vec<(&Claim, Reason)>, trace: &mut Vec<TraceStep>) -> Vec<Refusal> {
    let refusal = |(claim, reason): (&Claim, Reason)| {
        let mut step = reason.with("refused", &claim.reward).step();
        step.programme = claim.programme.clone();
        step.rule = Some(claim.reward.to_string());
        let reason = step.code.clone();
        trace.push(step);
        Refusal { reward: claim.reward.clone(), reason }
    };
    refused.into_iter().map(refusal).collect()
}

pub(super) fn award(
    published: &Published,
    rule: &str,
    amount: i64,
    weights: Vec<i64>,
    scene: &Scene<'_>,
) -> Award {
    let spec = published.programme.spec();
    Award {
        programme: published.reference.id.clone(),
        rule: rule.to_owned(),
        unit: published.programme.unit().clone(),
        amount,
        last: spec.expiry.and_then(|expiry| expiry.last_day(scene.at.day)),
        idle: spec.expiry.and_then(|expiry| expiry.idle()),
        weights,
        grant: None,
        forgive: spec.refunds.forgives(),
    }
}

pub(super) fn moves(awards: &[Award], spends: &[Spend]) -> Vec<(Unit, i64)> {
    let mut moves: Vec<(Unit, i64)> = Vec::new();
    let mut add = |unit: &Unit, amount: i64| match moves.iter_mut().find(|(known, _)| known == unit) {
        Some((_, sum)) => *sum = sum.saturating_add(amount),
        None => moves.push((unit.clone(), amount)),
    };
    let voucher = |unit: &Unit| unit.name().starts_with(crate::programme::VOUCHER_PREFIX);
    awards.iter().filter(|award| !voucher(&award.unit)).for_each(|award| add(&award.unit, award.amount));
    spends.iter().for_each(|spend| add(&spend.unit, -spend.amount));
    moves
}

/// How much stored value pays: what was asked for, at most what there is and what is to pay.
fn stored(
    sale: &Sale,
    total: Money,
    scene: &Scene<'_>,
    spends: &[Spend],
    trace: &mut Vec<TraceStep>,
) -> Money {
    if scene.member.is_none() && sale.lines.iter().any(|line| line.stored) {
        trace.push(Reason::new(codes::STORED_NEEDS_CARD).step());
    }
    let tenders = sale.tenders.iter().filter(|tender| tender.kind == TenderKind::Stored);
    let asked = clamp(tenders.map(|tender| i128::from(tender.amount.0)).sum());
    if asked <= 0 {
        return Money::ZERO;
    }
    let euro = Unit::euro();
    let spent: i64 = spends.iter().filter(|spend| spend.unit == euro).map(|spend| spend.amount).sum();
    let have = scene.member.map_or(0, |member| member.balance(&euro)).saturating_sub(spent);
    let given = asked.min(have).min(total.0).max(0);
    if given < asked.min(total.0) {
        let short = Reason::new(codes::STORED_SHORT).with("asked", Money(asked)).with("given", Money(given));
        trace.push(short.step());
    }
    Money(given)
}

/// Whether a rule of this kind can be judged without prices.
pub(super) fn needs_price(per: Per) -> bool {
    per == Per::Money
}
