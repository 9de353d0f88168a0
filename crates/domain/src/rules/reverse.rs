//! Undo and refund: taking back what an event gave and giving back what it took, pro rata and once.
//!
//! An award or a spend is first split over the lines that it came from (largest remainder), then each line's
//! part follows the quantity that comes back, rounded half up on the sum of all refunds so far. So the parts
//! do not depend on the order of refunds, and when everything has come back everything is restored.
//!
//! Units that were earned are taken back even when the member has spent them: the balance falls below zero. An
//! award that forgives is taken back only as far as the balance covers it, and what it does not cover is let go
//! for ever: a later part of the same refund does not ask for it again.

use std::collections::BTreeMap;

use crate::event::{CounterStep, Fact, GrantWithdrawn, Reversal, ReversalReason};
use crate::grant::Grant;
use crate::ids::{EventRef, MemberId, ShopId};
use crate::ledger::{Account, Booking, Posting, Purse};
use crate::money::{Money, Quantity, div_half_up, split};
use crate::programme::VOUCHER_PREFIX;
use crate::rules::outcome::{Award, Outcome, Part, Spend, TraceStep};
use crate::rules::postings::Takings;
use crate::rules::scope::Reason;
use crate::rules::{challenges, codes, limit};
use crate::sale::Sale;
use crate::time::{Day, Moment};
use crate::unit::Unit;

/// The event that is taken back.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// What was sold; none for stamps beside another till.
    pub sale: Option<&'a Sale>,
    /// The member was there for it, as for a sale and for stamps; nobody has to be there for a deed.
    pub is_visit: bool,
    /// What the rules gave.
    pub outcome: &'a Outcome,
    /// Whose units moved.
    pub member: Option<MemberId>,
    /// Which shop's.
    pub shop: ShopId,
    /// When it happened.
    pub at: &'a Moment,
}

impl<'a> Original<'a> {
    /// A sale or stamps; other facts are not taken back by the rules.
    pub fn of(fact: &'a Fact, at: &'a Moment) -> Option<Self> {
        let (sale, outcome, shop) = match fact {
            Fact::Sale(fact) => (Some(&fact.sale), &fact.outcome, fact.shop),
            Fact::Stamp(fact) => (None, &fact.outcome, fact.shop),
            Fact::Grant(fact) => (None, &fact.outcome, fact.shop),
            _ => return None,
        };
        let is_visit = !matches!(fact, Fact::Grant(_));
        Some(Self { sale, is_visit, outcome, member: fact.member(), shop, at })
    }

    fn quantities(&self) -> Vec<i64> {
        self.sale.map(|sale| sale.lines.iter().map(|line| line.quantity.0).collect()).unwrap_or_default()
    }
}

/// What earlier reversals of the same event have taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// All that was left at some time.
    pub everything: bool,
    /// The quantity of each line, in thousandths; empty: nothing.
    pub quantities: Vec<i64>,
    /// Rights that the server found given twice and has taken back.
    pub withdrawn: Vec<Grant>,
}

impl TakenBack {
    /// Sums the reversals of one event.
    pub fn by<'a>(reversals: impl IntoIterator<Item = &'a Reversal>) -> Self {
        let mut sum = Self::default();
        for reversal in reversals {
            sum.everything |= reversal.quantities.is_empty();
            for (index, &quantity) in reversal.quantities.iter().enumerate() {
                if sum.quantities.len() <= index {
                    sum.quantities.resize(index + 1, 0);
                }
                sum.quantities[index] = sum.quantities[index].saturating_add(quantity);
            }
        }
        sum
    }
}

/// How much is taken back now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take<'a> {
    /// All that is left.
    Everything,
    /// A quantity of each line of the sale, in thousandths.
    Quantities(&'a [i64]),
}

/// A wish to take something back.
#[derive(Debug, Clone, Copy)]
pub struct TakeBack<'a> {
    /// How much.
    pub take: Take<'a>,
    /// Why.
    pub reason: ReversalReason,
    /// What was taken back before.
    pub before: &'a TakenBack,
    /// The member's purses as they stand, to see which lots have expired since.
    pub purses: &'a BTreeMap<Unit, Purse>,
    /// When it is taken back.
    pub at: &'a Moment,
}

/// Why something cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReverseError {
    /// It was taken back before.
    #[error("everything of this was taken back before; nothing is left to return")]
    NothingLeft,
    /// More comes back than was sold.
    #[error("line {line}: {} can still come back, not {}", Quantity(*left), Quantity(*asked))]
    TooMuch {
        /// Which line, from 1.
        line: usize,
        /// What can still come back, in thousandths.
        left: i64,
        /// What was asked for, in thousandths.
        asked: i64,
    },
    /// The event has no lines, or other ones.
    #[error("this can only be taken back as a whole; it has no such lines")]
    NoSuchLines,
}

/// What moves when something is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reversed {
    /// What is paid back, stored value included.
    pub refund: Money,
    /// What is paid back for each line of the outcome.
    pub lines: Vec<Money>,
    /// Earned units that are taken back.
    pub taken_back: BTreeMap<Unit, i64>,
    /// Earned units that should come back and are let go, because they were spent and the programme forgives.
    pub let_go: BTreeMap<Unit, i64>,
    /// Spent units that are given back; stored value that had paid is among them.
    pub given_back: BTreeMap<Unit, i64>,
    /// As in [`Reversal::quantities`]: empty when it is everything that was left.
    pub quantities: Vec<i64>,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// Counters that step back.
    pub counters: Vec<CounterStep>,
    /// The device's tallies that step back, with the whole.
    pub tallies: Vec<CounterStep>,
    /// Rights that can be given again, with the whole.
    pub grants: Vec<Grant>,
    /// The visit that did not happen after all: for an undo of the whole.
    pub visit_ms: Option<i64>,
}

impl ReverseError {
    /// Why not, as a step that can be said.
    pub fn trace(&self) -> TraceStep {
        let reason = match self {
            Self::NothingLeft => Reason::new(codes::NOTHING_LEFT),
            Self::TooMuch { left, asked, .. } => {
                Reason::new(codes::TOO_MUCH).with("left", Quantity(*left)).with("asked", Quantity(*asked))
            }
            Self::NoSuchLines => Reason::new(codes::NO_SUCH_LINES),
        };
        reason.step()
    }
}

impl Reversed {
    /// What moved, as steps that can be said.
    pub fn trace(&self) -> Vec<TraceStep> {
        let step = |code: &'static str, unit: &Unit, amount: i64| {
            Reason::new(code).with("amount", unit.format(amount)).with("unit", unit_said(unit))
        };
        let taken =
            self.taken_back.iter().map(|(unit, amount)| step(codes::TAKEN_BACK, unit, *amount).step());
        let let_go = self.let_go.iter().map(|(unit, amount)| step(codes::LET_GO, unit, *amount).step());
        let given = self.given_back.iter().flat_map(|(unit, amount)| {
            let (grace, last) = self.grace(unit);
            let usual = (amount - grace > 0).then(|| step(codes::GIVEN_BACK, unit, amount - grace).step());
            let late = last.map(|last| step(codes::GIVEN_BACK, unit, grace).with("last", last).step());
            usual.into_iter().chain(late)
        });
        taken.chain(let_go).chain(given).collect()
    }

    /// How much of a unit came back with days of grace, and the last of them.
    fn grace(&self, unit: &Unit) -> (i64, Option<Day>) {
        let lots =
            self.postings.iter().filter(|posting| posting.unit == *unit && posting.amount.is_positive());
        let graced = lots.filter_map(|posting| match posting.booking {
            Some(Booking::Lot { last: Some(last), .. }) => Some((posting.amount, last)),
            _ => None,
        });
        graced.fold((0, None), |(sum, end), (amount, last)| (sum + amount, end.max(Some(last))))
    }

    /// The fact to write.
    pub fn into_reversal(self, of: EventRef, member: Option<MemberId>, reason: ReversalReason) -> Reversal {
        let Self { quantities, postings, counters, tallies, grants, visit_ms, .. } = self;
        Reversal {
            of,
            member,
            reason,
            quantities,
            postings,
            counters,
            tallies,
            grants,
            visit_ms,
            planned: false,
        }
    }
}

/// Takes back what an event gave and gives back what it took.
pub fn reverse(original: &Original<'_>, wish: &TakeBack<'_>) -> Result<Reversed, ReverseError> {
    let (before, after) = progress(original, wish)?;
    let mut reversed = Reversed::default();
    if let Take::Quantities(quantities) = wish.take {
        reversed.quantities = quantities.to_vec();
    }
    let mut ledger = Ledger { original, wish, purses: wish.purses.clone() };
    let withdrawn = |grant: &Grant| wish.before.withdrawn.contains(grant);
    let part = |award: &Award| match &award.grant {
        Some(grant) if withdrawn(grant) => 0,
        // What was given for a right is given once: it goes back with the whole.
        Some(_) if after.everything => award.amount,
        Some(_) => 0,
        None => share(original, award.amount, &award.weights, &before, &after),
    };
    let (forgiving, owing): (Vec<&Award>, Vec<&Award>) =
        original.outcome.awards.iter().partition(|award| award.forgive);
    for award in owing {
        let back = part(award);
        take_back_units(award, back, &mut ledger, &mut reversed);
    }
    for spend in &original.outcome.spends {
        let back = share(original, spend.amount, &spend.weights, &before, &after);
        reversed.postings.extend(ledger.give_back(
            &spend.unit,
            back,
            spend.grace_days,
            &spend.to(original.shop),
        ));
        add(&mut reversed.given_back, &spend.unit, back);
    }
    if let Some(sale) = original.sale {
        take_back_money(sale, &mut ledger, &before, &after, &mut reversed);
    }
    for given in &original.outcome.shares {
        let back = share(original, given.amount.0, &given.weights, &before, &after);
        reversed.postings.extend(given.postings(original.shop, -back));
    }
    // What comes back to the member covers what is taken back, so this is last.
    for award in forgiving {
        let asked = part(award);
        let back = ledger.covered(award, asked);
        take_back_units(award, back, &mut ledger, &mut reversed);
        add(&mut reversed.let_go, &award.unit, asked - back);
    }
    reversed.counters = counters_back(original, &before, &after);
    if after.everything {
        let back = |step: &CounterStep| CounterStep { amount: -step.amount, ..step.clone() };
        reversed.tallies = original.outcome.tallies.iter().map(back).collect();
        let grants = original.outcome.grants.iter().filter(|grant| !withdrawn(grant));
        reversed.grants = grants.cloned().collect();
    }
    if after.everything && original.is_visit && wish.reason != ReversalReason::Refund {
        reversed.visit_ms = Some(original.at.utc_ms);
    }
    Ok(reversed)
}

/// Takes a right back that was given a second time, by the event that gave it: its units, and nothing else.
pub fn withdraw(original: &Original<'_>, of: EventRef, grant: &Grant) -> Option<GrantWithdrawn> {
    let member = original.member?;
    if !original.outcome.grants.contains(grant) {
        return None;
    }
    let mut postings = Vec::new();
    for award in original.outcome.awards.iter().filter(|award| award.grant.as_ref() == Some(grant)) {
        let (unit, amount) = (award.unit.clone(), award.amount);
        let booking = Some(lot_of(award, original));
        postings.push(Posting {
            account: Account::Member(member),
            unit: unit.clone(),
            amount: -amount,
            booking,
        });
        postings.push(Posting { account: Account::Shop(original.shop), unit, amount, booking: None });
    }
    Some(GrantWithdrawn { member, of, grant: grant.clone(), postings })
}

/// Takes units of an award back out of their lot.
fn take_back_units(award: &Award, back: i64, ledger: &mut Ledger<'_>, reversed: &mut Reversed) {
    let original = ledger.original;
    let booking = lot_of(award, original);
    let moved = ledger.move_units(&award.unit, -back, booking, &Account::Shop(original.shop));
    reversed.postings.extend(moved);
    add(&mut reversed.taken_back, &award.unit, back);
}

fn lot_of(award: &Award, original: &Original<'_>) -> Booking {
    Booking::Lot { earned: original.at.day, last: award.last, idle: award.idle }
}

/// How much of each line has come back at one time.
#[derive(Debug, Clone)]
struct Progress {
    everything: bool,
    returned: Vec<i64>,
}

fn progress(original: &Original<'_>, wish: &TakeBack<'_>) -> Result<(Progress, Progress), ReverseError> {
    let sold = original.quantities();
    let whole = |returned: &[i64]| sold.iter().any(|&sold| sold != 0) && returned == sold;
    let mut returned = wish.before.quantities.clone();
    returned.resize(sold.len(), 0);
    // Two devices that were apart may have taken the same pieces back. That is for people to settle; here a
    // line never comes back more than once.
    for (returned, &sold) in returned.iter_mut().zip(&sold) {
        *returned = (*returned).clamp(sold.min(0), sold.max(0));
    }
    if wish.before.everything || whole(&returned) {
        return Err(ReverseError::NothingLeft);
    }
    let before = Progress { everything: false, returned: returned.clone() };
    match wish.take {
        Take::Everything => Ok((before, Progress { everything: true, returned: sold })),
        Take::Quantities(asked) => {
            if sold.is_empty() || asked.len() != sold.len() {
                return Err(ReverseError::NoSuchLines);
            }
            for (line, (&asked, &sold)) in asked.iter().zip(&sold).enumerate() {
                let left = sold - returned[line];
                let inside =
                    if left >= 0 { (0..=left).contains(&asked) } else { (left..=0).contains(&asked) };
                if !inside {
                    return Err(ReverseError::TooMuch { line: line + 1, left, asked });
                }
                returned[line] += asked;
            }
            if asked.iter().all(|&asked| asked == 0) {
                return Err(ReverseError::NothingLeft);
            }
            let everything = whole(&returned);
            Ok((before, Progress { everything, returned }))
        }
    }
}

impl Progress {
    /// How much of a line's part has come back: `part × returned / sold`, half up.
    fn of_line(&self, original: &Original<'_>, line: usize, part: i64) -> i64 {
        if self.everything {
            return part;
        }
        let sold = original.sale.and_then(|sale| sale.lines.get(line)).map_or(0, |line| line.quantity.0);
        let returned = self.returned.get(line).copied().unwrap_or(0);
        if sold == 0 {
            // A free article that was added has no line of its own: it goes with the whole.
            return 0;
        }
        // Both have one sign: what was sold, or what came back in the sale and goes out again.
        div_half_up(i128::from(part) * i128::from(returned.abs()), sold.abs().into())
    }

    /// How much of an amount has come back that is split over the lines by weights.
    fn of(&self, original: &Original<'_>, amount: i64, weights: &[i64]) -> i64 {
        if self.everything {
            return amount;
        }
        let parts = split(amount, weights);
        parts.iter().enumerate().map(|(line, &part)| self.of_line(original, line, part)).sum()
    }
}

/// How much of an amount comes back now.
fn share(original: &Original<'_>, amount: i64, weights: &[i64], before: &Progress, after: &Progress) -> i64 {
    let weights = effective_weights(original.outcome, weights);
    after.of(original, amount, &weights) - before.of(original, amount, &weights)
}

/// The weights as recorded; else what was paid for each line; else what each cost.
fn effective_weights(outcome: &Outcome, weights: &[i64]) -> Vec<i64> {
    if !weights.is_empty() {
        return weights.to_vec();
    }
    let paid: Vec<i64> = outcome.lines.iter().map(|line| line.paid.0.max(0)).collect();
    if paid.iter().any(|&paid| paid > 0) {
        return paid;
    }
    outcome.lines.iter().map(|line| line.gross.0.max(0)).collect()
}

/// Books units against the shop and keeps the purses in step.
struct Ledger<'a> {
    original: &'a Original<'a>,
    wish: &'a TakeBack<'a>,
    purses: BTreeMap<Unit, Purse>,
}

impl Ledger<'_> {
    fn move_units(&mut self, unit: &Unit, amount: i64, booking: Booking, other: &Account) -> Vec<Posting> {
        let Some(member) = self.original.member.filter(|_| amount != 0) else { return Vec::new() };
        if let Some(purse) = self.purses.get_mut(unit) {
            purse.add(booking, amount);
        }
        vec![
            Posting { account: Account::Member(member), unit: unit.clone(), amount, booking: Some(booking) },
            Posting { account: other.clone(), unit: unit.clone(), amount: -amount, booking: None },
        ]
    }

    /// How much of what is asked for an award can be taken back without a debt that was not there.
    fn covered(&self, award: &Award, asked: i64) -> i64 {
        let (today, lot) = (self.wish.at.day, lot_of(award, self.original));
        let purse = self.purses.get(&award.unit).cloned().unwrap_or_default();
        let least = purse.balance(today).min(0);
        let after = |back: i64| {
            let mut purse = purse.clone();
            purse.add(lot, -back);
            purse.balance(today)
        };
        // The more is taken back the less is left: the most that leaves enough is found by halving.
        let (mut good, mut bad) = (0, asked.saturating_add(1));
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if after(middle) >= least { good = middle } else { bad = middle }
        }
        good.min(asked)
    }

    /// Gives spent units back to the lots they came from; what would fall into lots that have expired by
    /// today becomes a new lot with some days of grace.
    fn give_back(&mut self, unit: &Unit, amount: i64, grace_days: u16, from: &Account) -> Vec<Posting> {
        let today = self.wish.at.day;
        let spent = Booking::Spend { day: self.original.at.day };
        let expired = self.purses.get(unit).map_or(0, |purse| {
            let mut returned = purse.clone();
            returned.add(spent, amount);
            let usable = returned.balance(today).saturating_sub(purse.balance(today));
            (amount - usable).clamp(0, amount.max(0))
        });
        let last = Some(today.plus_days(grace_days.into()));
        let mut postings = self.move_units(unit, amount - expired, spent, from);
        postings.extend(self.move_units(
            unit,
            expired,
            Booking::Lot { earned: today, last, idle: None },
            from,
        ));
        postings
    }
}

fn take_back_money(
    sale: &Sale,
    ledger: &mut Ledger<'_>,
    before: &Progress,
    after: &Progress,
    reversed: &mut Reversed,
) {
    let original = ledger.original;
    let results = &original.outcome.lines;
    let back = |progress: &Progress| -> Vec<i64> {
        let line = |(index, paid): (usize, i64)| progress.of_line(original, index, paid);
        results.iter().map(|result| result.paid.0).enumerate().map(line).collect()
    };
    let (back_before, back_after) = (back(before), back(after));
    let kept = |back: &[i64]| {
        let kept: Vec<i64> = results.iter().zip(back).map(|(result, back)| result.paid.0 - back).collect();
        let mut takings = Takings::new(sale, &kept, 0);
        // What stored value had paid comes back in the same share as everything else.
        let total = i128::from(original.outcome.total.0);
        if total > 0 {
            let stored = i128::from(original.outcome.stored.0) * i128::from(takings.total());
            takings.stored = div_half_up(stored, total);
        }
        takings
    };
    let (had, left) = (kept(&back_before), kept(&back_after));
    reversed.lines =
        back_after.iter().zip(&back_before).map(|(after, before)| Money(after - before)).collect();
    reversed.refund = Money(had.total() - left.total());
    reversed.postings.extend(had.postings_to(&left, original.shop));
    let stored = had.stored - left.stored;
    reversed.postings.extend(ledger.give_back(
        &Unit::euro(),
        stored,
        Spend::GRACE_DAYS,
        &Account::Shop(original.shop),
    ));
    if original.member.is_some() {
        add(&mut reversed.given_back, &Unit::euro(), stored);
    }
    let unloaded = had.loaded - left.loaded;
    let booking = Booking::Lot { earned: original.at.day, last: None, idle: None };
    let shop = Account::Shop(original.shop);
    reversed.postings.extend(ledger.move_units(&Unit::euro(), -unloaded, booking, &shop));
}

/// What counters counted comes back with the lines that it falls to, or with the award of its rule; visits, and how
/// often a reward was taken, go back with the whole.
fn counters_back(original: &Original<'_>, before: &Progress, after: &Progress) -> Vec<CounterStep> {
    let step = |counter: &CounterStep| {
        let of = |award: &&Award| limit::key(&award.programme, &award.rule) == counter.key;
        let amount = match original.outcome.parts.get(&counter.key) {
            Some(parts) if challenges::is_of_article(&counter.key) => {
                article_back(original, parts, before, after)
            }
            Some(parts) => {
                parts.iter().map(|part| share(original, part.amount, &part.weights, before, after)).sum()
            }
            None => match original.outcome.awards.iter().find(of) {
                Some(award) => share(original, counter.amount, &award.weights, before, after),
                None if after.everything => counter.amount,
                None => 0,
            },
        };
        CounterStep { amount: -amount, ..counter.clone() }
    };
    original.outcome.counters.iter().map(step).filter(|step| step.amount != 0).collect()
}

/// An article that was bought counts until the last piece of it has come back.
fn article_back(original: &Original<'_>, parts: &[Part], before: &Progress, after: &Progress) -> i64 {
    let is_gone = |progress: &Progress, part: &Part| {
        let weights = effective_weights(original.outcome, &part.weights);
        let mut lines = weights.iter().enumerate();
        lines.all(|(line, &weight)| progress.of_line(original, line, weight) == weight)
    };
    let gone = |progress: &Progress| -> i64 {
        parts.iter().filter(|part| is_gone(progress, part)).map(|part| part.amount).sum()
    };
    gone(after) - gone(before)
}

/// What a unit is called; all vouchers are called so.
fn unit_said(unit: &Unit) -> &str {
    if unit.name().starts_with(VOUCHER_PREFIX) { "voucher" } else { unit.name() }
}

fn add(sums: &mut BTreeMap<Unit, i64>, unit: &Unit, amount: i64) {
    if amount != 0 {
        let sum = sums.entry(unit.clone()).or_default();
        *sum = sum.saturating_add(amount);
    }
}
