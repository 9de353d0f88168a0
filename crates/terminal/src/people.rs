//! Personal data: who is the same person, what they agree to, what is held about them, and how they are forgotten.

use stempel_domain::event::{
    ConsentChanged, ConsentKind, ConsentPlace, ErasureReason, Fact, MemberErased, MemberMerged,
};
use stempel_domain::person::MEMBERS_MAX;
use stempel_domain::{CardNumber, EventRef, MemberId, Person};
use stempel_wire::export::{ConsentSaid, Export, consents};

use crate::cards::Who;
use crate::counter::Circumstances;
use crate::look::WHY_EVENTS_MAX;
use crate::{Terminal, TerminalError};

/// A merge, or its undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Who has another id now, or its own again.
    pub member: MemberId,
    /// The id under which the person is known; after an undo the member's own.
    pub into: MemberId,
    /// The event that says so; none if it was so already.
    pub event: Option<EventRef>,
}

/// A member who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The id under which the person was known.
    pub member: MemberId,
    /// The events that say so; none if it was so already.
    pub events: Vec<EventRef>,
}

/// What a member says about something that can be agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// To what.
    pub kind: ConsentKind,
    /// Whether the member agrees from now on.
    pub given: bool,
    /// The version of the terms that were shown.
    pub terms: String,
    /// Where it was said.
    pub place: ConsentPlace,
}

impl Terminal {
    /// Says that two members are one person. From now on everything of `code` is found under `into`, on every
    /// device once it hears of it; until then stamps under the old id are counted too.
    pub fn merge_members(
        &mut self,
        code: &str,
        into: &str,
        how: &Circumstances,
    ) -> Result<Merged, TerminalError> {
        let (from, to) = (self.known_person(code)?, self.known_person(into)?);
        let (member, into) = (root(&from), root(&to));
        if let Some(event) = self.answered(how)? {
            return Ok(Merged { member, into, event: Some(event) });
        }
        if member == into {
            let same = self.who_ever(code)?.card() == self.who_ever(into.to_string().as_str())?.card();
            if same || from.parts().len() < 2 {
                return Err(TerminalError::Input("both codes name the same member".into()));
            }
            return Ok(Merged { member, into, event: None });
        }
        if from.parts().len() + to.parts().len() > MEMBERS_MAX {
            return Err(TerminalError::NotNow(format!("one person is at most {MEMBERS_MAX} members")));
        }
        let at = self.moment(how.at)?;
        let fact = Fact::MemberMerged(MemberMerged { member, into: Some(into) });
        let event = self.record_last(at, how, vec![fact])?;
        Ok(Merged { member, into, event: Some(event) })
    }

    /// Takes a merge back: the member stands for itself again, with everything that was given under its own id.
    pub fn unmerge_member(&mut self, code: &str, how: &Circumstances) -> Result<Merged, TerminalError> {
        let member = self.bound_member(code)?;
        if let Some(event) = self.answered(how)? {
            return Ok(Merged { member, into: member, event: Some(event) });
        }
        let person = self.view().person(member)?.ok_or_else(|| TerminalError::Unknown(code.to_owned()))?;
        let own = person.parts().iter().find(|(id, _)| *id == member);
        if own.and_then(|(_, state)| state.merged_into()).is_none() {
            let others = person.parts().iter().map(|(id, _)| id.to_string());
            let others: Vec<String> = others.filter(|id| *id != member.to_string()).collect();
            return Err(TerminalError::NotNow(match others.is_empty() {
                true => "this member was not merged; there is nothing to undo".into(),
                false => format!(
                    "this is the member that others were merged into; name one of them: {}",
                    others.join(", ")
                ),
            }));
        }
        let at = self.moment(how.at)?;
        let fact = Fact::MemberMerged(MemberMerged { member, into: None });
        let event = self.record_last(at, how, vec![fact])?;
        Ok(Merged { member, into: member, event: Some(event) })
    }

    /// Notes that a member agrees to something, or takes that back; gives the last word about everything.
    pub fn note_consent(
        &mut self,
        code: &str,
        new: &NewConsent,
        how: &Circumstances,
    ) -> Result<(EventRef, MemberId, Vec<ConsentSaid>), TerminalError> {
        let terms = new.terms.trim();
        if terms.is_empty()
            || terms.len() > ConsentChanged::TERMS_LEN_MAX
            || terms.chars().any(char::is_control)
        {
            return Err(TerminalError::Input(format!(
                "the version of the terms has 1 to {} bytes",
                ConsentChanged::TERMS_LEN_MAX
            )));
        }
        let who = self.who(code)?;
        let member = who.member();
        let event = match self.answered(how)? {
            Some(event) => event,
            None => {
                let at = self.moment(how.at)?;
                let (state, joined) = self.begin(&who, &at)?;
                if state.erased.is_some() {
                    return Err(forgotten());
                }
                let fact = Fact::ConsentChanged(ConsentChanged {
                    member,
                    consent: new.kind,
                    given: new.given,
                    terms: terms.to_owned(),
                    place: new.place,
                });
                self.record_last(at, how, joined.into_iter().chain([fact]).collect())?
            }
        };
        Ok((event, member, consents(&self.view().person(member)?.unwrap_or_default())))
    }

    /// Everything that is held here about a person, in one document. Where there is a server, it knows more.
    pub fn export_member(&self, code: &str) -> Result<Export, TerminalError> {
        let who = self.who_ever(code)?;
        let person =
            self.view().person(who.member())?.ok_or_else(|| TerminalError::Unknown(code.to_owned()))?;
        let profile = self.view().profile(who.member())?;
        let mut rows = Vec::new();
        for (member, _) in person.parts() {
            rows.extend(self.view().rows_of_member(*member, WHY_EVENTS_MAX)?);
        }
        let complete = self.identity().server.is_none() && rows.len() < WHY_EVENTS_MAX;
        Ok(Export::new(&person, profile, &rows, &self.moment(None)?, complete))
    }

    /// Forgets a member: drops the keys here at once and everywhere else with the next exchange, blocks the cards,
    /// takes name and traits away. Figures stay. It cannot be undone.
    pub fn erase_member(&mut self, code: &str, how: &Circumstances) -> Result<Erased, TerminalError> {
        let who = self.who_ever(code)?;
        let person =
            self.view().person(who.member())?.ok_or_else(|| TerminalError::Unknown(code.to_owned()))?;
        let left = person.parts().iter().filter(|(_, state)| state.erased.is_none());
        let reason = ErasureReason::Asked;
        let facts: Vec<Fact> =
            left.map(|(member, _)| Fact::MemberErased(MemberErased { member: *member, reason })).collect();
        let member = root(&person);
        if facts.is_empty() {
            return Ok(Erased { member, events: Vec::new() });
        }
        let at = self.moment(how.at)?;
        let events = self.record(at, &how.operator, facts, |write, events| {
            if let (Some(key), Some(event)) = (&how.key, events.last()) {
                write.remember(key, &event.to_string())?;
            }
            Ok(events.to_vec())
        })?;
        Ok(Erased { member, events })
    }

    /// The person of a code, who is known here and not forgotten.
    fn known_person(&self, code: &str) -> Result<Person, TerminalError> {
        let who = self.who_ever(code)?;
        let Who::Member { member, .. } = who else { return Err(TerminalError::Unknown(code.to_owned())) };
        let person = self.view().person(member)?.ok_or_else(|| TerminalError::Unknown(code.to_owned()))?;
        if person.state().erased.is_some() { Err(forgotten()) } else { Ok(person) }
    }

    /// The member that a code names, under the id that stands in the card's own binding.
    fn bound_member(&self, code: &str) -> Result<MemberId, TerminalError> {
        let code = code.trim();
        if let Ok(member) = code.parse::<MemberId>() {
            return Ok(member);
        }
        let card = match code.parse::<CardNumber>() {
            Ok(number) => self.view().card_of_number(number)?.map(|row| row.card),
            Err(_) => self.who_ever(code)?.card(),
        };
        let bound = card.map(|card| self.view().bound_to(card)).transpose()?.flatten();
        bound.ok_or_else(|| TerminalError::Unknown(code.to_owned()))
    }
}

fn root(person: &Person) -> MemberId {
    person.parts().first().map_or(MemberId([0; 16]), |(id, _)| *id)
}

/// A member that was forgotten cannot be changed any more.
pub(crate) fn forgotten() -> TerminalError {
    TerminalError::NotNow(
        "this member was forgotten; a guest who comes back begins anew with a new card".into(),
    )
}
