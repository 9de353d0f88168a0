//! What an owner does: signing devices out, backup and restore.

use std::sync::Arc;

use stempel_domain::ProgrammeId;
use stempel_server::admin::{self, NewMember};
use stempel_server::{Db, Error, Server};
use stempel_wire::message::{FeedChange, KeyOf, PushHeader};
use stempel_wire::{MemberKey, Row};

use crate::database::{self, Kind};
use crate::world::{HOUR_MS, Seeded, World, card, code, member, open};

#[tokio::test]
async fn rows_of_a_revoked_device_wait_for_a_person() {
    let world = World::new().await;
    let (mut lost, carrier) = (world.device(1).await, world.device(2).await);
    let caller = world.server.caller(lost.id).await.unwrap();
    let blanks = world.server.blanks(&caller).await.unwrap().blanks;
    lost.join(member(1), card(1));
    lost.give(member(1), 4);
    world.push(&lost, &lost.rows).await.unwrap();
    world.server.device_revoke(world.tenant, lost.id).await.unwrap();
    let head = world.feed(&carrier, 0).await.head;
    world.server.device_revoke(world.tenant, lost.id).await.unwrap();
    assert_eq!(world.feed(&carrier, 0).await.head, head, "once is enough");
    assert_eq!(
        code(&world.server.caller(lost.id).await.unwrap_err()),
        "device-revoked",
        "it is told nothing"
    );

    // Its rows are kept, whether another device brings them or it sends them itself.
    lost.give(member(1), 40);
    let rows: Vec<Row> = lost.rows[1..].to_vec();
    let answer = world.push(&carrier, &rows).await.unwrap();
    assert_eq!(answer.held[&lost.id], 4, "kept");
    lost.give(member(1), 10);
    let keys = [(member(1), 4), (member(2), 5)];
    let keys = keys.map(|(member, byte)| KeyOf { member, key: MemberKey::from_slice(&[byte; 32]).unwrap() });
    world.push_keys(&carrier, &[], keys[..1].to_vec()).await;
    let other = MemberKey::from_slice(&[6; 32]).unwrap();
    let stranger = KeyOf { member: member(1), key: other };
    let sender = world.server.sender(lost.id).await.unwrap();
    let header = PushHeader { keys: vec![stranger, keys[1].clone()], ..PushHeader::default() };
    let answer = world.server.push(&sender, &header, lost.rows.clone()).await.unwrap();
    assert_eq!(answer.held[&lost.id], 5);
    assert_eq!(
        world.keys(&carrier, member(1)).await,
        [keys[0].key.clone()],
        "no key beside the one that is here"
    );
    assert_eq!(world.points(&carrier, member(1)).await, Some(4), "without effect");
    assert_eq!(world.base(&carrier, member(1)).await.unwrap().includes[&lost.id], 5);
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().held.len(), 2);
    world.sound().await;

    let changes: Vec<FeedChange> =
        world.feed(&carrier, 0).await.changes.iter().filter_map(|item| item.read()).collect();
    let revoked = changes.iter().filter(|change| matches!(change, FeedChange::CardRevoked { .. })).count();
    assert_eq!(revoked, blanks.len(), "a lost device's blanks are worth nothing");
    assert!(changes.iter().any(|change| matches!(change, FeedChange::Device { revoked: true, .. })));

    assert_eq!(world.server.held_release(world.tenant, lost.id).await.unwrap(), 2);
    assert_eq!(world.points(&carrier, member(1)).await, Some(54));
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().held.len(), 0);
    world.sound().await;
}

#[tokio::test]
async fn a_revoked_device_cannot_enrol_again_as_the_same() {
    let world = World::new().await;
    let device = world.device(1).await;
    world.server.device_revoke(world.tenant, device.id).await.unwrap();
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    assert_eq!(code(&world.server.enroll(&device.ask(&invite.code)).await.unwrap_err()), "device-revoked");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 3);
    let key = MemberKey::from_slice(&[4; 32]).unwrap();
    world.push_keys(&device, &device.rows, vec![KeyOf { member: member(1), key: key.clone() }]).await;
    let before = serde_json::to_string(&world.feed(&device, 0).await).unwrap();
    world.restart().await;
    assert_eq!(serde_json::to_string(&world.feed(&device, 0).await).unwrap(), before);
    assert!(before.contains(&serde_json::to_string(&key).unwrap()), "keys travel with the state");
    assert_eq!(world.push(&device, &device.rows).await.unwrap().held[&device.id], 3);
    world.sound().await;
}

#[tokio::test]
async fn after_a_restore_devices_bring_the_server_up_to_date_again() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 1);
    world.push(&device, &device.rows).await.unwrap();
    let file = world.folder.path().join("yesterday.backup");
    world.server.backup(&file).await.unwrap();
    assert_eq!(code(&world.server.backup(&file).await.unwrap_err()), "file-exists");

    device.give(member(1), 2);
    device.give(member(1), 4);
    let answer = world.push(&device, &device.rows).await.unwrap();
    let coffee: ProgrammeId = "coffee".parse().unwrap();
    let published = async |server: &Server, size: u8| {
        let text = format!(r#"{{"id":"coffee","unit":"stamp","card":{size}}}"#);
        server.programme_publish(world.tenant, &coffee, &text).await.unwrap().version
    };
    let lost_version = published(&world.server, 10).await;
    let mut late = world.device(2).await;
    late.join(member(2), card(2));
    late.give(member(2), 5);
    world.push(&late, &late.rows).await.unwrap();
    let lost = world.server.member_add(world.tenant, &NewMember::default(), None).await.unwrap();
    let url = world.url.clone();
    let entropy = || Box::new(Seeded::new(99));
    let busy = admin::restore(&file, &url, Some(&crate::world::keys()), world.clock.clone(), entropy())
        .await
        .unwrap_err();
    assert_eq!(code(&busy), "in-use");
    world.server.db().close().await;
    let restored = admin::restore(&file, &url, Some(&crate::world::keys()), world.clock.clone(), entropy())
        .await
        .unwrap();
    let before = restored.before.unwrap();
    assert!(before.exists() == (crate::KIND == Kind::Sqlite), "what was there is kept");
    world.server = open(&world.url, &world.clock, 5).await;

    let page = world.feed(&device, 0).await;
    assert_ne!(page.epoch, answer.epoch);
    assert_eq!(page.held, 3);
    let again = world.push(&device, &device.rows[3..]).await.unwrap();
    assert_eq!((again.epoch == page.epoch, again.held[&device.id]), (true, 5));
    assert_eq!(world.points(&device, member(1)).await, Some(7));
    let added = world.server.member_add(world.tenant, &NewMember::default(), None).await.unwrap();
    assert_ne!(added.event.author, lost.event.author, "no number stands for two events of the server");
    let after = published(&world.server, 8).await;
    assert!(after > lost_version, "{after}: no number stands for two versions");
    assert_eq!(published(&world.server, 9).await, after + 1);
    // A device of which the backup knows nothing comes back with its own journal.
    assert_eq!(code(&world.push(&late, &late.rows).await.unwrap_err()), "device-unknown");
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    world.server.enroll(&late.ask(&invite.code)).await.unwrap();
    assert_eq!(world.push(&late, &late.rows).await.unwrap().held[&late.id], 3);
    assert_eq!(world.points(&late, member(2)).await, Some(5));
    world.sound().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_called_by_its_name() {
    let world = World::new().await;
    let file = world.folder.path().join("no.db");
    std::fs::write(&file, "this is a letter, not a database, and long enough to be read as one".repeat(20))
        .unwrap();
    let error = Db::open(&format!("sqlite:{}", file.display())).await.unwrap_err();
    assert!(matches!(&error, Error::Unusable(text) if text.contains("not a database")), "{error}");
    assert!(Db::open("mysql:there").await.is_err());
    assert!(Db::open("sqlite:").await.is_err());
    let clock = world.clock.clone();
    let damaged =
        admin::restore(&file, "sqlite:never.db", None, clock.clone(), Box::new(Seeded::new(3))).await;
    assert!(damaged.is_err());
    let none = world.folder.path().join("none");
    let missing = admin::restore(&none, "sqlite:never.db", None, clock, Box::new(Seeded::new(3)));
    assert!(missing.await.is_err());
}

#[tokio::test]
async fn a_member_is_added_once_for_each_key() {
    let world = World::new().await;
    let new = NewMember { name: Some("Ada".to_owned()), language: Some("de".to_owned()) };
    let added = world.server.member_add(world.tenant, &new, Some("web-1")).await.unwrap();
    assert_eq!(world.server.member_add(world.tenant, &new, Some("web-1")).await.unwrap(), added);
    let other = NewMember { name: Some("Bea".to_owned()), ..NewMember::default() };
    let refused = world.server.member_add(world.tenant, &other, Some("web-1")).await.unwrap_err();
    assert_eq!(code(&refused), "key-used");
    for text in [added.code.to_string(), added.number.clone(), added.member.to_string()] {
        let found = world.server.member_find(world.tenant, &text).await.unwrap();
        assert_eq!((found.member, found.name.as_deref()), (added.member, Some("Ada")));
    }
    assert_eq!(world.server.why(world.tenant, &added.number).await.unwrap().len(), 1);
    assert_eq!(
        code(&world.server.member_find(world.tenant, "00000-00001").await.unwrap_err()),
        "member-unknown"
    );
    world.sound().await;
}

#[tokio::test]
async fn verify_finds_what_was_tampered_with() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 3);
    world.push(&device, &device.rows).await.unwrap();
    world.sound().await;
    world.server.db().close().await;
    let script = "UPDATE member SET base = replace(base, '\"amount\":3', '\"amount\":30')";
    database::script(&world.url, script).await;
    let server: Server = open(&world.url, &Arc::clone(&world.clock), 8).await;
    let report = server.verify(world.tenant).await.unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(report.problems[0].contains("another state"));
}

#[tokio::test]
async fn a_stopped_journal_goes_on_when_a_person_says_so() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let mut copy = device.clone();
    copy.give(member(1), 50);
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.push(&copy, &copy.rows).await.unwrap().quarantined.len(), 1);
    world.server.quarantine_lift(world.tenant, device.id).await.unwrap();
    device.give(member(1), 1);
    let answer = world.push(&device, &device.rows).await.unwrap();
    assert_eq!((answer.held[&device.id], answer.quarantined.len()), (4, 0));
    assert_eq!(code(&world.server.quarantine_lift(world.tenant, device.id).await.unwrap_err()), "not-found");
}

#[tokio::test]
async fn a_dead_letter_stays_dead_until_it_can_be_read() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.write_json("nothing to read here");
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.server.dead_retry(world.tenant).await.unwrap(), 0);
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().dead.len(), 1);
    // As if an older program had not understood it.
    device.join(member(1), card(1));
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    world.sound().await;
    let before = world.base(&device, member(1)).await.unwrap();
    world.server.db().close().await;
    let script = "UPDATE event SET status = 1, kind = '', member = NULL WHERE seq IN (3, 4);
        DELETE FROM member; DELETE FROM card WHERE member IS NOT NULL;
        DELETE FROM day_figure WHERE name <> 'counted';
        INSERT INTO dead_letter SELECT tenant, author, seq, 'too new', 0 FROM event WHERE seq IN (3, 4)";
    database::script(&world.url, script).await;
    let server = open(&world.url, &world.clock, 8).await;
    assert_eq!(server.dead_retry(world.tenant).await.unwrap(), 2);
    assert_eq!(server.inbox(world.tenant).await.unwrap().dead.len(), 1);
    assert_eq!(server.verify(world.tenant).await.unwrap().problems, Vec::<String>::new());
    let caller = server.caller(device.id).await.unwrap();
    let page = server.feed(&caller, 0, 1000).await.unwrap();
    let after = page.changes.iter().find_map(|item| match item.read() {
        Some(FeedChange::Member { base, .. }) => Some(*base),
        _ => None,
    });
    assert_eq!(after, Some(before));
    let number = card(1).number().to_string();
    assert_eq!(server.member_find(world.tenant, &number).await.unwrap().member, member(1));
}
