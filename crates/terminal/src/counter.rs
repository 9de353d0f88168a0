//! What happens at the counter: stamps, sales, redemptions.
//!
//! Each action is one event: read the member's facts, ask the rules, sign, store, answer. When the answer is
//! there, the event is on the disk.

use std::collections::BTreeMap;

use stempel_domain::event::{Fact, Loyalty, Record, SaleFact, StampFact};
use stempel_domain::member::effect_of;
use stempel_domain::programme::Published;
use stempel_domain::proof::Proof;
use stempel_domain::rules::{self, Outcome, PlaceFacts, codes};
use stempel_domain::sale::{Claim, Order, Sale, StampCount, StampOrder, TenderKind};
use stempel_domain::{Event, EventRef, MemberFacts, MemberId, MemberState, Moment, ProgrammeId, Unit};

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

/// A judgement, with what the rules read for it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// Of the member.
    pub facts: MemberFacts,
    /// Of this device.
    pub place: PlaceFacts,
    /// What the rules gave.
    pub outcome: Outcome,
}

/// An action that was judged and is not written yet.
#[derive(Debug)]
pub(crate) struct Planned {
    /// What is written, in this order, all or nothing; empty where nothing is to be recorded.
    pub(crate) facts: Vec<Fact>,
    /// Which of them is the action itself.
    pub(crate) place: usize,
    pub(crate) member: Option<MemberId>,
    pub(crate) outcome: Outcome,
    pub(crate) at: Moment,
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
        self.record_stamps(code, StampOrder { stamps, claims }, None, how)
    }

    /// Gives one reward, beside any sale.
    pub fn redeem(&mut self, code: &str, claim: Claim, how: &Circumstances) -> Result<Given, TerminalError> {
        let claims = vec![Claim { extra: true, ..claim }];
        self.record_stamps(code, StampOrder { stamps: Vec::new(), claims }, None, how)
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

    pub(crate) fn record_stamps(
        &mut self,
        code: &str,
        order: StampOrder,
        proof: Option<Proof>,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        let planned = self.reading(|terminal| terminal.plan_stamps(code, order, proof, how))?;
        self.carry_out(planned, how)
    }

    fn plan_stamps(
        &self,
        code: &str,
        order: StampOrder,
        proof: Option<Proof>,
        how: &Circumstances,
    ) -> Result<Planned, TerminalError> {
        rules::check_order(Order::Stamps(&order)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        let (state, joined) = self.begin(&who, &at)?;
        let judged = granted(self.judge(Some(&state), Order::Stamps(&order), &at, how.by_hand, &[])?)?;
        let outcome = judged.outcome.clone();
        self.guard_spending(code, &outcome, &at)?;
        if is_repeat(&outcome) {
            return Ok(Planned { facts: Vec::new(), place: 0, member: Some(who.member()), outcome, at });
        }
        let stamp = self.stamp_fact(&who, order, judged, proof, &at);
        self.with_dues(joined.into_iter().collect(), stamp, outcome, at)
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
        let planned = self.reading(|terminal| terminal.plan_sale(code, sale, how))?;
        self.carry_out(planned, how)
    }

    fn plan_sale(
        &self,
        code: Option<&str>,
        sale: Sale,
        how: &Circumstances,
    ) -> Result<Planned, TerminalError> {
        if sale.lines.is_empty() && sale.claims.is_empty() {
            return Err(TerminalError::Input("there is nothing in the basket".into()));
        }
        rules::check_order(Order::Sale(&sale)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let who = code.map(|code| self.who(code)).transpose()?;
        let at = self.moment(how.at)?;
        let (state, joined) = who.as_ref().map(|who| self.begin(who, &at)).transpose()?.unzip();
        let order = Order::Sale(&sale);
        let judged = granted(self.judge(state.as_ref(), order, &at, how.by_hand, &[])?)?;
        let outcome = judged.outcome;
        if let Some(code) = code {
            self.guard_spending(code, &outcome, &at)?;
        }
        let member = who.as_ref().map(Who::member);
        let sale = rules::settled(sale, &outcome, TenderKind::Cash);
        let fact = SaleFact {
            shop: self.identity.shop,
            postings: rules::sale_postings(&sale, &outcome, member, self.identity.shop, at.day),
            loyalty: who.as_ref().map(|who| self.loyalty(who, judged.facts)),
            outcome: outcome.clone(),
            sale,
            place: judged.place,
        };
        let (joined, sale) = (joined.flatten().into_iter().collect(), Fact::Sale(Box::new(fact)));
        self.with_dues(joined, sale, outcome, at)
    }

    /// What an order would give, without recording anything: what the till shows before payment.
    pub fn preview(&self, who: Option<&Who>, order: Order<'_>) -> Result<Outcome, TerminalError> {
        rules::check_order(order).map_err(|error| TerminalError::Input(error.to_string()))?;
        self.reading(|terminal| {
            let at = terminal.moment(None)?;
            let state = who.map(|who| terminal.begin(who, &at)).transpose()?.map(|(state, _)| state);
            Ok(terminal.judge(state.as_ref(), order, &at, true, &[])?.outcome)
        })
    }

    pub(crate) fn stamp_fact(
        &self,
        who: &Who,
        order: StampOrder,
        judged: Judged,
        proof: Option<Proof>,
        at: &Moment,
    ) -> Fact {
        let shop = self.identity.shop;
        Fact::Stamp(Box::new(StampFact {
            shop,
            postings: judged.outcome.postings(who.member(), shop, at.day),
            order,
            loyalty: self.loyalty(who, judged.facts),
            outcome: judged.outcome,
            place: judged.place,
            proof,
        }))
    }

    /// Asks the rules. `pending` is what is written in the same transaction and not yet stored.
    pub(crate) fn judge(
        &self,
        state: Option<&MemberState>,
        order: Order<'_>,
        at: &Moment,
        by_hand: bool,
        pending: &[Fact],
    ) -> Result<Judged, TerminalError> {
        let facts = state.map(|state| MemberFacts { by_hand, ..self.facts(state, at) });
        let place = self.place(at, pending)?;
        let outcome = rules::evaluate(&self.book, facts.as_ref(), order, place.clone(), at);
        Ok(Judged { facts: facts.unwrap_or_default(), place: place.facts, outcome })
    }

    /// A member's state with what facts that are not written yet do to it.
    pub(crate) fn state_after(
        &self,
        member: MemberId,
        pending: &[Fact],
        at: &Moment,
    ) -> Result<MemberState, TerminalError> {
        let mut state = self.view().member(member)?.unwrap_or_default();
        for fact in pending {
            let record = Record { at: *at, operator: None, fact: fact.clone() };
            let event = Event { author: self.identity.device, seq: 0, record };
            if let Some((_, effect)) = effect_of(&event).filter(|(whose, _)| *whose == member) {
                state.apply(&effect);
            }
        }
        Ok(state)
    }

    /// What the rules may read of a member, without what none of them reads.
    pub(crate) fn facts(&self, state: &MemberState, at: &Moment) -> MemberFacts {
        let mut facts = state.facts(at);
        self.book.trim(&mut facts, at.day);
        facts
    }

    pub(crate) fn loyalty(&self, who: &Who, facts: MemberFacts) -> Loyalty {
        Loyalty {
            member: who.member(),
            card: who.card(),
            rules: rules::VERSION,
            programmes: self.book.references(),
            facts,
        }
    }

    /// An action after what belongs before it, and after it what others are due because of it.
    pub(crate) fn with_dues(
        &self,
        before: Vec<Fact>,
        action: Fact,
        outcome: Outcome,
        at: Moment,
    ) -> Result<Planned, TerminalError> {
        let (mut facts, member) = (before, action.member());
        let place = facts.len();
        facts.push(action);
        let dues = self.dues(&outcome, member, &facts, &at)?;
        facts.extend(dues);
        Ok(Planned { facts, place, member, outcome, at })
    }

    /// Writes what was planned, and says what the member holds then.
    pub(crate) fn carry_out(
        &mut self,
        planned: Planned,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        let Planned { facts, place, member, outcome, at } = planned;
        if facts.is_empty() {
            return Ok(Given { event: None, member, outcome, balances: self.balances_of(member, &at)?, at });
        }
        let event = self.record_action(at, how, facts, place)?;
        self.given(event, member, outcome, at)
    }

    /// Records facts of which the last one is the action itself.
    pub(crate) fn record_last(
        &mut self,
        at: Moment,
        how: &Circumstances,
        facts: Vec<Fact>,
    ) -> Result<EventRef, TerminalError> {
        let place = facts.len().saturating_sub(1);
        self.record_action(at, how, facts, place)
    }

    /// Records facts under the circumstances' key; the one at `place` is the action itself.
    pub(crate) fn record_action(
        &mut self,
        at: Moment,
        how: &Circumstances,
        facts: Vec<Fact>,
        place: usize,
    ) -> Result<EventRef, TerminalError> {
        self.record(at, &how.operator, facts, |write, events| {
            let event = events[place];
            if let Some(key) = &how.key {
                write.remember(key, &event.to_string())?;
            }
            Ok(event)
        })
    }

    pub(crate) fn answered(&self, how: &Circumstances) -> Result<Option<EventRef>, TerminalError> {
        let Some(key) = &how.key else { return Ok(None) };
        let answer = self.view().answered(key)?;
        Ok(answer.map(|text| text.parse()).transpose()?)
    }

    pub(crate) fn given_before(&self, how: &Circumstances) -> Result<Option<Given>, TerminalError> {
        let Some(event) = self.answered(how)? else { return Ok(None) };
        let record = self.event(event)?.record;
        let (member, outcome) = match record.fact {
            Fact::Stamp(fact) => (Some(fact.loyalty.member), fact.outcome),
            Fact::Sale(fact) => (fact.loyalty.map(|loyalty| loyalty.member), fact.outcome),
            Fact::Grant(fact) => (Some(fact.loyalty.member), fact.outcome),
            _ => return Err(key_used_otherwise()),
        };
        self.given(event, member, outcome, record.at).map(Some)
    }

    pub(crate) fn given(
        &self,
        event: EventRef,
        member: Option<MemberId>,
        outcome: Outcome,
        at: Moment,
    ) -> Result<Given, TerminalError> {
        Ok(Given { event: Some(event), member, outcome, balances: self.balances_of(member, &at)?, at })
    }

    pub(crate) fn balances_of(
        &self,
        member: Option<MemberId>,
        at: &Moment,
    ) -> Result<BTreeMap<Unit, i64>, TerminalError> {
        let Some(member) = member else { return Ok(BTreeMap::new()) };
        Ok(self.view().member(member)?.unwrap_or_default().balances(at.day))
    }
}

/// The judgement, if every reward that was asked for is given.
pub(crate) fn granted(judged: Judged) -> Result<Judged, TerminalError> {
    if judged.outcome.refused.is_empty() {
        return Ok(judged);
    }
    Err(TerminalError::Refused(judged.outcome.refused, judged.outcome.trace))
}

/// Whether the rules gave nothing because the same card was counted a moment ago: that is no new fact.
fn is_repeat(outcome: &Outcome) -> bool {
    let nothing = outcome.awards.is_empty() && outcome.spends.is_empty() && outcome.grants.is_empty();
    nothing
        && outcome.trace.iter().any(|step| step.code == codes::TOO_SOON || step.code == codes::VISIT_COUNTED)
}

pub(crate) fn key_used_otherwise() -> TerminalError {
    TerminalError::Input("this key was used for something else before; choose a new one".into())
}
