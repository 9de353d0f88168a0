//! One person who is several members, one who takes back a consent, and one who is forgotten: in whatever order the
//! events arrive, everybody comes to the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stempel_domain::event::{
    Adjustment, CardBound, ConsentChanged, ConsentKind, ConsentPlace, ErasureReason, Event, Fact,
    MemberErased, MemberJoined, MemberMerged, ProfileChanged, Record, Sealed, TraitsChanged,
};
use stempel_domain::member::effect_of;
use stempel_domain::{
    Account, AuthorId, Booking, CardId, Day, MemberId, MemberState, Moment, Person, Posting,
};

use crate::support::*;

const ADA: MemberId = MemberId([1; 16]);
const ALSO_ADA: MemberId = MemberId([2; 16]);

fn moment(number: i64) -> Moment {
    let day = noon().day.plus_days(i32::try_from(number).unwrap());
    Moment { utc_ms: noon().utc_ms + number * 86_400_000, day, ..noon() }
}

fn event(author: u8, seq: u64, at: i64, fact: Fact) -> Event {
    Event { author: AuthorId([author; 16]), seq, record: Record { at: moment(at), operator: None, fact } }
}

/// Something that happens to a member.
fn fact(member: MemberId, kind: u8, amount: i64, day: Day) -> Fact {
    let card = CardId([kind; 8]);
    match kind {
        0 => Fact::MemberJoined(MemberJoined::new(member, card, Some(Sealed(format!("{amount}"))))),
        1 => {
            Fact::ProfileChanged(ProfileChanged { member, profile: Sealed(format!("{amount}")), terms: None })
        }
        2 => Fact::CardBound(CardBound { member, card, replaces: None }),
        3 => Fact::TraitsChanged(TraitsChanged {
            member,
            tags: BTreeMap::from([("vip".to_owned(), amount % 2 == 0)]),
            birthday_week: Some(7),
            referrer: Some(MemberId([9; 16])),
        }),
        4 => Fact::ConsentChanged(ConsentChanged {
            member,
            consent: ConsentKind::Leaderboard,
            given: amount % 2 == 0,
            terms: "2026-01".to_owned(),
            place: ConsentPlace::Counter,
        }),
        5 => Fact::MemberErased(MemberErased { member, reason: ErasureReason::Asked }),
        6 => {
            Fact::MemberMerged(MemberMerged { member, into: (amount % 2 == 0).then_some(MemberId([7; 16])) })
        }
        _ => {
            let booking = if kind == 7 {
                Booking::Spend { day }
            } else {
                Booking::Lot { earned: day, last: (kind == 8).then(|| day.plus_days(40)), idle: None }
            };
            let amount = if kind == 7 { -amount } else { amount };
            let unit = unit("point");
            let account = Account::Member(member);
            let posting = Posting { account, unit, amount, booking: Some(booking) };
            Fact::Adjustment(Adjustment::new(member, "test", vec![posting]))
        }
    }
}

fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> MemberState {
    let mut state = MemberState::default();
    events.into_iter().filter_map(effect_of).for_each(|(_, effect)| state.apply(&effect));
    state
}

/// What happens: to whom (true: the other id), what, how much, when.
fn happenings(kinds: std::ops::Range<u8>) -> impl Strategy<Value = Vec<(bool, u8, i64, i64)>> {
    prop::collection::vec((any::<bool>(), kinds, 1..50_i64, 0..200_i64), 0..40)
}

proptest! {
    #[test]
    fn what_happens_to_a_member_commutes(what in happenings(0..10), seed: u64) {
        let mut events: Vec<Event> = what.iter().zip(1..).map(|(&(_, kind, amount, at), seq)| {
            event(1, seq, at, fact(ADA, kind, amount, moment(at).day))
        }).collect();
        let straight = fold(&events);
        let mut state = seed | 1;
        for index in (1..events.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            events.swap(index, (state >> 33) as usize % (index + 1));
        }
        prop_assert_eq!(&fold(&events), &straight);
        if straight.erased.is_some() {
            prop_assert!(straight.profile.is_none() && straight.tags.is_empty() && straight.consents.is_empty());
            prop_assert!(straight.birthday_week.is_none() && straight.referrer.is_none());
            prop_assert!(straight.cards.values().all(|card| card.blocked));
        }
    }

    /// Two members who are one person hold what one member would hold to whom all of it had happened.
    #[test]
    fn two_members_merged_are_as_one_would_have_been(what in happenings(0..10)) {
        let what: Vec<_> = what.into_iter().filter(|(_, kind, ..)| *kind != 5).collect();
        let of = |whom: Option<bool>, as_one: bool| {
            let events: Vec<Event> = what.iter().zip(1..).filter(|((other, ..), _)| whom.is_none_or(|whom| whom == *other))
                .map(|(&(other, kind, amount, at), seq)| {
                    let member = if other && !as_one { ALSO_ADA } else { ADA };
                    event(1, seq, at, fact(member, kind, amount, moment(at).day))
                }).collect();
            fold(&events)
        };
        let (ada, also) = (of(Some(false), false), of(Some(true), false));
        let one = of(None, true);
        let person = Person::new(vec![(ADA, ada.clone()), (ALSO_ADA, also.clone())]);
        let state = person.state();
        let but_profile = |state: &MemberState| MemberState { profile: None, ..state.clone() };
        prop_assert_eq!(but_profile(&state), but_profile(&one));
        let named = person.profile().map(|(member, sealed)| (member, sealed.clone()));
        let wanted = ada.profile.as_ref().map(|profile| (ADA, profile.value.clone()))
            .or(also.profile.as_ref().map(|profile| (ALSO_ADA, profile.value.clone())));
        prop_assert_eq!(named, wanted);
        let other = Person::new(vec![(ALSO_ADA, also), (ADA, ada)]).state();
        prop_assert_eq!(but_profile(&other), but_profile(&state), "the order does not matter");
    }
}

#[test]
fn a_spend_on_the_one_draws_on_what_the_other_earned() {
    let earned = fold(&[event(1, 1, 0, fact(ADA, 8, 10, moment(0).day))]);
    let spent = fold(&[event(2, 1, 30, fact(ALSO_ADA, 7, 4, moment(30).day))]);
    assert_eq!(spent.balances(moment(30).day)[&unit("point")], -4, "alone it is overdrawn");
    let person = Person::new(vec![(ADA, earned), (ALSO_ADA, spent)]).state();
    let balance = |day| person.balances(moment(day).day)[&unit("point")];
    assert_eq!((balance(30), balance(40), balance(41)), (6, 6, 0));
    assert!(person.overdrafts(moment(30).day).is_empty());
}

#[test]
fn a_consent_decides_over_the_tag_of_its_name() {
    let tag = |held| {
        let tags = BTreeMap::from([("consent:leaderboard".to_owned(), held), ("vip".to_owned(), true)]);
        Fact::TraitsChanged(TraitsChanged { member: ADA, tags, birthday_week: None, referrer: None })
    };
    let consent = |given| {
        let (terms, place) = ("2026-01".to_owned(), ConsentPlace::Web);
        Fact::ConsentChanged(ConsentChanged {
            member: ADA,
            consent: ConsentKind::Leaderboard,
            given,
            terms,
            place,
        })
    };
    let tags = |facts: Vec<Fact>| {
        let events: Vec<Event> =
            facts.into_iter().zip(1..).map(|(fact, seq)| event(1, seq as u64, seq, fact)).collect();
        fold(&events).facts(&moment(9)).tags
    };
    assert_eq!(tags(vec![tag(true)]), ["consent:leaderboard", "vip"]);
    assert_eq!(tags(vec![tag(true), consent(false)]), ["vip"]);
    assert_eq!(tags(vec![consent(false), tag(true)]), ["vip"]);
    assert_eq!(tags(vec![tag(false), consent(true)]), ["consent:leaderboard", "vip"]);
}

#[test]
fn whoever_is_forgotten_keeps_the_figures_and_nothing_else() {
    let day = moment(0).day;
    let all: Vec<Event> =
        (0..10_u8).zip(1..).map(|(kind, seq)| event(1, seq, 0, fact(ADA, kind, 2, day))).collect();
    let kept = fold(&all);
    assert_eq!(kept.erased, Some(day));
    assert_eq!(kept.balances(day)[&unit("point")], 2, "two lots of two, and two were spent");
    assert_eq!(kept.events, 10);
    let text = serde_json::to_string(&kept).unwrap();
    assert!(!text.contains("vip") && !text.contains("profile") && !text.contains("terms"), "{text}");
}
