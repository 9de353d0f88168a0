//! Everything that is held about a person, as one JSON document that other programs can read (GDPR art. 15 and 20).
//!
//! | field | what |
//! |---|---|
//! | `format`, `version` | `stempel-person`, 1 |
//! | `member`, `members` | the id under which the person is known, and every id that is the same person |
//! | `profile` | what the member said of themselves, opened |
//! | `cards` | number, whose of the members it is, whether it is blocked |
//! | `balances` | what can be spent, by unit, as decimal text |
//! | `consents` | what was agreed to, whether it still is, with the terms' version, the place and the time |
//! | `events` | each event with its record as it was signed, and why it gave what it gave, in German and English |
//! | `complete` | false where only the events of one terminal are known |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stempel_domain::event::{ConsentKind, ConsentPlace};
use stempel_domain::rules::{Language, sentence};
use stempel_domain::{Account, CardNumber, Day, EventRef, Fact, MemberId, Moment, OperatorId, Person, Unit};

use crate::{Profile, Row};

/// What the document is called.
pub const FORMAT: &str = "stempel-person";
/// The version of what is written here.
pub const VERSION: u32 = 1;

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// [`FORMAT`].
    pub format: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// When it was made, as RFC 3339.
    pub at: String,
    /// The id under which the person is known.
    pub member: MemberId,
    /// Every id that is this person.
    pub members: Vec<MemberId>,
    /// What the member said of themselves, where a key opens it.
    pub profile: Option<Profile>,
    /// The first day known.
    pub joined: Option<Day>,
    /// The day on which the member was forgotten.
    pub erased: Option<Day>,
    /// The cards.
    pub cards: Vec<Card>,
    /// What can be spent, by unit.
    pub balances: BTreeMap<String, String>,
    /// Tags and segments.
    pub tags: Vec<String>,
    /// The week of the birthday, 0 to 52.
    pub birthday_week: Option<u8>,
    /// The member who brought this one.
    pub referrer: Option<MemberId>,
    /// What was agreed to and taken back.
    pub consents: Vec<ConsentSaid>,
    /// Every event, oldest first.
    pub events: Vec<EventSaid>,
    /// Whether these are all events there are.
    pub complete: bool,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its number.
    pub number: String,
    /// Under which id it was given.
    pub member: MemberId,
    /// It is no longer taken.
    pub blocked: bool,
}

/// The last word about one consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentSaid {
    /// To what.
    pub consent: ConsentKind,
    /// Whether the member agrees.
    pub given: bool,
    /// The version of the terms.
    pub terms: String,
    /// Where it was said.
    pub place: ConsentPlace,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The event that says so.
    pub event: EventRef,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventSaid {
    /// Its name.
    pub event: EventRef,
    /// When, as RFC 3339.
    pub at: String,
    /// What kind.
    pub kind: String,
    /// Who did it.
    pub operator: Option<OperatorId>,
    /// What it moved on the person's account, by unit.
    pub moved: BTreeMap<String, String>,
    /// Why, in each language.
    pub why: BTreeMap<&'static str, Vec<String>>,
    /// The record as it was signed.
    pub record: Value,
}

/// The last word about each consent.
pub fn consents(person: &Person) -> Vec<ConsentSaid> {
    let state = person.state();
    let said = state.consents.iter().map(|(kind, said)| ConsentSaid {
        consent: *kind,
        given: said.value.given,
        terms: said.value.terms.clone(),
        place: said.value.place,
        at_ms: said.at_ms(),
        event: said.by(),
    });
    said.collect()
}

impl Export {
    /// Puts the document together. `rows` are the events that are known, in any order.
    pub fn new(person: &Person, profile: Option<Profile>, rows: &[Row], at: &Moment, complete: bool) -> Self {
        let state = person.state();
        let members: Vec<MemberId> = person.parts().iter().map(|(id, _)| *id).collect();
        let card = |member: MemberId| {
            move |(card, state): (&stempel_domain::CardId, &stempel_domain::member::CardState)| {
                let number: CardNumber = card.number();
                Card { number: number.to_string(), member, blocked: state.blocked }
            }
        };
        let mut events: Vec<(Moment, EventSaid)> =
            rows.iter().filter_map(|row| said(row, &members)).collect();
        events.sort_by_key(|(at, event)| (at.utc_ms, event.event));
        Self {
            format: FORMAT,
            version: VERSION,
            at: at.rfc3339(),
            member: members.first().copied().unwrap_or(MemberId([0; 16])),
            profile,
            joined: state.joined,
            erased: state.erased,
            cards: person.parts().iter().flat_map(|(id, state)| state.cards.iter().map(card(*id))).collect(),
            balances: amounts(&state.balances(at.day)),
            tags: state.tags.iter().filter(|(_, held)| held.value).map(|(tag, _)| tag.clone()).collect(),
            birthday_week: state.birthday_week.as_ref().map(|week| week.value),
            referrer: state.referrer.as_ref().map(|referrer| referrer.value),
            consents: consents(person),
            events: events.into_iter().map(|(_, event)| event).collect(),
            members,
            complete,
        }
    }
}

fn amounts(sums: &BTreeMap<Unit, i64>) -> BTreeMap<String, String> {
    sums.iter().map(|(unit, amount)| (unit.name().to_owned(), unit.format(*amount))).collect()
}

/// An event in the document; none if its record cannot be read at all.
fn said(row: &Row, members: &[MemberId]) -> Option<(Moment, EventSaid)> {
    let record: Value = serde_json::from_slice(row.record_json()).ok()?;
    let known = row.event().ok();
    let at: Moment = match &known {
        Some(event) => event.record.at,
        None => serde_json::from_value(record.get("at")?.clone()).ok()?,
    };
    let fact = known.as_ref().map(|event| &event.record.fact);
    let mut moved: BTreeMap<Unit, i64> = BTreeMap::new();
    for posting in fact.map(Fact::postings).unwrap_or_default() {
        if matches!(posting.account, Account::Member(member) if members.contains(&member)) {
            *moved.entry(posting.unit.clone()).or_default() += posting.amount;
        }
    }
    let event = EventSaid {
        event: row.reference(),
        at: at.rfc3339(),
        kind: row.kind().unwrap_or_default(),
        operator: known.as_ref().and_then(|event| event.record.operator.clone()),
        moved: amounts(&moved),
        why: [Language::De, Language::En].map(|language| (language.code(), why(fact, language))).into(),
        record,
    };
    Some((at, event))
}

/// Why an event gave what it gave.
fn why(fact: Option<&Fact>, language: Language) -> Vec<String> {
    let trace = match fact {
        Some(Fact::Sale(fact)) => &fact.outcome.trace,
        Some(Fact::Stamp(fact)) => &fact.outcome.trace,
        Some(Fact::Grant(fact)) => &fact.outcome.trace,
        Some(Fact::Adjustment(fact)) => return vec![fact.reason.clone()],
        _ => return Vec::new(),
    };
    trace.iter().map(|step| sentence(step, language)).collect()
}
