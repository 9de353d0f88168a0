//! Undo and refund: an event is taken back by a further one, once, with what others were given because of it.

use std::collections::BTreeMap;

use stempel_domain::event::{Fact, Reversal, ReversalReason};
use stempel_domain::rules::{self, Original, Outcome, ReverseError, Spend, Take, TakeBack};
use stempel_domain::sale::{Claim, Order, StampOrder};
use stempel_domain::{Account, Event, EventRef, Grant, MemberId, MemberState, Moment, Money, Posting, Unit};

use crate::cards::Who;
use crate::counter::{Circumstances, Given, Planned, granted, key_used_otherwise};
use crate::paper::paper_card;
use crate::{Terminal, TerminalError};

/// So many rows are looked through for the reversal that a free one stands behind: it, and what others lose by it.
const TOGETHER_MAX: usize = 16;

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

/// What taking back would write.
pub(crate) struct Plan {
    pub reversal: Reversal,
    pub money_back: Money,
    /// What others were given because of the event is taken back with it.
    pub dues_back: Vec<Reversal>,
}

/// What is taken back by facts that are not written yet.
struct TakingBack {
    of: EventRef,
    member: Option<MemberId>,
    money_back: Money,
}

impl Plan {
    fn taking_back(&self, of: EventRef) -> TakingBack {
        TakingBack { of, member: self.reversal.member, money_back: self.money_back }
    }

    fn facts(self) -> Vec<Fact> {
        // What goes back with it is no more a slip than itself.
        let planned = self.reversal.planned;
        let all = std::iter::once(self.reversal).chain(self.dues_back);
        all.map(|reversal| Fact::Reversal(Box::new(Reversal { planned, ..reversal }))).collect()
    }
}

impl Terminal {
    /// Takes a whole event back at once: a slip of the finger. Stamps that were taken back so that one of them could be
    /// free are given again, and everything is as before.
    pub fn undo(&mut self, of: EventRef, how: &Circumstances) -> Result<TakenBack, TerminalError> {
        if let Some(before) = self.taken_back_before(how)? {
            return Ok(before);
        }
        match self.reading(|terminal| terminal.plan_as_before(of, how))? {
            None => self.reverse(of, ReversalReason::Undo, &BTreeMap::new(), how),
            Some(Planned { facts, member, at, .. }) => {
                let back = TakingBack { of, member, money_back: Money::ZERO };
                self.write_back(back, facts, at, how)
            }
        }
    }

    /// What is written where stamps with a free one among them are taken back: what was there before comes again. None
    /// for any other event, and where the rules would give nothing again.
    fn plan_as_before(&self, of: EventRef, how: &Circumstances) -> Result<Option<Planned>, TerminalError> {
        let event = self.event(of)?;
        if self.free_instead_of(&event)?.is_none() {
            return Ok(None);
        }
        let Fact::Stamp(stamp) = event.record.fact else { return Ok(None) };
        let who = Who::Member { member: stamp.loyalty.member, card: stamp.loyalty.card };
        let planned = self.plan_anew(of, &who, Vec::new(), how)?;
        Ok((!planned.outcome.awards.is_empty()).then_some(planned))
    }

    /// Takes goods of a sale back: the named quantities in thousandths by line, or everything that is left.
    pub fn refund(
        &mut self,
        of: EventRef,
        quantities: &BTreeMap<usize, i64>,
        how: &Circumstances,
    ) -> Result<TakenBack, TerminalError> {
        if let Some(before) = self.taken_back_before(how)? {
            return Ok(before);
        }
        self.reverse(of, ReversalReason::Refund, quantities, how)
    }

    /// What was taken back of an event so far, as far as it is known here.
    pub fn taken_back(&self, of: EventRef) -> Result<rules::TakenBack, TerminalError> {
        Ok(rules::TakenBack::by(&self.reversals_of(of)?))
    }

    /// Takes back what was given to be taken back: a test.
    pub(crate) fn end_test(&mut self, of: EventRef) -> Result<TakenBack, TerminalError> {
        let (how, at) = (Circumstances::default(), self.moment(None)?);
        let mut plan = self.plan_reversal(of, ReversalReason::Undo, &BTreeMap::new(), &at)?;
        plan.reversal.planned = true;
        self.write_back(plan.taking_back(of), plan.facts(), at, &how)
    }

    fn reverse(
        &mut self,
        of: EventRef,
        reason: ReversalReason,
        quantities: &BTreeMap<usize, i64>,
        how: &Circumstances,
    ) -> Result<TakenBack, TerminalError> {
        let at = self.moment(how.at)?;
        let plan = self.plan_reversal(of, reason, quantities, &at)?;
        self.write_back(plan.taking_back(of), plan.facts(), at, how)
    }

    /// Writes facts of which the first takes the event back.
    fn write_back(
        &mut self,
        back: TakingBack,
        facts: Vec<Fact>,
        at: Moment,
        how: &Circumstances,
    ) -> Result<TakenBack, TerminalError> {
        let TakingBack { of, member, money_back } = back;
        let event = self.record_action(at, how, facts, 0)?;
        let balances = self.balances_of(member, &at)?;
        Ok(TakenBack { event, of, member, balances, money_back })
    }

    /// What an event's reversal would be, and the money that it hands back.
    pub(crate) fn plan_reversal(
        &self,
        of: EventRef,
        reason: ReversalReason,
        quantities: &BTreeMap<usize, i64>,
        at: &Moment,
    ) -> Result<Plan, TerminalError> {
        let record = self.event(of)?.record;
        if let Some((_, adjustment)) = paper_card(&record.fact) {
            let reversal = self.paper_back(of, adjustment, at)?;
            return Ok(Plan { reversal, money_back: Money::ZERO, dues_back: Vec::new() });
        }
        let original = Original::of(&record.fact, &record.at).ok_or_else(|| {
            TerminalError::NotNow("only sales, stamps and what was given for a deed can be taken back".into())
        })?;
        let earlier = self.reversals_of(of)?;
        let member = original.member;
        self.knows_its_own(member)?;
        let state = match member {
            Some(member) => self.view().member(member)?.unwrap_or_default(),
            None => MemberState::default(),
        };
        let lines = original.sale.map_or(0, |sale| sale.lines.len());
        let asked: Vec<i64> = (0..lines).map(|line| quantities.get(&line).copied().unwrap_or(0)).collect();
        let take = if quantities.is_empty() { Take::Everything } else { Take::Quantities(&asked) };
        let withdrawn = withdrawn(&state, &original, of);
        let before = rules::TakenBack { withdrawn, ..rules::TakenBack::by(&earlier) };
        let wish = TakeBack { take, reason, before: &before, purses: &state.purses, at };
        let reversed = rules::reverse(&original, &wish).map_err(|error| match error {
            ReverseError::NothingLeft => TerminalError::AlreadyReversed(of),
            error => TerminalError::NotNow(error.to_string()),
        })?;
        let money_back = reversed.refund;
        let reversal = reversed.into_reversal(of, member, reason);
        let dues_back = match is_whole(&reversal, &earlier, &original) {
            true => self.dues_back(of, original.outcome, member, reason, at)?,
            false => Vec::new(),
        };
        Ok(Plan { reversal, money_back, dues_back })
    }

    /// Where the server has shown more of this terminal's journal than the folder holds, the folder is an older copy: what it
    /// would take back may have been taken back in the part that it lacks.
    fn knows_its_own(&self, member: Option<MemberId>) -> Result<(), TerminalError> {
        let device = self.identity().device;
        let base = member.map(|member| self.view().base(member)).transpose()?.flatten();
        let shown = base.and_then(|base| base.includes.get(&device).copied()).unwrap_or(0);
        if shown <= self.view().head(device)?.seq {
            return Ok(());
        }
        Err(TerminalError::NotNow(
            "this folder is an older copy of this terminal, and what was taken back since is not in it; enrol it anew"
                .into(),
        ))
    }

    /// Takes stamps that were just given back and gives them again, one of them free: both or neither.
    pub fn free_among(
        &mut self,
        of: EventRef,
        code: &str,
        claim: Claim,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        let planned = self.plan_free_among(of, code, claim, how)?;
        self.carry_out(planned, how)
    }

    /// Whether one of the stamps that were just given can be a free one: what is left without them has to be enough, and
    /// the reward has to be one of their card.
    pub fn may_be_free_among(&self, of: EventRef, code: &str, claim: Claim, how: &Circumstances) -> bool {
        self.plan_free_among(of, code, claim, how).is_ok_and(|planned| {
            let Some(Fact::Stamp(anew)) = planned.facts.get(planned.place) else { return false };
            let of_card =
                |spend: &Spend| anew.order.stamps.iter().any(|stamp| stamp.programme == spend.programme);
            planned.outcome.spends.iter().all(of_card)
        })
    }

    fn plan_free_among(
        &self,
        of: EventRef,
        code: &str,
        claim: Claim,
        how: &Circumstances,
    ) -> Result<Planned, TerminalError> {
        self.reading(|terminal| terminal.plan_anew(of, &terminal.who(code)?, vec![claim], how))
    }

    /// What is written where stamps are taken back and given again with other claims.
    fn plan_anew(
        &self,
        of: EventRef,
        who: &Who,
        claims: Vec<Claim>,
        how: &Circumstances,
    ) -> Result<Planned, TerminalError> {
        let at = self.moment(how.at)?;
        let Fact::Stamp(before) = self.event(of)?.record.fact else {
            return Err(TerminalError::NotNow("only stamps can be given again".into()));
        };
        let mut back = self.plan_reversal(of, ReversalReason::Undo, &BTreeMap::new(), &at)?;
        // To make one free is no slip; to take that back is one.
        back.reversal.planned = !claims.is_empty();
        let back = back.facts();
        let state = self.state_after(who.member(), &back, &at)?;
        let order = StampOrder { stamps: before.order.stamps, claims };
        rules::check_order(Order::Stamps(&order)).map_err(|error| TerminalError::Input(error.to_string()))?;
        let judged = granted(self.judge(Some(&state), Order::Stamps(&order), &at, true, &back)?)?;
        let outcome: Outcome = judged.outcome.clone();
        // Whatever proved the purchase proves it again.
        let stamp = self.stamp_fact(who, order, judged, before.proof, &at);
        self.with_dues(back, stamp, outcome, at)
    }

    /// The stamps that were taken back so that this event could give them with one of them free; none for any other
    /// event. Both are written at one moment, one behind the other.
    pub(crate) fn free_instead_of(&self, event: &Event) -> Result<Option<EventRef>, TerminalError> {
        let Fact::Stamp(stamp) = &event.record.fact else { return Ok(None) };
        if stamp.order.stamps.is_empty() || stamp.order.claims.iter().all(|claim| claim.extra) {
            return Ok(None);
        }
        for seq in (1..event.seq).rev().take(TOGETHER_MAX) {
            let Some(row) = self.view().row(EventRef { author: event.author, seq })? else { break };
            let Ok(before) = row.event() else { break };
            if before.record.at != event.record.at {
                break;
            }
            if let Fact::Reversal(reversal) = before.record.fact
                && reversal.planned
                && reversal.member == Some(stamp.loyalty.member)
            {
                return Ok(Some(reversal.of));
            }
        }
        Ok(None)
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

    fn taken_back_before(&self, how: &Circumstances) -> Result<Option<TakenBack>, TerminalError> {
        let Some(event) = self.answered(how)? else { return Ok(None) };
        let record = self.event(event)?.record;
        let Fact::Reversal(reversal) = record.fact else { return Err(key_used_otherwise()) };
        let balances = self.balances_of(reversal.member, &record.at)?;
        let money_back = money_back(&reversal.postings);
        Ok(Some(TakenBack { event, of: reversal.of, member: reversal.member, balances, money_back }))
    }
}

/// The rights of an event that were taken back from elsewhere: the member's state no longer has them from it.
fn withdrawn(state: &MemberState, original: &Original<'_>, of: EventRef) -> Vec<Grant> {
    // The keeper of the state forgets rights of years that no rule reads.
    let newest = state.newest.unwrap_or(original.at.day);
    if original.at.day.plus_days(MemberState::COUNTER_DAYS) < newest {
        return Vec::new();
    }
    let stands = |grant: &&Grant| {
        let events = state.grants.get(&grant.to_string());
        events.and_then(|events| events.get(&of)).is_some_and(|count| *count > 0)
    };
    original.outcome.grants.iter().filter(|grant| !stands(grant)).cloned().collect()
}

/// Whether nothing of the event is left after a reversal.
fn is_whole(reversal: &Reversal, earlier: &[Reversal], original: &Original<'_>) -> bool {
    if reversal.quantities.is_empty() {
        return true;
    }
    let back = rules::TakenBack::by(earlier.iter().chain([reversal])).quantities;
    let lines = original.sale.map_or(&[][..], |sale| &sale.lines);
    lines.iter().zip(&back).all(|(line, back)| line.quantity.0 == *back)
}

/// What a reversal hands back in cash or to a card: what left the till's account.
fn money_back(postings: &[Posting]) -> Money {
    let left = postings.iter().filter(|posting| posting.account == Account::Cash);
    Money(-left.map(|posting| posting.amount).sum::<i64>())
}
