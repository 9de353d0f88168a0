//! Lost cards: who may have what was on one.
//!
//! An anonymous card is its holder's; its second code, kept apart from it, proves whose it was. A named card is
//! replaced by a manager (or by a link to the member's own e-mail address, at the server), never by a name alone.

use std::collections::BTreeMap;

use stempel_domain::event::{CardBound, Fact};
use stempel_domain::{CardId, MemberId};
use stempel_wire::token::SecondCode;

use crate::cards::{Joined, Who};
use crate::operators::Authority;
use crate::{Operator, Terminal, TerminalError};

/// The setting under which second codes of the pool's cards are kept.
pub(crate) const SECONDS: &str = "second-codes";

/// What proves that a lost card was somebody's.
#[derive(Debug, Clone, Copy)]
pub enum Ownership<'a> {
    /// The second code of an anonymous card.
    Second(&'a str),
    /// A manager says so.
    Manager(Authority<'a>),
}

impl Terminal {
    /// The second code of a card, to be printed on its back or on a slip that stays at home.
    pub fn second_code(&self, card: CardId) -> Result<SecondCode, TerminalError> {
        if let Some(key) = self.identity.card_key()? {
            return Ok(SecondCode::issue(self.identity.tenant, &key, card));
        }
        let mut kept: BTreeMap<CardId, SecondCode> = self.view().setting(SECONDS)?.unwrap_or_default();
        kept.remove(&card).ok_or_else(|| {
            TerminalError::NotNow("the second code of this card is not here; the server can print it".into())
        })
    }

    /// Gives the next card of the pool in place of a lost one, which is blocked on the spot. Everything that was
    /// on it is on the new one. `code` names the lost card, by its number or a picture of it; with a second code it
    /// may be left empty.
    pub fn replace_lost(
        &mut self,
        code: &str,
        ownership: Ownership<'_>,
        operator: &Operator,
    ) -> Result<Joined, TerminalError> {
        let who = match ownership {
            Ownership::Manager(_) => self.who_ever(code)?,
            Ownership::Second(text) => {
                let card = self.card_keys.verify_second(text)?.card;
                let row = self.view().card(card)?;
                let member = row.and_then(|row| row.member).ok_or_else(|| {
                    TerminalError::NotNow(
                        "nothing was ever counted on this card here; sync once if it was elsewhere".into(),
                    )
                })?;
                let who = Who::Member { member, card: Some(card) };
                if !code.trim().is_empty() && self.who_ever(code)?.member() != member {
                    return Err(TerminalError::Input("the second code belongs to another card".into()));
                }
                let state = self.view().member(member)?.unwrap_or_default();
                if state.profile.is_some() {
                    return Err(TerminalError::NeedsManager);
                }
                // A code is good for the card that it was printed for, and not for those that came after it.
                if state.cards.get(&card).is_some_and(|card| card.blocked) {
                    return self.just_given_for(card, member)?.ok_or(TerminalError::Blocked);
                }
                who
            }
        };
        let agreed = match ownership {
            Ownership::Manager(authority) => self.allow(authority)?,
            Ownership::Second(_) => None,
        };
        let operator = if operator.is_some() { operator.clone() } else { agreed };
        self.replace_card(&who, &operator)
    }

    /// The card that was given here today for a lost one, as long as nothing was done with it: the power may have gone
    /// before its code was photographed, and nobody else knows it.
    fn just_given_for(&self, lost: CardId, member: MemberId) -> Result<Option<Joined>, TerminalError> {
        for event in self.newest_of_today()? {
            let event = event?;
            if event.record.fact.member() != Some(member) {
                continue;
            }
            let Fact::CardBound(CardBound { card, replaces: Some(replaced), .. }) = event.record.fact else {
                return Ok(None);
            };
            if replaced != lost {
                return Ok(None);
            }
            let token = self.token_of(card)?;
            return Ok(Some(Joined { event: event.reference(), member, card, token }));
        }
        Ok(None)
    }
}
