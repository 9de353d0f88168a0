//! Enrolment and blank cards.

use stempel_wire::message::{BLANKS_POOL, FeedChange};
use stempel_wire::token::CardKeys;

use crate::world::{Device, HOUR_MS, World, code, member};

#[tokio::test]
async fn a_device_enrols_and_asking_again_gives_the_same_answer() {
    let world = World::new().await;
    let device = Device::new(7);
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    assert_eq!(invite.code.len(), 9);
    let ask = device.ask(&invite.code);
    let answer = world.server.enroll(&ask).await.unwrap();
    answer.certificate.verify(&answer.server_key).unwrap();
    assert_eq!((answer.tenant, answer.shop.id), (world.tenant, world.shop));
    assert_eq!(world.server.enroll(&ask).await.unwrap(), answer);
    let as_typed = device.ask(&invite.code.to_lowercase().replace('-', " "));
    assert_eq!(world.server.enroll(&as_typed).await.unwrap(), answer);
}

#[tokio::test]
async fn every_wrong_code_is_called_by_its_name() {
    let world = World::new().await;
    let (device, other) = (Device::new(1), Device::new(2));
    let unknown = world.server.enroll(&device.ask("AAAA-AAAA")).await.unwrap_err();
    assert_eq!(code(&unknown), "code-unknown");

    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    world.clock.forward(HOUR_MS + 1);
    assert_eq!(code(&world.server.enroll(&device.ask(&invite.code)).await.unwrap_err()), "code-expired");

    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    world.server.enroll(&device.ask(&invite.code)).await.unwrap();
    assert_eq!(code(&world.server.enroll(&other.ask(&invite.code)).await.unwrap_err()), "code-used");

    let mut forged = other.ask(&invite.code);
    forged.public_key = device.key.public();
    assert_eq!(code(&world.server.enroll(&forged).await.unwrap_err()), "proof");
}

#[tokio::test]
async fn nobody_takes_the_identity_of_another_device_or_of_the_server() {
    let world = World::new().await;
    let device = world.device(1).await;
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    let mut thief = Device::new(2);
    thief.id = device.id;
    assert_eq!(code(&world.server.enroll(&thief.ask(&invite.code)).await.unwrap_err()), "device-taken");
    let first = Device::new(3);
    let answer = world.server.enroll(&first.ask(&invite.code)).await.unwrap();
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap();
    thief.id = answer.server;
    assert_eq!(code(&world.server.enroll(&thief.ask(&invite.code)).await.unwrap_err()), "device-taken");
}

#[tokio::test]
async fn a_new_device_learns_of_its_tenant_from_the_feed() {
    let world = World::new().await;
    let device = world.device(1).await;
    let page = world.feed(&device, 0).await;
    let changes: Vec<FeedChange> = page.changes.iter().map(|item| item.read().unwrap()).collect();
    assert!(matches!(changes[0], FeedChange::CardKey { retired: false, .. }));
    assert!(matches!(changes[1], FeedChange::Shop(_)));
    assert!(matches!(&changes[2], FeedChange::Device { certificate, revoked: false }
        if Some(certificate) == device.certificate.as_ref()));
    assert_eq!((page.next, page.head, page.held), (3, 3, 0));
}

#[tokio::test]
async fn blanks_stay_the_same_until_they_become_somebodys() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let caller = world.server.caller(device.id).await.unwrap();
    let first = world.server.blanks(&caller).await.unwrap();
    assert_eq!(first.blanks.len(), BLANKS_POOL);
    assert_eq!(world.server.blanks(&caller).await.unwrap(), first);

    let page = world.feed(&device, 0).await;
    let Some(FeedChange::CardKey { key, .. }) = page.changes[0].read() else { panic!("no card key") };
    let mut keys = CardKeys::new(world.tenant);
    keys.insert(key, false);
    for token in &first.blanks {
        assert_eq!(keys.verify(&token.to_string()).unwrap().card, token.card());
    }

    let used = first.blanks[17].card();
    device.join(member(1), used);
    world.push(&device, &device.rows).await.unwrap();
    let second = world.server.blanks(&caller).await.unwrap();
    assert_eq!(second.blanks.len(), BLANKS_POOL);
    assert!(second.blanks.iter().all(|token| token.card() != used));
    assert_eq!(second.blanks.iter().filter(|token| first.blanks.contains(token)).count(), BLANKS_POOL - 1);

    let other = world.device(2).await;
    let other = world.server.blanks(&world.server.caller(other.id).await.unwrap()).await.unwrap();
    assert!(other.blanks.iter().all(|token| !second.blanks.contains(token)));
}
