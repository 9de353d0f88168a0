//! Notes between the devices of a shop: who hears them, for how long, and what bounds them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Site};
use crate::world::{Device, NOON_MS, World};

pub async fn say(site: &Site, device: &Device, note: &Value, at_ms: i64) -> Answer {
    site.signed(device, "POST", "/v1/relay", note.to_string().as_bytes(), at_ms).await
}

pub async fn hear(site: &Site, device: &Device, after: u64, wait_ms: u64, at_ms: i64) -> (u64, Vec<Value>) {
    let path = format!("/v1/relay?after={after}&wait_ms={wait_ms}");
    let answer: Value = site.signed(device, "GET", &path, b"", at_ms).await.read();
    let notes = answer["notes"].as_array().unwrap().iter().map(|note| note["note"].clone()).collect();
    (answer["last"].as_u64().unwrap(), notes)
}

#[tokio::test]
async fn a_note_reaches_the_others_of_the_shop_once_and_not_its_sender() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let (kiosk, counter) = (world.device(1).await, world.device(2).await);
    let call = json!({ "kind": "help", "id": "a1" });
    assert_eq!(say(&site, &kiosk, &call, NOON_MS).await.status, 200);
    let (last, heard) = hear(&site, &counter, 0, 0, NOON_MS).await;
    assert_eq!(heard, [call]);
    assert_eq!(hear(&site, &counter, last, 0, NOON_MS).await, (last, vec![]));
    assert_eq!(hear(&site, &kiosk, 0, 0, NOON_MS).await.1, Vec::<Value>::new());
}

#[tokio::test]
async fn who_waits_is_woken_by_a_note() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let (kiosk, counter) = (world.device(1).await, world.device(2).await);
    let (waiting, saying) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(15), hear(&site, &counter, 0, 20_000, NOON_MS)),
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            say(&site, &kiosk, &json!("come"), NOON_MS).await
        }
    );
    assert_eq!(saying.status, 200);
    assert_eq!(waiting.expect("it does not wait to the end").1, [json!("come")]);
}

#[tokio::test]
async fn notes_are_few_short_and_of_this_minute() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let (kiosk, counter, other) = (world.device(1).await, world.device(2).await, world.device(3).await);
    say(&site, &other, &json!("from the other"), NOON_MS).await;
    for number in 0..40 {
        assert_eq!(say(&site, &kiosk, &json!(number), NOON_MS).await.status, 200);
    }
    let (_, heard) = hear(&site, &counter, 0, 0, NOON_MS).await;
    assert_eq!(heard.len(), 17, "sixteen of one device at most");
    assert_eq!(heard.first(), Some(&json!("from the other")), "nobody is pushed out by another");
    assert_eq!(heard.last(), Some(&json!(39)), "the newest are kept");

    let long = json!("x".repeat(3000));
    let answer = say(&site, &kiosk, &long, NOON_MS).await;
    assert!(answer.status == 413 || answer.status == 0, "{}", answer.status);
    let rubbish = site.signed(&kiosk, "POST", "/v1/relay", b"{", NOON_MS).await;
    assert_eq!(rubbish.problem().code, "bad-request");

    world.clock.forward(61_000);
    assert_eq!(
        hear(&site, &counter, 0, 0, NOON_MS + 61_000).await.1,
        Vec::<Value>::new(),
        "a minute is long"
    );
}

#[tokio::test]
async fn strangers_and_devices_that_were_signed_out_hear_nothing() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let kiosk = world.device(1).await;
    let stranger = Device::new(9);
    let answer = site.signed(&stranger, "GET", "/v1/relay?after=0", b"", NOON_MS).await;
    assert_eq!(answer.problem().code, "device-unknown");
    assert_eq!(site.send("GET", "/v1/relay", "", b"").await.problem().code, "signature-missing");
    world.server.device_revoke(world.tenant, kiosk.id).await.unwrap();
    assert_eq!(say(&site, &kiosk, &json!("hello"), NOON_MS).await.problem().status, 403);
}
