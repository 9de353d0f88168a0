//! What happens at the counter: stamps, sales, redemptions, undo, refund.
//!
//! Each action is one event: read the member's facts, ask the rules, sign, store, answer. When the answer is
//! there, the event is on the disk.

use std::collections::BTreeMap;

use stempel_domain::event::{Fact, Loyalty, Record, Reversal, ReversalReason, SaleFact, StampFact};
use stempel_domain::member::effect_of;
use stempel_domain::programme::Published;
use stempel_domain::rules::{self, Outcome, PlaceFacts, ReverseError, Take, TakeBack, codes};
use stempel_domain::sale::{Claim, Order, Sale, StampCount, StampOrder, Tender, TenderKind};
use stempel_domain::{
    Account, Event, EventRef, MemberFacts, MemberId, MemberState, Moment, Money, Posting, ProgrammeId, Unit,
};

use crate::cards::Who;
use crate::{Operator, Terminal, TerminalError};

/// How often an action may be asked for at once: more is a slip of the finger.
pub const STAMPS_MAX: u32 = 100;

/// Circumstances of an action that are the same for all kinds.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Who does it.
    pub operator: Operator,
    /// A key that makes the action happen once, however often it is asked for.
    pub key: Option<String>,
    /// A time that a script names, in milliseconds and minutes of offset; none: now.
    pub at: Option<(i64, i16)>,
    /// A person at the counter asked for it, who knows what was sold: the pause between two scans does not
    /// count.
    pub by_hand: bool,
}

/// What an action gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The event; none if nothing was to be recorded (the card was counted a moment ago).
    pub event: Option<EventRef>,
    /// Whose it was; none for a guest without a card.
    pub member: Option<MemberId>,
    /// What the rules gave, and why.
    pub outcome: Outcome,
    /// What the member holds now, of every unit ever held.
    pub balances: BTreeMap<Unit, i64>,
    /// When.
    pub at: Moment,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The event that says so.
    pub event: EventRef,
    /// What it took back.
    pub of: EventRef,
    /// Whose it was.
    pub member: Option<MemberId>,
    /// What the member holds now.
    pub balances: BTreeMap<Unit, i64>,
    /// Money to hand back, in minor units.
    pub money_back: Money,
}

impl Terminal {
    /// Gives stamps for `count` countable things; with claims, some of them may be free.
    pub fn stamp(
        &mut self,
        code: &str,
        programme: Option<&ProgrammeId>,
        count: u32,
        claims: Vec<Claim>,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if count == 0 && claims.is_empty() {
            return Err(TerminalError::Input("nothing is counted and no reward is taken".into()));
        }
        if count > STAMPS_MAX {
            return Err(TerminalError::Input(format!("at most {STAMPS_MAX} at once")));
        }
        let stamps = match count {
            0 => Vec::new(),
            _ => vec![StampCount { programme: self.stamp_programme(programme)?, count }],
        };
        self.record_stamps(code, StampOrder { stamps, claims }, how)
    }

    /// Gives one reward, beside any sale.
    pub fn redeem(&mut self, code: &str, claim: Claim, how: &Circumstances) -> Result<Given, TerminalError> {
        let claims = vec![Claim { extra: true, ..claim }];
        self.record_stamps(code, StampOrder { stamps: Vec::new(), claims }, how)
    }

    /// The stamp-card programme that a plain scan is for: the named one, or the first there is.
    pub fn stamp_programme(&self, named: Option<&ProgrammeId>) -> Result<ProgrammeId, TerminalError> {
        let found: Option<&Published> = match named {
            Some(id) => self.book.find(id),
            None => self.programmes().iter().find(|published| published.programme.unit().is_stamp()),
        };
        found.map(|published| published.reference.id.clone()).ok_or_else(|| match named {
            Some(id) => TerminalError::Unknown(id.to_string()),
            None => TerminalError::NotNow("no stamp-card programme is in force here".into()),
        })
    }

    fn record_stamps(
        &mut self,
        code: &str,
        order: StampOrder,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        rules::check_order(Order::Stamps(&order)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        let (state, joined) = self.begin(&who)?;
        let (facts, outcome) = self.judge(&state, Order::Stamps(&order), &at, how.by_hand);
        if !outcome.refused.is_empty() {
            return Err(TerminalError::Refused(outcome.refused, outcome.trace));
        }
        if is_repeat(&outcome) {
            let balances = state.balances(at.day);
            return Ok(Given { event: None, member: Some(who.member()), outcome, balances, at });
        }
        let stamp = self.stamp_fact(&who, order, facts, &outcome, &at);
        let facts = joined.into_iter().chain([stamp]).collect();
        let event = self.record_action(at, how, facts)?;
        self.given(event, Some(who.member()), outcome, at)
    }

    /// Records a sale that was paid. Without a code it is a guest without a card.
    pub fn sale(
        &mut self,
        code: Option<&str>,
        sale: Sale,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        if sale.lines.is_empty() && sale.claims.is_empty() {
            return Err(TerminalError::Input("there is nothing in the basket".into()));
        }
        rules::check_order(Order::Sale(&sale)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let who = code.map(|code| self.who(code)).transpose()?;
        let at = self.moment(how.at)?;
        let (state, joined) = match &who {
            Some(who) => self.begin(who)?,
            None => (MemberState::default(), None),
        };
        let (facts, outcome) = match &who {
            Some(_) => self.judge(&state, Order::Sale(&sale), &at, how.by_hand),
            None => {
                let outcome = rules::evaluate(&self.book, None, Order::Sale(&sale), self.identity.shop, &at);
                (MemberFacts::default(), outcome)
            }
        };
        if !outcome.refused.is_empty() {
            return Err(TerminalError::Refused(outcome.refused, outcome.trace));
        }
        let member = who.as_ref().map(Who::member);
        let sale = settled(sale, &outcome);
        let fact = SaleFact {
            shop: self.identity.shop,
            postings: rules::sale_postings(&sale, &outcome, member, self.identity.shop, at.day),
            loyalty: who.as_ref().map(|who| self.loyalty(who, facts)),
            outcome: outcome.clone(),
            sale,
            place: PlaceFacts::default(),
        };
        let facts = joined.into_iter().chain([Fact::Sale(Box::new(fact))]).collect();
        let event = self.record_action(at, how, facts)?;
        self.given(event, member, outcome, at)
    }

    /// What an order would give, without recording anything: what the till shows before payment.
    pub fn preview(&self, who: Option<&Who>, order: Order<'_>) -> Result<Outcome, TerminalError> {
        rules::check_order(order).map_err(|error| TerminalError::Input(error.to_string()))?;
        let at = self.moment(None)?;
        Ok(match who {
            Some(who) => self.judge(&self.begin(who)?.0, order, &at, true).1,
            None => rules::evaluate(&self.book, None, order, self.identity.shop, &at),
        })
    }

    /// Takes a whole event back at once: a slip of the finger.
    pub fn undo(&mut self, of: EventRef, how: &Circumstances) -> Result<TakenBack, TerminalError> {
        self.take_back(of, ReversalReason::Undo, &BTreeMap::new(), how)
    }

    /// Takes goods of a sale back: the named quantities in thousandths by line, or everything that is left.
    pub fn refund(
        &mut self,
        of: EventRef,
        quantities: &BTreeMap<usize, i64>,
        how: &Circumstances,
    ) -> Result<TakenBack, TerminalError> {
        self.take_back(of, ReversalReason::Refund, quantities, how)
    }

    /// What was taken back of an event so far, as far as it is known here.
    pub fn taken_back(&self, of: EventRef) -> Result<rules::TakenBack, TerminalError> {
        Ok(rules::TakenBack::by(&self.reversals_of(of)?))
    }

    fn take_back(
        &mut self,
        of: EventRef,
        reason: ReversalReason,
        quantities: &BTreeMap<usize, i64>,
        how: &Circumstances,
    ) -> Result<TakenBack, TerminalError> {
        if let Some(before) = self.taken_back_before(how)? {
            return Ok(before);
        }
        let at = self.moment(how.at)?;
        let (fact, money_back) = self.plan_reversal(of, reason, quantities, &at)?;
        let member = fact.member;
        let event = self.record_action(at, how, vec![Fact::Reversal(Box::new(fact))])?;
        let balances = self.balances_of(member, &at)?;
        Ok(TakenBack { event, of, member, balances, money_back })
    }

    /// What an event's reversal would be, and the money that it hands back.
    fn plan_reversal(
        &self,
        of: EventRef,
        reason: ReversalReason,
        quantities: &BTreeMap<usize, i64>,
        at: &Moment,
    ) -> Result<(Reversal, Money), TerminalError> {
        let record = self.event(of)?.record;
        let original = rules::Original::of(&record.fact, &record.at)
            .ok_or_else(|| TerminalError::NotNow("only sales and stamps can be taken back".into()))?;
        let earlier = self.reversals_of(of)?;
        let member = original.member;
        let state = match member {
            Some(member) => self.view().member(member)?.unwrap_or_default(),
            None => MemberState::default(),
        };
        let lines = original.sale.map_or(0, |sale| sale.lines.len());
        let asked: Vec<i64> = (0..lines).map(|line| quantities.get(&line).copied().unwrap_or(0)).collect();
        let take = if quantities.is_empty() { Take::Everything } else { Take::Quantities(&asked) };
        let before = rules::TakenBack::by(&earlier);
        let wish = TakeBack { take, reason, before: &before, purses: &state.purses, at };
        let reversed = rules::reverse(&original, &wish).map_err(|error| match error {
            ReverseError::NothingLeft => TerminalError::AlreadyReversed(of),
            error => TerminalError::NotNow(error.to_string()),
        })?;
        let money_back = reversed.refund;
        Ok((reversed.into_reversal(of, member, reason), money_back))
    }

    /// Takes stamps that were just given back and gives them again, one of them free: both or neither.
    pub fn free_among(
        &mut self,
        of: EventRef,
        code: &str,
        count: u32,
        claim: Claim,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        let (reversal, _) = self.plan_reversal(of, ReversalReason::Undo, &BTreeMap::new(), &at)?;
        let reversal = Fact::Reversal(Box::new(reversal));
        let mut state = self.view().member(who.member())?.unwrap_or_default();
        let record = Record { at, operator: how.operator.clone(), fact: reversal.clone() };
        if let Some((_, effect)) = effect_of(&Event { author: self.identity.device, seq: 0, record }) {
            state.apply(&effect);
        }
        let stamps = vec![StampCount { programme: self.stamp_programme(None)?, count }];
        let order = StampOrder { stamps, claims: vec![claim] };
        rules::check_order(Order::Stamps(&order)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let (facts, outcome) = self.judge(&state, Order::Stamps(&order), &at, true);
        if !outcome.refused.is_empty() {
            return Err(TerminalError::Refused(outcome.refused, outcome.trace));
        }
        let stamp = self.stamp_fact(&who, order, facts, &outcome, &at);
        let event = self.record_action(at, how, vec![reversal, stamp])?;
        self.given(event, Some(who.member()), outcome, at)
    }

    fn stamp_fact(
        &self,
        who: &Who,
        order: StampOrder,
        facts: MemberFacts,
        outcome: &Outcome,
        at: &Moment,
    ) -> Fact {
        Fact::Stamp(Box::new(StampFact {
            shop: self.identity.shop,
            postings: outcome.postings(who.member(), self.identity.shop, at.day),
            order,
            loyalty: self.loyalty(who, facts),
            outcome: outcome.clone(),
            place: PlaceFacts::default(),
        }))
    }

    /// The earlier reversals of an event, as far as they are known here.
    fn reversals_of(&self, of: EventRef) -> Result<Vec<Reversal>, TerminalError> {
        let mut found = Vec::new();
        for reference in self.view().reversals_of(of)? {
            if let Fact::Reversal(reversal) = self.event(reference)?.record.fact {
                found.push(*reversal);
            }
        }
        Ok(found)
    }

    fn judge(
        &self,
        state: &MemberState,
        order: Order<'_>,
        at: &Moment,
        by_hand: bool,
    ) -> (MemberFacts, Outcome) {
        let facts = MemberFacts { by_hand, ..self.facts(state, at) };
        let outcome = rules::evaluate(&self.book, Some(&facts), order, self.identity.shop, at);
        (facts, outcome)
    }

    /// What the rules may read of a member, without what none of them reads.
    pub(crate) fn facts(&self, state: &MemberState, at: &Moment) -> MemberFacts {
        let mut facts = state.facts(at);
        self.book.trim(&mut facts, at.day);
        facts
    }

    fn loyalty(&self, who: &Who, facts: MemberFacts) -> Loyalty {
        Loyalty {
            member: who.member(),
            card: who.card(),
            rules: rules::VERSION,
            programmes: self.book.references(),
            facts,
        }
    }

    /// Records facts under the circumstances' key; the last one is the action itself.
    fn record_action(
        &mut self,
        at: Moment,
        how: &Circumstances,
        facts: Vec<Fact>,
    ) -> Result<EventRef, TerminalError> {
        self.record(at, &how.operator, facts, |write, events| {
            let event = events[events.len() - 1];
            if let Some(key) = &how.key {
                write.remember(key, &event.to_string())?;
            }
            Ok(event)
        })
    }

    fn answered(&self, how: &Circumstances) -> Result<Option<EventRef>, TerminalError> {
        let Some(key) = &how.key else { return Ok(None) };
        let answer = self.view().answered(key)?;
        Ok(answer.map(|text| text.parse()).transpose()?)
    }

    fn given_before(&self, how: &Circumstances) -> Result<Option<Given>, TerminalError> {
        let Some(event) = self.answered(how)? else { return Ok(None) };
        let record = self.event(event)?.record;
        let (member, outcome) = match record.fact {
            Fact::Stamp(fact) => (Some(fact.loyalty.member), fact.outcome),
            Fact::Sale(fact) => (fact.loyalty.map(|loyalty| loyalty.member), fact.outcome),
            _ => return Err(key_used_otherwise()),
        };
        self.given(event, member, outcome, record.at).map(Some)
    }

    fn taken_back_before(&self, how: &Circumstances) -> Result<Option<TakenBack>, TerminalError> {
        let Some(event) = self.answered(how)? else { return Ok(None) };
        let record = self.event(event)?.record;
        let Fact::Reversal(reversal) = record.fact else { return Err(key_used_otherwise()) };
        let balances = self.balances_of(reversal.member, &record.at)?;
        let money_back = money_back(&reversal.postings);
        Ok(Some(TakenBack { event, of: reversal.of, member: reversal.member, balances, money_back }))
    }

    fn given(
        &self,
        event: EventRef,
        member: Option<MemberId>,
        outcome: Outcome,
        at: Moment,
    ) -> Result<Given, TerminalError> {
        Ok(Given { event: Some(event), member, outcome, balances: self.balances_of(member, &at)?, at })
    }

    fn balances_of(
        &self,
        member: Option<MemberId>,
        at: &Moment,
    ) -> Result<BTreeMap<Unit, i64>, TerminalError> {
        let Some(member) = member else { return Ok(BTreeMap::new()) };
        Ok(self.view().member(member)?.unwrap_or_default().balances(at.day))
    }
}

/// Whether the rules gave nothing because the same card was counted a moment ago: that is no new fact.
fn is_repeat(outcome: &Outcome) -> bool {
    let nothing = outcome.awards.is_empty() && outcome.spends.is_empty();
    nothing
        && outcome.trace.iter().any(|step| step.code == codes::TOO_SOON || step.code == codes::VISIT_COUNTED)
}

/// The sale with what each tender really paid: stored value what the rules let it, the rest in the first other
/// way that was named, else in cash.
fn settled(mut sale: Sale, outcome: &Outcome) -> Sale {
    let other = sale.tenders.iter().map(|tender| tender.kind).find(|kind| *kind != TenderKind::Stored);
    let rest = outcome.total - outcome.stored;
    sale.tenders.clear();
    if outcome.stored != Money::ZERO {
        sale.tenders.push(Tender { kind: TenderKind::Stored, amount: outcome.stored });
    }
    if rest != Money::ZERO || sale.tenders.is_empty() {
        sale.tenders.push(Tender { kind: other.unwrap_or(TenderKind::Cash), amount: rest });
    }
    sale
}

/// What a reversal hands back in cash or to a card: what left the till's account.
fn money_back(postings: &[Posting]) -> Money {
    let left = postings.iter().filter(|posting| posting.account == Account::Cash);
    Money(-left.map(|posting| posting.amount).sum::<i64>())
}

fn key_used_otherwise() -> TerminalError {
    TerminalError::Input("this key was used for something else before; choose a new one".into())
}
