//! Alarms: what looks as if somebody helped himself. Nothing here says that somebody did; an alarm opens to the events
//! that raised it, and a person looks at them.
//!
//! Each action is seen as a [`Sight`], without amounts of units and without names. [`raise`] looks at one sight and at
//! those that came shortly before; [`Watch`] keeps those that matter and joins what belongs together. The same sights
//! give the same alarms wherever they are looked at: at a device with no network from its own journal, at the server
//! from all of them.
//!
//! | kind | counts |
//! |---|---|
//! | `self-award` | units that an operator gives to the card that is the operator's own (tag `operator:ID`) |
//! | `card-often` | how often one member was given units |
//! | `operator-often` | how often one operator gave units |
//! | `two-places` | how often a card was used in one shop shortly after another |
//! | `take-backs` | how often one operator undid or refunded |
//! | `money-back` | how much money one operator handed back, in minor units |

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Event, Fact};
use crate::ids::{EventRef, MemberId, OperatorId, ShopId};
use crate::ledger::Account;
use crate::member::MemberState;
use crate::money::Money;
use crate::rules::Language;
use crate::sale::Deed;
use crate::time::Moment;

/// What a tag begins with that says which operator a member is.
pub const OPERATOR_TAG: &str = "operator:";
/// The most events that an alarm names; its count goes on.
pub const FACTS_MAX: usize = 100;
/// The most sights that are kept to compare the next one with.
const SIGHTS_MAX: usize = 4096;
/// The longest time over which a limit counts, in minutes: a week.
const MINUTES_MAX: u32 = 7 * 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// What looks odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// An operator gave units to the own card.
    SelfAward,
    /// One card was given units again and again.
    CardOften,
    /// One operator gave units more often than guests come.
    OperatorOften,
    /// One card was used in two shops within too short a time.
    TwoPlaces,
    /// One operator took back again and again.
    TakeBacks,
    /// One operator handed back much money.
    MoneyBack,
}

impl AlarmKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::SelfAward,
        Self::CardOften,
        Self::OperatorOften,
        Self::TwoPlaces,
        Self::TakeBacks,
        Self::MoneyBack,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelfAward => "self-award",
            Self::CardOften => "card-often",
            Self::OperatorOften => "operator-often",
            Self::TwoPlaces => "two-places",
            Self::TakeBacks => "take-backs",
            Self::MoneyBack => "money-back",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is about a card, and not about who works at the counter.
    fn is_of_a_card(self) -> bool {
        matches!(self, Self::CardOften | Self::TwoPlaces)
    }
}

/// How far it has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Somebody should look at it.
    Warn,
    /// The next time, a second person has to agree.
    FourEyes,
}

/// When something is odd: so many within so many minutes. Zero is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Over how long it counts.
    pub minutes: u32,
    /// From how many on there is a warning.
    pub warn: u32,
    /// From how many on a second person has to agree.
    pub ask: u32,
}

impl Limit {
    /// How far a count has gone.
    pub fn level(self, count: u64) -> Option<Level> {
        let reached = |limit: u32| limit > 0 && count >= u64::from(limit);
        if reached(self.ask) { Some(Level::FourEyes) } else { reached(self.warn).then_some(Level::Warn) }
    }

    /// Over how long it counts, in milliseconds.
    fn span_ms(self) -> i64 {
        i64::from(self.minutes.min(MINUTES_MAX)) * MINUTE_MS
    }
}

/// The limits that somebody has set, by what looks odd. Those that are not named stay as they are.
pub type LimitsSet = BTreeMap<AlarmKind, Limit>;

/// The limits of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Units for the own card.
    pub self_award: Limit,
    /// Units for one card.
    pub card_often: Limit,
    /// Units by one operator.
    pub operator_often: Limit,
    /// Shops of one card: how many minutes it takes from one to another at least.
    pub two_places: Limit,
    /// What one operator undoes and refunds.
    pub take_backs: Limit,
    /// Money that one operator hands back, in minor units.
    pub money_back: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            self_award: Limit { minutes: 24 * 60, warn: 1, ask: 3 },
            card_often: Limit { minutes: 60, warn: 4, ask: 8 },
            operator_often: Limit { minutes: 60, warn: 150, ask: 300 },
            two_places: Limit { minutes: 10, warn: 1, ask: 0 },
            take_backs: Limit { minutes: 8 * 60, warn: 5, ask: 10 },
            money_back: Limit { minutes: 8 * 60, warn: 10_000, ask: 25_000 },
        }
    }
}

impl Limits {
    /// The limit of a kind.
    pub fn of(&self, kind: AlarmKind) -> Limit {
        match kind {
            AlarmKind::SelfAward => self.self_award,
            AlarmKind::CardOften => self.card_often,
            AlarmKind::OperatorOften => self.operator_often,
            AlarmKind::TwoPlaces => self.two_places,
            AlarmKind::TakeBacks => self.take_backs,
            AlarmKind::MoneyBack => self.money_back,
        }
    }

    /// These limits with those that somebody has set in their place.
    #[must_use]
    pub fn with(mut self, set: &LimitsSet) -> Self {
        for (kind, limit) in set {
            *match kind {
                AlarmKind::SelfAward => &mut self.self_award,
                AlarmKind::CardOften => &mut self.card_often,
                AlarmKind::OperatorOften => &mut self.operator_often,
                AlarmKind::TwoPlaces => &mut self.two_places,
                AlarmKind::TakeBacks => &mut self.take_backs,
                AlarmKind::MoneyBack => &mut self.money_back,
            } = *limit;
        }
        self
    }

    /// The longest time over which any of them counts, in milliseconds.
    pub fn span_ms(&self) -> i64 {
        AlarmKind::ALL.into_iter().map(|kind| self.of(kind).span_ms()).max().unwrap_or(0)
    }

    /// Whether each limit counts over a minute to a week.
    pub fn are_well(&self) -> bool {
        AlarmKind::ALL.into_iter().all(|kind| (1..=MINUTES_MAX).contains(&self.of(kind).minutes))
    }
}

/// What was done, as far as alarms go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// A member was given units.
    Gave,
    /// A card was shown, and nothing was given.
    Seen,
    /// An event was undone or refunded.
    TookBack {
        /// Which.
        of: EventRef,
        /// Whether nothing of it is left.
        whole: bool,
        /// Money that was handed back, in minor units.
        money: i64,
        /// Nobody slipped ([`Reversal::planned`](crate::event::Reversal::planned)).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        planned: bool,
    },
}

/// One action, as far as alarms go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The event.
    pub event: EventRef,
    /// When, in milliseconds by the server's clock as far as the device knew it.
    pub at_ms: i64,
    /// Where, if it is known.
    pub shop: Option<ShopId>,
    /// Who did it.
    pub operator: Option<OperatorId>,
    /// Whose card it was.
    pub member: Option<MemberId>,
    /// The card is the operator's own.
    pub own: bool,
    /// What was done.
    pub done: Done,
}

impl Sight {
    /// What is seen of an event; none if it is nothing that somebody does at a counter. `shop` is where its author
    /// stands.
    pub fn of(event: &Event, shop: Option<ShopId>) -> Option<Self> {
        Self::of_fact(
            event.reference(),
            &event.record.at,
            event.record.operator.as_ref(),
            &event.record.fact,
            shop,
        )
    }

    /// What is seen of a fact that is about to become an event.
    pub fn of_fact(
        event: EventRef,
        at: &Moment,
        operator: Option<&OperatorId>,
        fact: &Fact,
        shop: Option<ShopId>,
    ) -> Option<Self> {
        let member = fact.member();
        let own = |account: &Account| matches!(account, Account::Member(of) if Some(*of) == member);
        let gains = || fact.postings().iter().any(|posting| own(&posting.account) && posting.amount > 0);
        let gave = || if gains() { Done::Gave } else { Done::Seen };
        let (done, shop) = match fact {
            Fact::Sale(fact) => (gave(), Some(fact.shop)),
            Fact::Stamp(fact) => (gave(), Some(fact.shop)),
            // What a day brings, and a friend's thanks, comes by itself; nobody at the counter gives it.
            Fact::Grant(fact) if matches!(fact.deed, Deed::Activity { .. }) => (gave(), Some(fact.shop)),
            Fact::Adjustment(_) => (gave(), shop),
            Fact::Reversal(fact) => {
                let cash = fact.postings.iter().filter(|posting| posting.account == Account::Cash);
                let money = cash.fold(0_i64, |sum, posting| sum.saturating_sub(posting.amount));
                let whole = fact.quantities.is_empty();
                let planned = fact.planned;
                (Done::TookBack { of: fact.of, whole, money: money.max(0), planned }, shop)
            }
            _ => return None,
        };
        Some(Self {
            event,
            at_ms: at.utc_ms.saturating_sub(at.skew_ms.unwrap_or(0)),
            shop,
            operator: operator.cloned(),
            member,
            own: false,
            done,
        })
    }

    /// Who answers for it: the operator, or the device where nobody signs in.
    fn worker(&self) -> String {
        match &self.operator {
            Some(operator) => operator.to_string(),
            None => format!("device {}", self.event.author),
        }
    }

    /// Whether an alarm of this kind would be about the same thing as one of another sight.
    fn is_alike(&self, other: &Self, kind: AlarmKind) -> bool {
        match (kind.is_of_a_card(), &self.operator) {
            (true, _) => self.member == other.member,
            (false, Some(_)) => self.operator == other.operator,
            (false, None) => other.operator.is_none() && self.event.author == other.event.author,
        }
    }

    /// What an alarm of this kind would be about.
    pub fn subject(&self, kind: AlarmKind) -> Option<String> {
        if kind.is_of_a_card() { self.member.map(|member| member.to_string()) } else { Some(self.worker()) }
    }
}

/// Whether a member is that operator: whoever works here and collects has the tag `operator:ID` on the own card.
pub fn is_own(state: &MemberState, operator: &OperatorId) -> bool {
    state.tags.get(&format!("{OPERATOR_TAG}{operator}")).is_some_and(|tag| tag.value)
}

/// Something that looks odd, with the events that make it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What looks odd.
    pub kind: AlarmKind,
    /// How far it has gone.
    pub level: Level,
    /// What it is about: an operator, or a member's id.
    pub subject: String,
    /// How many there were, or how much money in minor units.
    pub count: u64,
    /// The limit that was reached.
    pub limit: Limit,
    /// When the first of them was, in milliseconds.
    pub first_ms: i64,
    /// When the last of them was, in milliseconds.
    pub last_ms: i64,
    /// The events, oldest first: the last [`FACTS_MAX`] of them.
    pub facts: Vec<EventRef>,
}

impl Alarm {
    /// What happened, for whoever stands there. It names the operator, and no member.
    pub fn sentence(&self, language: Language) -> String {
        let Self { subject, count, .. } = self;
        let span = match (self.limit.minutes, language) {
            (minutes, Language::En) if minutes % 60 == 0 => format!("{} h", minutes / 60),
            (minutes, Language::De) if minutes % 60 == 0 => format!("{} Std.", minutes / 60),
            (minutes, Language::En) => format!("{minutes} min"),
            (minutes, Language::De) => format!("{minutes} Min."),
        };
        let money = Money(i64::try_from(*count).unwrap_or(i64::MAX));
        match (self.kind, language) {
            (AlarmKind::SelfAward, Language::En) => {
                format!("{subject} gave to the own card: {count} in {span}")
            }
            (AlarmKind::SelfAward, Language::De) => {
                format!("{subject} hat der eigenen Karte gutgeschrieben: {count} in {span}")
            }
            (AlarmKind::CardOften, Language::En) => {
                format!("this card was given something {count} times in {span}")
            }
            (AlarmKind::CardOften, Language::De) => {
                format!("dieser Karte wurde {count}-mal in {span} etwas gutgeschrieben")
            }
            (AlarmKind::OperatorOften, Language::En) => {
                format!("{subject} gave something to cards {count} times in {span}")
            }
            (AlarmKind::OperatorOften, Language::De) => {
                format!("{subject} hat {count}-mal in {span} Karten etwas gutgeschrieben")
            }
            (AlarmKind::TwoPlaces, Language::En) => {
                format!("this card was used in two shops within {span}: {count}")
            }
            (AlarmKind::TwoPlaces, Language::De) => {
                format!("diese Karte wurde innerhalb von {span} in zwei Läden benutzt: {count}")
            }
            (AlarmKind::TakeBacks, Language::En) => {
                format!("{subject} undid or refunded {count} times in {span}")
            }
            (AlarmKind::TakeBacks, Language::De) => {
                format!("{subject} hat {count}-mal in {span} storniert oder erstattet")
            }
            (AlarmKind::MoneyBack, Language::En) => format!("{subject} handed back {money} in {span}"),
            (AlarmKind::MoneyBack, Language::De) => format!("{subject} hat {money} in {span} ausgezahlt"),
        }
    }

    /// Takes in a later one about the same thing; false if it is another matter.
    pub fn join(&mut self, later: &Self) -> bool {
        let span_ms = self.limit.span_ms();
        let apart = later.first_ms.saturating_sub(self.last_ms) > span_ms
            || self.first_ms.saturating_sub(later.last_ms) > span_ms;
        if self.kind != later.kind || self.subject != later.subject || apart {
            return false;
        }
        self.level = self.level.max(later.level);
        self.count = self.count.max(later.count);
        self.first_ms = self.first_ms.min(later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        for fact in &later.facts {
            if !self.facts.contains(fact) {
                self.facts.push(*fact);
            }
        }
        let over = self.facts.len().saturating_sub(FACTS_MAX);
        self.facts.drain(..over);
        true
    }
}

/// Which alarms a sight raises, given those before it in any order: sights later than it, or longer ago than a limit
/// counts, have no part in it.
pub fn raise<'a>(
    limits: &Limits,
    earlier: impl IntoIterator<Item = &'a Sight> + Clone,
    now: &Sight,
) -> Vec<Alarm> {
    AlarmKind::ALL
        .into_iter()
        .filter_map(|kind| raise_one(kind, limits.of(kind), earlier.clone(), now))
        .collect()
}

fn raise_one<'a>(
    kind: AlarmKind,
    limit: Limit,
    earlier: impl IntoIterator<Item = &'a Sight> + Clone,
    now: &Sight,
) -> Option<Alarm> {
    if !counts(kind, now) {
        return None;
    }
    let subject = now.subject(kind)?;
    let from_ms = now.at_ms.saturating_sub(limit.span_ms());
    let within =
        |sight: &&Sight| sight.at_ms > from_ms && (sight.at_ms, sight.event) < (now.at_ms, now.event);
    let undone: Vec<EventRef> = earlier
        .clone()
        .into_iter()
        .filter(within)
        .filter_map(|sight| match sight.done {
            Done::TookBack { of, whole: true, .. } => Some(of),
            _ => None,
        })
        .collect();
    // What was undone was not given: a slip of the finger counts among the take-backs alone.
    let alike = |sight: &&Sight| {
        let given = !matches!(sight.done, Done::TookBack { .. }) && undone.contains(&sight.event);
        counts(kind, sight) && sight.is_alike(now, kind) && !given
    };
    let mut seen: Vec<&Sight> = earlier.into_iter().filter(within).filter(alike).collect();
    seen.push(now);
    seen.sort_by_key(|sight| (sight.at_ms, sight.event));
    seen.dedup_by_key(|sight| sight.event);
    let count = match kind {
        AlarmKind::TwoPlaces => {
            // Only the steps from one shop to another count, and who took them is shown with where they began.
            let steps: Vec<usize> =
                (1..seen.len()).filter(|&at| seen[at - 1].shop != seen[at].shop).collect();
            if !steps.contains(&(seen.len() - 1)) {
                return None;
            }
            let count = steps.len() as u64;
            let ends = |at: &usize| steps.contains(at) || steps.contains(&(at + 1));
            seen = (0..seen.len()).filter(ends).map(|at| seen[at]).collect();
            count
        }
        AlarmKind::MoneyBack => seen.iter().map(|sight| money(sight)).fold(0, u64::saturating_add),
        _ => seen.len() as u64,
    };
    let level = limit.level(count)?;
    let over = seen.len().saturating_sub(FACTS_MAX);
    Some(Alarm {
        kind,
        level,
        subject,
        count,
        limit,
        first_ms: seen.first().map_or(now.at_ms, |sight| sight.at_ms),
        last_ms: now.at_ms,
        facts: seen[over..].iter().map(|sight| sight.event).collect(),
    })
}

/// Whether a sight counts towards a kind of alarm.
fn counts(kind: AlarmKind, sight: &Sight) -> bool {
    let gave = sight.done == Done::Gave;
    match kind {
        AlarmKind::SelfAward => gave && sight.own,
        AlarmKind::CardOften => gave,
        AlarmKind::OperatorOften => gave && sight.member.is_some(),
        AlarmKind::TwoPlaces => {
            sight.member.is_some() && sight.shop.is_some() && !matches!(sight.done, Done::TookBack { .. })
        }
        AlarmKind::TakeBacks => matches!(sight.done, Done::TookBack { planned: false, .. }),
        AlarmKind::MoneyBack => money(sight) > 0,
    }
}

fn money(sight: &Sight) -> u64 {
    match sight.done {
        Done::TookBack { money, .. } => u64::try_from(money).unwrap_or(0),
        _ => 0,
    }
}

/// The sights that the next one is compared with. Bounded: the oldest go first.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    sights: VecDeque<Sight>,
}

impl Watch {
    /// Which alarms a sight would raise.
    pub fn look(&self, limits: &Limits, sight: &Sight) -> Vec<Alarm> {
        raise(limits, &self.sights, sight)
    }

    /// Keeps a sight, and drops the oldest that no limit counts any more. Where a clock was set back, some stay a little
    /// longer; [`raise`] does not count them.
    pub fn keep(&mut self, limits: &Limits, sight: Sight) {
        let from_ms = sight.at_ms.saturating_sub(limits.span_ms());
        self.sights.push_back(sight);
        while self.sights.len() > SIGHTS_MAX
            || self.sights.front().is_some_and(|first| first.at_ms <= from_ms)
        {
            self.sights.pop_front();
        }
    }
}

/// The alarms that sights from an instant on raise, given those before it: the oldest first; those about one thing are
/// one.
pub fn alarms(limits: &Limits, sights: impl IntoIterator<Item = Sight>, since_ms: i64) -> Vec<Alarm> {
    let mut sights: Vec<Sight> = sights.into_iter().collect();
    sights.sort_by_key(|sight| (sight.at_ms, sight.event));
    let (mut watch, mut found): (Watch, Vec<Alarm>) = (Watch::default(), Vec::new());
    for sight in sights {
        let raised = if sight.at_ms < since_ms { Vec::new() } else { watch.look(limits, &sight) };
        for alarm in raised {
            if !found.iter_mut().rev().any(|before| before.join(&alarm)) {
                found.push(alarm);
            }
        }
        watch.keep(limits, sight);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AuthorId;

    const MINUTE: i64 = MINUTE_MS;

    fn event(author: u8, seq: u64) -> EventRef {
        EventRef { author: AuthorId([author; 16]), seq }
    }

    /// A sight at a minute, by “ben” for the member 1 in the shop 1.
    fn gave(seq: u64, minute: i64) -> Sight {
        Sight {
            event: event(1, seq),
            at_ms: minute * MINUTE,
            shop: Some(ShopId([1; 16])),
            operator: "ben".parse().ok(),
            member: Some(MemberId([1; 16])),
            own: false,
            done: Done::Gave,
        }
    }

    fn back(seq: u64, minute: i64, of: u64, money: i64) -> Sight {
        Sight {
            done: Done::TookBack { of: event(1, of), whole: true, money, planned: false },
            ..gave(seq, minute)
        }
    }

    fn all(sights: impl IntoIterator<Item = Sight>) -> Vec<Alarm> {
        alarms(&Limits::default(), sights, i64::MIN)
    }

    fn told(alarms: &[Alarm]) -> Vec<(&'static str, Level, u64, Vec<u64>)> {
        let seqs = |alarm: &Alarm| alarm.facts.iter().map(|fact| fact.seq).collect();
        alarms.iter().map(|alarm| (alarm.kind.name(), alarm.level, alarm.count, seqs(alarm))).collect()
    }

    use Level::{FourEyes, Warn};

    #[test]
    fn a_card_that_is_stamped_again_and_again_warns_and_then_asks() {
        let sights = |count| (1..=count).map(|seq| gave(seq, seq as i64 * 5));
        assert_eq!(told(&all(sights(3))), vec![]);
        assert_eq!(told(&all(sights(4))), vec![("card-often", Warn, 4, vec![1, 2, 3, 4])]);
        assert_eq!(told(&all(sights(8))), vec![("card-often", FourEyes, 8, vec![1, 2, 3, 4, 5, 6, 7, 8])]);
        // Sixty minutes: the fourth at 60 counts no more what was at 0; a minute earlier it does.
        let at = |minutes: [i64; 4]| minutes.into_iter().zip(1..).map(|(minute, seq)| gave(seq, minute));
        assert_eq!(told(&all(at([0, 20, 40, 60]))), vec![]);
        assert_eq!(all(at([0, 20, 40, 59])).len(), 1);
    }

    #[test]
    fn what_was_undone_was_not_given() {
        let sights = vec![gave(1, 1), gave(2, 2), back(3, 3, 2, 0), gave(4, 4), gave(5, 5)];
        assert_eq!(told(&all(sights.clone())), vec![]);
        let more = sights.into_iter().chain([gave(6, 6)]);
        assert_eq!(told(&all(more)), vec![("card-often", Warn, 4, vec![1, 4, 5, 6])]);
    }

    #[test]
    fn what_is_given_anew_in_the_same_moment_is_no_slip() {
        let taken_back = |seq: u64, planned| {
            let (of, whole, money) = (event(1, seq - 1), true, 0);
            Sight { done: Done::TookBack { of, whole, money, planned }, ..gave(seq, seq as i64) }
        };
        let many = |planned| all((2..=60).step_by(2).map(|seq| taken_back(seq, planned)));
        assert_eq!(many(false)[0].kind, AlarmKind::TakeBacks);
        assert_eq!(many(true), vec![]);
        // What it took back was not given, as with any other.
        let sights = vec![gave(1, 1), gave(2, 2), taken_back(3, true), gave(4, 4), gave(5, 5)];
        assert_eq!(told(&all(sights)), vec![]);
    }

    #[test]
    fn the_own_card_warns_at_once_and_asks_at_the_third() {
        let own = |seq, minute| Sight { own: true, ..gave(seq, minute) };
        let day = 24 * 60;
        assert_eq!(told(&all([own(1, 0)])), vec![("self-award", Warn, 1, vec![1])]);
        assert_eq!(
            told(&all([own(1, 0), own(2, 600), own(3, day - 1)])),
            vec![("self-award", FourEyes, 3, vec![1, 2, 3])]
        );
        // Somebody else's hand on the same card is no self-award.
        let other = Sight { operator: "eva".parse().ok(), ..gave(1, 0) };
        assert_eq!(all([other]), vec![]);
    }

    #[test]
    fn an_operator_who_gives_more_often_than_guests_come() {
        let sight = |seq: u64| Sight { member: Some(MemberId([seq as u8; 16])), ..gave(seq, seq as i64 / 5) };
        assert_eq!(all((1..=149).map(sight)), vec![]);
        let found = all((1..=150).map(sight));
        assert_eq!((found.len(), found[0].kind, found[0].count), (1, AlarmKind::OperatorOften, 150));
        assert_eq!((&found[0].subject[..], found[0].facts.len()), ("ben", FACTS_MAX));
        assert_eq!(found[0].facts.last(), Some(&event(1, 150)));
    }

    #[test]
    fn a_card_in_two_shops_within_ten_minutes() {
        let at = |seq, minute, shop| Sight { shop: Some(ShopId([shop; 16])), ..gave(seq, minute) };
        assert_eq!(all([at(1, 0, 1), at(2, 10, 2)]), vec![], "ten minutes are enough");
        assert_eq!(
            told(&all([at(1, 0, 1), at(2, 5, 1), at(3, 14, 2)])),
            vec![("two-places", Warn, 1, vec![2, 3])]
        );
        // Three steps to and fro are one alarm, whatever order they arrive in.
        let sights = [at(4, 9, 2), at(2, 4, 2), at(3, 6, 1), at(1, 2, 1)];
        assert_eq!(
            told(&all(sights)),
            vec![("two-places", Warn, 3, vec![1, 2, 3, 4]), ("card-often", Warn, 4, vec![1, 2, 3, 4])]
        );
        // Another card elsewhere is nobody's business.
        let other = Sight { member: Some(MemberId([9; 16])), ..at(2, 1, 2) };
        assert_eq!(all([at(1, 0, 1), other]), vec![]);
    }

    #[test]
    fn take_backs_count_by_number_and_by_money() {
        let backs = |count: u64, money| (1..=count).map(move |n| back(n, n as i64 * 60, 100 + n, money));
        assert_eq!(all(backs(4, 2_499)), vec![]);
        assert_eq!(told(&all(backs(4, 2_500))), vec![("money-back", Warn, 10_000, vec![1, 2, 3, 4])]);
        assert_eq!(told(&all(backs(5, 0))), vec![("take-backs", Warn, 5, vec![1, 2, 3, 4, 5])]);
        let found = all(backs(7, 5_000));
        assert_eq!(told(&found[..1]), vec![("money-back", FourEyes, 35_000, vec![1, 2, 3, 4, 5, 6, 7])]);
        // Nobody is signed in: the device answers for it.
        let nobody = backs(5, 0).map(|sight| Sight { operator: None, ..sight });
        let found = all(nobody);
        assert_eq!(found[0].subject, format!("device {}", AuthorId([1; 16])));
    }

    #[test]
    fn the_order_of_arrival_changes_nothing_and_a_limit_of_zero_is_never() {
        let sights: Vec<Sight> =
            (1..=20).map(|seq| Sight { own: seq % 3 == 0, ..gave(seq, (seq as i64 * 37) % 90) }).collect();
        let reversed = sights.iter().rev().cloned();
        assert_eq!(all(sights.clone()), all(reversed));
        let never = Limit { minutes: 1, warn: 0, ask: 0 };
        let limits = Limits {
            self_award: never,
            card_often: never,
            operator_often: never,
            two_places: never,
            take_backs: never,
            money_back: never,
        };
        assert_eq!(alarms(&limits, sights, 0), vec![]);
        assert!(limits.are_well() && Limits::default().are_well());
        let set = AlarmKind::ALL.into_iter().map(|kind| (kind, never)).collect();
        assert_eq!(Limits::default().with(&set), limits);
        let one = Limits::default().with(&[(AlarmKind::MoneyBack, never)].into());
        assert_eq!(one, Limits { money_back: never, ..Limits::default() });
        assert!(!Limits { card_often: Limit { minutes: 0, warn: 1, ask: 1 }, ..limits }.are_well());
    }

    #[test]
    fn what_counts_towards_nothing_raises_nothing() {
        let at = |seq, minute, shop: Option<u8>| Sight {
            shop: shop.map(|shop| ShopId([shop; 16])),
            ..gave(seq, minute)
        };
        // Whoever is where is not known of a card without a shop, of no card, and of what is taken back.
        assert_eq!(all([at(1, 0, Some(1)), at(2, 5, None)]), vec![]);
        assert_eq!(all([at(1, 0, None), at(2, 5, Some(2))]), vec![]);
        let elsewhere = Sight { shop: Some(ShopId([2; 16])), ..back(2, 5, 9, 0) };
        assert_eq!(all([gave(1, 0), elsewhere]), vec![]);
        let nobodys = |sight| Sight { member: None, ..sight };
        assert_eq!(all([nobodys(at(1, 0, Some(1))), nobodys(at(2, 5, Some(2)))]), vec![]);
        // What is given to no card is no member's, however often; nor is a card that is only shown.
        let sights =
            |done| (1..=160).map(move |seq| Sight { done, member: None, ..gave(seq, seq as i64 / 5) });
        assert_eq!(all(sights(Done::Gave)), vec![]);
        assert_eq!(all((1..=160).map(|seq| Sight { done: Done::Seen, ..gave(seq, seq as i64 / 5) })), vec![]);
        assert_eq!(all([Sight { done: Done::Seen, own: true, ..gave(1, 0) }]), vec![]);
        // Who handed money back raises it with the next money, not with the next stamp.
        let backs: Vec<Sight> = (1..=4).map(|seq| back(seq, seq as i64, 100 + seq, 2_500)).collect();
        assert_eq!(raise(&Limits::default(), &backs, &gave(5, 5)), vec![]);
        assert_eq!(raise(&Limits::default(), &backs, &back(5, 5, 105, 0)).len(), 1, "five take-backs alone");
    }

    #[test]
    fn where_nobody_signs_in_each_device_answers_for_itself() {
        let by = |author, seq: u64, operator: Option<&str>| Sight {
            event: event(author, seq),
            operator: operator.and_then(|name| name.parse().ok()),
            ..back(seq, seq as i64, 100 + seq, 0)
        };
        let four = || (1..=4).map(|seq| by(1, seq, None));
        assert_eq!(all(four().chain([by(2, 5, None)])), vec![]);
        assert_eq!(all(four().chain([by(1, 5, Some("ben"))])), vec![]);
        assert_eq!(
            all([by(1, 1, Some("ben"))].into_iter().chain((2..=5).map(|seq| by(1, seq, None)))),
            vec![]
        );
        assert_eq!(all(four().chain([by(1, 5, None)])).len(), 1);
    }

    #[test]
    fn alarms_are_joined_up_to_the_span_of_their_limit() {
        let limit = Limit { minutes: 10, warn: 1, ask: 3 };
        let alarm = |first_ms, last_ms| Alarm {
            kind: AlarmKind::CardOften,
            level: Warn,
            subject: "ben".to_owned(),
            count: 2,
            limit,
            first_ms,
            last_ms,
            facts: vec![event(1, first_ms as u64)],
        };
        let span = 10 * MINUTE;
        let first = || alarm(span * 5, span * 6);
        for (later, is_one) in [
            (alarm(span * 7, span * 8), true),
            (alarm(span * 7 + 1, span * 8), false),
            (alarm(span * 9, span * 10), false),
            (alarm(span * 3, span * 4), true),
            (alarm(span * 3, span * 4 - 1), false),
            (alarm(span, span * 2), false),
            (Alarm { subject: "eva".to_owned(), ..first() }, false),
            (Alarm { kind: AlarmKind::TakeBacks, ..first() }, false),
        ] {
            let mut alarm = first();
            assert_eq!(alarm.join(&later), is_one, "{later:?}");
            if !is_one {
                assert_eq!(alarm, first());
            }
        }
    }

    #[test]
    fn only_what_happened_since_raises_an_alarm_and_the_oldest_sights_go() {
        let own = || (0..3).map(|seq| Sight { own: true, ..gave(seq + 1, seq as i64) });
        let since = |minute| told(&alarms(&Limits::default(), own(), minute * MINUTE));
        assert_eq!(since(2), vec![("self-award", FourEyes, 3, vec![1, 2, 3])]);
        assert_eq!(since(3), vec![]);
        let mut watch = Watch::default();
        for seq in 0..5_000 {
            watch.keep(&Limits::default(), gave(seq, 0));
        }
        let seqs = |watch: &Watch| watch.sights.iter().map(|sight| sight.event.seq).collect::<Vec<u64>>();
        assert_eq!(seqs(&watch), (904..5_000).collect::<Vec<u64>>());
        watch.keep(&Limits::default(), gave(5_000, 24 * 60));
        assert_eq!(seqs(&watch), vec![5_000], "of a day ago nothing counts any more");
    }

    #[test]
    fn an_alarm_says_what_happened_in_both_languages() {
        for (kind, minutes, count, de, en) in [
            (
                AlarmKind::SelfAward,
                1440,
                3,
                "ben hat der eigenen Karte gutgeschrieben: 3 in 24 Std.",
                "ben gave to the own card: 3 in 24 h",
            ),
            (
                AlarmKind::CardOften,
                60,
                4,
                "dieser Karte wurde 4-mal in 1 Std. etwas gutgeschrieben",
                "this card was given something 4 times in 1 h",
            ),
            (
                AlarmKind::OperatorOften,
                90,
                150,
                "ben hat 150-mal in 90 Min. Karten etwas gutgeschrieben",
                "ben gave something to cards 150 times in 90 min",
            ),
            (
                AlarmKind::TwoPlaces,
                10,
                1,
                "diese Karte wurde innerhalb von 10 Min. in zwei Läden benutzt: 1",
                "this card was used in two shops within 10 min: 1",
            ),
            (
                AlarmKind::TakeBacks,
                120,
                5,
                "ben hat 5-mal in 2 Std. storniert oder erstattet",
                "ben undid or refunded 5 times in 2 h",
            ),
            (
                AlarmKind::MoneyBack,
                480,
                10_050,
                "ben hat 100.50 in 8 Std. ausgezahlt",
                "ben handed back 100.50 in 8 h",
            ),
        ] {
            let limit = Limit { minutes, warn: 1, ask: 0 };
            let subject = "ben".to_owned();
            let alarm =
                Alarm { kind, level: Warn, subject, count, limit, first_ms: 0, last_ms: 0, facts: vec![] };
            assert_eq!([Language::De, Language::En].map(|language| alarm.sentence(language)), [de, en]);
        }
    }
}
