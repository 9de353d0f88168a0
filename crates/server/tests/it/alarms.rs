//! Alarms over what all devices did: in whatever order the journals arrive, they come out the same.

use stempel_domain::alarm::{AlarmKind, Level, Limit, Limits, LimitsSet};
use stempel_domain::event::{Fact, Loyalty, Record, StampFact};
use stempel_domain::rules::{self, Outcome};
use stempel_domain::sale::{StampCount, StampOrder};
use stempel_domain::{MemberFacts, MemberId, Moment, Posting, ShopId};
use stempel_wire::Row;
use stempel_wire::message::FeedChange;

use crate::world::{Device, World, member, moment};

const MINUTE: i64 = 60_000;

/// A stamp for a member at a minute, by an operator.
pub fn stamp(device: &mut Device, shop: ShopId, of: MemberId, minute: i64, operator: Option<&str>) {
    let at = Moment { utc_ms: moment().utc_ms + minute * MINUTE, ..moment() };
    let postings: Vec<Posting> = match crate::world::give(shop, of, 1) {
        Fact::Adjustment(adjustment) => adjustment.postings,
        other => panic!("{other:?}"),
    };
    let order = StampOrder {
        stamps: vec![StampCount { programme: "coffee".parse().unwrap(), count: 1 }],
        claims: Vec::new(),
    };
    let loyalty = Loyalty {
        member: of,
        card: None,
        rules: rules::VERSION,
        programmes: Vec::new(),
        facts: MemberFacts::default(),
    };
    let fact = Fact::Stamp(Box::new(StampFact {
        shop,
        order,
        loyalty,
        outcome: Outcome::default(),
        postings,
        place: Default::default(),
        proof: None,
    }));
    let operator = operator.map(|name| name.parse().unwrap());
    let (reference, previous) = device.next();
    let row = Row::write(&device.key, reference, previous, &Record { at, operator, fact }).unwrap();
    device.rows.push(row);
}

/// The alarms as they are told: kind, level, how many, and the numbers of their events.
async fn told(world: &World) -> Vec<(AlarmKind, Level, u64, Vec<u64>)> {
    while world.server.work().await.unwrap() > 0 {}
    let found = world.server.alarms(world.tenant, None, 50).await.unwrap();
    let seqs = |alarm: &stempel_domain::alarm::Alarm| alarm.facts.iter().map(|fact| fact.seq).collect();
    let mut told: Vec<_> =
        found.iter().map(|(_, alarm)| (alarm.kind, alarm.level, alarm.count, seqs(alarm))).collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_card_that_is_used_in_two_shops_within_minutes_is_seen_where_the_journals_meet() {
    let world = World::new().await;
    let (mut mitte, mut nord) = (world.device(1).await, world.device(2).await);
    let other = world.server.shop_add(world.tenant, "Nord", "Europe/Berlin", 0).await.unwrap().id;
    let here = world.shop;
    stamp(&mut mitte, here, member(1), 0, None);
    stamp(&mut mitte, here, member(2), 1, None);
    stamp(&mut nord, other, member(1), 7, None);
    stamp(&mut nord, other, member(2), 20, None);
    // The later one arrives first: nothing is odd yet.
    world.push(&nord, &nord.rows).await.unwrap();
    assert_eq!(told(&world).await, []);
    world.push(&mitte, &mitte.rows).await.unwrap();
    assert_eq!(told(&world).await, [(AlarmKind::TwoPlaces, Level::Warn, 1, vec![2, 2])]);
    // What comes twice raises nothing twice.
    world.push(&mitte, &mitte.rows).await.unwrap();
    assert_eq!(told(&world).await.len(), 1);
    let (_, alarm) = world.server.alarms(world.tenant, None, 1).await.unwrap().remove(0);
    assert_eq!(alarm.subject, member(1).to_string());
    assert_eq!(alarm.last_ms - alarm.first_ms, 7 * MINUTE);
    let authors: Vec<_> = alarm.facts.iter().map(|fact| fact.author).collect();
    assert_eq!(authors, [mitte.id, nord.id], "it opens to the events of both");
    world.sound().await;
}

#[tokio::test]
async fn one_series_is_one_alarm_however_it_arrives() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let tags = stempel_domain::event::TraitsChanged {
        member: member(3),
        tags: [("operator:kim".to_owned(), true)].into(),
        birthday_week: None,
        referrer: None,
    };
    device.write(Fact::TraitsChanged(tags));
    for minute in 0..9 {
        stamp(&mut device, world.shop, member(3), minute, Some("kim"));
    }
    // In parts: each is looked at by itself.
    let mut sent = 0;
    for upto in [4, 5, 8, 11] {
        let rows = device.rows[sent..upto].to_vec();
        world.push(&device, &rows).await.unwrap();
        told(&world).await;
        sent = upto;
    }
    let events: Vec<u64> = (3..=11).collect();
    assert_eq!(
        told(&world).await,
        [
            (AlarmKind::SelfAward, Level::FourEyes, 9, events.clone()),
            (AlarmKind::CardOften, Level::FourEyes, 9, events)
        ]
    );
    // Another day is another alarm.
    for minute in 3000..3004 {
        stamp(&mut device, world.shop, member(3), minute, Some("eva"));
    }
    world.push(&device, &device.rows[11..]).await.unwrap();
    let all = told(&world).await;
    assert_eq!(all.len(), 3);
    assert_eq!(all[1], (AlarmKind::CardOften, Level::Warn, 4, vec![12, 13, 14, 15]));
    world.sound().await;
}

#[tokio::test]
async fn the_owner_says_from_when_on_something_is_odd_and_every_device_hears_it() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let (server, tenant) = (&world.server, world.tenant);
    let told_to = async |after| {
        let page = world.feed(&device, after).await;
        let limits = page.changes.iter().find_map(|item| match item.read() {
            Some(FeedChange::AlarmLimits { limits }) => Some(limits),
            _ => None,
        });
        (limits, page.head)
    };
    let (nothing, head) = told_to(0).await;
    assert_eq!(nothing, None, "an owner who has said nothing says nothing to the devices");
    let limit = Limit { minutes: 60, warn: 2, ask: 3 };
    server.alarm_limit_set(tenant, AlarmKind::CardOften, Some(limit)).await.unwrap();
    let (limits, head) = told_to(head).await;
    assert_eq!(limits, Some([(AlarmKind::CardOften, limit)].into()));
    // The same again is no change, and what nobody means is refused.
    server.alarm_limit_set(tenant, AlarmKind::CardOften, Some(limit)).await.unwrap();
    for (kind, wrong) in [
        (AlarmKind::CardOften, Limit { minutes: 0, ..limit }),
        (AlarmKind::CardOften, Limit { minutes: 10_081, ..limit }),
        (AlarmKind::MoneyBack, Limit { warn: 100_000_001, ..limit }),
        (AlarmKind::TwoPlaces, limit),
    ] {
        let refused = server.alarm_limit_set(tenant, kind, Some(wrong)).await.unwrap_err();
        assert_eq!(refused.problem().status, 400, "{kind:?} {wrong:?}");
    }
    assert_eq!(told_to(head).await, (None, head));
    let noted = server.audit(tenant, 0).await.unwrap();
    let changes = noted.iter().filter(|entry| entry.subject == "alarm-limits").count();
    assert_eq!(changes, 1);

    for minute in 0..3 {
        stamp(&mut device, world.shop, member(1), minute, None);
    }
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(told(&world).await, [(AlarmKind::CardOften, Level::FourEyes, 3, vec![2, 3, 4])]);
    // Of what comes after, the default holds again.
    server.alarm_limit_set(tenant, AlarmKind::CardOften, None).await.unwrap();
    assert_eq!(server.alarm_limits(tenant).await.unwrap(), (LimitsSet::new(), Limits::default()));
    let sent = device.rows.len();
    for minute in 3000..3003 {
        stamp(&mut device, world.shop, member(2), minute, None);
    }
    world.push(&device, &device.rows[sent..]).await.unwrap();
    assert_eq!(told(&world).await.len(), 1);
    world.sound().await;
}
