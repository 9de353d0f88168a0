//! Paper cards that are taken over: one event “n stamps from a paper card”, within what the shop has set.

use stempel_domain::event::{Adjustment, CounterStep, Fact, Reversal, ReversalReason};
use stempel_domain::{Account, Booking, EventRef, MemberId, Moment, OperatorId, Posting, ProgrammeId};

use crate::counter::Circumstances;
use crate::goodwill::ByHand;
use crate::operators::Authority;
use crate::{Terminal, TerminalError};

/// The reason that such an event names.
pub const PAPER_CARD: &str = "paper-card";

impl Terminal {
    /// Gives the stamps of a paper card that is collected: from 1 to a full card, which is worth a reward.
    ///
    /// Above what one operator may take in a day, a manager's PIN is asked for.
    pub fn take_paper_card(
        &mut self,
        code: &str,
        programme: Option<&ProgrammeId>,
        stamps: u32,
        manager: Option<Authority<'_>>,
        how: &Circumstances,
    ) -> Result<ByHand, TerminalError> {
        if let Some(before) = self.by_hand_before(how)? {
            return Ok(before);
        }
        let settings = self.settings()?.paper;
        let at = self.moment(how.at)?;
        if !settings.taken {
            return Err(TerminalError::NotNow("paper cards are not taken here".into()));
        }
        if let Some(until) = settings.until.filter(|until| *until < at.day) {
            return Err(TerminalError::NotNow(format!("paper cards were taken until {until}")));
        }
        let programme = self.stamp_programme(programme)?;
        let published = self.book.find(&programme);
        let programme_of = published.map(|published| &published.programme);
        let (Some(of), Some(size)) = (programme_of, programme_of.and_then(|programme| programme.card_size()))
        else {
            return Err(TerminalError::NotNow(format!("the programme {programme} has no stamp card")));
        };
        if of.unit().scale() != 0 {
            return Err(TerminalError::NotNow(format!("the programme {programme} counts no whole stamps")));
        }
        if stamps == 0 || stamps > size {
            return Err(TerminalError::Input(format!("a paper card has 1 to {size} stamps")));
        }
        let expiry = of.spec().expiry;
        let (unit, last) = (of.unit().clone(), expiry.and_then(|expiry| expiry.last_day(at.day)));
        let idle = expiry.and_then(|expiry| expiry.idle());
        let [by_operator, by_device] = tally_keys(how.operator.as_ref());
        let taken = self.view().tallies(self.identity.device, std::slice::from_ref(&by_operator))?;
        let today = taken.get(&by_operator).and_then(|days| days.get(&at.day)).copied().unwrap_or(0);
        let mut agreed = None;
        if today >= i64::from(settings.operator_day) {
            match manager.filter(|_| settings.manager_above) {
                Some(authority) => agreed = self.allow(authority)?,
                None if settings.manager_above => return Err(TerminalError::NeedsManager),
                None => {
                    return Err(TerminalError::NotNow(format!(
                        "{} paper cards a day are the most for one person",
                        settings.operator_day
                    )));
                }
            }
        }
        let who = self.who(code)?;
        let (_, joined) = self.begin(&who, &at)?;
        let (member, amount) = (who.member(), i64::from(stamps));
        let step = |key: String| CounterStep { key, day: at.day, amount: 1 };
        let booking = Some(Booking::Lot { earned: at.day, last, idle });
        let adjustment = Adjustment {
            tallies: vec![step(by_operator), step(by_device)],
            agreed,
            ..Adjustment::new(
                member,
                PAPER_CARD,
                vec![
                    Posting { account: Account::Member(member), unit: unit.clone(), amount, booking },
                    Posting {
                        account: Account::Shop(self.identity.shop),
                        unit,
                        amount: -amount,
                        booking: None,
                    },
                ],
            )
        };
        self.adjust(adjustment, joined, at, how)
    }

    /// What takes a paper card back: its stamps go, and it counts no longer.
    pub(crate) fn paper_back(
        &self,
        of: EventRef,
        adjustment: &Adjustment,
        at: &Moment,
    ) -> Result<Reversal, TerminalError> {
        if !self.view().reversals_of(of)?.is_empty() {
            return Err(TerminalError::AlreadyReversed(of));
        }
        let back = |posting: &Posting| Posting { amount: -posting.amount, ..posting.clone() };
        let step_back =
            |step: &CounterStep| CounterStep { amount: -step.amount, day: at.day, ..step.clone() };
        Ok(Reversal {
            of,
            member: Some(adjustment.member),
            reason: ReversalReason::Undo,
            quantities: Vec::new(),
            postings: adjustment.postings.iter().map(back).collect(),
            counters: Vec::new(),
            tallies: adjustment.tallies.iter().map(step_back).collect(),
            grants: Vec::new(),
            visit_ms: None,
            planned: false,
        })
    }
}

/// Whose event it is, if a fact is a paper card.
pub(crate) fn paper_card(fact: &Fact) -> Option<(MemberId, &Adjustment)> {
    match fact {
        Fact::Adjustment(adjustment) if adjustment.reason == PAPER_CARD => {
            Some((adjustment.member, adjustment))
        }
        _ => None,
    }
}

fn tally_keys(operator: Option<&OperatorId>) -> [String; 2] {
    [format!("paper-cards:{}", operator.map_or("", OperatorId::as_str)), "paper-cards".to_owned()]
}
