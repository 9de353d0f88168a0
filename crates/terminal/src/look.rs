//! Looking without touching: balances, rewards within reach, and why.

use std::collections::BTreeMap;

use stempel_domain::event::Fact;
use stempel_domain::programme::{Membership, TierBy, VOUCHER_PREFIX};
use stempel_domain::rules::{self, ChallengeStanding, Language, Offers, Outcome, Standing, TraceStep};
use stempel_domain::{
    Account, AuthorId, CardNumber, Day, EventRef, MemberFacts, MemberId, Moment, Money, Posting, ProgrammeId,
    Unit,
};
use stempel_wire::Profile;
use stempel_wire::export::{ConsentSaid, consents};

use crate::cards::Who;
use crate::{Terminal, TerminalError};

/// The most events that an explanation lists.
pub const WHY_EVENTS_MAX: usize = 10_000;
/// What the unit of every badge begins with.
const BADGE_PREFIX: &str = "badge:";

/// A member as a person at the counter may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberLook {
    /// Who.
    pub member: MemberId,
    /// The name and language, if there are any and the key is here.
    pub profile: Option<Profile>,
    /// The numbers of the cards, and whether each is blocked.
    pub cards: Vec<(CardNumber, bool)>,
    /// What can be spent today, of every unit ever held.
    pub balances: BTreeMap<Unit, i64>,
    /// The card is genuine and was never used here.
    pub new_card: bool,
    /// Tags and segments.
    pub tags: Vec<String>,
    /// It is the week of the birthday.
    pub birthday: bool,
    /// The member who brought this one.
    pub referrer: Option<MemberId>,
    /// Challenges that run for the member now.
    pub challenges: Vec<ChallengeStanding>,
    /// Every ladder of tiers.
    pub tiers: Vec<TierLook>,
    /// Memberships, by name.
    pub memberships: Vec<Held>,
    /// Badges, by name.
    pub badges: Vec<Held>,
    /// Vouchers, by programme and reward.
    pub vouchers: Vec<Held>,
    /// Members who were merged into this one.
    pub merged: Vec<MemberId>,
    /// The last word about everything that was agreed to.
    pub consents: Vec<ConsentSaid>,
    /// The day on which the member was forgotten.
    pub erased: Option<Day>,
}

/// How a member stands on a ladder of tiers, in figures as people read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLook {
    /// Whose ladder.
    pub programme: ProgrammeId,
    /// The tier reached, if any.
    pub tier: Option<String>,
    /// The last day on which it is kept if nothing more is counted; none: for ever, or no tier.
    pub kept_until: Option<Day>,
    /// What counts towards it: money, units or visits.
    pub counted: String,
    /// The next tier and how much is missing for it.
    pub next: Option<(String, String)>,
    /// The same as a sentence for people, in German.
    pub de: String,
    /// The same in English.
    pub en: String,
}

/// Something that a member holds: the part of its unit after the colon, how much, and its last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it is called.
    pub name: String,
    /// How much of it.
    pub amount: i64,
    /// The last day on which some of it can be used; none: for ever.
    pub last: Option<Day>,
}

/// One event in an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which event.
    pub event: EventRef,
    /// When.
    pub at: Moment,
    /// Its kind.
    pub kind: &'static str,
    /// The postings to the member's account.
    pub postings: Vec<Posting>,
    /// The programme versions that were in force.
    pub programmes: Vec<String>,
    /// Why, step by step.
    pub trace: Vec<TraceStep>,
    /// What it took back, if it is a reversal or a right that was withdrawn.
    pub reverses: Option<EventRef>,
    /// The fact itself.
    pub fact: Fact,
}

/// Each balance as the postings that make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Who.
    pub member: MemberId,
    /// What the server had confirmed, without the events listed here: by unit, with the journals in it.
    pub confirmed: BTreeMap<Unit, i64>,
    /// What has expired since it was earned, where no server has a word in it.
    pub expired: BTreeMap<Unit, i64>,
    /// The journals that the server had counted.
    pub includes: BTreeMap<AuthorId, u64>,
    /// The events of this terminal, oldest first.
    pub events: Vec<Reason>,
    /// What can be spent today.
    pub balances: BTreeMap<Unit, i64>,
}

impl Terminal {
    /// Looks at whom a code names.
    pub fn look(&self, who: &Who) -> Result<MemberLook, TerminalError> {
        self.reading(|terminal| terminal.look_of(who))
    }

    fn look_of(&self, who: &Who) -> Result<MemberLook, TerminalError> {
        let member = who.member();
        let at = self.moment(None)?;
        let person = self.view().person(member)?.unwrap_or_default();
        let state = person.state();
        let facts = self.facts(&state, &at);
        let place = self.place(&at, &[])?;
        Ok(MemberLook {
            merged: person.parts().iter().skip(1).map(|(id, _)| *id).collect(),
            consents: consents(&person),
            erased: state.erased,
            member,
            profile: self.view().profile(member)?,
            cards: state.cards.iter().map(|(card, state)| (card.number(), state.blocked)).collect(),
            balances: state.balances(at.day),
            new_card: matches!(who, Who::NewCard { .. }),
            challenges: rules::challenges(&self.book, &facts, place, &at),
            tiers: self.tiers(&facts, &at),
            memberships: held(&facts, Membership::PREFIX),
            badges: held(&facts, BADGE_PREFIX),
            vouchers: held(&facts, VOUCHER_PREFIX),
            tags: facts.tags,
            birthday: facts.birthday,
            referrer: facts.referrer,
        })
    }

    fn tiers(&self, facts: &MemberFacts, at: &Moment) -> Vec<TierLook> {
        let look = |standing: Standing| {
            let unit = self.book.find(&standing.programme.id)?.programme.unit();
            let figure = |amount: i64| match standing.by {
                TierBy::Spend => Money(amount).to_string(),
                TierBy::Units => unit.format(amount),
                TierBy::Visits => amount.to_string(),
            };
            Some(TierLook {
                counted: figure(standing.counted),
                next: standing.next.as_ref().map(|(tier, missing)| (tier.clone(), figure(*missing))),
                tier: standing.tier.clone(),
                kept_until: standing.kept_until,
                de: standing.sentence(unit, Language::De),
                en: standing.sentence(unit, Language::En),
                programme: standing.programme.id.clone(),
            })
        };
        rules::standings(&self.book, facts, at).into_iter().filter_map(look).collect()
    }

    /// What a member can take now, and how the stamp cards look; after an order, if one was judged.
    pub fn offers(&self, who: &Who, order: Option<&Outcome>) -> Result<Offers, TerminalError> {
        let at = self.moment(None)?;
        let state = self.view().member(who.member())?.unwrap_or_default();
        let facts = self.facts(&state, &at);
        Ok(rules::offers(&self.book, &facts, order, self.place(&at, &[])?, &at))
    }

    /// Explains a member's balances: every event kept here that moved them, and one line for everything that
    /// the server had confirmed from elsewhere.
    pub fn why(&self, member: MemberId) -> Result<Why, TerminalError> {
        let at = self.moment(None)?;
        let base = self.view().base(member)?.unwrap_or_default();
        let balances = self.view().member(member)?.unwrap_or_default().balances(at.day);
        let members = self.view().group(member)?;
        let mut rows = Vec::new();
        for member in &members {
            let mut own = self.view().rows_of_member(*member, WHY_EVENTS_MAX)?;
            own.reverse();
            rows.append(&mut own);
        }
        // A merged member's own rows come from the same journal: by number they are in order again.
        if members.len() > 1 {
            rows.sort_by_key(|row| (row.author(), row.seq()));
        }
        let mut events = Vec::with_capacity(rows.len());
        let mut here: BTreeMap<Unit, i64> = BTreeMap::new();
        for row in rows {
            let Ok(event) = row.event() else { continue };
            let reason = reason(&members, event.reference(), event.record.at, event.record.fact);
            for posting in &reason.postings {
                *here.entry(posting.unit.clone()).or_default() += posting.amount;
            }
            events.push(reason);
        }
        let mut confirmed = BTreeMap::new();
        for (unit, amount) in &balances {
            confirmed.insert(unit.clone(), amount - here.get(unit).copied().unwrap_or(0));
        }
        confirmed.retain(|_, amount| *amount != 0);
        let alone = self.identity().server.is_none();
        let expired = if alone { std::mem::take(&mut confirmed) } else { BTreeMap::new() };
        Ok(Why { member, confirmed, expired, includes: base.includes, events, balances })
    }
}

/// What a member holds of the units that begin with a prefix.
fn held(facts: &MemberFacts, prefix: &str) -> Vec<Held> {
    let named = facts.lots.iter().filter_map(|(unit, lots)| Some((unit.name().strip_prefix(prefix)?, lots)));
    let held = named.map(|(name, lots)| Held {
        name: name.to_owned(),
        amount: lots.iter().map(|lot| lot.amount).sum(),
        // What has no last day outlasts everything else.
        last: match lots.iter().any(|lot| lot.amount > 0 && lot.last.is_none()) {
            true => None,
            false => lots.iter().filter(|lot| lot.amount > 0).filter_map(|lot| lot.last).max(),
        },
    });
    held.filter(|held| held.amount > 0).collect()
}

fn reason(members: &[MemberId], event: EventRef, at: Moment, fact: Fact) -> Reason {
    let (loyalty, trace, reverses) = match &fact {
        Fact::Sale(fact) => (fact.loyalty.as_ref(), fact.outcome.trace.clone(), None),
        Fact::Stamp(fact) => (Some(&fact.loyalty), fact.outcome.trace.clone(), None),
        Fact::Grant(fact) => (Some(&fact.loyalty), fact.outcome.trace.clone(), None),
        Fact::Reversal(fact) => (None, Vec::new(), Some(fact.of)),
        Fact::GrantWithdrawn(fact) => (None, Vec::new(), Some(fact.of)),
        _ => (None, Vec::new(), None),
    };
    let programmes = loyalty.map(|loyalty| loyalty.programmes.as_slice()).unwrap_or_default();
    let programmes: Vec<String> =
        programmes.iter().map(|programme| format!("{} v{}", programme.id, programme.version)).collect();
    let own = |posting: &&Posting| matches!(posting.account, Account::Member(of) if members.contains(&of));
    let postings = fact.postings().iter().filter(own).cloned().collect();
    Reason { event, at, kind: fact.kind(), postings, programmes, trace, reverses, fact }
}
