//! Cases: programmes tried on a member and a list of steps, for authors, scripts and the table of scenarios.
//!
//! A case is JSON: `{"member": null | {…}, "steps": [{"at", "sale"} | {"at", "refund"} | {"at", "look"}]}`.
//! The answer is one object for each step. Everything runs on a member folded in memory; nothing is kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::event::{Event, Fact, Loyalty, Record, Reversal, ReversalReason, SaleFact};
use crate::ids::{AuthorId, EventRef, MemberId, RewardId, ShopId, Sku};
use crate::ledger::Booking;
use crate::member::{Change, Effect, MemberFacts, MemberState, effect_of};
use crate::money::{Money, Quantity, Rate};
use crate::programme::{Decimal, Programme, VOUCHER_PREFIX};
use crate::rules::{
    Language, Original, Outcome, ReverseError, Reversed, RuleBook, Take, TakeBack, TakenBack, TraceStep,
    VERSION, check_order, evaluate, reverse, sale_postings, sentence,
};
use crate::sale::{Claim, Line, Order, Sale, Tender, TenderKind};
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
    let mut play = Play { book, day_ends, member: None, journal: Vec::new() };
    let first = case.steps.first().map(|step| play.moment(0, step)).transpose()?;
    if let (Some(member), Some(first)) = (&case.member, &first) {
        play.member = Some(play.begin(member, first.day)?);
    }
    let step = |(index, step)| play.step(index, step);
    case.steps.iter().enumerate().map(step).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    member: Option<CaseMember>,
    steps: Vec<CaseStep>,
    /// When the shop's day ends, like `04:00`.
    #[serde(default)]
    day_ends: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseMember {
    #[serde(default)]
    balances: BTreeMap<String, Decimal>,
    #[serde(default)]
    lots: Vec<CaseLot>,
    #[serde(default)]
    tier: Option<String>,
    #[serde(default)]
    joined: Option<Day>,
    #[serde(default)]
    birthday: Option<Birthday>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Birthday {
    Now(bool),
    On(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLot {
    unit: String,
    amount: Decimal,
    #[serde(default)]
    last_day: Option<Day>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseStep {
    at: String,
    #[serde(default)]
    shop: Option<String>,
    #[serde(default)]
    sale: Option<CaseSale>,
    #[serde(default)]
    refund: Option<CaseRefund>,
    #[serde(default)]
    look: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSale {
    #[serde(default)]
    lines: Vec<CaseLine>,
    #[serde(default)]
    tenders: Vec<CaseTender>,
    #[serde(default)]
    claims: Vec<CaseClaim>,
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    sku: Sku,
    #[serde(default)]
    name: String,
    #[serde(default)]
    category: String,
    #[serde(default = "one")]
    quantity: Decimal,
    price: Decimal,
    #[serde(default = "nothing")]
    vat: Decimal,
    #[serde(default)]
    deposit: bool,
    #[serde(default)]
    stored: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTender {
    kind: TenderKind,
    amount: Decimal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseClaim {
    #[serde(default)]
    programme: Option<crate::ids::ProgrammeId>,
    reward: RewardId,
    #[serde(default = "one")]
    times: Decimal,
    #[serde(default)]
    sku: Option<Sku>,
    #[serde(default)]
    extra: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRefund {
    of: usize,
    lines: RefundLines,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RefundLines {
    Word(String),
    Some(BTreeMap<Sku, Decimal>),
}

fn one() -> Decimal {
    Decimal::ONE
}

fn nothing() -> Decimal {
    Decimal::ZERO
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

/// A case while it runs.
struct Play {
    book: RuleBook,
    day_ends: u16,
    member: Option<Person>,
    /// What each step wrote, if it wrote something.
    journal: Vec<Option<Event>>,
}

struct Person {
    state: MemberState,
    tags: Vec<String>,
    tier: Option<String>,
    birthday: Option<Birthday>,
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
            changes.push(self.opening(name, *amount, None, first)?);
        }
        for lot in &case.lots {
            changes.push(self.opening(&lot.unit, lot.amount, lot.last_day, first)?);
        }
        let mut state = MemberState::default();
        let event = EventRef { author: AUTHOR, seq: 1 };
        state.apply(&Effect { event, at_ms: 0, day: case.joined.unwrap_or(first), changes });
        state.joined = case.joined.or(Some(first));
        let birthday = match &case.birthday {
            None => None,
            Some(Birthday::Now(now)) => Some(Birthday::Now(*now)),
            Some(Birthday::On(text)) => Some(Birthday::On(text.clone())),
        };
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
        let booking = if amount < 0 { Booking::Spend { day: first } } else { Booking::Lot { earned, last } };
        Ok(Change::Units { unit, booking, amount })
    }

    /// The unit that a case names, by the name that people see or with its scale.
    fn unit(&self, name: &str) -> Result<Unit, CaseError> {
        let units = self.book.programmes().iter().map(|published| published.programme.unit());
        if let Some(unit) = units.into_iter().find(|unit| unit.name() == name) {
            return Ok(unit.clone());
        }
        if name == Unit::euro().name() {
            return Ok(Unit::euro());
        }
        name.parse().map_err(|error: crate::ids::NotAnId| CaseError::Unreadable(error.to_string()))
    }

    fn step(&mut self, step: usize, case: &CaseStep) -> Result<Value, CaseError> {
        let at = self.moment(step, case)?;
        let shop = shop(case.shop.as_deref());
        match (&case.sale, &case.refund, case.look) {
            (Some(sale), None, false) => self.sell(step, sale, shop, &at),
            (None, Some(refund), false) => self.refund(step, refund, &at),
            (None, None, true) => {
                self.journal.push(None);
                Ok(self.answer(&at, Answer { vouchers: self.held_vouchers(&at), ..Answer::default() }))
            }
            _ => Err(CaseError::Step { step, message: "it is a sale, a refund or a look".to_owned() }),
        }
    }

    fn facts(&self, at: &Moment) -> Option<MemberFacts> {
        let person = self.member.as_ref()?;
        Some(MemberFacts {
            tags: person.tags.clone(),
            tier: person.tier.clone(),
            birthday: match &person.birthday {
                None => false,
                Some(Birthday::Now(now)) => *now,
                Some(Birthday::On(text)) => is_birthday_week(text, at.day),
            },
            ..person.state.facts(at)
        })
    }

    fn sell(&mut self, step: usize, case: &CaseSale, shop: ShopId, at: &Moment) -> Result<Value, CaseError> {
        let bad = |message: String| CaseError::Step { step, message };
        let sale = case.read().map_err(bad)?;
        check_order(Order::Sale(&sale)).map_err(|error| bad(error.to_string()))?;
        let facts = self.facts(at);
        let outcome = evaluate(&self.book, facts.as_ref(), Order::Sale(&sale), shop, at);
        let answer = Answer::of_sale(&outcome);
        let member = facts.as_ref().map(|_| MEMBER);
        let loyalty = facts.map(|facts| Loyalty {
            member: MEMBER,
            card: None,
            rules: VERSION,
            programmes: self.book.references(),
            facts,
        });
        let postings = sale_postings(&sale, &outcome, member, shop, at.day);
        self.write(at, Fact::Sale(Box::new(SaleFact { shop, sale, loyalty, outcome, postings })));
        Ok(self.answer(at, answer))
    }

    fn refund(&mut self, step: usize, case: &CaseRefund, at: &Moment) -> Result<Value, CaseError> {
        let bad = |message: &str| CaseError::Step { step, message: message.to_owned() };
        let event = self.journal.get(case.of).and_then(Option::as_ref);
        let event =
            event.ok_or_else(|| bad("`of` is the number of an earlier step that was a sale, from 0"))?;
        let original = Original::of(&event.record.fact, &event.record.at);
        let original = original.ok_or_else(|| bad("only a sale can be refunded"))?;
        let sale = original.sale.ok_or_else(|| bad("only a sale can be refunded"))?;
        let of = event.reference();
        let before = TakenBack::by(self.reversals(of));
        let quantities = match &case.lines {
            RefundLines::Word(word) if word == "all" => None,
            RefundLines::Word(_) => return Err(bad("lines are \"all\" or a quantity for each article")),
            RefundLines::Some(wanted) => Some(spread(sale, &before, wanted)),
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
        json!({
            "total": answer.total.to_string(),
            "lines": answer.lines,
            "earned": units(&answer.earned),
            "spent": units(&answer.spent),
            "balances": self.balances(at),
            "vouchers": answer.vouchers,
            "refused": answer.refused,
            "trace": answer.trace,
        })
    }
}

/// What a step says beside the balances.
#[derive(Debug, Default)]
struct Answer {
    total: Money,
    lines: Vec<Value>,
    earned: BTreeMap<Unit, i64>,
    spent: BTreeMap<Unit, i64>,
    vouchers: Vec<Value>,
    refused: Vec<Value>,
    trace: Vec<Value>,
}

impl Answer {
    fn of_sale(outcome: &Outcome) -> Self {
        let mut spent = outcome.spent();
        if outcome.stored != Money::ZERO {
            let sum = spent.entry(Unit::euro()).or_default();
            *sum = sum.saturating_add(outcome.stored.0);
        }
        let line = |line: &crate::rules::LineResult| {
            let (gross, discount) = (line.gross.to_string(), line.discount.to_string());
            json!({"sku": line.sku, "gross": gross, "discount": discount, "paid": line.paid.to_string()})
        };
        let refused =
            |refusal: &crate::rules::Refusal| json!({"reward": refusal.reward, "reason": refusal.reason});
        Self {
            total: outcome.total,
            lines: outcome.lines.iter().map(line).collect(),
            earned: outcome.earned(),
            spent,
            vouchers: outcome
                .vouchers()
                .map(|award| voucher(&award.unit, award.amount, award.last))
                .collect(),
            refused: outcome.refused.iter().map(refused).collect(),
            trace: outcome.trace.iter().map(trace).collect(),
        }
    }

    /// A refund answers with what goes the other way: paid back, taken back and given back are negative.
    fn of_refund(outcome: &Outcome, reversed: &Reversed) -> Self {
        let back = outcome.lines.iter().zip(&reversed.lines).filter(|(_, back)| **back != Money::ZERO);
        let line = |(line, back): (&crate::rules::LineResult, &Money)| {
            let paid = (-*back).to_string();
            json!({"sku": line.sku, "gross": paid, "discount": "0.00", "paid": paid})
        };
        let negative =
            |sums: &BTreeMap<Unit, i64>| sums.iter().map(|(unit, sum)| (unit.clone(), -sum)).collect();
        Self {
            total: -reversed.refund,
            lines: back.map(line).collect(),
            earned: negative(&reversed.taken_back),
            spent: negative(&reversed.given_back),
            ..Self::default()
        }
    }

    fn of_refusal(error: &ReverseError) -> Self {
        let reason = match error {
            ReverseError::NothingLeft => "nothing-left",
            ReverseError::TooMuch { .. } => "too-much",
            ReverseError::NoSuchLines => "no-such-lines",
        };
        Self { refused: vec![json!({"reward": null, "reason": reason})], ..Self::default() }
    }
}

fn units(sums: &BTreeMap<Unit, i64>) -> Value {
    let shown = sums.iter().filter(|(unit, _)| !unit.name().starts_with(VOUCHER_PREFIX));
    shown.map(|(unit, &amount)| (unit.name().to_owned(), Value::from(unit.format(amount)))).collect()
}

fn voucher(unit: &Unit, amount: i64, last: Option<Day>) -> Value {
    let name = unit.name().strip_prefix(VOUCHER_PREFIX).unwrap_or_default();
    let (programme, reward) = name.split_once(':').unwrap_or(("", name));
    json!({"programme": programme, "reward": reward, "count": unit.format(amount), "last_day": last})
}

fn trace(step: &TraceStep) -> Value {
    json!({
        "code": step.code,
        "programme": step.programme,
        "rule": step.rule,
        "values": step.values,
        "de": sentence(step, Language::De),
        "en": sentence(step, Language::En),
    })
}

impl CaseSale {
    fn read(&self) -> Result<Sale, String> {
        let lines = self.lines.iter().map(CaseLine::read).collect::<Result<_, _>>()?;
        let tender =
            |tender: &CaseTender| Ok(Tender { kind: tender.kind, amount: money("amount", tender.amount)? });
        let claim = |claim: &CaseClaim| -> Result<Claim, String> {
            let times = claim.times;
            let whole = times.fits(0).then(|| u32::try_from(times.at_scale(0)).ok()).flatten();
            Ok(Claim {
                programme: claim.programme.clone(),
                reward: claim.reward.clone(),
                times: whole.ok_or_else(|| format!("{times} is not a number of times"))?,
                sku: claim.sku.clone(),
                extra: claim.extra,
            })
        };
        Ok(Sale {
            lines,
            tenders: self.tenders.iter().map(tender).collect::<Result<_, String>>()?,
            claims: self.claims.iter().map(claim).collect::<Result<_, String>>()?,
            codes: self.codes.clone(),
        })
    }
}

impl CaseLine {
    fn read(&self) -> Result<Line, String> {
        if !self.quantity.fits(3) {
            return Err(format!(
                "a quantity has at most three digits after the point, not {}",
                self.quantity
            ));
        }
        if self.vat < Decimal::ZERO || self.vat > Decimal::whole(100) || !self.vat.fits(2) {
            return Err(format!("{} is no tax rate in per cent", self.vat));
        }
        Ok(Line {
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            quantity: Quantity(self.quantity.at_scale(3)),
            price: money("price", self.price)?,
            vat: Rate(self.vat.at_scale(2) as i32),
            deposit: self.deposit,
            stored: self.stored,
        })
    }
}

fn money(what: &str, amount: Decimal) -> Result<Money, String> {
    if !amount.fits(Money::SCALE) {
        return Err(format!("{what} {amount}: money has at most two digits after the point"));
    }
    Ok(amount.money())
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

/// Whether the birthday (`1990-05-04` or `05-04`) falls into the week, Monday to Sunday, of that day.
fn is_birthday_week(text: &str, day: Day) -> bool {
    let monday = day.plus_days(-i32::from(day.civil().weekday().to_monday_zero_offset()));
    let month_and_day = text.get(text.len().saturating_sub(5)..).unwrap_or_default();
    (0..7).any(|days| monday.plus_days(days).to_string().ends_with(month_and_day) && month_and_day.len() == 5)
}
