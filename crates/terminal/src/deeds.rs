//! What is given without a purchase: for a deed, on a day of the year, for a friend who was brought.

use stempel_domain::event::{Fact, GrantFact, Reversal, ReversalReason};
use stempel_domain::programme::Once;
use stempel_domain::rules::{self, Due, Outcome};
use stempel_domain::sale::{Deed, Order};
use stempel_domain::{EventRef, Grant, MemberId, MemberState, Moment, ProgrammeId};

use crate::cards::Who;
use crate::counter::{Circumstances, Given, Judged};
use crate::{Terminal, TerminalError};

impl Terminal {
    /// Gives what an activity of a programme earns: a review, an answered survey. `reference` names what it was
    /// done for, where it is given once for each.
    ///
    /// # Errors
    /// [`TerminalError::NotGiven`] with the reason, when it gives nothing.
    pub fn earn(
        &mut self,
        code: &str,
        programme: &ProgrammeId,
        activity: &str,
        reference: &str,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        self.wants_reference(programme, activity, reference)?;
        let (programme, activity, reference) = (programme.clone(), activity.to_owned(), reference.to_owned());
        let given = self.deed(code, Deed::Activity { programme, activity, reference }, how)?;
        match given.event {
            Some(_) => Ok(given),
            None => Err(TerminalError::NotGiven(given.outcome.trace)),
        }
    }

    /// Gives what the day brings: a birthday, an anniversary, a welcome. No event where it brings nothing.
    pub fn occasions(&mut self, code: &str, how: &Circumstances) -> Result<Given, TerminalError> {
        self.deed(code, Deed::Day, how)
    }

    fn wants_reference(
        &self,
        programme: &ProgrammeId,
        activity: &str,
        reference: &str,
    ) -> Result<(), TerminalError> {
        let spec = self.book.find(programme).map(|published| published.programme.spec());
        let rule = spec.and_then(|spec| spec.activity.iter().find(|rule| rule.id == activity));
        if rule.is_some_and(|rule| rule.once == Once::Reference) && reference.is_empty() {
            return Err(TerminalError::Input(format!(
                "{activity} is rewarded once for each thing it is done for; name it, like the survey's number"
            )));
        }
        Ok(())
    }

    fn deed(&mut self, code: &str, deed: Deed, how: &Circumstances) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        let order = Order::Deed(&deed);
        rules::check_order(order).map_err(|error| TerminalError::Input(error.to_string()))?;
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        let (state, joined) = self.begin(&who, &at)?;
        let judged = self.judge(Some(&state), order, &at, how.by_hand, &[])?;
        let outcome = judged.outcome.clone();
        if gives_nothing(&outcome) {
            let balances = state.balances(at.day);
            return Ok(Given { event: None, member: Some(who.member()), outcome, balances, at });
        }
        let grant = self.grant_fact(&who, deed, judged, &at);
        let facts = joined.into_iter().chain([grant]).collect();
        let event = self.record_last(at, how, facts)?;
        self.given(event, Some(who.member()), outcome, at)
    }

    fn grant_fact(&self, who: &Who, deed: Deed, judged: Judged, at: &Moment) -> Fact {
        let shop = self.identity.shop;
        Fact::Grant(Box::new(GrantFact {
            shop,
            deed,
            postings: judged.outcome.postings(who.member(), shop, at.day),
            loyalty: self.loyalty(who, judged.facts),
            outcome: judged.outcome,
            place: judged.place,
        }))
    }

    /// What others are due because of an order of `friend`, as events of their own. `pending` is what is written
    /// with them and not yet stored.
    pub(crate) fn dues(
        &self,
        outcome: &Outcome,
        friend: Option<MemberId>,
        pending: &[Fact],
        at: &Moment,
    ) -> Result<Vec<Fact>, TerminalError> {
        let Some(friend) = friend else { return Ok(Vec::new()) };
        let mut facts = Vec::new();
        for Due { member, programme } in &outcome.due {
            let state = self.state_after(*member, pending, at)?;
            let deed = Deed::Referral { programme: programme.clone(), friend };
            let judged = self.judge(Some(&state), Order::Deed(&deed), at, false, pending)?;
            if !gives_nothing(&judged.outcome) {
                facts.push(self.grant_fact(&Who::Member { member: *member, card: None }, deed, judged, at));
            }
        }
        Ok(facts)
    }

    /// The reversals of what others were given because of an order of `friend`, as far as it is known here and
    /// still stands.
    pub(crate) fn dues_back(
        &self,
        of: EventRef,
        outcome: &Outcome,
        friend: Option<MemberId>,
        reason: ReversalReason,
        at: &Moment,
    ) -> Result<Vec<Reversal>, TerminalError> {
        let Some(friend) = friend else { return Ok(Vec::new()) };
        let mut reversals = Vec::new();
        for due in &outcome.due {
            let state = self.view().member(due.member)?.unwrap_or_default();
            let Some(event) = grant_of(&state, due, friend, of) else { continue };
            if self.view().row(event)?.is_none() || self.taken_back(event)?.everything {
                continue;
            }
            let plan = self.plan_reversal(event, reason, &Default::default(), at)?;
            reversals.push(plan.reversal);
        }
        Ok(reversals)
    }
}

fn gives_nothing(outcome: &Outcome) -> bool {
    outcome.awards.is_empty() && outcome.grants.is_empty()
}

/// The event of the same author that rewarded somebody for bringing this friend.
fn grant_of(state: &MemberState, due: &Due, friend: MemberId, of: EventRef) -> Option<EventRef> {
    let grant = Grant {
        programme: due.programme.clone(),
        rule: rules::REFERRER.to_owned(),
        occurrence: friend.to_string(),
    };
    let events = state.grants.get(&grant.to_string())?;
    let own = events.iter().find(|(event, count)| **count > 0 && event.author == of.author);
    own.map(|(event, _)| *event)
}
