//! Several processes on one PostgreSQL.

use std::time::Duration;

use serde_json::json;
use stempel_domain::event::ErasureReason;
use stempel_server::http::Options;

use crate::http::Site;
use crate::relay::{hear, say};
use crate::suite::browser::Cafe;
use crate::suite::pages::names_open;
use crate::world::{NOON_MS, World};

#[tokio::test]
async fn a_kiosk_and_a_counter_hear_each_other_through_two_processes() {
    let world = World::new().await;
    let other = crate::world::open(&world.url, &world.clock, 2).await;
    let (one, two) = (Site::open(&world).await, Site::of(other, |_| Options::default()).await);
    let (kiosk, counter, third) = (world.device(1).await, world.device(2).await, world.device(3).await);
    // The counter waits at one process, the kiosk calls at the other.
    let call = json!({ "kind": "help", "id": "a1" });
    let (heard, said) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(15), hear(&two, &counter, 0, 20_000, NOON_MS)),
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            say(&one, &kiosk, &call, NOON_MS).await
        }
    );
    assert_eq!(said.status, 200);
    let (last, notes) = heard.expect("it is woken, and does not wait to the end");
    assert_eq!(notes, std::slice::from_ref(&call));
    // The numbers are the same everywhere: who comes back to the other process hears nothing twice and misses nothing.
    assert_eq!(said.read::<serde_json::Value>()["number"], json!(last));
    assert_eq!(hear(&one, &counter, last, 0, NOON_MS).await, (last, vec![]));
    assert_eq!(say(&two, &counter, &json!("coming"), NOON_MS).await.status, 200);
    let (last, notes) = hear(&one, &kiosk, last, 20_000, NOON_MS).await;
    assert_eq!(notes, [json!("coming")]);

    // Both speak at once, to and fro: everybody hears everything once, in one order.
    let (mut at, mut heard) = ([last, last], [Vec::new(), Vec::new()]);
    for number in 0..10 {
        let notes = [1, 2].map(|place| json!([place, number]));
        let (a, b) =
            tokio::join!(say(&one, &kiosk, &notes[0], NOON_MS), say(&two, &counter, &notes[1], NOON_MS));
        assert_eq!((a.status, b.status), (200, 200));
        for (place, site) in [&one, &two].into_iter().enumerate() {
            // Each time at the other process.
            let turn = (place + number) % 2;
            while heard[turn].len() < 2 * (number + 1) {
                let (last, notes) = hear(site, &third, at[turn], 5_000, NOON_MS).await;
                assert!(!notes.is_empty(), "it comes at once");
                at[turn] = last;
                heard[turn].extend(notes);
            }
        }
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0].len(), 20);
    // Nothing of it is stored.
    assert!(!crate::database::holds(&world.url, b"\"help\"").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_through_one_process_leaves_the_memory_of_the_other() {
    let cafe = Cafe::open().await;
    let other = crate::world::open(&cafe.world.url, &cafe.world.clock, 2).await;
    let two = Site::of(other, |_| Options::default()).await;
    let cookie = cafe.cookie().await;
    let finds = async |site: &Site| {
        let answer = site.send("GET", "/dashboard/members?find=frieda", &cookie, b"").await;
        assert_eq!(answer.status, 200);
        String::from_utf8_lossy(&answer.body).contains("Frieda")
    };
    assert!(finds(&cafe.site).await && finds(&two).await, "both have read the names");
    let before = names_open(&two).await;
    let member = cafe.guests[4].1["member"].as_str().unwrap();
    cafe.world.server.member_erase(cafe.world.tenant, member, ErasureReason::Asked).await.unwrap();
    let gone = async {
        while names_open(&two).await >= before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it goes without a search");
    assert!(!finds(&two).await && !finds(&cafe.site).await);
}
