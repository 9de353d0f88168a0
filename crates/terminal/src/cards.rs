//! Who a code is: cards, members, joining.

use stempel_domain::event::{CardBlocked, CardBound, Fact, MemberJoined, ProfileChanged};
use stempel_domain::ports::draw;
use stempel_domain::{CardId, CardNumber, EventRef, MemberId, MemberState, Moment};
use stempel_store::members::CardRow;
use stempel_wire::token::{Token, looks_like_a_card};
use stempel_wire::{MemberKey, Profile};

use crate::{Operator, Terminal, TerminalError};

/// The longest text that is looked at as a code or a search, in bytes.
pub(crate) const CODE_LEN_MAX: usize = 8 * 1024;

/// Whom a code names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A member who is known here.
    Member {
        /// Which.
        member: MemberId,
        /// The card that was shown, if it was a card.
        card: Option<CardId>,
    },
    /// A genuine card that nobody here has seen yet: its member begins with the first action.
    NewCard {
        /// The card.
        card: CardId,
        /// The member that it will be.
        member: MemberId,
    },
}

impl Who {
    /// The member, known or to be.
    pub fn member(&self) -> MemberId {
        match self {
            Self::Member { member, .. } | Self::NewCard { member, .. } => *member,
        }
    }

    /// The card that was shown.
    pub fn card(&self) -> Option<CardId> {
        match self {
            Self::Member { card, .. } => *card,
            Self::NewCard { card, .. } => Some(*card),
        }
    }
}

/// A member who has just joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The event that says so.
    pub event: EventRef,
    /// The member.
    pub member: MemberId,
    /// The card.
    pub card: CardId,
    /// What the card's code says.
    pub token: Token,
}

/// Who joins.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewMember<'a> {
    /// The name; none: anonymous for now.
    pub name: Option<&'a str>,
    /// A card of the member who brought this one.
    pub brought_by: Option<&'a str>,
    /// The version of the page that said what happens to the name, where it was shown.
    pub terms: Option<&'a str>,
}

impl Terminal {
    /// Finds out whom a code names: a card's code in whatever text surrounds it, a card's number as people
    /// type it, or a member's id.
    ///
    /// A blocked card is refused; [`Terminal::who_ever`] names its member all the same.
    pub fn who(&self, code: &str) -> Result<Who, TerminalError> {
        let who = self.find(code, known)?;
        // An id is not on a card that would be blocked.
        if who.card().is_none() && self.view().is_erased(who.member())? {
            return Err(crate::people::forgotten());
        }
        Ok(who)
    }

    /// As [`Terminal::who`], also for a card that is blocked: for looking, and for replacing it.
    pub fn who_ever(&self, code: &str) -> Result<Who, TerminalError> {
        self.find(code, |row| match row.member {
            Some(member) => Ok(Who::Member { member, card: Some(row.card) }),
            None => Err(TerminalError::Blocked),
        })
    }

    fn find(
        &self,
        code: &str,
        known: impl Fn(CardRow) -> Result<Who, TerminalError>,
    ) -> Result<Who, TerminalError> {
        let code = code.trim();
        if code.len() > CODE_LEN_MAX || code.is_empty() {
            return Err(stempel_wire::token::TokenError::NotACard.into());
        }
        if looks_like_a_card(code) {
            let verified = self.genuine(code)?;
            if let Some(shown) = &verified.shown {
                self.note_shown(shown)?;
            }
            return match self.view().card(verified.card)? {
                Some(row) => known(row),
                None if verified.retired_key => Err(TerminalError::OldSeries),
                None => Ok(Who::NewCard {
                    card: verified.card,
                    member: MemberId::of_first_card(self.identity.tenant, verified.card),
                }),
            };
        }
        if let Ok(number) = code.parse::<CardNumber>() {
            let row = self.view().card_of_number(number)?;
            return known(row.ok_or_else(|| TerminalError::Unknown(code.to_owned()))?);
        }
        if let Ok(member) = code.parse::<MemberId>() {
            return match self.view().member(member)? {
                Some(_) => Ok(Who::Member { member: self.view().root(member)?, card: None }),
                None => Err(TerminalError::Unknown(code.to_owned())),
            };
        }
        if code.len() <= 40 && !code.contains("://") {
            return Err(TerminalError::Unknown(code.to_owned()));
        }
        Err(stempel_wire::token::TokenError::NotACard.into())
    }

    /// Whether a text is a genuine card of this programme: what the scanner asks of every code it reads.
    pub fn is_card(&self, text: &str) -> bool {
        self.genuine(text).is_ok()
    }

    /// The member's state, and the fact that begins the member if the card is new. The state is the one after it.
    pub(crate) fn begin(&self, who: &Who, at: &Moment) -> Result<(MemberState, Option<Fact>), TerminalError> {
        let joined = match who {
            Who::Member { .. } => None,
            Who::NewCard { card, member } => {
                Some(Fact::MemberJoined(MemberJoined::new(*member, *card, None)))
            }
        };
        // Something may be known of the member before the card is: a friend was brought with it elsewhere.
        Ok((self.state_after(who.member(), joined.as_slice(), at)?, joined))
    }

    /// A member joins with the next card of the pool; with a name, or anonymous for now.
    pub fn add_member(
        &mut self,
        name: Option<&str>,
        operator: &Operator,
        key: Option<&str>,
    ) -> Result<Joined, TerminalError> {
        self.add(&NewMember { name, ..NewMember::default() }, operator, key)
    }

    /// As [`Terminal::add_member`], with everything that can be said of who joins.
    pub fn add(
        &mut self,
        new: &NewMember<'_>,
        operator: &Operator,
        key: Option<&str>,
    ) -> Result<Joined, TerminalError> {
        if let Some(answer) = key.map(|key| self.view().answered(key)).transpose()?.flatten() {
            return self.joined_before(&answer);
        }
        let by = new.brought_by.map(|by| self.who(by)).transpose()?;
        let referrer = by.map(|by| by.member());
        let token = self.next_card()?;
        let card = token.card();
        let member = MemberId::of_first_card(self.identity.tenant, card);
        let (sealed, member_key) = match new.name {
            Some(name) => {
                let profile = Profile { name: clean_name(name)?, language: None };
                let member_key = MemberKey::generate(&mut *self.entropy);
                (Some(member_key.seal(member, &profile, &mut *self.entropy)?), Some(member_key))
            }
            None => (None, None),
        };
        let terms = new.terms.map(str::to_owned);
        let fact =
            Fact::MemberJoined(MemberJoined { referrer, terms, ..MemberJoined::new(member, card, sealed) });
        let at = self.moment(None)?;
        let event = self.record(at, operator, vec![fact], |write, events| {
            write.add_blanks(std::slice::from_ref(&token))?;
            write.use_blank(card)?;
            if let Some(member_key) = &member_key {
                write.keep_key(member, member_key, true)?;
            }
            if let Some(key) = key {
                write.remember(key, &events[0].to_string())?;
            }
            Ok(events[0])
        })?;
        Ok(Joined { event, member, card, token })
    }

    fn joined_before(&self, answer: &str) -> Result<Joined, TerminalError> {
        let event: EventRef = answer.parse()?;
        match self.event(event)?.record.fact {
            Fact::MemberJoined(joined) => {
                let token = self.view().blank_token(joined.card)?;
                let token = token.ok_or_else(|| TerminalError::Unknown(joined.card.to_string()))?;
                Ok(Joined { event, member: joined.member, card: joined.card, token })
            }
            _ => Err(TerminalError::Input("this key was used for something else before".into())),
        }
    }

    /// Gives an anonymous member a name, or a member a new one. Everything on the card stays. `terms` is the version that
    /// the guest has agreed to, where the guest was asked.
    pub fn name_member(
        &mut self,
        who: &Who,
        name: &str,
        terms: Option<&str>,
        operator: &Operator,
    ) -> Result<EventRef, TerminalError> {
        let member = who.member();
        let at = self.moment(None)?;
        let (_, joined) = self.begin(who, &at)?;
        let old = self.view().profile(member)?.unwrap_or_default();
        let profile = Profile { name: clean_name(name)?, ..old };
        let member_key = match self.view().member_keys(member)?.into_iter().next() {
            Some(known) => known,
            None => MemberKey::generate(&mut *self.entropy),
        };
        let sealed = member_key.seal(member, &profile, &mut *self.entropy)?;
        let mut facts: Vec<Fact> = joined.into_iter().collect();
        facts.push(Fact::ProfileChanged(ProfileChanged {
            member,
            profile: sealed,
            terms: terms.map(str::to_owned),
        }));
        self.record(at, operator, facts, |write, events| {
            write.keep_key(member, &member_key, true)?;
            Ok(events[events.len() - 1])
        })
    }

    /// Takes a card out of use.
    pub fn block_card(&mut self, who: &Who, operator: &Operator) -> Result<EventRef, TerminalError> {
        let card = who.card().ok_or_else(|| {
            TerminalError::Input("name the card by its code or its number; a member may have several".into())
        })?;
        let member = match who {
            Who::Member { member, .. } => Some(*member),
            Who::NewCard { .. } => None,
        };
        let at = self.moment(None)?;
        let fact = Fact::CardBlocked(CardBlocked { card, member });
        self.record(at, operator, vec![fact], |_, events| Ok(events[0]))
    }

    /// Gives a member the next card of the pool in place of the one named, which is blocked. Everything that
    /// was on the old card is on the new one.
    pub fn replace_card(&mut self, who: &Who, operator: &Operator) -> Result<Joined, TerminalError> {
        let Who::Member { member, card: old } = *who else {
            return Err(TerminalError::Input(
                "this card belongs to nobody yet; there is nothing to replace".into(),
            ));
        };
        let token = self.next_card()?;
        let card = token.card();
        let fact = Fact::CardBound(CardBound { member, card, replaces: old });
        let at = self.moment(None)?;
        let event = self.record(at, operator, vec![fact], |write, events| {
            write.add_blanks(std::slice::from_ref(&token))?;
            write.use_blank(card)?;
            Ok(events[0])
        })?;
        Ok(Joined { event, member, card, token })
    }

    /// The next card to give away: from the pool, or signed here where the terminal works alone.
    pub(crate) fn next_card(&mut self) -> Result<Token, TerminalError> {
        if let Some(token) = self.view().next_blank()? {
            return Ok(token);
        }
        let Some(card_key) = self.identity.card_key()? else {
            return Err(TerminalError::NotNow(
                "there are no blank cards left; connect to the server once to fetch new ones".into(),
            ));
        };
        // The number is unique within the tenant: draw until it is. A thousand draws never happen by chance.
        for _ in 0..1000 {
            let card = CardId(draw(&mut *self.entropy));
            if self.view().card_of_number(card.number())?.is_none() {
                return Ok(Token::issue(self.identity.tenant, &card_key, card));
            }
        }
        Err(TerminalError::NotNow("no free card number was found".into()))
    }

    /// The token of a card, where this terminal gave it out or can sign it again.
    pub fn token_of(&self, card: CardId) -> Result<Token, TerminalError> {
        if let Some(token) = self.view().blank_token(card)? {
            return Ok(token);
        }
        match self.identity.card_key()? {
            Some(key) => Ok(Token::issue(self.identity.tenant, &key, card)),
            None => Err(TerminalError::NotNow(
                "the code of this card was not made here; the server can print it again".into(),
            )),
        }
    }

    /// The first card of a member that is not blocked.
    pub fn card_of(&self, member: MemberId) -> Result<Option<CardId>, TerminalError> {
        let state = self.view().member(member)?.unwrap_or_default();
        Ok(state.cards.iter().find(|(_, card)| !card.blocked).map(|(card, _)| *card))
    }

    /// When this member was last here before that moment, if within the kept visits.
    pub fn last_visit_ms(&self, member: MemberId, at: &Moment) -> Result<Option<i64>, TerminalError> {
        Ok(self.view().member(member)?.and_then(|state| state.facts(at).last_visit_ms))
    }
}

fn known(row: CardRow) -> Result<Who, TerminalError> {
    match row.member {
        _ if row.blocked => Err(TerminalError::Blocked),
        Some(member) => Ok(Who::Member { member, card: Some(row.card) }),
        None => Err(TerminalError::Blocked),
    }
}

fn clean_name(name: &str) -> Result<String, TerminalError> {
    let name = name.trim();
    let count = name.chars().count();
    if count == 0 || count > stempel_wire::seal::NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(TerminalError::Input(format!(
            "a name has 1 to {} letters",
            stempel_wire::seal::NAME_CHARS_MAX
        )));
    }
    Ok(name.to_owned())
}
