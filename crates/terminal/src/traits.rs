//! What rules ask of a member and nobody's name is in: tags, the week of the birthday, who brought whom.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::{Fact, MemberJoined, TraitsChanged};
use stempel_domain::member::CONSENT_TAG;
use stempel_domain::{EventRef, MemberId, MemberState, Moment};

use crate::cards::Who;
use crate::counter::Circumstances;
use crate::{Terminal, TerminalError};

/// The most tags that one change names.
const TAGS_MAX: usize = 50;
/// The longest tag, in bytes.
const TAG_LEN_MAX: usize = 64;
/// How far back a row of members who brought each other is followed.
const CHAIN_MAX: usize = 1000;

impl Terminal {
    /// Gives a member tags (`true`) and takes tags (`false`), and notes the week of the birthday
    /// ([`stempel_domain::member::birthday_week`]): the date itself is not kept.
    pub fn note_traits(
        &mut self,
        code: &str,
        tags: BTreeMap<String, bool>,
        birthday_week: Option<u8>,
        how: &Circumstances,
    ) -> Result<(EventRef, MemberId), TerminalError> {
        let who = self.who(code)?;
        if let Some(event) = self.answered(how)? {
            return Ok((event, who.member()));
        }
        if tags.is_empty() && birthday_week.is_none() {
            return Err(TerminalError::Input("nothing is to be changed; name a tag or a birthday".into()));
        }
        if tags.len() > TAGS_MAX || tags.keys().any(|tag| !is_tag(tag)) {
            return Err(TerminalError::Input(format!(
                "a tag has 1 to {TAG_LEN_MAX} bytes, and one change names at most {TAGS_MAX}"
            )));
        }
        if tags.keys().any(|tag| tag.starts_with(CONSENT_TAG)) {
            return Err(TerminalError::Input(
                "what a member agrees to is no tag; note it with the version of the terms: stempel member consent".into(),
            ));
        }
        let at = self.moment(how.at)?;
        let (_, joined) = self.begin(&who, &at)?;
        let member = who.member();
        let change = TraitsChanged { member, tags, birthday_week, referrer: None };
        let facts = joined.into_iter().chain([Fact::TraitsChanged(change)]).collect();
        Ok((self.record_last(at, how, facts)?, member))
    }

    /// Notes that a member was brought by another. What both are given for it comes with the first purchase.
    ///
    /// # Errors
    /// A plain reason where that cannot be: oneself, a circle, somebody who has bought before or joined earlier.
    pub fn refer(
        &mut self,
        code: &str,
        by: &str,
        how: &Circumstances,
    ) -> Result<(EventRef, MemberId), TerminalError> {
        let (who, by) = (self.who(code)?, self.who(by)?);
        if let Some(event) = self.answered(how)? {
            return Ok((event, who.member()));
        }
        let at = self.moment(how.at)?;
        let (state, joined) = self.begin(&who, &at)?;
        let member = who.member();
        let referrer = Some(self.may_bring(&by, member, &state, &at)?);
        let fact = match joined {
            Some(Fact::MemberJoined(joined)) => Fact::MemberJoined(MemberJoined { referrer, ..joined }),
            _ => {
                let change = TraitsChanged { member, tags: BTreeMap::new(), birthday_week: None, referrer };
                Fact::TraitsChanged(change)
            }
        };
        Ok((self.record_last(at, how, vec![fact])?, member))
    }

    /// Whether `by` can have brought a friend. Anybody can have brought one who joins only now.
    fn may_bring(
        &self,
        by: &Who,
        friend: MemberId,
        state: &MemberState,
        at: &Moment,
    ) -> Result<MemberId, TerminalError> {
        let no = |why: &str| Err(TerminalError::NotNow(why.to_owned()));
        let referrer = by.member();
        if referrer == friend {
            return no("nobody brings themselves; name another member's card");
        }
        if state.referrer.is_some() {
            return no("who brought this member was named before, and the first that is named stays");
        }
        if state.first_purchase.is_some() {
            return no("this member has bought here before; only somebody new is brought");
        }
        let known = self.view().member(referrer)?.and_then(|state| state.joined);
        let since = match known {
            Some(day) => day,
            // A genuine card that was never used here: its member begins today.
            None => at.day,
        };
        if state.joined.is_some_and(|joined| joined < since) {
            return no("this member was here first; a friend is brought by somebody who was here before");
        }
        if self.brought_by(referrer, friend)? {
            return no("that would be a circle: this member brought the other one, perhaps through others");
        }
        Ok(referrer)
    }

    /// Whether a member was brought by another, perhaps through others.
    fn brought_by(&self, member: MemberId, other: MemberId) -> Result<bool, TerminalError> {
        let (mut seen, mut at) = (BTreeSet::new(), member);
        while seen.insert(at) && seen.len() <= CHAIN_MAX {
            let Some(state) = self.view().member(at)? else { return Ok(false) };
            let Some(referrer) = state.referrer else { return Ok(false) };
            if referrer.value == other {
                return Ok(true);
            }
            at = referrer.value;
        }
        // Longer than anybody can look through, or a circle already: no further link.
        Ok(true)
    }
}

/// What a programme can ask for as a tag.
fn is_tag(tag: &str) -> bool {
    let trimmed = !tag.is_empty() && tag.trim() == tag;
    trimmed && tag.len() <= TAG_LEN_MAX && !tag.chars().any(char::is_control)
}
