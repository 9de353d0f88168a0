//! The state of one member: a fold over the facts that does not depend on the order in which they arrive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::card::CardId;
use crate::event::{ConsentKind, ConsentPlace, CounterStep, Event, Fact, Sealed};
use crate::grant::Grant;
use crate::ids::{AuthorId, EventRef, MemberId};
use crate::ledger::{Account, Booking, Lot, Purse};
use crate::programme::Period;
use crate::time::{Day, Moment};
use crate::unit::Unit;

/// A value that the latest writer decides. Writers are ordered by time, then by their event's name, so
/// that every device comes to the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest<T> {
    at_ms: i64,
    by: EventRef,
    /// The value.
    pub value: T,
}

impl<T> Latest<T> {
    fn write(slot: &mut Option<Self>, at_ms: i64, by: EventRef, value: T) {
        if slot.as_ref().is_none_or(|old| (old.at_ms, old.by) < (at_ms, by)) {
            *slot = Some(Self { at_ms, by, value });
        }
    }

    /// The later of two words.
    pub(crate) fn later(one: Option<Self>, other: Option<&Self>) -> Option<Self>
    where
        T: Clone,
    {
        match (one, other) {
            (Some(one), Some(other)) if (one.at_ms, one.by) < (other.at_ms, other.by) => Some(other.clone()),
            (Some(one), _) => Some(one),
            (None, other) => other.cloned(),
        }
    }

    /// The earlier of two words.
    pub(crate) fn earlier(one: Option<Self>, other: Option<&Self>) -> Option<Self>
    where
        T: Clone,
    {
        match (one, other) {
            (Some(one), Some(other)) if (one.at_ms, one.by) > (other.at_ms, other.by) => Some(other.clone()),
            (Some(one), _) => Some(one),
            (None, other) => other.cloned(),
        }
    }

    /// When it was written, by the writer's clock.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// The event that wrote it.
    pub fn by(&self) -> EventRef {
        self.by
    }

    /// The first writer decides instead.
    fn write_first(slot: &mut Option<Self>, at_ms: i64, by: EventRef, value: T) {
        if slot.as_ref().is_none_or(|old| (old.at_ms, old.by) > (at_ms, by)) {
            *slot = Some(Self { at_ms, by, value });
        }
    }
}

/// A card of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardState {
    /// It is no longer taken. A block is for ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
}

/// What a member said last to one thing that can be agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether the member agrees.
    pub given: bool,
    /// The version of the terms that were shown.
    pub terms: String,
    /// Where it was said.
    pub place: ConsentPlace,
}

/// What the tag begins with under which rules see a consent.
pub const CONSENT_TAG: &str = "consent:";

/// Everything that is known of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// The first day known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Day>,
    /// The sealed profile, as last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Latest<Sealed>>,
    /// The cards, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cards: BTreeMap<CardId, CardState>,
    /// Units of each kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub purses: BTreeMap<Unit, Purse>,
    /// Counters by key and day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, BTreeMap<Day, i64>>,
    /// The instants of recent visits in milliseconds, and how many events name each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub visits: BTreeMap<i64, i64>,
    /// The day of the first purchase known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_purchase: Option<Day>,
    /// Rights that are given once: each with the events that gave it, and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<String, BTreeMap<EventRef, i64>>,
    /// Tags and segments, and whether the member has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Latest<bool>>,
    /// The week of the birthday ([`birthday_week`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday_week: Option<Latest<u8>>,
    /// Who brought the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Latest<MemberId>>,
    /// What the member agreed to, and took back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub consents: BTreeMap<ConsentKind, Latest<Consent>>,
    /// The member under whose id this one is known, as last said; none in it: a merge was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Latest<Option<MemberId>>>,
    /// The first day on which the member was forgotten. It is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Day>,
    /// How many events are in this state.
    #[serde(default)]
    pub events: u64,
    /// The newest business day of any event in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Day>,
}

/// What one event does to one member: the event without everything that the fold does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Which event.
    pub event: EventRef,
    /// The device's time of it.
    pub at_ms: i64,
    /// The business day of it.
    pub day: Day,
    /// The changes.
    pub changes: Vec<Change>,
}

/// One elementary change. Every kind commutes with every other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The member is known since that day.
    Joined,
    /// The profile was written.
    Profile {
        /// The sealed profile.
        sealed: Sealed,
    },
    /// A card is the member's.
    Card {
        /// Which.
        card: CardId,
    },
    /// A card is blocked.
    Block {
        /// Which.
        card: CardId,
    },
    /// Units moved.
    Units {
        /// Of what.
        unit: Unit,
        /// How it touches the purse.
        booking: Booking,
        /// How much.
        amount: i64,
    },
    /// A counter stepped.
    Counter(CounterStep),
    /// The member was here (or, with −1, was not).
    Visit {
        /// When.
        at_ms: i64,
        /// 1 or −1.
        amount: i64,
    },
    /// Something was bought that day.
    Bought,
    /// A right was given (1) or taken back (−1).
    Grant {
        /// Which right, as text.
        grant: String,
        /// The event that gave it.
        of: EventRef,
        /// 1 or −1.
        amount: i64,
    },
    /// A tag was given or taken.
    Tag {
        /// Which.
        tag: String,
        /// Whether the member has it from now on.
        held: bool,
    },
    /// The week of the birthday was said.
    BirthdayWeek {
        /// 0 to 52.
        week: u8,
    },
    /// Who brought the member was said.
    Referrer {
        /// The other member.
        member: MemberId,
    },
    /// The member is known under another id, or stands for itself again.
    Merged {
        /// Under which.
        into: Option<MemberId>,
    },
    /// Something was agreed to or taken back.
    Consent {
        /// What.
        kind: ConsentKind,
        /// What was said.
        consent: Consent,
    },
    /// The member is forgotten.
    Erased,
}

/// What an event does to its member; none if it is about no member.
pub fn effect_of(event: &Event) -> Option<(MemberId, Effect)> {
    let member = event.record.fact.member()?;
    let at = &event.record.at;
    let mut changes = Vec::new();
    match &event.record.fact {
        Fact::MemberJoined(fact) => {
            changes.push(Change::Joined);
            changes.push(Change::Card { card: fact.card });
            if let Some(sealed) = &fact.profile {
                changes.push(Change::Profile { sealed: sealed.clone() });
            }
            changes.extend(fact.referrer.map(|member| Change::Referrer { member }));
        }
        Fact::TraitsChanged(fact) => {
            let tags = fact.tags.iter().map(|(tag, &held)| Change::Tag { tag: tag.clone(), held });
            changes.extend(tags);
            changes.extend(fact.birthday_week.map(|week| Change::BirthdayWeek { week }));
            changes.extend(fact.referrer.map(|member| Change::Referrer { member }));
        }
        Fact::ProfileChanged(fact) => changes.push(Change::Profile { sealed: fact.profile.clone() }),
        Fact::CardBound(fact) => {
            changes.push(Change::Card { card: fact.card });
            if let Some(card) = fact.replaces {
                changes.push(Change::Block { card });
            }
        }
        Fact::CardBlocked(fact) => changes.push(Change::Block { card: fact.card }),
        Fact::Sale(_) => {
            changes.push(Change::Visit { at_ms: at.utc_ms, amount: 1 });
            changes.push(Change::Bought);
        }
        Fact::Stamp(fact) => {
            changes.push(Change::Visit { at_ms: at.utc_ms, amount: 1 });
            changes.extend((!fact.order.stamps.is_empty()).then_some(Change::Bought));
        }
        Fact::Reversal(fact) => {
            changes.extend(fact.visit_ms.map(|at_ms| Change::Visit { at_ms, amount: -1 }));
            changes.extend(fact.grants.iter().map(|grant| taken_back(grant, fact.of)));
        }
        Fact::GrantWithdrawn(fact) => changes.push(taken_back(&fact.grant, fact.of)),
        Fact::MemberMerged(fact) => changes.push(Change::Merged { into: fact.into }),
        Fact::ConsentChanged(fact) => {
            let consent = Consent { given: fact.given, terms: fact.terms.clone(), place: fact.place };
            changes.push(Change::Consent { kind: fact.consent, consent });
        }
        Fact::MemberErased(_) => changes.push(Change::Erased),
        Fact::Grant(_)
        | Fact::Adjustment(_)
        | Fact::JournalBegun(_)
        | Fact::ProgrammePublished(_)
        | Fact::ClockSet(_)
        | Fact::AnswerGiven(_)
        | Fact::GiftReleased(_)
        | Fact::LimitLifted(_)
        | Fact::KeyChanged(_) => {}
    }
    changes.extend(event.record.fact.counters().iter().cloned().map(Change::Counter));
    let of = event.reference();
    let given = event.record.fact.grants();
    changes.extend(given.map(|grant| Change::Grant { grant: grant.to_string(), of, amount: 1 }));
    for posting in event.record.fact.postings() {
        if posting.account != Account::Member(member) {
            continue;
        }
        let booking = posting.booking.unwrap_or(if posting.amount < 0 {
            Booking::Spend { day: at.day }
        } else {
            Booking::Lot { earned: at.day, last: None, idle: None }
        });
        changes.push(Change::Units { unit: posting.unit.clone(), booking, amount: posting.amount });
    }
    Some((member, Effect { event: event.reference(), at_ms: at.utc_ms, day: at.day, changes }))
}

fn taken_back(grant: &Grant, of: EventRef) -> Change {
    Change::Grant { grant: grant.to_string(), of, amount: -1 }
}

/// The week of a birthday: the date's place among the sevens of days that begin on 1 January, 0 to 52, in a
/// year with a 29 February. Rules need no more, so no more is kept.
pub fn birthday_week(month: i8, day: i8) -> Option<u8> {
    let date = Day::from_date(2000, month, day)?;
    let days = date.number() - Day::from_date(2000, 1, 1)?.number();
    u8::try_from(days / 7).ok()
}

impl MemberState {
    /// Counters and visits are kept for this many days before the newest.
    pub const COUNTER_DAYS: i32 = 800;
    /// Instants of visits are kept for this long before the newest, in milliseconds: longer than any pause
    /// between two scans.
    pub const VISIT_MS: i64 = 3 * 24 * 60 * 60 * 1000;

    /// Adds one event's effect.
    pub fn apply(&mut self, effect: &Effect) {
        self.events += 1;
        self.newest = self.newest.max(Some(effect.day));
        for change in &effect.changes {
            match change {
                Change::Joined => {
                    self.joined = Some(self.joined.map_or(effect.day, |joined| joined.min(effect.day)));
                }
                Change::Profile { sealed } => {
                    Latest::write(&mut self.profile, effect.at_ms, effect.event, sealed.clone());
                }
                Change::Card { card } => {
                    self.cards.entry(*card).or_default();
                }
                Change::Block { card } => self.cards.entry(*card).or_default().blocked = true,
                Change::Units { unit, booking, amount } => {
                    self.purses.entry(unit.clone()).or_default().add(*booking, *amount);
                }
                Change::Counter(step) => {
                    let days = self.counters.entry(step.key.clone()).or_default();
                    add_to(days, step.day, step.amount);
                    if days.is_empty() {
                        self.counters.remove(&step.key);
                    }
                }
                Change::Visit { at_ms, amount } => add_to(&mut self.visits, *at_ms, *amount),
                Change::Bought => {
                    self.first_purchase =
                        Some(self.first_purchase.map_or(effect.day, |first| first.min(effect.day)));
                }
                Change::Grant { grant, of, amount } => {
                    let events = self.grants.entry(grant.clone()).or_default();
                    add_to(events, *of, *amount);
                    if events.is_empty() {
                        self.grants.remove(grant);
                    }
                }
                Change::Tag { tag, held } => {
                    let mut slot = self.tags.remove(tag);
                    Latest::write(&mut slot, effect.at_ms, effect.event, *held);
                    self.tags.extend(slot.map(|slot| (tag.clone(), slot)));
                }
                Change::BirthdayWeek { week } => {
                    Latest::write(&mut self.birthday_week, effect.at_ms, effect.event, *week);
                }
                Change::Referrer { member } => {
                    Latest::write_first(&mut self.referrer, effect.at_ms, effect.event, *member);
                }
                Change::Merged { into } => {
                    Latest::write(&mut self.merged, effect.at_ms, effect.event, *into);
                }
                Change::Consent { kind, consent } => {
                    let mut slot = self.consents.remove(kind);
                    Latest::write(&mut slot, effect.at_ms, effect.event, consent.clone());
                    self.consents.extend(slot.map(|slot| (*kind, slot)));
                }
                Change::Erased => {
                    self.erased = Some(self.erased.map_or(effect.day, |erased| erased.min(effect.day)));
                }
            }
        }
        if self.erased.is_some() {
            self.forget();
        }
    }

    /// Takes away what says something of a person. Done after every event that follows an erasure, so that the
    /// order of arrival does not matter here either.
    fn forget(&mut self) {
        self.profile = None;
        self.tags.clear();
        self.consents.clear();
        self.birthday_week = None;
        self.referrer = None;
        for card in self.cards.values_mut() {
            card.blocked = true;
        }
    }

    /// The member under whose id this one is known now, if it was merged.
    pub fn merged_into(&self) -> Option<MemberId> {
        self.merged.as_ref().and_then(|merged| merged.value)
    }

    /// What rules may ask for as tags: tags and segments, and what was agreed to. A consent that was said decides
    /// over a tag of its name.
    fn tags_held(&self) -> Vec<String> {
        let said = |tag: &str| {
            let kind = tag.strip_prefix(CONSENT_TAG)?;
            self.consents.keys().find(|known| known.name() == kind)
        };
        let tags = self.tags.iter().filter(|(tag, held)| held.value && said(tag).is_none());
        let consents = self.consents.iter().filter(|(_, consent)| consent.value.given);
        let consents = consents.map(|(kind, _)| format!("{CONSENT_TAG}{}", kind.name()));
        let mut held: Vec<String> = tags.map(|(tag, _)| tag.clone()).chain(consents).collect();
        held.sort_unstable();
        held
    }

    /// Shrinks what is older than any rule reads. Only the keeper of the base does this; it says so by
    /// sending the shrunk state.
    pub fn settle(&mut self) {
        let Some(newest) = self.newest else { return };
        for purse in self.purses.values_mut() {
            purse.settle(newest);
        }
        let first = newest.plus_days(-Self::COUNTER_DAYS);
        for days in self.counters.values_mut() {
            days.retain(|day, _| *day >= first);
        }
        self.counters.retain(|_, days| !days.is_empty());
        let year = Period::Year.label(first);
        self.grants.retain(|grant, _| {
            let occurrence = grant.rsplit_once('@').map_or("", |(_, occurrence)| occurrence);
            !Period::is_label(occurrence) || occurrence.get(..4).is_none_or(|label| label >= year.as_str())
        });
        if let Some((&last, _)) = self.visits.last_key_value() {
            self.visits.retain(|&at_ms, _| at_ms >= last - Self::VISIT_MS);
        }
    }

    /// What can be spent of each unit ever held, on that day.
    pub fn balances(&self, on: Day) -> BTreeMap<Unit, i64> {
        self.purses.iter().map(|(unit, purse)| (unit.clone(), purse.balance(on))).collect()
    }

    /// Units that were spent beyond what there was, on that day.
    pub fn overdrafts(&self, on: Day) -> BTreeMap<Unit, i64> {
        let balances = self.balances(on).into_iter();
        balances.filter(|(_, amount)| *amount < 0).map(|(unit, amount)| (unit, -amount)).collect()
    }

    /// Rights that were given more than once, and the events that gave each. The first of them stands.
    pub fn doubled_grants(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = EventRef>)> {
        self.grants.iter().filter_map(|(grant, events)| {
            let given = events.iter().filter(|(_, count)| **count > 0);
            (given.clone().count() > 1).then(|| (grant.as_str(), given.map(|(event, _)| *event)))
        })
    }

    /// What the rules may read of this member at that moment.
    pub fn facts(&self, at: &Moment) -> MemberFacts {
        let mut lots = BTreeMap::new();
        for (unit, purse) in &self.purses {
            let (mut open, debt) = purse.lots(at.day);
            if debt != 0 {
                open.insert(0, Lot { amount: -debt, earned: at.day, last: None, idle: None });
            }
            lots.insert(unit.clone(), open);
        }
        let last_visit_ms = self.visits.iter().rev().find(|(_, count)| **count > 0).map(|(&at_ms, _)| at_ms);
        MemberFacts {
            lots,
            counters: self.counters.clone(),
            joined: self.joined,
            last_visit_ms,
            tags: self.tags_held(),
            birthday: self.birthday_week.as_ref().is_some_and(|week| is_birthday_week(week.value, at.day)),
            first_purchase: self.first_purchase,
            grants: self.given(),
            referrer: self.referrer.as_ref().map(|referrer| referrer.value),
            ..MemberFacts::default()
        }
    }

    /// The rights that were given, and not taken back.
    fn given(&self) -> Vec<String> {
        let given = |events: &BTreeMap<EventRef, i64>| events.values().any(|count| *count > 0);
        self.grants.iter().filter(|(_, events)| given(events)).map(|(grant, _)| grant.clone()).collect()
    }
}

/// What the rules read of a member. An event carries it, so that the event can be judged again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberFacts {
    /// The lots that can be spent, first to expire first; a debt stands first, with a negative amount.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lots: BTreeMap<Unit, Vec<Lot>>,
    /// Counters by key and day.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, BTreeMap<Day, i64>>,
    /// The first day known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Day>,
    /// The last visit before this one, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_visit_ms: Option<i64>,
    /// Tags and segments that programmes may ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The tier reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The birthday is within this moment's occasion window.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub birthday: bool,
    /// The day of the first purchase known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_purchase: Option<Day>,
    /// Rights that were given and cannot be given again now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// Who brought the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<MemberId>,
    /// A person asked for it who knows what was sold: the pause between two scans does not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

impl MemberFacts {
    /// What can be spent of a unit.
    pub fn balance(&self, unit: &Unit) -> i64 {
        let lots = self.lots.get(unit).map_or(&[][..], Vec::as_slice);
        lots.iter().fold(0, |sum, lot| sum.saturating_add(lot.amount))
    }
}

/// A member's state with the journals that are in it.
///
/// An entry that is known here and not yet in it (the overlay) is dropped exactly when
/// `includes[author] ≥ seq`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The fold over all events named by `includes`.
    pub state: MemberState,
    /// For each author, the highest number up to which its events about this member are in the state.
    pub includes: BTreeMap<AuthorId, u64>,
}

impl Base {
    /// Whether that event's effect is already in the state.
    pub fn has(&self, event: EventRef) -> bool {
        self.includes.get(&event.author).is_some_and(|&seq| seq >= event.seq)
    }
}

/// Whether a day is in that week of birthdays.
pub(crate) fn is_birthday_week(week: u8, day: Day) -> bool {
    let civil = day.civil();
    birthday_week(civil.month(), civil.day()) == Some(week)
}

fn add_to<K: Ord>(sums: &mut BTreeMap<K, i64>, key: K, amount: i64) {
    let sum = sums.entry(key).or_default();
    *sum += amount;
    if *sum == 0 {
        sums.retain(|_, sum| *sum != 0);
    }
}
