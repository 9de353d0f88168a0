//! What should be true, kept apart from the system: plain maps of what each event moved, and who has it.
//!
//! The model reads rows as they were signed and adds up their postings by itself. It uses the names and types of the
//! domain and none of its rules: no evaluation, no purse, no fold.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::Fact;
use stempel_domain::ledger::{Account, Booking};
use stempel_domain::{AuthorId, Day, Event, EventRef, MemberId, Unit};
use stempel_wire::Row;
use stempel_wire::row::RecordError;

use crate::stop::{OrStop, Result, broken, hold};

/// An event by its hash: two rows under one number are two events.
pub type Name = [u8; 32];

/// What an event moved.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its place in its journal.
    pub place: EventRef,
    /// Whom it is about.
    pub member: Option<MemberId>,
    /// What it moved for that member.
    pub moved: BTreeMap<Unit, i64>,
    /// The business day on which its stamps and offline spends count.
    pub day: Day,
    /// Stamps that it gave, or took back with the opposite sign.
    pub stamped: i64,
    /// Stamps that it spent on rewards, or gave back with the opposite sign.
    pub spent: i64,
    /// What of that was spent without the server.
    pub spent_offline: i64,
    /// Rights that it gave, or took back with the opposite sign, by name.
    pub rights: BTreeMap<String, i64>,
    /// Its member is forgotten by it.
    pub erases: bool,
    /// When, by its author's clock.
    pub at_ms: i64,
    /// What it takes back, if it does.
    pub of: Option<EventRef>,
    /// Under whose id its member is known from now on; none in it: under its own again.
    pub into: Option<Option<MemberId>>,
    /// It is of a kind that this version does not know.
    pub unread: bool,
}

/// The rights that stand among some events: given, and taken back by none of them. One that is taken back by two, by a hand and
/// by the server, is gone once.
pub fn standing_rights<'a>(known: &[&'a Known]) -> Vec<(&'a Known, &'a str)> {
    let taken = known.iter().filter_map(|known| Some((known.of?, *known)));
    let gone: BTreeSet<(EventRef, &str)> =
        taken.flat_map(|(of, known)| known.rights.keys().map(move |right| (of, right.as_str()))).collect();
    let given = known.iter().flat_map(|known| {
        let given = known.rights.iter().filter(|(_, amount)| **amount > 0);
        given.map(move |(right, _)| (*known, right.as_str()))
    });
    given.filter(|(known, right)| !gone.contains(&(known.place, right))).collect()
}

impl Known {
    /// An event of a kind that this version does not know.
    fn unread(place: EventRef) -> Self {
        Self {
            place,
            member: None,
            moved: BTreeMap::new(),
            day: Day::MIN,
            stamped: 0,
            spent: 0,
            spent_offline: 0,
            rights: BTreeMap::new(),
            erases: false,
            at_ms: 0,
            of: None,
            into: None,
            unread: true,
        }
    }
}

/// A row as the server has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Which event.
    pub name: Name,
    /// It counts; else it is kept without effect.
    pub counts: bool,
    /// It was let through after it had been kept without effect.
    pub released: bool,
}

/// One history of the server, from one restore to the next.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every row.
    pub rows: BTreeMap<EventRef, Stored>,
    /// The same by member.
    pub of_member: BTreeMap<MemberId, BTreeSet<EventRef>>,
    /// The last number of each journal.
    pub heads: BTreeMap<AuthorId, u64>,
}

/// What is known of what happened.
#[derive(Debug, Default)]
pub struct Model {
    /// Every event that was ever seen anywhere.
    pub events: BTreeMap<Name, Known>,
    /// The server's histories by epoch.
    pub histories: BTreeMap<String, History>,
    /// Every member that was ever said to be another one.
    pub merged: BTreeSet<MemberId>,
}

/// The unit of the stamp card.
pub fn stamps() -> Result<Unit> {
    "stamp:coffee".parse().machine("the unit of stamps")
}

impl Model {
    /// Reads a row and remembers what it moved. `original` finds the event that this one takes back.
    pub fn learn(&mut self, bytes: &[u8], original: impl Fn(EventRef) -> Option<Name>) -> Result<Name> {
        let row = Row::parse(bytes.to_vec()).never("reading a row")?;
        let name = row.hash().0;
        if self.events.contains_key(&name) {
            return Ok(name);
        }
        let event = match row.event() {
            Ok(event) => event,
            // What a later program writes moves nothing here.
            Err(RecordError::UnknownKind(_)) => {
                self.events.insert(name, Known::unread(row.reference()));
                return Ok(name);
            }
            Err(error) => return broken(format!("a row cannot be read: {error}")),
        };
        let of = match &event.record.fact {
            Fact::Reversal(fact) => Some(fact.of),
            _ => None,
        };
        let original = of.and_then(original).and_then(|name| self.events.get(&name)).cloned();
        let known = known(&event, original)?;
        self.merged.extend(known.member.filter(|_| known.into.is_some()));
        self.events.insert(name, known);
        Ok(name)
    }

    /// The sum of what events moved, without units that come out at nothing.
    pub fn sum<'a>(&self, names: impl IntoIterator<Item = &'a Name>) -> BTreeMap<Unit, i64> {
        let mut sums: BTreeMap<Unit, i64> = BTreeMap::new();
        for known in names.into_iter().filter_map(|name| self.events.get(name)) {
            for (unit, amount) in &known.moved {
                *sums.entry(unit.clone()).or_default() += amount;
            }
        }
        sums.retain(|_, amount| *amount != 0);
        sums
    }

    /// Stamps that count towards a cap on that day.
    pub fn stamped<'a>(&self, names: impl IntoIterator<Item = &'a Name>, day: Day) -> i64 {
        let of_day = |known: &&Known| known.day == day;
        names
            .into_iter()
            .filter_map(|name| self.events.get(name))
            .filter(of_day)
            .map(|known| known.stamped)
            .sum()
    }

    /// Stamps spent without the server on that day.
    pub fn spent_offline<'a>(&self, names: impl IntoIterator<Item = &'a Name>, day: Day) -> i64 {
        let of_day = |known: &&Known| known.day == day;
        let known = names.into_iter().filter_map(|name| self.events.get(name)).filter(of_day);
        known.map(|known| known.spent_offline).sum()
    }
}

/// What an event moved, from its postings alone.
fn known(event: &Event, original: Option<Known>) -> Result<Known> {
    let fact = &event.record.fact;
    let member = fact.member();
    let mut all: BTreeMap<&Unit, i128> = BTreeMap::new();
    let mut moved: BTreeMap<Unit, i64> = BTreeMap::new();
    let (mut stamped, mut spent) = (0, 0);
    let stamp = stamps()?;
    for posting in fact.postings() {
        *all.entry(&posting.unit).or_default() += i128::from(posting.amount);
        if member.is_none_or(|member| posting.account != Account::Member(member)) {
            continue;
        }
        *moved.entry(posting.unit.clone()).or_default() += posting.amount;
        if posting.unit == stamp {
            match posting.booking {
                Some(Booking::Spend { .. }) => spent -= posting.amount,
                _ => stamped += posting.amount,
            }
        }
    }
    hold(all.values().all(|sum| *sum == 0), || {
        format!("event {} books postings that do not come out at zero: {all:?}", event.reference())
    })?;
    moved.retain(|_, amount| *amount != 0);
    let offline = match fact {
        Fact::Stamp(fact) => fact.place.offline.is_some(),
        Fact::Sale(fact) => fact.place.offline.is_some(),
        _ => false,
    };
    let mut rights: BTreeMap<String, i64> = BTreeMap::new();
    match fact {
        Fact::GrantWithdrawn(fact) => *rights.entry(fact.grant.to_string()).or_default() -= 1,
        Fact::Reversal(fact) => {
            fact.grants.iter().for_each(|grant| *rights.entry(grant.to_string()).or_default() -= 1);
        }
        _ => fact.grants().for_each(|grant| *rights.entry(grant.to_string()).or_default() += 1),
    }
    let mut known = Known {
        place: event.reference(),
        member,
        moved,
        day: event.record.at.day,
        stamped: 0,
        spent,
        spent_offline: if offline { spent } else { 0 },
        rights,
        erases: matches!(fact, Fact::MemberErased(_)),
        at_ms: event.record.at.utc_ms,
        of: match fact {
            Fact::GrantWithdrawn(fact) => Some(fact.of),
            Fact::Reversal(fact) => Some(fact.of),
            _ => None,
        },
        unread: false,
        into: match fact {
            Fact::MemberMerged(fact) => Some(fact.into),
            _ => None,
        },
    };
    match fact {
        Fact::Stamp(_) | Fact::Sale(_) => known.stamped = stamped,
        // What counted towards a cap counts no more: on the day of the event that was taken back.
        Fact::Reversal(_) => {
            if let Some(original) = original {
                known.day = original.day;
                known.stamped = -original.stamped;
                known.spent_offline = -original.spent_offline;
            }
        }
        _ => {}
    }
    Ok(known)
}
