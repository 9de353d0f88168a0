//! Taking rows in: each trap of synchronisation, and the way out.

use stempel_domain::event::{CardBound, Fact, JournalBegun};
use stempel_domain::{Day, EventRef, TenantId};
use stempel_server::admin::NewMember;
use stempel_wire::message::{FeedChange, KeyOf};
use stempel_wire::{Hash, MemberKey, Row, SecretKey};

use crate::database;
use crate::world::{Device, HOUR_MS, World, card, code, give, member, moment, point, raw_row, today};

#[tokio::test]
async fn rows_are_stored_once_however_often_they_come() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 7);
    let first = world.push(&device, &device.rows).await.unwrap();
    assert_eq!(first.held[&device.id], 3);
    let page = world.feed(&device, 0).await;
    assert_eq!((page.held, page.held_hash), (3, device.rows[2].hash().to_string()));
    let head = page.head;
    for rows in [&device.rows[..], &device.rows[1..], &device.rows[2..3], &[]] {
        let again = world.push(&device, rows).await.unwrap();
        assert_eq!(again, first);
    }
    let twice: Vec<Row> = device.rows.iter().chain(&device.rows).cloned().collect();
    assert_eq!(world.push(&device, &twice).await.unwrap(), first);
    assert_eq!(world.feed(&device, 0).await.head, head, "nothing moved");
    assert_eq!(world.points(&device, member(1)).await, Some(7));
    world.sound().await;
}

#[tokio::test]
async fn a_gap_is_not_jumped_and_order_within_a_push_does_not_matter() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    for amount in [1, 2, 4, 8] {
        device.give(member(1), amount);
    }
    let rows = device.rows.clone();
    let gap = world.push(&device, &rows[3..]).await.unwrap();
    assert_eq!(gap.held[&device.id], 0, "nothing of it is taken");
    let with_hole = [rows[0].clone(), rows[1].clone(), rows[4].clone()];
    assert_eq!(world.push(&device, &with_hole).await.unwrap().held[&device.id], 2);
    let backwards: Vec<Row> = rows.iter().rev().cloned().collect();
    assert_eq!(world.push(&device, &backwards).await.unwrap().held[&device.id], 6);
    assert_eq!(world.points(&device, member(1)).await, Some(15));
    world.sound().await;
}

#[tokio::test]
async fn another_row_under_the_same_number_stops_the_journal() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let watcher = world.device(2).await;
    device.join(member(1), card(1));
    let mut copy = device.clone();
    device.give(member(1), 5);
    copy.give(member(1), 50);
    copy.give(member(1), 50);
    world.push(&device, &device.rows).await.unwrap();
    let answer = world.push(&copy, &copy.rows).await.unwrap();
    assert_eq!(answer.held[&device.id], 3);
    assert_eq!((answer.quarantined[0].author, answer.quarantined[0].seq), (device.id, 3));
    assert_eq!(world.points(&watcher, member(1)).await, Some(5), "nothing was overwritten");
    // Also the device whose rows are here is not continued until a person has decided.
    device.give(member(1), 1);
    let answer = world.push(&device, &device.rows).await.unwrap();
    assert_eq!((answer.held[&device.id], answer.quarantined.len()), (3, 1));
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().quarantined.len(), 1);
    world.sound().await;
}

#[tokio::test]
async fn a_copy_that_goes_on_from_another_row_stops_the_journal() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let mut copy = device.clone();
    device.give(member(1), 5);
    copy.give(member(1), 50);
    copy.give(member(1), 60);
    world.push(&device, &device.rows).await.unwrap();
    let answer = world.push(&copy, &copy.rows[3..]).await.unwrap();
    assert_eq!((answer.held[&device.id], answer.quarantined[0].seq), (3, 3));
}

#[tokio::test]
async fn a_forged_row_stops_nobodys_journal() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let thief = world.device(2).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let mut forged = Device { key: thief.key.clone(), ..device.clone() };
    forged.rows.pop();
    forged.give(member(1), 1_000);
    forged.give(member(1), 1_000);
    let error = world.push(&thief, &forged.rows[1..]).await.unwrap_err();
    assert_eq!(code(&error), "rows-not-genuine");
    // Beside rows that are good, the answer says which were not.
    let mixed: Vec<Row> = forged.rows[1..].iter().chain(&thief.rows).cloned().collect();
    let answer = world.push(&thief, &mixed).await.unwrap();
    assert_eq!((answer.refused[0].author, answer.refused[0].seq), (device.id, 2));
    assert_eq!((answer.held[&thief.id], answer.held[&device.id]), (1, 2));
    device.give(member(1), 3);
    assert_eq!(world.push(&device, &device.rows).await.unwrap().held[&device.id], 3);
    assert_eq!(world.points(&device, member(1)).await, Some(3));
}

#[tokio::test]
async fn a_changed_row_breaks_the_chain() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 1);
    device.give(member(1), 2);
    let mut bytes = device.rows[2].bytes().to_vec();
    let place = bytes.windows(6).position(|part| part == b"\"test\"").unwrap();
    bytes[place + 1] = b'b';
    let rows =
        [device.rows[0].clone(), device.rows[1].clone(), Row::parse(bytes).unwrap(), device.rows[3].clone()];
    assert_eq!(code(&world.push(&device, &rows).await.unwrap_err()), "rows-not-genuine");
    assert_eq!(world.feed(&device, 0).await.held, 0);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_stop_those_behind_it() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 5);
    let day = today();
    let at = format!(r#"{{"utc_ms":1,"offset_minutes":0,"day":"{day}"}}"#);
    let unknown =
        format!(r#"{{"at":{at},"fact":{{"member-dreamt":{{"member":"{}","of":"sheep"}}}}}}"#, member(1));
    device.write_json(&unknown);
    device.write_json("not even JSON");
    device.give(member(1), 2);
    let answer = world.push(&device, &device.rows).await.unwrap();
    assert_eq!(answer.held[&device.id], 6);
    let dead: Vec<u64> = answer.dead.iter().map(|trouble| trouble.seq).collect();
    assert_eq!(dead, [4, 5]);
    assert!(answer.dead[0].reason.contains("member-dreamt"), "{}", answer.dead[0].reason);
    assert_eq!(world.points(&device, member(1)).await, Some(7));
    assert_eq!(world.push(&device, &device.rows).await.unwrap(), answer, "said again, since it may be lost");
    world.sound().await;
}

#[tokio::test]
async fn a_dead_letter_about_a_member_is_included_without_effect() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 5);
    let mut unbalanced = give(device.shop, member(1), 10);
    if let Fact::Adjustment(fact) = &mut unbalanced {
        fact.postings.pop();
    }
    device.write(unbalanced);
    let mut foreign_member = give(device.shop, member(2), 10);
    if let Fact::Adjustment(fact) = &mut foreign_member {
        fact.member = member(1);
    }
    device.write(foreign_member);
    let mut huge = give(device.shop, member(1), i64::MAX);
    if let Fact::Adjustment(fact) = &mut huge {
        fact.postings[1].amount = -i64::MAX;
    }
    device.write(huge);
    let answer = world.push(&device, &device.rows).await.unwrap();
    assert_eq!(answer.dead.len(), 3);
    let base = world.base(&device, member(1)).await.unwrap();
    assert_eq!(base.includes[&device.id], 6, "the device drops what it had added for them");
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    assert_eq!(base.state.events, 2);
    world.sound().await;
}

#[tokio::test]
async fn a_journal_begins_by_saying_whose_it_is() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.rows.clear();
    let begun = |tenant: TenantId, key: &SecretKey| {
        Fact::JournalBegun(JournalBegun { tenant, shop: None, public_key: key.public().to_string() })
    };
    let stranger = SecretKey::from_bytes(&[77; 32]);
    for fact in [
        begun(TenantId([5; 16]), &device.key),
        begun(world.tenant, &stranger),
        give(device.shop, member(1), 1),
    ] {
        let mut other = device.clone();
        other.write(fact);
        let answer = world.push(&other, &other.rows).await.unwrap_err();
        assert_eq!(code(&answer), "rows-not-genuine");
    }
    let mut later = device.clone();
    later.write(begun(world.tenant, &device.key));
    later.write(begun(world.tenant, &device.key));
    let answer = world.push(&later, &later.rows).await.unwrap();
    assert_eq!((answer.held[&device.id], answer.dead.len()), (2, 1));
}

#[tokio::test]
async fn rows_of_another_tenants_device_are_not_taken() {
    let world = World::new().await;
    let device = world.device(1).await;
    let tenant = world.server.tenant_add("Other", false).await.unwrap();
    let shop = world.server.shop_add(tenant, "There", "Europe/Berlin", 0).await.unwrap().id;
    let code_there = world.server.device_invite(tenant, shop, 60_000).await.unwrap().code;
    let mut stranger = Device::new(3);
    stranger.belongs(&world.server.enroll(&stranger.ask(&code_there)).await.unwrap());
    stranger.join(member(1), card(1));
    assert_eq!(code(&world.push(&device, &stranger.rows).await.unwrap_err()), "rows-not-genuine");
    world.push(&stranger, &stranger.rows).await.unwrap();
    assert!(world.base(&device, member(1)).await.is_none(), "tenants do not see each other");
}

#[tokio::test]
async fn another_device_of_the_shop_may_carry_the_rows() {
    let world = World::new().await;
    let (mut lost, carrier) = (world.device(1).await, world.device(2).await);
    lost.join(member(1), card(1));
    lost.give(member(1), 4);
    let rows: Vec<Row> = carrier.rows.iter().chain(&lost.rows).cloned().collect();
    let answer = world.push(&carrier, &rows).await.unwrap();
    assert_eq!((answer.held[&carrier.id], answer.held[&lost.id]), (1, 3));
    assert_eq!(world.points(&carrier, member(1)).await, Some(4));
    assert_eq!(world.feed(&lost, 0).await.held, 3, "the other device learns that its rows are here");
}

#[tokio::test]
async fn includes_names_the_last_row_about_each_member() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    device.give(member(1), 1);
    device.give(member(2), 1);
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.base(&device, member(1)).await.unwrap().includes[&device.id], 4);
    assert_eq!(world.base(&device, member(2)).await.unwrap().includes[&device.id], 5);
}

#[tokio::test]
async fn an_overdraft_opens_a_case_and_its_return_closes_it() {
    let world = World::new().await;
    let (mut one, mut two) = (world.device(1).await, world.device(2).await);
    one.join(member(1), card(1));
    one.give(member(1), 10);
    world.push(&one, &one.rows).await.unwrap();
    // Both were offline and gave the same free coffee.
    one.give(member(1), -10);
    two.give(member(1), -10);
    world.push(&one, &one.rows).await.unwrap();
    world.push(&two, &two.rows).await.unwrap();
    assert_eq!(world.points(&one, member(1)).await, Some(-10), "both facts stand");
    let inbox = world.server.inbox(world.tenant).await.unwrap();
    assert_eq!(inbox.cases.len(), 1);
    assert_eq!((inbox.cases[0].kind.as_str(), inbox.cases[0].member), ("overdraft", Some(member(1))));
    two.give(member(1), -1);
    world.push(&two, &two.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases.len(), 1, "one case, not two");
    two.give(member(1), 20);
    world.push(&two, &two.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases.len(), 0);
    world.sound().await;
}

#[tokio::test]
async fn a_card_stays_with_its_first_member() {
    let world = World::new().await;
    let (mut one, mut two) = (world.device(1).await, world.device(2).await);
    one.join(member(1), card(1));
    two.join(member(2), card(1));
    two.write(Fact::CardBound(CardBound { member: member(2), card: card(2), replaces: None }));
    world.push(&one, &one.rows).await.unwrap();
    assert_eq!(world.push(&two, &two.rows).await.unwrap().held[&two.id], 3, "the fact is kept");
    let inbox = world.server.inbox(world.tenant).await.unwrap();
    assert_eq!(inbox.cases.len(), 1);
    assert_eq!(inbox.cases[0].kind, "card-of-two");
    let number = card(1).number().to_string();
    assert_eq!(world.server.member_find(world.tenant, &number).await.unwrap().member, member(1));
    world.sound().await;
}

#[tokio::test]
async fn a_clock_in_the_far_future_makes_nothing_expire() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let mut with_end = give(device.shop, member(1), 9);
    if let Fact::Adjustment(fact) = &mut with_end {
        fact.postings[0].booking = Some(stempel_domain::ledger::Booking::Lot {
            earned: today(),
            last: Some(today().plus_days(365)),
            idle: None,
        });
    }
    device.write(with_end);
    let mut at = moment();
    at.day = Day::MAX;
    device.write_at(at, give(device.shop, member(1), 1));
    world.push(&device, &device.rows).await.unwrap();
    let base = world.base(&device, member(1)).await.unwrap();
    assert_eq!(base.state.balances(today())[&point()], 10);
    world.sound().await;
}

#[tokio::test]
async fn a_server_clock_that_jumps_loses_nothing_and_no_day_goes_back() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let year = 365 * 24 * HOUR_MS;
    let mut given = 0;
    // A year ahead, back beyond where it began, and right again; a restart each time.
    for jump in [year, -year - 30 * 24 * HOUR_MS, 30 * 24 * HOUR_MS] {
        world.clock.forward(jump);
        world.restart().await;
        given += 5;
        let from = device.rows.len();
        device.give(member(1), 5);
        world.push(&device, &device.rows[from..]).await.unwrap();
        let new = NewMember { name: Some("Ada".to_owned()), ..NewMember::default() };
        world.server.member_add(world.tenant, &new, None).await.unwrap();
        assert_eq!(world.points(&device, member(1)).await, Some(given));
        // What was given out stays good by the clock that there is.
        let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
        world.server.enroll(&Device::new(100 + given as u8).ask(&invite)).await.unwrap();
    }
    let sql = "SELECT e.bytes FROM event e JOIN tenant t ON t.tenant = e.tenant AND t.server = e.author ORDER BY e.seq";
    let days: Vec<Day> = database::bytes(&world.url, sql)
        .await
        .into_iter()
        .map(|bytes| Row::parse(bytes).unwrap().event().unwrap().record.at.day)
        .collect();
    assert!(days.len() == 4 && days.is_sorted(), "{days:?}");
    world.sound().await;
}

#[tokio::test]
async fn a_push_has_its_bounds() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    for _ in 0..1000 {
        device.give(member(1), 1);
    }
    assert_eq!(code(&world.push(&device, &device.rows).await.unwrap_err()), "too-large");
    assert_eq!(world.push(&device, &device.rows[..1000]).await.unwrap().held[&device.id], 1000);
    assert_eq!(world.push(&device, &device.rows[1000..]).await.unwrap().held[&device.id], 1001);
    let number = u64::MAX;
    let far = raw_row(&device.key, EventRef { author: device.id, seq: number }, Hash::NONE, b"{}");
    let answer = world.push(&device, &[Row::parse(far).unwrap()]).await.unwrap();
    assert_eq!(answer.held[&device.id], 1001);
    world.sound().await;
}

#[tokio::test]
async fn a_key_that_comes_later_reaches_the_other_devices() {
    let world = World::new().await;
    let (mut device, other) = (world.device(1).await, world.device(2).await);
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let after = world.feed(&other, 0).await.next;
    let key = MemberKey::from_slice(&[7; 32]).unwrap();
    let keys = || vec![KeyOf { member: member(1), key: key.clone() }];
    world.push_keys(&device, &[], keys()).await;
    let page = world.feed(&other, after).await;
    let Some(FeedChange::Member { keys: told, .. }) = page.changes[0].read() else { panic!("no member") };
    assert!(told.len() == 1 && told[0] == key);
    world.push_keys(&device, &[], keys()).await;
    assert_eq!(world.feed(&other, 0).await.head, page.head, "once is enough");
}
