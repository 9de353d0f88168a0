//! A device changes its key: the old one certifies the new one in the journal. What was written before stays good, what the
//! old one signs afterwards is nobody's.

use std::sync::Arc;

use stempel_domain::event::{Fact, KeyChanged};
use stempel_server::SignedRequest;
use stempel_server::admin::restore;
use stempel_wire::message::FeedChange;
use stempel_wire::{SecretKey, key_change, request};

use crate::world::{Device, HOUR_MS, Seeded, World, card, code, give, member};

/// What the server says to a request that is signed with this key.
async fn asks(world: &World, device: &Device, key: &SecretKey) -> Result<(), &'static str> {
    let (time_ms, path) = (world.server.now_ms(), "/v1/feed?after=0");
    let signature = request::sign(key, "GET", path, device.id, time_ms, b"");
    let request = SignedRequest {
        method: "GET",
        path_and_query: path,
        device: device.id,
        time_ms,
        body: b"",
        signature,
    };
    world.server.authenticate(&request).await.map(drop).map_err(|error| code(&error))
}

#[tokio::test]
async fn a_new_key_certified_by_the_old_one_goes_on_with_the_journal() {
    let mut world = World::new().await;
    let (mut device, other) = (world.device(1).await, world.device(2).await);
    let old = Arc::clone(&device.key);
    device.join(member(1), card(1));
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    let before = world.feed(&other, 0).await.next;
    // Offline: rows under the old key, the change, rows under the new key, another change.
    let from = device.rows.len();
    device.give(member(1), 1);
    device.change_key(71);
    device.give(member(1), 2);
    device.change_key(72);
    device.give(member(1), 4);
    assert_eq!(asks(&world, &device, &device.key).await, Err("signature"), "it has not heard yet");
    asks(&world, &device, &old).await.unwrap();
    let answer = world.push(&device, &device.rows[from..]).await.unwrap();
    assert_eq!(answer.held[&device.id], device.rows.len() as u64);
    assert!(answer.dead.is_empty() && answer.refused.is_empty());
    // From now on the newest key asks, and no other one.
    asks(&world, &device, &device.key).await.unwrap();
    assert_eq!(asks(&world, &device, &old).await, Err("signature"));
    assert_eq!(world.points(&device, member(1)).await, Some(12));
    // The others hear of it, certified by the server.
    let server_key = {
        let late = Device::new(3);
        let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
        world.server.enroll(&late.ask(&invite)).await.unwrap().server_key
    };
    let page = world.feed(&other, before).await;
    let certificate = page.changes.iter().find_map(|item| match item.read() {
        Some(FeedChange::Device { certificate, revoked: false }) if certificate.device == device.id => {
            Some(certificate)
        }
        _ => None,
    });
    let certificate = certificate.unwrap();
    certificate.verify(&server_key).unwrap();
    assert_eq!(certificate.public_key, device.key.public());
    // Sent again from the beginning, nothing changes; what the old key signs now is not taken.
    world.push(&device, &device.rows).await.unwrap();
    let mut thief = Device { key: old, ..device.clone() };
    let row = thief.give(member(1), 1000);
    assert_eq!(code(&world.push(&thief, &[row]).await.unwrap_err()), "rows-not-genuine");
    device.give(member(1), 8);
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(20));
    world.sound().await;
    world.restart().await;
    world.sound().await;
}

#[tokio::test]
async fn a_change_that_one_of_the_two_keys_has_not_signed_changes_nothing() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    // Signed by another key than the journal's.
    let mut thief = Device { key: Arc::new(SecretKey::from_bytes(&[66; 32])), ..device.clone() };
    let row = thief.change_key(67);
    assert_eq!(code(&world.push(&device, std::slice::from_ref(&row)).await.unwrap_err()), "rows-not-genuine");
    // Hidden behind a row that its own new key signs.
    let next = thief.give(member(1), 5);
    assert_eq!(code(&world.push(&device, &[row, next]).await.unwrap_err()), "rows-not-genuine");
    // A key that has not agreed: the row is a dead letter, the old key goes on.
    let strange = SecretKey::from_bytes(&[68; 32]);
    let Fact::KeyChanged(fact) = key_change::fact(thief.id, &strange) else { panic!() };
    let public_key = SecretKey::from_bytes(&[69; 32]).public().to_string();
    device.write(Fact::KeyChanged(KeyChanged { public_key, ..fact }));
    device.write(give(device.shop, member(1), 3));
    let answer = world.push(&device, &device.rows).await.unwrap();
    assert_eq!(answer.dead.iter().map(|trouble| trouble.seq).collect::<Vec<_>>(), [3]);
    asks(&world, &device, &device.key).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(3));
    world.sound().await;
}

#[tokio::test]
async fn a_server_that_was_set_back_to_before_a_change_is_told_of_it_again() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    let old = Arc::clone(&device.key);
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let backup = world.folder.path().join("copy.backup");
    world.server.backup(&backup).await.unwrap();
    device.change_key(71);
    device.give(member(1), 2);
    world.push(&device, &device.rows).await.unwrap();
    world.server.close().await;
    let keys = crate::world::keys();
    restore(&backup, &world.url, Some(&keys), world.clock.clone(), Box::new(Seeded::new(2_101)))
        .await
        .unwrap();
    world.restart().await;
    assert_eq!(asks(&world, &device, &device.key).await, Err("signature"));
    asks(&world, &device, &old).await.unwrap();
    world.push(&device, &device.rows).await.unwrap();
    asks(&world, &device, &device.key).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(2));
    world.sound().await;
}

#[tokio::test]
async fn a_device_that_the_server_does_not_know_any_more_comes_back_with_its_newest_key() {
    let world = World::new().await;
    let mut device = Device::new(1);
    let first = device.key.public();
    (device.tenant, device.shop) = (world.tenant, world.shop);
    let begun = stempel_domain::event::JournalBegun {
        tenant: world.tenant,
        shop: Some(world.shop),
        public_key: first.to_string(),
    };
    device.write(Fact::JournalBegun(begun));
    device.join(member(1), card(1));
    device.change_key(71);
    device.give(member(1), 2);
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let mut asked = device.ask(&invite);
    asked.journal_key = Some(first);
    world.server.enroll(&asked).await.unwrap();
    // In two pushes: the first one ends before the change.
    world.push(&device, &device.rows[..2]).await.unwrap();
    world.push(&device, &device.rows[2..]).await.unwrap();
    asks(&world, &device, &device.key).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(2));
    world.sound().await;
}
