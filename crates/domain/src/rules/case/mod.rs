//! Cases: programmes tried on a member and a list of steps, for authors, scripts and the table of scenarios.
//!
//! A case is JSON: `{"member": null | {…}, "steps": [{"at", "sale"} | {"at", "refund"} | {"at", "look"}]}`.
//! The answer is one object for each step. Everything runs on a member folded in memory; nothing is kept.

mod answer;
mod input;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::event::{Event, Fact, GrantFact, Loyalty, Record, Reversal, ReversalReason, SaleFact, StampFact};
use crate::ids::{AuthorId, EventRef, MemberId, ShopId, Sku};
use crate::ledger::Booking;
use crate::member::{Change, Effect, MemberFacts, MemberState, birthday_week, effect_of, is_birthday_week};
use crate::programme::{Decimal, Programme, VOUCHER_PREFIX};
use crate::rules::case::answer::{Answer, units, voucher};
use crate::rules::case::input::{
    Birthday, Case, CaseMember, CaseRefund, CaseSale, CaseStamps, CaseStep, RefundLines,
};
use crate::rules::{
    Original, Place, PlaceFacts, RuleBook, Take, TakeBack, TakenBack, Tallies, Unconfirmed, VERSION,
    check_order, evaluate, reverse, sale_postings,
};
use crate::sale::{Deed, Order, Sale};
use crate::time::{Day, Moment, business_day};
use crate::unit::Unit;

/// The longest case, in bytes.
pub const CASE_LEN_MAX: usize = 1024 * 1024;
/// The most steps of a case.
pub const STEPS_MAX: usize = 1000;

/// Why a case cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// It is no case.
    #[error("the case cannot be read: {0}")]
    Unreadable(String),
    /// One of its steps makes no sense.
    #[error("step {step}: {message}")]
    Step {
        /// Which step, from 0.
        step: usize,
        /// What is wrong.
        message: String,
    },
    /// The programmes cannot run together.
    #[error(transparent)]
    Book(#[from] crate::rules::BookError),
}

/// Runs a case; one answer for each step.
pub fn run(programmes: &[Programme], case_json: &str) -> Result<Vec<Value>, CaseError> {
    if case_json.len() > CASE_LEN_MAX {
        return Err(CaseError::Unreadable(format!("it is longer than {CASE_LEN_MAX} bytes")));
    }
    let case: Case =
        serde_json::from_str(case_json).map_err(|error| CaseError::Unreadable(error.to_string()))?;
    if case.steps.len() > STEPS_MAX {
        return Err(CaseError::Unreadable(format!("it has more than {STEPS_MAX} steps")));
    }
    let book = RuleBook::new(programmes.iter().map(|programme| programme.clone().published(1)).collect())?;
    let day_ends = day_ends_minutes(case.day_ends.as_deref())?;
    let mut play = Play { book, day_ends, member: None, tallies: Tallies::new(), journal: Vec::new() };
    let first = case.steps.first().map(|step| play.moment(0, step)).transpose()?;
    if let (Some(member), Some(first)) = (&case.member, &first) {
        play.member = Some(play.begin(member, first.day)?);
    }
    let step = |(index, step)| play.step(index, step);
    case.steps.iter().enumerate().map(step).collect()
}

fn day_ends_minutes(text: Option<&str>) -> Result<u16, CaseError> {
    let Some(text) = text else { return Ok(0) };
    let wrong = || CaseError::Unreadable("day_ends is written like \"04:00\"".to_owned());
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let hours: u16 = hours.parse().map_err(|_| wrong())?;
    let minutes: u16 = minutes.parse().map_err(|_| wrong())?;
    if hours > 23 || minutes > 59 {
        return Err(wrong());
    }
    Ok(hours * 60 + minutes)
}

/// The one member and author of a case.
const MEMBER: MemberId = MemberId([0x11; 16]);
const AUTHOR: AuthorId = AuthorId([0x22; 16]);
/// The member who brought the one of the case.
const REFERRER: MemberId = MemberId([0x33; 16]);

/// A case while it runs.
struct Play {
    book: RuleBook,
    day_ends: u16,
    member: Option<Person>,
    /// What the one device of a case has given of what there is only so much of.
    tallies: Tallies,
    /// What each step wrote, if it wrote something.
    journal: Vec<Option<Event>>,
}

struct Person {
    state: MemberState,
    tags: Vec<String>,
    tier: Option<String>,
    birthday: Option<Celebration>,
}

/// What is known of a member's birthday.
#[derive(Debug, Clone, Copy)]
enum Celebration {
    /// Whether it is in this week, whatever the day.
    Now(bool),
    /// The week of the year that it is in.
    Week(u8),
}

impl Play {
    fn moment(&self, step: usize, case: &CaseStep) -> Result<Moment, CaseError> {
        let parsed = Moment::parse_rfc3339(&case.at);
        let (utc_ms, offset_minutes) =
            parsed.map_err(|error| CaseError::Step { step, message: error.to_string() })?;
        let day = business_day(utc_ms, offset_minutes, self.day_ends);
        Ok(Moment { utc_ms, offset_minutes, day, skew_ms: None, clock_doubtful: false })
    }

    fn begin(&self, case: &CaseMember, first: Day) -> Result<Person, CaseError> {
        let mut changes = Vec::new();
        for (name, amount) in &case.balances {
            let lots = case.lots.iter().filter(|lot| lot.unit == *name);
            let in_lots = lots.fold(Decimal::ZERO, |sum, lot| sum.plus(lot.amount));
            // Lots are a part of their balance; only one that is smaller can be nothing but what stands beside them.
            let beside = if in_lots > *amount { *amount } else { amount.minus(in_lots) };
            changes.push(self.opening(name, beside, None, first)?);
        }
        for lot in &case.lots {
            changes.push(self.opening(&lot.unit, lot.amount, lot.last_day, first)?);
        }
        let mut state = MemberState::default();
        let event = EventRef { author: AUTHOR, seq: 1 };
        state.apply(&Effect { event, at_ms: 0, day: case.joined.unwrap_or(first), changes });
        state.joined = case.joined.or(Some(first));
        state.first_purchase = case.first_purchase;
        if let Some(at) = &case.last_visit {
            let (at_ms, _) =
                Moment::parse_rfc3339(at).map_err(|error| CaseError::Unreadable(error.to_string()))?;
            state.visits.insert(at_ms, 1);
        }
        if case.referred {
            let changes = vec![Change::Referrer { member: REFERRER }];
            state.apply(&Effect { event, at_ms: 0, day: case.joined.unwrap_or(first), changes });
        }
        let birthday = case.birthday.as_ref().map(celebration).transpose()?;
        Ok(Person { state, tags: case.tags.clone(), tier: case.tier.clone(), birthday })
    }

    fn opening(
        &self,
        name: &str,
        amount: Decimal,
        last: Option<Day>,
        first: Day,
    ) -> Result<Change, CaseError> {
        let unit = self.unit(name)?;
        if !amount.fits(unit.scale()) {
            return Err(CaseError::Unreadable(format!("{amount} has more digits than {unit} counts")));
        }
        let earned = last.map_or(first, |last| last.min(first));
        let amount = amount.at_scale(unit.scale());
        let booking = if amount.is_negative() {
            Booking::Spend { day: first }
        } else {
            Booking::Lot { earned, last, idle: None }
        };
        Ok(Change::Units { unit, booking, amount })
    }

    /// The unit that a case names, by the name that people see or with its scale.
    fn unit(&self, name: &str) -> Result<Unit, CaseError> {
        let units = self.book.programmes().iter().map(|published| published.programme.unit());
        if let Some(unit) = units.into_iter().find(|unit| unit.name() == name) {
            return Ok(unit.clone());
        }
        let rewards = self.book.programmes().iter().flat_map(|published| &published.programme.spec().reward);
        let mut gives = rewards.filter_map(|reward| reward.gives.as_ref());
        if let Some(gives) = gives.find(|gives| gives.unit == name)
            && let Ok(unit) = Unit::new(&gives.unit, gives.scale)
        {
            return Ok(unit);
        }
        if name == Unit::euro().name() {
            return Ok(Unit::euro());
        }
        name.parse().map_err(|error: crate::ids::NotAnId| CaseError::Unreadable(error.to_string()))
    }

    fn step(&mut self, step: usize, case: &CaseStep) -> Result<Value, CaseError> {
        let at = self.moment(step, case)?;
        let place = Place {
            shop: shop(case.shop.as_deref()),
            facts: PlaceFacts {
                merchant: case.merchant.clone(),
                tallies: self.tallies.clone(),
                offline: case.offline_days.map(|days| Unconfirmed { days }),
            },
        };
        match (&case.sale, &case.refund, &case.stamps, case.deed(), case.look) {
            (Some(sale), None, None, None, false) => self.sell(step, sale, place, &at),
            (None, Some(refund), None, None, false) => self.refund(step, refund, &at),
            (None, None, Some(stamps), None, false) => self.stamp(step, stamps, place, &at),
            (None, None, None, Some(deed), false) => self.reward(step, deed, place, &at),
            (None, None, None, None, true) => {
                self.journal.push(None);
                Ok(self.answer(&at, Answer { vouchers: self.held_vouchers(&at), ..Answer::default() }))
            }
            _ => Err(CaseError::Step {
                step,
                message: "it is one of sale, stamps, refund, activity, brought, day, look".to_owned(),
            }),
        }
    }

    fn loyalty(&self, facts: MemberFacts) -> Loyalty {
        Loyalty { member: MEMBER, card: None, rules: VERSION, programmes: self.book.references(), facts }
    }

    fn stamp(
        &mut self,
        step: usize,
        case: &CaseStamps,
        place: Place,
        at: &Moment,
    ) -> Result<Value, CaseError> {
        let bad = |message: String| CaseError::Step { step, message };
        let order = case.read().map_err(bad)?;
        check_order(Order::Stamps(&order)).map_err(|error| bad(error.to_string()))?;
        let facts = self.facts(at).ok_or_else(|| bad("stamps need a member".to_owned()))?;
        let outcome = evaluate(&self.book, Some(&facts), Order::Stamps(&order), place.clone(), at);
        let answer = Answer::of_sale(&outcome);
        let postings = outcome.postings(MEMBER, place.shop, at.day);
        let loyalty = self.loyalty(facts);
        let fact = StampFact {
            shop: place.shop,
            order,
            loyalty,
            outcome,
            postings,
            place: place.facts,
            proof: None,
        };
        self.write(at, Fact::Stamp(Box::new(fact)));
        Ok(self.answer(at, answer))
    }

    fn reward(&mut self, step: usize, deed: Deed, place: Place, at: &Moment) -> Result<Value, CaseError> {
        let bad = |message: String| CaseError::Step { step, message };
        check_order(Order::Deed(&deed)).map_err(|error| bad(error.to_string()))?;
        let facts = self.facts(at).ok_or_else(|| bad("a deed needs a member".to_owned()))?;
        let outcome = evaluate(&self.book, Some(&facts), Order::Deed(&deed), place.clone(), at);
        let answer = Answer::of_sale(&outcome);
        let postings = outcome.postings(MEMBER, place.shop, at.day);
        let loyalty = self.loyalty(facts);
        let fact = GrantFact { shop: place.shop, deed, loyalty, outcome, postings, place: place.facts };
        self.write(at, Fact::Grant(Box::new(fact)));
        Ok(self.answer(at, answer))
    }

    fn facts(&self, at: &Moment) -> Option<MemberFacts> {
        let person = self.member.as_ref()?;
        Some(MemberFacts {
            tags: person.tags.clone(),
            tier: person.tier.clone(),
            birthday: match person.birthday {
                None => false,
                Some(Celebration::Now(now)) => now,
                Some(Celebration::Week(week)) => is_birthday_week(week, at.day),
            },
            ..person.state.facts(at)
        })
    }

    fn sell(&mut self, step: usize, case: &CaseSale, place: Place, at: &Moment) -> Result<Value, CaseError> {
        let bad = |message: String| CaseError::Step { step, message };
        let sale = case.read().map_err(bad)?;
        check_order(Order::Sale(&sale)).map_err(|error| bad(error.to_string()))?;
        let facts = self.facts(at);
        let outcome = evaluate(&self.book, facts.as_ref(), Order::Sale(&sale), place.clone(), at);
        let answer = Answer::of_sale(&outcome);
        let member = facts.as_ref().map(|_| MEMBER);
        let loyalty = facts.map(|facts| self.loyalty(facts));
        let postings = sale_postings(&sale, &outcome, member, place.shop, at.day);
        self.write(
            at,
            Fact::Sale(Box::new(SaleFact {
                shop: place.shop,
                sale,
                loyalty,
                outcome,
                postings,
                place: place.facts,
            })),
        );
        Ok(self.answer(at, answer))
    }

    fn refund(&mut self, step: usize, case: &CaseRefund, at: &Moment) -> Result<Value, CaseError> {
        let bad = |message: &str| CaseError::Step { step, message: message.to_owned() };
        let event = self.journal.get(case.of).and_then(Option::as_ref);
        let event =
            event.ok_or_else(|| bad("`of` is the number of an earlier step that was a sale, from 0"))?;
        let original = Original::of(&event.record.fact, &event.record.at);
        let original = original.ok_or_else(|| bad("only a sale, stamps or a deed can be taken back"))?;
        let of = event.reference();
        let before = TakenBack::by(self.reversals(of));
        let quantities = match &case.lines {
            RefundLines::Word(word) if word == "all" => None,
            RefundLines::Word(_) => return Err(bad("lines are \"all\" or a quantity for each article")),
            RefundLines::Some(wanted) => {
                let sale = original.sale.ok_or_else(|| bad("only a sale has lines"))?;
                let sold = |sku: &Sku| sale.lines.iter().any(|line| line.sku == *sku);
                if let Some(sku) = wanted.keys().find(|sku| !sold(sku)) {
                    return Err(bad(&format!("{sku} was not sold in step {}", case.of)));
                }
                Some(spread(sale, &before, wanted))
            }
        };
        let no_purses = BTreeMap::new();
        let reversed = reverse(
            &original,
            &TakeBack {
                take: quantities.as_deref().map_or(Take::Everything, Take::Quantities),
                reason: ReversalReason::Refund,
                before: &before,
                purses: self.member.as_ref().map_or(&no_purses, |person| &person.state.purses),
                at,
            },
        );
        let (answer, fact) = match reversed {
            Ok(reversed) => {
                let answer = Answer::of_refund(original.outcome, &reversed);
                let fact = reversed.into_reversal(of, original.member, ReversalReason::Refund);
                (answer, Some(fact))
            }
            Err(error) => (Answer::of_refusal(&error), None),
        };
        match fact {
            Some(fact) => self.write(at, Fact::Reversal(Box::new(fact))),
            None => self.journal.push(None),
        }
        Ok(self.answer(at, answer))
    }

    fn reversals(&self, of: EventRef) -> impl Iterator<Item = &Reversal> {
        self.journal.iter().flatten().filter_map(move |event| match &event.record.fact {
            Fact::Reversal(reversal) if reversal.of == of => Some(reversal.as_ref()),
            _ => None,
        })
    }

    fn write(&mut self, at: &Moment, fact: Fact) {
        let seq = self.journal.len() as u64 + 2;
        let event = Event { author: AUTHOR, seq, record: Record { at: *at, operator: None, fact } };
        for step in event.record.fact.tallies() {
            let days = self.tallies.entry(step.key.clone()).or_default();
            *days.entry(step.day).or_default() += step.amount;
        }
        if let (Some(person), Some((_, effect))) = (&mut self.member, effect_of(&event)) {
            person.state.apply(&effect);
        }
        self.journal.push(Some(event));
    }

    fn held_vouchers(&self, at: &Moment) -> Vec<Value> {
        let Some(person) = &self.member else { return Vec::new() };
        let vouchers = person.state.purses.iter().filter(|(unit, _)| unit.name().starts_with(VOUCHER_PREFIX));
        vouchers
            .flat_map(|(unit, purse)| purse.lots(at.day).0.into_iter().map(move |lot| (unit, lot)))
            .map(|(unit, lot)| voucher(unit, lot.amount, lot.last))
            .collect()
    }

    /// What can be spent of every unit that the programmes count or the member ever held.
    fn balances(&self, at: &Moment) -> Value {
        let Some(person) = &self.member else { return json!({}) };
        let mut balances = person.state.balances(at.day);
        for published in self.book.programmes() {
            let spec = published.programme.spec();
            if !spec.earn.is_empty() || spec.reward.iter().any(|reward| reward.cost.is_some()) {
                balances.entry(published.programme.unit().clone()).or_default();
            }
        }
        units(&balances)
    }

    fn answer(&self, at: &Moment, answer: Answer) -> Value {
        let mut told = json!({
            "total": answer.total.to_string(),
            "lines": answer.lines,
            "earned": units(&answer.earned),
            "spent": units(&answer.spent),
            "balances": self.balances(at),
            "vouchers": answer.vouchers,
            "refused": answer.refused,
            "trace": answer.trace,
        });
        // Programmes without rights that are given once answer as they always did.
        for (name, list) in [("grants", answer.grants), ("due", answer.due)] {
            if !list.is_empty() {
                told[name] = list.into();
            }
        }
        told
    }
}

impl CaseStep {
    /// The deed of the step, if it is one.
    fn deed(&self) -> Option<Deed> {
        match (&self.activity, &self.brought, self.day) {
            (Some(activity), None, false) => Some(Deed::Activity {
                programme: activity.programme.clone(),
                activity: activity.id.clone(),
                reference: activity.reference.clone(),
            }),
            (None, Some(brought), false) => {
                let mut friend = [0; 16];
                friend.copy_from_slice(&blake3::hash(brought.friend.as_bytes()).as_bytes()[..16]);
                Some(Deed::Referral { programme: brought.programme.clone(), friend: MemberId(friend) })
            }
            (None, None, true) => Some(Deed::Day),
            _ => None,
        }
    }
}

/// A shop by its id; or any other word, which then names a shop of its own.
fn shop(name: Option<&str>) -> ShopId {
    let Some(name) = name else { return ShopId([0; 16]) };
    name.parse().unwrap_or_else(|_| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
        ShopId(bytes)
    })
}

/// Spreads quantities by article over the lines of a sale, as far as each still can come back.
fn spread(sale: &Sale, before: &TakenBack, wanted: &BTreeMap<Sku, Decimal>) -> Vec<i64> {
    let mut wanted: BTreeMap<&Sku, i64> =
        wanted.iter().map(|(sku, count)| (sku, count.at_scale(3))).collect();
    let mut quantities: Vec<i64> = Vec::with_capacity(sale.lines.len());
    for (index, line) in sale.lines.iter().enumerate() {
        let left = line.quantity.0 - before.quantities.get(index).copied().unwrap_or(0);
        let Some(open) = wanted.get_mut(&line.sku) else {
            quantities.push(0);
            continue;
        };
        // The last line of an article takes the rest, so that too much is noticed.
        let last = sale.lines[index + 1..].iter().all(|later| later.sku != line.sku);
        let taken = if last { *open } else { (*open).min(left.max(0)) };
        *open -= taken;
        quantities.push(taken);
    }
    quantities
}

/// A birthday like `1990-05-04` or `05-04`: of the date only the week is kept, as a terminal does.
fn celebration(birthday: &Birthday) -> Result<Celebration, CaseError> {
    let text = match birthday {
        Birthday::Now(now) => return Ok(Celebration::Now(*now)),
        Birthday::On(text) => text,
    };
    // The year does not matter, and 29 February is a day of every leap year.
    let written = text.len() == 5 || (text.len() == 10 && text.starts_with(|c: char| c.is_ascii_digit()));
    let month_and_day = text.get(text.len().saturating_sub(5)..).filter(|_| written).unwrap_or_default();
    let date = format!("2000-{month_and_day}").parse::<Day>().map(Day::civil);
    let week = date.ok().and_then(|civil| birthday_week(civil.month(), civil.day()));
    week.map(Celebration::Week).ok_or_else(|| {
        CaseError::Unreadable(format!(
            "“{text}” is no birthday: write \"1990-05-04\", \"05-04\", true or false"
        ))
    })
}
