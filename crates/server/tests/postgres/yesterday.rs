//! PostgreSQL as each version left it: `tests/fixtures/VERSION/postgres.sql` is a dump of its tables, `postgres.json` what
//! a device said to that version's server from there on, and what it was answered (tests/fixtures/README.md).

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stempel_domain::TenantId;
use stempel_server::accounts::{Role, RoleAt};
use stempel_wire::Row;
use stempel_wire::message::{FeedChange, FeedItem};

use crate::api::{COFFEE, publish};
use crate::cluster;
use crate::suite::alarms::stamp;
use crate::world::{Device, HOUR_MS, World, card, member};

/// The schema in a dump; each reader gives it a name of its own.
const SCHEMA: &str = "stempel_of_that_version";

/// What goes with a dump.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    tenant: TenantId,
    /// The device's rows, those first that its server had heard.
    rows: Vec<String>,
    heard: usize,
    /// What it pushed then, and the answer.
    push: (String, Value),
    /// The whole feed after that.
    feed: Value,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// The folders of versions that have a dump.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.join("postgres.sql").exists()).collect();
    found.sort();
    found
}

/// Holds that an answer says everything that it said then; it may say more.
fn assert_holds(today: &Value, then: &Value, of: &Path) {
    match (today, then) {
        (Value::Object(today), Value::Object(then)) => {
            for (name, value) in then {
                let found = today.get(name).unwrap_or_else(|| panic!("{}: {name} is gone", of.display()));
                assert_holds(found, value, of);
            }
        }
        (Value::Array(today), Value::Array(then)) if today.len() == then.len() => {
            today.iter().zip(then).for_each(|(today, then)| assert_holds(today, then, of));
        }
        (today, then) => assert_eq!(today, then, "{}", of.display()),
    }
}

async fn feed(world: &World, device: &Device) -> Value {
    let page = world.feed(device, 0).await;
    serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap()
}

async fn pushed(world: &World, device: &Device, body: &[u8]) -> Value {
    let caller = world.server.caller(device.id).await.unwrap();
    serde_json::to_value(world.server.push_body(&caller, body).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_database_of_each_version_is_opened_answers_and_goes_on() {
    let versions = versions();
    assert!(!versions.is_empty());
    for version in versions {
        let told: Told = serde_json::from_slice(&fs::read(version.join("postgres.json")).unwrap()).unwrap();
        let mut world = World::clear().await;
        let dump = fs::read_to_string(version.join("postgres.sql")).unwrap();
        let schema = format!("{}_then", cluster::schema(&world.url));
        cluster::load(dump.replace(SCHEMA, &schema).as_bytes());
        world.url = world.url.replace(cluster::schema(&world.url), &schema);
        world.tenant = told.tenant;
        world.restart().await;
        world.sound().await;
        let mut device = Device::new(1);
        device.tenant = told.tenant;
        device.shop = world.server.shops(told.tenant).await.unwrap()[0].id;
        device.rows = told
            .rows
            .iter()
            .map(|row| Row::parse(HEXLOWER.decode(row.as_bytes()).unwrap()).unwrap())
            .collect();

        // It takes what that version's server took, and answers as that one did.
        let body = HEXLOWER.decode(told.push.0.as_bytes()).unwrap();
        assert_holds(&pushed(&world, &device, &body).await, &told.push.1, &version);
        assert_holds(&feed(&world, &device).await, &told.feed, &version);
        assert_eq!(told.rows.len(), device.rows.len());
        assert_eq!(world.points(&device, member(1)).await, Some(8));

        // It goes on: rows, work, a member who is forgotten, secrets that are wrapped from now on.
        device.give(member(1), 5);
        let shop = device.shop;
        stamp(&mut device, shop, member(2), 90, Some("kim"));
        let sent = told.rows.len();
        world.push(&device, &device.rows[sent..]).await.unwrap();
        while world.server.work().await.unwrap() > 0 {}
        assert_eq!(world.points(&device, member(1)).await, Some(13));
        let reason = stempel_domain::event::ErasureReason::Asked;
        world.server.member_erase(told.tenant, &member(2).to_string(), reason).await.unwrap();
        let file = world.folder.path().join("own.keys");
        assert!(world.server.use_keys(Some(&file)).await.unwrap().wrapped >= 3, "nothing was wrapped then");
        world.sound().await;
        let fresh = Device::new(2);
        let code = world.server.device_invite(told.tenant, device.shop, HOUR_MS).await.unwrap().code;
        world.server.enroll(&fresh.ask(&code)).await.unwrap();
        let after = world.feed(&fresh, 0).await;
        let changes: Vec<FeedChange> = after.changes.iter().filter_map(FeedItem::read).collect();
        assert!(changes.iter().any(|change| matches!(change, FeedChange::Programme { .. })));
        assert!(changes.iter().any(|change| matches!(change, FeedChange::MemberErased { .. })));
        world.server.close().await;
    }
}

#[test]
fn this_version_has_its_dump() {
    let folder = fixtures().join(env!("CARGO_PKG_VERSION"));
    assert!(folder.join("postgres.sql").exists(), "write it: see tests/fixtures/README.md");
}

/// Writes this version's dump. One that is there stays: it is for ever.
#[tokio::test]
#[ignore = "run it once for each release"]
async fn write_this_version() {
    let place = fixtures().join(env!("CARGO_PKG_VERSION"));
    assert!(!place.join("postgres.sql").exists(), "{} is there, and is for ever", place.display());
    let mut world = World::clear().await;
    publish(&world, &[COFFEE]).await;
    let table = "sku,name,category,price,vat\nespresso,Espresso,coffee,2.40,19\n";
    world.server.catalogue_import(world.tenant, table).await.unwrap();
    world.server.owner_add(world.tenant, "olga@example.org").await.unwrap();
    let staff = [RoleAt { role: Role::Staff, shop: Some(world.shop) }];
    world.server.account_invite(world.tenant, "kim@example.org", &staff).await.unwrap();
    world.server.hook_add(world.tenant, "https://example.org/hook", &[], false).await.unwrap();
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 9);
    for minute in 0..5 {
        stamp(&mut device, world.shop, member(2), minute, Some("kim"));
    }
    // Somebody had nothing and was given it all the same: a case.
    device.give(member(3), -3);
    world.push(&device, &device.rows).await.unwrap();
    let caller = world.server.caller(device.id).await.unwrap();
    world.server.blanks(&caller).await.unwrap();
    while world.server.work().await.unwrap() > 0 {}
    world.sound().await;
    world.server.close().await;
    let dump = String::from_utf8(cluster::dump(&world.url)).unwrap();
    // What newer programs put around a dump older ones do not read.
    let kept =
        dump.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    let dump: String = kept.map(|line| format!("{line}\n")).collect();
    let dump = dump.replace(cluster::schema(&world.url), SCHEMA);

    // From here on both are kept: the device has something to say that the server has not heard.
    world.restart().await;
    let heard = device.rows.len();
    device.give(member(1), -2);
    stamp(&mut device, world.shop, member(1), 60, None);
    let body = device.push_from(heard);
    let answer = pushed(&world, &device, &body).await;
    let told = Told {
        tenant: world.tenant,
        rows: device.rows.iter().map(|row| HEXLOWER.encode(row.bytes())).collect(),
        heard,
        push: (HEXLOWER.encode(&body), answer),
        feed: feed(&world, &device).await,
    };
    fs::write(place.join("postgres.sql"), dump).unwrap();
    fs::write(place.join("postgres.json"), serde_json::to_string_pretty(&told).unwrap() + "\n").unwrap();
}
