//! A tenant's way from one database to another.

use stempel_server::Db;
use stempel_server::admin::NewMember;

use crate::database::{self, Kind};
use crate::world::{Device, HOUR_MS, World, card, code, member, open};

fn other() -> Kind {
    match crate::KIND {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    }
}

#[tokio::test]
async fn a_tenant_goes_to_the_other_database_and_back_with_everything() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    let stays = world.server.tenant_add("Stays", false).await.unwrap();
    device.join(member(1), card(1));
    device.give(member(1), 5);
    device.write_json("cannot be read");
    world.push(&device, &device.rows).await.unwrap();
    let new = NewMember { name: Some("Ada".to_owned()), language: None };
    let ada = world.server.member_add(world.tenant, &new, Some("web-1")).await.unwrap();
    let before = serde_json::to_string(&world.feed(&device, 0).await).unwrap();

    let url = database::of_kind(other(), world.folder.path()).await;
    let moved = world.server.tenant_move(world.tenant, &url).await.unwrap();
    assert!(moved.digest.is_some() && moved.rows > 10, "{moved:?}");
    assert_eq!(
        serde_json::to_string(&world.feed(&device, 0).await).unwrap(),
        before,
        "the same server follows"
    );
    world.sound().await;
    let here: Vec<bool> = world.server.tenants().await.unwrap().iter().map(|tenant| tenant.here).collect();
    assert_eq!(here.len(), 2);
    assert!(here.contains(&true) && here.contains(&false));

    // A process that begins later finds it too, and everything goes on there.
    world.restart().await;
    device.give(member(1), 2);
    world.push(&device, &device.rows).await.unwrap();
    let mut late = world.device(2).await;
    late.join(member(2), card(2));
    world.push(&late, &late.rows).await.unwrap();
    assert_eq!(world.server.member_add(world.tenant, &new, Some("web-1")).await.unwrap(), ada);
    // A server that is started on the new database alone knows the devices.
    let alone = open(&url, &world.clock, 6).await;
    let caller = alone.caller(late.id).await.unwrap();
    assert_eq!(alone.feed(&caller, 0, 1000).await.unwrap().held, 2);
    alone.close().await;
    // One on the old database follows the tenant.
    assert_eq!(world.feed(&late, 0).await.held, 2);

    let back = world.server.tenant_move(world.tenant, &world.url).await.unwrap();
    assert!(back.digest.is_some());
    world.restart().await;
    assert_eq!(world.points(&late, member(1)).await, Some(7));
    world.sound().await;
    assert!(world.server.tenants().await.unwrap().iter().all(|tenant| tenant.here));
    assert_eq!(world.server.verify(stays).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_move_that_was_cut_off_is_finished_by_the_same_command() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let url = database::of_kind(other(), world.folder.path()).await;
    world.server.tenant_move(world.tenant, &url).await.unwrap();
    // As if it had ended just before the copy was opened.
    database::script(&url, "UPDATE tenant SET closed = 1").await;
    assert_eq!(code(&world.push(&device, &device.rows).await.unwrap_err()), "busy");
    assert_eq!(world.server.tenant_move(world.tenant, &url).await.unwrap().digest, None);
    world.restart().await;
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    assert_eq!(code(&world.server.tenant_move(world.tenant, &url).await.unwrap_err()), "bad-request");
    world.sound().await;
}

#[tokio::test]
async fn a_place_that_serves_the_tenant_already_is_left_alone() {
    let world = World::new().await;
    let url = database::of_kind(other(), world.folder.path()).await;
    let elsewhere = open(&url, &world.clock, 1).await;
    // The same seed gives the same tenant.
    assert_eq!(elsewhere.tenant_add("Twin", false).await.unwrap(), world.tenant);
    elsewhere.close().await;
    assert_eq!(code(&world.server.tenant_move(world.tenant, &url).await.unwrap_err()), "already-there");
    assert!(world.server.tenant_move(world.tenant, "sqlite:").await.is_err());
    world.device(1).await;
    world.sound().await;
}

#[tokio::test]
async fn a_backup_of_one_database_is_restored_into_the_other() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    let file = world.folder.path().join("backup");
    world.server.backup(&file).await.unwrap();
    let url = database::of_kind(other(), world.folder.path()).await;
    let entropy = Box::new(crate::world::Seeded::new(9));
    let restored = stempel_server::admin::restore(
        &file,
        &url,
        Some(&crate::world::keys()),
        world.clock.clone(),
        entropy,
    )
    .await
    .unwrap();
    assert_eq!(restored.tenants, 1);
    let server = open(&url, &world.clock, 7).await;
    let caller = server.caller(device.id).await.unwrap();
    assert_eq!(server.feed(&caller, 0, 1000).await.unwrap().held, 3);
    assert_eq!(server.verify(world.tenant).await.unwrap().problems, Vec::<String>::new());
    let late = Device::new(2);
    let code = server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    server.enroll(&late.ask(&code)).await.unwrap();
    server.close().await;
    drop(Db::open(&url).await.unwrap());
}
