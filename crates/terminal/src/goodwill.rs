//! What staff give by hand: goodwill within a budget, a membership by invitation.

use std::collections::BTreeMap;

use stempel_domain::event::{Adjustment, Fact};
use stempel_domain::programme::Decimal;
use stempel_domain::rules::{self, Amends};
use stempel_domain::{
    Account, Booking, Day, EventRef, MemberId, Moment, OperatorId, Posting, ProgrammeId, Unit,
};

use crate::counter::{Circumstances, key_used_otherwise};
use crate::{Terminal, TerminalError};

/// What was given by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// The event.
    pub event: EventRef,
    /// Whose.
    pub member: MemberId,
    /// Why.
    pub reason: String,
    /// The second person who agreed.
    pub agreed: Option<OperatorId>,
    /// What was given.
    pub given: BTreeMap<Unit, i64>,
    /// The last day on which it can be used, if it ends.
    pub last: Option<Day>,
    /// What the member holds now.
    pub balances: BTreeMap<Unit, i64>,
}

impl Terminal {
    /// Gives units of a programme to make up for something, within its budgets.
    ///
    /// # Errors
    /// [`TerminalError::NotGiven`] with the reason, when the programme's limits say no.
    pub fn goodwill(
        &mut self,
        code: &str,
        programme: &ProgrammeId,
        amount: Decimal,
        reason: &str,
        agreed: Option<&OperatorId>,
        how: &Circumstances,
    ) -> Result<ByHand, TerminalError> {
        if let Some(before) = self.by_hand_before(how)? {
            return Ok(before);
        }
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        let (state, joined) = self.begin(&who, &at)?;
        let operator = how.operator.as_ref();
        let wish = Amends { member: who.member(), programme, amount, reason, operator, agreed };
        let tallies = self.view().tallies(self.identity.device, &wish.tally_keys())?;
        let place = self.place_with(tallies)?;
        let given = rules::goodwill(&self.book, &wish, &self.facts(&state, &at), &place, &at);
        let adjustment = given.map_err(|step| TerminalError::NotGiven(vec![step]))?;
        self.adjust(adjustment, joined, at, how)
    }

    /// Gives a membership that is not sold: until a day, or for one of its terms.
    pub fn invite(
        &mut self,
        code: &str,
        programme: &ProgrammeId,
        until: Option<Day>,
        how: &Circumstances,
    ) -> Result<ByHand, TerminalError> {
        if let Some(before) = self.by_hand_before(how)? {
            return Ok(before);
        }
        let who = self.who(code)?;
        let at = self.moment(how.at)?;
        if let Some(until) = until.filter(|until| *until < at.day) {
            return Err(TerminalError::Input(format!("{until} is over; name a day from today on")));
        }
        let (_, joined) = self.begin(&who, &at)?;
        let shop = self.identity.shop;
        let adjustment = rules::invitation(&self.book, who.member(), programme, shop, until, &at);
        let adjustment = adjustment.ok_or_else(|| match self.book.find(programme) {
            Some(_) => TerminalError::NotNow(format!("the programme {programme} has no membership")),
            None => TerminalError::Unknown(programme.to_string()),
        })?;
        self.adjust(adjustment, joined, at, how)
    }

    pub(crate) fn adjust(
        &mut self,
        adjustment: Adjustment,
        joined: Option<Fact>,
        at: Moment,
        how: &Circumstances,
    ) -> Result<ByHand, TerminalError> {
        let facts = joined.into_iter().chain([Fact::Adjustment(adjustment.clone())]).collect();
        let event = self.record_last(at, how, facts)?;
        self.by_hand(event, adjustment, &at)
    }

    pub(crate) fn by_hand_before(&self, how: &Circumstances) -> Result<Option<ByHand>, TerminalError> {
        let Some(event) = self.answered(how)? else { return Ok(None) };
        let record = self.event(event)?.record;
        let Fact::Adjustment(adjustment) = record.fact else { return Err(key_used_otherwise()) };
        self.by_hand(event, adjustment, &record.at).map(Some)
    }

    fn by_hand(&self, event: EventRef, fact: Adjustment, at: &Moment) -> Result<ByHand, TerminalError> {
        let own = |posting: &&Posting| posting.account == Account::Member(fact.member);
        let mut given: BTreeMap<Unit, i64> = BTreeMap::new();
        let mut last = None;
        for posting in fact.postings.iter().filter(own) {
            *given.entry(posting.unit.clone()).or_default() += posting.amount;
            if let Some(Booking::Lot { last: day, .. }) = posting.booking {
                last = day;
            }
        }
        let balances = self.balances_of(Some(fact.member), at)?;
        let Adjustment { member, reason, agreed, .. } = fact;
        Ok(ByHand { event, member, reason, agreed, given, last, balances })
    }
}
