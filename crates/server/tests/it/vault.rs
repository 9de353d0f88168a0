//! Secrets at rest: the keys that sign events and cards, second factors, webhooks. They are found nowhere in clear, and open
//! with the file of their wrapping key alone.

use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use stempel_server::Error;
use stempel_server::admin::{Restored, restore};
use stempel_wire::WrappingKeys;

use crate::accounts::{owner, person};
use crate::database;
use crate::http::Site;
use crate::second::{code, login, switched_on};
use crate::world::{Device, HOUR_MS, NOON_MS, Seeded, TestClock, World, card, member};

const HOOK: &str = "https://example.org/hook";
/// Everything in the database that is as good as a key.
const SECRETS: &str = "SELECT secret FROM tenant UNION ALL SELECT secret FROM card_key
    UNION ALL SELECT secret FROM second_factor UNION ALL SELECT secret FROM webhook";

fn decoded(text: &str) -> Vec<u8> {
    BASE32_NOPAD.decode(text.as_bytes()).unwrap()
}

fn within(file: &Path, bytes: &[u8]) -> bool {
    let text = std::fs::read(file).unwrap();
    text.windows(bytes.len()).any(|window| window == bytes)
}

#[tokio::test]
async fn no_secret_stands_in_clear_in_the_database_its_log_or_a_backup() {
    let world = World::clear().await;
    let first = world.device(1).await;
    let hook = world.server.hook_add(world.tenant, HOOK, &[], false).await.unwrap();
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let (app, _) = switched_on(&world, &site, &olga).await;
    let mut secrets = database::bytes(&world.url, SECRETS).await;
    assert_eq!(secrets.len(), 4);
    assert!(secrets.contains(&decoded(&app)) && secrets.contains(&decoded(&hook.secret)));
    for secret in &secrets {
        assert!(database::holds(&world.url, secret).await, "the test looks in the right place");
    }
    let file = world.folder.path().join("own.keys");
    assert_eq!(world.server.use_keys(Some(&file)).await.unwrap().wrapped, 4);
    // What is made from now on is wrapped too.
    let later = world.server.hook_add(world.tenant, HOOK, &[], false).await.unwrap();
    secrets.push(decoded(&later.secret));
    world.server.tenant_add("Café Zwei", false).await.unwrap();
    let stored = database::bytes(&world.url, SECRETS).await;
    assert!(stored.len() == 7 && stored.iter().all(|secret| secret.len() > 32));
    let backup = world.folder.path().join("copy.backup");
    world.server.backup(&backup).await.unwrap();
    for secret in &secrets {
        assert!(!database::holds(&world.url, secret).await);
        assert!(!within(&backup, secret));
    }
    // Everything goes on as before: the same key certifies devices and signs cards, the same app signs in.
    let second = Device::new(2);
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let answer = world.server.enroll(&second.ask(&invite)).await.unwrap();
    answer.certificate.verify(&answer.server_key).unwrap();
    let caller = world.server.caller(first.id).await.unwrap();
    assert_eq!(world.server.blanks(&caller).await.unwrap().blanks.len(), 200);
    let now = code(&app, world.server.now_ms());
    assert_eq!(login(&site, Some(&now)).await.status, 200);
    assert_eq!(world.server.hook_list(world.tenant).await.unwrap().len(), 2);
    world.sound().await;
    // And after a change of the wrapping key.
    assert_eq!(world.server.rotate_keys().await.unwrap().wrapped, 7);
    world.clock.forward(60_000);
    let now = code(&app, world.server.now_ms());
    assert_eq!(login(&site, Some(&now)).await.status, 200);
    world.sound().await;
}

/// A backup that is put in the place of a database.
struct Copy<'a> {
    backup: &'a Path,
    url: &'a str,
    clock: Arc<TestClock>,
}

impl Copy<'_> {
    async fn restored(&self, keys: Option<&Path>) -> Result<Restored, Error> {
        restore(self.backup, self.url, keys, self.clock.clone(), Box::new(Seeded::new(2_102))).await
    }
}

#[tokio::test]
async fn a_backup_is_restored_with_its_key_file_alone() {
    let mut world = World::clear().await;
    let file = world.folder.path().join("own.keys");
    world.server.use_keys(Some(&file)).await.unwrap();
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let backup = world.folder.path().join("copy.backup");
    world.server.backup(&backup).await.unwrap();
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    world.server.close().await;
    let keys = std::fs::read(&file).unwrap();
    let url = world.url.clone();
    let copy = Copy { backup: &backup, url: &url, clock: world.clock.clone() };
    std::fs::remove_file(&file).unwrap();
    let refused = copy.restored(Some(&file)).await.unwrap_err().to_string();
    assert!(refused.contains("own.keys is missing") && refused.contains("put a copy of it"), "{refused}");
    let refused = copy.restored(None).await.unwrap_err().to_string();
    assert!(refused.contains("missing") || refused.contains("--keys FILE"), "{refused}");
    std::fs::write(&file, WrappingKeys::generate(&mut Seeded::new(99)).to_text()).unwrap();
    let refused = copy.restored(Some(&file)).await.unwrap_err().to_string();
    assert!(refused.contains("another key"), "{refused}");
    // Nothing was touched.
    std::fs::write(&file, &keys).unwrap();
    world.restart().await;
    world.server.use_keys(Some(&file)).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.server.close().await;
    assert_eq!(copy.restored(Some(&file)).await.unwrap().tenants, 1);
    world.restart().await;
    world.server.use_keys(Some(&file)).await.unwrap();
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.sound().await;
}

#[tokio::test]
async fn whoever_has_lost_the_key_file_goes_on_with_new_keys() {
    let mut world = World::clear().await;
    let file = world.folder.path().join("own.keys");
    world.server.use_keys(Some(&file)).await.unwrap();
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    world.server.hook_add(world.tenant, HOOK, &[], false).await.unwrap();
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let (app, recovery) = switched_on(&world, &site, &olga).await;
    drop(site);
    std::fs::remove_file(&file).unwrap();
    world.restart().await;
    assert!(world.server.use_keys(Some(&file)).await.unwrap_err().to_string().contains("missing"));
    let lost = world.server.begin_keys_anew(Some(&file)).await.unwrap();
    assert_eq!((lost.tenants, lost.second_factors, lost.webhooks), (1, 1, 1));
    assert!(world.server.hook_list(world.tenant).await.unwrap().is_empty());
    let site = Site::open(&world).await;
    let now = code(&app, world.server.now_ms());
    assert_eq!(login(&site, Some(&now)).await.status, 401);
    assert_eq!(login(&site, Some(&recovery[0])).await.status, 200);
    // The device brings its journal as before; after it was enrolled anew it has the new server's certificate.
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    let invite = world.server.device_invite(world.tenant, world.shop, HOUR_MS).await.unwrap().code;
    let answer = world.server.enroll(&device.ask(&invite)).await.unwrap();
    answer.certificate.verify(&answer.server_key).unwrap();
    let caller = world.server.caller(device.id).await.unwrap();
    assert_eq!(world.server.blanks(&caller).await.unwrap().blanks.len(), 200);
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.restart().await;
    assert_eq!(world.server.use_keys(Some(&file)).await.unwrap().wrapped, 0);
    world.sound().await;
    assert!(world.server.now_ms() > NOON_MS);
}
